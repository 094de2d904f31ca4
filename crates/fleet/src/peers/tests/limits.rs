//! Tests with peers that hang, lie or never stop.

use memory_debug_report::Fleet;

use super::super::ask::Peer;
use super::super::gather::limit;
use super::*;

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, asked) = peer(report(1));
    let head = |status| {
        format!("HTTP/1.1 {status} \r\nlocation: {elsewhere}/debug/memory\r\ncontent-length: 0\r\n\r\n")
    };
    let (mut all, mut expected) = (peers(), Vec::new());
    for status in [301, 302, 303, 307, 308] {
        let (url, _) = peer(head(status).into_bytes());
        all = all.instance(&url).unwrap();
        expected.push((url, "refused"));
    }
    expected.sort();
    let fleet = fleet(all);
    assert_eq!(missing(&fleet), expected.iter().map(|(url, why)| (url.as_str(), *why)).collect::<Vec<_>>());
    assert!(asked.try_recv().is_err());
}

#[test]
fn an_answer_that_is_too_long_or_not_a_report_is_refused() {
    let answers = [
        (answer(200, &" ".repeat(5 << 20)), "too-long"),
        (answer(200, &json!({"schema": "memory-debug/v2"}).to_string()), "no-report"),
        (b"\0\xff\r\n\r\n".to_vec(), "no-report"),
        (answer(200, &"[".repeat(100_000)), "no-report"),
        (answer(401, ""), "unauthorized"),
        (answer(403, ""), "forbidden"),
        (answer(503, ""), "refused"),
        (Vec::new(), "no-report"),
    ];
    let (mut all, mut expected) = (peers(), Vec::new());
    for (answer, reason) in answers {
        let (url, _) = peer(answer);
        all = all.instance(&url).unwrap();
        expected.push((url, reason));
    }
    let (listener, gone) = listen();
    drop(listener);
    all = all.instance(&gone).unwrap();
    expected.push((gone, "unreachable"));
    expected.sort();
    let fleet = fleet(all);
    assert_eq!(missing(&fleet), expected.iter().map(|(url, why)| (url.as_str(), *why)).collect::<Vec<_>>());
    assert_eq!((targets(&fleet), &fleet["complete"]), (vec!["this instance"], &json!(false)));
}

#[test]
fn a_peer_that_never_answers_or_never_finishes_is_missing_after_its_deadline() {
    let ((_stopped, silent), (trickling, slow)) = (listen(), listen());
    thread::spawn(move || {
        let (mut stream, _) = trickling.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let fleet = fleet(peers().instance(&silent).unwrap().instance(&slow).unwrap());
    let mut expected = [(silent.as_str(), "deadline"), (slow.as_str(), "deadline")];
    expected.sort();
    assert_eq!(missing(&fleet), expected);
}

#[test]
fn at_most_eight_peers_are_asked_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut all = peers();
    for number in 1..=24 {
        let (listener, url) = listen();
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            read_request(&mut stream);
            thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            stream.write_all(&report(number)).unwrap();
        });
        all = all.instance(&url).unwrap();
    }
    assert_eq!(fleet(all)["instances"].as_array().unwrap().len(), 25);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most}");
}

#[test]
fn the_number_of_configured_peers_is_limited() {
    let add = |peers: Peers, number: usize| {
        peers.instance(format!("https://10.0.{}.{}", number / 256, number % 256))
    };
    let all = (0..MAX_PEERS).try_fold(peers(), add).unwrap();
    assert_eq!(add(all, MAX_PEERS).unwrap_err().kind(), PeerErrorKind::Address);
}

#[test]
fn addresses_beyond_the_limit_are_counted() {
    let address = Address::parse("https://shop-headless").unwrap();
    let configured = ConfiguredPeer { address, is_every_address: true, allows_plain_http: false };
    let peer = |number: usize| Peer::new(number.to_string(), &configured, None);
    for (found, detail) in [
        (MAX_PEERS, None),
        (MAX_PEERS + 7, Some("7 more peers were found than the limit of 256; they are not asked")),
    ] {
        let mut peers = (0..found).map(peer).collect();
        let mut fleet = Fleet::new("peers");
        limit(&mut peers, &mut fleet);
        assert_eq!(peers.len(), MAX_PEERS);
        let missing = fleet.finish().missing;
        assert_eq!(missing.first().map(|missing| missing.detail.as_str()), detail);
    }
}
