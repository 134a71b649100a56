//! Reads and writes beneath a root that no path can leave, several files as one.
//!
//! The root is opened once; everything beneath it is reached through that handle (on Linux by `openat2`,
//! elsewhere, and on kernels without it, component by component), so a folder that is swapped for a link
//! while the call runs cannot lead it elsewhere. Nothing is written through a link. Reading follows links
//! that stay beneath the root, where `openat2` can tell; elsewhere it follows none.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

#[cfg(unix)]
mod batch;
#[cfg(unix)]
mod beneath;
#[cfg(unix)]
mod exchange;
#[cfg(unix)]
mod journal;
#[cfg(unix)]
mod snapshots;
#[cfg(unix)]
mod tree;

#[cfg(unix)]
pub use snapshots::{Restored, Snapshots};
#[cfg(unix)]
pub use tree::{Item, Kind, Tree};

/// One file of a batch: to be written, or to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Path relative to the root, without `..`.
    pub path: &'a Path,
    /// The whole new content; `None` deletes the file.
    pub content: Option<&'a [u8]>,
    /// Permission bits to set. `None` keeps those of an existing file; a new one follows the umask.
    pub mode: Option<u32>,
    /// What must be there.
    pub expected: Expected<'a>,
}

/// What must be at a path for a batch to change it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Whatever is there is replaced: for files that nobody else writes.
    #[default]
    Anything,
    /// No file.
    Nothing,
    /// A file with exactly this content, which nobody has open for writing.
    Content(&'a [u8]),
}

/// Why files were not read or written. Unless it is [`FsError::Torn`], nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The path leads out of the root, or to a place that is reached through a link and must not be.
    #[error("{} leads out of the root, or through a link", .path.display())]
    Outside {
        /// The path as it was given.
        path: PathBuf,
    },
    /// There is no such file to read or delete, or no such root.
    #[error("{} does not exist", .path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file holds more bytes than the caller wants.
    #[error("{} is larger than {max_bytes} bytes", .path.display())]
    TooLarge {
        /// The path as it was given.
        path: PathBuf,
        /// The bound that was given.
        max_bytes: u64,
    },
    /// The path names a folder, a device or a socket.
    #[error("{} is not a regular file", .path.display())]
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The call makes no sense: a relative root, or a path twice in one batch, or a journal of another root.
    #[error("{}: {reason}", .path.display())]
    Invalid {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A batch failed in the middle and this file could not be set back.
    #[error("{} stays changed though others do not, its old content is in {}: {source}", .path.display(),
        .kept.as_deref().unwrap_or(Path::new("no file, for it was new")).display())]
    Torn {
        /// The path as it was given.
        path: PathBuf,
        /// Path of the old content, relative to the root; `None` if there was none.
        kept: Option<PathBuf>,
        /// What the system said when the file was to be set back.
        source: io::Error,
    },
    /// Files of a batch are not what was expected: somebody else has changed, made or deleted them.
    #[error("{} {}", list(.paths), if *.busy { "is being written by another program" } else { "is not what was read" })]
    Changed {
        /// The paths as they were given; one if it was found when the files were changed.
        paths: Vec<PathBuf>,
        /// Another program has the file open for writing.
        busy: bool,
    },
    /// Files change faster than they can be read.
    #[error("{} changes again and again while it is read", .path.display())]
    Restless {
        /// One of them, relative to the root.
        path: PathBuf,
    },
    /// A snapshot, or a part of it, is not in the store or not what was put there.
    #[error("the store of snapshots does not hold {hash}, or not whole")]
    Damaged {
        /// What was looked for.
        hash: Hash,
    },
    /// This system offers no way to keep the promises of this crate.
    #[error("not supported on this system")]
    Unsupported,
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A BLAKE3 hash. Written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of nothing that was ever seen.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for Hash {
    type Err = FsError;

    fn from_str(text: &str) -> Result<Self, FsError> {
        let invalid = |_| FsError::Invalid { path: PathBuf::from(text), reason: "not a hash" };
        Ok(Self(*blake3::Hash::from_hex(text).map_err(invalid)?.as_bytes()))
    }
}

