//! Several files changed as one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Links, open_beneath, open_root, plain, told};
use crate::{Change, FsError};

/// Changes that are ready to happen. Dropping it removes whatever it left beside the targets.
pub struct Batch {
    folders: Folders,
    steps: Vec<Step>,
}

/// One target with its new content and its old content beside it.
struct Step {
    /// The path as it was given.
    path: PathBuf,
    folder: Rc<OwnedFd>,
    name: OsString,
    /// The file with the new content; `None` when the target is to be deleted, and when the step is taken.
    fresh: Option<OsString>,
    /// The file with the old content; `None` if there was no target.
    kept: Option<OsString>,
}

impl Batch {
    /// Writes all new content beside its target and keeps all old content; changes no target.
    pub fn stage(root: &Path, changes: &[Change<'_>]) -> Result<Self, FsError> {
        let mut batch =
            Self { folders: Folders::new(open_root(root)?), steps: Vec::with_capacity(changes.len()) };
        let mut seen = BTreeSet::new();
        for change in changes {
            let plain = plain(change.path)?;
            batch.stage_one(change, &plain)?;
            if !seen.insert(plain) {
                return Err(FsError::Invalid {
                    path: change.path.to_path_buf(),
                    reason: "the path stands twice in one batch",
                });
            }
        }
        Ok(batch)
    }

    fn stage_one(&mut self, change: &Change<'_>, plain: &Path) -> Result<(), FsError> {
        let failed = |errno| told(change.path, errno);
        let (Some(parent), Some(name)) = (plain.parent(), plain.file_name()) else {
            return Err(failed(Errno::XDEV));
        };
        let create = change.content.is_some();
        let folder = self.folders.open(parent, create).map_err(failed)?;
        let old_mode = target_mode(&folder, name).map_err(failed)?;
        if old_mode.is_none() && !create {
            return Err(failed(Errno::NOENT));
        }
        // Pushed before it is complete, so that dropping the batch finds what was made so far.
        self.steps.push(Step {
            path: change.path.to_path_buf(),
            folder,
            name: name.to_owned(),
            fresh: None,
            kept: None,
        });
        let Some(step) = self.steps.last_mut() else {
            return Ok(());
        };
        if let Some(mode) = old_mode {
            step.keep(mode).map_err(failed)?;
        }
        if let Some(content) = change.content {
            let mode = change.mode.map(permissions).or(old_mode);
            step.write_fresh(content, mode).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts everything in place, or takes back what was put.
    pub fn commit(mut self) -> Result<(), FsError> {
        for index in 0..self.steps.len() {
            if let Err(errno) = self.steps[index].take() {
                let failure = told(&self.steps[index].path, errno);
                let torn = self.take_back(index);
                return Err(torn.unwrap_or(failure));
            }
        }
        self.folders.settle();
        Ok(())
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

impl Drop for Batch {
    fn drop(&mut self) {
        for step in &self.steps {
            for name in step.fresh.iter().chain(&step.kept) {
                // A file that stays behind is litter, no reason to fail.
                let _ = rustix::fs::unlinkat(&step.folder, name, AtFlags::empty());
            }
        }
    }
}

impl Step {
    /// Gives the old content a second name; where the file system or its rules forbid that, copies it.
    fn keep(&mut self, mode: Mode) -> Result<(), Errno> {
        let folder = &self.folder;
        let linked =
            with_fresh_name(|kept| rustix::fs::linkat(folder, &self.name, folder, kept, AtFlags::empty()));
        if let Ok((kept, ())) = linked {
            self.kept = Some(kept);
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let old = open_beneath(folder.as_fd(), Path::new(&self.name), flags, Links::Refuse)?;
        let mut content = Vec::new();
        File::from(old).read_to_end(&mut content).map_err(|error| errno_of(&error))?;
        let (kept, file) = create(folder, Mode::RUSR | Mode::WUSR)?;
        self.kept = Some(kept);
        fill(file, &content, Some(mode))
    }

    fn write_fresh(&mut self, content: &[u8], mode: Option<Mode>) -> Result<(), Errno> {
        // A file that will have a mode of its own is nobody else's business until it has it.
        let at_first = match mode {
            Some(_) => Mode::RUSR | Mode::WUSR,
            None => permissions(0o666),
        };
        let (fresh, file) = create(&self.folder, at_first)?;
        self.fresh = Some(fresh);
        fill(file, content, mode)
    }

    /// Changes the target in one step.
    fn take(&mut self) -> Result<(), Errno> {
        let (folder, name) = (&self.folder, &self.name);
        match &self.fresh {
            None => rustix::fs::unlinkat(folder, name, AtFlags::empty())?,
            Some(fresh) if self.kept.is_some() => {
                rustix::fs::renameat(folder, fresh, folder, name)?;
            }
            Some(fresh) => rename_to_new(folder, fresh, name)?,
        }
        self.fresh = None;
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), FsError> {
        let (folder, name) = (&self.folder, &self.name);
        let kept = self.kept.take();
        let done = match &kept {
            Some(kept) => rustix::fs::renameat(folder, kept, folder, name),
            None => match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
                Err(Errno::NOENT) => Ok(()),
                done => done,
            },
        };
        done.map_err(|errno| FsError::Torn {
            path: self.path.clone(),
            kept: kept.map(|kept| self.path.with_file_name(kept)),
            source: errno.into(),
        })
    }
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

    /// Keeps the new folders and asks the disk to remember all names.
    fn settle(&mut self) {
        self.made.clear();
        for folder in self.opened.values() {
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

/// The permissions of the target; `None` if there is none. Only a regular file may be a target.
fn target_mode(folder: &OwnedFd, name: &OsStr) -> Result<Option<Mode>, Errno> {
    let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Some(Mode::from_raw_mode(stat.st_mode) & permissions(0o777))),
        FileType::Symlink => Err(Errno::LOOP),
        _ => Err(Errno::ISDIR),
    }
}

/// The permission bits of a number; never set-user-id and the like.
fn permissions(bits: u32) -> Mode {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        trivial_numeric_casts,
        reason = "the width of a mode depends on the system, and nine bits fit all"
    )]
    Mode::from_raw_mode((bits & 0o777) as RawMode)
}

/// Calls `make` with new names until one is free.
fn with_fresh_name<T>(mut make: impl FnMut(&OsStr) -> Result<T, Errno>) -> Result<(OsString, T), Errno> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".wainwright-{}-{number}.tmp", std::process::id());
        let name = OsString::from(name);
        match make(&name) {
            Err(Errno::EXIST) => {}
            outcome => return outcome.map(|made| (name, made)),
        }
    }
}

fn create(folder: &OwnedFd, mode: Mode) -> Result<(OsString, File), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (name, file) = with_fresh_name(|name| rustix::fs::openat(folder, name, flags, mode))?;
    Ok((name, File::from(file)))
}

