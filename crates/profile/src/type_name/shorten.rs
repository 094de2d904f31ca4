//! Shortens long names by leaving out arguments.

use std::borrow::Cow;

use super::parse::split_list;

/// Replaces the parts that were left out.
const CUT: &str = "…";

/// Shortens a name of more than `limit` characters to about that many: `HashMap<String, Node<Node<…>>>`.
///
/// Deeply nested arguments go first, then the ends of long lists. The rest stays whole. Only a name that is too long
/// even without arguments is cut elsewhere. The parts of a traceback, separated by ` ← `, are shortened one by one.
///
/// ```
/// use memory_debug_profile::shorten_name;
///
/// assert_eq!(shorten_name("Vec<Session>", 12), "Vec<Session>");
/// assert_eq!(shorten_name("Map<Key<u8>, Value<Inner<u16>>>", 25), "Map<Key<u8>, Value<…>>");
/// assert_eq!(shorten_name("(First, Second, Third, Fourth)", 20), "(First, Second, …)");
/// ```
pub fn shorten_name(name: &str, limit: usize) -> Cow<'_, str> {
    let is_short = |part: &str| part.len() <= limit || part.chars().count() <= limit;
    if is_short(name) {
        return Cow::Borrowed(name);
    }
    let parts: Vec<&str> = name.split(ARROW).collect();
    if parts.iter().all(|part| is_short(part)) {
        return Cow::Borrowed(name);
    }
    let cut = |part: &&str| if is_short(part) { (*part).to_owned() } else { cut_arguments(part, limit) };
    Cow::Owned(parts.iter().map(cut).collect::<Vec<_>>().join(ARROW))
}

/// Separates the frames of a traceback.
const ARROW: &str = " ← ";

fn cut_arguments(name: &str, limit: usize) -> String {
    let lengths = lengths_by_depth(name);
    // The first length excludes all arguments. Each deeper length is larger.
    let fitting = lengths.iter().take_while(|length| **length <= limit).count();
    let Some(depth) = fitting.checked_sub(1) else {
        return cut_end(&elided(name, 0, &mut 0), limit);
    };
    elided(name, depth, &mut limit.saturating_sub(lengths[depth]))
}

/// The length of a name without everything nested deeper than 0, 1, 2 …, in characters.
fn lengths_by_depth(name: &str) -> Vec<usize> {
    let (mut own, mut opened, mut depth) = (vec![0_usize], vec![0_usize], 0_usize);
    for (_, _, bracket) in brackets(name) {
        if bracket == Some(Bracket::Close) {
            depth = depth.saturating_sub(1);
        }
        own[depth] += 1;
        if bracket == Some(Bracket::Open) {
            opened[depth] += 1;
            depth += 1;
            if depth == own.len() {
                own.push(0);
                opened.push(0);
            }
        }
    }
    let mut whole = 0;
    let length = |(own, opened): (&usize, &usize)| {
        whole += own;
        whole + opened
    };
    own.iter().zip(&opened).map(length).collect()
}

/// The name without everything nested deeper than `depth`. In the lists right below, the first items stay while
/// `spare` characters last.
fn elided(name: &str, depth: usize, spare: &mut usize) -> String {
    let (mut out, mut at_depth, mut skipped_from) = (String::new(), 0_usize, None);
    for (at, c, bracket) in brackets(name) {
        if bracket == Some(Bracket::Close) {
            at_depth = at_depth.saturating_sub(1);
            if at_depth == depth
                && let Some(from) = skipped_from.take()
            {
                out.push_str(&items(&name[from..at], spare));
            }
        }
        if skipped_from.is_none() {
            out.push(c);
        }
        if bracket == Some(Bracket::Open) {
            if at_depth == depth && skipped_from.is_none() {
                skipped_from = Some(at + c.len_utf8());
            }
            at_depth += 1;
        }
    }
    if skipped_from.is_some() {
        out.push_str(CUT);
    }
    out
}

/// The first items of a list, without their own arguments, while `spare` characters last.
fn items(list: &str, spare: &mut usize) -> String {
    let (mut out, mut is_whole) = (String::new(), true);
    for item in split_list(list) {
        let item = elided(item, 0, &mut 0);
        let length = item.chars().count() + 2;
        if length > *spare {
            is_whole = false;
            break;
        }
        *spare -= length;
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&item);
    }
    match (is_whole, out.is_empty()) {
        (true, _) => out,
        (false, true) => CUT.to_owned(),
        (false, false) => format!("{out}, {CUT}"),
    }
}

