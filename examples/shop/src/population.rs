//! The initial content of the stores, so that there is something to look at.

use crate::jobs::Jobs;
use crate::reports::Reports;
use crate::sessions::{Item, NewSession, Sessions};

/// The amount of initial data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Open sessions, four per user.
    pub sessions: u32,
    /// Rendered reports, about 64 KiB each.
    pub reports: u32,
    /// Jobs in the queue.
    pub jobs: u32,
}

impl Population {
    /// The data of a busy day.
    pub fn full() -> Self {
        Self { sessions: 20_000, reports: 300, jobs: 400 }
    }

    /// The data of a quiet night.
    pub fn small() -> Self {
        Self { sessions: 8, reports: 2, jobs: 2 }
    }

    /// Fills the stores. All content depends only on its number, so two runs hold the same data.
    pub(crate) fn settle(self, sessions: &Sessions, reports: &Reports, jobs: &Jobs) {
        for number in 0..self.sessions {
            sessions.open(session(number));
        }
        for day in 0..self.reports {
            reports.of_day(day);
        }
        for number in 0..self.jobs {
            jobs.submit(text(number));
        }
    }
}

fn session(number: u32) -> NewSession {
    let item = |line: u32| Item {
        sku: format!("SKU-{:04}-{line:04}", number % 3650),
        quantity: 1 + line % 3,
        price_cents: 1999,
    };
    NewSession {
        user: format!("visitor-{}", number / 4),
        user_agent: format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{0}.0",
            120 + number % 20
        ),
        interests: ["garden", "books", "coffee", "cycling"].map(str::to_owned).to_vec(),
        basket: (0..4 + number % 12).map(item).collect(),
    }
}

/// Five hundred words, three hundred of which are different.
fn text(number: u32) -> String {
    (0..500).map(|place| format!("word{} ", (place * (number + 1)) % 300)).collect()
}
