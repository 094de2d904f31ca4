//! Forms of browsers: `POST /snapshots`, `/snapshots/{id}/delete`, `/profiling`, `/purge` and `/trace`.
//!
//! The process of these tests has no jemalloc, and the page no tracer, so a change that passes all checks is
//! answered 501.

use super::html::BROWSER;
use super::profiling::{PROFILING, READER, answer, endpoint, outcome};
use super::*;

const SNAPSHOTS: &str = "/debug/memory/snapshots";
const DELETE: &str = "/debug/memory/snapshots/000102030405060708090a0b0c0d0e0f/delete";
const PURGE: &str = "/debug/memory/purge";
const TRACE: &str = "/debug/memory/trace";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The statuses of changes that pass all checks, in a process without jemalloc and without a tracer.
const CHANGES: [(&str, u16); 5] =
    [(SNAPSHOTS, 501), (DELETE, 404), (PROFILING, 501), (PURGE, 501), (TRACE, 501)];

const ON: &[u8] = b"active=true&for_seconds=300&sample_bytes=&if_match=";

/// The reply to a form that our own page sends.
fn post(target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let own = [("authorization", RIGHT), ("accept", BROWSER), ("sec-fetch-site", "same-origin"), FORM];
    let named: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let own = own.into_iter().filter(|(name, _)| !named.contains(name));
    let headers: Vec<_> = own.chain(headers.iter().copied()).collect();
    answer(outcome(&endpoint(), "POST", target, &headers), &[body])
}

fn body_for(target: &str) -> &'static [u8] {
    match target {
        SNAPSHOTS => b"label=before",
        PROFILING => ON,
        TRACE => b"seconds=30",
        _ => b"",
    }
}

#[test]
fn forms_reach_the_change_and_its_problems_are_pages() {
    for (target, status) in CHANGES {
        let reply = post(target, &[], body_for(target));
        let content_type = header(&reply, "content-type");
        assert_eq!((reply.status, content_type), (status, Some("text/html; charset=utf-8")), "{target}");
        assert_eq!(header(&reply, "referrer-policy"), Some("same-origin"), "the next form needs an origin");
        for (accept, expected) in
            [("*/*", "text/plain; charset=utf-8"), ("application/json", "application/problem+json")]
        {
            let reply = post(target, &[("accept", accept)], body_for(target));
            assert_eq!((reply.status, header(&reply, "content-type")), (status, Some(expected)), "{target}");
        }
    }
}

#[test]
fn s30_only_forms_of_our_own_page_make_changes() {
    for (target, status) in CHANGES {
        for (site, origin, host, expected) in [
            ("same-origin", "http://10.0.0.5:3000", "10.0.0.5:3000", status),
            ("cross-site", "http://10.0.0.5:3000", "10.0.0.5:3000", 403),
            ("same-site", "http://10.0.0.5:3000", "10.0.0.5:3000", 403),
            // Over plain HTTP, browsers name only the origin.
            ("", "http://10.0.0.5:3000", "10.0.0.5:3000", status),
            ("", "http://10.0.0.5:3001", "10.0.0.5:3000", 403),
            ("", "null", "10.0.0.5:3000", 403),
            ("", "http://attacker.example", "10.0.0.5:3000", 403),
        ] {
            let all = [
                ("authorization", RIGHT),
                FORM,
                ("sec-fetch-site", site),
                ("origin", origin),
                ("host", host),
            ];
            let sent: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let outcome = outcome(&endpoint(), "POST", target, &sent);
            assert!(expected != 403 || !outcome.needs_body(), "{target} {site} {origin}");
            let reply = answer(outcome, &[body_for(target)]);
            assert_eq!(reply.status, expected, "{target} {site} {origin}");
        }
    }
}

#[test]
fn s15_a_reader_changes_nothing_and_its_body_is_not_read() {
    for (target, _) in CHANGES {
        for accept in [BROWSER, "*/*"] {
            let headers = [("authorization", READER), ("accept", accept), FORM];
            let outcome = outcome(&endpoint(), "POST", target, &headers);
            assert!(!outcome.needs_body(), "{target}");
            assert_eq!(answer(outcome, &[]).status, 403, "{target}");
        }
    }
}

