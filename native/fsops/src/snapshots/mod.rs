//! Snapshots of a tree, and the way back to them.
//!
//! Contents and folders are kept once each, by their hash: a snapshot after ten edits adds ten files and the folders
//! above them. They are appended to one file, which costs far less than a file for each; large files lie beside it,
//! as copy-on-write clones where the file system has them. Never as hard links: who writes to a file in place would
//! change its snapshot too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::batch::{beside, errno_of, new_id, permissions};
use crate::beneath::{FOLDER, Links, Stamp, open_beneath, told};
use crate::tree::Tree;
use crate::tree::folder::{Entry, Folder, Leaf, Node};
use crate::tree::items::{Item, Kind, decode};
use crate::tree::read::{LARGE, open_folder, read_file, read_link};
use crate::{FsError, Hash};

const PACK: &str = "objects";
const LARGE_FOLDER: &str = "large";
const HEAD: usize = 40;
/// How often a snapshot is begun again because files change while they are read.
const TRIES: usize = 8;

/// A store of snapshots in a folder of its own, which several trees and processes may share.
///
/// What a killed process leaves is complete objects and, at the end, a part of one, which is dropped. Nothing is
/// synced: after a power cut a snapshot may be damaged, which is told by [`FsError::Damaged`] when it is used.
#[derive(Debug)]
pub struct Snapshots {
    folder: PathBuf,
    pack: File,
    /// Where each object lies in the pack, and its length.
    known: HashMap<Hash, (u64, u64)>,
    /// Where the next object goes.
    end: u64,
}

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

impl Snapshots {
    /// Opens the store in an existing folder, and makes it if need be.
    ///
    /// # Errors
    /// [`FsError::Io`].
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        let path = folder.join(PACK);
        let failed = |error: &std::io::Error| told(&path, errno_of(error));
        let flags = i32::try_from((OFlags::CLOEXEC | OFlags::NOFOLLOW).bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let pack = options.open(&path).map_err(|error| failed(&error))?;
        let mut store = Self { folder: folder.to_path_buf(), pack, known: HashMap::new(), end: 0 };
        store.catch_up().map_err(|error| failed(&error))?;
        Ok(store)
    }

    /// Learns of objects that were appended since, by whomever.
    fn catch_up(&mut self) -> std::io::Result<()> {
        let length = self.pack.metadata()?.len();
        let mut reader = BufReader::with_capacity(1 << 16, &self.pack);
        reader.seek(SeekFrom::Start(self.end))?;
        while length - self.end >= HEAD as u64 {
            let mut head = [0; HEAD];
            reader.read_exact(&mut head)?;
            let (hash, size) = head.split_at(32);
            let size = size.first_chunk().map_or(0, |size| u64::from_le_bytes(*size));
            let hash = Hash(*hash.first_chunk().unwrap_or(&[0; 32]));
            let Some(next) = self.end.checked_add(size.saturating_add(HEAD as u64)) else { break };
            if next > length || hash == Hash::ZERO {
                break;
            }
            self.known.insert(hash, (self.end + HEAD as u64, size));
            reader.seek_relative(i64::try_from(size).unwrap_or(i64::MAX))?;
            self.end = next;
        }
        Ok(())
    }

    /// Keeps the tree as it is, and returns its hash, which names the snapshot. `dirty`: the only paths that can have
    /// changed since the tree was last looked at; `None` looks at everything.
    ///
    /// # Errors
    /// [`FsError::Restless`] if files change faster than they can be read; [`FsError::Io`].
    pub fn take<P: AsRef<Path>>(&mut self, tree: &mut Tree, dirty: Option<&[P]>) -> Result<Hash, FsError> {
        match dirty {
            Some(paths) => tree.update(paths)?,
            None => tree.refresh()?,
        };
        let mut moved = Vec::new();
        for _ in 0..TRIES {
            moved = self.store(tree)?;
            if moved.is_empty() {
                return Ok(tree.hash());
            }
            tree.update(&moved)?;
        }
        Err(FsError::Restless { path: moved.swap_remove(0) })
    }

