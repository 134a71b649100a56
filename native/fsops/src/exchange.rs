//! Putting a file in the place of another, so that what was there can be looked at and put back.
//!
//! A check before a rename tells nothing about the moment of the rename: between the two another program may save.
//! So two names are exchanged in one step, and what came out is looked at through its handle. It has no name by then
//! that anybody uses; where the system tells, it is also made sure that nobody has it open for writing, so that what
//! is seen is what stays.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::beneath::{Stamp, errno_of, permissions};
use crate::temporary::{create, fill};

/// Why a file is not the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Its content, its kind or its mode is another.
    Changed,
    /// Another program has it open for writing.
    Busy,
}

/// Whether a file can still change after it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// Nobody has it open for writing.
    Yes,
    /// The system does not tell, or was not asked.
    No,
}

/// What came of putting a file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// It has its name again; the other name has what we wrote, or nothing.
    Done,
    /// The target was deleted meanwhile, and still is.
    Gone,
    /// Somebody has changed what we wrote, and that stays; the file keeps its other name.
    Taken,
}

/// Whether a name holds this content, and this mode if one is given. `ask`: also that nobody is writing there.
pub fn look(
    folder: &OwnedFd,
    name: &OsStr,
    content: &[u8],
    mode: Option<u32>,
    ask: bool,
) -> Result<Sure, Moved> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    // What was read and cannot be opened now is not as it was.
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(|_| Moved::Changed)?;
    let writers = if ask { has_writers(&file) } else { None };
    if writers == Some(true) {
        return Err(Moved::Busy);
    }
    let stat = rustix::fs::fstat(&file).map_err(|_| Moved::Changed)?;
    let stamp = Stamp::of(&stat);
    let alike = is_file(&stat)
        && stamp.size == content.len() as u64
        && mode.is_none_or(|mode| mode == stamp.mode)
        && holds(File::from(file), content);
    if !alike {
        return Err(Moved::Changed);
    }
    Ok(if writers == Some(false) { Sure::Yes } else { Sure::No })
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Whether a file holds exactly these bytes.
fn holds(file: File, content: &[u8]) -> bool {
    let mut found = Vec::with_capacity(content.len() + 1);
    // It may grow while it is read.
    let read = file.take(content.len() as u64 + 1).read_to_end(&mut found);
    read.is_ok() && found == content
}

/// Whether any program has a file open for writing; `None` where the system does not tell, or not to us.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe wrapper has leases")]
fn has_writers(file: &OwnedFd) -> Option<bool> {
    use std::os::fd::AsRawFd;

    /// As in the kernel's `asm-generic/fcntl.h`; the crate `libc` leaves it out.
    const F_SETSIG: libc::c_int = 10;
    let fd = file.as_raw_fd();
    // A lease for reading is given only while nobody writes. It is given back at once; should somebody want to write in
    // between, the system tells by a signal, and the one it takes by default would end this process.
    // SAFETY: `fd` is open as long as `file` is borrowed, and these calls touch no memory of ours.
    unsafe {
        if libc::fcntl(fd, F_SETSIG, libc::SIGURG) != 0 {
            return None;
        }
        if libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0 {
            libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
            return Some(false);
        }
    }
    (std::io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN)).then_some(true)
}

#[cfg(not(target_os = "linux"))]
fn has_writers(_: &OwnedFd) -> Option<bool> {
    None
}

/// Exchanges two names in one step; false where the file system does not know how.
pub fn exchange(folder: &OwnedFd, one: &OsStr, other: &OsStr) -> Result<bool, Errno> {
    #[cfg(target_os = "linux")]
    return match rustix::fs::renameat_with(folder, one, folder, other, rustix::fs::RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS) => Ok(false),
        exchanged => exchanged.map(|()| true),
    };
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (folder, one, other);
        Ok(false)
    }
}

/// Puts a new file in the place of an old one where names cannot be exchanged; the old one gets the name `kept`.
///
/// `check` is asked about `kept` right before the rename. What another program puts in the place by a rename of its own
/// between the two is lost: this is as narrow as such a file system allows.
pub fn replace(
    folder: &OwnedFd,
    fresh: &OsStr,
    name: &OsStr,
    kept: &OsStr,
    check: impl FnOnce() -> bool,
) -> Result<(), Errno> {
    keep(folder, name, kept)?;
    let inode = |name: &OsStr| {
        rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Stamp::of(&stat).inode)
    };
    // The check reads the file; the name may have passed to another meanwhile.
    let linked = inode(kept)? == inode(name)?;
    let renamed = if check() && (!linked || inode(kept)? == inode(name)?) {
        rustix::fs::renameat(folder, fresh, folder, name)
    } else {
        Err(Errno::EXIST)
    };
    renamed.inspect_err(|_| {
        let _ = rustix::fs::unlinkat(folder, kept, AtFlags::empty());
    })
}

/// Gives the old content a second name; where the file system or its rules forbid that, copies it.
fn keep(folder: &OwnedFd, name: &OsStr, kept: &OsStr) -> Result<(), Errno> {
    if rustix::fs::linkat(folder, name, folder, kept, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let old = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let mode = permissions(Stamp::of(&rustix::fs::fstat(&old)?).mode);
    let mut content = Vec::new();
    File::from(old).read_to_end(&mut content).map_err(|error| errno_of(&error))?;
    let (file, mode) = create(folder, kept, Some(mode))?;
    fill(file, &content, mode, false)
}

/// Renames to a name that has to be free, else `EEXIST`.
pub fn rename_to_new(folder: &OwnedFd, fresh: &OsStr, name: &OsStr) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(folder, fresh, folder, name, rustix::fs::RenameFlags::NOREPLACE) {
        // Not every file system knows how.
        Err(Errno::INVAL | Errno::NOSYS) => {}
        renamed => return renamed,
    }
    match rustix::fs::linkat(folder, fresh, folder, name, AtFlags::empty()) {
        Ok(()) => rustix::fs::unlinkat(folder, fresh, AtFlags::empty()),
        Err(Errno::EXIST) => Err(Errno::EXIST),
        // Nor how to link: a look is all there is.
        Err(_) => match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => rustix::fs::renameat(folder, fresh, folder, name),
            Err(errno) => Err(errno),
            Ok(_) => Err(Errno::EXIST),
        },
    }
}

/// Gives a file its name back, unless what stands there is no longer what we wrote.
pub fn put_back(folder: &OwnedFd, kept: &OsStr, name: &OsStr, ours: &[&[u8]]) -> Result<Back, Errno> {
    let is_ours = |name: &OsStr| ours.iter().any(|content| look(folder, name, content, None, true).is_ok());
    match exchange(folder, kept, name) {
        Ok(true) if is_ours(kept) => Ok(Back::Done),
        // The newest text is in the place again. Whatever came meanwhile now has the other name, which nobody removes.
        Ok(true) => exchange(folder, kept, name).map(|_| Back::Taken),
        Ok(false) if is_ours(name) => rustix::fs::renameat(folder, kept, folder, name).map(|()| Back::Done),
        Ok(false) => match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(Back::Gone),
            _ => Ok(Back::Taken),
        },
        Err(Errno::NOENT) => Ok(Back::Gone),
        Err(errno) => Err(errno),
    }
}
