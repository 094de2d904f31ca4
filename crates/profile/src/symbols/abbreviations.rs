//! Abbreviation tables: the layouts of a unit's entries, some dozens per table.
//!
//! Most units need only their root entry, and parsing the whole table takes longer than reading that entry. The
//! layout of the root can be anywhere in the table (LLVM puts it behind the middle). So the other layouts are
//! skipped, which is far less work than parsing them. `.debug_aranges` would answer the same question without
//! abbreviations. But not all compilers write it, and a reader cannot tell whether it is complete.

use gimli::{Abbreviations, DebugAbbrev, DebugAbbrevOffset, Reader as _, Section as _};

use super::budget::{Bounded, Budget, Damaged};
use super::elf::Reader;

/// Reads the whole table at `offset`.
pub(crate) fn all(
    section: &DebugAbbrev<Reader<'_>>,
    offset: DebugAbbrevOffset,
    budget: &mut Budget,
) -> Bounded<Abbreviations> {
    let mut rest = table_from(section, offset)?;
    while !rest.is_empty() && skip_abbreviation(&mut rest, budget)? != 0 {}
    Ok(section.abbreviations(offset)?)
}

/// Reads the abbreviation with `code` from the table at `offset`.
pub(crate) fn only(
    section: &DebugAbbrev<Reader<'_>>,
    offset: DebugAbbrevOffset,
    code: u64,
    budget: &mut Budget,
) -> Bounded<Abbreviations> {
    let mut rest = table_from(section, offset)?;
    loop {
        let from_here = rest;
        match skip_abbreviation(&mut rest, budget)? {
            0 => return Err(Damaged),
            found if found == code => {
                let len = from_here.len() - rest.len();
                let alone = DebugAbbrev::new(&from_here.slice()[..len], from_here.endian());
                return Ok(alone.abbreviations(DebugAbbrevOffset(0))?);
            }
            _ => {}
        }
    }
}

fn table_from<'a>(section: &DebugAbbrev<Reader<'a>>, offset: DebugAbbrevOffset) -> Bounded<Reader<'a>> {
    let mut table = *section.reader();
    table.skip(offset.0)?;
    Ok(table)
}

/// Skips one abbreviation (DWARF 5, section 7.5.3) and returns its code. 0 is the end of the table.
fn skip_abbreviation(rest: &mut Reader<'_>, budget: &mut Budget) -> Bounded<u64> {
    let before = rest.len();
    let code = read_number(rest)?;
    if code != 0 {
        let _tag = read_number(rest)?;
        let _has_children = rest.read_u8()?;
        loop {
            let (name, form) = (read_number(rest)?, read_number(rest)?);
            if (name, form) == (0, 0) {
                break;
            }
            if form == u64::from(gimli::DW_FORM_implicit_const.0) {
                rest.skip_leb128()?;
            }
        }
    }
    budget.spend(before - rest.len())?;
    Ok(code)
}

/// Reads an unsigned LEB128 number, which nearly always has one byte here.
#[inline]
fn read_number(rest: &mut Reader<'_>) -> gimli::Result<u64> {
    match rest.slice() {
        [byte @ 0..=0x7f, tail @ ..] => {
            *rest = Reader::new(tail, rest.endian());
            Ok(u64::from(*byte))
        }
        _ => rest.read_uleb128(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three abbreviations: one with two attributes, one of which has two bytes; one with a constant in the table; an
    /// empty one.
    const TABLE: &[u8] = &[
        7, 0x2e, 1, 0x03, 0x0e, 0x87, 0x40, 0x0e, 0, 0, // DW_AT_name, DW_AT_MIPS_linkage_name
        9, 0x34, 0, 0x3a, 0x21, 0x80, 0x7f, 0, 0, // DW_AT_decl_file: DW_FORM_implicit_const
        1, 0x11, 1, 0, 0, //
        0,
    ];

    fn table(bytes: &[u8]) -> DebugAbbrev<Reader<'_>> {
        DebugAbbrev::new(bytes, gimli::RunTimeEndian::Little)
    }

    #[test]
    fn single_abbreviation_equals_the_one_in_the_whole_table() {
        let (section, start) = (table(TABLE), DebugAbbrevOffset(0));
        let whole = all(&section, start, &mut Budget::new(TABLE.len(), 0)).unwrap();
        for code in [7, 9, 1] {
            let alone = only(&section, start, code, &mut Budget::new(TABLE.len(), 0)).unwrap();
            assert_eq!(alone.get(code), whole.get(code));
            assert!(alone.get(code).is_some());
            assert_eq!([7, 9, 1].iter().filter(|code| alone.get(**code).is_some()).count(), 1);
        }
    }

    #[test]
    fn does_not_find_missing_or_truncated_abbreviation() {
        let find = |bytes: &[u8], offset| {
            only(&table(bytes), DebugAbbrevOffset(offset), 1, &mut Budget::new(bytes.len(), 0)).is_ok()
        };
        assert!(find(TABLE, 0) && find(TABLE, 19));
        assert!(!find(TABLE, 24), "the table ends here");
        assert!(!find(TABLE, 1000));
        for cut in 0..TABLE.len() - 1 {
            assert!(!find(&TABLE[..cut], 0), "{cut}");
        }
    }

    #[test]
    fn does_not_search_a_shared_table_for_every_unit() {
        let mut budget = Budget::new(TABLE.len(), 0);
        let read = (0..10_000)
            .take_while(|_| only(&table(TABLE), DebugAbbrevOffset(0), 1, &mut budget).is_ok())
            .count();
        assert!(read < 100, "{read}");
    }
}
