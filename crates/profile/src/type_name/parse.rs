//! Parser for types as rustc writes them in `DW_AT_name` (`compiler/rustc_codegen_ssa/src/debuginfo/type_names.rs`),
//! or as demangled symbols show them.

/// A type. It borrows from the parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type<'a> {
    /// `alloc::vec::Vec<u8, alloc::alloc::Global>`, `u8`, `app::run::{async_fn_env#0}<T>`, `3`.
    Path { path: &'a str, arguments: Vec<Type<'a>> },
    /// `(A, B)`; a type in parentheses is a tuple of one.
    Tuple(Vec<Type<'a>>),
    /// `[T]`, `[T; 4]`: the element, and the length as written.
    Array { element: Box<Type<'a>>, length: Option<&'a str> },
    /// `&T`, `&mut T`, `*const T`, `*mut T`: the prefix as written, and the target.
    Pointer { prefix: &'a str, target: Box<Type<'a>> },
    /// `fn(A, B) -> C`, with or without a result.
    Function { arguments: Vec<Type<'a>>, result: Option<Box<Type<'a>>> },
    /// Any other text with balanced brackets: `dyn Error + Send`, `extern "C" fn(u8)`.
    Other(&'a str),
}

/// Deepest nesting that is parsed. Deeper types are kept as text, which keeps the stack small. Types that people
/// write stay below ten levels.
const MAX_DEPTH: usize = 48;

impl<'a> Type<'a> {
    /// Parses a type. It never fails: text that it does not understand is kept whole.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut parser = Parser { text, at: 0 };
        let parsed = parser.parse_type(0);
        if parser.at == text.len() { parsed } else { Self::Other(text) }
    }
}

/// Splits a function's name into its path (`insert`, `<Vec<T>>::push`) and its generic arguments as written.
pub(crate) fn split_arguments(name: &str) -> (&str, Vec<&str>) {
    let Some(inner) = name.strip_suffix('>') else { return (name, Vec::new()) };
    let bytes = inner.as_bytes();
    let mut depth = 0_usize;
    for at in (0..bytes.len()).rev() {
        match bytes[at] {
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' => depth += 1,
            b'<' if depth == 0 => {
                let path = &name[..at];
                return (path.strip_suffix("::").unwrap_or(path), split_list(&inner[at + 1..]));
            }
            b'<' => depth -= 1,
            _ => {}
        }
    }
    (name, Vec::new())
}

/// Splits a list at the commas outside of all brackets.
pub(crate) fn split_list(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let end = end_of_item(rest, b",");
        parts.push(rest[..end].trim());
        rest = rest[end..].strip_prefix(',').unwrap_or_default();
    }
    parts
}

