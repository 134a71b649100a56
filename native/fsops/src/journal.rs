//! The redo journal of durable batches.
//!
//! A batch is written here first, whole and with a checksum, and synced: the only sync that a caller waits for.
//! From then on it counts. Its files follow unsynced; what a power cut takes from them is written again from here.
//! A record is forgotten only when its files are known to be on the disk.
//!
//! The file: a page with the number of the last record that is forgotten, then records, each from the start of a
//! page. A record: a head with lengths and a checksum; far from it, for it changes, a mark that says how the batch
//! ended; then what is to be done ([`Meta`]), and all new contents end to end. A record counts if it is the next in
//! number and its checksum is right.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FlockOperation, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, beside, errno_of, target};
use crate::beneath::{FOLDER, Links, Stamp, open_beneath, open_root, told};
use crate::exchange::{Back, put_back, rename_to_new};
use crate::{Change, Expected, FsError, Hash, Recovery};

const NAME: &str = "batches.journal";
const MAGIC: [u8; 8] = *b"wwredo2\n";
/// A journal of the version before, whose records cannot be read any more, is begun anew.
const BEFORE: [u8; 8] = *b"wwredo1\n";
const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;
/// What the file holds at first, so that a common batch need not make it grow.
const CAPACITY: u64 = 1 << 20;
/// A journal that grew beyond this for a large batch is made small again.
const LARGE: u64 = 16 << 20;
const HEAD: usize = 512;
const MARK_AT: usize = 256;
const CHECKED: usize = 24;
/// A folder that was last changed later than this after a batch was changed by somebody else. Nanoseconds.
const LATER: i64 = 10_000_000_000;

/// How a batch ended. Zero: it did not, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open = 0,
    /// Every file is in place, as programs see it; the disk may not know yet.
    Done = 1,
    /// It failed and was taken back.
    Void = 2,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    id: u64,
    /// Nanoseconds since 1970.
    at: i64,
    /// Which start of the machine it was, where that can be known.
    boot: Option<Vec<u8>>,
    root: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: Vec<u8>,
    mode: Option<u32>,
    /// Length of the new content; `None` deletes.
    length: Option<u64>,
    old: Option<Stamp>,
    /// What the old content has to be, where that is known.
    before: Option<Hash>,
}

impl Entry {
    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Whether a file is the one that was there when the batch was planned.
    fn was(&self, stamp: &Stamp, bytes: &[u8]) -> bool {
        self.old.is_some_and(|old| old.same_content(stamp))
            && self.before.is_none_or(|before| before == Hash::of(bytes))
    }

    /// Bytes of the longest content that the batch knows of.
    fn longest(&self) -> u64 {
        self.length.unwrap_or(0).max(self.old.map_or(0, |old| old.size))
    }
}

/// A journal, locked against all others who open it.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes that the file holds.
    length: u64,
    settled: u64,
    pending: Vec<Place>,
    boot: Option<Vec<u8>>,
}

/// Where a record lies.
struct Place {
    offset: u64,
    /// With the head.
    length: u64,
    mark: Mark,
}

impl Place {
    fn end(&self) -> u64 {
        (self.offset + self.length).next_multiple_of(PAGE)
    }
}

/// A record as it was read.
struct Record {
    meta: Meta,
    /// New contents by entry.
    contents: Vec<Option<Vec<u8>>>,
    /// The machine has not been down since.
    same_boot: bool,
    /// Every file is in place for sure, and only the disk may not know.
    certain: bool,
}

