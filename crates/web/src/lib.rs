//! The memory debug page for browsers: HTML and its assets, made from the values of a report.
//!
//! The functions of this crate take values and return text. There is no HTTP, no clock, no IO and no random number in
//! it, so equal values give equal pages. Every page is complete without script and without style.
//!
//! Text of the service (names of types, hosts, labels) is escaped by [`maud`], which no function here bypasses. Links
//! are relative, so a page works under any prefix that a proxy adds.
//!
//! # Modules, from the ground up
//!
//! - `site`: the place of a page, and links to other pages
//! - `assets`: the script, the style sheet and the icon
//! - `policy`: what a browser may load and run
//! - `raw`: the only text that is not escaped
//! - `bar`: a quantity and its parts, as a picture
//! - `layout`: the frame of every page
//! - `note`: notes about what a page shows
//! - `table`: tables, from their headings and cells
//! - `chart`: a size over several moments, as a picture
//! - `prose`: sentences with code in them
//! - `signed_bar`: a change, as a picture
//! - `blocks`: headings, numbers and tables that text has too
//! - `purge`: the result of a purge, and the button for it
//! - `resident`: resident memory and its parts
//! - `conclusion`: what holds the memory
//! - `watch`: the place of the button that watches the instance
//! - `findings`: findings of the doctor
//! - `table_query`: the parameters of a table
//! - `histogram`: how old live memory is, as a picture
//! - `type_table`: the table of types
//! - `type_detail`: the page of one type
//! - `heat_map`: unused memory by arena and size class, as a picture
//! - `detail_links`: links to the allocator's tables
//! - `monitor`: the page of the monitor, and what earlier processes left
//! - `pages`: the pages of a report
//! - `allocator`: the page of the allocator by arena and size class
//! - `take_snapshot`: the button that takes a snapshot
//! - `snapshot`: the page of one snapshot
//! - `snapshots`: the page of snapshots
//! - `diff`: the page of the difference between two moments
//! - `report_change`: the difference between two reports
//! - `leaks`: the page of types that keep growing
//! - `fleet`: the page of several instances as one
//! - `instance`: the page that says which process answers
//! - `profiling`: the page of the heap profiler
//! - `icicle`: calls by their width, as a picture
//! - `trace`: the page of the tracer
//! - `holder_graph`: who holds what, as a picture
//! - `holders`: the page of who holds the memory
//! - `flame`: the flame graph, and its call tree without script
//! - `interstitial`: the page for a link from another site
//! - `history`: reports of several moments
//! - `redirect`: a file that leads a browser to an address
//! - `document`: pages as one file that needs no service

#![forbid(unsafe_code)]

// In the order of the list above.
mod site;
mod assets;
mod policy;
mod raw;
mod bar;
mod layout;
mod note;
mod table;
mod chart;
mod prose;
mod signed_bar;
mod blocks;
mod purge;
mod resident;
mod conclusion;
mod watch;
mod findings;
mod table_query;
mod histogram;
mod type_table;
mod type_detail;
mod heat_map;
mod detail_links;
mod monitor;
mod pages;
mod allocator;
mod take_snapshot;
mod snapshot;
mod snapshots;
mod diff;
mod report_change;
mod leaks;
mod fleet;
mod instance;
mod profiling;
mod icicle;
mod trace;
mod holder_graph;
mod holders;
mod flame;
mod interstitial;
mod history;
mod redirect;
mod document;

pub use allocator::allocator;
pub use assets::{Asset, asset};
pub use diff::diff;
pub use document::{Change, Document};
pub use flame::{GraphSource, call_tree, flame_graph};
pub use fleet::fleet;
pub use holders::{holders, scan_progress};
pub use instance::instance;
pub use interstitial::interstitial;
pub use leaks::{leaks, too_few_snapshots};
pub use monitor::{monitor, tasks};
pub use pages::{doctor, overview, problem, stats, types};
pub use policy::{content_security_policy, flame_graph_policy};
pub use profiling::profiling;
pub use purge::purge;
pub use redirect::leading_to;
pub use site::Site;
pub use snapshot::snapshot;
pub use snapshots::snapshots;
pub use trace::trace;
pub use type_detail::type_detail;
