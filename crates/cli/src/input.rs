//! Files that are read whole, up to a length: a mistaken path (`/dev/zero`) does not fill the memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::failure::Failure;

/// What `path` has, if it is no more than `max_bytes`. It may be a pipe (`<(command)`).
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::local(error.to_string()).at(&path.display());
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(max_bytes + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > max_bytes {
        return Err(Failure::local(format!("is longer than {max_bytes} bytes")).at(&path.display()));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_file_without_end_is_refused() {
        let failure = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(failure.to_string(), "/dev/zero: is longer than 1048576 bytes");
        assert_eq!(read(Path::new("/dev/null"), 0).unwrap(), b"");
    }
}
