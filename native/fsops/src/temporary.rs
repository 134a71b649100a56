//! Files that lie beside their targets for a while: their names, and how they come to be.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::beneath::{errno_of, permissions};

/// The names that the new and the old content of a target have beside it for a while.
pub fn beside(id: u64, number: usize) -> [OsString; 2] {
    ["new", "old"].map(|kind| OsString::from(format!(".wainwright-{id:016x}-{number}.{kind}.tmp")))
}

/// A number that no other batch has, in this process or another.
pub fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut hash = blake3::Hasher::new();
    hash.update(&now.to_le_bytes());
    hash.update(&std::process::id().to_le_bytes());
    hash.update(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    u64::from_le_bytes(id)
}

/// Makes an empty file, and tells which mode is still to be set. No mode is ever wider than the one wanted.
pub fn create(folder: &OwnedFd, name: &OsStr, mode: Option<Mode>) -> Result<(File, Option<Mode>), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, mode.unwrap_or(permissions(0o666)))?;
    let has = Mode::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    Ok((File::from(file), mode.filter(|mode| *mode != has)))
}

/// Writes a file that was just made, and sets its mode if one is still to be set. `synced`: the disk has it then.
pub fn fill(mut file: File, content: &[u8], mode: Option<Mode>, synced: bool) -> Result<(), Errno> {
    file.write_all(content).map_err(|error| errno_of(&error))?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(&file, mode)?;
    }
    if synced { rustix::fs::fsync(&file) } else { Ok(()) }
}
