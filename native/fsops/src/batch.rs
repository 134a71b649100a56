//! Several files changed as one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Links, Stamp, open_beneath, open_root, plain, told};
use crate::{Change, FsError};

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
    /// The mode to set; `None` leaves it to the umask.
    pub mode: Option<Mode>,
    /// What was there when the batch was planned.
    pub old: Option<Stamp>,
    /// Its folder, once it is there.
    folder: Option<Rc<OwnedFd>>,
    /// The file with the new content, until it is in place.
    fresh: Option<OsString>,
    /// The file with the old content, once it is out of place.
    kept: Option<OsString>,
}

impl<'a> Batch<'a> {
    /// Looks at all targets and changes nothing. `synced`: what is written reaches the disk before it counts.
    pub fn plan(root: &Path, changes: &[Change<'a>], synced: bool) -> Result<Self, FsError> {
        let mut batch = Self {
            id: new_id(),
            steps: Vec::with_capacity(changes.len()),
            folders: Folders::new(open_root(root)?),
            synced,
        };
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
        Ok(batch)
    }

    fn plan_one(&mut self, change: &Change<'a>) -> Result<Step<'a>, FsError> {
        let failed = |errno| told(change.path, errno);
        let plain = plain(change.path)?;
        let (Some(parent), Some(name)) = (plain.parent(), plain.file_name()) else {
            return Err(failed(Errno::XDEV));
        };
        let create = change.content.is_some();
        let folder = match self.folders.open(parent, false) {
            Err(Errno::NOENT) if create => None,
            opened => Some(opened.map_err(failed)?),
        };
        let old = match &folder {
            Some(folder) => target(folder, name).map_err(failed)?,
            None => None,
        };
        if old.is_none() && !create {
            return Err(failed(Errno::NOENT));
        }
        let mode = change.mode.or(old.as_ref().map(|old| old.mode)).map(permissions);
        Ok(Step {
            path: change.path,
            plain,
            content: change.content,
            mode,
            old,
            folder,
            fresh: None,
            kept: None,
        })
    }

    /// Writes all new content beside its target; changes no target.
    pub fn stage(&mut self) -> Result<(), FsError> {
        for (number, step) in self.steps.iter_mut().enumerate() {
            let failed = |errno| told(step.path, errno);
            let Some(content) = step.content else { continue };
            let folder = if let Some(folder) = &step.folder {
                Rc::clone(folder)
            } else {
                let parent = step.plain.parent().unwrap_or(Path::new(""));
                Rc::clone(step.folder.insert(self.folders.open(parent, true).map_err(failed)?))
            };
            let name = beside(self.id, number)[0].clone();
            let (file, mode) = create(&folder, &name, step.mode).map_err(failed)?;
            // Noted before it is complete, so that dropping the batch finds it.
            step.fresh = Some(name);
            fill(file, content, mode, self.synced).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts everything in place, or takes back what was put.
    pub fn commit(mut self) -> Result<(), FsError> {
        for index in 0..self.steps.len() {
            if let Err(errno) = self.steps[index].take(&beside(self.id, index)) {
                let failure = told(self.steps[index].path, errno);
                let torn = self.take_back(index);
                return Err(torn.unwrap_or(failure));
            }
        }
        self.folders.keep(self.synced);
        Ok(())
    }

    /// Takes some steps and no more.
    #[cfg(test)]
    pub fn die_after(&mut self, steps: usize) {
        for (number, step) in self.steps.iter_mut().enumerate().take(steps) {
            assert!(step.take(&beside(self.id, number)).is_ok());
        }
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

    /// Changes the target in one step, and keeps what was there under the second of the names.
    fn take(&mut self, names: &[OsString; 2]) -> Result<(), Errno> {
        let name = self.plain.file_name().ok_or(Errno::XDEV)?;
        let folder = self.folder.as_ref().ok_or(Errno::NOENT)?;
        match self.fresh.take() {
            None => {
                rustix::fs::renameat(folder, name, folder, &names[1])?;
                self.kept = Some(names[1].clone());
            }
            Some(fresh) if self.old.is_some() => match replace(folder, &fresh, name, &names[1]) {
                Ok(kept) => self.kept = Some(kept),
                Err(errno) => {
                    self.fresh = Some(fresh);
                    return Err(errno);
                }
            },
            Some(fresh) => {
                if let Err(errno) = rename_to_new(folder, &fresh, name) {
                    self.fresh = Some(fresh);
                    return Err(errno);
                }
            }
        }
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), FsError> {
        let kept = self.kept.take();
        let back = || {
            let name = self.plain.file_name().ok_or(Errno::XDEV)?;
            let folder = self.folder.as_ref().ok_or(Errno::NOENT)?;
            match &kept {
                Some(kept) => rustix::fs::renameat(folder, kept, folder, name),
                None => match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
                    Err(Errno::NOENT) => Ok(()),
                    done => done,
                },
            }
        };
        back().map_err(|errno| FsError::Torn {
            path: self.path.to_path_buf(),
            kept: kept.map(|kept| self.path.with_file_name(kept)),
            source: errno.into(),
        })
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
fn create(folder: &OwnedFd, name: &OsStr, mode: Option<Mode>) -> Result<(File, Option<Mode>), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, mode.unwrap_or(permissions(0o666)))?;
    let has = Mode::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    Ok((File::from(file), mode.filter(|mode| *mode != has)))
}

fn fill(mut file: File, content: &[u8], mode: Option<Mode>, synced: bool) -> Result<(), Errno> {
    file.write_all(content).map_err(|error| errno_of(&error))?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(&file, mode)?;
    }
    if synced { rustix::fs::fsync(&file) } else { Ok(()) }
}

/// Puts a new file in the place of an old one, and returns the name that the old one has now.
fn replace(folder: &OwnedFd, fresh: &OsStr, name: &OsStr, kept: &OsStr) -> Result<OsString, Errno> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(folder, fresh, folder, name, rustix::fs::RenameFlags::EXCHANGE) {
        // Not every file system knows how.
        Err(Errno::INVAL | Errno::NOSYS) => {}
        exchanged => return exchanged.map(|()| fresh.to_owned()),
    }
    keep(folder, name, kept)?;
    rustix::fs::renameat(folder, fresh, folder, name).inspect_err(|_| {
        let _ = rustix::fs::unlinkat(folder, kept, AtFlags::empty());
    })?;
    Ok(kept.to_owned())
}

/// Gives the old content a second name; where the file system or its rules forbid that, copies it.
fn keep(folder: &OwnedFd, name: &OsStr, kept: &OsStr) -> Result<(), Errno> {
    if rustix::fs::linkat(folder, name, folder, kept, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let old = open_beneath(folder.as_fd(), Path::new(name), flags, Links::Refuse)?;
    let mode = permissions(Stamp::of(&rustix::fs::fstat(&old)?).mode);
    let mut content = Vec::new();
    File::from(old).read_to_end(&mut content).map_err(|error| errno_of(&error))?;
    let (file, mode) = create(folder, kept, Some(mode))?;
    fill(file, &content, mode, false)
}

/// Renames to a name that was free when the batch was planned, and still has to be.
fn rename_to_new(folder: &OwnedFd, fresh: &OsStr, name: &OsStr) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(folder, fresh, folder, name, rustix::fs::RenameFlags::NOREPLACE) {
        // Not every file system knows how.
        Err(Errno::INVAL | Errno::NOSYS) => {}
        renamed => return renamed,
    }
    rustix::fs::renameat(folder, fresh, folder, name)
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
        Change { path: Path::new(path), content: Some(content.as_bytes()), mode: None }
    }

    fn delete(path: &str) -> Change<'_> {
        Change { path: Path::new(path), content: None, mode: None }
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
        batch.steps[0].take(&beside(batch.id, 0)).unwrap();
        batch.steps[1].take(&beside(batch.id, 1)).unwrap();
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
