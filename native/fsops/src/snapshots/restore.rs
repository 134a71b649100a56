//! The way back: what differs between a tree and a snapshot, and how it is set right.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::store::{Store, copy};
use crate::beneath::{FOLDER, Links, Stamp, errno_of, open_beneath, permissions, told};
use crate::temporary::beside;
use crate::tree::Tree;
use crate::tree::folder::{Entry, Folder, Node};
use crate::tree::items::{Item, Kind};
use crate::tree::read::open_folder;
use crate::{FsError, Hash};

/// What a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// The tree as it was before, which can be restored in turn.
    pub before: Option<Hash>,
    /// Files, links and folders that were made, replaced, or got another mode.
    pub written: Vec<PathBuf>,
    /// Files, links and folders that were deleted.
    pub deleted: Vec<PathBuf>,
    /// What was left as it is because no snapshot holds it: it changed meanwhile, or does not belong to the tree.
    pub left: Vec<PathBuf>,
}

/// What a restore has to do, each part in the order in which it is done.
pub(super) struct Steps {
    snapshot: Hash,
    /// Files and links with their stamps, then the folder that held them.
    deletes: Vec<(PathBuf, Option<Stamp>)>,
    /// A folder before what is in it.
    writes: Vec<(PathBuf, Item)>,
    /// What is there now in the place of a write.
    stamps: HashMap<PathBuf, Option<Stamp>>,
    modes: Vec<(PathBuf, Item)>,
}

impl Steps {
    /// What leads from a tree to a snapshot, all of which the store holds.
    pub fn to(snapshot: Hash, now: &Folder, store: &Store) -> Result<Self, FsError> {
        let (deletes, writes, stamps, modes) = Default::default();
        let mut steps = Self { snapshot, deletes, writes, stamps, modes };
        steps.compare(store, now, snapshot, Path::new(""))?;
        for (_, item) in steps.writes.iter().filter(|(_, item)| item.hash != Hash::ZERO) {
            let there = store.has(item.hash) || store.large(item.hash).exists();
            if item.kind != Kind::Folder && !there {
                return Err(FsError::Damaged { hash: item.hash });
            }
        }
        Ok(steps)
    }

