//! The heap profile for `go tool pprof`: at Go's paths, as growth, with addresses; and errors that the tool shows.

use super::*;

const ALIASES: [&str; 2] = ["/debug/pprof/heap", "/debug/pprof/allocs"];

/// The status of a request for a heap profile. The recorder's report does not have one.
const NO_PROFILE: u16 = 501;

fn with_aliases() -> Fixture {
    Fixture::with(|endpoint| endpoint.pprof_aliases())
}

#[test]
fn aliases_belong_to_the_application_unless_opted_in() {
    let (closed, open) = (Fixture::new(), with_aliases());
    for alias in ALIASES {
        assert!(!closed.endpoint.matches(alias), "{alias}");
        assert!(open.endpoint.matches(alias), "{alias}");
        assert_eq!(closed.get(alias).status, 404);
        assert_eq!(open.get(alias).status, NO_PROFILE);
    }
    assert_eq!((closed.endpoint.alias_paths(), open.endpoint.alias_paths()), (&[][..], &ALIASES[..]));
    assert_eq!((closed.collections(), open.collections()), (0, 2));
}

#[test]
fn s20_only_the_exact_paths_are_aliases() {
    let fixture = with_aliases();
    for path in [
        "/debug/pprof",
        "/debug/pprof/",
        "/debug/pprof/heap/",
        "/debug/pprof/heaps",
        "/debug/pprof/profile",
        "/debug/pprof//heap",
        "/debug/pprof/he%61p",
        "/Debug/pprof/heap",
        "//debug/pprof/heap",
    ] {
        assert!(!fixture.endpoint.matches(path), "{path}");
        assert_eq!(fixture.get(path).status, 404, "{path}");
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn aliases_stay_at_their_paths_whatever_the_base_path() {
    for base in ["/internal", "/debug/pprof", "/debug"] {
        let fixture = Fixture::with(|endpoint| endpoint.pprof_aliases().path(base).unwrap());
        for alias in ALIASES {
            // A parameter that only the alias has.
            assert_eq!(fixture.get(&format!("{alias}?gc=1")).status, NO_PROFILE, "{base} {alias}");
        }
        assert_eq!(
            fixture.get(&format!("{base}/heap?symbols=none")).status,
            match base {
                // Here the alias takes precedence.
                "/debug/pprof" => 400,
                _ => NO_PROFILE,
            }
        );
    }
}

#[test]
fn s02_an_alias_requires_the_password_before_any_other_check() {
    let fixture = with_aliases();
    let refusal = fixture.send("GET", "/debug/memory", &[]);
    for alias in ALIASES {
        for target in [alias.to_owned(), format!("{alias}?x=1")] {
            for headers in [&[][..], &[("authorization", WRONG)]] {
                assert_eq!(fixture.send("GET", &target, headers), refusal, "{target}");
                assert_eq!(fixture.send("POST", &target, headers), refusal, "{target}");
            }
        }
    }
    let hidden = Fixture::with(|endpoint| endpoint.pprof_aliases().hide());
    assert_eq!(hidden.send("GET", ALIASES[0], &[]).status, 404);
}

#[test]
fn s15_aliases_need_the_same_role_as_the_heap() {
    let reader = Credentials::new("ops", PASSWORD).unwrap().role(Role::Read);
    let recorder = Recorder::default();
    let endpoint = Endpoint::new(reader).collect_with(recorder.clone()).pprof_aliases();
    let fixture = Fixture { endpoint, recorder };
    for target in [ALIASES[0], ALIASES[1], "/debug/memory/heap", "/debug/memory/heap?format=raw&top=1"] {
        let reply = fixture.get(target);
        assert_eq!((reply.status, text(&reply).contains("forbidden role")), (403, true), "{target}");
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn aliases_have_the_parameters_of_go_and_ignore_accept() {
    let fixture = with_aliases();
    for alias in ALIASES {
        for query in
            ["", "?debug=0", "?debug=1", "?gc=1", "?gc=", "?seconds=60", "?debug=0&seconds=1&gc=true"]
        {
            let reply = fixture.get(&format!("{alias}{query}"));
            assert_eq!(reply.status, NO_PROFILE, "{alias}{query}");
        }
        for accept in ["text/html", "application/json", "image/png", "*/*;q=0"] {
            let reply = fixture.get_accepting(alias, accept);
            assert_eq!(reply.status, NO_PROFILE, "{alias} {accept}");
            assert_eq!(header(&reply, "content-type"), Some("text/plain; charset=utf-8"), "{accept}");
        }
        let head = fixture.send("HEAD", alias, &[("authorization", RIGHT), ("accept", "image/png")]);
        assert_eq!((head.status, header(&head, "content-type")), (200, Some("application/octet-stream")));
        assert_eq!(header(&head, "content-disposition"), Some("attachment; filename=\"heap.pb.gz\""));
        let debug = fixture.send("HEAD", &format!("{alias}?debug=1"), &[("authorization", RIGHT)]);
        assert_eq!(header(&debug, "content-type"), Some("text/plain; charset=utf-8"));
        let post = fixture.send("POST", alias, &[("authorization", RIGHT)]);
        assert_eq!((post.status, header(&post, "allow")), (405, Some("GET, HEAD")));
        for query in ["format=json", "force=true", "top=3", "symbols=none", "seconds=0", "seconds=1&debug=1"]
        {
            assert_eq!(fixture.get(&format!("{alias}?{query}")).status, 400, "{query}");
        }
        let cross_site = [("authorization", RIGHT), ("sec-fetch-site", "cross-site")];
        assert_eq!(fixture.send("GET", alias, &cross_site).status, 403);
    }
}

#[test]
fn pprof_shows_the_errors_of_all_its_requests() {
    let fixture = with_aliases();
    for (target, status) in [
        ("/debug/memory/heap", NO_PROFILE),
        ("/debug/memory/heap?debug=1", NO_PROFILE),
        ("/debug/memory/heap?format=collapsed", NO_PROFILE),
        ("/debug/memory/heap?format=heapsnapshot", NO_PROFILE),
        ("/debug/memory/heap?seconds=3", NO_PROFILE),
        ("/debug/memory/heap?format=raw", 403),
        ("/debug/memory/heap?x=1", 400),
        ("/debug/memory/heap?format=svg", 400),
        ("/debug/pprof/heap", NO_PROFILE),
        ("/debug/pprof/allocs?debug=1", NO_PROFILE),
        ("/debug/pprof/allocs?format=json", 400),
    ] {
        let reply = fixture.get(target);
        assert_eq!((reply.status, header(&reply, "x-go-pprof")), (status, Some("1")), "{target}");
        assert_eq!(header(&reply, "content-type"), Some("text/plain; charset=utf-8"), "{target}");
    }
    let json = fixture.get("/debug/memory/heap?format=json");
    assert_eq!(header(&json, "content-type"), Some("application/problem+json"));
    for other in ["/debug/memory/heap/flamegraph?x=1", "/debug/memory/types?x=1", "/debug/memory/unknown"] {
        assert_eq!(header(&fixture.get(other), "x-go-pprof"), None, "{other}");
    }
}

#[test]
fn s60_addresses_need_an_opt_in_and_the_refusal_names_it() {
    let (closed, open) = (Fixture::new(), Fixture::with(|endpoint| endpoint.allow_raw_addresses()));
    let refusal = closed.get("/debug/memory/heap?format=raw");
    assert_eq!((refusal.status, closed.collections()), (403, 0));
    assert!(text(&refusal).contains("`Endpoint::allow_raw_addresses()`"), "{}", text(&refusal));
    let head = [("authorization", RIGHT)];
    assert_eq!(closed.send("HEAD", "/debug/memory/heap?format=raw", &head).status, 403);
    assert_eq!(open.get("/debug/memory/heap?format=raw").status, NO_PROFILE);
    // No value of `Accept` selects the dump.
    for accept in ["text/plain", "text/*", "*/*"] {
        let reply = closed.send("HEAD", "/debug/memory/heap", &[head[0], ("accept", accept)]);
        assert_eq!(reply.status, 200);
        assert_ne!(header(&reply, "content-disposition"), Some("attachment; filename=\"jeprof.heap\""));
    }
}

#[test]
fn profiles_are_saved_under_names_that_fit_their_format() {
    let fixture = Fixture::with(|endpoint| endpoint.allow_raw_addresses());
    for (format, disposition) in [
        ("pprof", Some("attachment; filename=\"heap.pb.gz\"")),
        ("heapprofile", Some("attachment; filename=\"heap.heapprofile\"")),
        ("heapsnapshot", Some("attachment; filename=\"heap.heapsnapshot\"")),
        ("heaptimeline", Some("attachment; filename=\"heap.heaptimeline\"")),
        ("speedscope", Some("attachment; filename=\"heap.speedscope.json\"")),
        ("callgrind", Some("attachment; filename=\"heap.callgrind\"")),
        ("raw", Some("attachment; filename=\"jeprof.heap\"")),
        ("text", None),
        ("json", None),
        ("collapsed", None),
    ] {
        let target = format!("/debug/memory/heap?format={format}");
        let reply = fixture.send("HEAD", &target, &[("authorization", RIGHT)]);
        assert_eq!((reply.status, header(&reply, "content-disposition")), (200, disposition), "{format}");
    }
}

#[test]
fn s40_growth_that_cannot_be_measured_costs_one_collection_and_no_wait() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/debug/memory/heap?seconds=60").status, NO_PROFILE);
    assert_eq!(fixture.collections(), 1);
    let head = fixture.send("HEAD", "/debug/memory/heap?seconds=60", &[("authorization", RIGHT)]);
    assert_eq!((head.status, fixture.collections()), (200, 1));
}