/// Writes a batch by way of the journal in `folder`.
pub fn write(folder: &Path, root: &Path, changes: &[Change<'_>]) -> Result<(), FsError> {
    let mut journal = Journal::open(folder, true)?.ok_or(FsError::Unsupported)?;
    if journal.pending.iter().any(|place| place.mark == Mark::Open) {
        journal.recover(root)?;
    }
    let mut batch = Batch::plan(root, changes, false)?;
    journal.append(root, &batch)?;
    match batch.stage().and_then(|()| batch.commit()) {
        Ok(()) => journal.mark(Mark::Done)?,
        Err(error) => {
            journal.mark(Mark::Void)?;
            return Err(error);
        }
    }
    if journal.boot.is_none() {
        // Nothing would tell later whether the machine went down in between.
        journal.recover(root)?;
    }
    Ok(())
}

/// See [`crate::recover`].
pub fn recover(folder: &Path, root: &Path) -> Result<Recovery, FsError> {
    match Journal::open(folder, false)? {
        Some(mut journal) => journal.recover(root),
        None => Ok(Recovery::default()),
    }
}

impl Journal {
    /// Waits until nobody else has it open. `None` if there is none and it is not to be made.
    fn open(folder: &Path, create: bool) -> Result<Option<Self>, FsError> {
        let path = folder.join(NAME);
        let failed = |error: &std::io::Error| told(&path, errno_of(error));
        let flags = i32::try_from((OFlags::CLOEXEC | OFlags::NOFOLLOW).bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(create).truncate(false).mode(0o600).custom_flags(flags);
        let file = match options.open(&path) {
            Err(error) if !create && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| failed(&error))?,
        };
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                locked => break locked.map_err(|errno| told(&path, errno))?,
            }
        }
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let boot = boot();
        let mut journal = Self { file, path: path.clone(), length, settled: 0, pending: Vec::new(), boot };
        let mut header = [0; 8];
        let known = journal.file.read_at(&mut header, 0).map_err(|error| failed(&error))?;
        if length < PAGE + CAPACITY || header[..known] == [0; 8] || header == BEFORE {
            journal.begin(folder).map_err(|error| failed(&error))?;
        }
        journal.find_pending().map_err(|error| failed(&error))?;
        Ok(Some(journal))
    }

    /// Lays out a file that is new, or was while its maker died.
    fn begin(&mut self, folder: &Path) -> std::io::Result<()> {
        self.length = PAGE + CAPACITY;
        let zeros = vec![0; 32 * PAGE_BYTES];
        for offset in (0..PAGE + CAPACITY).step_by(zeros.len()) {
            self.file.write_all_at(&zeros, offset)?;
        }
        self.forget(0)?;
        self.file.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// Writes that all records up to this one are of no use any more.
    fn forget(&mut self, settled: u64) -> std::io::Result<()> {
        let mut header = [0; 16];
        header[..8].copy_from_slice(&MAGIC);
        header[8..].copy_from_slice(&settled.to_le_bytes());
        self.file.write_all_at(&header, 0)?;
        self.settled = settled;
        self.pending.clear();
        if self.length > PAGE + LARGE {
            self.file.set_len(PAGE + CAPACITY)?;
            self.length = PAGE + CAPACITY;
        }
        Ok(())
    }

    fn find_pending(&mut self) -> std::io::Result<()> {
        let mut header = [0; 16];
        self.file.read_exact_at(&mut header, 0)?;
        if header[..8] != MAGIC {
            return Err(std::io::Error::from_raw_os_error(Errno::ILSEQ.raw_os_error()));
        }
        self.settled = number(&header[8..]);
        let mut offset = PAGE;
        while offset + HEAD as u64 <= self.length {
            let mut head = [0; HEAD];
            self.file.read_exact_at(&mut head, offset)?;
            let length = number(&head[16..]);
            let next = self.settled + 1 + self.pending.len() as u64;
            if number(&head) != next || length < HEAD as u64 || length > self.length - offset {
                break;
            }
            let mark = match head[MARK_AT] {
                1 => Mark::Done,
                2 => Mark::Void,
                _ => Mark::Open,
            };
            let place = Place { offset, length, mark };
            // A mark is made only after the record was synced.
            if mark == Mark::Open && self.read(&place)?.is_none() {
                break;
            }
            offset = place.end();
            self.pending.push(place);
        }
        Ok(())
    }

    /// Reads a record; `None` if it was not completely written.
    fn read(&self, place: &Place) -> std::io::Result<Option<Record>> {
        let Ok(length) = usize::try_from(place.length) else { return Ok(None) };
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, place.offset)?;
        let Some((meta, contents)) = decode(&bytes) else { return Ok(None) };
        let same_boot = self.boot.is_some() && self.boot == meta.boot;
        let certain = same_boot && place.mark == Mark::Done;
        Ok(Some(Record { meta, contents, same_boot, certain }))
    }

    /// Writes a batch down; when this returns, it has happened.
    fn append(&mut self, root: &Path, batch: &Batch<'_>) -> Result<(), FsError> {
        let failed = |path: &Path, error: &std::io::Error| told(path, errno_of(error));
        let meta = Meta {
            id: batch.id,
            at: now(),
            boot: self.boot.clone(),
            root: root.as_os_str().as_bytes().to_vec(),
            entries: batch
                .steps
                .iter()
                .map(|step| Entry {
                    path: step.plain.as_os_str().as_bytes().to_vec(),
                    mode: step.mode_bits(),
                    length: step.content.map(|content| content.len() as u64),
                    old: step.old,
                    before: match step.expected {
                        Expected::Content(content) => Some(Hash::of(content)),
                        Expected::Anything | Expected::Nothing => None,
                    },
                })
                .collect(),
        };
        let contents: Vec<_> = batch.steps.iter().filter_map(|step| step.content).collect();
        let mut offset = self.pending.last().map_or(PAGE, Place::end);
        let sequence = |journal: &Self| journal.settled + 1 + journal.pending.len() as u64;
        let mut record = encode(sequence(self), &meta, &contents);
        if offset + record.len() as u64 > self.length {
            // What is pending ended well: the room can be had again.
            self.recover(root)?;
            offset = PAGE;
            record = encode(sequence(self), &meta, &contents);
        }
        let end = offset + record.len() as u64;
        if end > self.length {
            self.length = end.next_multiple_of(PAGE);
            record.resize(record.len().next_multiple_of(PAGE_BYTES), 0);
        }
        self.file.write_all_at(&record, offset).map_err(|error| failed(&self.path, &error))?;
        sync_data(&self.file).map_err(|errno| told(&self.path, errno))?;
        self.pending.push(Place { offset, length: end - offset, mark: Mark::Open });
        Ok(())
    }

    /// Writes how the last batch ended.
    fn mark(&mut self, mark: Mark) -> Result<(), FsError> {
        let Some(place) = self.pending.last_mut() else { return Ok(()) };
        place.mark = mark;
        let written = self.file.write_all_at(&[mark as u8], place.offset + MARK_AT as u64);
        written.map_err(|error| told(&self.path, errno_of(&error)))?;
        if mark == Mark::Void {
            // The caller is told that nothing has happened; a power cut must not prove it wrong.
            sync_data(&self.file).map_err(|errno| told(&self.path, errno))?;
        }
        Ok(())
    }

    /// Ends what was begun, makes sure that the disk has it, and forgets it.
    fn recover(&mut self, root: &Path) -> Result<Recovery, FsError> {
        let mut records = Vec::new();
        for place in self.pending.iter().filter(|place| place.mark != Mark::Void) {
            let read = self.read(place).map_err(|error| told(&self.path, errno_of(&error)))?;
            let Some(record) = read else { continue };
            if record.meta.root != root.as_os_str().as_bytes() {
                let reason = "the journal holds a batch of another root";
                return Err(FsError::Invalid { path: self.path.clone(), reason });
            }
            records.push(record);
        }
        let mut recovery = Recovery::default();
        if !records.is_empty() {
            recovery = Redo::new(root, &records)?.run(&records)?;
        }
        let last = self.settled + self.pending.len() as u64;
        self.forget(last).map_err(|error| told(&self.path, errno_of(&error)))?;
        Ok(recovery)
    }
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

