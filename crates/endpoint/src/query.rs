//! The query string, read strictly: whatever is not understood is refused by name, nothing is clamped or ignored.
//!
//! Pairs are encoded as HTML forms encode them: `%20` and `+` are a space, `%2B` is a plus sign.

use memory_debug_core::{Group, Page, Sort, TypesView};

use crate::escape::Escaped;
use crate::format::Format;
use crate::problem::Problem;

const MAX_QUERY_BYTES: usize = 4096;
const MAX_FILTER_BYTES: usize = 128;

/// What a request may ask for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// `None` leaves it to the `Accept` header.
    pub(crate) format: Option<Format>,
    pub(crate) types: TypesView,
    /// Collect even where there may not be enough memory for it.
    pub(crate) force: bool,
}

impl Query {
    /// Reads the parameters that `page` has, at most `max_rows` rows.
    pub(crate) fn parse(page: Page, query: Option<&str>, max_rows: usize) -> Result<Self, Problem> {
        let defaults = TypesView::default();
        let mut parsed = Self {
            format: None,
            types: TypesView { top: defaults.top.min(max_rows), ..defaults },
            force: false,
        };
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(invalid("query", format!("is longer than {MAX_QUERY_BYTES} bytes")));
        }
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = known_name(page, name)?;
            if seen.contains(&name) {
                return Err(invalid(name, "is given twice"));
            }
            seen.push(name);
            let value = decode(value).ok_or_else(|| invalid(name, "is not percent-encoded UTF-8"))?;
            parsed.set(name, &value, max_rows)?;
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str, max_rows: usize) -> Result<(), Problem> {
        match name {
            "format" => {
                let format = Format::from_name(value);
                self.format = Some(format.ok_or_else(|| invalid(name, "has to be `text` or `json`"))?);
            }
            "force" => {
                self.force = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(invalid(name, "has to be `true` or `false`")),
                }
            }
            "top" => self.types.top = parse_top(value, max_rows)?,
            "sort" => {
                self.types.sort = match value {
                    "bytes" => Sort::Bytes,
                    "count" => Sort::Count,
                    "name" => Sort::Name,
                    _ => return Err(invalid(name, "has to be `bytes`, `count` or `name`")),
                }
            }
            "group" => {
                let names = Group::ALL.map(Group::as_str).join("`, `");
                let group = Group::from_name(value);
                self.types.selection.group =
                    group.ok_or_else(|| invalid(name, format!("has to be one of `{names}`")))?;
            }
            "focus" => self.types.selection.focus = Some(parse_text(name, value)?),
            "ignore" => self.types.selection.ignore = Some(parse_text(name, value)?),
            _ => self.types.filter = Some(parse_text(name, value)?),
        }
        Ok(())
    }
}

/// The parameter's own name if `page` has it. Names need no encoding, so an encoded one is unknown.
fn known_name(page: Page, name: &str) -> Result<&'static str, Problem> {
    let known: &[&'static str] = match page {
        Page::Types => &["format", "force", "top", "sort", "filter", "group", "focus", "ignore"],
        _ => &["format", "force"],
    };
    known.iter().find(|known| **known == name).copied().ok_or_else(|| {
        let shown = Escaped::new(name, 32).to_string();
        invalid(&shown, format!("is not a parameter of this page; it has {}", known.join(", ")))
    })
}

fn parse_top(value: &str, max_rows: usize) -> Result<usize, Problem> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (1..=max_rows).contains(number));
    number.ok_or_else(|| invalid("top", format!("has to be a number from 1 to {max_rows}")))
}

/// A literal text to search for.
fn parse_text(name: &str, value: &str) -> Result<String, Problem> {
    if !(1..=MAX_FILTER_BYTES).contains(&value.len()) {
        Err(invalid(name, format!("has to have 1 to {MAX_FILTER_BYTES} bytes")))
    } else if value.contains(char::is_control) {
        Err(invalid(name, "has a control character"))
    } else {
        Ok(value.to_owned())
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                rest = after;
                hex(digits[0])? << 4 | hex(digits[1])?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn invalid(name: &str, reason: impl Into<String>) -> Problem {
    Problem::InvalidParameter { name: name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