#[test]
fn s62_a_login_that_may_not_see_types_gains_nothing_by_forms() {
    let endpoint = endpoint().role_for_types(Role::Profile);
    for (target, status) in CHANGES {
        for (login, expected) in [(READER, 403), (RIGHT, status)] {
            let outcome = outcome(&endpoint, "POST", target, &[("authorization", login), FORM]);
            assert_eq!(answer(outcome, &[body_for(target)]).status, expected, "{target}");
        }
    }
    for deleted in ["", "?deleted=000102030405060708090a0b0c0d0e0f"] {
        let list = outcome(&endpoint, "GET", &format!("{SNAPSHOTS}{deleted}"), &[("authorization", READER)]);
        assert_eq!(answer(list, &[]).status, 403, "{deleted}");
    }
}

#[cfg(feature = "peers")]
#[test]
fn s15_the_secret_of_peers_opens_no_form_and_no_link() {
    // `memory-debug-peer:c6Zt-Qw8_nYr5LmKd2Hs`
    const PEER: &str = "Basic bWVtb3J5LWRlYnVnLXBlZXI6YzZadC1RdzhfbllyNUxtS2QySHM=";
    let endpoint = endpoint().peers(Peers::new("c6Zt-Qw8_nYr5LmKd2Hs").unwrap());
    for hop in [None, Some(("memory-hop", "1"))] {
        let own = [("authorization", PEER), ("accept", BROWSER)];
        let form: Vec<_> = own.into_iter().chain([FORM]).chain(hop).collect();
        for (target, _) in CHANGES {
            let outcome = outcome(&endpoint, "POST", target, &form);
            assert!(!outcome.needs_body(), "{target}");
            assert_eq!(answer(outcome, &[]).status, 403, "{target}");
        }
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let link: Vec<_> = own.into_iter().chain(link).chain(hop).collect();
        assert_eq!(answer(outcome(&endpoint, "GET", "/debug/memory/types", &link), &[]).status, 403);
    }
}

#[test]
fn s26_the_form_is_read_only_after_all_other_checks_pass() {
    for (target, read) in [(PROFILING, 501), (SNAPSHOTS, 501), (TRACE, 501)] {
        // At first everything is wrong. Each step corrects the fault that was found.
        let wrong = format!("{target}?x=1");
        let (mut method, mut asked) = ("PATCH", &*wrong);
        let mut headers = vec![
            ("authorization", WRONG),
            ("sec-fetch-site", "cross-site"),
            ("accept", "image/png"),
            FORM,
            ("content-encoding", "gzip"),
            ("content-length", "16385"),
        ];
        let endpoint = endpoint();
        let mut statuses = Vec::new();
        for step in 0.. {
            let outcome = outcome(&endpoint, method, asked, &headers);
            assert_eq!(outcome.needs_body(), step == 8, "{step}");
            statuses.push(answer(outcome, &[body_for(target)]).status);
            match step {
                0 => headers[0].1 = READER,
                1 => headers[1].1 = "same-origin",
                2 => method = "POST",
                3 => asked = target,
                4 => headers[2].1 = "text/html",
                5 => headers[0].1 = RIGHT,
                6 => headers[4].1 = "identity",
                7 => headers[5].1 = "16384",
                _ => break,
            }
        }
        // Password, origin of the request, method, parameters, format, role, encoding, length, and then the body.
        assert_eq!(statuses, [401, 403, 405, 400, 406, 403, 415, 413, read], "{target}");
    }
}

#[test]
fn s26_a_snapshot_leaves_every_body_unread_that_is_not_a_form() {
    let endpoint = endpoint();
    for types in
        [&[][..], &[""], &["application/json"], &["text/plain"], &["multipart/form-data"], &[FORM.1, FORM.1]]
    {
        let types = types.iter().map(|value| ("content-type", *value));
        let headers: Vec<_> =
            [("authorization", RIGHT), ("content-length", "5")].into_iter().chain(types).collect();
        for target in [SNAPSHOTS, DELETE, PURGE] {
            assert!(!outcome(&endpoint, "POST", target, &headers).needs_body(), "{headers:?}");
        }
        let profiling = answer(outcome(&endpoint, "POST", PROFILING, &headers), &[]);
        assert_eq!(profiling.status, 415, "{headers:?}");
        assert!(text(&profiling).contains(FORM.1), "{}", text(&profiling));
    }
    for typed in [FORM.1, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"] {
        let headers = [("authorization", RIGHT), ("content-type", typed)];
        assert!(outcome(&endpoint, "POST", SNAPSHOTS, &headers).needs_body(), "{typed}");
        // These forms have no fields.
        for target in [DELETE, PURGE] {
            assert!(!outcome(&endpoint, "POST", target, &headers).needs_body(), "{target}");
        }
    }
}

