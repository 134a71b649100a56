//! Opening what lies beneath a folder, and nothing else.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::FsError;

/// How a folder is opened. Readable, because only such a handle can be synced.
pub const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What to do with a link on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Any link ends the search with `ELOOP`.
    Refuse,
    /// Links that stay beneath are followed, if the system can tell; else refused.
    FollowBeneath,
}

/// Opens the root, which the caller trusts.
pub fn open_root(root: &Path) -> Result<OwnedFd, FsError> {
    if !root.is_absolute() {
        return Err(FsError::Invalid {
            path: root.to_path_buf(),
            reason: "the root must be an absolute path",
        });
    }
    rustix::fs::open(root, FOLDER, Mode::empty()).map_err(|errno| told(root, errno))
}

/// What tells whether a file is still the one that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Nanoseconds since 1970, and no program can set it.
    pub changed: i64,
    /// Permission bits.
    pub mode: u32,
}

impl Stamp {
    #[allow(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the widths of the fields depend on the system, and no value is cut on any of them"
    )]
    pub fn of(stat: &Stat) -> Self {
        let time = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            mode: bits(stat.st_mode),
        }
    }

    /// Whether nobody has written to the file in between; it may have been renamed or linked.
    pub fn same_content(&self, other: &Self) -> bool {
        (self.inode, self.size, self.modified) == (other.inode, other.size, other.modified)
    }
}

/// The permission bits of a mode.
pub fn bits(mode: RawMode) -> u32 {
    #[allow(clippy::useless_conversion, reason = "the width of a mode depends on the system")]
    u32::from(mode & 0o777)
}

/// The permission bits of a number; never set-user-id and the like.
pub fn permissions(bits: u32) -> Mode {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        trivial_numeric_casts,
        reason = "the width of a mode depends on the system, and nine bits fit all"
    )]
    Mode::from_raw_mode((bits & 0o777) as RawMode)
}

/// The path without `.` components; refused if it is empty, absolute or holds `..`.
pub fn plain(path: &Path) -> Result<PathBuf, FsError> {
    let outside = || FsError::Outside { path: path.to_path_buf() };
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    if plain.as_os_str().is_empty() {
        return Err(outside());
    }
    Ok(plain)
}

/// Opens a plain path beneath a folder.
pub fn open_beneath(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    links: Links,
) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    match resolve(folder, path, flags, links) {
        // Also what a container answers that does not know the call. The other way is no less strict.
        Err(Errno::NOSYS | Errno::PERM) => {}
        opened => return opened,
    }
    #[cfg(not(target_os = "linux"))]
    let _ = links;
    step_by_step(folder, path, flags)
}

#[cfg(target_os = "linux")]
fn resolve(folder: BorrowedFd<'_>, path: &Path, flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    /// The kernel gives up when folders are renamed while it looks at a link with `..`.
    const TRIES: usize = 32;
    let mut rules = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if links == Links::Refuse {
        rules |= ResolveFlags::NO_SYMLINKS;
    }
    for _ in 0..TRIES {
        match openat2(folder, path, flags, Mode::empty(), rules) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens one component after the other and refuses links: what every unix can do.
fn step_by_step(folder: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut names = path.iter().peekable();
    let mut held: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let here = held.as_ref().map_or(folder, |held| std::os::fd::AsFd::as_fd(held));
        let flags = if names.peek().is_some() { FOLDER } else { flags };
        let opened = rustix::fs::openat(here, name, flags | OFlags::NOFOLLOW, Mode::empty());
        match opened {
            Ok(next) => held = Some(next),
            // Some systems say of a link only that it is no folder.
            Err(Errno::NOTDIR | Errno::MLINK) if is_link(here, name) => return Err(Errno::LOOP),
            Err(errno) => return Err(errno),
        }
    }
    held.ok_or(Errno::NOENT)
}

fn is_link(folder: BorrowedFd<'_>, name: &OsStr) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// What the target is now; `None` if there is none. Only a regular file may be a target.
pub fn target(folder: &OwnedFd, name: &OsStr) -> Result<Option<Stamp>, Errno> {
    let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Some(Stamp::of(&stat))),
        FileType::Symlink => Err(Errno::LOOP),
        _ => Err(Errno::ISDIR),
    }
}

/// The error number of what the standard library tells.
pub fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// The error that an error number means for a path.
pub fn told(path: &Path, errno: Errno) -> FsError {
    let path = path.to_path_buf();
    match errno {
        Errno::XDEV | Errno::LOOP => FsError::Outside { path },
        Errno::NOENT => FsError::NotFound { path },
        Errno::NXIO | Errno::ISDIR => FsError::NotAFile { path },
        errno => FsError::Io { path, source: errno.into() },
    }
}

/// Asks the disk to remember what a file holds.
pub fn sync_data(file: &File) -> Result<(), Errno> {
    #[cfg(target_vendor = "apple")]
    return rustix::fs::fcntl_fullfsync(file);
    #[cfg(not(target_vendor = "apple"))]
    rustix::fs::fdatasync(file)
}

