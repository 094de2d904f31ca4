//! The start and the end of a listener, tested without waiting.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use super::*;
use crate::siblings::tests::{Place, own};

#[test]
fn listening_is_retried_after_a_pause_but_never_after_close() {
    let at = Instant::now();
    let failed = State::Failed { reason: String::new(), at };
    let moment = Duration::from_nanos(1);
    for (state, waited, may_start) in [
        (&State::Idle, Duration::ZERO, true),
        (&failed, Duration::ZERO, false),
        (&failed, BEFORE_RETRY - moment, false),
        (&failed, BEFORE_RETRY, true),
        (&State::Starting, 2 * BEFORE_RETRY, false),
        (&State::Closed, 2 * BEFORE_RETRY, false),
    ] {
        assert_eq!(state.may_start(at + waited), may_start, "{state:?} after {waited:?}");
    }
}

#[test]
fn the_thread_ends_when_its_socket_is_closed() {
    let place = Place::new();
    let socket = Socket::bind(place.directory()).unwrap();
    let listener = Arc::clone(&socket.listener);
    let waiting = thread::spawn(move || serve(&listener, &own()));
    socket.close();
    waiting.join().unwrap();
}

#[test]
fn accepting_continues_after_a_failure() {
    let place = Place::new();
    let socket = Socket::bind(place.directory()).unwrap();
    let listener = Arc::clone(&socket.listener);
    let path = place.directory().join(socket.name.to_string());
    // Makes `accept` fail as long as no connection waits.
    listener.set_nonblocking(true).unwrap();
    let waiting = thread::spawn(move || serve(&listener, &own()));
    thread::sleep(PAUSE);
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET /debug/memory HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    socket.listener.set_nonblocking(false).unwrap();
    socket.close();
    waiting.join().unwrap();
}

fn is_closed(listener: &Listener) -> bool {
    matches!(*listener.lock(), State::Closed)
}

#[test]
fn the_end_of_the_main_thread_closes_the_listeners_of_this_process() {
    let [own, of_parent] = [(); 2].map(|()| Arc::new(Listener::default()));
    let listeners = [(process::id(), &own), (process::id() + 1, &of_parent)];
    drop(AtExit(RefCell::new(listeners.map(|(id, listener)| (id, Arc::downgrade(listener))).into())));
    assert!(is_closed(&own) && !is_closed(&of_parent));
}

#[test]
fn a_closed_listener_stays_closed_and_removes_a_socket_that_arrives_later() {
    let place = Place::new();
    let listener = Listener::default();
    listener.close();
    listener.fail("too late".to_owned(), &*own());
    assert!(is_closed(&listener));
    listener.transition(State::Listening(Socket::bind(place.directory()).unwrap()));
    assert!(is_closed(&listener));
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0);
}

#[test]
fn the_end_of_another_thread_closes_nothing() {
    let listener = Arc::new(Listener::default());
    thread::scope(|scope| scope.spawn(|| close_at_exit(&listener)).join().unwrap());
    assert!(!is_closed(&listener));
}
