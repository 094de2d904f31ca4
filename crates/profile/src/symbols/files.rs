//! The files that symbols are read from. The caller opens them.

use std::io;
use std::ops::Deref;
use std::path::Path;

use crate::mapping::Mapping;

/// The bytes of a file, mapped or copied.
pub type FileData = Box<dyn Deref<Target = [u8]>>;

/// Opens the file of a mapping. Closures implement it, without separate debug files.
///
/// This crate does no input or output. A live process maps its files into memory, a tool reads copies.
pub trait LoadObject {
    /// Returns the bytes of the executable or shared object at [`Mapping::path`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not the file that was mapped. Its code then stays without names.
    fn load(&self, mapping: &Mapping) -> io::Result<FileData>;

    /// Returns the bytes of a file with debug information of another file: all of it, the part of split units
    /// (`.dwp`, `.dwo`), or the part that several files share (`dwz`). It is used only if its build-id, or the id of
    /// the unit, matches.
    ///
    /// Paths are absolute. The executable contains the paths of `.dwo` files, which can be anywhere.
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
