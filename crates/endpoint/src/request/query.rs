//! The query string, read strictly: whatever is not understood is refused by name, nothing is clamped or ignored.
//!
//! Pairs are encoded as HTML forms encode them: `%20` and `+` are a space, `%2B` is a plus sign.

use std::time::Duration;

use memory_debug_core::{
    Count, DetailParts, Group, InstanceId, Leaf, PprofSymbols, Selection, Sort, TracebackDepth, TypesView,
};

use crate::escape::Escaped;
use crate::fleet::FleetScope;
use crate::reply::Format;
use crate::reply::Problem;
use crate::request::snapshot_ref::{Base, Target};
use crate::route::Operation;

const MAX_QUERY_BYTES: usize = 4096;
const MAX_FILTER_BYTES: usize = 128;

/// Most types with metrics of their own. Whoever scrapes keeps three series for each.
const MAX_SERIES: usize = 200;

/// Longest that growth is watched. Proxies give up not long after.
const MAX_SECONDS: usize = 60;

/// What a request may ask for. What an operation does not have keeps its default.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// `None` leaves it to the `Accept` header.
    pub(crate) format: Option<Format>,
    pub(crate) types: TypesView,
    /// What a row of the table stands for, and which stacks count.
    pub(crate) selection: Selection,
    /// Collect even where there may not be enough memory for it.
    pub(crate) force: bool,
    pub(crate) label: Option<String>,
    pub(crate) base: Option<Base>,
    pub(crate) target: Target,
    /// Only what grew.
    pub(crate) growth: bool,
    pub(crate) symbols: PprofSymbols,
    pub(crate) leaf: Leaf,
    pub(crate) count: Count,
    pub(crate) detail: DetailParts,
    /// How many types have metrics of their own.
    pub(crate) series: usize,
    /// How long growth is to be watched, instead of a look at this moment.
    pub(crate) span: Option<Duration>,
    pub(crate) scope: FleetScope,
    /// The only instance that is to answer.
    pub(crate) instance: Option<InstanceId>,
}

