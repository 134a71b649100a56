//! Laying a folder of files over another, as links to the same files.

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::FsError;
use crate::beneath::{FOLDER, Links, open_beneath, open_root, permissions, told};

/// More do not help: the file system takes turns.
const THREADS: usize = 2;

struct Laying {
    source: OwnedFd,
    target: OwnedFd,
    linked: bool,
    failure: Mutex<Option<FsError>>,
}

/// See [`crate::lay`].
pub fn lay(source: &Path, target: &Path, linked: bool) -> Result<(), FsError> {
    let (source, target) = (open_root(source)?, open_root(target)?);
    let laying = Laying { source, target, linked, failure: Mutex::new(None) };
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
            Err(Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(told(path, errno));
            }
        }
    }

    /// Lays the files of one folder, makes the folders in it, and returns the names of those.
    fn entries(&self, path: &Path) -> Result<Vec<PathBuf>, Errno> {
        let from = opened(&self.source, path)?;
        let to = opened(&self.target, path)?;
        let mut folders = Vec::new();
        for entry in Dir::read_from(&from)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => FileType::from_raw_mode(look(&from, name)?.st_mode),
                known => known,
            };
            if kind == FileType::Directory {
                there_already(rustix::fs::mkdirat(&to, name, Mode::RWXU | mode(&from, name)?))?;
                folders.push(PathBuf::from(OsStr::from_bytes(name.to_bytes())));
            } else {
                self.file(&from, &to, name, kind)?;
            }
        }
        Ok(folders)
    }

    fn file(&self, from: &OwnedFd, to: &OwnedFd, name: &CStr, kind: FileType) -> Result<(), Errno> {
        if self.linked {
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

fn opened(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    if path.as_os_str().is_empty() {
        return rustix::fs::openat(root, c".", FOLDER, Mode::empty());
    }
    open_beneath(root.as_fd(), path, FOLDER, Links::Refuse)
}

fn look(folder: &OwnedFd, name: &CStr) -> Result<rustix::fs::Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn mode(folder: &OwnedFd, name: &CStr) -> Result<Mode, Errno> {
    Ok(permissions(look(folder, name)?.st_mode))
}

fn there_already(made: Result<(), Errno>) -> Result<(), Errno> {
    match made {
        Err(Errno::EXIST) => Ok(()),
        made => made,
    }
}

fn copy(from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<(), Errno> {
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
}
