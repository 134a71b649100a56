//! Removing a folder that somebody else may have done anything to.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rayon::{Scope, ThreadPoolBuilder};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::FsError;
use crate::beneath::{FOLDER, open_root};

/// How often a folder is looked into again that somebody puts things into meanwhile.
const LOOKS: u32 = 16;
/// A disk that is told of each freed block answers slowly, and many at a time.
const THREADS: usize = 8;
/// So many folders are removed before threads are made.
const FEW: usize = 32;

/// See [`crate::remove`].
pub fn remove(folder: &Path) -> Result<(), FsError> {
    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(FsError::Invalid { path: folder.to_path_buf(), reason: "this is no folder's path" });
    };
    let above = open_root(above)?;
    let failed = |source| FsError::Io { path: folder.to_path_buf(), source };
    let name = CString::new(name.as_bytes()).map_err(|error| failed(error.into()))?;
    remove_at(above.as_fd(), &name).map_err(|errno| failed(errno.into()))
}

/// Removes what a folder that is held open has at a name, whatever it is.
pub fn remove_at(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    for look in 0..LOOKS {
        let Some(root) = opened(above, name)? else { return Ok(()) };
        let removing = Removing { root, taken_out: AtomicUsize::new(0), failure: Mutex::new(None) };
        removing.told(removing.all_of_it());
        if let Some(errno) = removing.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(errno);
        }
        if is_removed(above, name)? {
            return Ok(());
        }
        waited(look);
    }
    Err(Errno::NOTEMPTY)
}

struct Removing {
    /// What is removed. A folder deeper down is first taken out to it: so a path is never longer than the system
    /// takes at once, and a thread holds one folder open, however many lie in each other.
    root: OwnedFd,
    taken_out: AtomicUsize,
    failure: Mutex<Option<Errno>>,
}

impl Removing {
    fn told(&self, done: Result<(), Errno>) {
        if let Err(errno) = done {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(errno);
        }
    }

    /// Most of what is removed is small, and threads would be most of the work for it.
    fn all_of_it(&self) -> Result<(), Errno> {
        let mut waiting = emptied_of_files(&mut Dir::read_from(&self.root)?)?;
        for _ in 0..FEW {
            let Some(name) = waiting.pop() else { return Ok(()) };
            self.folder(&name, |inner| waiting.push(inner))?;
        }
        let all = || rayon::scope(|scope| waiting.into_iter().for_each(|name| self.spawn(scope, name)));
        if rayon::current_thread_index().is_some() {
            all();
        } else {
            let pool = ThreadPoolBuilder::new().num_threads(THREADS).build();
            pool.map_err(|_| Errno::AGAIN)?.install(all);
        }
        Ok(())
    }