    /// Stores what is missing of a tree; returns the paths that are no longer what the tree says.
    fn store(&mut self, tree: &Tree) -> Result<Vec<PathBuf>, FsError> {
        if self.known.contains_key(&tree.hash()) {
            return Ok(Vec::new());
        }
        let failed = |path: &Path, error: &std::io::Error| told(path, errno_of(error));
        let place = self.folder.join(PACK);
        lock(&self.pack).map_err(|errno| told(&place, errno))?;
        let locked = self.pack.try_clone().map_err(|error| failed(&place, &error))?;
        let unlock = Unlock(&locked);
        self.catch_up().map_err(|error| failed(&place, &error))?;
        let mut missing = Missing::default();
        missing.find(&tree.top, Path::new(""), self);
        let appender =
            Mutex::new(Appender { pack: &self.pack, end: self.end, new: Vec::new(), waiting: Vec::new() });
        let moved: Vec<_> = missing
            .leaves
            .into_par_iter()
            .map(|(path, leaf)| {
                self.store_leaf(tree, &path, leaf, &appender).map(|kept| (!kept).then_some(path))
            })
            .collect::<Result<_, _>>()?;
        let moved: Vec<PathBuf> = moved.into_iter().flatten().collect();
        let mut appender = appender.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if moved.is_empty() {
            for folder in missing.folders {
                appender.append(folder.hash, &folder.encode()).map_err(|error| failed(&place, &error))?;
            }
        }
        appender.flush().map_err(|error| failed(&place, &error))?;
        let Appender { end, new, .. } = appender;
        self.end = end;
        self.known.extend(new);
        drop(unlock);
        Ok(moved)
    }

    /// Stores a file or link; false if it is no longer what the tree says.
    fn store_leaf(
        &self,
        tree: &Tree,
        path: &Path,
        leaf: &Leaf,
        appender: &Mutex<Appender<'_>>,
    ) -> Result<bool, FsError> {
        let bytes = if leaf.link {
            read_link(tree.handle(), path).map(|(_, target)| target)
        } else if leaf.stamp.size > LARGE {
            return self.store_large(tree.handle(), path, leaf.hash);
        } else {
            let mut bytes = Vec::with_capacity(usize::try_from(leaf.stamp.size).unwrap_or(0));
            read_file(tree.handle(), path, |piece| bytes.extend_from_slice(piece)).map(|_| bytes)
        };
        let Ok(bytes) = bytes else { return Ok(false) };
        if Hash::of(&bytes) != leaf.hash {
            return Ok(false);
        }
        let mut appender = appender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let done = appender.append(leaf.hash, &bytes);
        done.map_err(|error| told(&self.folder.join(PACK), errno_of(&error)))?;
        Ok(true)
    }

    fn large(&self, hash: Hash) -> PathBuf {
        self.folder.join(LARGE_FOLDER).join(hash.to_string())
    }

    fn store_large(&self, root: BorrowedFd<'_>, path: &Path, hash: Hash) -> Result<bool, FsError> {
        let place = self.large(hash);
        if place.exists() {
            return Ok(true);
        }
        let failed = |errno| told(&place, errno);
        let made = std::fs::create_dir_all(self.folder.join(LARGE_FOLDER));
        made.map_err(|error| failed(errno_of(&error)))?;
        let folder = open_path(&self.folder.join(LARGE_FOLDER)).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(source) = open_beneath(root, path, flags, Links::Refuse) else { return Ok(false) };
        let draft = &beside(new_id(), 0)[0];
        let copied = copy(&File::from(source), folder.as_fd(), draft, permissions(0o600), hash);
        let kept = match copied {
            Ok(true) => {
                rustix::fs::renameat(&folder, draft, &folder, hash.to_string()).map_err(failed)?;
                return Ok(true);
            }
            Ok(false) => Ok(false),
            Err(errno) => Err(failed(errno)),
        };
        let _ = rustix::fs::unlinkat(&folder, draft, AtFlags::empty());
        kept
    }

