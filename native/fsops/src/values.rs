//! What goes in and out of this crate: changes, hashes, errors.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

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
    /// The call makes no sense: a relative root, or a path twice in one batch, or a write log of another root.
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

/// What [`crate::recover`] found to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Files that were written or deleted as their batch wanted, relative to the root.
    pub written: Vec<PathBuf>,
    /// Files of a batch that somebody else has changed since, left as they are.
    pub left: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_is_read_as_it_was_written(bytes: [u8; 32], other in "[0-9a-fA-F]{0,80}|.{0,64}") {
            prop_assert_eq!(Hash(bytes).to_string().parse::<Hash>().unwrap(), Hash(bytes));
            if let Ok(hash) = other.parse::<Hash>() {
                prop_assert_eq!(hash.to_string(), other.to_lowercase());
            }
        }
    }
}
