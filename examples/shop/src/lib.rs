//! The back office of a small shop: a service with realistic memory, but without HTTP.
//!
//! It keeps sessions in a hash map, rendered reports in a bounded cache and jobs in a queue with background
//! workers. It sends messages to all listeners. The packages beside this one serve it with different
//! frameworks. Each adds `/debug/memory`, which shows which of these hold the memory.

#![forbid(unsafe_code)]

mod audit;
mod cache;
mod circles;
mod config;
mod feed;
mod jobs;
mod leaks;
mod login;
mod population;
mod receipts;
mod reports;
mod run;
mod sessions;
mod state;
mod watch;

pub use config::{Command, Config, ConfigError, OptIns};
pub use feed::{Feed, Message, Messages};
pub use jobs::{Jobs, NewJob, Status};
pub use leaks::Leaks;
pub use population::Population;
pub use reports::{Lookup, Reports};
pub use run::{Opened, run};
pub use sessions::{Item, Listing, NewSession, Opening, Profile, Session, Sessions};
pub use state::AppState;
pub use watch::Watched;
