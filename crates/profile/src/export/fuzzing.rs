//! Thin ways in for the fuzz targets. No part of the interface: they change with what they lead to.

use std::io;

use super::PprofOptions;
use crate::error::Error;
use crate::symbolized::SymbolizedProfile;

/// Reads a profile in pprof's format that is not compressed, and its comments.
pub fn read_pprof_message(message: &[u8]) -> Result<(SymbolizedProfile, Vec<String>), Error> {
    SymbolizedProfile::read_pprof_message(message)
}

/// What [`SymbolizedProfile::write_pprof`] compresses.
pub fn pprof_message(profile: &SymbolizedProfile, options: &PprofOptions) -> io::Result<Vec<u8>> {
    profile.pprof_message(options)
}
