//! What the words around a pointer say about the buffer that it points to.

use crate::page_map::Place;

/// The allocator lets a large object begin at a multiple of this in its first page, so that not all of them share their
/// cache lines (`cache_oblivious`).
const SHIFT_STEP: u64 = 64;

/// Something that a buffer holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    /// Its type.
    pub(super) name: u32,
    /// Where the pointer to it lies in the buffer.
    pub(super) offset: u64,
    /// The sample that it is.
    pub(super) sample: Option<u32>,
}

/// How a container uses its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{capacity, pointer, length}`
    Vector,
    /// `{capacity, pointer, head, length}`
    Ring,
    /// `{pointer, length}`
    Slice,
    /// A pointer whose length is elsewhere: optimised code splits a vector on a stack.
    Unknown,
    /// `{control bytes, capacity - 1, room left, length}` (`RawTable` of hashbrown). The elements lie in front of the
    /// control bytes.
    Table,
}

impl Form {
    /// The name of a container of elements.
    pub(super) fn of(self, element: &str) -> String {
        match self {
            Self::Vector | Self::Unknown => format!("Vec<{element}>"),
            Self::Ring => format!("VecDeque<{element}>"),
            Self::Slice => format!("Box<[{element}]>"),
            Self::Table => format!("HashSet<{element}>"),
        }
    }
}

/// What a header says about a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) form: Form,
    /// Where the elements begin in the object, in bytes.
    pub(super) shift: u64,
    /// Bytes of an element.
    pub(super) stride: u64,
    pub(super) capacity: u64,
    /// The first element of a ring.
    pub(super) head: u64,
    pub(super) length: u64,
}

impl Header {
    /// Whether an element is in use. Control bytes say it for a table, not the header.
    pub(super) fn uses(&self, element: u64) -> bool {
        match self.form {
            Form::Vector | Form::Slice | Form::Unknown => element < self.length,
            Form::Ring => {
                element < self.capacity && (element + self.capacity - self.head) % self.capacity < self.length
            }
            Form::Table => element < self.capacity,
        }
    }

    /// Where a pointer lies in its element. `None` in front of the elements and behind them.
    pub(super) fn field(&self, offset: u64) -> Option<u64> {
        let offset = offset.checked_sub(self.shift)?;
        (offset / self.stride < self.capacity).then_some(offset % self.stride)
    }
}

/// Where the elements of an object begin, if a pointer leads there. `None` for a pointer to anything else in it.
pub(super) fn shift_of(pointer: u64, place: Place, is_small: bool, page_bytes: u64) -> Option<u64> {
    let shift = pointer.checked_sub(place.address)?;
    let most = if is_small { 0 } else { page_bytes - SHIFT_STEP };
    (shift <= most && shift.is_multiple_of(SHIFT_STEP)).then_some(shift)
}

/// The headers of a buffer of elements of `stride` bytes that words can be. The surest one comes first. `fits` says whether
/// a number of bytes is what the program asked for.
pub(super) fn headers(
    words: &[u64],
    shift_of: impl Fn(u64) -> Option<u64>,
    stride: u64,
    fits: impl Fn(u64) -> bool,
) -> Vec<Header> {
    let fits = |count: u64| count > 0 && count.checked_mul(stride).is_some_and(&fits);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(shift) = shift_of(*word) else { continue };
        let header = |form, capacity, head, length| Header { form, shift, stride, capacity, head, length };
        let capacity = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let (third, fourth) = (words.get(at + 1).copied(), words.get(at + 2).copied());
        if let (Some(capacity), Some(third)) = (capacity.filter(|capacity| fits(*capacity)), third) {
            if (1..=capacity).contains(&third) {
                found.push(header(Form::Vector, capacity, 0, third));
            }
            if let Some(length) = fourth.filter(|length| third < capacity && (1..=capacity).contains(length))
            {
                found.push(header(Form::Ring, capacity, third, length));
            }
        } else if let Some(length) = third.filter(|length| fits(*length)) {
            found.push(header(Form::Slice, length, 0, length));
        }
    }
    found
}