/// Writes the content to the disk itself, with its mode.
fn fill(mut file: File, content: &[u8], mode: Option<Mode>) -> Result<(), Errno> {
    file.write_all(content).map_err(|error| errno_of(&error))?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(&file, mode)?;
    }
    rustix::fs::fsync(&file)
}

/// Renames to a name that was free when the batch was staged, and still has to be.
fn rename_to_new(folder: &OwnedFd, fresh: &OsStr, name: &OsStr) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(folder, fresh, folder, name, rustix::fs::RenameFlags::NOREPLACE) {
        // Not every file system knows how.
        Err(Errno::INVAL | Errno::NOSYS) => {}
        renamed => return renamed,
    }
    rustix::fs::renameat(folder, fresh, folder, name)
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn write<'a>(path: &'a str, content: &'a str) -> Change<'a> {
        Change { path: Path::new(path), content: Some(content.as_bytes()), mode: None }
    }

    fn delete(path: &str) -> Change<'_> {
        Change { path: Path::new(path), content: None, mode: None }
    }

    fn run(root: &Path, changes: &[Change<'_>]) -> Result<(), FsError> {
        crate::write_batch(root, changes)
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
        let twice = run(root.path(), &[write("c", ""), write("c", "")]).unwrap_err();
        assert!(matches!(twice, FsError::Invalid { .. }));
    }

    #[test]
    fn a_failure_in_the_middle_is_taken_back() {
        let root = sample();
        let changes = [write("new/c", "c"), write("a", "new a"), delete("b"), write("late", "mine")];
        let batch = Batch::stage(root.path(), &changes).unwrap();
        // Somebody makes the last file after it was found free.
        fs::write(root.path().join("late"), "theirs").unwrap();
        assert!(batch.commit().is_err());
        expect(root.path(), &[("a", "old a"), ("b", "old b"), ("folder/", ""), ("late", "theirs")]);
    }

    #[test]
    fn what_cannot_be_taken_back_is_told_and_kept() {
        let root = sample();
        let changes = [write("a", "new a"), delete("b")];
        let mut batch = Batch::stage(root.path(), &changes).unwrap();
        batch.steps[0].take().unwrap();
        batch.steps[1].take().unwrap();
        fs::remove_file(root.path().join("a")).unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        let Some(FsError::Torn { kept: Some(kept), .. }) = batch.take_back(2) else {
            panic!("a folder cannot be replaced by a file");
        };
        drop(batch);
        assert_eq!(fs::read_to_string(root.path().join(kept)).unwrap(), "old a");
        assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "old b");
    }

    #[test]
    fn a_staged_batch_that_is_dropped_leaves_nothing() {
        let root = sample();
        let before = snapshot(root.path());
        drop(Batch::stage(root.path(), &[write("a", "x"), write("n/m/c", "c")]).unwrap());
        assert_eq!(snapshot(root.path()), before);
    }

    #[test]
    fn a_folder_swapped_for_a_link_leads_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        let root = sample();
        let folder = root.path().join("folder");
        let batch = Batch::stage(root.path(), &[write("folder/x", "x")]).unwrap();
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
        let batch = Batch::stage(root.path(), &changes).unwrap();
        assert_eq!(batch.folders.opened.len(), 2);
        drop(batch);
        assert!(snapshot(root.path()).is_empty());
    }
}