/// What [`recover`] found to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Files that were written or deleted as their batch wanted, relative to the root.
    pub written: Vec<PathBuf>,
    /// Files of a batch that somebody else has changed since, left as they are.
    pub left: Vec<PathBuf>,
}

/// Writes and deletes all files beneath `root`, or none.
///
/// New content is written to temporary files beside the targets first; then each target is replaced in one step,
/// and the old content is kept until the last, so that a reader sees the old file or the new one. If a step fails,
/// those before it are taken back. Missing folders are made. Modes of existing files are kept.
///
/// Each file is changed only while it is what its change expects. That is looked at first, for all of them, and again at
/// the moment of the exchange, on the file that came out: through its handle, with its mode, and (where the system
/// tells: Linux, for files of the own user) with the certainty that nobody has it open for writing. If it is another,
/// the batch is taken back and the path told. Nothing that another program saved is lost, whichever way it saves; what
/// it saves after the exchange replaces what the batch wrote, as after any other save. Two things cannot be promised.
/// On file systems that cannot exchange names (`RENAME_EXCHANGE`) the look comes right before the rename, and a file
/// that is put there by a rename between the two is replaced. And where the system does not tell who has a file open,
/// a program that had it open before, and writes to it after the second look at the end of the batch, writes to a
/// file that has no name any more.
///
/// With a `journal`, an existing folder outside `root` that serves this root only, all or nothing also holds when the
/// process is killed or the power goes: as soon as the journal is synced, which is the one thing this call waits for,
/// the batch will be completed, by [`recover`] if need be. Call that at start, and after a batch off the path, which
/// frees the journal; a batch that finds it full has to do so itself. Without a journal, a process that is killed in
/// the middle leaves whole files, old or new, and temporary ones named `.wainwright-*.tmp`; what a power cut leaves
/// is up to the file system.
///
/// # Errors
/// [`FsError`]; a target that is a link is [`FsError::Outside`], and one that is to be deleted but is not
/// there [`FsError::NotFound`].
pub fn write_batch(root: &Path, changes: &[Change<'_>], journal: Option<&Path>) -> Result<(), FsError> {
    #[cfg(unix)]
    return if let Some(folder) = journal {
        journal::write(folder, root, changes)
    } else {
        let mut batch = batch::Batch::plan(root, changes, false)?;
        batch.stage()?;
        batch.commit()
    };
    #[cfg(not(unix))]
    {
        let _ = (root, changes, journal);
        Err(FsError::Unsupported)
    }
}

/// Completes the batches in a journal that a kill or a power cut may have left half done, makes sure that the disk
/// has them, and removes what they left behind. A journal that was never made is empty.
///
/// A batch whose journal entry was not complete has changed nothing and is forgotten. A file that somebody else has
/// changed since the batch looked at it is left alone, or gets back what they saved, and the others are completed. May be called at any time, also again after it was killed itself.
///
/// # Errors
/// [`FsError::Invalid`] if the journal holds batches of another root; [`FsError::Io`] if a file cannot be written:
/// the journal is kept then.
pub fn recover(journal: &Path, root: &Path) -> Result<Recovery, FsError> {
    #[cfg(unix)]
    return journal::recover(journal, root);
    #[cfg(not(unix))]
    {
        let _ = (root, journal);
        Err(FsError::Unsupported)
    }
}

/// Reads a regular file beneath `root` that holds at most `max_bytes` bytes.
///
/// # Errors
/// [`FsError`]; never [`FsError::Torn`].
pub fn read_beneath(root: &Path, path: &Path, max_bytes: u64) -> Result<Vec<u8>, FsError> {
    #[cfg(unix)]
    return beneath::read(root, path, max_bytes);
    #[cfg(not(unix))]
    {
        let _ = (root, path, max_bytes);
        Err(FsError::Unsupported)
    }
}
