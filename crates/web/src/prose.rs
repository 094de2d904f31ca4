//! Sentences that text has too, with code between backticks.

use maud::{Markup, html};

/// A sentence in which every second part, between two backticks, is code.
pub(crate) fn prose(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').collect();
    // A backtick without a partner is an ordinary character.
    let is_paired = parts.len() % 2 == 1;
    html! {
        @if is_paired {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else {
            (text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_between_backticks_is_code() {
        for (text, expected) in [
            ("take three, then read `/leaks`.", "take three, then read <code>/leaks</code>."),
            ("`a<b>` or `c`", "<code>a&lt;b&gt;</code> or <code>c</code>"),
            ("one ` alone", "one ` alone"),
            ("`a` and `", "`a` and `"),
            ("", ""),
        ] {
            assert_eq!(prose(text).into_string(), expected);
        }
    }
}
