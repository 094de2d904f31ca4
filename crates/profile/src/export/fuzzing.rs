//! Entry points for the fuzz targets. Not part of the public interface.

use std::io;

use super::PprofOptions;
use crate::error::Error;
use crate::symbolized::SymbolizedProfile;

/// Reads an uncompressed profile in pprof's format, and its comments.
pub fn read_pprof_message(message: &[u8]) -> Result<(SymbolizedProfile, Vec<String>), Error> {
    SymbolizedProfile::read_pprof_message(message)
}

/// The uncompressed bytes of [`SymbolizedProfile::write_pprof`].
pub fn pprof_message(profile: &SymbolizedProfile, options: &PprofOptions) -> io::Result<Vec<u8>> {
    profile.pprof_message(options)
}
