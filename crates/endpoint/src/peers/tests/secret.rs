//! The secret of peers: where it is sent, and what it gives access to.

use super::*;

#[test]
fn s16_peers_get_their_own_secret_and_never_the_callers_login() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(format!("{url}/internal/m")).unwrap());
    let expected = format!(
        "GET /internal/m?format=json&top=1000 HTTP/1.1\r\nhost: {}\r\nmemory-hop: 1\r\nconnection: close\r\n\
         authorization: {}\r\n\r\n",
        url.strip_prefix("http://").unwrap(),
        basic("memory-debug-peer", SECRET)
    );
    // No part of the request is passed on, not even `force`.
    for query in ["", "&top=3&filter=x", "&force=true"] {
        fleet_with(&endpoint, query);
        assert_eq!(asked.recv().unwrap(), expected, "{query}");
    }
}

#[test]
fn s16_nothing_shows_the_secret() {
    let peers = peers().instance("https://10.0.0.7").unwrap();
    let shown = format!("{peers:#?} {:?}", endpoint(peers.clone()));
    for secret in [SECRET, OPERATOR, &BASE64_STANDARD.encode(format!("{USER}:{SECRET}"))[..]] {
        assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", secret.as_bytes())), "{shown}");
    }
    assert!(shown.contains("10.0.0.7"), "{shown}");
}

#[test]
fn s15_the_secret_opens_only_the_overview_and_only_for_peers() {
    let endpoint = endpoint(peers()).role_for_types(Role::Profile);
    let status = |secret: &str, hop, path: &str, query: &str| {
        ask(&endpoint, &basic("memory-debug-peer", secret), hop, path, query).status
    };
    for hop in ["1", "2", "", "x"] {
        assert_eq!(status(SECRET, Some(hop), "/debug/memory", "format=json&top=1000"), 200, "{hop}");
    }
    assert_eq!(status(SECRET, None, "/debug/memory", "format=json"), 403);
    assert_eq!(status(SECRET, Some("1"), "/debug/memory", "force=true"), 403);
    for page in [
        "stats",
        "types",
        "doctor",
        "heap",
        "snapshots",
        "metrics",
        "profiling",
        "leaks",
        "fleet",
        "diff?base=first",
    ] {
        let (page, query) = page.split_once('?').unwrap_or((page, ""));
        for (hop, query) in [
            (Some("1"), query.to_owned()),
            (None, query.to_owned()),
            (Some("1"), format!("scope=peers&{query}")),
        ] {
            let status = status(SECRET, hop, &format!("/debug/memory/{page}"), &query);
            assert!(status == 403 || status == 400 && query.starts_with("scope"), "{page}?{query}: {status}");
        }
    }
    for wrong in ["", "c6Zt-Qw8_nYr5LmKd2HS", OPERATOR] {
        assert_eq!(status(wrong, Some("1"), "/debug/memory", ""), 401, "{wrong}");
    }
    assert_eq!(ask(&endpoint, &basic("ops", SECRET), Some("1"), "/debug/memory", "").status, 401);
}

#[test]
fn s14_two_secrets_are_accepted_while_they_change() {
    let new = "tB4x_Vh9-JmWq3PsZr7N";
    let endpoint = endpoint(peers().accept(new).unwrap());
    for secret in [SECRET, new] {
        assert_eq!(ask(&endpoint, &basic(USER, secret), Some("1"), "/debug/memory", "").status, 200);
    }
    let many = (0..8).try_fold(peers(), |peers, number| peers.accept(format!("{number}{new}")));
    assert!(many.is_err());
}

#[test]
fn s16_a_secret_that_is_an_operators_password_is_not_sent() {
    let (url, asked) = peer(report(1));
    let operators = Credentials::new("ops", OPERATOR).unwrap();
    let peers = peers().instance(url).unwrap();
    let endpoint = Endpoint::new(operators.clone()).collect_with(Reports(0)).peers(peers);
    let status =
        |password| ask(&endpoint, &basic("ops", password), None, "/debug/memory/fleet", "scope=peers").status;
    assert_eq!(status(OPERATOR), 200);
    asked.recv().unwrap();
    operators.replace(Credentials::new("ops", SECRET).unwrap());
    assert_eq!(status(SECRET), 503);
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_forwarded_request_cannot_ask_for_the_fleet() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(url).unwrap());
    let login = basic("ops", OPERATOR);
    assert_eq!(ask(&endpoint, &login, Some("1"), "/debug/memory/fleet", "scope=peers").status, 400);
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_request_cannot_name_peers() {
    let (elsewhere, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance("https://nowhere.invalid").unwrap());
    for parameter in ["peer", "peers", "instance", "url", "target"] {
        let query = format!("scope=peers&{parameter}={elsewhere}");
        let reply = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", &query);
        assert_eq!(reply.status, 400, "{parameter}");
    }
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_refused_address_or_authority_is_a_configuration_error() {
    let kind = |refused: Result<Peers, ConfigError>| refused.unwrap_err().kind();
    assert_eq!(kind(peers().instance("http://10.0.0.7")), ConfigErrorKind::InvalidPeer);
    assert_eq!(kind(peers().dns("shop")), ConfigErrorKind::InvalidPeer);
    assert_eq!(kind(peers().authority("no PEM")), ConfigErrorKind::InvalidAuthority);
}

#[test]
fn s62_addresses_are_shown_only_if_the_host_may_be() {
    let (url, _asked) = peer(report(1));
    let all = peers().instance(&url).unwrap().dns("https://nowhere.invalid").unwrap();
    let all = all.dns(url.replace("127.0.0.1", "localhost")).unwrap();
    let hidden = fleet_with(&endpoint(all.clone()).hide_host(), "");
    let shown = hidden.to_string();
    for host in ["127.0.0.1", "localhost", "nowhere", "node-7", "::1"] {
        assert!(!shown.contains(host), "{host}: {shown}");
    }
    let is_missing = missing(&hidden).iter().any(|(name, _)| *name == "peers 2");
    assert!(targets(&hidden).contains(&"peer 1") && is_missing, "{shown}");
    assert!(fleet(all).to_string().contains("127.0.0.1"));
}

#[test]
fn s15_names_of_types_need_the_same_role_as_elsewhere() {
    let readers = Credentials::new("ops", OPERATOR).unwrap().role(Role::Read);
    let endpoint =
        Endpoint::new(readers).collect_with(Reports(0)).peers(peers()).role_for_types(Role::Profile);
    let status = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers").status;
    assert_eq!(status, 403);
}

#[cfg(unix)]
type Read = fn(&Path) -> Result<Peers, CredentialsError>;

#[cfg(unix)]
#[test]
fn s16_a_secret_is_read_from_a_regular_file_without_blanks_at_its_ends() {
    let path = std::env::temp_dir().join(format!("memory-debug-peers-{}", std::process::id()));
    let refused = |read: Read| {
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()) && !error.contains(SECRET), "{error}");
        error
    };
    let ways: [Read; 2] = [|path| Peers::from_file(path), |path| peers().accept_file(path)];
    std::fs::write(&path, format!("{SECRET}\r\n")).unwrap();
    assert!(ways.iter().all(|read| read(&path).is_ok()));
    std::fs::write(&path, format!("{SECRET} \n")).unwrap();
    for read in ways {
        assert!(refused(read).contains("password refused: it ends with a space (U+0020)"));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for read in ways {
        assert!(refused(read).contains("it is a pipe, not a regular file"));
    }
    std::fs::remove_file(&path).unwrap();
}
