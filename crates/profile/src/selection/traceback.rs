//! Tracebacks: the innermost frames of a stack with their lines, like the grouping of Python's `tracemalloc`.

/// The number of frames in a row of [`Group::Traceback`](crate::Group::Traceback): 1 to 32, by default 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TracebackDepth(u8);

impl TracebackDepth {
    /// The largest depth.
    pub const MAX: Self = Self(32);

    /// Makes a depth. `None` if `frames` is 0 or more than [`MAX`](Self::MAX).
    pub fn new(frames: u8) -> Option<Self> {
        (1..=Self::MAX.0).contains(&frames).then_some(Self(frames))
    }

    /// The number of frames.
    pub fn frames(self) -> usize {
        self.0.into()
    }
}

impl Default for TracebackDepth {
    fn default() -> Self {
        Self(8)
    }
}

/// Separates two frames, the inner one first.
const CALLED_BY: &str = " ← ";

/// Joins frames, given as `(label, file, line)` from the innermost, to the name of a row. `None` without frames.
pub(crate) fn traceback<'f>(
    frames: impl Iterator<Item = (&'f str, Option<&'f str>, u32)>,
    depth: TracebackDepth,
) -> Option<String> {
    let frames = frames.take(depth.frames()).map(|(label, file, line)| frame(label, file, line));
    let frames: Vec<String> = frames.collect();
    (!frames.is_empty()).then(|| frames.join(CALLED_BY))
}

/// `read (src/upload.rs:17)` for the service's own code, `bytes::bytes_mut::reserve:640` for other code.
fn frame(label: &str, file: Option<&str>, line: u32) -> String {
    let label = if label.is_empty() { "unknown code" } else { label };
    if line == 0 {
        return label.to_owned();
    }
    let has_file =
        file.is_some_and(|file| label.strip_suffix(')').is_some_and(|label| label.ends_with(file)));
    match label.strip_suffix(')') {
        Some(label) if has_file => format!("{label}:{line})"),
        _ => format!("{label}:{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_from_the_innermost_outwards_with_their_lines() {
        let frames = [
            ("alloc::vec::push", Some("library/alloc/src/vec/mod.rs"), 9),
            ("read (src/upload.rs)", Some("src/upload.rs"), 17),
            ("app::run", None, 0),
            ("", None, 0),
        ];
        let of_depth = |depth| traceback(frames.into_iter(), TracebackDepth::new(depth).unwrap()).unwrap();
        assert_eq!(of_depth(1), "alloc::vec::push:9");
        assert_eq!(of_depth(2), "alloc::vec::push:9 ← read (src/upload.rs:17)");
        assert_eq!(of_depth(32), "alloc::vec::push:9 ← read (src/upload.rs:17) ← app::run ← unknown code");
        assert_eq!(traceback(std::iter::empty(), TracebackDepth::default()), None);
    }

    #[test]
    fn a_depth_is_between_one_and_the_most() {
        assert_eq!([0, 33, 255].map(TracebackDepth::new), [None; 3]);
        assert_eq!(TracebackDepth::new(32), Some(TracebackDepth::MAX));
    }
}
