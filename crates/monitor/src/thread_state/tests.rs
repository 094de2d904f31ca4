use std::sync::mpsc;
use std::thread;

use super::*;

#[test]
fn parses_what_the_kernel_says_about_a_system_call() {
    assert_eq!(whereabouts("running"), Some(Whereabouts::Running));
    assert_eq!(whereabouts("-1 0x7ffc1 0x7f00"), Some(Whereabouts::InKernel));
    assert_eq!(
        whereabouts("9999 0x0 0x1 0x7ffc1 0x7f00"),
        Some(Whereabouts::InCall("system call 9999".into()))
    );
    for odd in ["", "x", "0x12 0x0", "-2"] {
        assert_eq!(whereabouts(odd), None, "{odd:?}");
    }
}

#[test]
fn parses_times_and_takes_zeros_for_no_answer() {
    let times = times("4825375 1000 3").unwrap();
    assert_eq!((times.ran.as_nanos(), times.delayed.as_nanos()), (4_825_375, 1_000));
    for odd in ["", "0 0 0", "7", "a b c", "-1 2 3"] {
        assert_eq!(super::times(odd), None, "{odd:?}");
    }
}

#[test]
fn the_letter_follows_a_name_with_parentheses() {
    assert_eq!(letter("7 (a) b (c) S 1 2"), Some('S'));
    assert_eq!(letter("7 (odd"), None);
}

#[test]
fn a_thread_that_has_ended_has_no_state() {
    let threads = Threads { folder: "/proc/self/task".into() };
    assert_eq!(threads.state(u32::MAX), None);
    let none = Threads { folder: "/proc/self/no-such-folder".into() };
    assert!(none.ids().unwrap_err().contains("no-such-folder"));
}

#[test]
fn a_sandbox_without_files_leaves_values_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("7")).unwrap();
    fs::write(folder.path().join("7/comm"), "worker\n").unwrap();
    let state = Threads { folder: folder.path().into() }.state(7).unwrap();
    assert_eq!(state.name, "worker");
    assert_eq!((state.whereabouts.clone(), state.wait_channel.clone(), state.times), (None, None, None));
    assert_eq!(state.doing(), None);
}

/// A name that the kernel cuts to 15 bytes, for a thread that waits until the sender is dropped.
#[test]
#[cfg(target_os = "linux")]
fn m9_a_thread_that_waits_names_its_system_call() {
    let (release, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("waits-for-a-channel".into())
        .spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()).unwrap();
            let _ = wait.recv();
        })
        .unwrap();
    let tid = told.recv().unwrap();
    let threads = Threads::of_this_process();
    assert!(threads.ids().unwrap().contains(&tid));
    // It gets there soon. Until then it runs.
    let state = loop {
        let state = threads.state(tid).unwrap();
        if state.may_be_idle() || state.whereabouts.is_none() {
            break state;
        }
        thread::yield_now();
    };
    assert_eq!(state.name, "waits-for-a-cha");
    // Some sandboxes hide the system call.
    if let Some(Whereabouts::InCall(call)) = &state.whereabouts {
        assert_eq!(call, "futex");
        assert_eq!(state.doing().unwrap(), "waiting in futex");
    }
    drop(release);
    thread.join().unwrap();
}
