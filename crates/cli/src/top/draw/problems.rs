//! The instances that do not answer, and why.

use std::time::Instant;

use memory_debug_report::units::{printable, span};
use ratatui::text::{Line, Span};

use super::ink::Palette;
use super::quantity::fitted;
use crate::top::instance::Standing;
use crate::top::state::State;

/// An instance that does not answer, in words.
pub(super) struct Problem {
    text: String,
    is_missing: bool,
}

/// All instances that do not answer, missing ones first.
pub(super) fn problems(state: &State, now: Instant) -> Vec<Problem> {
    // A single instance is named in the title.
    let is_only = state.watched() == 1 && state.unaddressed().is_empty();
    let name = |target: &str| if is_only { String::new() } else { format!("{}: ", printable(target)) };
    let missing = |target: &str, reason: &str, detail: &str| Problem {
        text: format!("{}{reason}: {}", name(target), printable(detail)),
        is_missing: true,
    };
    let mut problems = Vec::new();
    let mut slow = Vec::new();
    for unaddressed in state.unaddressed() {
        problems.push(missing(&unaddressed.target, unaddressed.reason.as_str(), &unaddressed.detail));
    }
    for (target, standing) in state.standings(now) {
        match standing {
            Standing::Missing(why) => problems.push(missing(target, why.reason.as_str(), &why.detail)),
            Standing::Slow(waited) => {
                let text = format!("{}slow: no answer for {}", name(target), span(waited.as_secs()));
                slow.push(Problem { text, is_missing: false });
            }
            Standing::New | Standing::Here => {}
        }
    }
    problems.extend(slow);
    problems
}

impl Problem {
    /// The problem as a line of at most `width` columns.
    pub(super) fn line(&self, palette: Palette, indent: &str, width: usize) -> Line<'static> {
        let style = if self.is_missing { palette.missing } else { palette.slow };
        Line::from(Span::styled(fitted(&format!("{indent}{}", self.text), width), style))
    }
}