    /// Finds what differs between a folder and one of a snapshot.
    fn compare(&mut self, store: &Store, now: &Folder, then: Hash, path: &Path) -> Result<(), FsError> {
        if now.hash == then {
            return Ok(());
        }
        let items = store.items(then)?;
        for entry in &now.entries {
            let at = items.binary_search_by(|item| item.name.cmp(&entry.name));
            let stays = at.is_ok_and(|at| items[at].kind == entry.item().kind);
            if !stays {
                self.delete(entry, path);
            }
        }
        for item in items {
            let full = path.join(OsStr::from_bytes(&item.name));
            let entry = now.find(&item.name).filter(|entry| entry.item().kind == item.kind);
            let same = entry.is_some_and(|entry| {
                let now = entry.item();
                (now.hash, now.mode) == (item.hash, item.mode)
            });
            if same {
                continue;
            }
            let (then, kind) = (item.hash, item.kind);
            let mode_only = entry.is_some_and(|entry| kind == Kind::Folder || entry.item().hash == then);
            let stamp = entry.and_then(|entry| match &entry.node {
                Node::Leaf(leaf) => Some(leaf.stamp),
                Node::Folder(_) => None,
            });
            let differs = entry.is_none_or(|entry| entry.item().mode != item.mode);
            match (mode_only, kind) {
                (true, _) if differs => self.modes.push((full.clone(), item)),
                (true, _) => {}
                (false, _) => {
                    self.stamps.insert(full.clone(), stamp);
                    self.writes.push((full.clone(), item));
                }
            }
            if kind == Kind::Folder {
                let unseen = Folder::empty();
                let now = entry.and_then(|entry| match &entry.node {
                    Node::Folder(folder) => Some(folder.as_ref()),
                    Node::Leaf(_) => None,
                });
                self.compare(store, now.unwrap_or(&unseen), then, &full)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, entry: &Entry, path: &Path) {
        let path = path.join(OsStr::from_bytes(&entry.name));
        match &entry.node {
            Node::Leaf(leaf) => self.deletes.push((path, Some(leaf.stamp))),
            Node::Folder(folder) => {
                for entry in &folder.entries {
                    self.delete(entry, &path);
                }
                self.deletes.push((path, None));
            }
        }
    }

    /// Does them.
    pub fn apply(&self, tree: &Tree, store: &Store, restored: &mut Restored) -> Result<(), FsError> {
        let root = tree.handle();
        for (path, stamp) in &self.deletes {
            let done = delete(root, path, stamp.as_ref());
            settle(done, path, &mut restored.deleted, &mut restored.left)?;
        }
        // Always the same name, so that doing it again after a kill cleans up.
        let id = self.snapshot.0.first_chunk().map_or(0, |id| u64::from_le_bytes(*id));
        let draft = &beside(id, 0)[0];
        for (path, item) in &self.writes {
            let old = self.stamps.get(path).copied().flatten();
            let done = write(store, root, path, item, old.as_ref(), draft)?;
            settle(done, path, &mut restored.written, &mut restored.left)?;
        }
        // The innermost first, for a folder may not let anybody in any more.
        for (path, item) in self.modes.iter().rev() {
            let done = set_mode(root, path, item.mode);
            settle(done, path, &mut restored.written, &mut restored.left)?;
        }
        let made: HashSet<_> = restored.written.iter().collect();
        for (path, item) in self.writes.iter().rev() {
            if item.kind == Kind::Folder && made.contains(path) {
                set_mode(root, path, item.mode).map_err(|errno| told(path, errno))?;
            }
        }
        Ok(())
    }
}

/// Makes or replaces one file, link or folder. The outer error is that of the store.
fn write(
    store: &Store,
    root: BorrowedFd<'_>,
    path: &Path,
    item: &Item,
    old: Option<&Stamp>,
    draft: &OsStr,
) -> Result<Result<(), Errno>, FsError> {
    if item.kind == Kind::Folder {
        return Ok(in_folder(root, path, |folder, name| {
            match rustix::fs::mkdirat(folder, name, permissions(0o777)) {
                // There may be things in it that do not belong to the tree.
                Err(Errno::EXIST) => open_beneath(folder, Path::new(name), FOLDER, Links::Refuse).map(drop),
                made => made,
            }
        }));
    }
    let small = if store.has(item.hash) { Some(store.read(item.hash)?) } else { None };
    let mode = permissions(item.mode);
    Ok(in_folder(root, path, |folder, name| {
        unchanged(folder, name, old)?;
        let _ = rustix::fs::unlinkat(folder, draft, AtFlags::empty());
        let drafted = match (&small, item.kind) {
            (Some(target), Kind::Link) => rustix::fs::symlinkat(target.as_slice(), folder, draft),
            (Some(content), _) => fill(folder, draft, content, mode),
            (None, _) => {
                File::open(store.large(item.hash)).map_err(|error| errno_of(&error)).and_then(|file| {
                    if copy(&file, folder, draft, mode, item.hash)? { Ok(()) } else { Err(Errno::IO) }
                })
            }
        };
        let done = drafted.and_then(|()| rustix::fs::renameat(folder, draft, folder, name));
        if done.is_err() {
            let _ = rustix::fs::unlinkat(folder, draft, AtFlags::empty());
        }
        done
    }))
}

/// Sorts out how a step went. What is not ours to change is left; anything else that fails ends the restore.
fn settle(
    done: Result<(), Errno>,
    path: &Path,
    good: &mut Vec<PathBuf>,
    left: &mut Vec<PathBuf>,
) -> Result<(), FsError> {
    match done {
        Ok(()) => good.push(path.to_path_buf()),
        Err(Errno::AGAIN | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::ISDIR | Errno::LOOP) => {
            left.push(path.to_path_buf());
        }
        Err(errno) => return Err(told(path, errno)),
    }
    Ok(())
}

fn in_folder<T>(
    root: BorrowedFd<'_>,
    path: &Path,
    act: impl FnOnce(BorrowedFd<'_>, &OsStr) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(Errno::XDEV) };
    act(open_folder(root, parent)?.as_fd(), name)
}

/// Fails with `EAGAIN` if a name holds something else than was looked at.
fn unchanged(folder: BorrowedFd<'_>, name: &OsStr, old: Option<&Stamp>) -> Result<(), Errno> {
    let now = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Some(Stamp::of(&stat)),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(errno),
    };
    if now.as_ref() == old { Ok(()) } else { Err(Errno::AGAIN) }
}

fn delete(root: BorrowedFd<'_>, path: &Path, stamp: Option<&Stamp>) -> Result<(), Errno> {
    in_folder(root, path, |folder, name| match stamp {
        Some(_) => {
            unchanged(folder, name, stamp)?;
            rustix::fs::unlinkat(folder, name, AtFlags::empty())
        }
        None => rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR),
    })
}

fn set_mode(root: BorrowedFd<'_>, path: &Path, mode: u32) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::fchmod(open_beneath(root, path, flags, Links::Refuse)?, permissions(mode))
}

fn fill(folder: BorrowedFd<'_>, name: &OsStr, content: &[u8], mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, mode)?;
    std::io::Write::write_all(&mut File::from(rustix::io::dup(&file)?), content)
        .map_err(|error| errno_of(&error))?;
    rustix::fs::fchmod(&file, mode)
}