/// Cuts the end off, after a whole word if the second half has one.
fn cut_end(name: &str, limit: usize) -> String {
    let kept = limit.saturating_sub(1);
    let Some((end, _)) = name.char_indices().nth(kept) else { return name.to_owned() };
    let kept = &name[..end];
    let word = kept.rfind([' ', ',', ':', '/']).filter(|at| *at >= end / 2).map_or(kept, |at| &kept[..at]);
    format!("{}{CUT}", word.trim_end_matches([' ', ',', ':', '/']))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Open,
    Close,
}

/// The characters of a name, with their brackets. The arrow before a function's result is not a bracket.
fn brackets(name: &str) -> impl Iterator<Item = (usize, char, Option<Bracket>)> {
    let mut before = ' ';
    name.char_indices().map(move |(at, c)| {
        let bracket = match c {
            '<' | '(' | '[' | '{' => Some(Bracket::Open),
            '>' if before == '-' => None,
            '>' | ')' | ']' | '}' => Some(Bracket::Close),
            _ => None,
        };
        before = c;
        (at, c, bracket)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_the_limit_stays_whole() {
        for name in ["", "Vec<Session>", "é<ü>", "a ← b ← c"] {
            assert!(matches!(shorten_name(name, name.chars().count()), Cow::Borrowed(same) if same == name));
        }
    }

    #[test]
    fn arguments_go_by_depth_and_then_from_the_end() {
        for (name, limit, expected) in [
            ("Vec<Session>", 11, "Vec<…>"),
            ("A<B<C<D<E<F>>>>>", 15, "A<B<C<D<…>>>>"),
            ("A<B<C<D<E<F>>>>>", 12, "A<B<C<…>>>"),
            ("Map<Key, Value<Inner>>", 20, "Map<Key, Value<…>>"),
            ("Map<Key, Value<Inner>>", 14, "Map<Key, …>"),
            ("(A, B, C, D, E, F, G, H)", 15, "(A, B, C, D, …)"),
            ("Box<[u8; 16]>", 10, "Box<[…]>"),
            ("fn(A) -> B<C<D>>", 13, "fn(…) -> B<…>"),
            ("dyn Fn<(Aaaaaa,)>, Output=Bbbbbbbbbb", 30, "dyn Fn<(…)>, Output=Bbbbbbbbbb"),
            ("a::bbbbbb::cccccc::dddddd", 20, "a::bbbbbb::cccccc…"),
            ("x".repeat(30).as_str(), 10, "xxxxxxxxx…"),
            ("ééééééééééé", 5, "éééé…"),
            ("Vec<u8", 5, "Vec<…"),
            ("a>>b<c", 5, "a>>b…"),
            ("f<Aaaaaaaaa> (src/a.rs:1) ← g ← h<Bbbbbbbbbbbbbbbbbbbbbbb>", 20, "f<Aaaaaaaaa> (…) ← g ← h<…>"),
        ] {
            assert_eq!(shorten_name(name, limit), expected, "{name} to {limit}");
        }
    }

    #[test]
    fn shortens_48_kilobyte_name_to_a_line() {
        let nested = format!("{}u8{}", "Map<Left, ".repeat(4_000), ">".repeat(4_000));
        let wide = format!("Either<({})>", vec!["app::Branch<u8>"; 3_000].join(", "));
        for name in [nested, wide] {
            assert!(name.len() > 44_000);
            let short = shorten_name(&name, 160);
            assert!((100..=160).contains(&short.chars().count()), "{short}");
            assert!(short.contains(CUT) && short.ends_with('>'), "{short}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shortens_any_name_without_panic(name in "[a-z:<>(),&\\[\\]{} é←-]{0,120}", limit in 1..60_usize) {
            let short = shorten_name(&name, limit);
            let length = |text: &str| text.split(ARROW).map(|part| part.chars().count()).max().unwrap_or(0);
            proptest::prop_assert!(length(&short) <= limit.max(1) + 1, "{short}");
            if length(&name) <= limit || name.chars().count() <= limit {
                proptest::prop_assert_eq!(&*short, name.as_str());
            }
        }
    }
}
