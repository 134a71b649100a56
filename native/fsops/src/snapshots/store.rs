//! The store: objects by their hash, in one file, and large ones beside it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::beneath::{FOLDER, errno_of, permissions, told};
use crate::temporary::{beside, new_id};
use crate::tree::items::{Item, decode};
use crate::tree::read::LARGE;
use crate::{FsError, Hash};

pub(super) const PACK: &str = "objects";
const LARGE_FOLDER: &str = "large";
pub(super) const HEAD: usize = 40;

/// See the module. Several processes may have it open.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    pack: File,
    /// Where each object lies in the pack, and its length.
    known: HashMap<Hash, (u64, u64)>,
    /// Where the next object goes.
    end: u64,
}

impl Store {
    /// Opens the store in an existing folder, and makes it if need be.
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        let path = folder.join(PACK);
        let failed = |error: &std::io::Error| told(&path, errno_of(error));
        let flags = i32::try_from((OFlags::CLOEXEC | OFlags::NOFOLLOW).bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let pack = options.open(&path).map_err(|error| failed(&error))?;
        let mut store = Self { folder: folder.to_path_buf(), pack, known: HashMap::new(), end: 0 };
        store.catch_up()?;
        Ok(store)
    }

    fn place(&self) -> PathBuf {
        self.folder.join(PACK)
    }

    /// What it means that the pack cannot be read or written.
    pub fn failed(&self, error: &std::io::Error) -> FsError {
        told(&self.place(), errno_of(error))
    }

    /// Whether the pack holds an object.
    pub fn has(&self, hash: Hash) -> bool {
        self.known.contains_key(&hash)
    }

    /// The folder of the large objects.
    pub fn large_folder(&self) -> PathBuf {
        self.folder.join(LARGE_FOLDER)
    }

    /// Where a large object lies.
    pub fn large(&self, hash: Hash) -> PathBuf {
        self.large_folder().join(hash.to_string())
    }

    /// Keeps others from appending as long as the answer lives.
    pub fn lock(&self) -> Result<Lock, FsError> {
        let pack = self.pack.try_clone().map_err(|error| self.failed(&error))?;
        lock(&pack).map_err(|errno| told(&self.place(), errno))?;
        Ok(Lock(pack))
    }

    /// Learns of objects that were appended since, by whomever.
    pub fn catch_up(&mut self) -> Result<(), FsError> {
        self.read_on().map_err(|error| self.failed(&error))
    }

    fn read_on(&mut self) -> std::io::Result<()> {
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

    /// Appends objects; what comes of it is to be learnt.
    pub fn appender(&self) -> Appender<'_> {
        Appender::new(&self.pack, self.end)
    }

    /// Learns of objects that were appended here.
    pub fn learn(&mut self, appended: Appended) {
        self.end = appended.end;
        self.known.extend(appended.new);
    }

    /// Returns when the disk has all that was appended.
    pub fn sync(&self) -> Result<(), FsError> {
        self.pack.sync_data().map_err(|error| self.failed(&error))
    }

    /// Reads an object of the pack.
    pub fn read(&self, hash: Hash) -> Result<Vec<u8>, FsError> {
        let damaged = || FsError::Damaged { hash };
        let (offset, size) = *self.known.get(&hash).ok_or_else(damaged)?;
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| damaged())?];
        self.pack.read_exact_at(&mut bytes, offset).map_err(|_| damaged())?;
        if Hash::of(&bytes) == hash { Ok(bytes) } else { Err(damaged()) }
    }

    pub fn items(&self, hash: Hash) -> Result<Vec<Item>, FsError> {
        decode(&self.read(hash)?).ok_or(FsError::Damaged { hash })
    }

    /// Forgets all objects but these, and gives their room back. Nobody else may have the store open.
    pub fn retain(&mut self, wanted: &HashSet<Hash>) -> Result<(), FsError> {
        let place = self.place();
        let failed = |error: &std::io::Error| told(&place, errno_of(error));
        let folder = open_path(&self.folder).map_err(|errno| told(&self.folder, errno))?;
        let draft = &beside(new_id(), 0)[0];
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let pack = rustix::fs::openat(&folder, draft, flags, permissions(0o600));
        let pack = File::from(pack.map_err(|errno| told(&place, errno))?);
        let mut appender = Appender::new(&pack, 0);
        let mut kept: Vec<_> = self.known.iter().filter(|(hash, _)| wanted.contains(hash)).collect();
        kept.sort_unstable_by_key(|(_, place)| **place);
        for (hash, _) in kept {
            appender.append(*hash, &self.read(*hash)?).map_err(|error| failed(&error))?;
        }
        let Appended { end, new } = appender.finish().map_err(|error| failed(&error))?;
        rustix::fs::renameat(&folder, draft, &folder, PACK).map_err(|errno| told(&place, errno))?;
        (self.pack, self.end, self.known) = (pack, end, new.into_iter().collect());
        if let Ok(large) = std::fs::read_dir(self.large_folder()) {
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

/// Writes objects to the end of a pack.
pub(super) struct Appender<'a> {
    pack: &'a File,
    end: u64,
    new: Vec<(Hash, (u64, u64))>,
    waiting: Vec<u8>,
}

/// Where the next object goes, and where those lie that were appended.
pub(super) struct Appended {
    end: u64,
    new: Vec<(Hash, (u64, u64))>,
}

impl<'a> Appender<'a> {
    fn new(pack: &'a File, end: u64) -> Self {
        Self { pack, end, new: Vec::new(), waiting: Vec::new() }
    }

    /// Writes what is waiting.
    pub fn finish(mut self) -> std::io::Result<Appended> {
        self.flush()?;
        Ok(Appended { end: self.end, new: self.new })
    }

    pub fn append(&mut self, hash: Hash, bytes: &[u8]) -> std::io::Result<()> {
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

/// Lets others append again when it is dropped.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
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

/// Copies a large file, as a clone where the file system can; false if the copy is not what the hash says.
pub(super) fn copy(
    source: &File,
    folder: BorrowedFd<'_>,
    name: &OsStr,
    mode: Mode,
    hash: Hash,
) -> Result<bool, Errno> {
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
pub(super) fn open_path(path: &Path) -> Result<std::os::fd::OwnedFd, Errno> {
    rustix::fs::open(path, FOLDER, Mode::empty())
}
