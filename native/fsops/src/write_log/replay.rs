//! Bringing a tree to what the records say: what each path is now, whose that is, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;

use super::record::{Entry, Meta, PAGE_BYTES, number};
use crate::batch::Batch;
use crate::beneath::{FOLDER, Links, Stamp, open_beneath, open_root, sync_data, target, told};
use crate::exchange::{Back, Ours, put_back, rename_to_new};
use crate::temporary::beside;
use crate::{Change, Expected, FsError, Hash, Recovery};

/// A folder that was last changed later than this after a batch was changed by somebody else. Nanoseconds.
const LATER: i64 = 10_000_000_000;

/// A record as it was read.
pub struct Record {
    pub meta: Meta,
    /// New contents by entry.
    pub contents: Vec<Option<Vec<u8>>>,
    /// The machine has not been down since.
    pub same_boot: bool,
    /// Every file is in place for sure, and only the disk may not know.
    pub certain: bool,
}

/// What the records say about one path, the oldest first.
#[derive(Default)]
struct History<'a> {
    entries: Vec<(&'a Entry, Option<&'a [u8]>)>,
    /// These are those of the newest.
    same_boot: bool,
    certain: bool,
    at: i64,
}

/// What a path is now.
enum Now {
    /// Nothing; with the time when its folder was last changed, if there is one.
    Absent(Option<i64>),
    /// The content is left out if it is longer than any that a batch wrote or found.
    File(Stamp, Option<Vec<u8>>),
    /// Something that no batch has made.
    Other,
}

impl Now {
    /// What a batch that is made for this may replace; `None`: nothing.
    fn expected(&self) -> Option<Expected<'_>> {
        match self {
            Self::Absent(_) => Some(Expected::Nothing),
            Self::File(_, Some(content)) => Some(Expected::Content(content)),
            Self::File(_, None) | Self::Other => None,
        }
    }
}

/// What to do about a path.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is as it should be.
    Keep,
    /// It is as it was before, or damaged.
    Redo,
    /// Somebody else has changed it since.
    Leave,
}

impl History<'_> {
    /// Whether a file beside the target is one of ours: complete or not what a batch wrote, or what it found.
    fn knows(&self, stamp: &Stamp, bytes: &[u8]) -> bool {
        let found = |entry: &Entry| entry.was(stamp, bytes) || entry.before == Some(Hash::of(bytes));
        self.entries.iter().any(|(entry, _)| found(entry))
            || self.contents().any(|content| content.starts_with(bytes) || damaged(bytes, content))
    }

    fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter_map(|(_, content)| *content)
    }

    /// A power cut may have left a mode half set: it tells nothing of another program then.
    fn ours(&self) -> impl Iterator<Item = Ours<'_>> {
        let mode = |entry: &Entry| if self.same_boot { entry.mode } else { None };
        self.entries
            .iter()
            .filter_map(move |(entry, content)| content.map(|content| Ours { content, mode: mode(entry) }))
    }

    /// The mode to write with: one that another program has set since is kept.
    fn mode(&self, now: &Now) -> Option<u32> {
        let wanted = self.entries.last().and_then(|(entry, _)| entry.mode);
        let Now::File(stamp, Some(bytes)) = now else { return wanted };
        let olds = self.entries.iter().filter(|(entry, _)| entry.was(stamp, bytes));
        let given = self.ours().filter(|ours| ours.content == bytes).filter_map(|ours| ours.mode);
        let known: Vec<u32> =
            olds.filter_map(|(entry, _)| entry.old.map(|old| old.mode)).chain(given).collect();
        let quiet = !self.same_boot && stamp.changed <= self.at;
        if known.is_empty() || known.contains(&stamp.mode) || quiet { wanted } else { Some(stamp.mode) }
    }

    fn longest(&self) -> u64 {
        self.entries.iter().map(|(entry, _)| entry.longest()).max().unwrap_or(0).max(1)
    }

    fn judge(&self, now: &Now) -> Verdict {
        let Some((wanted, content)) = self.entries.last() else { return Verdict::Keep };
        match now {
            Now::Other => Verdict::Leave,
            Now::Absent(_) if content.is_none() => Verdict::Keep,
            Now::Absent(folder) => {
                let began_without = self.entries.iter().any(|(entry, _)| entry.old.is_none());
                let quiet = folder.is_none_or(|changed| changed <= self.at.saturating_add(LATER));
                if began_without && (self.same_boot || quiet) { Verdict::Redo } else { Verdict::Leave }
            }
            Now::File(stamp, bytes) => {
                let Some(bytes) = bytes else { return Verdict::Leave };
                if self.entries.iter().any(|(entry, _)| entry.was(stamp, bytes)) {
                    return Verdict::Redo;
                }
                if *content == Some(bytes) && wanted.mode.is_none_or(|mode| mode == stamp.mode) {
                    return Verdict::Keep;
                }
                let (_, earlier) = self.entries.split_last().unwrap_or((&self.entries[0], &[]));
                let between = earlier.iter().any(|(_, content)| *content == Some(bytes));
                let damaged = self.entries.iter().flat_map(|(_, content)| content).any(|c| damaged(bytes, c));
                if between || damaged { Verdict::Redo } else { Verdict::Leave }
            }
        }
    }
}

