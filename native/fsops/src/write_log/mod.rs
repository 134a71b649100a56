//! The write log: what durable batches write down before they touch files.
//!
//! A batch is written here first, whole and with a checksum, and synced: the only sync that a caller waits for.
//! From then on it counts. Its files follow unsynced; what a power cut takes from them is written again from here.
//! A record is forgotten only when its files are known to be on the disk.
//!
//! The file: a page with the number of the last record that is forgotten, then records ([`record`]), each from the
//! start of a page. A record counts if it is the next in number and its checksum is right. What is made of those that
//! count stands in [`replay`](mod@replay).

mod record;
mod replay;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use self::record::{HEAD, Head, MARK_AT, Mark, Meta, PAGE, PAGE_BYTES, decode, encode, number};
use self::replay::{Record, replay};
use crate::batch::Batch;
use crate::beneath::{errno_of, sync_data, told};
use crate::{Change, FsError, Recovery};

/// The name is older than the word: a batch that was begun under it is still found.
const NAME: &str = "batches.journal";
const MAGIC: [u8; 8] = *b"wwredo2\n";
/// A file of the version before, whose records cannot be read any more, is begun anew.
const BEFORE: [u8; 8] = *b"wwredo1\n";
/// What the file holds at first, so that a common batch need not make it grow.
const CAPACITY: u64 = 1 << 20;
/// A file that grew beyond this for a large batch is made small again.
const LARGE: u64 = 16 << 20;

/// A write log, locked against all others who open it.
pub struct WriteLog {
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

/// Writes a batch by way of the write log in `folder`.
pub fn write(folder: &Path, root: &Path, changes: &[Change<'_>]) -> Result<(), FsError> {
    let mut log = WriteLog::open(folder, true)?.ok_or(FsError::Unsupported)?;
    if log.pending.iter().any(|place| place.mark == Mark::Open) {
        log.recover(root)?;
    }
    let mut batch = Batch::plan(root, changes, false)?;
    log.append(root, &batch)?;
    match batch.stage().and_then(|()| batch.commit()) {
        Ok(()) => log.mark(Mark::Done)?,
        Err(error) => {
            log.mark(Mark::Void)?;
            return Err(error);
        }
    }
    if log.boot.is_none() {
        // Nothing would tell later whether the machine went down in between.
        log.recover(root)?;
    }
    Ok(())
}

/// See [`crate::recover`].
pub fn recover(folder: &Path, root: &Path) -> Result<Recovery, FsError> {
    match WriteLog::open(folder, false)? {
        Some(mut log) => log.recover(root),
        None => Ok(Recovery::default()),
    }
}

impl WriteLog {
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
        let mut log = Self { file, path: path.clone(), length, settled: 0, pending: Vec::new(), boot };
        let mut header = [0; 8];
        let known = log.file.read_at(&mut header, 0).map_err(|error| failed(&error))?;
        if length < PAGE + CAPACITY || header[..known] == [0; 8] || header == BEFORE {
            log.begin(folder).map_err(|error| failed(&error))?;
        }
        log.find_pending().map_err(|error| failed(&error))?;
        Ok(Some(log))
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
            let Head { sequence, length, mark } = Head::of(&head);
            let next = self.settled + 1 + self.pending.len() as u64;
            if sequence != next || length < HEAD as u64 || length > self.length - offset {
                break;
            }
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
        let meta = Meta::of(batch, root, self.boot.clone());
        let contents: Vec<_> = batch.steps.iter().filter_map(|step| step.content).collect();
        let mut offset = self.pending.last().map_or(PAGE, Place::end);
        let sequence = |log: &Self| log.settled + 1 + log.pending.len() as u64;
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
                let reason = "the write log holds a batch of another root";
                return Err(FsError::Invalid { path: self.path.clone(), reason });
            }
            records.push(record);
        }
        let mut recovery = Recovery::default();
        if !records.is_empty() {
            recovery = replay(root, &records)?;
        }
        let last = self.settled + self.pending.len() as u64;
        self.forget(last).map_err(|error| told(&self.path, errno_of(&error)))?;
        Ok(recovery)
    }
}

/// What names this start of the machine.
fn boot() -> Option<Vec<u8>> {
    if cfg!(target_os = "linux") { std::fs::read("/proc/sys/kernel/random/boot_id").ok() } else { None }
}
