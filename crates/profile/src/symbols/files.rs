//! The files that symbols are read from, which the caller opens.

use std::io;
use std::ops::Deref;
use std::path::Path;

use crate::mapping::Mapping;

/// The bytes of a file, mapped or copied.
pub type FileData = Box<dyn Deref<Target = [u8]>>;

/// Opens the file behind a mapping. Implemented for closures, which then know no separate debug files.
///
/// This crate does no input or output of its own: a live process maps its files into memory, a tool reads copies.
pub trait LoadObject {
    /// The bytes of the executable or shared object at [`Mapping::path`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not the one that was mapped. Its code then stays without names.
    fn load(&self, mapping: &Mapping) -> io::Result<FileData>;

    /// The bytes of a file that may hold the debug information of another: the whole, of split units (`.dwp`, `.dwo`), or
    /// what several files have in common (of `dwz`). It is used only if its build-id, or the id of the unit, is the same.
    ///
    /// Paths are absolute. Those of `.dwo` files stand in the executable; they may be anywhere.
    ///
    /// # Errors
    ///
    /// If there is no such file, which is the usual case.
    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        let _ = path;
        Err(io::ErrorKind::NotFound.into())
    }
}

impl<F> LoadObject for F
where
    F: Fn(&Mapping) -> io::Result<FileData>,
{
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        self(mapping)
    }
}
