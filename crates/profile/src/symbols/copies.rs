//! Unstripped copies of files, to symbolize a profile away from its program.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;

use super::debug_file;
use super::elf::ElfFile;
use super::files::{FileData, LoadObject};
use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};
use crate::mapping::Mapping;

/// Copies of a profile's files, identified by build-id. Their places and names do not matter.
///
/// The profile must contain build-ids: [`HeapProfile::read_build_ids`](crate::HeapProfile::read_build_ids). Code of
/// files without a copy stays without names, and [`Symbolizer::gaps`](crate::Symbolizer::gaps) reports the missing
/// build-id.
///
/// ```no_run
/// # fn read(path: &str) -> std::io::Result<memory_debug_profile::FileData> { Ok(Box::new(std::fs::read(path)?)) }
/// use memory_debug_profile::{HeapProfile, Selection, TypeAttributor, UnstrippedCopies};
///
/// let profile: HeapProfile = serde_json::from_slice(&std::fs::read("profile.json")?)?;
/// let copies = UnstrippedCopies::new([read("app-1.4.0.unstripped")?])?;
/// let table = TypeAttributor::new().summarize(&profile, &copies, &Selection::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct UnstrippedCopies {
    programs: BTreeMap<BuildId, SharedData>,
    /// Debug information without code, as `objcopy --only-keep-debug` makes it.
    debug_files: BTreeMap<BuildId, SharedData>,
    /// Debug information of split units. A package has no build-id, but its units have ids.
    package: Option<SharedData>,
}

/// The bytes of a file, shared by all its readers.
#[derive(Clone)]
struct SharedData(Rc<dyn Deref<Target = [u8]>>);

impl Deref for SharedData {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl UnstrippedCopies {
    /// Takes unstripped executables and shared objects, stripped files with their debug files, and at most one
    /// package of split debug information (`.dwp`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`] with the position of the file, counted from 1, if a file is not ELF or has no build-id.
    pub fn new(files: impl IntoIterator<Item = FileData>) -> Result<Self, Error> {
        let mut copies = Self::default();
        for (position, file) in (1_usize..).zip(files) {
            copies.add(SharedData(file.into())).map_err(|reason| {
                Error::new(ErrorKind::Object, format!("copy {position} cannot be used: {reason}"))
            })?;
        }
        Ok(copies)
    }

    fn add(&mut self, file: SharedData) -> Result<(), String> {
        let elf = ElfFile::parse(&file).map_err(|error| error.to_string())?;
        let (id, has_code, is_package) = (elf.build_id(), elf.has_code(), elf.is_package());
        match id {
            Some(id) if has_code => self.programs.insert(id, file),
            Some(id) => self.debug_files.insert(id, file),
            None if is_package && self.package.is_none() => self.package.replace(file),
            None if is_package => return Err("there already is a package (.dwp)".into()),
            None => return Err("it has no build-id; link with `-Wl,--build-id`".into()),
        };
        Ok(())
    }
}

impl LoadObject for UnstrippedCopies {
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        let Some(id) = &mapping.build_id else {
            return Err(io::Error::other("the profile does not contain its build-id"));
        };
        let copy = self.programs.get(id).ok_or_else(|| {
            let reason = if self.debug_files.contains_key(id) {
                format!("build-id {id} has a debug file without code; add the program, stripped or not")
            } else {
                let others: Vec<String> = self.programs.keys().map(BuildId::to_string).collect();
                let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
                format!("no copy has its build-id {id}; the copies have: {others}")
            };
            io::Error::new(io::ErrorKind::NotFound, reason)
        })?;
        Ok(Box::new(copy.clone()))
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        let package =
            self.package.as_ref().filter(|_| path.extension().is_some_and(|ending| ending == "dwp"));
        let is_asked_for = |id: &BuildId| debug_file::by_build_id(id).as_deref() == Some(path);
        let by_id = self.debug_files.iter().find(|(id, _)| is_asked_for(id)).map(|(_, file)| file);
        let file = package.or(by_id).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(file.clone()))
    }
}

impl fmt::Debug for UnstrippedCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnstrippedCopies")
            .field("programs", &self.programs.keys())
            .field("debug_files", &self.debug_files.keys())
            .field("package", &self.package.is_some())
            .finish()
    }
}