    fn spawn<'scope>(&'scope self, scope: &Scope<'scope>, name: CString) {
        scope.spawn(move |scope| self.told(self.folder(&name, |inner| self.spawn(scope, inner))));
    }

    /// Removes a folder that lies right in the root; what lay in it waits there to be removed.
    fn folder(&self, name: &CStr, mut waits: impl FnMut(CString)) -> Result<(), Errno> {
        let mut name = name.to_owned();
        for _ in 0..LOOKS {
            match looked_at(self.root.as_fd(), &name)? {
                Looked::Gone => return Ok(()),
                Looked::Changing(_) => {}
                Looked::Folder(folder) => {
                    // Held open until it has no name: its blocks are freed when it is closed, and nobody waits for that.
                    let mut folder = Dir::new(folder)?;
                    for inner in emptied_of_files(&mut folder)? {
                        if let Some(inner) = self.take_out(folder.fd()?, &inner)? {
                            waits(inner);
                        }
                    }
                    if is_removed(self.root.as_fd(), &name)? {
                        return Ok(());
                    }
                }
            }
            // Whoever exchanges it may do so as often as it is looked at: both wait for the same lock. Under another
            // name it stays what it is.
            match self.take_out(self.root.as_fd(), &name)? {
                Some(beside) => name = beside,
                None => return Ok(()),
            }
        }
        Err(Errno::NOTEMPTY)
    }

    /// Moves a folder right into the root, and returns its name there.
    fn take_out(&self, folder: BorrowedFd<'_>, name: &CStr) -> Result<Option<CString>, Errno> {
        loop {
            let number = self.taken_out.fetch_add(1, Ordering::Relaxed);
            let beside = CString::new(format!(".going-{number}")).map_err(|_| Errno::INVAL)?;
            match rustix::fs::renameat(folder, name, &self.root, &beside) {
                Ok(()) => return Ok(Some(beside)),
                // Its entry `..` is written, too.
                Err(Errno::ACCESS) => {
                    open_up(folder, name)?;
                    rustix::fs::renameat(folder, name, &self.root, &beside)?;
                    return Ok(Some(beside));
                }
                Err(Errno::NOENT) => return Ok(None),
                // Somebody has taken that name.
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// Somebody who exchanges things as fast as they are looked at would be met at the same moment each time.
fn waited(look: u32) {
    std::thread::sleep(Duration::from_micros(1 << look));
}

/// Removes an empty folder. False if it is not empty, or no folder: somebody has put something else in its place.
fn is_removed(above: BorrowedFd<'_>, name: &CStr) -> Result<bool, Errno> {
    match rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

enum Looked {
    Folder(OwnedFd),
    Gone,
    /// It was a folder at one call and none at the next.
    Changing(Errno),
}

/// Opens a folder so that its entries can be listed and removed. What is no folder is removed: a link is never followed.
fn looked_at(above: BorrowedFd<'_>, name: &CStr) -> Result<Looked, Errno> {
    let looked = match rustix::fs::openat(above, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(folder) => return writable(folder).map(Looked::Folder),
        Err(Errno::ACCESS) => open_up(above, name).and(Err(Errno::ACCESS)),
        // Some systems say of a link that it has too many.
        Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
            rustix::fs::unlinkat(above, name, AtFlags::empty())
        }
        Err(errno) => Err(errno),
    };
    match looked {
        Ok(()) | Err(Errno::NOENT) => Ok(Looked::Gone),
        // Some systems say of a folder only that it may not be removed as a file.
        Err(
            again @ (Errno::ACCESS | Errno::NOTDIR | Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::PERM),
        ) => Ok(Looked::Changing(again)),
        Err(errno) => Err(errno),
    }
}

/// What `looked_at` opens, however often it is exchanged meanwhile. None if it is gone.
fn opened(above: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>, Errno> {
    let mut last = Errno::AGAIN;
    for look in 0..LOOKS {
        last = match looked_at(above, name)? {
            Looked::Folder(folder) => return Ok(Some(folder)),
            Looked::Gone => return Ok(None),
            Looked::Changing(errno) => errno,
        };
        waited(look);
    }
    Err(last)
}

fn writable(folder: OwnedFd) -> Result<OwnedFd, Errno> {
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
    use std::ffi::OsStr;
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
        // Names that folders which are taken out are given.
        fs::write(tree.join(".going-0"), "x").unwrap();
        fs::create_dir_all(tree.join(".going-1/full")).unwrap();
        fs::create_dir_all(tree.join("wide/of/many")).unwrap();
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_and_a_link_are_exchanged_meanwhile() {
        let outer = tempfile::tempdir().unwrap();
        let tree = outer.path().join("tree");
        exchanged_while_removed(outer.path(), &tree, ["d", "link"], &[&tree]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_removed_is_exchanged_meanwhile_with_a_link() {
        let outer = tempfile::tempdir().unwrap();
        let [tree, link] = ["tree", "link"].map(|name| outer.path().join(name));
        exchanged_while_removed(outer.path(), outer.path(), ["tree", "link"], &[&tree, &link]);
    }

    /// Again and again makes a folder and a link in a folder; they are exchanged while paths are removed.
    #[cfg(target_os = "linux")]
    fn exchanged_while_removed(outer: &Path, lie_in: &Path, [folder, link]: [&str; 2], removed: &[&Path]) {
        use std::sync::atomic::AtomicBool;

        use rustix::fs::{RenameFlags, renameat_with};

        let outside = outer.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let ended = AtomicBool::new(false);
        let exchange = |held: &OwnedFd| {
            while !ended.load(Ordering::Relaxed)
                && renameat_with(held, folder, held, link, RenameFlags::EXCHANGE).is_ok()
            {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    if let Ok(held) = open_root(lie_in) {
                        exchange(&held);
                    }
                }
            });
            let mut result = Ok(());
            for _ in 0..400 {
                fs::create_dir_all(lie_in.join(folder)).unwrap();
                symlink(&outside, lie_in.join(link)).unwrap();
                result = removed.iter().try_for_each(|path| remove(path));
                if result.is_err() {
                    break;
                }
            }
            ended.store(true, Ordering::Relaxed);
            result.unwrap();
        });
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn the_path_that_cannot_be_removed_is_told() {
        let result = remove(Path::new("tree"));
        assert!(matches!(result, Err(FsError::Invalid { .. })), "{result:?}");
        remove(Path::new("/no-such-tree")).unwrap();
    }
}
