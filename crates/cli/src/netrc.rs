//! The format of `.netrc`: logins by host, read as curl reads them.
//!
//! curl's rules (`lib/netrc.c`): words are separated by blanks, or are in double quotes. In quotes, `\n`, `\r` and
//! `\t` are control characters and any other `\x` is `x`. Where a keyword is expected, `#` begins a comment. Keywords
//! and hosts match in either case. The first entry counts whose host (or `default`) and user match. A `macdef` ends
//! at an empty line. Unlike in curl, a line that cannot be read spoils only its own entry.

use std::mem;

use zeroize::Zeroizing;

/// A word, which may be a password.
type Word = Zeroizing<Vec<u8>>;

/// The login that a file has for a host.
#[derive(Debug)]
pub(crate) struct Found {
    /// The user, if the entry names one.
    pub(crate) login: Option<Word>,
    pub(crate) password: Word,
}

/// The entry for the host has a line that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Finds the login for `host`, and for `user` if one is given. An entry without a user is for every user.
pub(crate) fn find(text: &[u8], host: &str, user: Option<&str>) -> Result<Option<Found>, Unreadable> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { host, user, entry: None, expected: Expected::Keyword };
    let mut in_macro = false;
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let mut words = Words(line);
        if in_macro {
            in_macro = !line.trim_ascii().is_empty();
            continue;
        }
        loop {
            match words.next() {
                Ok(None) => break,
                Ok(Some(word)) if reader.is_comment(&word) => break,
                Ok(Some(word)) if reader.is_macro(&word) => {
                    in_macro = true;
                    break;
                }
                Ok(Some(word)) => {
                    if let Some(found) = reader.read(word)? {
                        return Ok(Some(found));
                    }
                }
                Err(UnclosedQuote) => {
                    reader.spoil(index + 1);
                    break;
                }
            }
        }
    }
    reader.end()
}

/// The meaning of the next word.
#[derive(Clone, Copy)]
enum Expected {
    Keyword,
    Host,
    Login,
    Password,
    /// Ignored here.
    Account,
}

#[derive(Default)]
struct Entry {
    login: Option<Word>,
    password: Option<Word>,
    /// The line that cannot be read.
    unreadable: Option<usize>,
}

struct Reader<'a> {
    host: &'a str,
    user: Option<&'a str>,
    /// The entry being read, if it is for the host or for every host. Other entries are skipped.
    entry: Option<Entry>,
    expected: Expected,
}

impl Reader<'_> {
    fn read(&mut self, word: Word) -> Result<Option<Found>, Unreadable> {
        match mem::replace(&mut self.expected, Expected::Keyword) {
            Expected::Host => {
                self.entry = word.eq_ignore_ascii_case(self.host.as_bytes()).then(Entry::default);
            }
            Expected::Login => {
                // A second login for the same host begins a new entry.
                if self.entry.as_ref().is_some_and(|entry| entry.login.is_some())
                    && let Some(found) = self.take(true)?
                {
                    return Ok(Some(found));
                }
                if let Some(entry) = &mut self.entry {
                    entry.login = Some(word);
                }
            }
            Expected::Password => {
                if let Some(entry) = &mut self.entry {
                    entry.password = Some(word);
                }
            }
            Expected::Account => {}
            Expected::Keyword => return self.keyword(&word),
        }
        Ok(None)
    }

    fn keyword(&mut self, word: &[u8]) -> Result<Option<Found>, Unreadable> {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        if is("machine") || is("default") {
            let found = self.take(false)?;
            if is("machine") {
                self.expected = Expected::Host;
            } else {
                self.entry = Some(Entry::default());
            }
            return Ok(found);
        }
        if is("login") {
            self.expected = Expected::Login;
        } else if is("password") {
            self.expected = Expected::Password;
        } else if is("account") {
            self.expected = Expected::Account;
        }
        Ok(None)
    }

    /// Ends the entry. Returns it if it is for the wanted user.
    fn take(&mut self, goes_on: bool) -> Result<Option<Found>, Unreadable> {
        let next = goes_on.then(Entry::default);
        let Some(Entry { login, password, unreadable }) = mem::replace(&mut self.entry, next) else {
            return Ok(None);
        };
        let is_wanted = match (&login, self.user) {
            (Some(login), Some(user)) => **login == user.as_bytes(),
            _ => true,
        };
        match (is_wanted, unreadable, password) {
            (true, Some(line), _) => Err(Unreadable { line }),
            (true, None, Some(password)) => Ok(Some(Found { login, password })),
            _ => Ok(None),
        }
    }

    fn end(mut self) -> Result<Option<Found>, Unreadable> {
        self.take(false)
    }

    fn is_comment(&self, word: &[u8]) -> bool {
        matches!(self.expected, Expected::Keyword | Expected::Account) && word.starts_with(b"#")
    }

    fn is_macro(&self, word: &[u8]) -> bool {
        matches!(self.expected, Expected::Keyword) && word.eq_ignore_ascii_case(b"macdef")
    }

    fn spoil(&mut self, line: usize) {
        match self.expected {
            // The host cannot be read, so the entry counts for no host.
            Expected::Host => self.entry = None,
            _ => {
                if let Some(entry) = &mut self.entry {
                    entry.unreadable.get_or_insert(line);
                }
            }
        }
        self.expected = Expected::Keyword;
    }
}

