//! The query string, read strictly: an unknown or invalid parameter is refused by name, never clamped or ignored.
//!
//! Pairs are encoded like HTML forms: `%20` and `+` are a space, `%2B` is a plus sign.

use std::str::FromStr;

use memory_debug_core::{Group, InstanceId, Selection, Sort, TracebackDepth, TypesView};

use crate::escape::Escaped;
use crate::reply::{Format, Problem};

const MAX_QUERY_BYTES: usize = 4096;
const MAX_TEXT_BYTES: usize = 128;

/// The parameters of a request. Each page reads its own parameters.
///
/// A wrong value is remembered as an error and read as missing. [`finish`](Self::finish) returns the error that comes
/// first in the query string, in whatever order the page read its parameters.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(&'static str, String)>,
    /// The first error, and its position among the pairs.
    problem: Option<(usize, Problem)>,
    /// Maximum number of rows that the request may ask for.
    max_rows: usize,
    /// Maximum number of rows that are shown, even if the request asks for more.
    max_shown: usize,
}

impl Query {
    /// Splits a query string into the parameters that a page has.
    pub(crate) fn parse(
        parameters: &[&'static str],
        query: Option<&str>,
        max_rows: usize,
        max_shown: usize,
    ) -> Self {
        let mut parsed = Self { pairs: Vec::new(), problem: None, max_rows, max_shown };
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            parsed.note(0, invalid("query", format!("is longer than {MAX_QUERY_BYTES} bytes")));
            return parsed;
        }
        let known: Vec<_> = parameters.iter().copied().chain([INSTANCE]).collect();
        for (position, pair) in query.split('&').filter(|_| !query.is_empty()).enumerate() {
            match parsed.split(&known, pair) {
                Ok(pair) => parsed.pairs.push(pair),
                Err(problem) => {
                    parsed.note(position, problem);
                    break;
                }
            }
        }
        parsed
    }

    /// Adds the fields of a form, which are encoded like a query. Empty fields count as missing, because browsers send
    /// them.
    pub(crate) fn add_form(&mut self, fields: &[&'static str], form: &[u8]) {
        for pair in form.split(|&byte| byte == b'&').filter(|_| !form.is_empty()) {
            let pair = std::str::from_utf8(pair).map_err(|_| Problem::invalid_body("is not a form"));
            let read = pair.and_then(|pair| match pair.split_once('=').unwrap_or((pair, "")) {
                (name, "") => known_name(fields, name).map(|_| None),
                _ => self.split(fields, pair).map(Some),
            });
            match read {
                Ok(pair) => self.pairs.extend(pair),
                Err(problem) => return self.note(self.pairs.len(), problem),
            }
        }
    }

    fn split(&self, known: &[&'static str], pair: &str) -> Result<(&'static str, String), Problem> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = known_name(known, name)?;
        if self.has(name) {
            return Err(invalid(name, "is given twice"));
        }
        let value = decode(value).ok_or_else(|| invalid(name, "is not percent-encoded UTF-8"))?;
        Ok((name, value))
    }

    /// Remembers an error if it is the first one in the query string.
    fn note(&mut self, position: usize, problem: Problem) {
        if self.problem.as_ref().is_none_or(|(first, _)| position < *first) {
            self.problem = Some((position, problem));
        }
    }

    /// Returns the first error, if there is one. Call it after all parameters are read.
    ///
    /// # Errors
    ///
    /// If a parameter is unknown, given twice, or has a wrong value.
    pub(crate) fn finish(&mut self) -> Result<(), Problem> {
        self.problem.take().map_or(Ok(()), |(_, problem)| Err(problem))
    }

    /// Refuses a parameter that cannot be combined with others. Errors of single parameters come first.
    pub(crate) fn refuse(&mut self, name: &str, reason: &str) {
        self.note(usize::MAX, invalid(name, reason));
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| *known == name)
    }

