//! Laying a folder of files over another, as links to the same files.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::FsError;
use crate::beneath::{FOLDER, Links, open_beneath, open_root, permissions, told};
use crate::removing::remove_at;

/// More do not help: the file system takes turns.
const THREADS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As further names of the same files, or as copies where that cannot be.
    Linked,
    /// As copies.
    Copied,
    /// Linked, and what else the target has is removed.
    Aligned,
}

struct Laying {
    source: OwnedFd,
    target: OwnedFd,
    how: How,
    failure: Mutex<Option<FsError>>,
}

/// See [`crate::lay`].
pub fn lay(source: &Path, target: &Path, linked: bool) -> Result<(), FsError> {
    run(source, target, if linked { How::Linked } else { How::Copied })
}

/// See [`crate::align`].
pub fn align(source: &Path, target: &Path) -> Result<(), FsError> {
    run(source, target, How::Aligned)
}

fn run(source: &Path, target: &Path, how: How) -> Result<(), FsError> {
    let (source, target) = (open_root(source)?, open_root(target)?);
    let laying = Laying { source, target, how, failure: Mutex::new(None) };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS)
        .build()
        .map_err(|error| FsError::Io { path: PathBuf::new(), source: std::io::Error::other(error) })?;
    pool.scope(|scope| laying.folder(scope, Path::new("")));
    laying.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

impl Laying {
    fn folder<'scope>(&'scope self, scope: &Scope<'scope>, path: &Path) {
        match self.entries(path) {
            Ok(folders) => {
                for name in folders {
                    let inner = path.join(name);
                    scope.spawn(move |scope| self.folder(scope, &inner));
                }
            }
            // What the target has there is no folder, and stays.
            Err(Errno::NOTDIR | Errno::LOOP) if self.how != How::Aligned => {}
            Err(errno) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(told(path, errno));
            }
        }
    }

    /// Lays the files of one folder, makes the folders in it, and returns the names of those.
    fn entries(&self, path: &Path) -> Result<Vec<PathBuf>, Errno> {
        let mut source = Dir::new(opened(&self.source, path)?)?;
        let mut target = Dir::new(opened(&self.target, path)?)?;
        let mut there = HashMap::new();
        if self.how == How::Aligned {
            same_mode(source.fd()?, target.fd()?)?;
            there = listed(&mut target)?
                .into_iter()
                .map(|entry| (entry.name, (entry.kind, entry.inode)))
                .collect();
        }
        let mut folders = Vec::new();
        let entries = listed(&mut source)?;
        let (from, to) = (source.fd()?, target.fd()?);
        for Listed { name, kind, inode } in entries {
            let folder = kind == FileType::Directory;
            match there.remove(&name) {
                Some((FileType::Directory, _)) if folder => {
                    folders.push(PathBuf::from(OsStr::from_bytes(name.to_bytes())));
                    continue;
                }
                Some(same) if same == (kind, inode) => continue,
                Some(_) => remove_at(to, &name)?,
                None => {}
            }
            if folder {
                there_already(rustix::fs::mkdirat(to, &name, Mode::RWXU | mode(from, &name)?))?;
                folders.push(PathBuf::from(OsStr::from_bytes(name.to_bytes())));
            } else {
                self.file(from, to, &name, kind)?;
            }
        }
        for name in there.into_keys() {
            remove_at(to, &name)?;
        }
        Ok(folders)
    }

    fn file(
        &self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        kind: FileType,
    ) -> Result<(), Errno> {
        if self.how != How::Copied {
            match rustix::fs::linkat(from, name, to, name, AtFlags::empty()) {
                // A file has as many names as it can have, or the two lie on different disks.
                Err(Errno::MLINK | Errno::XDEV) => {}
                linked => return there_already(linked),
            }
        }
        match kind {
            FileType::Symlink => {
                let leads_to = rustix::fs::readlinkat(from, name, Vec::new())?;
                there_already(rustix::fs::symlinkat(leads_to, to, name))
            }
            FileType::RegularFile => copy(from, to, name),
            // Nothing else is kept in folders that are laid over others.
            _ => Ok(()),
        }
    }
}

struct Listed {
    name: CString,
    kind: FileType,
    inode: u64,
}

fn listed(folder: &mut Dir) -> Result<Vec<Listed>, Errno> {
    let mut entries = Vec::new();
    while let Some(entry) = folder.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => FileType::from_raw_mode(look(folder.fd()?, name)?.st_mode),
            known => known,
        };
        entries.push(Listed { name: name.to_owned(), kind, inode: entry.ino() });
    }
    Ok(entries)
}

