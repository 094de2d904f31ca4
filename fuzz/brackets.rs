//! Checks that a name is whole, independently of the parser under test.

/// Whether every bracket is closed by its own kind. The `>` of `->` is not a bracket.
pub fn balance(text: &str) -> bool {
    let mut open = Vec::new();
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '<' => open.push('>'),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '>' if before == '-' => {}
            '>' | ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
        before = c;
    }
    open.is_empty()
}

/// Whether brackets balance, braces contain what compilers write there (`{closure_env#0}`, `{shim:vtable#0}`), and
/// `-` occurs only in arrows and numbers.
pub fn is_genuine(name: &str) -> bool {
    let mut depth = 0_usize;
    let mut before = ' ';
    balance(name)
        && name.chars().all(|c| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            let plain = c.is_ascii_alphanumeric() || "_#{}".contains(c) || c == ':' && before != ':';
            let hyphen_ends = before != '-' || c == '>' || c.is_ascii_digit();
            before = c;
            hyphen_ends && (depth == 0 || plain)
        })
}
