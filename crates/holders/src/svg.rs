//! A graph as SVG, a file of its own.

use std::fmt::{self, Display, Formatter, Write};

use memory_debug_report::units::printable;

use crate::graph::{GraphKind, HolderGraph};
use crate::graph_layout::GraphBox;

impl HolderGraph {
    /// Writes the graph as SVG with its title. It has no script, no style sheet and no link, and all text is escaped.
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write_svg(&self, title: &str, out: &mut (impl Write + ?Sized)) -> fmt::Result {
        let picture = self.picture();
        let (width, height) = (picture.width, picture.height);
        write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-labelledby=\"title\" font-family=\"ui-monospace, monospace\" font-size=\"12\">\n\
             <title id=\"title\">{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            Xml(title)
        )?;
        for curve in &picture.curves {
            writeln!(
                out,
                "<path d=\"{}\" fill=\"none\" stroke=\"#7c8894\" stroke-opacity=\".5\" stroke-width=\"{:.1}\"><title>{}</title></path>",
                curve.path,
                curve.width,
                Xml(&curve.title)
            )?;
        }
        picture.boxes.iter().try_for_each(|drawn| write_box(drawn, out))?;
        out.write_str("</svg>\n")
    }
}

fn write_box(drawn: &GraphBox, out: &mut (impl Write + ?Sized)) -> fmt::Result {
    let (x, y) = (drawn.x, drawn.y);
    write!(out, "<g><title>{}</title>", Xml(&drawn.title))?;
    let fill = match drawn.kind {
        GraphKind::Root => "#d4e5f9",
        GraphKind::Unreachable => "#fde0c2",
        GraphKind::Type => "#f4f6f8",
        GraphKind::More => "#ffffff",
    };
    write!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{fill}\" stroke=\"#57606a\"/>",
        drawn.width, drawn.height
    )?;
    for (line, text) in [(18, &drawn.name), (36, &drawn.bytes)] {
        write!(out, "<text x=\"{}\" y=\"{}\" fill=\"#1c2128\">{}</text>", x + 8, y + line, Xml(text))?;
    }
    out.write_str("</g>\n")
}

/// Text for XML: printable, and without characters that mean something there.
struct Xml<'t>(&'t str);

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in printable(self.0).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn svg(name: &str) -> String {
        let mut svg = String::new();
        HolderGraph::of(&sample::named(name), 100).write_svg(name, &mut svg).unwrap();
        svg
    }

    #[test]
    fn every_node_is_a_box_with_a_title_and_every_edge_is_a_curve() {
        let graph = HolderGraph::of(&sample::report(), 100);
        let mut svg = String::new();
        graph.write_svg("who holds the memory of shop", &mut svg).unwrap();
        assert_eq!(svg.matches("<g><title>").count(), graph.nodes.len());
        assert_eq!(svg.matches("<path ").count(), graph.edges.len());
        for wanted in [
            "role=\"img\" aria-labelledby=\"title\"",
            "<title id=\"title\">who holds the memory of shop</title>",
            "<title>HashMap&lt;u64, Arc&lt;Session&gt;&gt;: 23.40 MiB</title>",
            ">static shop::SESSIONS</text>",
        ] {
            assert!(svg.contains(wanted), "{wanted}: {svg}");
        }
    }

    #[test]
    fn s34_names_do_not_change_the_shape_of_a_picture() {
        let (plain, hostile) = (svg("x"), svg(sample::HOSTILE));
        for shape in ["<", ">", "\"", "'", "\n"] {
            assert_eq!(hostile.matches(shape).count(), plain.matches(shape).count(), "{shape:?}: {hostile}");
        }
        for forbidden in ["<script", "href", "style=", "onload", "url("] {
            assert!(!hostile.contains(forbidden), "{forbidden}: {hostile}");
        }
        assert!(hostile.contains("&lt;script&gt;alert(1)"), "{hostile}");
    }
}
