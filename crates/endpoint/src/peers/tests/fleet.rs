//! Sharing of one report among requests that arrive together, and the limits of this process.

use memory_debug_core::Resource;

use super::*;

/// A collector with too little memory.
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
fn s40_an_answer_is_shared_by_requests_for_the_same_peers() {
    let one = peers().instance("https://10.0.0.7").unwrap();
    let members = |peers: &Peers| FleetMembers {
        scope: FleetScope::Peers,
        neighbours: peers.id(),
        caller: None,
        base: "/m".to_owned(),
    };
    assert_eq!(members(&one), members(&one));
    assert_ne!(members(&one), members(&one.clone().of_endpoint()), "each endpoint has its own peers");
    assert_ne!(members(&one), members(&peers()));
}

#[test]
fn s44_with_too_little_memory_peers_are_asked_only_with_force() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(&url).unwrap()).collect_with(NoRoom);
    let reply = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers");
    assert_eq!(reply.status, 503);
    assert!(asked.try_recv().is_err());
    assert_eq!(missing(&fleet_with(&endpoint, "&force=true")), []);
}

/// A collector that never returns.
struct Hangs;

impl Collect for Hangs {
    fn collect(&self, _: Scope) -> Collected {
        loop {
            thread::park();
        }
    }
}

/// A collector that panics.
struct Fails;

impl Collect for Fails {
    fn collect(&self, _: Scope) -> Collected {
        panic!("expected by the test");
    }
}

#[test]
fn s43_s47_an_own_collection_that_hangs_or_fails_does_not_hide_the_peers() {
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
fn s40_requests_that_arrive_together_ask_the_peers_once() {
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
        // While the first request waits for the peer, others ask for other parts of the report.
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
    assert_eq!(asked.try_iter().count(), 1, "seven pages of one report");
}