impl Query {
    /// Reads the parameters that `operation` has, at most `max_rows` rows.
    pub(crate) fn parse(
        operation: &Operation,
        query: Option<&str>,
        max_rows: usize,
    ) -> Result<Self, Problem> {
        let defaults = TypesView::default();
        let mut parsed = Self {
            format: None,
            types: TypesView { top: defaults.top.min(max_rows), ..defaults },
            selection: Selection::default(),
            force: false,
            label: None,
            base: None,
            target: Target::Now,
            growth: false,
            symbols: PprofSymbols::default(),
            leaf: Leaf::default(),
            count: Count::default(),
            detail: DetailParts::default(),
            series: 0,
            span: None,
            scope: FleetScope::Host,
            instance: None,
        };
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(invalid("query", format!("is longer than {MAX_QUERY_BYTES} bytes")));
        }
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = known_name(operation.parameters, name)?;
            if seen.contains(&name) {
                return Err(invalid(name, "is given twice"));
            }
            seen.push(name);
            let value = decode(value).ok_or_else(|| invalid(name, "is not percent-encoded UTF-8"))?;
            parsed.set(operation, name, &value, max_rows)?;
        }
        if seen.contains(&"debug") && seen.contains(&"format") {
            return Err(invalid("debug", "is another word for `format`, which is given"));
        }
        let is_debug = seen.contains(&"debug") && parsed.format == Some(Format::Text);
        match (parsed.span, parsed.format) {
            (Some(_), _) if is_debug => Err(invalid("seconds", "does not go with `debug=1`, as in Go")),
            (Some(_), Some(Format::Collapsed | Format::Raw)) => {
                Err(invalid("seconds", "goes with the formats `pprof`, `text` and `json`, which have signs"))
            }
            _ => Ok(parsed),
        }
    }

    fn set(
        &mut self,
        operation: &Operation,
        name: &str,
        value: &str,
        max_rows: usize,
    ) -> Result<(), Problem> {
        match name {
            "format" => {
                let names: Vec<_> = operation.formats.iter().map(|format| format.name()).collect();
                let format = Format::from_name(value, operation.formats);
                let format =
                    format.ok_or_else(|| invalid(name, format!("has to be {}", alternatives(&names))))?;
                self.format = Some(format);
            }
            // Go's name for the same.
            "debug" => {
                let is_text = one_of(name, value, &[("0", false), ("1", true)])?;
                self.format = self.format.or(is_text.then_some(Format::Text));
            }
            "force" => self.force = one_of(name, value, &BOOLEAN)?,
            "growth" => self.growth = one_of(name, value, &BOOLEAN)?,
            "top" => self.types.top = parse_number(name, value, max_rows)?,
            "sort" => {
                let orders = [("bytes", Sort::Bytes), ("count", Sort::Count), ("name", Sort::Name)];
                self.types.sort = one_of(name, value, &orders)?;
            }
            "group" => {
                let groups = Group::ALL.map(|group| (group.as_str(), group));
                self.selection.group = one_of(name, value, &groups)?;
            }
            "depth" => {
                let depth = parse_number(name, value, TracebackDepth::MAX.frames())?;
                let depth = u8::try_from(depth).ok().and_then(TracebackDepth::new);
                self.selection.depth = depth.unwrap_or_default();
            }
            "symbols" => {
                let symbols = [
                    ("inline", PprofSymbols::Inlined),
                    ("functions", PprofSymbols::Functions),
                    ("none", PprofSymbols::None),
                ];
                self.symbols = one_of(name, value, &symbols)?;
            }
            "by" => self.leaf = one_of(name, value, &[("function", Leaf::Function), ("type", Leaf::Type)])?,
            "count" => {
                self.count = one_of(name, value, &[("bytes", Count::Bytes), ("objects", Count::Objects)])?
            }
            "base" => {
                let base = Base::parse(value);
                self.base = Some(base.ok_or_else(|| {
                    invalid(
                        name,
                        "has to be the id of a snapshot, `first` or `last`; GET /snapshots lists them",
                    )
                })?);
            }
            "target" => {
                let target = Target::parse(value);
                self.target =
                    target.ok_or_else(|| invalid(name, "has to be the id of a snapshot, `last` or `now`"))?;
            }
            "detail" => {
                for part in value.split(',') {
                    match part {
                        "arenas" => self.detail.arenas = true,
                        "bins" => self.detail.size_classes = true,
                        _ => return Err(invalid(name, "has to be `arenas`, `bins` or `arenas,bins`")),
                    }
                }
            }
            // Go runs its garbage collector then.
            "gc" => {}
            "seconds" => {
                let seconds = parse_number(name, value, MAX_SECONDS)?;
                self.span = Some(Duration::from_secs(seconds as u64));
            }
            "types" => self.series = parse_number(name, value, MAX_SERIES.min(max_rows))?,
            "scope" => {
                self.scope =
                    one_of(name, value, &[("host", FleetScope::Host), ("peers", FleetScope::Peers)])?;
            }
            INSTANCE => {
                let id = value.parse().map_err(|_| invalid(name, "has to be the id of an instance"))?;
                self.instance = Some(id);
            }
            "label" => self.label = Some(parse_text(name, value)?),
            "focus" => self.selection.focus = Some(parse_text(name, value)?),
            "ignore" => self.selection.ignore = Some(parse_text(name, value)?),
            _ => self.types.filter = Some(parse_text(name, value)?),
        }
        Ok(())
    }
}

/// Which instance is to answer: a parameter of every page.
const INSTANCE: &str = "instance";

const BOOLEAN: [(&str, bool); 2] = [("true", true), ("false", false)];

/// The value of a name.
fn one_of<T: Copy>(name: &str, value: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    let found = known.iter().find(|(known, _)| *known == value);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        invalid(name, format!("has to be {}", alternatives(&names)))
    })
}

/// `` `a`, `b` or `c` ``.
fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// The parameter's own name if there is one. Names need no encoding, so an encoded one is unknown.
fn known_name(known: &[&'static str], name: &str) -> Result<&'static str, Problem> {
    known.iter().chain(&[INSTANCE]).find(|known| **known == name).copied().ok_or_else(|| {
        let shown = Escaped::new(name, 32).to_string();
        invalid(&shown, format!("is not a parameter of this page; it has {}, {INSTANCE}", known.join(", ")))
    })
}

/// A number from 1 to `most`, in digits alone.
fn parse_number(name: &str, value: &str, most: usize) -> Result<usize, Problem> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (1..=most).contains(number));
    number.ok_or_else(|| invalid(name, format!("has to be a number from 1 to {most}")))
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

pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Problem {
    Problem::InvalidParameter { name: name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