    /// Reads the value of a parameter with `parse`. `None` if the parameter is missing or wrong.
    pub(crate) fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let position = self.pairs.iter().position(|(known, _)| *known == name)?;
        match parse(&self.pairs[position].1) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.note(position, invalid(name, reason));
                None
            }
        }
    }

    /// Reads a parameter that has one of a few names as its value.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Option<T> {
        self.read(name, |value| {
            let found = known.iter().find(|(known, _)| *known == value);
            found.map(|(_, value)| *value).ok_or_else(|| {
                let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                format!("must be {}", alternatives(&names))
            })
        })
    }

    /// Reads `true` or `false`. The default is `false`.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.one_of(name, &[("true", true), ("false", false)]).unwrap_or(false)
    }

    /// Reads a number from 1 to `most`, written in digits alone.
    pub(crate) fn number(&mut self, name: &str, most: usize) -> Option<usize> {
        self.read(name, |value| {
            let number = digits(value).filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("must be a number from 1 to {most}"))
        })
    }

    /// Reads a number of any size, written in digits alone.
    pub(crate) fn any_number(&mut self, name: &str) -> Option<u64> {
        self.read(name, |value| digits(value).ok_or_else(|| "must be a number".to_owned()))
    }

    /// Reads a number of rows, at most `most` and at most the maximum of the service.
    pub(crate) fn rows(&mut self, name: &str, most: usize) -> Option<usize> {
        self.number(name, most.min(self.max_rows))
    }

    /// Reads a short string without control characters. An empty string counts as missing, because browsers send the
    /// empty fields of a form.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        if self.pairs.iter().any(|(known, value)| *known == name && value.is_empty()) {
            return None;
        }
        self.read(name, |value| {
            if value.len() > MAX_TEXT_BYTES {
                Err(format!("must have at most {MAX_TEXT_BYTES} bytes"))
            } else if value.contains(char::is_control) {
                Err("must not contain control characters".to_owned())
            } else {
                Ok(value.to_owned())
            }
        })
    }

    /// Reads the format from `format`, or from Go's `debug=1`. `None` leaves the choice to the header `Accept`.
    pub(crate) fn format(&mut self, formats: &[Format]) -> Option<Format> {
        let named: Vec<_> = formats.iter().map(|format| (format.name(), *format)).collect();
        let format = self.one_of("format", &named);
        let is_text = self.one_of("debug", &[("0", false), ("1", true)]);
        if self.has("debug") && self.has("format") {
            self.refuse("debug", "cannot be combined with `format`; both choose the format");
        }
        format.or((is_text == Some(true)).then_some(Format::Text))
    }

    /// Reads the id of the only instance that may answer.
    pub(crate) fn instance(&mut self) -> Option<InstanceId> {
        self.read(INSTANCE, |value| value.parse().map_err(|_| "must be the id of an instance".to_owned()))
    }

    /// Reads the number of rows to show.
    pub(crate) fn top(&mut self) -> usize {
        let default = TypesView::default().top.min(self.max_rows);
        self.rows("top", usize::MAX).unwrap_or(default).min(self.max_shown)
    }

    /// Reads which rows of a table to show, and in which order.
    pub(crate) fn table(&mut self) -> TypesView {
        let mut types = TypesView { top: self.top(), ..TypesView::default() };
        let orders = [("bytes", Sort::Bytes), ("count", Sort::Count), ("name", Sort::Name)];
        if let Some(sort) = self.one_of("sort", &orders) {
            types.sort = sort;
        }
        types.filter = self.text("filter");
        types
    }

    /// Reads how a table is grouped, and over which stacks.
    pub(crate) fn selection(&mut self) -> Selection {
        let mut selection = Selection::default();
        if let Some(group) = self.one_of("group", &Group::ALL.map(|group| (group.as_str(), group))) {
            selection.group = group;
        }
        let depth = self.number("depth", TracebackDepth::MAX.frames());
        let depth = depth.and_then(|depth| u8::try_from(depth).ok()).and_then(TracebackDepth::new);
        selection.depth = depth.unwrap_or_default();
        selection.focus = self.text("focus");
        selection.ignore = self.text("ignore");
        selection
    }
}

/// The parameter for the only instance that may answer. Every page has it.
const INSTANCE: &str = "instance";

/// The query of a link from another site, without `force`, which only an operator may choose. Empty if it is too long
/// for every page, or has characters that browsers encode.
pub(crate) fn link_query(query: &str) -> String {
    if query.len() > MAX_QUERY_BYTES || !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return String::new();
    }
    let is_forced = |pair: &&str| pair.split('=').next() == Some("force");
    query.split('&').filter(|pair| !is_forced(pair)).collect::<Vec<_>>().join("&")
}

/// A number written in digits alone.
fn digits<T: FromStr>(text: &str) -> Option<T> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

/// Joins names for a message: `` `a`, `b` or `c` ``.
fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// Returns the name of a parameter, if the page has it. Names need no encoding, so an encoded name counts as unknown.
fn known_name(known: &[&'static str], name: &str) -> Result<&'static str, Problem> {
    known.iter().find(|known| **known == name).copied().ok_or_else(|| {
        let shown = Escaped::new(name, 32).to_string();
        invalid(&shown, format!("is not a parameter of this page; it has {}", known.join(", ")))
    })
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

pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Problem {
    Problem::InvalidParameter { name: name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