/// Whether a power cut can make this of a file that was written unsynced: whole pages of it are missing.
fn damaged(found: &[u8], written: &[u8]) -> bool {
    let page = PAGE_BYTES;
    if found.len() > written.len() || (found.len() < written.len() && found.len() % page != 0) {
        return false;
    }
    let pages = found.chunks(page).zip(written.chunks(page));
    let mut zeroed = found.len() < written.len();
    for (found, written) in pages {
        if found != &written[..found.len()] {
            if found.iter().any(|byte| *byte != 0) {
                return false;
            }
            zeroed = true;
        }
    }
    zeroed
}

/// Does again what the records say and the tree does not have, and makes sure that the disk has all of it.
pub fn replay(root: &Path, records: &[Record]) -> Result<Recovery, FsError> {
    Redo::new(root, records)?.run(records)
}

struct Redo<'a> {
    root: &'a Path,
    handle: OwnedFd,
    paths: BTreeMap<&'a Path, History<'a>>,
    /// Names the files of this recovery, together with their paths.
    id: u64,
}

impl<'a> Redo<'a> {
    fn new(root: &'a Path, records: &'a [Record]) -> Result<Self, FsError> {
        let mut paths: BTreeMap<&Path, History<'_>> = BTreeMap::new();
        for record in records {
            for (entry, content) in record.meta.entries.iter().zip(&record.contents) {
                let history = paths.entry(entry.path()).or_default();
                history.entries.push((entry, content.as_deref()));
                history.same_boot = record.same_boot;
                history.certain = record.certain;
                history.at = record.meta.at;
            }
        }
        let id = records.last().map_or(0, |record| !record.meta.id);
        Ok(Self { root, handle: open_root(root)?, paths, id })
    }

    fn run(&self, records: &[Record]) -> Result<Recovery, FsError> {
        let mut recovery = Recovery::default();
        for record in records.iter().filter(|record| !record.certain) {
            self.sweep(&record.meta);
        }
        for (path, history) in &self.paths {
            let now = if history.certain { None } else { Some(self.look(path, history)?) };
            let Some(now) = now.filter(|now| history.judge(now) != Verdict::Keep) else { continue };
            let redone = match history.judge(&now) {
                Verdict::Redo => self.write(path, history, &now),
                Verdict::Keep | Verdict::Leave => Ok(false),
            };
            match redone {
                Ok(true) => recovery.written.push(path.to_path_buf()),
                Err(error @ FsError::Io { .. }) => return Err(error),
                Ok(false) | Err(_) => recovery.left.push(path.to_path_buf()),
            }
        }
        self.sync()?;
        Ok(recovery)
    }

    /// Removes what a batch, or a recovery, that died left beside its targets. What somebody else had saved, and was to
    /// be put back, is put back.
    fn sweep(&self, meta: &Meta) {
        for (number, entry) in meta.entries.iter().enumerate() {
            let Ok(folder) = self.folder(entry.path()) else { continue };
            let Some(history) = self.paths.get(entry.path()) else { continue };
            for stray in beside(meta.id, number).iter().chain(&beside(self.id_of(entry.path()), 0)) {
                match self.is_ours(&folder, stray, entry.path(), history) {
                    None => {}
                    Some(true) => {
                        let _ = rustix::fs::unlinkat(&folder, stray, AtFlags::empty());
                    }
                    Some(false) => put_back_stray(&folder, stray, entry.path(), history),
                }
            }
        }
    }

