//! Paths on Linux: any bytes except NUL, not necessarily UTF-8.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serializer};

/// Makes a path from bytes. If the platform's paths are not bytes, invalid UTF-8 is replaced.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)).to_owned();
    #[cfg(not(unix))]
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The bytes of a path.
pub(crate) fn bytes_of(path: &Path) -> Cow<'_, [u8]> {
    #[cfg(unix)]
    return Cow::Borrowed(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    #[cfg(not(unix))]
    Cow::Owned(path.to_string_lossy().into_owned().into_bytes())
}

/// Appends `ending` to the last component: `app` and `.dwp` give `app.dwp`.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// The last component of a path, for messages. Not every reader of the page should see the folders.
pub(crate) fn file_name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()
}

/// Replaces every occurrence of `from`.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(from) {
            replaced.extend_from_slice(to);
            rest = tail;
        } else {
            replaced.push(*first);
            rest = tail;
        }
    }
    replaced
}

/// Writes a path as text. Bytes that are not UTF-8, and backslashes, become three octal digits: `caf\351`.
pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::new();
    for chunk in bytes_of(path).utf8_chunks() {
        text += &chunk.valid().replace('\\', "\\134");
        chunk.invalid().iter().for_each(|byte| text += &format!("\\{byte:03o}"));
    }
    serializer.serialize_str(&text)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let octal = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                Some(((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), tail))
            }
            _ => None,
        };
        let (byte, tail) = octal.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    Ok(path_of(&bytes))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] PathBuf);

    #[test]
    fn reads_back_any_path() {
        for (bytes, text) in [
            (&b"/srv/caf\xe9/svc"[..], r#""/srv/caf\\351/svc""#),
            ("/srv/café/svc".as_bytes(), r#""/srv/café/svc""#),
            (b"/srv/a\nb \\012", r#""/srv/a\nb \\134012""#),
            (b"/\xff\xfe\\", r#""/\\377\\376\\134""#),
        ] {
            let path = Holder(path_of(bytes));
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(json, text);
            assert_eq!(serde_json::from_str::<Holder>(&json).unwrap(), path);
        }
    }

    #[test]
    fn keeps_backslash_without_octal_digits() {
        let path: Holder = serde_json::from_str(r#""/a\\b\\777\\09""#).unwrap();
        assert_eq!(path, Holder(r"/a\b\777\09".into()));
    }

    #[test]
    fn replacing_leaves_the_rest() {
        assert_eq!(replaced(b"a\\012b\\01\\012", b"\\012", b"\n"), b"a\nb\\01\n");
    }
}
