//! Text, and buffers of bytes.

use std::borrow::Cow;
use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::ledger::{keep, own};

const LINE: &str = "the quick brown fox jumps over the lazy dog; ";

pub(crate) fn populate() {
    own("String", strings);
    own("Vec<String>", || {
        let line = |n: usize| own("String", || LINE.repeat(n % 7 + 1));
        keep((0..400).map(line).collect::<Vec<_>>());
    });
    own("PathBuf", || {
        for n in 0..100 {
            keep(Path::new("/srv").join(LINE).join(n.to_string()));
            keep(PathBuf::from(LINE));
        }
    });
    own("Arc<Path>", || {
        for n in 1..100 {
            keep(Arc::<Path>::from(Path::new(&LINE[n % 9..])));
            keep(Arc::<Path>::from(PathBuf::from(LINE)));
        }
    });
    own("CString", || {
        for _ in 0..100 {
            keep(CString::new(LINE.repeat(9)));
            let mut line = Vec::with_capacity(1_000);
            line.extend_from_slice(LINE.as_bytes());
            keep(CString::new(line));
        }
    });
    own("OsString", || {
        for _ in 0..100 {
            let mut text = OsString::from(LINE);
            text.push(LINE);
            text.push(LINE);
            keep(text);
        }
    });
    own("Arc<str>", || {
        for n in 1..100 {
            keep(Arc::<str>::from(&LINE.repeat(8)[n..]));
        }
    });
    own("Arc<str>", || {
        for n in 1..100 {
            keep(Arc::<str>::from(LINE.repeat(7).split_off(n)));
            keep(Arc::<str>::from(Box::<str>::from(&LINE[n % 9..])));
            keep(Arc::<str>::from(Cow::Borrowed(LINE)));
        }
    });
    own("Arc<[u8]>", || {
        for n in 1..100 {
            keep(Arc::<[u8]>::from(&LINE.repeat(8).as_bytes()[n..]));
        }
    });
    own("Box<str>", || {
        for n in 1..100 {
            keep(Box::<str>::from(&LINE[n % 9..]));
            keep(format!("{LINE}{n}{LINE}").into_boxed_str());
            keep(Box::<str>::from(LINE.repeat(3)).clone());
        }
    });
    own("Box<[u8]>", boxed_bytes);
    own("Vec<u8>", byte_vectors);
    own("Bytes", || {
        for n in 0..100 {
            keep(Bytes::copy_from_slice(&LINE.as_bytes()[n % 9..]));
        }
    });
    own("BytesMut", || {
        for _ in 0..100 {
            let mut buffer = BytesMut::with_capacity(1_000);
            buffer.put_slice(&[7; 1_500]);
            keep(buffer);
        }
    });
}

fn byte_vectors() {
    for _ in 0..50 {
        keep(vec![1_u8; 2_000]);
        keep(LINE.as_bytes().to_vec());
    }
}

fn boxed_bytes() {
    for n in 1..100 {
        keep(Box::<[u8]>::from(&LINE.as_bytes()[n % 9..]));
        let mut bytes = Vec::with_capacity(1_000);
        bytes.resize(7 * n, 1_u8);
        keep(bytes.into_boxed_slice());
    }
}

fn strings() {
    for n in 0..100 {
        keep(LINE.to_owned());
        keep(format!("{LINE}{n}{LINE}"));
        keep(n.to_string());
        keep(LINE.to_uppercase());
        keep([LINE, LINE, LINE].concat());
        keep([LINE, LINE].join(", "));
        keep(LINE.replace("fox", "hedgehog"));
        keep(LINE.chars().rev().collect::<String>());
        let mut text = String::new();
        for _ in 0..20 {
            text.push_str(LINE);
        }
        keep(text.clone());
        keep(text);
        keep(Cow::Borrowed(LINE).into_owned());
        keep(String::from_utf8_lossy(b"not all of this is \xff UTF-8, so it is copied"));
    }
}
