//! Puts a whole file of the index in place of another.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Nobody takes this long to write a store: what is older was left by one who was killed.
const LEFT: Duration = Duration::from_secs(3600);

/// Puts a file with these parts in place of another: who has the old one mapped keeps it.
///
/// # Errors
/// If it cannot be written; what was there stays.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    clear(folder);
    // Two processes may write at the same time: the last one wins.
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut written = File::create(&temporary);
    for part in parts {
        written = written.and_then(|mut file| file.write_all(part).map(|()| file));
    }
    let placed = written.and_then(|_| place(&temporary, path));
    if placed.is_err() {
        discard(&temporary);
    }
    placed
}

/// Removes what writers left that were killed.
fn clear(folder: &Path) {
    let is_left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        is_old && Path::new(&name).extension().is_some_and(|extension| extension == "tmp")
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_left) {
        discard(&entry.path());
    }
}

#[expect(clippy::disallowed_methods, reason = "the store is no file of the person: it lies outside the tree")]
fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::rename(temporary, path)
}

#[expect(clippy::disallowed_methods, reason = "the store is no file of the person: it lies outside the tree")]
pub(crate) fn discard(path: &Path) {
    // What cannot be removed is used as it is, or lies there unused.
    let _ = fs::remove_file(path);
}