/// Bringing the tree to what the records say.
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
        let (Some((entry, content)), Some(expected)) = (history.entries.last(), now.expected()) else {
            return Ok(false);
        };
        let change = Change { path, content: *content, mode: entry.mode, expected };
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
        let ours: Vec<&[u8]> = history.contents().collect();
        if put_back(folder, stray, name, &ours) == Ok(Back::Done) {
            let _ = rustix::fs::unlinkat(folder, stray, AtFlags::empty());
        }
    }
}

fn encode(sequence: u64, meta: &Meta, contents: &[&[u8]]) -> Vec<u8> {
    // Writing to memory fails only if a value cannot be serialized, and all of these can.
    let meta = postcard::to_stdvec(meta).unwrap_or_default();
    let length = HEAD + meta.len() + contents.iter().map(|content| content.len()).sum::<usize>();
    let mut record = Vec::with_capacity(length.next_multiple_of(PAGE_BYTES));
    record.extend_from_slice(&sequence.to_le_bytes());
    record.extend_from_slice(&(meta.len() as u64).to_le_bytes());
    record.extend_from_slice(&(length as u64).to_le_bytes());
    record.resize(HEAD, 0);
    record.extend_from_slice(&meta);
    for content in contents {
        record.extend_from_slice(content);
    }
    let sum = checksum(&record);
    record[CHECKED..CHECKED + 32].copy_from_slice(&sum);
    record
}

