//! The folders of a tree.

#[cfg(unix)]
use std::fs::File;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

use super::stamp::Stamp;

/// A folder that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Relative to the root, which itself is empty.
    pub path: Box<str>,
    /// `None` if it must be listed again.
    pub stamp: Option<Stamp>,
}

/// A folder of the tree that is held open. What takes its name meanwhile, or that of a folder above it, is not looked into.
#[derive(Debug)]
pub(crate) struct Held(#[cfg(unix)] File, #[cfg(not(unix))] PathBuf);

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    Folder,
    /// A link, a pipe, a socket, a device.
    Other,
}

#[cfg(unix)]
impl Held {
    /// Opens a folder beneath the root; `None` if it is none, or a link leads to it.
    pub fn open(root: &Path, path: &str) -> Option<Self> {
        wainwright_fsops::open_folder_beneath(root, Path::new(path)).ok().map(Self)
    }

    pub fn stamp(&self) -> Option<Stamp> {
        self.0.metadata().ok().as_ref().map(Stamp::of)
    }

    /// What is in it, as far as its name is UTF-8; `None` if it cannot be listed.
    pub fn entries(&self) -> Option<impl Iterator<Item = (String, Kind)>> {
        use rustix::fs::{AtFlags, Dir, FileType, statat};

        let kind_at = |name: &str| {
            statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
        };
        let entries = Dir::read_from(&self.0).ok()?;
        Some(entries.filter_map(Result::ok).filter_map(move |entry| {
            let name = entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | ".."))?;
            let kind = match entry.file_type() {
                // Some file systems do not say it here.
                FileType::Unknown => kind_at(name),
                known => known,
            };
            let kind = match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            };
            Some((name.to_owned(), kind))
        }))
    }
}

#[cfg(not(unix))]
impl Held {
    /// Finds a folder beneath the root.
    pub fn open(root: &Path, path: &str) -> Option<Self> {
        let folder = root.join(path);
        std::fs::symlink_metadata(&folder).ok().filter(std::fs::Metadata::is_dir).map(|_| Self(folder))
    }

    pub fn stamp(&self) -> Option<Stamp> {
        std::fs::symlink_metadata(&self.0).ok().as_ref().map(Stamp::of)
    }

    /// What is in it, as far as its name is UTF-8; `None` if it cannot be listed.
    pub fn entries(&self) -> Option<impl Iterator<Item = (String, Kind)>> {
        let entries = std::fs::read_dir(&self.0).ok()?;
        Some(entries.filter_map(Result::ok).filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let of = |is_file, is_folder| {
                if is_file {
                    Kind::File
                } else if is_folder {
                    Kind::Folder
                } else {
                    Kind::Other
                }
            };
            Some((entry.file_name().into_string().ok()?, of(kind.is_file(), kind.is_dir())))
        }))
    }
}

/// The path of the folder a file lies in.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
