//! Reads one file beneath a root.

use std::fs::File;
use std::path::Path;

use crate::FsError;
#[cfg(unix)]
use crate::beneath;

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

/// Opens a folder beneath `root`, the empty path being the root itself; no link is followed.
///
/// # Errors
/// [`FsError`]; never [`FsError::Torn`].
pub fn open_folder_beneath(root: &Path, path: &Path) -> Result<File, FsError> {
    #[cfg(unix)]
    return beneath::open_folder(root, path);
    #[cfg(not(unix))]
    {
        let _ = (root, path);
        Err(FsError::Unsupported)
    }
}

/// Opens a regular file beneath `root`, to be read piece by piece.
///
/// # Errors
/// [`FsError`]; never [`FsError::Torn`].
pub fn open_beneath(root: &Path, path: &Path) -> Result<File, FsError> {
    #[cfg(unix)]
    return beneath::open_file(root, path);
    #[cfg(not(unix))]
    {
        let _ = (root, path);
        Err(FsError::Unsupported)
    }
}
