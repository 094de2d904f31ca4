//! Documents that are nearly right: a real one with some fields replaced.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use serde_json::{Value, json};

/// The most values and copies that all replacements of a report may make together, because each multiplies the others.
/// They keep a report from being many times as long as an answer may be.
const MOST_VALUES: usize = 1 << 19;
const MOST_COPIES: usize = 1 << 10;

/// A change of one field.
#[derive(Arbitrary, Debug)]
pub struct Edit<'a> {
    /// The index of the field in the report.
    at: u16,
    with: Replacement<'a>,
}

#[derive(Arbitrary, Debug)]
enum Replacement<'a> {
    Null,
    Nothing,
    Bool(bool),
    Number(u64),
    Negative(i64),
    Fraction(f64),
    Text(&'a str),
    Hostile(u8),
    /// The value repeated. An array gets its elements repeated.
    Copies(u8),
    /// An array with four times this number of values of the shortest kind.
    Dense(u8, u16),
    /// A text with 16 times this number of letters.
    Long(u16),
    Nested(u8),
    Renamed(&'a str),
}

const HOSTILE: [&str; 12] = [
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "a\r\nx: y\n",
    "\u{202e}gnp.exe",
    "\u{2066}\u{2069}\u{200f}\u{2028}\u{85}",
    "memory-debug/v2",
    "00000000-0000-4000-8000-000000000001",
    "9999-12-31T23:59:59Z",
    "file",
    "</title></text><script>alert(1)</script>",
    "\"; evil -> n0; \\",
    "\\",
    "static a ← b",
];

/// A document after these changes. `fields` are its paths.
pub fn edited(document: &Value, fields: &[String], edits: &[Edit]) -> Value {
    let mut document = document.clone();
    let (mut copies, mut values) = (1, 1);
    for Edit { at, with } in edits {
        let path = &fields[usize::from(*at) % fields.len()];
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", ""));
        if let Replacement::Nothing | Replacement::Renamed(_) = with {
            let Some(Value::Object(parent)) = document.pointer_mut(parent) else { continue };
            let taken = parent.remove(&name.replace("~1", "/").replace("~0", "~"));
            if let (Some(taken), Replacement::Renamed(name)) = (taken, with) {
                parent.insert((*name).to_owned(), taken);
            }
            continue;
        }
        let Some(field) = document.pointer_mut(path) else { continue };
        match with {
            Replacement::Copies(many) => copies *= usize::from(*many).max(1),
            Replacement::Dense(_, many) | Replacement::Long(many) => values *= 4 * usize::from(*many).max(1),
            _ => {}
        }
        if copies > MOST_COPIES || copies * values > MOST_VALUES {
            return document;
        }
        *field = with.of(field.take());
    }
    document
}

impl Replacement<'_> {
    fn of(&self, value: Value) -> Value {
        match self {
            Self::Null | Self::Nothing | Self::Renamed(_) => Value::Null,
            Self::Bool(bool) => json!(bool),
            Self::Number(number) => json!(number),
            Self::Negative(number) => json!(number),
            Self::Fraction(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Hostile(at) => json!(HOSTILE[usize::from(*at) % HOSTILE.len()]),
            Self::Copies(many) => {
                let values = if let Value::Array(values) = value { values } else { vec![value] };
                Value::Array((0..*many).flat_map(|_| values.clone()).collect())
            }
            Self::Dense(kind, many) => {
                let kinds = [json!({}), json!([]), json!(""), json!(0), Value::Null];
                Value::Array(vec![kinds[usize::from(*kind) % kinds.len()].clone(); 4 * usize::from(*many)])
            }
            Self::Long(letters) => json!("x".repeat(16 * usize::from(*letters))),
            Self::Nested(deep) => (0..*deep).fold(value, |value, _| Value::Array(vec![value])),
        }
    }
}

/// The paths of all fields of `value`.
pub fn fields(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |name: String, inner: &Value| {
        found.push(format!("/{name}"));
        found.extend(fields(inner).into_iter().map(|path| format!("/{name}{path}")));
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| add(name.replace('~', "~0").replace('/', "~1"), inner))
        }
        Value::Array(values) => values.iter().enumerate().for_each(|(at, inner)| add(at.to_string(), inner)),
        _ => {}
    }
    found
}
