//! Collapsed stacks, one per line: `main;handler;alloc::vec::push 4096`. Flame graph tools, speedscope and `sort`
//! read them.

use std::io::{self, Write};

use crate::amount::Amount;
use crate::symbolized::{NamedStack, SymbolizedProfile};
use memory_debug_formats::printable;

/// Options for collapsing stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollapsedOptions {
    /// The innermost part of each collapsed stack.
    pub leaf: Leaf,
    /// The number of each collapsed stack.
    pub count: Count,
}

/// The innermost part of a collapsed stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leaf {
    /// The function that asked for memory.
    #[default]
    Function,
    /// The type that owns the memory, after that function.
    Type,
}

/// The number of a collapsed stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Count {
    /// Bytes.
    #[default]
    Bytes,
    /// Objects.
    Objects,
}

impl SymbolizedProfile {
    /// Collapses the profile into its distinct stacks of names, in alphabetical order, functions before types.
    pub fn collapse(&self, options: &CollapsedOptions) -> CollapsedStacks<'_> {
        CollapsedStacks::of(&[self], *options)
    }

    /// Collapses this profile and `base` into their distinct stacks. Each has its number in `base` and in this
    /// profile.
    pub fn collapse_since<'p>(&'p self, base: &'p Self, options: &CollapsedOptions) -> CollapsedStacks<'p> {
        CollapsedStacks::of(&[base, self], *options)
    }
}

/// Distinct stacks of names in alphabetical order, with one number per profile.
///
/// They are not held as text, which would be a hundred times as long as the profile.
#[derive(Debug)]
pub struct CollapsedStacks<'p> {
    lines: Vec<Line<'p>>,
    leaf: Leaf,
    profiles: usize,
}

#[derive(Debug)]
struct Line<'p> {
    profile: &'p SymbolizedProfile,
    stack: &'p NamedStack,
    /// With one profile, its number is the last.
    numbers: [i64; 2],
    /// Number of names, from the outermost, that are the same in the previous line.
    shared: usize,
}

/// A name on a stack, and whether it is a type.
type Name<'p> = (bool, &'p str);

impl<'p> CollapsedStacks<'p> {
    fn of(profiles: &[&'p SymbolizedProfile], CollapsedOptions { leaf, count }: CollapsedOptions) -> Self {
        let mut lines = Vec::with_capacity(profiles.iter().map(|profile| profile.stacks.len()).sum());
        for (side, profile) in (2 - profiles.len()..).zip(profiles) {
            for stack in &profile.stacks {
                let mut numbers = [0; 2];
                numbers[side] = count.of(profile.live(stack));
                lines.push(Line { profile, stack, numbers, shared: 0 });
            }
        }
        lines.retain(|line| line.numbers != [0; 2]);
        lines.sort_by(|a, b| a.names(leaf).cmp(b.names(leaf)));
        lines.dedup_by(|later, first| {
            let is_same = later.names(leaf).eq(first.names(leaf));
            if is_same {
                first.numbers = sum(first.numbers, later.numbers);
            }
            is_same
        });
        // Several stacks of the same names can have grown and shrunk by the same amount.
        lines.retain(|line| line.numbers != [0; 2]);
        for at in 1..lines.len() {
            let shared = lines[at - 1].names(leaf).zip(lines[at].names(leaf)).take_while(|(a, b)| a == b);
            lines[at].shared = shared.count();
        }
        Self { lines, leaf, profiles: profiles.len() }
    }

    /// The sum of the absolute numbers. With two profiles, the larger sum.
    pub fn total(&self) -> u64 {
        size(&self.lines)
    }

    /// Writes the lines. Lines below a function that together have less than `least` become one line:
    /// `main;(12 smaller) 4096`. Returns the number of lines that were summed.
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write(&self, least: u64, mut out: impl Write) -> io::Result<u64> {
        let mut summed = 0;
        let mut parts = vec![&self.lines[..]];
        while let Some(part) = parts.pop() {
            let [first, others @ ..] = part else { continue };
            let Some(depth) = others.iter().map(|line| line.shared).min() else {
                self.write_line(first, None, first.numbers, &mut out)?;
                continue;
            };
            // After `depth` names the lines diverge.
            let (mut smaller, mut numbers, known) = (0, [0; 2], parts.len());
            for way in part.chunk_by(|_, next| next.shared > depth) {
                if size(way) >= least {
                    parts.push(way);
                } else {
                    smaller += way.len() as u64;
                    numbers = way.iter().fold(numbers, |numbers, line| sum(numbers, line.numbers));
                }
            }
            // `pop` must return the first part first.
            parts[known..].reverse();
            if numbers != [0; 2] {
                self.write_line(first, Some((depth, smaller)), numbers, &mut out)?;
            }
            summed += smaller;
        }
        Ok(summed)
    }

    /// Writes the names of a line. For several lines, only the names that they share, and how many lines they are.
    fn write_line(
        &self,
        line: &Line<'_>,
        several: Option<(usize, u64)>,
        numbers: [i64; 2],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut separator = "";
        let mut push = |out: &mut dyn Write, (is_type, name): Name<'_>| {
            write!(out, "{separator}{}", if is_type { "[" } else { "" })?;
            separator = ";";
            // Names must not contain the separators of names and lines.
            let name = printable(name);
            for (at, part) in name.split(';').enumerate() {
                write!(out, "{}{part}", if at > 0 { "," } else { "" })?;
            }
            write!(out, "{}", if is_type { "]" } else { "" })
        };
        let depth = several.map_or(usize::MAX, |(depth, _)| depth);
        line.names(self.leaf).take(depth).try_for_each(|name| push(out, name))?;
        if let Some((_, smaller)) = several {
            push(out, (false, &format!("({smaller} smaller)")))?;
        }
        numbers[2 - self.profiles..].iter().try_for_each(|number| write!(out, " {number}"))?;
        writeln!(out)
    }
}

