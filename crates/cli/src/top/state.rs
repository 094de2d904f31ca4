//! Everything that the screen shows, updated by news and keys, without input or output.

use std::time::{Duration, Instant};

use memory_debug_report::MissingInstance;

use super::history::{History, Point};
use super::instance::{Instance, Standing};
use super::keys::{Action, Mode, Scroll};
use super::poll::News;
use super::table::{Order, Row, Table};

/// The longest filter, longer than any useful name.
const MAX_FILTER_CHARS: usize = 128;

/// The shortest delay that is shown as slow.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that the screen shows.
#[derive(Debug)]
pub(crate) struct State {
    instances: Vec<Instance>,
    /// Instances that could not be found.
    missing: Vec<MissingInstance>,
    interval: Duration,
    began: Instant,
    history: History,
    recorded: Option<Instant>,
    table: Table,
    /// Since when no instance answers, although some answered before. The table is older.
    lost: Option<Instant>,
    /// Whether there are answers that are not in `table` yet.
    is_stale: bool,
    /// Indices of the table's rows that pass the filter, in order.
    visible: Vec<usize>,
    order: Order,
    is_reversed: bool,
    filter: String,
    mode: Mode,
    paused: Option<Instant>,
    scroll: usize,
    page: usize,
}

/// What the loop does after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Go,
    Quit,
    Interrupt,
}

impl State {
    pub(super) fn new(
        targets: Vec<String>,
        missing: Vec<MissingInstance>,
        interval: Duration,
        now: Instant,
    ) -> Self {
        let instances: Vec<_> = targets.into_iter().map(Instance::new).collect();
        let table = Table::of(&instances, &missing, now);
        Self {
            instances,
            missing,
            interval,
            began: now,
            history: History::new(),
            recorded: None,
            table,
            lost: None,
            is_stale: false,
            visible: Vec::new(),
            order: Order::Bytes,
            is_reversed: false,
            filter: String::new(),
            mode: Mode::Table,
            paused: None,
            scroll: 0,
            page: 1,
        }
    }

    /// Sets the order and the filter to begin with.
    pub(super) fn showing(mut self, order: Order, filter: &str) -> Self {
        self.order = order;
        filter.chars().filter(|c| !c.is_control()).for_each(|c| self.type_filter(c));
        self
    }

    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Asked { index, at } => {
                if let Some(instance) = self.instances.get_mut(index) {
                    instance.asked(at);
                }
            }
            News::Answered { index, at, answer } => {
                if let Some(instance) = self.instances.get_mut(index) {
                    instance.answered(at, *answer);
                    self.is_stale = true;
                }
            }
        }
    }

    /// Whether `refresh` would take answers into the table.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale && self.paused.is_none()
    }

    /// Takes the answers into the table, unless paused.
    pub(super) fn refresh(&mut self, now: Instant) {
        if !self.is_stale() {
            return;
        }
        self.is_stale = false;
        let table = Table::of(&self.instances, &self.missing, now);
        if table.fleet.instances.is_empty() && !self.table.fleet.instances.is_empty() {
            // Keep the last table: it shows what a service held when it died.
            self.lost = self.lost.or(Some(now));
            return;
        }
        self.table = table;
        self.lost = None;
        self.record(now);
        self.arrange();
    }

    fn record(&mut self, now: Instant) {
        let fleet = &self.table.fleet;
        if fleet.instances.is_empty() {
            return;
        }
        let point = Point {
            allocated: fleet.sum("allocator.allocated_bytes"),
            resident: fleet.sum("process.resident_bytes"),
            instances: fleet.instances.len(),
        };
        // Answers do not arrive at equal intervals.
        let is_due = |last| now.saturating_duration_since(last) >= self.interval * 3 / 4;
        if self.recorded.is_none_or(is_due) {
            self.recorded = Some(now);
            self.history.record(point);
        } else {
            self.history.amend(point);
        }
    }

    pub(super) fn act(&mut self, action: Action, now: Instant) -> Then {
        match action {
            Action::Quit => return Then::Quit,
            Action::Interrupt => return Then::Interrupt,
            Action::Sort(order) => {
                self.is_reversed = false;
                self.order = order;
                self.scroll = 0;
            }
            Action::Reverse => self.is_reversed = !self.is_reversed,
            Action::Scroll(scroll) => self.scroll(scroll),
            Action::Pause => self.paused = if self.paused.is_none() { Some(now) } else { None },
            Action::Help => self.mode = Mode::Help,
            Action::CloseHelp | Action::KeepFilter => self.mode = Mode::Table,
            Action::EditFilter => self.mode = Mode::Filter,
            Action::Type(c) => self.type_filter(c),
            Action::Erase => _ = self.filter.pop(),
            Action::ClearFilter => {
                self.mode = Mode::Table;
                self.filter.clear();
            }
        }
        self.arrange();
        Then::Go
    }

    /// Sets how many rows fit on the screen.
    pub(super) fn set_page(&mut self, rows: usize) {
        self.page = rows;
        self.scroll = self.scroll.min(self.last_scroll());
    }

    fn type_filter(&mut self, c: char) {
        if self.filter.chars().count() < MAX_FILTER_CHARS {
            self.filter.push(c);
        }
    }

    fn scroll(&mut self, scroll: Scroll) {
        self.scroll = match scroll {
            Scroll::Up => self.scroll.saturating_sub(1),
            Scroll::Down => self.scroll.saturating_add(1),
            Scroll::PageUp => self.scroll.saturating_sub(self.page.max(1)),
            Scroll::PageDown => self.scroll.saturating_add(self.page.max(1)),
            Scroll::Home => 0,
            Scroll::End => usize::MAX,
        };
    }

    fn arrange(&mut self) {
        self.visible = self.table.ordered(self.order, self.is_reversed, &self.filter);
        self.scroll = self.scroll.min(self.last_scroll());
    }

    fn last_scroll(&self) -> usize {
        self.visible.len().saturating_sub(self.page)
    }
}

/// What `draw` reads.
impl State {
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The rows from the scroll position on.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.visible.iter().skip(self.scroll).filter_map(|&index| self.table.rows.get(index))
    }

    /// The number of rows, and how many of them are above the screen.
    pub(super) fn position(&self) -> (usize, usize) {
        (self.visible.len(), self.scroll)
    }

    /// Each address and whether it answers. Instances that could not be found are only in the table's `missing`.
    pub(super) fn standings(&self, now: Instant) -> impl Iterator<Item = (&str, Standing<'_>)> {
        let patience = self.interval.max(LEAST_PATIENCE);
        let now = self.paused.unwrap_or(now);
        self.instances.iter().map(move |instance| (instance.target(), instance.standing(now, patience)))
    }

    /// The number of instances that are polled.
    pub(super) fn watched(&self) -> usize {
        self.instances.len()
    }

    /// The number of instances that answer.
    pub(super) fn answering(&self) -> usize {
        self.instances.iter().filter(|instance| instance.reports().is_some()).count()
    }

    /// For how long no instance has answered. The table is older.
    pub(super) fn lost(&self, now: Instant) -> Option<Duration> {
        self.lost.map(|lost| now.saturating_duration_since(lost))
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn unaddressed(&self) -> &[MissingInstance] {
        &self.missing
    }

    pub(super) fn restarts(&self) -> u64 {
        self.instances.iter().map(Instance::restarts).sum()
    }

    pub(super) fn resampled(&self) -> u64 {
        self.instances.iter().map(Instance::resampled).sum()
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    pub(super) fn order(&self) -> (Order, bool) {
        (self.order, self.order.is_descending() != self.is_reversed)
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }
}

#[cfg(test)]
mod tests;
