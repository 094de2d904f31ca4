//! The page for a link from another site.

use maud::html;

use crate::layout;
use crate::site::Site;

/// Names the page that the link leads to, and links to it. It shows no data and needs no collection, because the other
/// site chose the moment. `query` is the query of the link.
pub fn interstitial(site: &Site, query: &str) -> String {
    let name = layout::name(site.path());
    let mark = if query.is_empty() { "" } else { "?" };
    let body = html! {
        p { "Another site links to this page. Nothing was collected yet." }
        p { a href=(site.link(&format!("{}{mark}{query}", site.path()))) { "Continue to " bdi { (name) } } }
    };
    layout::page(site, name, &[], &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s31_the_page_links_to_the_wanted_page_on_this_site_whatever_the_query_says() {
        for (path, query, link) in [
            ("", "", "./memory"),
            ("/types", "", "./types"),
            ("/types", "filter=a&top=5", "./types?filter=a&amp;top=5"),
            ("/types", "\"><script>", "./types?&quot;&gt;&lt;script&gt;"),
            ("/types", "//evil.example/", "./types?//evil.example/"),
            ("/heap/flamegraph", "", "../heap/flamegraph"),
        ] {
            let page = interstitial(&Site::new("/debug/memory", path, "ops", "read"), query);
            assert_eq!(page.matches("Continue to").count(), 1);
            assert!(page.contains(&format!("<a href=\"{link}\">Continue to ")), "{path} {query}: {page}");
            assert!(!page.contains("<script>"), "{page}");
        }
    }
}
