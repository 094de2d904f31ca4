use super::*;
use crate::symbols::budget::bytes_of;

const ENTRIES: usize = 2000;
const RANGES: usize = 2000;

/// A unit with the bytes `before`, one function, and some subroutines inlined into it. They share one list of
/// `RANGES` ranges, each of which contains the address 0x1008.
fn sections(before: &[u8], subroutines: usize) -> gimli::DwarfSections<Vec<u8>> {
    let abbreviations = [
        [1, 0x11, 1, 0x11, 0x01, 0x55, 0x17, 0, 0].as_slice(), // DW_TAG_compile_unit: DW_AT_low_pc, DW_AT_ranges
        &[2, 0x2e, 1, 0x55, 0x17, 0, 0],                       // DW_TAG_subprogram: DW_AT_ranges
        &[3, 0x1d, 0, 0x55, 0x17, 0, 0],                       // DW_TAG_inlined_subroutine: DW_AT_ranges
        &[0],
    ]
    .concat();
    let list = 0_u32.to_le_bytes();
    let mut entries = [[1].as_slice(), &[0; 8], &list, before, &[2], &list].concat();
    (0..subroutines).for_each(|_| entries.extend([[3].as_slice(), &list].concat()));
    entries.extend([0, 0]);
    let header = [4, 0, 0, 0, 0, 0, 8]; // version 4, abbreviations at 0, addresses of 8 bytes
    let len = u32::try_from(header.len() + entries.len()).unwrap();
    let info = [len.to_le_bytes().as_slice(), &header, &entries].concat();
    let numbers = (0..RANGES).flat_map(|_| [0x1000_u64, 0x1010]).chain([0, 0]);
    let ranges: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    gimli::DwarfSections::load(|id| {
        Ok::<_, gimli::Error>(match id {
            gimli::SectionId::DebugInfo => info.clone(),
            gimli::SectionId::DebugAbbrev => abbreviations.clone(),
            gimli::SectionId::DebugRanges => ranges.clone(),
            _ => Vec::new(),
        })
    })
    .unwrap()
}

/// The number of frames of the address.
fn frames(sections: &gimli::DwarfSections<Vec<u8>>) -> usize {
    let dwarf = sections.borrow(|section| Reader::new(section, gimli::RunTimeEndian::Little));
    let mut budget = Budget::new(bytes_of(&dwarf), 1);
    let index = UnitIndex::read(&dwarf, &mut budget);
    let mut table = FrameTable::default();
    let no_files = |_: &crate::Mapping| Err(std::io::ErrorKind::NotFound.into());
    let mut split = SplitUnits::new(std::path::Path::new("/srv/app"), None, &no_files);
    let found = resolve(&dwarf, &index, &mut split, &[0x1008], &mut table, &mut budget);
    table.frames(found.frames[&0]).len()
}

#[test]
fn one_long_list_is_not_read_for_every_entry() {
    let sections = sections(&[], ENTRIES);
    let frames = frames(&sections);
    let bytes = bytes_of(&sections.borrow(|section| Reader::new(section, gimli::RunTimeEndian::Little)));
    // One for each list that was read.
    assert!(frames > 1, "{frames}");
    assert!(frames * RANGES <= 16 * bytes + 512, "{frames}");
    assert!(frames < ENTRIES / 2, "{frames}");
}

#[test]
fn an_end_of_siblings_in_two_bytes_is_passed_over() {
    assert_eq!(frames(&sections(&[0x80, 0], 2)), 3);
}
