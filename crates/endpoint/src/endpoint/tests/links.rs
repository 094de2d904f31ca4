//! Links from other sites, which users follow.

use super::html::BROWSER;
use super::profiling::READER;
use super::*;

/// A browser that follows a link on a page of `site`.
fn link(login: &'static str, site: &'static str) -> [(&'static str, &'static str); 5] {
    [
        ("authorization", login),
        ("accept", BROWSER),
        ("sec-fetch-site", site),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ]
}

fn fixture(role_for_types: Role) -> Fixture {
    let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
    let credentials = Credentials::new("ops", PASSWORD).unwrap().and(reader).unwrap();
    let recorder = Recorder::default();
    let endpoint = Endpoint::new(credentials).collect_with(recorder.clone()).role_for_types(role_for_types);
    Fixture { endpoint, recorder }
}

#[test]
fn s31_a_link_of_another_site_opens_a_page_without_data_that_leads_on() {
    let fixture = fixture(Role::Read);
    for (target, href) in [
        ("/debug/memory/types", "./types"),
        ("/debug/memory/types?top=5&filter=Type1", "./types?top=5&amp;filter=Type1"),
        ("/debug/memory/leaks", "./leaks"),
        ("/debug/memory/heap", "./heap"),
        ("/debug/memory/heap/flamegraph", "../heap/flamegraph"),
        ("/debug/memory/profiling", "./profiling"),
        (
            "/debug/memory/snapshots/000102030405060708090a0b0c0d0e0f",
            "../snapshots/000102030405060708090a0b0c0d0e0f",
        ),
    ] {
        for site in ["cross-site", "same-site"] {
            for login in [RIGHT, READER] {
                let reply = fixture.send("GET", target, &link(login, site));
                assert_eq!((reply.status, header(&reply, "etag")), (200, None), "{target}");
                let page = text(&reply);
                assert!(page.contains(&format!("<a href=\"{href}\">Continue to ")), "{target}: {page}");
                assert!(!page.contains("Type1<") && !page.contains("<form"), "{target}: {page}");
            }
        }
    }
    assert_eq!(fixture.collections(), 0);
    // The link on that page is one of ours.
    let followed = link(RIGHT, "same-origin");
    let page = fixture.send("GET", "/debug/memory/types?top=5&filter=Type1", &followed);
    assert!(page.status == 200 && text(&page).contains("Type1<"), "{}", text(&page));
}

#[test]
fn s31_another_site_cannot_choose_to_force_a_collection() {
    let fixture = fixture(Role::Read);
    for query in ["force=true", "force", "force=false&force=true"] {
        let reply = fixture.send("GET", &format!("/debug/memory/types?{query}"), &link(RIGHT, "cross-site"));
        assert!(text(&reply).contains("<a href=\"./types\">Continue"), "{query}: {}", text(&reply));
    }
    let target = "/debug/memory/types?force=true&top=5&enforce=1";
    let reply = fixture.send("GET", target, &link(RIGHT, "cross-site"));
    assert!(text(&reply).contains("<a href=\"./types?top=5&amp;enforce=1\">"), "{}", text(&reply));
}

#[test]
fn s64_a_link_passes_on_only_what_browsers_write() {
    let fixture = fixture(Role::Read);
    for query in [&*"x".repeat(5000), "filter=\u{7}", "filter=\u{202e}x", "filter=\u{fc}", "filter=a b"] {
        let reply = fixture.send("GET", &format!("/debug/memory/types?{query}"), &link(RIGHT, "cross-site"));
        assert!(text(&reply).contains("<a href=\"./types\">Continue"), "{query}: {}", text(&reply));
    }
}

#[test]
fn s62_a_link_to_the_overview_opens_it_only_if_every_login_may_see_types() {
    for (role, collections) in [(Role::Read, 1), (Role::Profile, 0)] {
        let fixture = fixture(role);
        let reply = fixture.send("GET", "/debug/memory", &link(RIGHT, "cross-site"));
        assert_eq!((reply.status, fixture.collections()), (200, collections), "{role:?}");
        let page = text(&reply);
        assert_eq!(page.contains("Type1<"), role == Role::Read, "{role:?}: {page}");
        assert_eq!(
            page.contains("<a href=\"./memory\">Continue to "),
            role == Role::Profile,
            "{role:?}: {page}"
        );
    }
}

#[test]
fn s31_all_else_that_another_site_sends_is_refused() {
    let fixture = fixture(Role::Read);
    let with = |name: &str, value: &'static str| {
        link(RIGHT, "cross-site").map(|(known, old)| (known, if known == name { value } else { old }))
    };
    for (method, target, headers) in [
        // Frames, images, fetches.
        ("GET", "/debug/memory/types", with("sec-fetch-dest", "iframe")),
        ("GET", "/debug/memory/types", with("sec-fetch-dest", "image")),
        ("GET", "/debug/memory/types", with("sec-fetch-mode", "cors")),
        // Other methods than a link has.
        ("HEAD", "/debug/memory/types", with("", "")),
        ("POST", "/debug/memory/snapshots", with("", "")),
        ("POST", "/debug/memory/purge", with("", "")),
        // No page that a browser shows.
        ("GET", "/debug/memory/unknown", with("", "")),
        ("GET", "/debug/memory/purge", with("", "")),
        ("GET", "/debug/memory/types?format=json", with("", "")),
        ("GET", "/debug/memory/types", with("accept", "application/json")),
        ("GET", "/debug/memory/types", with("accept", "*/*")),
    ] {
        let reply = fixture.send(method, target, &headers);
        assert_eq!(reply.status, 403, "{method} {target} {headers:?}");
        assert!(!text(&reply).contains("Continue"), "{}", text(&reply));
    }
    let page = text(&fixture.get_accepting("/debug/memory", BROWSER)).to_owned();
    let asset = page.split("href=\"./memory/assets/").nth(1).unwrap().split('"').next().unwrap();
    let asset = format!("/debug/memory/assets/{asset}");
    assert_eq!(fixture.get(&asset).status, 200);
    assert_eq!(fixture.send("GET", &asset, &link(RIGHT, "cross-site")).status, 403);
}
