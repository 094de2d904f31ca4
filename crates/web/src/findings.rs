//! Findings of the doctor.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Diagnosis, Verdict};

use crate::prose::prose;

/// Findings with their advice.
pub(crate) fn all(diagnosis: &Diagnosis) -> Markup {
    html! {
        @if diagnosis.verdicts.is_empty() { p { "No findings." } }
        (list(diagnosis.verdicts.iter(), true))
        p { (content::checked(diagnosis)) }
        @let not_checked = content::not_checked(diagnosis);
        @if !not_checked.is_empty() {
            h2 { "Not checked" }
            dl {
                @for (ids, reason) in not_checked {
                    dt { (ids) }
                    dd { (prose(&reason)) }
                }
            }
        }
    }
}

/// Findings more severe than a notice, without advice.
pub(crate) fn short(diagnosis: &Diagnosis) -> Markup {
    list(content::warnings(diagnosis), false)
}

fn list<'a>(verdicts: impl Iterator<Item = &'a Verdict>, with_advice: bool) -> Markup {
    let verdicts: Vec<_> = verdicts.collect();
    html! {
        @if !verdicts.is_empty() {
            ul.findings {
                @for verdict in verdicts {
                    li class=(content::severity(verdict.severity)) {
                        strong { (content::severity(verdict.severity)) " " (content::printable(&verdict.id)) }
                        " " (prose(&content::printable(&verdict.evidence)))
                        @if with_advice { p { "Advice: " (prose(&content::printable(&verdict.advice))) } }
                    }
                }
            }
        }
    }
}