/// See [`crate::open_beneath`].
pub fn open_file(root: &Path, path: &Path) -> Result<File, FsError> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
    let root = open_root(root)?;
    let plain = plain(path)?;
    let file = open_beneath(std::os::fd::AsFd::as_fd(&root), &plain, FLAGS, Links::FollowBeneath)
        .map_err(|errno| told(path, errno))?;
    let file = File::from(file);
    let regular =
        file.metadata().map_err(|source| FsError::Io { path: path.to_path_buf(), source })?.is_file();
    if regular { Ok(file) } else { Err(FsError::NotAFile { path: path.to_path_buf() }) }
}

/// See [`crate::open_folder_beneath`].
pub fn open_folder(root: &Path, path: &Path) -> Result<File, FsError> {
    let root = open_root(root)?;
    if path.as_os_str().is_empty() {
        return Ok(File::from(root));
    }
    let folder = open_beneath(std::os::fd::AsFd::as_fd(&root), &plain(path)?, FOLDER, Links::Refuse);
    folder.map(File::from).map_err(|errno| told(path, errno))
}

/// See [`crate::read_beneath`].
pub fn read(root: &Path, path: &Path, max_bytes: u64) -> Result<Vec<u8>, FsError> {
    let file = open_file(root, path)?;
    read_open(file, max_bytes).map_err(|failure| match failure {
        Failure::TooLarge => FsError::TooLarge { path: path.to_path_buf(), max_bytes },
        Failure::Io(source) => FsError::Io { path: path.to_path_buf(), source },
    })
}

enum Failure {
    TooLarge,
    Io(std::io::Error),
}

fn read_open(file: File, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    if file.metadata().map_err(Failure::Io)?.len() > max_bytes {
        return Err(Failure::TooLarge);
    }
    let mut content = Vec::new();
    // The file may grow while it is read.
    let length = file.take(max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(Failure::Io)?;
    if length as u64 > max_bytes {
        return Err(Failure::TooLarge);
    }
    Ok(content)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        fs::create_dir_all(outer.path().join("root/a/b")).unwrap();
        fs::write(outer.path().join("root/a/b/file"), "content").unwrap();
        outer
    }

    fn read_in(outer: &tempfile::TempDir, path: &str) -> Result<Vec<u8>, FsError> {
        read(&outer.path().join("root"), Path::new(path), 7)
    }

    #[test]
    fn reads_up_to_the_bound() {
        let outer = tree();
        assert_eq!(read_in(&outer, "./a/b/file").unwrap(), b"content");
        let root = outer.path().join("root");
        let result = read(&root, Path::new("a/b/file"), 6);
        assert!(matches!(result, Err(FsError::TooLarge { max_bytes: 6, .. })));
    }

    #[test]
    fn no_path_leads_out() {
        let outer = tree();
        let root = outer.path().join("root");
        symlink("../secret", root.join("up")).unwrap();
        symlink(outer.path().join("secret"), root.join("absolute")).unwrap();
        symlink("..", root.join("folder")).unwrap();
        symlink("/proc/self/root/etc/passwd", root.join("magic")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let paths = [
            "../secret",
            "a/../../secret",
            "/etc/passwd",
            "",
            ".",
            "up",
            "absolute",
            "folder/secret",
            "magic",
            "loop",
        ];
        for path in paths {
            let result = read_in(&outer, path);
            assert!(matches!(result, Err(FsError::Outside { .. })), "{path}: {result:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn links_that_stay_beneath_are_followed_for_reading() {
        let outer = tree();
        symlink("../a/b", outer.path().join("root/a/link")).unwrap();
        assert_eq!(read_in(&outer, "a/link/file").unwrap(), b"content");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_regular_files_are_read() {
        let outer = tree();
        let pipe = outer.path().join("root/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        for path in ["a", "pipe"] {
            assert!(matches!(read_in(&outer, path), Err(FsError::NotAFile { .. })));
        }
        assert!(matches!(read_in(&outer, "a/x"), Err(FsError::NotFound { .. })));
        assert!(matches!(read_in(&outer, "a/b/file/x"), Err(FsError::Io { .. })));
    }

    #[test]
    fn the_root_is_absolute_and_there() {
        let result = read(Path::new("root"), Path::new("a"), 1);
        assert!(matches!(result, Err(FsError::Invalid { .. })));
        let result = read(Path::new("/no/such/root"), Path::new("a"), 1);
        assert!(matches!(result, Err(FsError::NotFound { .. })));
    }

    #[test]
    fn the_portable_way_refuses_links() {
        let outer = tree();
        symlink("a", outer.path().join("root/link")).unwrap();
        symlink("file", outer.path().join("root/a/b/link")).unwrap();
        let root = open_root(&outer.path().join("root")).unwrap();
        let open = |path| step_by_step(root.as_fd(), Path::new(path), OFlags::RDONLY);
        assert!(open("a/b/file").is_ok());
        assert_eq!(open("link/b/file").unwrap_err(), Errno::LOOP);
        assert_eq!(open("a/b/link").unwrap_err(), Errno::LOOP);
        assert_eq!(open("a/b/file/x").unwrap_err(), Errno::NOTDIR);
        assert_eq!(open("a/x").unwrap_err(), Errno::NOENT);
    }
}
