//! The programs that raw dumps are from. jemalloc's dumps have no build-ids; the flight record has the program's.

use std::io;
use std::path::{Path, PathBuf};

use memory_debug_profile::{BuildId, FileData, LoadObject, Mapping, UnstrippedCopies};

use crate::failure::Failure;
use crate::input;

/// The largest program or debug file that is read.
const MAX_PROGRAM_BYTES: u64 = 4 << 30;

/// Files given by the user.
pub(super) struct Programs {
    given: UnstrippedCopies,
}

/// The files of one process.
pub(super) enum Files<'p> {
    Copies(BuildId, &'p UnstrippedCopies),
    Found(BuildId, UnstrippedCopies),
    /// No names, for this reason.
    Missing(String),
}

impl Programs {
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            files.push(Box::new(input::read(path, MAX_PROGRAM_BYTES)?) as FileData);
        }
        let given = UnstrippedCopies::new(files).map_err(|error| Failure::local(error.to_string()))?;
        Ok(Self { given })
    }

    /// The files of a process whose program has this build-id.
    pub(super) fn of(&self, build_id: Option<&str>, mappings: &[Mapping]) -> Files<'_> {
        let parsed = build_id.and_then(|id| serde_json::from_value::<BuildId>(id.into()).ok());
        let Some(id) = parsed else {
            return Files::Missing(
                "the flight record does not have the build-id of the program; link it with \
                                   `-Wl,--build-id`"
                    .into(),
            );
        };
        let Some(mut program) = mappings.iter().find(|mapping| mapping.is_program).cloned() else {
            return Files::Missing("the dump does not list the files of its code".into());
        };
        program.build_id = Some(id.clone());
        if self.given.load(&program).is_ok() {
            return Files::Copies(id, &self.given);
        }
        match at_its_path(&id, &program.path) {
            Ok(copies) => Files::Found(id, copies),
            Err(reason) => Files::Missing(format!(
                "the program with build-id {id} is needed, but {} {reason}; name it with --binary",
                program.path.display()
            )),
        }
    }
}

/// The program at the path that it had, if it is the same build.
fn at_its_path(id: &BuildId, path: &Path) -> Result<UnstrippedCopies, String> {
    let file = input::read(path, MAX_PROGRAM_BYTES).map_err(|_| "cannot be read".to_owned())?;
    match BuildId::read(&file) {
        Ok(Some(found)) if found == *id => {}
        _ => return Err("is another build".to_owned()),
    }
    UnstrippedCopies::new([Box::new(file) as FileData]).map_err(|error| format!("cannot be used: {error}"))
}

impl Files<'_> {
    /// Why the program's code has no names.
    pub(super) fn why_not(&self) -> Option<String> {
        match self {
            Self::Missing(reason) => Some(reason.clone()),
            Self::Copies(..) | Self::Found(..) => None,
        }
    }

    fn copies(&self) -> io::Result<(&BuildId, &UnstrippedCopies)> {
        match self {
            Self::Copies(id, copies) => Ok((id, copies)),
            Self::Found(id, copies) => Ok((id, copies)),
            Self::Missing(reason) => Err(io::Error::other(reason.clone())),
        }
    }
}

impl LoadObject for Files<'_> {
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        let (id, copies) = self.copies()?;
        if !mapping.is_program {
            return Err(io::Error::other("only the program's own code is looked up"));
        }
        let mut mapping = mapping.clone();
        mapping.build_id = Some(id.clone());
        copies.load(&mapping)
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        self.copies()?.1.load_debug_file(path)
    }
}