#[test]
fn s24_a_wrong_field_is_refused_by_name() {
    let long = format!("label={}", "x".repeat(129));
    for (target, form, words) in [
        (SNAPSHOTS, "x=1", "`x` is not a parameter of this page; it has label"),
        (SNAPSHOTS, "format=json", "`format` is not a parameter"),
        (SNAPSHOTS, "instance=x", "`instance` is not a parameter"),
        (SNAPSHOTS, "force=true", "`force` is not a parameter"),
        (SNAPSHOTS, "_method=DELETE", "`_method` is not a parameter"),
        (SNAPSHOTS, "label=a&label=b", "`label` is given twice"),
        (SNAPSHOTS, "label=%0a", "`label` must not contain control characters"),
        (SNAPSHOTS, "label=%ff", "`label` is not percent-encoded UTF-8"),
        (SNAPSHOTS, &long, "`label` must have at most 128 bytes"),
        (PROFILING, "", "missing field `active`"),
        (PROFILING, "active=", "missing field `active`"),
        (PROFILING, "active", "missing field `active`"),
        (PROFILING, "active=true&for_seconds=%2B1", "`for_seconds` must be a number"),
        (PROFILING, "active=on", "`active` must be `true` or `false`"),
        (PROFILING, "active=true", "for_seconds is missing"),
        (PROFILING, "active=true&for_seconds=", "for_seconds is missing"),
        (PROFILING, "active=true&for_seconds=1.5", "`for_seconds` must be a number"),
        (PROFILING, "active=true&for_seconds=3601", "for_seconds must be a number from 1 to 3600"),
        (PROFILING, "active=true&for_seconds=1&sample_bytes=5000", "sample_bytes must be a power of two"),
        (PROFILING, "active=false&for_seconds=1", "takes no other field"),
        (PROFILING, "active=false&active=true", "`active` is given twice"),
        (PROFILING, "{\"active\":false}", "is not a parameter of this page"),
    ] {
        let reply = post(target, &[("accept", "*/*")], form.as_bytes());
        assert_eq!(reply.status, 400, "{target} {form}");
        assert!(text(&reply).contains(words), "{form}: {}", text(&reply));
    }
    let both = post(&format!("{SNAPSHOTS}?label=a"), &[("accept", "*/*")], b"label=b");
    assert!(both.status == 400 && text(&both).contains("`label` is given twice"), "{both:?}");
    let not_utf_8 = post(SNAPSHOTS, &[], b"label=\xff");
    assert_eq!(not_utf_8.status, 400);
}

#[test]
fn s34_the_fields_of_a_form_are_text_on_the_page_about_their_fault() {
    for form in
        ["<script>=1", "active=<script>", "for_seconds=\"><img>", "active=true&for_seconds=1&if_match=<b>"]
    {
        let page = post(PROFILING, &[], form.as_bytes());
        for forbidden in ["<script>", "<img>", "<b>"] {
            assert!(!text(&page).contains(forbidden), "{form}: {}", text(&page));
        }
    }
}

#[test]
fn a_label_can_stand_in_the_address_with_and_without_a_form() {
    for (target, form) in [
        (format!("{SNAPSHOTS}?label=a"), &b""[..]),
        (format!("{SNAPSHOTS}?label=a"), b"label="),
        (SNAPSHOTS.to_owned(), b"label=a"),
        (SNAPSHOTS.to_owned(), b""),
    ] {
        assert_eq!(post(&target, &[], form).status, 501, "{target}");
        assert_eq!(post(&target, &[("content-type", "text/plain")], b"").status, 501, "{target}");
    }
}

#[test]
fn a_form_states_its_condition_once() {
    let tagged = b"active=false&if_match=%22x%22";
    let both = post(PROFILING, &[("if-match", "\"x\""), ("accept", "*/*")], tagged);
    assert!(both.status == 400 && text(&both).contains("`if_match` cannot be combined"), "{both:?}");
    assert_eq!(post(PROFILING, &[("if-match", "\"x\"")], b"active=false").status, 501);
    assert_eq!(post(PROFILING, &[], tagged).status, 501);
}

#[test]
fn s23_a_header_or_field_does_not_override_the_method() {
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let path = DELETE.strip_suffix("/delete").unwrap();
        assert_eq!(post(path, &[(name, "DELETE")], b"_method=DELETE").status, 405, "{name}");
    }
}
