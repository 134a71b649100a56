//! One target of a batch: what it was, the exchange, the look at what came out, and the way back.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::folders::Folders;
use crate::beneath::{Stamp, bits, permissions, plain, target, told};
use crate::exchange::{Back, Moved, Ours, Sure, exchange, look, put_back, rename_to_new, replace};
use crate::temporary::{create, fill};
use crate::{Change, Expected, FsError};

/// One target. Dropping it removes whatever it left beside it.
pub struct Step<'a> {
    /// The path as it was given.
    pub(super) path: &'a Path,
    /// The same path without `.` components.
    pub plain: PathBuf,
    pub content: Option<&'a [u8]>,
    pub expected: Expected<'a>,
    /// The mode to set; `None` leaves it to the umask.
    pub mode: Option<Mode>,
    /// What was there when the batch was planned.
    pub old: Option<Stamp>,
    /// Names beside the target: for the new content, and for the old.
    names: [OsString; 2],
    /// Its folder, once it is there.
    folder: Option<Rc<OwnedFd>>,
    /// The file with the new content, until it is in place.
    fresh: Option<OsString>,
    /// The file with the old content, once it is out of place.
    pub(super) kept: Option<OsString>,
    /// Whether the old content is out of place and was found as expected.
    as_expected: bool,
    sure: Sure,
    /// Whether names are exchanged if the file system can.
    pub(super) exchanges: bool,
}

impl<'a> Step<'a> {
    /// Looks at a target and changes nothing.
    pub(super) fn plan(
        change: &Change<'a>,
        folders: &mut Folders,
        names: [OsString; 2],
    ) -> Result<Self, FsError> {
        let failed = |errno| told(change.path, errno);
        let plain = plain(change.path)?;
        let (Some(parent), Some(name)) = (plain.parent(), plain.file_name()) else {
            return Err(failed(Errno::XDEV));
        };
        // What is expected and not there has changed; what is only to be deleted has to be there.
        let needed = change.content.is_none() && !matches!(change.expected, Expected::Content(_));
        let folder = match folders.open(parent, false) {
            Err(Errno::NOENT) if !needed => None,
            opened => Some(opened.map_err(failed)?),
        };
        let old = match &folder {
            Some(folder) => target(folder, name).map_err(failed)?,
            None => None,
        };
        if old.is_none() && needed {
            return Err(failed(Errno::NOENT));
        }
        let mode = change.mode.or(old.as_ref().map(|old| old.mode)).map(permissions);
        Ok(Self {
            path: change.path,
            plain,
            content: change.content,
            expected: change.expected,
            mode,
            old,
            names,
            folder,
            fresh: None,
            kept: None,
            as_expected: false,
            sure: Sure::No,
            exchanges: true,
        })
    }

    /// Writes the new content beside the target, whose folder is made if it is not there.
    pub(super) fn stage(&mut self, folders: &mut Folders, synced: bool) -> Result<(), FsError> {
        let failed = |errno| told(self.path, errno);
        let Some(content) = self.content else { return Ok(()) };
        let folder = if let Some(folder) = &self.folder {
            Rc::clone(folder)
        } else {
            let parent = self.plain.parent().unwrap_or(Path::new(""));
            Rc::clone(self.folder.insert(folders.open(parent, true).map_err(failed)?))
        };
        let (file, mode) = create(&folder, &self.names[0], self.mode).map_err(failed)?;
        // Noted before it is complete, so that dropping the step finds it.
        self.fresh = Some(self.names[0].clone());
        fill(file, content, mode, synced).map_err(failed)
    }

    /// The permission bits to set, if any are given.
    pub fn mode_bits(&self) -> Option<u32> {
        self.mode.map(|mode| bits(mode.as_raw_mode()))
    }

    /// Whether the target is not what was expected.
    pub(super) fn has_changed(&self) -> bool {
        match (self.expected, &self.old) {
            (Expected::Anything, _) | (Expected::Nothing, None) => false,
            (Expected::Nothing, Some(_)) | (Expected::Content(_), None) => true,
            (Expected::Content(content), Some(old)) => match self.place() {
                Ok((folder, name)) => look(&folder, name, content, Some(old.mode), false).is_err(),
                Err(_) => true,
            },
        }
    }

    fn place(&self) -> Result<(Rc<OwnedFd>, &OsStr), Errno> {
        let folder = self.folder.as_ref().ok_or(Errno::NOENT)?;
        Ok((Rc::clone(folder), self.plain.file_name().ok_or(Errno::XDEV)?))
    }

