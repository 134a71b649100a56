//! Reads the files of a tree: regular ones, and no more of them than is indexed.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::stamp::Stamp;
use super::text::BINARY_HEAD;

/// Larger files are not indexed, but searched by reading them.
pub const INDEXED_BYTES_MAX: u64 = 8_000_000;
/// So many zeros stand behind what was read: the hash of a word looks so far beyond its end.
pub(crate) const PADDING: usize = 16;

/// What was read of a file into the buffer.
pub(crate) struct FileRead {
    pub stamp: Stamp,
    pub settled: bool,
    /// Bytes in the buffer.
    pub length: usize,
    /// There are more bytes than are indexed.
    pub huge: bool,
}

/// Opens a regular file beneath the root. What took its place meanwhile, or that of a folder above it, leads to no
/// other one outside, and a pipe is not waited for.
pub(crate) fn open(root: &Path, path: &str) -> Option<File> {
    #[cfg(unix)]
    return wainwright_fsops::open_beneath(root, Path::new(path)).ok();
    #[cfg(not(unix))]
    File::open(root.join(path)).ok()
}

/// The bytes of a regular file that is not larger than what is indexed.
pub(crate) fn read(root: &Path, path: &str) -> Option<Vec<u8>> {
    let file = open(root, path)?;
    let size = file.metadata().ok().filter(Metadata::is_file)?.len();
    if size > INDEXED_BYTES_MAX {
        return None;
    }
    let mut content = Vec::with_capacity(usize::try_from(size).ok()? + 1);
    file.take(INDEXED_BYTES_MAX + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= INDEXED_BYTES_MAX).then_some(content)
}

/// Reads a regular file into the front of the buffer; only its beginning if it is larger than what is indexed.
pub(crate) fn read_into(root: &Path, path: &str, buffer: &mut Vec<u8>) -> Option<FileRead> {
    read_file(open(root, path)?, 0, buffer)
}

/// Reads a file into the front of the buffer, with zeros behind it.
pub(crate) fn read_file(mut file: File, began: i64, buffer: &mut Vec<u8>) -> Option<FileRead> {
    let metadata = file.metadata().ok().filter(Metadata::is_file)?;
    let stamp = Stamp::of(&metadata);
    let settled = !stamp.is_fresh(began);
    let huge = stamp.size > INDEXED_BYTES_MAX;
    let wanted = if huge { BINARY_HEAD } else { usize::try_from(stamp.size).ok()? };
    let mut length = 0;
    // One byte more than is expected tells that the file has grown.
    let mut end = wanted + 1;
    loop {
        if buffer.len() < end + PADDING {
            buffer.resize((end + PADDING).next_power_of_two().max(1 << 16), 0);
        }
        match file.read(&mut buffer[length..end]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        if length == wanted || huge && length > wanted {
            break;
        }
        if length == end {
            end = (end * 2).min(usize::try_from(INDEXED_BYTES_MAX).ok()? + 2);
            if length == end {
                break;
            }
        }
    }
    let huge = huge || length as u64 > INDEXED_BYTES_MAX;
    length = length.min(if huge { BINARY_HEAD } else { length });
    buffer[length..length + PADDING].fill(0);
    Some(FileRead { stamp, settled, length, huge })
}
