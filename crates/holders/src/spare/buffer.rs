//! Which part of a buffer is in use, as its header says.

use crate::page_map::Place;

/// Bytes of a parent in which the header of a buffer is searched.
pub(super) const MAX_BYTES: u64 = 4096;

/// Bytes of the smallest buffer without a name that is doubted.
const MIN_UNKNOWN: u64 = 2048;

/// How a type uses its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Vector,
    Ring,
    /// It has no name, so both are possible.
    Unknown,
}

pub(super) fn family(name: Option<&str>) -> Option<Family> {
    match name?.split('<').next()? {
        "Vec" | "BinaryHeap" => Some(Family::Vector),
        "VecDeque" => Some(Family::Ring),
        _ => None,
    }
}

/// A buffer and what points to it.
pub(super) struct Buffer {
    pub(super) object: u32,
    pub(super) place: Place,
    pub(super) family: Family,
    /// Bytes that the program asked for. Only a sample tells.
    pub(super) requested: Option<u64>,
}

/// Which elements of a buffer are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Where the elements begin.
    shift: u64,
    stride: u64,
    capacity: u64,
    head: u64,
    length: u64,
}

impl Use {
    /// Whether a pointer at an offset lies outside of the used elements.
    pub(super) fn is_spare(&self, offset: u64) -> bool {
        let Some(element) = offset.checked_sub(self.shift).map(|offset| offset / self.stride) else {
            return false;
        };
        if self.head == 0 {
            return element >= self.length;
        }
        element < self.capacity && (element + self.capacity - self.head) % self.capacity >= self.length
    }
}

impl Buffer {
    /// Finds `{capacity, pointer, length}` or `{capacity, pointer, head, length}` of this buffer.
    pub(super) fn find_use(&self, words: &[u64]) -> Option<Use> {
        let (start, end) =
            (self.place.address, self.place.address.saturating_add(self.place.bytes.min(MAX_BYTES)));
        let at = words.iter().position(|word| (start..end).contains(word))?;
        let capacity = *words.get(at.checked_sub(1)?)?;
        let third = *words.get(at + 1)?;
        let fourth = words.get(at + 2).copied();
        let stride = self.stride(capacity)?;
        let shift = words.get(at)? - start;
        let ring = fourth.filter(|length| third < capacity && *length <= capacity).map(|length| Use {
            shift,
            stride,
            capacity,
            head: third,
            length,
        });
        let vector = (third <= capacity).then_some(Use { shift, stride, capacity, head: 0, length: third });
        match self.family {
            Family::Vector => vector,
            Family::Ring => ring,
            // The words of any struct can look like a header, such as the words of a small block of a channel.
            Family::Unknown if self.place.bytes < MIN_UNKNOWN => None,
            Family::Unknown => match ring.filter(|ring| ring.length < capacity && ring.length != third) {
                Some(_) => None,
                None => vector,
            },
        }
    }

    /// Bytes of an element. `None` if the capacity does not explain the size of the buffer.
    fn stride(&self, capacity: u64) -> Option<u64> {
        if capacity == 0 || capacity > self.place.bytes {
            return None;
        }
        let stride = match self.requested {
            Some(requested) if requested % capacity == 0 => requested / capacity,
            Some(_) => return None,
            None => {
                let stride = self.place.bytes / capacity;
                let left = self.place.bytes - stride * capacity;
                // A size class is at most a fifth larger than its object.
                if left * 5 > self.place.bytes {
                    return None;
                }
                stride
            }
        };
        // Only a sample tells the size of elements that are not whole words, such as the events of `epoll`.
        let step = if self.requested.is_some() && stride > 8 { 4 } else { 8 };
        (stride > 0 && stride % step == 0).then_some(stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(family: Family, requested: Option<u64>) -> Buffer {
        Buffer { object: 0, place: Place { address: 0x7000_0000_0000, bytes: 96 }, family, requested }
    }

    #[test]
    fn the_header_of_a_vector_tells_its_used_part() {
        let vector = buffer(Family::Vector, Some(80));
        let found = vector.find_use(&[7, 10, 0x7000_0000_0000, 3, 99]).unwrap();
        assert_eq!(found, Use { shift: 0, stride: 8, capacity: 10, head: 0, length: 3 });
        let spare: Vec<u64> = (0..10).filter(|element| found.is_spare(element * 8)).collect();
        assert_eq!(spare, [3, 4, 5, 6, 7, 8, 9]);
        // Not a header: the capacity does not explain the size, or the length is larger.
        assert_eq!(vector.find_use(&[9, 0x7000_0000_0000, 3]), None);
        assert_eq!(vector.find_use(&[10, 0x7000_0000_0000, 11]), None);
        assert_eq!(vector.find_use(&[0, 0x7000_0000_0000, 0]), None);
        assert_eq!(vector.find_use(&[0x7000_0000_0000, 3]), None);
        assert_eq!(vector.find_use(&[10, 0x7000_0000_0060, 3]), None);
        assert_eq!(vector.find_use(&[]), None);
    }

    #[test]
    fn the_used_part_of_a_ring_goes_around_the_end() {
        let ring = buffer(Family::Ring, Some(80));
        let found = ring.find_use(&[10, 0x7000_0000_0000, 8, 4]).unwrap();
        let spare: Vec<u64> = (0..10).filter(|element| found.is_spare(element * 8)).collect();
        assert_eq!(spare, [2, 3, 4, 5, 6, 7]);
        assert_eq!(ring.find_use(&[10, 0x7000_0000_0000, 10, 4]), None);
    }

    #[test]
    fn an_unnamed_buffer_that_could_be_a_ring_or_a_block_is_not_doubted() {
        let place = Place { address: 0x7000_0000_0000, bytes: 4096 };
        let unknown = Buffer { place, ..buffer(Family::Unknown, None) };
        assert_eq!(unknown.find_use(&[512, 0x7000_0000_0000, 5, 7]), None);
        assert_eq!(unknown.find_use(&[512, 0x7000_0000_0000, 5, 600]).map(|found| found.length), Some(5));
        assert_eq!(unknown.find_use(&[300, 0x7000_0000_0000, 5, 600]), None);
        // An index of a channel, and its block.
        assert_eq!(buffer(Family::Unknown, None).find_use(&[12, 0x7000_0000_0000, 0, 600]), None);
    }
}
