//! Reads what lies in a tree.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Links, Stamp, open_beneath};

/// Files above this are read and stored in pieces.
pub const LARGE: u64 = 1 << 20;

/// Opens the folder at a plain path; the empty path is the root itself.
pub fn open_folder(handle: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    if path.as_os_str().is_empty() {
        return rustix::fs::openat(handle, ".", FOLDER, Mode::empty());
    }
    open_beneath(handle, path, FOLDER, Links::Refuse)
}

/// Reads a regular file piece by piece.
pub fn read_file(handle: BorrowedFd<'_>, path: &Path, mut take: impl FnMut(&[u8])) -> Result<Stamp, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open_beneath(handle, path, flags, Links::Refuse)?;
    let stat = rustix::fs::fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(Errno::ISDIR);
    }
    let stamp = Stamp::of(&stat);
    // One byte more than expected, so that the end is seen in the same call.
    let room = usize::try_from(stamp.size.min(LARGE)).unwrap_or(0) + 1;
    let mut buffer = vec![0; room];
    let mut length = 0;
    loop {
        match rustix::io::read(&file, &mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                take(&buffer[..count]);
                length += count as u64;
                if length == stamp.size && count < buffer.len() {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(Stamp { size: length, ..stamp })
}

/// Reads where a link points to.
pub fn read_link(handle: BorrowedFd<'_>, path: &Path) -> Result<(Stamp, Vec<u8>), Errno> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NOENT);
    };
    let folder = open_folder(handle, parent)?;
    let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let target = rustix::fs::readlinkat(&folder, name, Vec::new())?.into_bytes();
    Ok((Stamp { size: target.len() as u64, ..Stamp::of(&stat) }, target))
}
