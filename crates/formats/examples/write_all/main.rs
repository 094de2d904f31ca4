//! Writes sample trees in every format, for tests with the real readers: `write_all FOLDER`.
//!
//! Prints one line per file: its name, and the totals that a reader must find, or why the format refuses the tree.

mod trees;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use memory_debug_formats::TreeFormat;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: write_all FOLDER"))?;
    fs::create_dir_all(&folder)?;
    for (name, tree) in trees::all() {
        for format in TreeFormat::ALL {
            let path = Path::new(&folder).join(format!("{name}.{}", format.extension()));
            let mut body = Vec::new();
            match format.write(&tree, &mut body) {
                Ok(()) => {
                    let mut file = BufWriter::new(File::create(&path)?);
                    file.write_all(&body)?;
                    file.flush()?;
                    let names = tree.events.iter().map(|event| &*event.name);
                    let totals = names.zip(tree.totals()).map(|(name, total)| format!(" {name}={total}"));
                    println!("{}{}", path.display(), totals.collect::<String>());
                }
                Err(refusal) => println!("{}: {refusal}", path.display()),
            }
        }
    }
    Ok(())
}