impl<'p> Line<'p> {
    /// The names from the outermost to the leaf.
    fn names(&self, leaf: Leaf) -> impl Iterator<Item = Name<'p>> + use<'p> {
        const UNKNOWN: Name<'_> = (false, "unknown code");
        let (profile, stack) = (self.profile, self.stack);
        let functions = profile.lines_of(stack).rev().map(|at| {
            let name = &*profile.function(at).name;
            if name.is_empty() { UNKNOWN } else { (false, name) }
        });
        let owner = &profile.owners[stack.owner as usize];
        let leaf = match leaf {
            Leaf::Type if owner.is_attributed => Some((true, &*owner.name)),
            Leaf::Type => Some((true, "unattributed")),
            // A line needs at least one name.
            Leaf::Function if profile.lines_of(stack).next().is_none() => Some(UNKNOWN),
            Leaf::Function => None,
        };
        functions.chain(leaf)
    }
}

/// The sum of the absolute numbers. With two profiles, the larger sum.
fn size(lines: &[Line<'_>]) -> u64 {
    let of = |side: usize| {
        lines.iter().fold(0, |sum: u64, line| sum.saturating_add(line.numbers[side].unsigned_abs()))
    };
    of(0).max(of(1))
}

fn sum(a: [i64; 2], b: [i64; 2]) -> [i64; 2] {
    [a[0].saturating_add(b[0]), a[1].saturating_add(b[1])]
}

impl Count {
    fn of(self, amount: Amount) -> i64 {
        match self {
            Self::Bytes => amount.bytes,
            Self::Objects => amount.objects,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolized::tests::profile;

    fn sample() -> SymbolizedProfile {
        profile(&[
            ("Vec<A>", &["push", "ma;in\n"], 2, 200),
            ("Box<A>", &["push", "ma;in\n"], 1, 50),
            ("A", &[], 1, 1),
        ])
    }

    fn collapsed(options: CollapsedOptions) -> String {
        let mut out = Vec::new();
        sample().collapse(&options).write(0, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_stacks_from_the_outermost_to_the_leaf() {
        assert_eq!(collapsed(CollapsedOptions::default()), "ma,in\\u{a};push 250\nunknown code 1\n");
        let by_type = CollapsedOptions { leaf: Leaf::Type, count: Count::Objects };
        assert_eq!(collapsed(by_type), "ma,in\\u{a};push;[Box<A>] 1\nma,in\\u{a};push;[Vec<A>] 2\n[A] 1\n");
    }

    #[test]
    fn omits_stacks_that_cancel_out() {
        let base = profile(&[("String", &["a"], 1, 7)]);
        let target = profile(&[("Vec<A>", &["a"], 1, 7), ("String", &["b"], 1, 9)]);
        let mut out = Vec::new();
        target.growth_since(&base).collapse(&CollapsedOptions::default()).write(0, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "b 9\n");
    }

    #[test]
    fn writes_two_profiles_side_by_side() {
        let mut out = Vec::new();
        let base = profile(&[("String", &["gone"], 1, 7), ("Vec<A>", &["push", "ma;in\n"], 2, 100)]);
        sample().collapse_since(&base, &CollapsedOptions::default()).write(0, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "gone 7 0\nma,in\\u{a};push 100 250\nunknown code 0 1\n");
    }

    #[test]
    fn sums_small_stacks_below_their_function() {
        let profile = profile(&[
            ("A", &["big", "read", "main"], 1, 900),
            ("A", &["x", "read", "main"], 1, 30),
            ("A", &["y", "read", "main"], 1, 20),
            ("A", &["z", "start", "main"], 1, 7),
            ("A", &["main"], 1, 3),
            ("A", &["thread"], 1, 40),
        ]);
        let collapsed = profile.collapse(&CollapsedOptions::default());
        assert_eq!(collapsed.total(), 1000);
        for (least, summed, expected) in [
            (0, 0, "main 3\nmain;read;big 900\nmain;read;x 30\nmain;read;y 20\nmain;start;z 7\nthread 40\n"),
            (10, 2, "main;(2 smaller) 10\nmain;read;big 900\nmain;read;x 30\nmain;read;y 20\nthread 40\n"),
            (50, 5, "(1 smaller) 40\nmain;(2 smaller) 10\nmain;read;(2 smaller) 50\nmain;read;big 900\n"),
            (u64::MAX, 6, "(6 smaller) 1000\n"),
        ] {
            let mut out = Vec::new();
            assert_eq!(collapsed.write(least, &mut out).unwrap(), summed, "{least}");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn difference_keeps_what_is_large_on_either_side() {
        let base = profile(&[("A", &["gone", "main"], 1, 500), ("A", &["x", "main"], 1, 3)]);
        let now = profile(&[
            ("A", &["new", "main"], 1, 400),
            ("A", &["x", "main"], 1, 4),
            ("A", &["y", "main"], 1, 1),
        ]);
        let mut out = Vec::new();
        assert_eq!(now.collapse_since(&base, &CollapsedOptions::default()).write(10, &mut out).unwrap(), 2);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "main;(2 smaller) 3 5\nmain;gone 500 0\nmain;new 0 400\n"
        );
    }
}
