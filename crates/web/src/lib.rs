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
//! - `bar`: a quantity and its parts, as a picture
//! - `layout`: the frame of every page
//! - `chart`: a series of numbers, as a picture
//! - `prose`: sentences with code in them
//! - `blocks`: headings, numbers and tables that text has too
//! - `resident`: resident memory and its parts
//! - `conclusion`: what holds the memory
//! - `findings`: findings of the doctor
//! - `table_query`: the parameters of a table
//! - `type_table`: the table of types
//! - `type_detail`: the page of one type
//! - `pages`: the pages of a report
//! - `snapshots`: the page of snapshots

#![forbid(unsafe_code)]

// In the order of the list above.
mod site;
mod assets;
mod policy;
mod bar;
mod layout;
mod chart;
mod prose;
mod blocks;
mod resident;
mod conclusion;
mod findings;
mod table_query;
mod type_table;
mod type_detail;
mod pages;
mod snapshots;

pub use assets::{Asset, asset};
pub use pages::{doctor, overview, problem, stats, text, types};
pub use policy::content_security_policy;
pub use site::Site;
pub use snapshots::snapshots;
pub use type_detail::type_detail;
