//! Starts, places and ends, without waiting for them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use super::*;
use crate::siblings::tests::{Place, endpoint};

#[test]
fn what_failed_is_tried_again_after_a_while_and_what_was_closed_never() {
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
fn who_waits_at_a_socket_ends_when_it_is_closed() {
    let place = Place::new();
    let (endpoint, socket) = (endpoint(&place), Socket::bind(place.directory()).unwrap());
    let listener = Arc::clone(&socket.listener);
    let waiting = thread::spawn(move || serve(&listener, &endpoint));
    socket.close();
    waiting.join().unwrap();
}

#[test]
fn a_connection_that_could_not_be_accepted_is_waited_for() {
    let place = Place::new();
    let (endpoint, socket) = (endpoint(&place), Socket::bind(place.directory()).unwrap());
    let (listener, path) = (Arc::clone(&socket.listener), place.directory().join(socket.name.to_string()));
    // So that it fails for as long as there is none.
    listener.set_nonblocking(true).unwrap();
    let waiting = thread::spawn(move || serve(&listener, &endpoint));
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
fn the_end_of_the_main_thread_closes_what_this_process_listens_at() {
    let [own, of_parent] = [(); 2].map(|()| Arc::new(Listener::default()));
    let listeners = [(process::id(), &own), (process::id() + 1, &of_parent)];
    drop(AtExit(RefCell::new(listeners.map(|(id, listener)| (id, Arc::downgrade(listener))).into())));
    assert!(is_closed(&own) && !is_closed(&of_parent));
}

#[test]
fn what_is_closed_stays_closed_and_a_socket_that_comes_later_is_taken_away() {
    let (place, listener) = (Place::new(), Listener::default());
    listener.close();
    listener.fail("too late".to_owned());
    assert!(is_closed(&listener));
    listener.become_(State::Listening(Socket::bind(place.directory()).unwrap()));
    assert!(is_closed(&listener));
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0);
}

#[test]
fn the_end_of_another_thread_closes_nothing() {
    let listener = Arc::new(Listener::default());
    thread::scope(|scope| scope.spawn(|| close_at_exit(&listener)).join().unwrap());
    assert!(!is_closed(&listener));
}

#[test]
fn a_place_is_free_again_once_its_answer_is_given() {
    let places = Arc::new(Places::default());
    let mut taken: Vec<_> = (0..MAX_CONNECTIONS).map(|_| places.take()).collect();
    assert_eq!(*places.taken.lock().unwrap(), MAX_CONNECTIONS);
    let next = thread::spawn({
        let places = Arc::clone(&places);
        move || drop(places.take())
    });
    drop(taken.pop());
    // It waits for ever where a place is lost.
    next.join().unwrap();
    drop(taken);
    assert_eq!(*places.taken.lock().unwrap(), 0);
}
