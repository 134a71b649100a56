//! Several files changed as one, each only while it is what was expected.
//!
//! Nothing that another program wrote is removed: a name goes only when its content, seen through a handle, is what we
//! wrote or what was expected. A file that is found changed at the exchange takes the whole batch back, which keeps to
//! all or nothing. Taking back can lose nothing either: where somebody has saved over what we wrote, the newest text
//! stays, the old one is kept beside it, and both are told.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Links, Stamp, open_beneath, open_root, plain, told};
use crate::exchange::{Back, Moved, Sure, exchange, look, put_back, rename_to_new, replace};
use crate::{Change, Expected, FsError};

/// Changes that are ready to happen. Dropping it removes whatever it left beside the targets.
pub struct Batch<'a> {
    /// Names the files that lie beside the targets for a while.
    pub id: u64,
    pub steps: Vec<Step<'a>>,
    folders: Folders,
    synced: bool,
}

/// One target.
pub struct Step<'a> {
    /// The path as it was given.
    path: &'a Path,
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
    kept: Option<OsString>,
    /// Whether the old content is out of place and was found as expected.
    as_expected: bool,
    sure: Sure,
    /// Whether names are exchanged if the file system can.
    exchanges: bool,
}

impl<'a> Batch<'a> {
    /// Looks at all targets and changes nothing. `synced`: what is written reaches the disk before it counts.
    pub fn plan(root: &Path, changes: &[Change<'a>], synced: bool) -> Result<Self, FsError> {
        Self::plan_as(new_id(), root, changes, synced)
    }

    /// The same, with a number that the caller chooses.
    pub fn plan_as(id: u64, root: &Path, changes: &[Change<'a>], synced: bool) -> Result<Self, FsError> {
        let steps = Vec::with_capacity(changes.len());
        let mut batch = Self { id, steps, folders: Folders::new(open_root(root)?), synced };
        let mut writes = BTreeMap::new();
        for change in changes {
            let step = batch.plan_one(change)?;
            let invalid = |reason| FsError::Invalid { path: change.path.to_path_buf(), reason };
            if writes.insert(step.plain.clone(), step.content.is_some()).is_some() {
                return Err(invalid("the path stands twice in one batch"));
            }
            batch.steps.push(step);
        }
        for step in &batch.steps {
            if step.plain.ancestors().skip(1).any(|above| writes.get(above) == Some(&true)) {
                let path = step.path.to_path_buf();
                return Err(FsError::Invalid {
                    path,
                    reason: "the path lies beneath another file of the batch",
                });
            }
        }
        let moved = batch.steps.iter().filter(|step| step.has_changed());
        let paths: Vec<_> = moved.map(|step| step.path.to_path_buf()).collect();
        if !paths.is_empty() {
            return Err(FsError::Changed { paths, busy: false });
        }
        Ok(batch)
    }

    fn plan_one(&mut self, change: &Change<'a>) -> Result<Step<'a>, FsError> {
        let failed = |errno| told(change.path, errno);
        let plain = plain(change.path)?;
        let (Some(parent), Some(name)) = (plain.parent(), plain.file_name()) else {
            return Err(failed(Errno::XDEV));
        };
        // What is expected and not there has changed; what is only to be deleted has to be there.
        let needed = change.content.is_none() && !matches!(change.expected, Expected::Content(_));
        let folder = match self.folders.open(parent, false) {
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
        Ok(Step {
            path: change.path,
            plain,
            content: change.content,
            expected: change.expected,
            mode,
            old,
            names: beside(self.id, self.steps.len()),
            folder,
            fresh: None,
            kept: None,
            as_expected: false,
            sure: Sure::No,
            exchanges: true,
        })
    }

    /// Writes all new content beside its target; changes no target.
    pub fn stage(&mut self) -> Result<(), FsError> {
        for step in &mut self.steps {
            let failed = |errno| told(step.path, errno);
            let Some(content) = step.content else { continue };
            let folder = if let Some(folder) = &step.folder {
                Rc::clone(folder)
            } else {
                let parent = step.plain.parent().unwrap_or(Path::new(""));
                Rc::clone(step.folder.insert(self.folders.open(parent, true).map_err(failed)?))
            };
            let (file, mode) = create(&folder, &step.names[0], step.mode).map_err(failed)?;
            // Noted before it is complete, so that dropping the batch finds it.
            step.fresh = Some(step.names[0].clone());
            fill(file, content, mode, self.synced).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts everything in place, or takes back what was put.
    pub fn commit(mut self) -> Result<(), FsError> {
        for index in 0..self.steps.len() {
            if let Err(failure) = self.steps[index].take() {
                return Err(self.take_back(index).unwrap_or(failure));
            }
        }
        // Somebody who had a file open all the time may have written to it since.
        for index in 0..self.steps.len() {
            if let Err(failure) = self.steps[index].check_again() {
                return Err(self.take_back(self.steps.len()).unwrap_or(failure));
            }
        }
        self.folders.keep(self.synced);
        Ok(())
    }

    /// Takes some steps and no more.
    #[cfg(test)]
    pub fn die_after(&mut self, steps: usize) {
        for step in self.steps.iter_mut().take(steps) {
            assert!(step.take().is_ok());
        }
    }

    /// Puts one file in place and does not come to look at what was there.
    #[cfg(test)]
    pub fn die_before_the_look(&mut self, index: usize) {
        assert!(self.steps[index].put().is_ok());
    }

    /// Takes back the steps before `index`, the last first, and goes on if one cannot be taken back.
    fn take_back(&mut self, index: usize) -> Option<FsError> {
        let mut torn = None;
        for step in self.steps[..index].iter_mut().rev() {
            torn = step.take_back().err().or(torn);
        }
        torn
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for step in &self.steps {
            let Some(folder) = &step.folder else { continue };
            for name in step.fresh.iter().chain(&step.kept) {
                // A file that stays behind is litter, no reason to fail.
                let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
            }
        }
    }
}

impl Step<'_> {
    /// The permission bits to set, if any are given.
    pub fn mode_bits(&self) -> Option<u32> {
        self.mode.map(|mode| crate::beneath::bits(mode.as_raw_mode()))
    }

    /// Whether the target is not what was expected.
    fn has_changed(&self) -> bool {
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
    fn take(&mut self) -> Result<(), FsError> {
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

    fn put(&mut self) -> Result<(), Errno> {
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

    fn check_again(&mut self) -> Result<(), FsError> {
        if self.sure == Sure::Yes { Ok(()) } else { self.check(false) }
    }

    fn take_back(&mut self) -> Result<(), FsError> {
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
            (Some(kept), Some(content)) => match put_back(&folder, kept, name, &[content])? {
                Back::Done => Ok(()),
                // Somebody has deleted it meanwhile; a text that only they know is not deleted with it.
                Back::Gone if self.as_expected => Ok(()),
                Back::Gone => rename_to_new(&folder, kept, name),
                Back::Taken => Err(Errno::EXIST),
            },
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

/// The folders of a batch, each opened once, and those that were made for it.
struct Folders {
    opened: BTreeMap<PathBuf, Rc<OwnedFd>>,
    made: Vec<(Rc<OwnedFd>, OsString)>,
}

impl Folders {
    fn new(root: OwnedFd) -> Self {
        Self { opened: BTreeMap::from([(PathBuf::new(), Rc::new(root))]), made: Vec::new() }
    }

    /// Opens a folder by its plain path from the root; makes it, and those above it, if `create`.
    fn open(&mut self, path: &Path, create: bool) -> Result<Rc<OwnedFd>, Errno> {
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
    fn keep(&mut self, synced: bool) {
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

/// Makes an empty file, and tells which mode is still to be set. No mode is ever wider than the one wanted.
pub fn create(folder: &OwnedFd, name: &OsStr, mode: Option<Mode>) -> Result<(File, Option<Mode>), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, mode.unwrap_or(permissions(0o666)))?;
    let has = Mode::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    Ok((File::from(file), mode.filter(|mode| *mode != has)))
}

pub fn fill(mut file: File, content: &[u8], mode: Option<Mode>, synced: bool) -> Result<(), Errno> {
    file.write_all(content).map_err(|error| errno_of(&error))?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(&file, mode)?;
    }
    if synced { rustix::fs::fsync(&file) } else { Ok(()) }
}

pub fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;

    use super::*;

    fn write<'a>(path: &'a str, content: &'a str) -> Change<'a> {
        Change {
            path: Path::new(path),
            content: Some(content.as_bytes()),
            mode: None,
            expected: Expected::Anything,
        }
    }

    fn delete(path: &str) -> Change<'_> {
        Change { path: Path::new(path), content: None, mode: None, expected: Expected::Anything }
    }

    fn run(root: &Path, changes: &[Change<'_>]) -> Result<(), FsError> {
        crate::write_batch(root, changes, None)
    }

    fn staged<'a>(root: &Path, changes: &[Change<'a>]) -> Batch<'a> {
        let mut batch = Batch::plan(root, changes, false).unwrap();
        batch.stage().unwrap();
        batch
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// All names beneath a folder with the content of files, sorted.
    fn snapshot(root: &Path) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !path.is_symlink() {
                all.push((format!("{name}/"), String::new()));
                all.extend(snapshot(&path).into_iter().map(|(n, c)| (format!("{name}/{n}"), c)));
            } else {
                all.push((name, fs::read_to_string(&path).unwrap_or_default()));
            }
        }
        all.sort();
        all
    }

    fn sample() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old a").unwrap();
        fs::write(root.path().join("b"), "old b").unwrap();
        fs::create_dir(root.path().join("folder")).unwrap();
        root
    }

    fn expect(root: &Path, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(n, c)| ((*n).to_owned(), (*c).to_owned())).collect();
        assert_eq!(snapshot(root), expected);
    }

    #[test]
    fn writes_makes_and_deletes() {
        let root = sample();
        let changes = [write("a", "new a"), delete("b"), write("x/y/c", "c"), write("x/d", "d")];
        run(root.path(), &changes).unwrap();
        expect(
            root.path(),
            &[("a", "new a"), ("folder/", ""), ("x/", ""), ("x/d", "d"), ("x/y/", ""), ("x/y/c", "c")],
        );
    }

    #[test]
    fn modes_are_kept_or_set() {
        let root = sample();
        let a = root.path().join("a");
        fs::set_permissions(&a, fs::Permissions::from_mode(0o4750)).unwrap();
        run(root.path(), &[write("a", "1")]).unwrap();
        assert_eq!(mode_of(&a), 0o750);
        let with_mode = |path, mode| Change { mode: Some(mode), ..write(path, "2") };
        run(root.path(), &[with_mode("a", 0o600), with_mode("new", 0o4755)]).unwrap();
        assert_eq!(mode_of(&a), 0o600);
        assert_eq!(mode_of(&root.path().join("new")), 0o755);
    }

    #[test]
    fn a_bad_change_spoils_the_whole_batch() {
        let outside = tempfile::tempdir().unwrap();
        let root = sample();
        symlink(outside.path(), root.path().join("link")).unwrap();
        symlink("a", root.path().join("inner")).unwrap();
        let before = snapshot(root.path());
        let bad = [
            write("../x", ""),
            write("/x", ""),
            write("", ""),
            write("link/x", ""),
            write("link/deep/x", ""),
            write("link", ""),
            write("inner", ""),
            delete("inner"),
            delete("missing"),
            delete("missing/file"),
            write("folder", ""),
            write("a/below", ""),
            write("./a", "twice"),
        ];
        for change in bad {
            let changes = [write("a", "new"), write("deep/er/c", ""), delete("b"), change];
            assert!(run(root.path(), &changes).is_err(), "{change:?}");
            assert_eq!(snapshot(root.path()), before, "{change:?}");
        }
        assert!(snapshot(outside.path()).is_empty());
    }

    #[test]
    fn errors_are_told_apart() {
        let root = sample();
        symlink("/", root.path().join("link")).unwrap();
        let fails = |change| run(root.path(), &[change]).unwrap_err();
        assert!(matches!(fails(write("link/etc/x", "")), FsError::Outside { .. }));
        assert!(matches!(fails(write("a/../../x", "")), FsError::Outside { .. }));
        assert!(matches!(fails(delete("x")), FsError::NotFound { .. }));
        assert!(matches!(fails(write("folder", "")), FsError::NotAFile { .. }));
        assert!(matches!(fails(write("a/x", "")), FsError::Io { .. }));
        for pair in [["c", "c"], ["c", "./c"], ["c", "c/d"], ["c/d/e", "c"]] {
            let both = run(root.path(), &pair.map(|path| write(path, ""))).unwrap_err();
            assert!(matches!(both, FsError::Invalid { .. }), "{both:?}");
        }
    }

    #[test]
    fn a_failure_in_the_middle_is_taken_back() {
        let root = sample();
        let changes = [write("new/c", "c"), write("a", "new a"), delete("b"), write("late", "mine")];
        let batch = staged(root.path(), &changes);
        // Somebody makes the last file after it was found free.
        fs::write(root.path().join("late"), "theirs").unwrap();
        assert!(batch.commit().is_err());
        expect(root.path(), &[("a", "old a"), ("b", "old b"), ("folder/", ""), ("late", "theirs")]);
    }

    #[test]
    fn what_cannot_be_taken_back_is_told_and_kept() {
        let root = sample();
        let changes = [write("a", "new a"), delete("b")];
        let mut batch = staged(root.path(), &changes);
        batch.die_after(2);
        fs::remove_file(root.path().join("a")).unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        let Some(FsError::Torn { kept: Some(kept), .. }) = batch.take_back(2) else {
            panic!("a folder cannot be replaced by a file");
        };
        drop(batch);
        assert_eq!(fs::read_to_string(root.path().join(kept)).unwrap(), "old a");
        assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "old b");
    }

    fn over<'a>(path: &'a str, content: &'a str, old: &'a str) -> Change<'a> {
        Change { expected: Expected::Content(old.as_bytes()), ..write(path, content) }
    }