    /// Whether a file beside a target is one that a batch may remove; `None` if there is none.
    fn is_ours(&self, folder: &OwnedFd, stray: &OsStr, path: &Path, history: &History<'_>) -> Option<bool> {
        let stamp = match target(folder, stray) {
            Ok(None) => return None,
            Ok(Some(stamp)) => stamp,
            Err(_) => return Some(false),
        };
        let content = crate::read_beneath(self.root, &path.with_file_name(stray), history.longest());
        Some(content.is_ok_and(|content| history.knows(&stamp, &content)))
    }

    /// The number of the batch that writes a path again: always the same, so that the next recovery finds its files.
    fn id_of(&self, path: &Path) -> u64 {
        let hash = Hash::of(path.as_os_str().as_bytes());
        self.id ^ number(&hash.0)
    }

    fn folder(&self, path: &Path) -> Result<OwnedFd, Errno> {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                open_beneath(self.handle.as_fd(), parent, FOLDER, Links::Refuse)
            }
            _ => rustix::io::dup(&self.handle),
        }
    }

    fn look(&self, path: &Path, history: &History<'_>) -> Result<Now, FsError> {
        let failed = |errno| told(path, errno);
        let folder = match self.folder(path) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(Now::Absent(None)),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => return Ok(Now::Other),
            Err(errno) => return Err(failed(errno)),
        };
        let name = path.file_name().unwrap_or_default();
        match target(&folder, name) {
            Ok(Some(stamp)) => match crate::read_beneath(self.root, path, history.longest()) {
                Ok(content) => Ok(Now::File(stamp, Some(content))),
                Err(FsError::TooLarge { .. }) => Ok(Now::File(stamp, None)),
                Err(error) => Err(error),
            },
            Ok(None) => {
                let stat = rustix::fs::fstat(&folder).map_err(failed)?;
                Ok(Now::Absent(Some(Stamp::of(&stat).modified)))
            }
            Err(Errno::LOOP | Errno::ISDIR) => Ok(Now::Other),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Writes what the last record wants, unless somebody has changed the file since it was looked at.
    fn write(&self, path: &Path, history: &History<'_>, now: &Now) -> Result<bool, FsError> {
        let (Some((_, content)), Some(expected)) = (history.entries.last(), now.expected()) else {
            return Ok(false);
        };
        let change = Change { path, content: *content, mode: history.mode(now), expected };
        let mut batch = Batch::plan_as(self.id_of(path), self.root, &[change], true)?;
        batch.stage()?;
        batch.commit()?;
        Ok(true)
    }

    /// Asks the disk to remember every file and every name.
    fn sync(&self) -> Result<(), FsError> {
        let mut folders = BTreeSet::new();
        for path in self.paths.keys() {
            folders.extend(path.ancestors().skip(1));
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            // What is no longer there, or somebody else's by now, needs no sync.
            if let Ok(file) = open_beneath(self.handle.as_fd(), path, flags, Links::Refuse) {
                sync_data(&File::from(file)).map_err(|errno| told(path, errno))?;
            }
        }
        for folder in folders {
            if let Ok(handle) = self.folder(&folder.join("x")) {
                rustix::fs::fsync(handle).map_err(|errno| told(folder, errno))?;
            }
        }
        Ok(())
    }
}

/// Gives a target back what somebody else had saved there, if what stands there now is a batch's.
fn put_back_stray(folder: &OwnedFd, stray: &OsStr, path: &Path, history: &History<'_>) {
    let Some(name) = path.file_name() else { return };
    // Whatever fails, the file keeps the name that it has: it is not lost, and its target counts as changed.
    if rename_to_new(folder, stray, name) == Err(Errno::EXIST) {
        let ours: Vec<_> = history.ours().collect();
        if put_back(folder, stray, name, &ours) == Ok(Back::Done) {
            let _ = rustix::fs::unlinkat(folder, stray, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 48 }))]

        #[test]
        fn only_missing_pages_are_damage(written in prop::collection::vec(1..=255_u8, 0..9000), from in 0..3_usize) {
            let mut found = written.clone();
            prop_assert!(!damaged(&found, &written));
            let start = (from * PAGE_BYTES).min(written.len());
            found[start..].fill(0);
            prop_assert_eq!(damaged(&found, &written), start < written.len());
            found.truncate(start);
            prop_assert_eq!(damaged(&found, &written), start < written.len());
            found.push(b'!');
            prop_assert!(!damaged(&found, &[&written[..start], b"?", &written[start..]].concat()));
        }
    }
}
