//! Walks that libgcc has confirmed, and what its answers teach.

use std::mem::MaybeUninit;

use super::edges::Edges;
use super::frames::Frames;
use super::outermost::Outermost;

/// Writes the return addresses of `frames` to `stack` and returns their number. `None` if a pair of neighbours is not
/// confirmed or the walk ends before the thread's outermost frame; `stack` may then have been written to.
///
/// A walk that fills `stack` is complete: libgcc would stop there too.
#[inline]
pub(super) fn walk<const N: usize>(
    frames: Frames,
    edges: &Edges<N>,
    outermost: &Outermost,
    stack: &mut [MaybeUninit<usize>],
) -> Option<usize> {
    let (mut length, mut inner) = (0, 0);
    for frame in frames {
        let address = frame.return_address;
        if length > 0 && !edges.contains(inner, address) {
            return None;
        }
        stack.get_mut(length)?.write(address);
        length += 1;
        if outermost.is(frame) {
            for (place, address) in stack.iter_mut().skip(length).zip(outermost.beyond()) {
                place.write(address);
                length += 1;
            }
            return Some(length);
        }
        if length == stack.len() {
            return Some(length);
        }
        inner = address;
    }
    None
}

/// Learns from `truth`, the return addresses that libgcc found where `frames` begin. `is_cut` says that there are more
/// of them. Returns whether the walk has the same frames, as far as frame pointers can reach.
pub(super) fn learn<const N: usize>(
    frames: Option<Frames>,
    edges: &Edges<N>,
    outermost: &Outermost,
    truth: &[usize],
    is_cut: bool,
) -> bool {
    for pair in truth.windows(2) {
        if let [inner, outer] = pair {
            edges.insert(*inner, *outer);
        }
    }
    let (mut same, mut last) = (0, None);
    for (frame, address) in frames.into_iter().flatten().zip(truth) {
        if frame.return_address != *address {
            break;
        }
        (same, last) = (same + 1, Some(frame));
    }
    match last {
        Some(_) if is_cut => same == truth.len(),
        Some(last) => {
            outermost.learn(last, truth.iter().skip(same).copied());
            outermost.is(last)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD_BYTES: usize = size_of::<usize>();

    /// A stack in memory: records at the even words, each linked to the next. The last record is linked to nothing.
    struct Memory(Vec<usize>);

    impl Memory {
        fn new(addresses: &[usize]) -> Self {
            let mut words: Vec<usize> = addresses.iter().flat_map(|address| [0, *address]).collect();
            let start = words.as_ptr().expose_provenance();
            for record in 0..addresses.len() - 1 {
                words[record * 2] = start + (record + 1) * 2 * WORD_BYTES;
            }
            Self(words)
        }

        fn frames(&self) -> Frames {
            let start = self.0.as_ptr().expose_provenance();
            // SAFETY: the words stay as long as `self`, and each test keeps it.
            unsafe { Frames::new(start..start + self.0.len() * WORD_BYTES, start) }
        }
    }

    struct Known {
        edges: Edges<64>,
        outermost: Outermost,
    }

    impl Known {
        fn nothing() -> Self {
            Self { edges: Edges::new(), outermost: Outermost::unknown() }
        }

        fn learn(&self, memory: &Memory, truth: &[usize]) -> bool {
            learn(Some(memory.frames()), &self.edges, &self.outermost, truth, false)
        }

        fn walk(&self, memory: &Memory, most: usize) -> Option<Vec<usize>> {
            let mut stack = vec![MaybeUninit::new(0); most];
            let length = walk(memory.frames(), &self.edges, &self.outermost, &mut stack)?;
            // SAFETY: all items were initialised with 0.
            Some(stack.iter().take(length).map(|item| unsafe { item.assume_init() }).collect())
        }
    }

    #[test]
    fn a_walk_has_the_frames_that_libgcc_found() {
        let (memory, known) = (Memory::new(&[10, 20, 30, 40]), Known::nothing());
        assert_eq!(known.walk(&memory, 100), None, "nothing is confirmed");
        let truth = [10, 20, 30, 40, 50, 60];
        assert!(known.learn(&memory, &truth));
        assert_eq!(known.walk(&memory, 100).unwrap(), truth);
        assert_eq!(known.walk(&memory, 5).unwrap(), truth[..5], "cut in the C library");
        assert_eq!(known.walk(&memory, 3).unwrap(), truth[..3], "cut");
        assert_eq!(known.walk(&memory, 0), None);
    }

    #[test]
    fn a_new_combination_of_known_pairs_is_walked() {
        let known = Known::nothing();
        // Two stacks through the frame 20 teach the pairs of a third. All end in the same place of the same thread.
        let memory = Memory::new(&[10, 20, 30, 40]);
        known.learn(&memory, &[10, 20, 30, 40]);
        learn(None, &known.edges, &known.outermost, &[11, 20, 31, 40], true);
        let mut other = memory;
        (other.0[1], other.0[5]) = (10, 31);
        assert_eq!(known.walk(&other, 100).unwrap(), [10, 20, 31, 40]);
        other.0[5] = 32;
        assert_eq!(known.walk(&other, 100), None, "an unknown caller");
    }

    #[test]
    fn a_frame_that_has_no_frame_pointer_is_not_skipped() {
        let known = Known::nothing();
        // C code at 20 was called by Rust code at 30, and left the frame pointer of the latter in its register.
        let memory = Memory::new(&[10, 20, 40, 50, 60, 70]);
        let truth = [10, 20, 30, 40, 50, 60, 70];
        for _ in 0..3 {
            assert!(!known.learn(&memory, &truth));
            assert_eq!(known.walk(&memory, 100), None);
        }
    }

    #[test]
    fn a_walk_that_ends_elsewhere_than_the_thread_is_refused() {
        let known = Known::nothing();
        let whole = Memory::new(&[10, 20, 30, 40]);
        assert!(known.learn(&whole, &[10, 20, 30, 40]));
        let broken = Memory::new(&[10, 20]);
        assert_eq!(known.walk(&broken, 100), None, "the saved frame pointer is damaged");
        let coroutine = Memory::new(&[10, 20, 30, 40]);
        assert_eq!(known.walk(&coroutine, 100), None, "the same frames on another stack");
    }

    #[test]
    fn a_cut_answer_teaches_pairs_only() {
        let (memory, known) = (Memory::new(&[10, 20, 30, 40]), Known::nothing());
        assert!(learn(Some(memory.frames()), &known.edges, &known.outermost, &[10, 20, 30], true));
        assert_eq!(known.walk(&memory, 3).unwrap(), [10, 20, 30]);
        assert_eq!(known.walk(&memory, 100), None);
        assert!(!learn(Some(memory.frames()), &known.edges, &known.outermost, &[10, 21, 30], true));
        assert!(!learn(Some(memory.frames()), &known.edges, &known.outermost, &[], false));
    }
}
