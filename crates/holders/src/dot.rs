//! A graph in the language of Graphviz.

use std::fmt::{self, Display, Formatter, Write};

use memory_debug_report::units::{Bytes, printable};

use crate::graph::{GraphKind, HolderGraph};

impl HolderGraph {
    /// Writes the graph for Graphviz (`dot -Tsvg`). All names are quoted and escaped.
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write_dot(&self, title: &str, out: &mut (impl Write + ?Sized)) -> fmt::Result {
        writeln!(out, "digraph holders {{\n  rankdir=LR;\n  label=\"{}\";", Quoted(title))?;
        writeln!(out, "  node [shape=box, style=\"filled,rounded\", fillcolor=\"#f4f6f8\"];")?;
        for (at, node) in self.nodes.iter().enumerate() {
            let style = match node.kind {
                GraphKind::Root => ", fillcolor=\"#d4e5f9\"",
                GraphKind::Unreachable => ", fillcolor=\"#fde0c2\"",
                GraphKind::More => ", style=dashed",
                GraphKind::Type => "",
            };
            writeln!(out, "  n{at} [label=\"{}\\n{}\"{style}];", Quoted(&node.name), Bytes(node.bytes))?;
        }
        for edge in &self.edges {
            writeln!(out, "  n{} -> n{} [label=\"{}\"];", edge.from, edge.to, Bytes(edge.bytes))?;
        }
        out.write_str("}\n")
    }
}

/// Text between double quotes, where Graphviz gives a meaning to quotes and to backslashes.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in printable(self.0).chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn dot(name: &str) -> String {
        let mut dot = String::new();
        HolderGraph::of(&sample::named(name), 100).write_dot(name, &mut dot).unwrap();
        dot
    }

    #[test]
    fn nodes_have_their_names_and_bytes_and_edges_lead_to_what_is_held() {
        let mut dot = String::new();
        HolderGraph::of(&sample::report(), 5).write_dot("shop", &mut dot).unwrap();
        let expected = "\
digraph holders {
  rankdir=LR;
  label=\"shop\";
  node [shape=box, style=\"filled,rounded\", fillcolor=\"#f4f6f8\"];
  n0 [label=\"static shop::SESSIONS\\n23.40 MiB\", fillcolor=\"#d4e5f9\"];
  n1 [label=\"HashMap<u64, Arc<Session>>\\n23.40 MiB\"];
  n2 [label=\"Session\\n23.40 MiB\"];
  n3 [label=\"String\\n23.40 MiB\"];
  n4 [label=\"6 more chains\\n15.00 MiB\", style=dashed];
  n0 -> n1 [label=\"23.40 MiB\"];
  n1 -> n2 [label=\"23.40 MiB\"];
  n2 -> n3 [label=\"23.40 MiB\"];
}
";
        assert_eq!(dot, expected);
    }

    /// The text with everything between double quotes left out.
    fn outside_quotes(dot: &str) -> String {
        let (mut is_inside, mut is_escaped) = (false, false);
        let mut outside = String::new();
        for c in dot.chars() {
            match (is_inside, c) {
                (true, _) if is_escaped => is_escaped = false,
                (true, '\\') => is_escaped = true,
                (_, '"') => is_inside = !is_inside,
                (true, _) => {}
                (false, c) => outside.push(c),
            }
        }
        outside
    }

    #[test]
    fn s64_names_stay_between_their_quotes() {
        let hostile = format!("{}\\\"; evil -> n0; \\", sample::HOSTILE);
        assert_eq!(outside_quotes(&dot(&hostile)), outside_quotes(&dot("x")));
        assert!(!outside_quotes(&dot(&hostile)).contains("evil"));
    }
}