/// The words of a line.
struct Words<'a>(&'a [u8]);

/// A quotation that does not end on its line.
struct UnclosedQuote;

impl Words<'_> {
    fn next(&mut self) -> Result<Option<Word>, UnclosedQuote> {
        self.0 = self.0.trim_ascii_start();
        match self.0 {
            [] => Ok(None),
            [b'"', rest @ ..] => {
                let mut word = Word::new(Vec::with_capacity(rest.len()));
                let mut bytes = rest.iter().enumerate();
                while let Some((at, &byte)) = bytes.next() {
                    match byte {
                        b'"' => {
                            self.0 = &rest[at + 1..];
                            return Ok(Some(word));
                        }
                        b'\\' => word.push(match bytes.next().ok_or(UnclosedQuote)?.1 {
                            b'n' => b'\n',
                            b'r' => b'\r',
                            b't' => b'\t',
                            &other => other,
                        }),
                        _ => word.push(byte),
                    }
                }
                Err(UnclosedQuote)
            }
            rest => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                let word = Word::new(rest[..end].to_vec());
                self.0 = &rest[end..];
                Ok(Some(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user:password`, `:password`, `-` for nothing, or the line that cannot be read.
    fn found(text: &str, host: &str, user: Option<&str>) -> String {
        let shown = |word: &Word| String::from_utf8(word.to_vec()).unwrap();
        match find(text.as_bytes(), host, user) {
            Ok(Some(found)) => {
                format!("{}:{}", found.login.as_ref().map(shown).unwrap_or_default(), shown(&found.password))
            }
            Ok(None) => "-".to_owned(),
            Err(Unreadable { line }) => format!("line {line}"),
        }
    }

    /// `scripts/netrc` runs the same table against curl.
    const TABLE: &str = include_str!("netrc/table.txt");

    #[test]
    fn files_are_read_as_curl_reads_them() {
        let mut cases = 0;
        for case in TABLE.split("\n==== ").skip(1) {
            let (head, text) = case.split_once('\n').unwrap();
            let [host, user, expected] = head.split(' ').collect::<Vec<_>>()[..] else { panic!("{head}") };
            let user = Some(user).filter(|user| *user != "-");
            let text = text.replace("␍", "\r").replace("␠", " ").replace("␉", "\t");
            assert_eq!(found(&text, host, user), expected, "{head}\n{text}");
            cases += 1;
        }
        assert!(cases > 30, "{cases}");
    }

    #[test]
    fn bad_entry_is_an_error_only_for_its_own_host() {
        let text =
            "machine other login \"a\nmachine here login ops password \"x\nmachine late login z password z";
        assert_eq!(found(text, "here", None), "line 2");
        assert_eq!(found(text, "here", Some("other")), "-");
        assert_eq!(found(text, "other", None), "line 1");
        assert_eq!(found(text, "late", None), "z:z");
    }

    proptest::proptest! {
        #[test]
        fn no_file_causes_a_panic(text: Vec<u8>, words in "((machine|default|login|password|macdef|h|\"|#|\\\\| |\n){0,3} ?){0,20}") {
            let _ = find(&text, "h", None);
            let _ = find(words.as_bytes(), "h", Some("h"));
        }
    }
}
