//! Folded stacks, one line each: `main;handler;alloc::vec::push 4096`. Flamegraph tools, speedscope and `sort` read it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::symbolized::{Amount, NamedStack, SymbolizedProfile};
use crate::visible::visible;

/// How stacks are folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoldedOptions {
    /// What a stack ends in.
    pub leaf: Leaf,
    /// What is counted.
    pub count: Count,
}

/// What the innermost part of a folded stack is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leaf {
    /// The function that asked for memory.
    #[default]
    Function,
    /// The type that owns it, behind that function.
    Type,
}

/// What the number of a folded stack is.
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
    /// Writes a line for each distinct stack of names, in alphabetical order.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_folded(&self, options: &FoldedOptions, mut out: impl Write) -> io::Result<()> {
        self.folded(options).iter().try_for_each(|(stack, number)| writeln!(out, "{stack} {number}"))
    }

    /// Writes a line for each stack of this profile or `base`, with the numbers of `base` and of this one.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_folded_since(
        &self,
        base: &Self,
        options: &FoldedOptions,
        mut out: impl Write,
    ) -> io::Result<()> {
        let mut stacks: BTreeMap<String, [i64; 2]> = BTreeMap::new();
        for (side, profile) in [base, self].into_iter().enumerate() {
            for (stack, number) in profile.folded(options) {
                stacks.entry(stack).or_default()[side] = number;
            }
        }
        stacks.iter().try_for_each(|(stack, [before, now])| writeln!(out, "{stack} {before} {now}"))
    }

    fn folded(&self, options: &FoldedOptions) -> BTreeMap<String, i64> {
        let mut stacks: BTreeMap<String, i64> = BTreeMap::new();
        for stack in &self.stacks {
            let number = options.count.of(self.live(stack));
            if number != 0 {
                let sum = stacks.entry(self.fold(stack, options.leaf)).or_default();
                *sum = sum.saturating_add(number);
            }
        }
        // Two stacks of the same names may have grown and shrunk by the same.
        stacks.retain(|_, number| *number != 0);
        stacks
    }

    /// The names from the outermost to the leaf.
    fn fold(&self, stack: &NamedStack, leaf: Leaf) -> String {
        let mut line = String::new();
        let mut push = |name: &str| {
            if !line.is_empty() {
                line.push(';');
            }
            // What separates names cannot stand in them, nor what separates lines.
            line.push_str(&visible(name).replace(';', ","));
        };
        for at in self.lines_of(stack).rev() {
            let name = &self.function(at).name;
            push(if name.is_empty() { "unknown code" } else { name });
        }
        let owner = &self.owners[stack.owner as usize];
        if leaf == Leaf::Type && owner.is_attributed {
            push(&format!("[{}]", owner.name));
        } else if leaf == Leaf::Type {
            push("[unattributed]");
        }
        if line.is_empty() { "unknown code".to_owned() } else { line }
    }
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

    fn folded(options: FoldedOptions) -> String {
        let mut out = Vec::new();
        sample().write_folded(&options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn stacks_begin_outside_and_end_where_they_should() {
        assert_eq!(folded(FoldedOptions::default()), "ma,in\\u{a};push 250\nunknown code 1\n");
        let by_type = FoldedOptions { leaf: Leaf::Type, count: Count::Objects };
        assert_eq!(folded(by_type), "[A] 1\nma,in\\u{a};push;[Box<A>] 1\nma,in\\u{a};push;[Vec<A>] 2\n");
    }

    #[test]
    fn stacks_of_equal_names_that_cancel_out_are_no_line() {
        let base = profile(&[("String", &["a"], 1, 7)]);
        let target = profile(&[("Vec<A>", &["a"], 1, 7), ("String", &["b"], 1, 9)]);
        let mut out = Vec::new();
        target.growth_since(&base).write_folded(&FoldedOptions::default(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "b 9\n");
    }

    #[test]
    fn two_profiles_stand_beside_each_other() {
        let mut out = Vec::new();
        let base = profile(&[("String", &["gone"], 1, 7), ("Vec<A>", &["push", "ma;in\n"], 2, 100)]);
        sample().write_folded_since(&base, &FoldedOptions::default(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "gone 7 0\nma,in\\u{a};push 100 250\nunknown code 0 1\n");
    }
}
