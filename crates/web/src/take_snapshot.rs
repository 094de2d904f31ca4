//! The button that takes a snapshot.

use maud::{Markup, html};

use crate::site::Site;

/// The form that takes a snapshot. Nothing for a login that may not take one.
pub(crate) fn take_snapshot(site: &Site) -> Markup {
    html! {
        @if site.may_change() {
            form.query method="post" action=(site.link("/snapshots")) {
                label { "Label " input name="label" maxlength="128" autocomplete="off"; }
                button { "Take a snapshot" }
            }
        }
    }
}
