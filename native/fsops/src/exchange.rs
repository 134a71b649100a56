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

/// How a file is opened to be looked at. Without NONBLOCK, opening a pipe would wait for a writer.
const LOOK: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

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
    // What was read and cannot be opened now is not as it was.
    let file = open(folder, name).ok_or(Moved::Changed)?;
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
    let old = rustix::fs::openat(folder, name, LOOK, Mode::empty())?;
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

/// What we wrote somewhere, and the mode that it got with it; `None` where nobody can tell any more.
pub struct Ours<'a> {
    pub content: &'a [u8],
    pub mode: Option<u32>,
}

/// Gives a file its name back, unless what stands there is no longer what we wrote.
///
/// A mode that somebody has set on what we wrote was meant for whatever has the name: the file gets it. It gets it
/// before the exchange, so that it never shows with a wider one, and once more after it, for what came in between. One
/// moment no call can close: a program that had found what we wrote when it had the name, and whose setting of the mode
/// the system carries out only after the second look, sets it on a file that is about to go.
pub fn put_back(folder: &OwnedFd, kept: &OsStr, name: &OsStr, ours: &[Ours<'_>]) -> Result<Back, Errno> {
    let standing = open(folder, name);
    let mut heir = Heir::of(folder, kept);
    let before = find(folder, name, ours);
    heir.take_over(before.and_then(|found| found.set_since.then_some(found.mode)));
    let back = match exchange(folder, kept, name) {
        Ok(true) => match find(folder, kept, ours) {
            Some(now) => {
                let differs = before.map_or(now.set_since, |before| before.mode != now.mode);
                heir.take_over(differs.then_some(now.mode));
                Ok(Back::Done)
            }
            // The newest text is in the place again. Whatever came meanwhile has the other name: nobody removes it.
            None => exchange(folder, kept, name).map(|_| Back::Taken),
        },
        Ok(false) => match before {
            Some(before) => rustix::fs::renameat(folder, kept, folder, name).map(|()| {
                let now = standing.as_ref().and_then(mode_of);
                heir.take_over(now.filter(|now| *now != before.mode));
                Back::Done
            }),
            None => match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(Back::Gone),
                _ => Ok(Back::Taken),
            },
        },
        Err(Errno::NOENT) => Ok(Back::Gone),
        Err(errno) => Err(errno),
    };
    if back != Ok(Back::Done) {
        heir.take_over(heir.own);
    }
    back
}

/// Something of ours under a name.
#[derive(Clone, Copy)]
struct Found {
    mode: Mode,
    /// Whether that is none that it got from us.
    set_since: bool,
}

/// What of ours a name holds, if anything; the mode is looked at last.
fn find(folder: &OwnedFd, name: &OsStr, ours: &[Ours<'_>]) -> Option<Found> {
    let mut alike = ours.iter().filter(|one| look(folder, name, one.content, None, true).is_ok()).peekable();
    alike.peek()?;
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    let set_since = !alike.any(|one| one.mode.is_none_or(|given| permissions(given) == mode));
    Some(Found { mode, set_since })
}

/// A file that is to get its name back, and the mode of what had the name meanwhile with it.
struct Heir {
    /// A handle, because a name may pass to another. What cannot be opened, or is no file, takes nothing over.
    file: Option<OwnedFd>,
    /// The mode that it came with.
    own: Option<Mode>,
    /// The mode that it has, unless another program has set it.
    last: Option<Mode>,
}

impl Heir {
    fn of(folder: &OwnedFd, kept: &OsStr) -> Self {
        let file = open(folder, kept);
        let own = file.as_ref().and_then(mode_of);
        Self { file, own, last: own }
    }

    /// Leaves a mode alone that somebody has set on this very file meanwhile: that is newer still.
    fn take_over(&mut self, mode: Option<Mode>) {
        let (Some(file), Some(mode)) = (&self.file, mode) else { return };
        // A file system without modes, or a file of another user, keeps what it has.
        if self.last.is_some_and(|last| last != mode)
            && mode_of(file) == self.last
            && rustix::fs::fchmod(file, mode).is_ok()
        {
            self.last = Some(mode);
        }
    }
}

fn open(folder: &OwnedFd, name: &OsStr) -> Option<OwnedFd> {
    rustix::fs::openat(folder, name, LOOK, Mode::empty()).ok()
}

/// The mode of a regular file, also with the bits that no batch sets.
fn mode_of(file: &OwnedFd) -> Option<Mode> {
    let stat = rustix::fs::fstat(file).ok().filter(is_file)?;
    Some(Mode::from_raw_mode(stat.st_mode))
}
