//! The service as its users see it: jemalloc is the allocator, and requests go over real sockets.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

mod accuracy;
mod allocator;
mod allocator_changes;
mod audit;
mod authentication;
mod change;
mod composition;
mod container_types;
mod cross_site;
mod deployment;
mod differential;
mod dogstatsd;
mod faults;
mod groups;
mod heap_formats;
mod hidden;
mod http2;
mod json;
mod large_heaps;
mod limits;
mod long_names;
mod page;
mod paths;
mod plugins;
mod population;
mod programs;
mod protobuf;
mod requests;
mod roots;
mod secrets;
mod separate_listener;
mod shop;
mod snapshots;
mod statuses;
mod tasks;
mod trace;
mod tracked;
mod unread;

// Dense enough for estimates within a few percent from a few MiB.
memory_debug_axum::install!(lg_prof_sample = 12);