/// Gives a folder the mode that it would have been made with.
fn same_mode(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Errno> {
    let wanted = Mode::RWXU | permissions(rustix::fs::fstat(from)?.st_mode);
    let has = Mode::from_raw_mode(rustix::fs::fstat(to)?.st_mode) & Mode::from_raw_mode(0o7777);
    if has == wanted { Ok(()) } else { rustix::fs::fchmod(to, wanted) }
}

fn opened(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    if path.as_os_str().is_empty() {
        return rustix::fs::openat(root, c".", FOLDER, Mode::empty());
    }
    open_beneath(root.as_fd(), path, FOLDER, Links::Refuse)
}

fn look(folder: BorrowedFd<'_>, name: &CStr) -> Result<rustix::fs::Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn mode(folder: BorrowedFd<'_>, name: &CStr) -> Result<Mode, Errno> {
    Ok(permissions(look(folder, name)?.st_mode))
}

fn there_already(made: Result<(), Errno>) -> Result<(), Errno> {
    match made {
        Err(Errno::EXIST) => Ok(()),
        made => made,
    }
}

fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let reading = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let source = rustix::fs::openat(from, name, reading, Mode::empty())?;
    let mode = permissions(rustix::fs::fstat(&source)?.st_mode);
    let writing = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let target = match rustix::fs::openat(to, name, writing, mode) {
        Err(Errno::EXIST) => return Ok(()),
        opened => opened?,
    };
    rustix::fs::fchmod(&target, mode)?;
    std::io::copy(&mut File::from(source), &mut File::from(target))
        .map_err(|error| crate::beneath::errno_of(&error))?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let (source, target) = (outer.path().join("source"), outer.path().join("target"));
        fs::create_dir_all(source.join("a/b")).unwrap();
        fs::create_dir(&target).unwrap();
        fs::write(source.join("a/b/file"), "ours").unwrap();
        fs::set_permissions(source.join("a/b/file"), fs::Permissions::from_mode(0o751)).unwrap();
        symlink("../nowhere", source.join("a/link")).unwrap();
        (outer, source, target)
    }

    fn inode(path: PathBuf) -> u64 {
        fs::symlink_metadata(path).unwrap().ino()
    }

    #[test]
    fn files_are_the_same_files_and_folders_are_not() {
        let (_outer, source, target) = folders();
        lay(&source, &target, true).unwrap();
        for (path, same) in [("a/b/file", true), ("a/link", true), ("a/b", false)] {
            assert_eq!(inode(source.join(path)) == inode(target.join(path)), same, "{path}");
        }
        // Once more changes nothing.
        lay(&source, &target, true).unwrap();
    }

    #[test]
    fn copies_are_other_files() {
        let (_outer, source, target) = folders();
        lay(&source, &target, false).unwrap();
        let copied = target.join("a/b/file");
        assert_eq!(fs::read(&copied).unwrap(), b"ours");
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o7777, 0o751);
        assert_ne!(inode(copied), inode(source.join("a/b/file")));
        assert_eq!(fs::read_link(target.join("a/link")).unwrap(), Path::new("../nowhere"));
    }

    #[test]
    fn what_is_there_stays_and_no_link_is_followed() {
        let (outer, source, target) = folders();
        fs::create_dir(outer.path().join("elsewhere")).unwrap();
        fs::create_dir(target.join("a")).unwrap();
        fs::write(target.join("a/link"), "theirs").unwrap();
        symlink(outer.path().join("elsewhere"), target.join("a/b")).unwrap();
        lay(&source, &target, true).unwrap();
        assert_eq!(fs::read(target.join("a/link")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(outer.path().join("elsewhere")).unwrap().count(), 0);
    }

    #[test]
    fn what_was_laid_once_is_aligned_whatever_was_done_to_it() {
        let (outer, source, target) = folders();
        lay(&source, &target, true).unwrap();
        let elsewhere = outer.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("kept"), "x").unwrap();
        // Another file, a folder for a file, a link for a folder, more, less, other modes.
        fs::write(source.join("more"), "x").unwrap();
        fs::create_dir(source.join("c")).unwrap();
        fs::write(source.join("c/file"), "x").unwrap();
        fs::write(source.join("new"), "x").unwrap();
        fs::remove_file(target.join("a/b/file")).unwrap();
        fs::write(target.join("a/b/file"), "theirs").unwrap();
        fs::create_dir_all(target.join("more/and/more")).unwrap();
        symlink(&elsewhere, target.join("more/and/link")).unwrap();
        symlink(&elsewhere, target.join("c")).unwrap();
        fs::write(target.join("stray"), "x").unwrap();
        fs::set_permissions(target.join("a"), fs::Permissions::from_mode(0o500)).unwrap();
        align(&source, &target).unwrap();
        for path in ["a/b/file", "a/link", "more", "c/file", "new"] {
            assert_eq!(inode(source.join(path)), inode(target.join(path)), "{path}");
        }
        assert!(!target.join("stray").exists());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(source.join("a")), mode(target.join("a")));
        assert_eq!(fs::read(elsewhere.join("kept")).unwrap(), b"x");
        fs::remove_file(source.join("new")).unwrap();
        fs::remove_dir_all(source.join("c")).unwrap();
        align(&source, &target).unwrap();
        assert!(!target.join("new").exists() && !target.join("c").exists());
    }
}