/// Takes a record apart; `None` if it is not exactly what was written.
fn decode(record: &[u8]) -> Option<(Meta, Vec<Option<Vec<u8>>>)> {
    if record.len() < HEAD || record[CHECKED..CHECKED + 32] != checksum(record) {
        return None;
    }
    let length = usize::try_from(number(&record[8..])).ok()?;
    let (meta, mut rest) = record[HEAD..].split_at_checked(length)?;
    let meta: Meta = postcard::from_bytes(meta).ok()?;
    let mut contents = Vec::with_capacity(meta.entries.len());
    for entry in &meta.entries {
        let Some(length) = entry.length else {
            contents.push(None);
            continue;
        };
        let (content, more) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        contents.push(Some(content.to_vec()));
        rest = more;
    }
    Some((meta, contents))
}

/// Of everything but the mark and the checksum itself.
fn checksum(record: &[u8]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(&record[..CHECKED]).update(&record[HEAD..]);
    *hash.finalize().as_bytes()
}

/// The first eight bytes as a number; zero if there are fewer.
fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// What names this start of the machine.
fn boot() -> Option<Vec<u8>> {
    if cfg!(target_os = "linux") { std::fs::read("/proc/sys/kernel/random/boot_id").ok() } else { None }
}

fn sync_data(file: &File) -> Result<(), Errno> {
    #[cfg(target_vendor = "apple")]
    return rustix::fs::fcntl_fullfsync(file);
    #[cfg(not(target_vendor = "apple"))]
    rustix::fs::fdatasync(file)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    /// A root with a few files, and a place for the journal. `old/` outside keeps the files a power cut brings back.
    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for folder in ["root/sub", "state", "old"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        for (number, name) in ["a", "b", "sub/c"].iter().enumerate() {
            let path = place.path().join("root").join(name);
            fs::write(&path, format!("old {name}")).unwrap();
            fs::hard_link(&path, place.path().join(format!("old/{number}"))).unwrap();
        }
        place
    }

    /// Two files replaced, one deleted, two made, one of them large enough for a power cut to tear.
    fn wanted() -> Vec<(&'static str, Option<Vec<u8>>)> {
        vec![
            ("a", Some(b"new a".to_vec())),
            ("b", None),
            ("sub/c", Some(vec![b'c'; 10_000])),
            ("d", Some(b"new d".to_vec())),
            ("made/deep/e", Some(vec![b'e'; 5_000])),
        ]
    }

    fn changes<'a>(wanted: &'a [(&'static str, Option<Vec<u8>>)]) -> Vec<Change<'a>> {
        let change = |(path, content): &'a (&str, Option<Vec<u8>>)| Change {
            path: Path::new(*path),
            content: content.as_deref(),
            mode: None,
            expected: Expected::Anything,
        };
        wanted.iter().map(change).collect()
    }

    fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                all.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
            } else {
                all.insert(name, fs::read(path).unwrap());
            }
        }
        all
    }

    fn new_state() -> BTreeMap<String, Vec<u8>> {
        let files = wanted().into_iter().filter_map(|(path, content)| Some((path.to_owned(), content?)));
        files.collect()
    }

    fn open(place: &Path) -> Journal {
        Journal::open(&place.join("state"), true).unwrap().unwrap()
    }

    /// Recovers as after the machine was down.
    fn recover_after_power_cut(place: &Path) -> Recovery {
        let mut journal = open(place);
        journal.boot = Some(b"another start".to_vec());
        journal.recover(&place.join("root")).unwrap()
    }

    #[test]
    fn a_batch_that_dies_after_any_step_is_completed() {
        let wanted = wanted();
        for steps in 0..=wanted.len() * 2 {
            let place = place();
            let root = place.path().join("root");
            let mut journal = open(place.path());
            let changes = changes(&wanted);
            let mut batch = Batch::plan(&root, &changes, false).unwrap();
            journal.append(&root, &batch).unwrap();
            if steps > wanted.len() {
                batch.stage().unwrap();
                batch.die_after(steps - wanted.len());
            } else {
                batch.steps.truncate(steps);
                batch.stage().unwrap();
            }
            std::mem::forget(batch);
            drop(journal);
            let recovery = recover(&place.path().join("state"), &root).unwrap();
            assert!(recovery.left.is_empty());
            assert_eq!(files(&root), new_state(), "{steps}");
            assert_eq!(recover(&place.path().join("state"), &root).unwrap(), Recovery::default());
        }
    }

    /// Each change of `wanted`, expecting what `place` has laid out.
    fn expecting<'a>(wanted: &'a [(&'static str, Option<Vec<u8>>)]) -> Vec<Change<'a>> {
        let olds = [Some("old a"), Some("old b"), Some("old sub/c"), None, None];
        let expected = olds.map(|old| old.map_or(Expected::Nothing, |old| Expected::Content(old.as_bytes())));
        changes(wanted)
            .into_iter()
            .zip(expected)
            .map(|(change, expected)| Change { expected, ..change })
            .collect()
    }

    #[test]
    fn what_somebody_saved_at_the_moment_of_the_kill_is_put_back() {
        let wanted = wanted();
        for (index, path) in ["a", "b", "sub/c"].iter().enumerate() {
            for later in [false, true] {
                let place = place();
                let root = place.path().join("root");
                let mut journal = open(place.path());
                let changes = expecting(&wanted);
                let mut batch = Batch::plan(&root, &changes, false).unwrap();
                journal.append(&root, &batch).unwrap();
                batch.stage().unwrap();
                batch.die_after(index);
                fs::write(root.join(path), "theirs").unwrap();
                batch.die_before_the_look(index);
                std::mem::forget(batch);
                drop(journal);
                if later {
                    fs::write(root.join(path), "theirs, later").unwrap();
                }
                let recovery = recover(&place.path().join("state"), &root).unwrap();
                assert_eq!(recovery.left, [PathBuf::from(path)]);
                let mut found = files(&root);
                let theirs = if later { "theirs, later" } else { "theirs" };
                assert_eq!(found.remove(*path).unwrap(), theirs.as_bytes());
                let stray = found.keys().find(|name| name.contains(".wainwright-")).cloned();
                let kept = stray.and_then(|name| found.remove(&name));
                assert_eq!(kept, later.then(|| b"theirs".to_vec()), "what they saved first");
                let mut new = new_state();
                new.remove(*path);
                assert_eq!(found, new);
            }
        }
    }

    #[test]
    fn what_somebody_saved_after_the_kill_is_left_alone() {
        let wanted = wanted();
        let place = place();
        let root = place.path().join("root");
        let mut journal = open(place.path());
        let changes = expecting(&wanted);
        let mut batch = Batch::plan(&root, &changes, false).unwrap();
        journal.append(&root, &batch).unwrap();
        batch.stage().unwrap();
        std::mem::forget(batch);
        drop(journal);
        let a = File::options().write(true).open(root.join("a")).unwrap();
        let times = a.metadata().unwrap().modified().unwrap();
        // Not even size and times tell.
        a.write_all_at(b"OLD", 0).unwrap();
        a.set_modified(times).unwrap();
        fs::write(root.join("d"), "theirs").unwrap();
        let recovery = recover(&place.path().join("state"), &root).unwrap();
        assert_eq!(recovery.left, ["a", "d"].map(PathBuf::from));
        let found = files(&root);
        assert_eq!((&found["a"][..], &found["d"][..]), (&b"OLD a"[..], &b"theirs"[..]));
        assert_eq!(found["sub/c"], wanted[2].1.clone().unwrap());
    }

    #[test]
    fn a_journal_of_the_version_before_is_begun_anew() {
        let place = place();
        let (root, state) = (place.path().join("root"), place.path().join("state"));
        crate::write_batch(&root, &expecting(&wanted()), Some(&state)).unwrap();
        let file = open(place.path()).file;
        file.write_all_at(&BEFORE, 0).unwrap();
        drop(file);
        let change = Change { path: Path::new("a"), content: None, mode: None, expected: Expected::Anything };
        crate::write_batch(&root, &[change], Some(&state)).unwrap();
        assert!(!root.join("a").exists());
        assert_eq!(recover(&state, &root).unwrap(), Recovery::default());
    }

    #[test]
    fn a_record_that_was_not_complete_changes_nothing() {
        let place = place();
        let root = place.path().join("root");
        let before = files(&root);
        let wanted = wanted();
        let mut journal = open(place.path());
        journal.append(&root, &Batch::plan(&root, &changes(&wanted), false).unwrap()).unwrap();
        journal.file.write_all_at(b"torn", PAGE + HEAD as u64 + 300).unwrap();
        drop(journal);
        assert_eq!(recover(&place.path().join("state"), &root).unwrap(), Recovery::default());
        assert_eq!(files(&root), before);
    }

    #[test]
    fn a_batch_that_failed_is_not_done_later() {
        let place = place();
        let root = place.path().join("root");
        let wanted = wanted();
        let mut journal = open(place.path());
        let all = changes(&wanted);
        let mut batch = Batch::plan(&root, &all, false).unwrap();
        journal.append(&root, &batch).unwrap();
        batch.stage().unwrap();
        drop(batch);
        journal.mark(Mark::Void).unwrap();
        let before = files(&root);
        drop(journal);
        assert_eq!(recover_after_power_cut(place.path()), Recovery::default());
        assert_eq!(files(&root), before);
    }

    #[test]
    fn what_a_person_did_after_a_finished_batch_is_left_alone() {
        let place = place();
        let root = place.path().join("root");
        let state = place.path().join("state");
        crate::write_batch(&root, &changes(&wanted()), Some(&state)).unwrap();
        fs::remove_file(root.join("d")).unwrap();
        fs::write(root.join("a"), "theirs").unwrap();
        symlink("a", root.join("b")).unwrap();
        let theirs = files(&root);
        assert_eq!(recover(&state, &root).unwrap(), Recovery::default());
        assert_eq!(files(&root), theirs);
    }

    #[test]
    fn many_batches_fit_and_a_large_one_makes_room() {
        let place = place();
        let root = place.path().join("root");
        let state = place.path().join("state");
        for number in 0..40_u8 {
            let content = vec![number; if number == 20 { 3 << 20 } else { 100_000 }];
            let change = Change {
                path: Path::new("a"),
                content: Some(&content),
                mode: Some(0o600),
                expected: Expected::Anything,
            };
            crate::write_batch(&root, &[change], Some(&state)).unwrap();
        }
        assert_eq!(fs::read(root.join("a")).unwrap(), vec![39; 100_000]);
        assert_eq!(recover_after_power_cut(place.path()), Recovery::default());
    }

    #[test]
    fn a_journal_serves_one_root() {
        let place = place();
        let state = place.path().join("state");
        crate::write_batch(&place.path().join("root"), &changes(&wanted()), Some(&state)).unwrap();
        let other = recover(&state, &place.path().join("old"));
        assert!(matches!(other, Err(FsError::Invalid { .. })));
    }

    /// What a power cut makes of one file of a batch that was written unsynced.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Written,
        Lost,
        Damaged,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 48 }))]

        #[test]
        fn no_power_cut_tears_a_batch(
            fates in prop::collection::vec(
                prop_oneof![Just(Fate::Written), Just(Fate::Lost), Just(Fate::Damaged)], 5),
            finished: bool,
            twice: bool,
        ) {
            let place = place();
            let root = place.path().join("root");
            let wanted = wanted();
            let state = place.path().join("state");
            if twice {
                // An earlier batch that the power cut takes back as well.
                let earlier = [Change { path: Path::new("a"), content: Some(b"between"), mode: None, expected: Expected::Anything }];
                crate::write_batch(&root, &earlier, Some(&state)).unwrap();
            }
            crate::write_batch(&root, &changes(&wanted), Some(&state)).unwrap();
            if !finished {
                open(place.path()).mark(Mark::Open).unwrap();
            }
            for (number, (fate, (path, content))) in fates.iter().zip(&wanted).enumerate() {
                let path = root.join(path);
                match fate {
                    Fate::Written => {}
                    Fate::Lost => {
                        let _ = fs::remove_file(&path);
                        if number < 3 {
                            fs::hard_link(place.path().join(format!("old/{number}")), &path).unwrap();
                        }
                    }
                    Fate::Damaged => if let Some(content) = content {
                        let mut content = content.clone();
                        content.truncate(content.len() / 4096 * 4096);
                        fs::write(&path, content).unwrap();
                    },
                }
            }
            let recovery = recover_after_power_cut(place.path());
            prop_assert!(recovery.left.is_empty());
            prop_assert_eq!(files(&root), new_state());
        }

        #[test]
        fn a_record_is_read_as_it_was_written_or_not_at_all(
            contents in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..300)), 0..5),
            at: usize,
            flip in 1..=255_u8,
        ) {
            let entries = contents.iter().enumerate().map(|(number, content)| Entry {
                path: number.to_string().into_bytes(),
                mode: Some(0o644),
                length: content.as_ref().map(|content| content.len() as u64),
                old: None,
                before: None,
            });
            let meta = Meta { id: 7, at: -1, boot: None, root: b"/".to_vec(), entries: entries.collect() };
            let slices: Vec<_> = contents.iter().flatten().map(Vec::as_slice).collect();
            let mut record = encode(3, &meta, &slices);
            prop_assert_eq!(decode(&record), Some((meta, contents)));
            let at = at % record.len();
            let unchecked = (CHECKED + 32..HEAD).contains(&at);
            record[at] ^= flip;
            prop_assert_eq!(decode(&record).is_some(), unchecked);
            prop_assert!(decode(&record[..at]).is_none());
        }

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
