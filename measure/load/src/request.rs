//! The bytes of requests.

use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Result;

pub const PAGE: &str = "/debug/memory";
pub const STATS: &str = "/debug/memory/stats?format=json";
pub const STATS_AS_TEXT: &str = "/debug/memory/stats?format=text";
pub const TYPES: &str = "/debug/memory/types?format=json&top=1000";
/// One scan of the heap.
pub const HOLDERS: &str = "/debug/memory/holders?format=json&scans=1";
/// A route of the application.
pub const HOME: &str = "/";
/// A path without a route.
pub const NOWHERE: &str = "/debug/nothing";

/// Makes requests with the right password.
pub struct Login {
    authorization: String,
}

impl Login {
    /// Reads the password from the file that the service reads.
    pub fn from_file() -> Result<Self> {
        let file =
            env::var_os("MEMORY_DEBUG_PASSWORD_FILE").ok_or("MEMORY_DEBUG_PASSWORD_FILE is not set")?;
        let password = fs::read_to_string(file)?;
        Ok(Self { authorization: basic(password.trim_end()) })
    }

    pub fn get(&self, target: &str) -> Vec<u8> {
        get(target, Some(&self.authorization))
    }
}

/// Requests for the page without a valid login: no header, a wrong password, and invalid base64.
pub fn unauthorized() -> Vec<Vec<u8>> {
    let wrong = basic("jumbled-otters-sip-cold-tea");
    [None, Some(&*wrong), Some("Basic *not-base64*")].map(|value| get(PAGE, value)).to_vec()
}

pub fn get(target: &str, authorization: Option<&str>) -> Vec<u8> {
    let authorization = authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n").into_bytes()
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("ops:{password}")))
}
