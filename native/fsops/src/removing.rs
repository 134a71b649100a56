//! Removing a folder that somebody else may have done anything to.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::FsError;
use crate::beneath::{FOLDER, open_root};

/// How many folders are held open at once. What lies deeper is taken out first.
const DEEPEST: usize = 64;
/// How often a folder is looked into again that somebody puts things into meanwhile.
const LOOKS: usize = 16;

/// See [`crate::remove`].
pub fn remove(folder: &Path) -> Result<(), FsError> {
    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(FsError::Invalid { path: folder.to_path_buf(), reason: "this is no folder's path" });
    };
    let above = open_root(above)?;
    let first = CString::new(name.as_bytes())
        .map_err(|_| FsError::Invalid { path: folder.to_path_buf(), reason: "a name holds no zero byte" })?;
    let mut removing = Removing { beside: above.as_fd(), name, waiting: vec![first], taken_out: 0 };
    while let Some(name) = removing.waiting.pop() {
        removing.folder(above.as_fd(), &name, 0).map_err(|failure| FsError::Io {
            path: folder.with_file_name(failure.path),
            source: failure.errno.into(),
        })?;
    }
    Ok(())
}

/// Removes what a folder that is held open has at a name, whatever it is.
pub fn remove_at(folder: BorrowedFd<'_>, name: &CStr, kind: FileType) -> Result<(), Errno> {
    if kind != FileType::Directory {
        return rustix::fs::unlinkat(folder, name, AtFlags::empty());
    }
    let mut removing = Removing {
        beside: folder,
        name: OsStr::from_bytes(name.to_bytes()),
        waiting: vec![name.to_owned()],
        taken_out: 0,
    };
    while let Some(name) = removing.waiting.pop() {
        removing.folder(folder, &name, 0).map_err(|failure| failure.errno)?;
    }
    Ok(())
}

struct Removing<'held> {
    /// The folder that what is removed lies in, and its name there.
    beside: BorrowedFd<'held>,
    name: &'held OsStr,
    /// What is still to be removed there.
    waiting: Vec<CString>,
    taken_out: usize,
}

struct Failure {
    path: PathBuf,
    errno: Errno,
}

impl Removing<'_> {
    fn folder(&mut self, above: BorrowedFd<'_>, name: &CStr, depth: usize) -> Result<(), Failure> {
        let here = |errno| Failure { path: path(name), errno };
        let folder = match opened(above, name) {
            // No folder, or none any more: a link is removed and not followed.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return rustix::fs::unlinkat(above, name, AtFlags::empty()).map_err(here);
            }
            Err(Errno::NOENT) => return Ok(()),
            opened => opened.map_err(here)?,
        };
        let mut folder = Dir::new(folder).map_err(here)?;
        for _ in 0..LOOKS {
            let folders = emptied_of_files(&mut folder).map_err(here)?;
            let folder = folder.fd().map_err(here)?;
            for inner in folders {
                let removed = if depth < DEEPEST {
                    self.folder(folder, &inner, depth + 1)
                } else {
                    self.take_out(folder, &inner).map_err(|errno| Failure { path: path(&inner), errno })
                };
                removed.map_err(|inner| Failure { path: path(name).join(inner.path), ..inner })?;
            }
            match rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(Errno::NOENT) => return Ok(()),
                removed => return removed.map_err(here),
            }
        }
        Err(here(Errno::NOTEMPTY))
    }

    /// Puts a folder beside the one that is removed: a path may be longer than the system takes at once, and a
    /// program may not hold as many folders open as lie in each other.
    fn take_out(&mut self, folder: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        self.taken_out += 1;
        let mut beside = self.name.to_owned();
        beside.push(format!("-{}", self.taken_out));
        let beside = CString::new(beside.into_vec()).map_err(|_| Errno::INVAL)?;
        match rustix::fs::renameat(folder, name, self.beside, &beside) {
            // Its entry `..` is written, too.
            Err(Errno::ACCESS) => {
                open_up(folder, name)?;
                rustix::fs::renameat(folder, name, self.beside, &beside)?;
            }
            renamed => renamed?,
        }
        self.waiting.push(beside);
        Ok(())
    }
}

fn path(name: &CStr) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

/// Opens a folder, never through a link, so that its entries can be listed and removed.
fn opened(above: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let open = || rustix::fs::openat(above, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
    let folder = match open() {
        Err(Errno::ACCESS) => {
            open_up(above, name)?;
            open()?
        }
        opened => opened?,
    };
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&folder)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        // Whoever may do without will not be stopped later, and whoever may not is told then.
        let _ = rustix::fs::fchmod(&folder, Mode::RWXU);
    }
    Ok(folder)
}

/// Gives its owner all rights to a folder that may not even be opened.
#[cfg(target_os = "linux")]
fn open_up(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;

    let held = rustix::fs::openat(
        above,
        name,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    // Such a handle cannot change modes itself.
    rustix::fs::chmod(format!("/proc/self/fd/{}", held.as_raw_fd()), Mode::RWXU)
}

/// Gives its owner all rights to a folder that may not even be opened.
#[cfg(not(target_os = "linux"))]
fn open_up(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    rustix::fs::chmodat(above, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
}

/// Removes what is no folder, and returns the names of the folders.
fn emptied_of_files(folder: &mut Dir) -> Result<Vec<CString>, Errno> {
    let mut entries = Vec::new();
    folder.rewind();
    // All names first: what a listing shows of what is removed meanwhile is up to the file system.
    while let Some(entry) = folder.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            entries.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    let folder = folder.fd()?;
    let mut folders = Vec::new();
    for (name, kind) in entries {
        let kind = match kind {
            FileType::Unknown => match rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                stat => FileType::from_raw_mode(stat?.st_mode),
            },
            known => known,
        };
        if kind == FileType::Directory {
            folders.push(name);
            continue;
        }
        match rustix::fs::unlinkat(folder, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            // Somebody has put a folder in its place.
            Err(Errno::ISDIR) => folders.push(name),
            Err(errno) => return Err(errno),
        }
    }
    Ok(folders)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn whatever_its_modes_and_no_link_is_followed() {
        let outer = tempfile::tempdir().unwrap();
        let (outside, tree) = (outer.path().join("outside"), outer.path().join("tree"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::write(tree.join("a/b/file"), "x").unwrap();
        symlink(&outside, tree.join("link")).unwrap();
        symlink("nowhere", tree.join("a/gone")).unwrap();
        fs::create_dir(tree.join(OsStr::from_bytes(b"\xff\xfe"))).unwrap();
        for (path, mode) in [("a/b", 0o444), ("a", 0o000)] {
            fs::set_permissions(tree.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        remove(&tree).unwrap();
        symlink(&outside, &tree).unwrap();
        remove(&tree).unwrap();
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn however_deep_and_whatever_the_modes_down_there() {
        let outer = tempfile::tempdir().unwrap();
        let tree = outer.path().join("tree");
        fs::create_dir(&tree).unwrap();
        let mut held = open_root(&tree).unwrap();
        for _ in 0..1500 {
            rustix::fs::mkdirat(&held, c"deeper", Mode::RWXU).unwrap();
            let inner = rustix::fs::openat(&held, c"deeper", FOLDER, Mode::empty()).unwrap();
            rustix::fs::fchmod(&held, Mode::RUSR | Mode::XUSR).unwrap();
            held = inner;
        }
        remove(&tree).unwrap();
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_path_that_cannot_be_removed_is_told() {
        let result = remove(Path::new("tree"));
        assert!(matches!(result, Err(FsError::Invalid { .. })), "{result:?}");
        remove(Path::new("/no-such-tree")).unwrap();
    }
}
