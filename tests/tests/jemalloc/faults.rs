//! Conditions in production: services fork, have thousands of threads, or must not write large files.
//! `scripts/faults` covers conditions that need a whole program or root: full disks, no file descriptors, no
//! threads, little memory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::{env, fs, process};

use axum_service::{AppState, Config, OptIns, app, app_with};
use memory_debug_axum::allocative::{Allocative, Visitor};
use memory_debug_axum::{InstanceId, MemoryReport, register_root};
use memory_debug_core::{FleetReport, instance_id};
use memory_debug_tests::{OwnProcess, Request, Response, Server, credentials, in_child, within_limit};
use tokio::runtime;

use crate::shop;

const OVERVIEW: &str = "/debug/memory?format=json";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(within_limit(future))
}

/// Requests the overview of a service that starts here, like a process that forks before it serves.
fn overview() -> Response {
    block_on(async {
        let state = AppState::start(&Config::small());
        let server = Server::start(app(&state, credentials())).await;
        server.send(Request::get(OVERVIEW).authorized()).await
    })
}

/// The process id and the report of a forked child.
fn report_of_child() -> (u32, MemoryReport) {
    let output = in_child(|| {
        let response = overview();
        assert_eq!(response.status, 200, "{response}");
        format!("{}\n{}", process::id(), response.text())
    });
    let (pid, json) = output.split_once('\n').unwrap();
    (pid.parse().unwrap(), serde_json::from_str(json).unwrap())
}

fn assert_is_of_child(pid: u32, report: &MemoryReport) {
    assert_eq!((pid == process::id(), report.instance.pid), (false, pid));
    assert_ne!(report.instance.id, instance_id(), "two processes are two instances");
    let types = report.types.as_ref().unwrap();
    assert!(types.unavailable.is_none() && types.total_bytes > Some(0), "{types:?}");
    assert_eq!(types.symbols.as_deref(), Some("inlined"), "{types:?}");
}

#[test]
fn a_process_can_fork_before_it_serves() {
    OwnProcess::run_alone("faults::a_process_can_fork_before_it_serves", || {
        let (pid, report) = report_of_child();
        assert_is_of_child(pid, &report);
        assert_eq!(overview().status, 200);
    });
}

#[test]
fn a_process_can_fork_after_it_has_served() {
    OwnProcess::run_alone("faults::a_process_can_fork_after_it_has_served", || {
        // Keeps the collections of this process alive, so that the child inherits them.
        let _kept = block_on(async { app(&AppState::start(&Config::small()), credentials()) });
        let first = overview().report();
        assert_eq!((first.instance.pid, first.instance.id), (process::id(), instance_id()));
        let (pid, report) = report_of_child();
        assert_is_of_child(pid, &report);
        assert_eq!(overview().report().instance.id, first.instance.id, "the parent keeps its identity");
    });
}

/// A value that blocks the collector of one process until it is released.
struct Stuck {
    process: u32,
    reached: Barrier,
    go_on: Barrier,
}

impl Allocative for Stuck {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let _inside = visitor.enter_self(self);
        if process::id() == self.process {
            self.reached.wait();
            self.go_on.wait();
        }
    }
}

/// Sends a request to the shared service on another thread.
fn ask_elsewhere() -> JoinHandle<Response> {
    thread::spawn(|| block_on(shop::get(OVERVIEW)))
}

#[test]
fn s40_a_process_can_fork_while_it_collects() {
    OwnProcess::run_alone("faults::s40_a_process_can_fork_while_it_collects", || {
        let pause = || Barrier::new(2);
        let stuck = Arc::new(Stuck { process: process::id(), reached: pause(), go_on: pause() });
        let registered = register_root("stuck", &stuck);
        let asking = ask_elsewhere();
        stuck.reached.wait();
        let (pid, report) = report_of_child();
        assert_is_of_child(pid, &report);
        stuck.go_on.wait();
        assert_eq!(asking.join().unwrap().report().instance.pid, process::id());
        drop(registered);
    });
}