    /// Reads an object of the pack.
    fn read(&self, hash: Hash) -> Result<Vec<u8>, FsError> {
        let damaged = || FsError::Damaged { hash };
        let (offset, size) = *self.known.get(&hash).ok_or_else(damaged)?;
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| damaged())?];
        self.pack.read_exact_at(&mut bytes, offset).map_err(|_| damaged())?;
        if Hash::of(&bytes) == hash { Ok(bytes) } else { Err(damaged()) }
    }

    fn items(&self, hash: Hash) -> Result<Vec<Item>, FsError> {
        decode(&self.read(hash)?).ok_or(FsError::Damaged { hash })
    }

    /// Everything that a snapshot holds, by path.
    ///
    /// # Errors
    /// [`FsError::Damaged`] if the store does not hold it, or not whole.
    pub fn manifest(&self, snapshot: Hash) -> Result<BTreeMap<PathBuf, Item>, FsError> {
        let mut all = BTreeMap::new();
        let mut folders = vec![(PathBuf::new(), snapshot)];
        while let Some((path, hash)) = folders.pop() {
            for item in self.items(hash)? {
                let path = path.join(OsStr::from_bytes(&item.name));
                if item.kind == Kind::Folder {
                    folders.push((path.clone(), item.hash));
                }
                all.insert(path, item);
            }
        }
        Ok(all)
    }

    /// Brings the tree back to a snapshot: bytes, modes, links, empty folders; what came since is deleted. `dirty` as
    /// for [`Snapshots::take`]; the tree as it is now is kept first.
    ///
    /// Each file is replaced in one step. A restore that was killed is completed by doing it again.
    ///
    /// # Errors
    /// [`FsError::Damaged`] before anything was changed if the store does not hold the snapshot; [`FsError::Io`].
    pub fn restore<P: AsRef<Path>>(
        &mut self,
        tree: &mut Tree,
        snapshot: Hash,
        dirty: Option<&[P]>,
    ) -> Result<Restored, FsError> {
        let before = self.take(tree, dirty)?;
        let mut steps = Steps::to(snapshot);
        self.compare(&tree.top, snapshot, Path::new(""), &mut steps)?;
        for (_, item) in steps.writes.iter().filter(|(_, item)| item.hash != Hash::ZERO) {
            let there = self.known.contains_key(&item.hash) || self.large(item.hash).exists();
            if item.kind != Kind::Folder && !there {
                return Err(FsError::Damaged { hash: item.hash });
            }
        }
        let mut restored = Restored { before: Some(before), ..Restored::default() };
        let done = self.apply(tree, &steps, &mut restored);
        let touched: Vec<_> =
            restored.written.iter().chain(&restored.deleted).chain(&restored.left).collect();
        tree.update(&touched)?;
        done.map(|()| restored)
    }

    /// Finds what differs between a folder and one of a snapshot.
    fn compare(&self, now: &Folder, then: Hash, path: &Path, steps: &mut Steps) -> Result<(), FsError> {
        if now.hash == then {
            return Ok(());
        }
        let items = self.items(then)?;
        for entry in &now.entries {
            let at = items.binary_search_by(|item| item.name.cmp(&entry.name));
            let stays = at.is_ok_and(|at| items[at].kind == entry.item().kind);
            if !stays {
                steps.delete(entry, path);
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
                (true, _) if differs => steps.modes.push((full.clone(), item)),
                (true, _) => {}
                (false, _) => {
                    steps.stamps.insert(full.clone(), stamp);
                    steps.writes.push((full.clone(), item));
                }
            }
            if kind == Kind::Folder {
                let unseen = Folder::empty();
                let now = entry.and_then(|entry| match &entry.node {
                    Node::Folder(folder) => Some(folder.as_ref()),
                    Node::Leaf(_) => None,
                });
                self.compare(now.unwrap_or(&unseen), then, &full, steps)?;
            }
        }
        Ok(())
    }

    fn apply(&self, tree: &Tree, steps: &Steps, restored: &mut Restored) -> Result<(), FsError> {
        let root = tree.handle();
        for (path, stamp) in &steps.deletes {
            let done = delete(root, path, stamp.as_ref());
            settle(done, path, &mut restored.deleted, &mut restored.left)?;
        }
        // Always the same name, so that doing it again after a kill cleans up.
        let id = steps.snapshot.0.first_chunk().map_or(0, |id| u64::from_le_bytes(*id));
        let draft = &beside(id, 0)[0];
        for (path, item) in &steps.writes {
            let old = steps.stamps.get(path).copied().flatten();
            let done = self.write(root, path, item, old.as_ref(), draft)?;
            settle(done, path, &mut restored.written, &mut restored.left)?;
        }
        // The innermost first, for a folder may not let anybody in any more.
        for (path, item) in steps.modes.iter().rev() {
            let done = set_mode(root, path, item.mode);
            settle(done, path, &mut restored.written, &mut restored.left)?;
        }
        let made: HashSet<_> = restored.written.iter().collect();
        for (path, item) in steps.writes.iter().rev() {
            if item.kind == Kind::Folder && made.contains(path) {
                set_mode(root, path, item.mode).map_err(|errno| told(path, errno))?;
            }
        }
        Ok(())
    }

    /// Makes or replaces one file, link or folder. The outer error is that of the store.
    fn write(
        &self,
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
                    Err(Errno::EXIST) => {
                        open_beneath(folder, Path::new(name), FOLDER, Links::Refuse).map(drop)
                    }
                    made => made,
                }
            }));
        }
        let small = if self.known.contains_key(&item.hash) { Some(self.read(item.hash)?) } else { None };
        let mode = permissions(item.mode);
        Ok(in_folder(root, path, |folder, name| {
            unchanged(folder, name, old)?;
            let _ = rustix::fs::unlinkat(folder, draft, AtFlags::empty());
            let drafted = match (&small, item.kind) {
                (Some(target), Kind::Link) => rustix::fs::symlinkat(target.as_slice(), folder, draft),
                (Some(content), _) => fill(folder, draft, content, mode),
                (None, _) => {
                    File::open(self.large(item.hash)).map_err(|error| errno_of(&error)).and_then(|file| {
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

    /// Forgets all snapshots but these, and gives their room back. Nobody else may have the store open.
    ///
    /// # Errors
    /// [`FsError::Damaged`] if the store does not hold one of them; [`FsError::Io`].
    pub fn retain(&mut self, snapshots: &[Hash]) -> Result<(), FsError> {
        let mut wanted = HashSet::new();
        for snapshot in snapshots {
            wanted.insert(*snapshot);
            wanted.extend(self.manifest(*snapshot)?.into_values().map(|item| item.hash));
        }
        let place = self.folder.join(PACK);
        let failed = |error: &std::io::Error| told(&place, errno_of(error));
        let folder = open_path(&self.folder).map_err(|errno| told(&self.folder, errno))?;
        let draft = &beside(new_id(), 0)[0];
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let pack = rustix::fs::openat(&folder, draft, flags, permissions(0o600));
        let pack = File::from(pack.map_err(|errno| told(&place, errno))?);
        let mut appender = Appender { pack: &pack, end: 0, new: Vec::new(), waiting: Vec::new() };
        let mut kept: Vec<_> = self.known.iter().filter(|(hash, _)| wanted.contains(hash)).collect();
        kept.sort_unstable_by_key(|(_, place)| **place);
        for (hash, _) in kept {
            appender.append(*hash, &self.read(*hash)?).map_err(|error| failed(&error))?;
        }
        appender.flush().map_err(|error| failed(&error))?;
        let Appender { end, new, .. } = appender;
        rustix::fs::renameat(&folder, draft, &folder, PACK).map_err(|errno| told(&place, errno))?;
        (self.pack, self.end, self.known) = (pack, end, new.into_iter().collect());
        if let Ok(large) = std::fs::read_dir(self.folder.join(LARGE_FOLDER)) {
            for file in large.flatten() {
                let name = file.file_name();
                let used = name
                    .to_str()
                    .and_then(|name| name.parse().ok())
                    .is_some_and(|hash| wanted.contains(&hash));
                if !used {
                    let _ = rustix::fs::unlink(file.path());
                }
            }
        }
        Ok(())
    }
}

/// What a store lacks of a tree.
#[derive(Default)]
struct Missing<'a> {
    leaves: Vec<(PathBuf, &'a Leaf)>,
    /// Those beneath come first.
    folders: Vec<&'a Folder>,
    seen: HashSet<Hash>,
}

impl<'a> Missing<'a> {
    fn find(&mut self, folder: &'a Folder, path: &Path, store: &Snapshots) {
        if store.known.contains_key(&folder.hash) {
            return;
        }
        for entry in &folder.entries {
            let path = || path.join(OsStr::from_bytes(&entry.name));
            match &entry.node {
                Node::Folder(folder) => self.find(folder, &path(), store),
                Node::Leaf(leaf) => {
                    if !store.known.contains_key(&leaf.hash) && self.seen.insert(leaf.hash) {
                        self.leaves.push((path(), leaf));
                    }
                }
            }
        }
        if self.seen.insert(folder.hash) {
            self.folders.push(folder);
        }
    }
}

/// Writes objects to the end of a pack.
struct Appender<'a> {
    pack: &'a File,
    end: u64,
    new: Vec<(Hash, (u64, u64))>,
    waiting: Vec<u8>,
}

impl Appender<'_> {
    fn append(&mut self, hash: Hash, bytes: &[u8]) -> std::io::Result<()> {
        let size = bytes.len() as u64;
        self.waiting.extend_from_slice(&hash.0);
        self.waiting.extend_from_slice(&size.to_le_bytes());
        self.waiting.extend_from_slice(bytes);
        self.new.push((hash, (self.end + self.waiting.len() as u64 - size, size)));
        if self.waiting.len() as u64 >= LARGE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.pack.write_all_at(&self.waiting, self.end)?;
        self.end += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

/// Lets others append again.
struct Unlock<'a>(&'a File);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

fn lock(file: &File) -> Result<(), Errno> {
    loop {
        match rustix::fs::flock(file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return locked,
        }
    }
}

/// What a restore has to do, each part in the order in which it is done.
struct Steps {
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
    fn to(snapshot: Hash) -> Self {
        let (deletes, writes, stamps, modes) = Default::default();
        Self { snapshot, deletes, writes, stamps, modes }
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

/// Copies a large file, as a clone where the file system can; false if the copy is not what the hash says.
fn copy(source: &File, folder: BorrowedFd<'_>, name: &OsStr, mode: Mode, hash: Hash) -> Result<bool, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = File::from(rustix::fs::openat(folder, name, flags, mode)?);
    #[cfg(target_os = "linux")]
    let cloned = rustix::fs::ioctl_ficlone(&target, source).is_ok();
    #[cfg(not(target_os = "linux"))]
    let cloned = false;
    if !cloned {
        // The kernel copies by itself where it can.
        std::io::copy(&mut &*source, &mut &target).map_err(|error| errno_of(&error))?;
    }
    rustix::fs::fchmod(&target, mode)?;
    let mut check = blake3::Hasher::new();
    let mut reader = &target;
    reader.seek(SeekFrom::Start(0)).map_err(|error| errno_of(&error))?;
    check.update_reader(reader).map_err(|error| errno_of(&error))?;
    Ok(check.finalize().as_bytes() == &hash.0)
}

/// Opens a folder of the store, which the caller trusts.
fn open_path(path: &Path) -> Result<std::os::fd::OwnedFd, Errno> {
    rustix::fs::open(path, FOLDER, Mode::empty())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;

    use super::*;

    const NOTHING: Option<&[&str]> = None;

    /// What somebody does to a tree.
    #[derive(Debug, Clone)]
    enum Deed {
        Write(usize, u8, usize),
        Link(usize, u8),
        Folder(usize),
        Mode(usize, u32),
        Delete(usize),
    }

    /// Some are folders of others, so that kinds change.
    const PATHS: [&str; 9] = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "x", "x/y"];

    fn deed() -> impl Strategy<Value = Deed> {
        let path = 0..PATHS.len();
        prop_oneof![
            4 => (path.clone(), any::<u8>(), prop_oneof![0..50_usize, Just(1_100_000)])
                .prop_map(|(path, byte, length)| Deed::Write(path, byte, length)),
            1 => (path.clone(), any::<u8>()).prop_map(|(path, target)| Deed::Link(path, target)),
            1 => path.clone().prop_map(Deed::Folder),
            1 => (path.clone(), prop_oneof![Just(0o755), Just(0o600), Just(0o444)])
                .prop_map(|(path, mode)| Deed::Mode(path, mode)),
            1 => path.prop_map(Deed::Delete),
        ]
    }

    fn clear(path: &Path) {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => {}
        }
    }

    /// Does it, whatever is in the way, and returns the paths that a watcher would name.
    fn perform(root: &Path, deed: &Deed) -> Vec<&'static str> {
        let (Deed::Write(number, ..)
        | Deed::Link(number, _)
        | Deed::Folder(number)
        | Deed::Mode(number, _)
        | Deed::Delete(number)) = deed;
        let (name, path) = (PATHS[*number], root.join(PATHS[*number]));
        if let Deed::Mode(_, mode) = deed {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            return vec![name];
        }
        if matches!(deed, Deed::Delete(_)) {
            clear(&path);
            return vec![name];
        }
        let above: Vec<_> =
            Path::new(name).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).collect();
        for folder in above.iter().rev() {
            if !fs::symlink_metadata(root.join(folder)).is_ok_and(|metadata| metadata.is_dir()) {
                clear(&root.join(folder));
                fs::create_dir(root.join(folder)).unwrap();
            }
        }
        match deed {
            Deed::Write(_, byte, length) => {
                if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                    clear(&path);
                }
                fs::write(&path, vec![*byte; *length]).unwrap();
            }
            Deed::Link(_, target) => {
                clear(&path);
                symlink(format!("to/{target}"), &path).unwrap();
            }
            _ => {
                clear(&path);
                fs::create_dir(&path).unwrap();
            }
        }
        let mut dirty: Vec<_> =
            above.into_iter().filter_map(|path| PATHS.into_iter().find(|p| Path::new(p) == path)).collect();
        dirty.push(name);
        dirty
    }

    type State = BTreeMap<PathBuf, (u32, Vec<u8>)>;

    /// Everything there is, to the bit.
    fn state(root: &Path) -> State {
        let mut all = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let content = if metadata.is_symlink() {
                    fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
                } else if metadata.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                all.insert(path, (metadata.permissions().mode(), content));
            }
        }
        all
    }

    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (root, store) = (place.path().join("root"), place.path().join("store"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&store).unwrap();
        (place, root, store)
    }

    fn fresh(root: &Path) -> Tree {
        Tree::open(root, &[], None).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_snapshot_can_be_had_back(
            days in prop::collection::vec((prop::collection::vec(deed(), 1..8), any::<bool>()), 1..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        ) {
            let (_place, root, folder) = place();
            let mut tree = fresh(&root);
            let mut store = Snapshots::open(&folder).unwrap();
            let mut taken: Vec<(Hash, State)> = Vec::new();
            store.take(&mut tree, NOTHING).unwrap();
            for (deeds, watched) in &days {
                let dirty: Vec<_> = deeds.iter().flat_map(|deed| perform(&root, deed)).collect();
                let hash = store.take(&mut tree, watched.then_some(dirty.as_slice())).unwrap();
                prop_assert_eq!(hash, fresh(&root).refresh().unwrap(), "an update sees what a fresh look sees");
                taken.push((hash, state(&root)));
            }
            for index in order {
                let (hash, expected) = index.get(&taken);
                let before = tree.hash();
                let restored = store.restore(&mut tree, *hash, Some(&[] as &[&str])).unwrap();
                prop_assert_eq!(restored.before, Some(before));
                prop_assert_eq!(&restored.left, &Vec::<PathBuf>::new());
                prop_assert_eq!(&state(&root), expected);
                prop_assert_eq!(tree.hash(), *hash);
            }
            let (last, expected) = taken.swap_remove(0);
            store.retain(&[last]).unwrap();
            let mut again = Snapshots::open(&folder).unwrap();
            again.restore(&mut tree, last, NOTHING).unwrap();
            prop_assert_eq!(state(&root), expected);
        }
    }

    #[test]
    fn what_no_snapshot_holds_is_left_alone() {
        let (_place, root, folder) = place();
        fs::write(root.join("a"), "1").unwrap();
        fs::create_dir(root.join("d")).unwrap();
        let mut tree = fresh(&root);
        let mut store = Snapshots::open(&folder).unwrap();
        let first = store.take(&mut tree, NOTHING).unwrap();
        fs::write(root.join("a"), "2").unwrap();
        fs::remove_dir(root.join("d")).unwrap();
        fs::write(root.join(".gitignore"), "d\n").unwrap();
        fs::write(root.join("d"), "ignored").unwrap();
        store.take(&mut tree, NOTHING).unwrap();
        fs::write(root.join("a"), "unseen").unwrap();
        let restored = store.restore(&mut tree, first, Some(&[] as &[&str])).unwrap();
        // What was written so shortly before is either found by the look at the tree, and kept, or left.
        let before = store.manifest(restored.before.unwrap()).unwrap();
        let kept = before[Path::new("a")].hash == Hash::of(b"unseen");
        assert!(kept != restored.left.contains(&PathBuf::from("a")));
        assert!(kept != (fs::read_to_string(root.join("a")).unwrap() == "unseen"));
        assert!(restored.left.contains(&PathBuf::from("d")));
        assert_eq!(fs::read_to_string(root.join("d")).unwrap(), "ignored");
    }

    #[test]
    fn a_torn_end_is_dropped_and_a_damaged_object_is_told() {
        let (_place, root, folder) = place();
        fs::write(root.join("a"), "content").unwrap();
        let mut tree = fresh(&root);
        let snapshot = Snapshots::open(&folder).unwrap().take(&mut tree, NOTHING).unwrap();
        let pack = folder.join(PACK);
        let whole = fs::read(&pack).unwrap();
        for length in 0..whole.len() {
            fs::write(&pack, &whole[..length]).unwrap();
            let mut store = Snapshots::open(&folder).unwrap();
            assert!(matches!(store.manifest(snapshot), Err(FsError::Damaged { .. })));
            assert_eq!(store.take(&mut tree, NOTHING).unwrap(), snapshot);
            assert_eq!(store.manifest(snapshot).unwrap().len(), 1);
        }
        let mut broken = whole;
        broken[HEAD] ^= 1;
        fs::write(&pack, broken).unwrap();
        fs::write(root.join("a"), "new").unwrap();
        let mut store = Snapshots::open(&folder).unwrap();
        let restored = store.restore(&mut tree, snapshot, NOTHING);
        assert!(matches!(restored, Err(FsError::Damaged { .. })));
    }

    #[test]
    fn two_stores_on_one_folder_see_each_others_objects() {
        let (_place, root, folder) = place();
        let (mut one, mut two) = (Snapshots::open(&folder).unwrap(), Snapshots::open(&folder).unwrap());
        let mut taken = Vec::new();
        for number in 0..4 {
            fs::write(root.join("a"), number.to_string()).unwrap();
            let store = if number % 2 == 0 { &mut one } else { &mut two };
            taken.push(store.take(&mut fresh(&root), NOTHING).unwrap());
        }
        let all = Snapshots::open(&folder).unwrap();
        assert!(taken.iter().all(|snapshot| all.manifest(*snapshot).unwrap().len() == 1));
    }
}
