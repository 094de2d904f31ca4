//! What one that hangs, lies or goes on for ever can do, here and elsewhere.

use memory_debug_core::{Collected, Fleet, Resource};

use super::super::ask::Peer;
use super::super::gather::limit;
use super::*;

/// The same where there is too little memory for it.
struct NoRoom;

impl Collect for NoRoom {
    fn collect(&self, scope: Scope) -> Collected {
        Reports(0).collect(scope)
    }

    fn headroom(&self, _: Scope) -> Result<(), Shortage> {
        Err(Shortage { needed_bytes: 7, available_bytes: 5, resource: Resource::Memory })
    }
}

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
fn an_answer_that_is_too_long_or_no_report_is_not_taken() {
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
    let (nobody, gone) = listen();
    drop(nobody);
    all = all.instance(&gone).unwrap();
    expected.push((gone, "unreachable"));
    expected.sort();
    let fleet = fleet(all);
    assert_eq!(missing(&fleet), expected.iter().map(|(url, why)| (url.as_str(), *why)).collect::<Vec<_>>());
    assert_eq!((targets(&fleet), &fleet["complete"]), (vec!["this instance"], &json!(false)));
}

#[test]
fn one_that_does_not_answer_or_never_ends_is_missing_by_its_deadline() {
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
fn at_most_eight_are_asked_at_once() {
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
        all = all.instance(url).unwrap();
    }
    assert_eq!(fleet(all)["instances"].as_array().unwrap().len(), 25);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most}");
}

#[test]
fn no_more_are_named_than_are_asked() {
    let name = |peers: Peers, number: usize| {
        peers.instance(format!("https://10.0.{}.{}", number / 256, number % 256))
    };
    let all = (0..MAX_PEERS).try_fold(peers(), name).unwrap();
    assert_eq!(name(all, MAX_PEERS).unwrap_err().kind(), ConfigErrorKind::InvalidPeer);
}

#[test]
fn more_addresses_than_are_asked_are_counted() {
    let address = Address::parse("https://shop-headless").unwrap();
    let named = Named { address, is_each: true, may_leave: false };
    let of = |number: usize| Peer::new(number.to_string(), &named, None);
    for (found, detail) in
        [(MAX_PEERS, None), (MAX_PEERS + 7, Some("7 more were found than the 256 that are asked"))]
    {
        let (mut peers, mut fleet) = ((0..found).map(of).collect(), Fleet::new("peers"));
        limit(&mut peers, &mut fleet);
        assert_eq!(peers.len(), MAX_PEERS);
        let missing = fleet.finish().missing;
        assert_eq!(missing.first().map(|missing| missing.detail.as_str()), detail);
    }
}

#[test]
fn s40_an_answer_is_shared_by_those_who_ask_the_same_peers() {
    let (one, other) = (Arc::new(peers()), Arc::new(peers()));
    let flights = |rows| Flights::of_process(&None, Limits::default().max_rows(rows));
    let (here, elsewhere) = (flights(1), flights(2));
    let whom =
        |peers: &Arc<Peers>, own: &Arc<Flights>| Whom::Peers { peers: peers.clone(), own: own.clone() };
    assert_eq!(whom(&one, &here), whom(&one, &here));
    assert_ne!(whom(&one, &here), whom(&other, &here));
    assert_ne!(whom(&one, &here), whom(&one, &elsewhere));
}

#[test]
fn s44_with_too_little_memory_here_nobody_is_asked_unless_it_is_forced() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(&url).unwrap()).collect_with(NoRoom);
    let reply = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers");
    assert_eq!(reply.status, 503);
    assert!(asked.try_recv().is_err());
    assert_eq!(missing(&fleet_with(&endpoint, "&force=true")), []);
}

/// Never comes to an end.
struct Hangs;

impl Collect for Hangs {
    fn collect(&self, _: Scope) -> Collected {
        loop {
            thread::park();
        }
    }
}

/// Fails.
struct Fails;

impl Collect for Fails {
    fn collect(&self, _: Scope) -> Collected {
        panic!("as a test wants it");
    }
}

#[test]
fn s43_s47_a_collection_here_that_hangs_or_fails_keeps_nobody_from_the_others() {
    for (collector, reason) in [(0, "deadline"), (1, "refused")] {
        let (url, _asked) = peer(report(1));
        let endpoint = endpoint(peers().instance(&url).unwrap());
        let endpoint =
            if collector == 0 { endpoint.collect_with(Hangs) } else { endpoint.collect_with(Fails) };
        let fleet = fleet_with(&endpoint, "");
        assert_eq!((missing(&fleet), targets(&fleet)), (vec![("this instance", reason)], vec![url.as_str()]));
    }
}

#[test]
fn s40_those_who_ask_together_are_answered_from_one_look_at_the_peers() {
    let (listener, url) = listen();
    let (sender, asked) = channel();
    let go_on = Arc::new(std::sync::Barrier::new(2));
    let waits = Arc::clone(&go_on);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            read_request(&mut stream);
            sender.send(()).unwrap();
            if number == 0 {
                waits.wait();
            }
            stream.write_all(&report(1)).unwrap();
        }
    });
    let endpoint = endpoint(peers().instance(&url).unwrap());
    thread::scope(|scope| {
        let first = scope.spawn(|| fleet_with(&endpoint, ""));
        // While that one waits for the peer, others come who want other parts of it.
        asked.recv().unwrap();
        let others: Vec<_> = (1..8)
            .map(|top| {
                let endpoint = endpoint.clone();
                let asked_for = begin(&endpoint, &format!("scope=peers&format=json&top={top}"));
                (top, asked_for)
            })
            .collect();
        go_on.wait();
        assert_eq!(targets(&first.join().unwrap()).len(), 2);
        for (_, outcome) in others {
            let reply = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome);
            assert_eq!(reply.status, 200);
        }
    });
    assert_eq!(asked.try_iter().count(), 1, "seven views of one look");
}