    fn moved(&self, moved: Moved) -> FsError {
        FsError::Changed { paths: vec![self.path.to_path_buf()], busy: moved == Moved::Busy }
    }

    /// Changes the target in one step, keeps what was there, and takes it back if that is not what was expected.
    pub(super) fn take(&mut self) -> Result<(), FsError> {
        self.put().map_err(|errno| match errno {
            // Something was deleted there, or made.
            Errno::NOENT | Errno::EXIST if self.expected != Expected::Anything => self.moved(Moved::Changed),
            errno => told(self.path, errno),
        })?;
        match self.check(true) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.take_back().err().unwrap_or(failure)),
        }
    }

    pub(super) fn put(&mut self) -> Result<(), Errno> {
        let (folder, name) = self.place()?;
        let [fresh, old] = &self.names;
        if self.content.is_none() {
            rustix::fs::renameat(&folder, name, &folder, old)?;
            self.kept = Some(old.clone());
        } else if self.old.is_none() {
            rename_to_new(&folder, fresh, name)?;
            self.fresh = None;
        } else if self.exchanges && exchange(&folder, fresh, name)? {
            self.kept = self.fresh.take();
        } else {
            replace(&folder, fresh, name, old, || self.holds_expected(&folder, old, false).is_ok())?;
            self.kept = Some(old.clone());
            self.fresh = None;
        }
        Ok(())
    }

    fn holds_expected(&self, folder: &OwnedFd, name: &OsStr, ask: bool) -> Result<Sure, Moved> {
        match (self.expected, &self.old) {
            (Expected::Content(content), Some(old)) => look(folder, name, content, Some(old.mode), ask),
            _ => Ok(Sure::Yes),
        }
    }

    /// Looks at what was there. `ask`: nobody may have it open for writing either.
    fn check(&mut self, ask: bool) -> Result<(), FsError> {
        let found = match (&self.kept, &self.folder) {
            (Some(kept), Some(folder)) => self.holds_expected(folder, kept, ask),
            _ => Ok(Sure::Yes),
        };
        self.as_expected = found.is_ok();
        self.sure = found.map_err(|moved| self.moved(moved))?;
        Ok(())
    }

    /// Looks once more, right before what was there goes: at its mode always, for that is set without opening it.
    /// What a program that had found the file by its name sets later still goes with it; no call can close that.
    pub(super) fn check_again(&mut self) -> Result<(), FsError> {
        if self.sure == Sure::Yes && self.has_its_mode() { Ok(()) } else { self.check(false) }
    }

    fn has_its_mode(&self) -> bool {
        let (Some(kept), Some(folder), Some(old)) = (&self.kept, &self.folder, &self.old) else {
            return true;
        };
        target(folder, kept).is_ok_and(|now| now.is_some_and(|now| now.mode == old.mode))
    }

    pub(super) fn take_back(&mut self) -> Result<(), FsError> {
        self.put_back().map_err(|errno| FsError::Torn {
            path: self.path.to_path_buf(),
            // From here on nobody removes it.
            kept: self.kept.take().map(|kept| self.path.with_file_name(kept)),
            source: errno.into(),
        })
    }

    fn put_back(&mut self) -> Result<(), Errno> {
        let (folder, name) = self.place()?;
        match (&self.kept, self.content) {
            (Some(kept), None) => rename_to_new(&folder, kept, name),
            (Some(kept), Some(content)) => {
                let ours = Ours { content, mode: self.mode_bits() };
                match put_back(&folder, kept, name, &[ours])? {
                    Back::Done => Ok(()),
                    // Somebody has deleted it meanwhile; a text that only they know is not deleted with it.
                    Back::Gone if self.as_expected => Ok(()),
                    Back::Gone => rename_to_new(&folder, kept, name),
                    Back::Taken => Err(Errno::EXIST),
                }
            }
            (None, Some(content)) => {
                let away = &self.names[0];
                match rename_to_new(&folder, name, away) {
                    Err(Errno::NOENT) => return Ok(()),
                    moved => moved?,
                }
                if look(&folder, away, content, None, true).is_ok() {
                    self.fresh = Some(away.clone());
                    return Ok(());
                }
                if rename_to_new(&folder, away, name).is_err() {
                    self.kept = Some(away.clone());
                }
                Err(Errno::EXIST)
            }
            (None, None) => Ok(()),
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let Some(folder) = &self.folder else { return };
        for name in self.fresh.iter().chain(&self.kept) {
            // A file that stays behind is litter, no reason to fail.
            let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
        }
    }
}
