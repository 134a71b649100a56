//! The folders of a batch.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::beneath::{FOLDER, Links, open_beneath, permissions};

/// Each of them is opened once; those that were made go again unless they are kept.
pub struct Folders {
    pub(super) opened: BTreeMap<PathBuf, Rc<OwnedFd>>,
    made: Vec<(Rc<OwnedFd>, OsString)>,
}

impl Folders {
    pub fn new(root: OwnedFd) -> Self {
        Self { opened: BTreeMap::from([(PathBuf::new(), Rc::new(root))]), made: Vec::new() }
    }

    /// Opens a folder by its plain path from the root; makes it, and those above it, if `create`.
    pub fn open(&mut self, path: &Path, create: bool) -> Result<Rc<OwnedFd>, Errno> {
        if let Some(folder) = self.opened.get(path) {
            return Ok(Rc::clone(folder));
        }
        let root = self.open(Path::new(""), false)?;
        let folder = match open_beneath(root.as_fd(), path, FOLDER, Links::Refuse) {
            Err(Errno::NOENT) if create => self.make(path)?,
            opened => Rc::new(opened?),
        };
        self.opened.insert(path.to_path_buf(), Rc::clone(&folder));
        Ok(folder)
    }

    fn make(&mut self, path: &Path) -> Result<Rc<OwnedFd>, Errno> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::NOENT);
        };
        let parent = self.open(parent, true)?;
        match rustix::fs::mkdirat(&parent, name, permissions(0o777)) {
            Ok(()) => self.made.push((Rc::clone(&parent), name.to_owned())),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        let made = open_beneath(parent.as_fd(), Path::new(name), FOLDER, Links::Refuse)?;
        Ok(Rc::new(made))
    }

    /// Keeps the new folders and, if `synced`, asks the disk to remember all names.
    pub fn keep(&mut self, synced: bool) {
        self.made.clear();
        for folder in self.opened.values().filter(|_| synced) {
            // Every file is in place by now: to report a failure here as one of the batch would be a lie.
            let _ = rustix::fs::fsync(folder);
        }
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        for (parent, name) in self.made.iter().rev() {
            // Fails, rightly, if somebody else has put something there.
            let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}