/// The headers of a hash table in an object. The control bytes lie in it, behind the elements.
pub(super) fn tables(words: &[u64], place: Place, is_small: bool, page_bytes: u64) -> Vec<Header> {
    let mut found = Vec::new();
    for window in words.windows(4) {
        let [control, mask, left, length] = *window else { continue };
        let Some(before) = control.checked_sub(place.address).filter(|before| *before < place.bytes) else {
            continue;
        };
        let Some(capacity) = mask.checked_add(1).filter(|capacity| capacity.is_power_of_two()) else {
            continue;
        };
        // One control byte for each element, and a group of 16 more. Seven of eight elements can be in use.
        let is_whole = capacity.checked_add(16).is_some_and(|bytes| bytes <= place.bytes - before);
        let room = left.checked_add(length).filter(|room| *room <= capacity);
        if !is_whole || capacity < 4 || length == 0 || room.is_none() || !control.is_multiple_of(16) {
            continue;
        }
        let stride = (before / capacity) & !7;
        let elements = stride.saturating_mul(capacity).next_multiple_of(16);
        let shift = before.saturating_sub(elements);
        // With fewer elements, the part in front of them could be part of them.
        let is_sure = is_small || capacity > page_bytes / 8;
        if stride > 0
            && is_sure
            && shift_of(place.address + shift, place, is_small, page_bytes) == Some(shift)
        {
            found.push(Header { form: Form::Table, shift, stride, capacity, head: 0, length });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0x7000_0000_0000;

    fn place(bytes: u64) -> Place {
        Place { address: START, bytes }
    }

    #[test]
    fn the_words_around_a_pointer_tell_what_it_points_to() {
        let shift = |word| shift_of(word, place(80), true, 4096);
        let of = |words: &[u64]| headers(words, shift, 8, |bytes| bytes == 80);
        let header = |form, head, length| Header { form, shift: 0, stride: 8, capacity: 10, head, length };
        assert_eq!(of(&[7, 10, START, 3]), [header(Form::Vector, 0, 3)]);
        assert_eq!(of(&[START, 10, 99]), [header(Form::Slice, 0, 10)]);
        let ring = header(Form::Ring, 8, 4);
        assert_eq!(of(&[10, START, 8, 4]), [header(Form::Vector, 0, 8), ring]);
        assert!(ring.uses(8) && ring.uses(1) && !ring.uses(2) && !ring.uses(7));
        assert_eq!(of(&[10, START, 11]), []);
        assert_eq!(of(&[10, START]), []);
        assert_eq!(of(&[9, START, 3]), []);
        assert_eq!(of(&[10, START + 64, 3]), []);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn a_large_object_begins_somewhere_in_its_first_page() {
        let large = place(1 << 20);
        let shift = |word| shift_of(word, large, false, 4096);
        assert_eq!(shift(START + 192), Some(192));
        assert_eq!((shift(START + 100), shift(START + 4096), shift(START - 64)), (None, None, None));
        let found = headers(&[1000, START + 64, 900], shift, 24, |bytes| bytes == 24_000);
        let [vector] = found[..] else { panic!("{found:?}") };
        assert_eq!(
            (vector.shift, vector.field(64 + 24 * 999 + 8), vector.field(64 + 24_000)),
            (64, Some(8), None)
        );
        assert_eq!(vector.field(8), None);
    }

    #[test]
    fn the_control_bytes_of_a_table_tell_the_size_of_its_elements() {
        let of = |words: &[u64], bytes, is_small| tables(words, place(bytes), is_small, 4096);
        let small = of(&[5, START + 256, 15, 4, 10], 288, true);
        let expected = Header { form: Form::Table, shift: 0, stride: 16, capacity: 16, head: 0, length: 10 };
        assert_eq!(small, [expected]);
        let large = of(&[START + 192 + 1024 * 40, 1023, 0, 896], 49_152, false);
        assert_eq!(large, [Header { shift: 192, stride: 40, capacity: 1024, length: 896, ..expected }]);
        // No power of two, more in use than there is room, no room for the control bytes, empty.
        assert_eq!(of(&[START + 256, 14, 4, 10], 288, true), []);
        assert_eq!(of(&[START + 256, 15, 8, 10], 288, true), []);
        assert_eq!(of(&[START + 256, 15, 4, 10], 280, true), []);
        assert_eq!(of(&[START + 256, 15, 4, 0], 288, true), []);
        assert_eq!(of(&[START + 256, u64::MAX, 4, 10], 288, true), []);
        // An element cannot be told from what lies in front of the elements.
        assert_eq!(of(&[START + 192 + 64 * 40, 63, 0, 56], 49_152, false), []);
    }
}
