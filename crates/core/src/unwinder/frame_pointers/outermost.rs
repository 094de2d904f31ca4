//! Where the walks of a thread end.

use std::cell::Cell;

use super::frames::Frame;

/// The frames of the C library that start a thread and have no frame pointer: two under `main`, and one under
/// `start_thread`.
pub(super) const MOST_BEYOND: usize = 3;

/// The last frame of the current thread that a walk reaches, and the return addresses that libgcc found beyond it.
///
/// The C library is compiled without frame pointers, so the saved frame pointer in the last record can be anything. The
/// address of the record tells that the walk is complete: it belongs to one thread, and lies so near to the top of the
/// stack that the frames beyond it cannot differ.
#[derive(Debug)]
pub(super) struct Outermost {
    record: Cell<usize>,
    return_address: Cell<usize>,
    beyond: Cell<[usize; MOST_BEYOND]>,
}

impl Outermost {
    pub(super) const fn unknown() -> Self {
        Self { record: Cell::new(0), return_address: Cell::new(0), beyond: Cell::new([0; MOST_BEYOND]) }
    }

    /// Whether `frame` is the last frame.
    #[inline]
    pub(super) fn is(&self, frame: Frame) -> bool {
        frame.record == self.record.get() && frame.return_address == self.return_address.get()
    }

    /// The return addresses beyond the last frame, the inner one first.
    pub(super) fn beyond(&self) -> impl Iterator<Item = usize> + use<> {
        self.beyond.get().into_iter().take_while(|address| *address != 0)
    }

    /// Learns the last frame, and that `beyond` returns an address for each frame beyond it. Ignores frames that have
    /// too many others beyond them: the walk then broke off in the middle.
    pub(super) fn learn(&self, frame: Frame, beyond: impl Iterator<Item = usize>) {
        let mut addresses = [0; MOST_BEYOND];
        for (number, address) in beyond.enumerate() {
            match addresses.get_mut(number) {
                Some(place) => *place = address,
                None => return,
            }
        }
        // A signal handler that is sampled between two writes must not find a record that has the wrong addresses.
        self.record.set(0);
        self.beyond.set(addresses);
        self.return_address.set(frame.return_address);
        self.record.set(frame.record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_by_its_record_and_its_caller() {
        let outermost = Outermost::unknown();
        let frame = Frame { record: 0x7000, return_address: 0x40 };
        assert!(!outermost.is(frame));
        outermost.learn(frame, [0x50, 0x60].into_iter());
        assert!(outermost.is(frame));
        assert_eq!(outermost.beyond().collect::<Vec<_>>(), [0x50, 0x60]);
        assert!(!outermost.is(Frame { record: 0x7010, ..frame }));
        assert!(!outermost.is(Frame { return_address: 0x44, ..frame }));
    }

    #[test]
    fn a_walk_that_broke_off_in_the_middle_is_no_end() {
        let outermost = Outermost::unknown();
        let frame = Frame { record: 0x7000, return_address: 0x40 };
        outermost.learn(frame, 1..=MOST_BEYOND + 1);
        assert!(!outermost.is(frame));
        outermost.learn(frame, 1..=MOST_BEYOND);
        assert!(outermost.is(frame));
        assert_eq!(outermost.beyond().count(), MOST_BEYOND);
    }
}