    fn anew<'a>(path: &'a str, content: &'a str) -> Change<'a> {
        Change { expected: Expected::Nothing, ..write(path, content) }
    }

    /// A batch that replaces, deletes and makes files, with or without the exchange of names.
    fn expecting(root: &Path, exchanges: bool) -> Batch<'static> {
        let gone = Change { expected: Expected::Content(b"old b"), ..delete("b") };
        let mut batch = staged(root, &[over("a", "new a", "old a"), gone, anew("c", "new c")]);
        batch.steps.iter_mut().for_each(|step| step.exchanges = exchanges);
        batch
    }

    const OLD: [(&str, &str); 3] = [("a", "old a"), ("b", "old b"), ("folder/", "")];

    #[test]
    fn what_is_as_expected_is_changed() {
        for exchanges in [true, false] {
            let root = sample();
            expecting(root.path(), exchanges).commit().unwrap();
            expect(root.path(), &[("a", "new a"), ("c", "new c"), ("folder/", "")]);
        }
    }

    #[test]
    fn all_that_has_changed_before_is_told() {
        let root = sample();
        let gone = Change { expected: Expected::Content(b"x"), ..delete("x/y") };
        let changes =
            [over("a", "1", "old a"), over("b", "2", "other"), anew("a2", "3"), gone, over("c", "4", "")];
        match run(root.path(), &changes) {
            Err(FsError::Changed { paths, busy: false }) => {
                assert_eq!(paths, ["b", "x/y", "c"].map(PathBuf::from));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(run(root.path(), &[anew("a", "")]), Err(FsError::Changed { .. })));
        expect(root.path(), &OLD);
    }

    /// What somebody else does after the batch was planned, and what the files are after the batch then.
    type Meanwhile = (fn(&Path), &'static [(&'static str, &'static str)]);

    #[test]
    fn a_file_that_changes_at_the_last_moment_takes_the_batch_back() {
        let cases: [Meanwhile; 6] = [
            (|root| fs::write(root.join("a"), "theirs").unwrap(), &[("a", "theirs"), OLD[1], OLD[2]]),
            (|root| fs::write(root.join("b"), "theirs").unwrap(), &[OLD[0], ("b", "theirs"), OLD[2]]),
            (|root| fs::write(root.join("c"), "theirs").unwrap(), &[OLD[0], OLD[1], ("c", "theirs"), OLD[2]]),
            (|root| fs::remove_file(root.join("a")).unwrap(), &[OLD[1], OLD[2]]),
            (|root| fs::remove_file(root.join("b")).unwrap(), &[OLD[0], OLD[2]]),
            (|root| fs::set_permissions(root.join("b"), fs::Permissions::from_mode(0o600)).unwrap(), &OLD),
        ];
        for (meanwhile, after) in cases {
            for exchanges in [true, false] {
                let root = sample();
                let batch = expecting(root.path(), exchanges);
                meanwhile(root.path());
                let failure = batch.commit().unwrap_err();
                assert!(matches!(failure, FsError::Changed { busy: false, .. }), "{failure:?}");
                expect(root.path(), after);
            }
        }
    }

    #[test]
    fn a_link_or_a_folder_in_the_place_is_put_back() {
        for folder in [true, false] {
            let root = sample();
            let batch = expecting(root.path(), true);
            let a = root.path().join("a");
            fs::remove_file(&a).unwrap();
            if folder {
                fs::create_dir(&a).unwrap();
            } else {
                symlink("b", &a).unwrap();
            }
            assert!(matches!(batch.commit(), Err(FsError::Changed { .. })));
            assert_eq!(a.is_dir(), folder);
            assert_eq!(a.is_symlink(), !folder);
            assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "old b");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_has_a_file_open_for_writing_keeps_it() {
        let root = sample();
        let mut theirs = fs::OpenOptions::new().append(true).open(root.path().join("b")).unwrap();
        let failure = expecting(root.path(), true).commit().unwrap_err();
        assert!(matches!(failure, FsError::Changed { busy: true, .. }), "{failure:?}");
        theirs.write_all(b", and theirs").unwrap();
        expect(root.path(), &[OLD[0], ("b", "old b, and theirs"), OLD[2]]);
    }

    #[test]
    fn what_was_written_to_a_file_after_it_was_exchanged_is_seen() {
        let root = sample();
        let mut theirs = fs::OpenOptions::new().append(true).open(root.path().join("a")).unwrap();
        let mut batch = staged(root.path(), &[over("a", "new a", "old a"), write("c", "new c")]);
        // As where the system does not tell who has it open.
        batch.steps[0].put().unwrap();
        theirs.write_all(b", and theirs").unwrap();
        assert!(matches!(batch.steps[0].check_again(), Err(FsError::Changed { .. })));
        assert!(batch.take_back(1).is_none());
        drop(batch);
        expect(root.path(), &[("a", "old a, and theirs"), OLD[1], OLD[2]]);
    }

    #[test]
    fn a_text_that_was_saved_over_ours_stays_when_the_batch_is_taken_back() {
        for exchanges in [true, false] {
            let root = sample();
            let mut batch = expecting(root.path(), exchanges);
            batch.die_after(3);
            fs::write(root.path().join("a"), "newest a").unwrap();
            fs::write(root.path().join("b"), "newest b").unwrap();
            fs::write(root.path().join("c"), "newest c").unwrap();
            let kept = match batch.take_back(3) {
                Some(FsError::Torn { kept: Some(kept), .. }) => kept,
                other => panic!("{other:?}"),
            };
            drop(batch);
            for name in ["a", "b", "c"] {
                assert_eq!(fs::read_to_string(root.path().join(name)).unwrap(), format!("newest {name}"));
            }
            let left: Vec<_> =
                snapshot(root.path()).into_iter().filter(|(name, _)| name.contains(".wainwright-")).collect();
            assert_eq!(left.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["old a", "old b"]);
            assert!(root.path().join(kept).exists());
        }
    }

    #[test]
    fn a_file_that_was_deleted_meanwhile_stays_deleted_when_the_batch_is_taken_back() {
        let root = sample();
        let mut batch = expecting(root.path(), true);
        batch.die_after(3);
        fs::remove_file(root.path().join("a")).unwrap();
        fs::remove_file(root.path().join("c")).unwrap();
        assert!(batch.take_back(3).is_none());
        drop(batch);
        expect(root.path(), &OLD[1..]);
    }

    #[test]
    fn a_staged_batch_that_is_dropped_leaves_nothing() {
        let root = sample();
        let before = snapshot(root.path());
        drop(staged(root.path(), &[write("a", "x"), write("n/m/c", "c")]));
        assert_eq!(snapshot(root.path()), before);
    }

    #[test]
    fn a_folder_swapped_for_a_link_leads_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        let root = sample();
        let folder = root.path().join("folder");
        let batch = staged(root.path(), &[write("folder/x", "x")]);
        fs::rename(&folder, root.path().join("moved")).unwrap();
        symlink(outside.path(), &folder).unwrap();
        batch.commit().unwrap();
        assert!(snapshot(outside.path()).is_empty());
        assert!(root.path().join("moved/x").exists());
    }

    #[test]
    fn many_files_in_one_folder_need_one_handle() {
        let root = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3000).map(|n| format!("d/f{n}")).collect();
        let changes: Vec<_> = names.iter().map(|name| write(name, "")).collect();
        let batch = staged(root.path(), &changes);
        assert_eq!(batch.folders.opened.len(), 2);
        drop(batch);
        assert!(snapshot(root.path()).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_batch_is_done_whole_or_not_at_all(
            wanted in prop::collection::vec(("[ab./]{0,6}|folder/[ab]|link/x|out/x", prop::option::of("[xy]{0,9}")), 0..5),
        ) {
            let place = tempfile::tempdir().unwrap();
            let root = place.path().join("root");
            fs::create_dir_all(root.join("folder/b")).unwrap();
            fs::write(root.join("a"), "old").unwrap();
            symlink("folder", root.join("link")).unwrap();
            symlink("..", root.join("out")).unwrap();
            let before = snapshot(place.path());
            let changes: Vec<_> = wanted
                .iter()
                .map(|(path, content)| content.as_ref().map_or(delete(path), |content| write(path, content)))
                .collect();
            if run(&root, &changes).is_ok() {
                for (path, content) in &wanted {
                    let read = crate::read_beneath(&root, Path::new(path), 9).ok();
                    prop_assert_eq!(read.as_deref(), content.as_deref().map(str::as_bytes));
                }
                prop_assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
            } else {
                prop_assert_eq!(snapshot(place.path()), before);
            }
        }

        #[test]
        fn nothing_beside_the_root_is_read(path in "[ab./]{0,8}|(out|link|a)(/(out|root|secret|b|\\.\\.)){0,4}") {
            let place = tempfile::tempdir().unwrap();
            let root = place.path().join("root");
            fs::create_dir_all(root.join("a")).unwrap();
            fs::write(root.join("a/b"), "inside").unwrap();
            fs::write(place.path().join("secret"), "outside").unwrap();
            symlink("..", root.join("out")).unwrap();
            symlink("a", root.join("link")).unwrap();
            if let Ok(read) = crate::read_beneath(&root, Path::new(&path), 99) {
                prop_assert_eq!(read, b"inside");
            }
        }
    }
}
