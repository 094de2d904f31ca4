//! Which types of a report are shown.

use memory_debug_report::RowId;

use crate::holders_report::{HeldType, HoldersReport};

/// Which types of a report are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeFilter {
    /// The type whose row in the table of types has this id.
    Row(RowId),
    /// The types whose name contains this text literally.
    Name(String),
}

impl TypeFilter {
    /// Reads the id of a row, which has 16 hexadecimal digits, or a part of a name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Row)
    }

    fn matches(&self, held: &HeldType) -> bool {
        match self {
            Self::Row(id) => RowId::of(&held.type_name, &held.type_name, true) == *id,
            Self::Name(part) => held.type_name.contains(part),
        }
    }
}

impl HoldersReport {
    /// Keeps the types that `filter` names. Types that the report left out stay counted as omitted.
    pub fn keep(&mut self, filter: &TypeFilter) {
        self.types.retain(|held| filter.matches(held));
    }

    /// Keeps the first `top` types. The others count as omitted.
    pub fn keep_first(&mut self, top: usize) {
        self.omitted += self.types.len().saturating_sub(top) as u64;
        self.types.truncate(top);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn names(report: &HoldersReport) -> Vec<&str> {
        report.types.iter().map(|held| &*held.type_name).collect()
    }

    #[test]
    fn a_type_is_found_by_its_row_and_by_a_part_of_its_name() {
        let kept = |filter: &str| {
            let mut report = sample::report();
            report.keep(&TypeFilter::parse(filter));
            names(&report).join(" ")
        };
        let id = RowId::of("String", "String", true).to_string();
        assert_eq!((&*kept(&id), &*kept("Str"), &*kept("shop::")), ("String", "String", "shop::Node"));
        assert_eq!(kept("0000000000000000"), "");
        assert!(matches!(TypeFilter::parse("0123"), TypeFilter::Name(_)));
    }

    #[test]
    fn types_beyond_the_first_count_as_omitted() {
        let mut report = sample::report();
        let (types, omitted) = (report.types.len() as u64, report.omitted);
        report.keep_first(1);
        assert_eq!((names(&report), report.omitted), (vec!["String"], omitted + types - 1));
        report.keep_first(9);
        assert_eq!(report.types.len(), 1);
    }
}