/// The fork happens at any step of the collecting thread: dumping, reading symbols, rendering pages.
#[test]
fn a_process_can_fork_while_it_answers_requests() {
    OwnProcess::run_alone("faults::a_process_can_fork_while_it_answers_requests", || {
        assert_eq!(ask_elsewhere().join().unwrap().status, 200);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                assert_eq!(ask_elsewhere().join().unwrap().status, 200);
            }
        });
        for _ in 0..8 {
            let (pid, report) = report_of_child();
            assert_is_of_child(pid, &report);
        }
        stop.store(true, Ordering::Relaxed);
        asking.join().unwrap();
    });
}

#[test]
fn four_thousand_threads_are_shown_one_by_one() {
    const THREADS: usize = 4_000;
    OwnProcess::run_alone("faults::four_thousand_threads_are_shown_one_by_one", || {
        let (made, end) = (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (made, end) = (Arc::clone(&made), Arc::clone(&end));
                let work = move || {
                    // Almost certainly sampled: 16 times the bytes between two samples.
                    let heap = vec![1_u8; 64 << 10];
                    made.wait();
                    end.wait();
                    drop(heap);
                };
                thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap()
            })
            .collect();
        made.wait();
        let (stats, types) = block_on(async {
            let stats = shop::get("/debug/memory/stats?format=json").await.report();
            (stats, shop::get("/debug/memory/types?format=json&top=1000&group=thread_id").await.report())
        });
        assert!(stats.process.unwrap().threads > Some(THREADS as u64));
        let types = types.types.unwrap();
        let rows = types.rows.len() as u64 + types.omitted_rows;
        assert!(types.rows.len() == 1000 && rows > THREADS as u64 * 9 / 10, "{rows}");
        end.wait();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// The instances of the fleet in this directory with their process ids, as seen by a process.
fn fleet(siblings: &Path) -> Vec<(InstanceId, u32)> {
    let response = block_on(async {
        let state = AppState::start(&Config::small());
        let opt_ins = OptIns { siblings: Some(siblings.to_owned()), ..OptIns::default() };
        let server = Server::start(app_with(&state, credentials(), opt_ins)).await;
        server.send(Request::get("/debug/memory/fleet?format=json").authorized()).await
    });
    assert_eq!(response.status, 200, "{response}");
    let fleet: FleetReport = serde_json::from_slice(&response.body).unwrap();
    assert!(fleet.complete, "{:?}", fleet.missing);
    fleet.instances.iter().map(|member| (member.instance.id, member.instance.pid)).collect()
}

#[test]
fn forked_process_is_a_separate_sibling_and_keeps_parents_socket() {
    OwnProcess::run_alone("faults::forked_process_is_a_separate_sibling_and_keeps_parents_socket", || {
        let folder = env::temp_dir().join(format!("siblings-{}", process::id()));
        let own = (instance_id(), process::id());
        assert_eq!(fleet(&folder), [own]);
        let id = in_child(|| {
            let both = fleet(&folder);
            assert!(both.len() == 2 && both.contains(&own), "{both:?}");
            assert!(both.contains(&(instance_id(), process::id())), "{both:?}");
            process::id().to_string()
        });
        let names =
            || -> Vec<_> { fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
        assert!(names().iter().any(|name| name.to_string_lossy().starts_with(&format!("{id}-"))));
        // The child ended without removing its socket, so the next request removes it.
        assert_eq!(fleet(&folder), [own]);
        assert_eq!(names().len(), 1);
        fs::remove_dir_all(&folder).unwrap();
    });
}

#[test]
fn s45_a_process_that_must_not_write_files_says_so_and_keeps_running() {
    OwnProcess::run_alone(
        "faults::s45_a_process_that_must_not_write_files_says_so_and_keeps_running",
        || {
            let output = in_child(|| {
                let nothing = libc::rlimit { rlim_cur: 0, rlim_max: libc::RLIM_INFINITY };
                // SAFETY: reads the limit of this process.
                assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &nothing) }, 0);
                let refused = overview();
                let everything = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, ..nothing };
                // SAFETY: as above.
                assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &everything) }, 0);
                assert!(overview().report().types.unwrap().total_bytes > Some(0));
                format!("{} {}", refused.status, refused.text())
            });
            let reason = "jemalloc wrote no heap profile";
            assert!(output.starts_with("200 ") && output.contains(reason), "{output}");
        },
    );
}