/// The length of the text before the next separator or closing bracket of the enclosing list.
fn end_of_item(text: &str, separators: &[u8]) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            byte if depth == 0 && separators.contains(byte) => return at,
            b'>' | b')' | b']' | b'}' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return at,
            },
            _ => {}
        }
    }
    text.len()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Parses a type up to the comma, semicolon or bracket that ends it, and no further. If it went further, each
    /// enclosing level would read the rest again when brackets are unbalanced.
    fn parse_type(&mut self, depth: usize) -> Type<'a> {
        let (start, end) = (self.at, self.at + end_of_item(self.rest(), b",;"));
        self.at = end;
        let mut item = Parser { text: &self.text[..end], at: start };
        let parsed = if depth < MAX_DEPTH { item.try_parse_type(depth) } else { None };
        parsed.filter(|_| item.at == end).unwrap_or_else(|| Type::Other(self.text[start..end].trim()))
    }

    fn try_parse_type(&mut self, depth: usize) -> Option<Type<'a>> {
        for prefix in ["&mut ", "*const ", "*mut ", "&"] {
            if self.eat(prefix) {
                let prefix = &self.text[self.at - prefix.len()..self.at];
                return Some(Type::Pointer { prefix, target: Box::new(self.parse_type(depth + 1)) });
            }
        }
        if self.eat("(") {
            return Some(Type::Tuple(self.parse_list(")", depth)?));
        }
        if self.eat("[") {
            let element = Box::new(self.parse_type(depth + 1));
            let length = self.eat(";").then(|| {
                let end = end_of_item(self.rest(), b",");
                let length = self.rest()[..end].trim();
                self.at += end;
                length
            });
            return self.eat("]").then_some(Type::Array { element, length });
        }
        if self.eat("fn(") {
            let arguments = self.parse_list(")", depth)?;
            let result = self.eat(" -> ").then(|| Box::new(self.parse_type(depth + 1)));
            return Some(Type::Function { arguments, result });
        }
        if ["dyn ", "unsafe ", "extern ", "<", "impl "].iter().any(|word| self.rest().starts_with(word)) {
            return None;
        }
        self.parse_path(depth)
    }

    /// Parses a path. Arguments can occur in the middle (`Vec<T>::into_iter::{closure_env#0}<F>`); only the last
    /// arguments count as the path's own.
    fn parse_path(&mut self, depth: usize) -> Option<Type<'a>> {
        let start = self.at;
        loop {
            let segment = self.rest();
            let end = segment
                .find(['<', '>', ',', '(', ')', '[', ']', ';', ' ', '&', '*'])
                .unwrap_or(segment.len());
            self.at += end;
            let path = self.text[start..self.at].trim_end_matches(':');
            if path.is_empty() {
                return None;
            }
            if !self.eat("<") {
                return Some(Type::Path { path, arguments: Vec::new() });
            }
            let arguments = self.parse_list(">", depth)?;
            if !self.rest().starts_with("::") {
                return Some(Type::Path { path, arguments });
            }
        }
    }

    fn parse_list(&mut self, close: &str, depth: usize) -> Option<Vec<Type<'a>>> {
        let mut items = Vec::new();
        while !self.eat(close) {
            if self.rest().is_empty() {
                return None;
            }
            let before = self.at;
            items.push(self.parse_type(depth + 1));
            let separated = self.eat(",");
            while self.eat(" ") {}
            if self.at == before || (!separated && !self.rest().starts_with(close)) {
                return None;
            }
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path<'a>(path: &'a str, arguments: impl Into<Vec<Type<'a>>>) -> Type<'a> {
        Type::Path { path, arguments: arguments.into() }
    }

    #[test]
    fn reads_nested_generics() {
        assert_eq!(
            Type::parse("std::collections::hash::map::HashMap<(u8, &str), alloc::vec::Vec<[app::S; 4]>>"),
            path(
                "std::collections::hash::map::HashMap",
                [
                    Type::Tuple(vec![
                        path("u8", []),
                        Type::Pointer { prefix: "&", target: Box::new(path("str", [])) }
                    ]),
                    path(
                        "alloc::vec::Vec",
                        [Type::Array { element: Box::new(path("app::S", [])), length: Some("4") }]
                    ),
                ]
            )
        );
    }

    #[test]
    fn arrows_and_trait_objects_do_not_close_brackets() {
        let name =
            "alloc::boxed::Box<dyn core::ops::function::Fn<(u8,), Output=u8> + Send, alloc::alloc::Global>";
        let Type::Path { arguments, .. } = Type::parse(name) else { panic!("not a path") };
        assert_eq!(arguments[0], Type::Other("dyn core::ops::function::Fn<(u8,), Output=u8> + Send"));
        assert_eq!(arguments.len(), 2);
        let name = "Option<fn(u8, Vec<u8>) -> Option<u8>>";
        let bytes = path("Vec", [path("u8", [])]);
        let result = Some(Box::new(path("Option", [path("u8", [])])));
        let function = Type::Function { arguments: vec![path("u8", []), bytes], result };
        assert_eq!(Type::parse(name), path("Option", [function]));
    }

    #[test]
    fn function_names_split_into_path_and_arguments() {
        for (name, expected_path, expected_arguments) in [
            ("insert<u8, (A, B<C>)>", "insert", vec!["u8", "(A, B<C>)"]),
            ("<Vec<T>>::push", "<Vec<T>>::push", vec![]),
            ("map::<fn(A) -> B, C>", "map", vec!["fn(A) -> B", "C"]),
            ("{closure#0}<[u8; 3]>", "{closure#0}", vec!["[u8; 3]"]),
            ("plain", "plain", vec![]),
            ("broken>", "broken>", vec![]),
        ] {
            assert_eq!(split_arguments(name), (expected_path, expected_arguments), "{name}");
        }
    }

    #[test]
    fn hostile_nesting_is_kept_whole() {
        let deep = format!("{}u8{}", "A<".repeat(100_000), ">".repeat(100_000));
        let _ = Type::parse(&deep);
        let open = "(".repeat(100_000);
        assert_eq!(Type::parse(&open), Type::Other(&open));
    }

    #[test]
    fn keeps_item_whole_if_brackets_hide_its_end() {
        let Type::Path { arguments, .. } = Type::parse("A<fn(&S},n<B>>") else { panic!("not a path") };
        assert_eq!(arguments, [Type::Other("fn(&S}"), path("n", [path("B", [])])]);
        let text = "fn(&S},`n<(&mut ,".repeat(20);
        assert_eq!(Type::parse(&text), Type::Other(&text));
    }

    proptest::proptest! {
        #[test]
        fn names_never_panic(name in "[a-zA-Z:<>(),&*\\[\\]{}#; +-]{0,60}") {
            let _ = Type::parse(&name);
            let _ = split_arguments(&name);
        }
    }
}
