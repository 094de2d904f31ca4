//! A file that leads a browser to an address.

use maud::{DOCTYPE, html};

/// A page that leads to `address` at once, or by a link where a browser does not follow by itself.
pub fn leading_to(address: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="referrer" content="no-referrer";
                meta http-equiv="refresh" content={ "0; url=" (address) };
                title { "memory-debug ui" }
            }
            body { p { a href=(address) { "Open the memory page" } } }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s34_an_address_stays_inside_of_its_attributes() {
        let html = leading_to("http://127.0.0.1:4000/0123/debug/memory?\"><script>&");
        let escaped = "http://127.0.0.1:4000/0123/debug/memory?&quot;&gt;&lt;script&gt;&amp;";
        assert_eq!(html.matches(escaped).count(), 2, "{html}");
    }
}
