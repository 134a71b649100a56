//! What a tree holds, as one hash that is cheap to keep.
//!
//! Every folder has a hash of its entries, so equal parts of two trees are told by one comparison. What was read of
//! a file is trusted while its stamp stays the same, unless the file was written so shortly before that a later
//! write could have left the same stamp. What was listed of a folder is trusted in the same way.
//!
//! Nobody calls this yet: it serves rewind, which comes later.

pub(crate) mod folder;
pub(crate) mod items;
pub(crate) mod read;
mod rules;

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use self::folder::{Entry, Folder, IGNORE, Leaf, Look, NO_STAMP, Node, hash_of};
use self::items::protected;
pub use self::items::{Item, Kind};
use self::read::{open_folder, read_file, read_link};
use self::rules::Rules;
use crate::beneath::{Stamp, open_root, plain, told};
use crate::{Change, Expected, FsError, Hash};

/// A stamp is trusted when the file is older than this, in nanoseconds: some times the clock of a file system.
const FRESH: i64 = 20_000_000;
/// The same where times come in whole seconds.
const FRESH_COARSE: i64 = 2_500_000_000;
/// Deeper folders are left out, so that no tree can exhaust the stack.
const DEEPEST: usize = 256;
const FORMAT: u32 = 1;

/// The files beneath a root, with a hash of all of them.
///
/// Left out are `.git` and `.wainwright`, what `.gitignore` files and `.git/info/exclude` leave out, the caller's own
/// `exclude` rules, temporary files of this crate, sockets, pipes, devices, and what cannot be read. Folders count with
/// their modes, empty ones too; links count with their targets and are never followed. Times do not count.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    handle: OwnedFd,
    exclude: Vec<String>,
    excluded: Gitignore,
    pub(crate) top: Folder,
}

/// What a look at the tree needs to know.
struct Looker<'a> {
    handle: BorrowedFd<'a>,
    excluded: &'a Gitignore,
    /// Look only at what is marked.
    marked: bool,
}

impl Tree {
    /// Opens a tree without looking at it. What was known of it comes from the file `cache`, if it is there and fits.
    ///
    /// `exclude` holds lines as in a `.gitignore` at the root.
    ///
    /// # Errors
    /// [`FsError::Invalid`] for a relative root and for a rule that does not parse; [`FsError::NotFound`].
    pub fn open(root: &Path, exclude: &[String], cache: Option<&Path>) -> Result<Self, FsError> {
        let handle = open_root(root)?;
        let mut builder = GitignoreBuilder::new("");
        for line in exclude {
            if builder.add_line(None, line).is_err() {
                let reason = "an exclude rule does not parse";
                return Err(FsError::Invalid { path: PathBuf::from(line), reason });
            }
        }
        let invalid =
            |_| FsError::Invalid { path: root.to_path_buf(), reason: "the exclude rules do not parse" };
        let excluded = builder.build().map_err(invalid)?;
        let known = cache.and_then(|cache| load(cache, root, exclude));
        let top = known.unwrap_or_else(Folder::unseen);
        Ok(Self { root: root.to_path_buf(), handle, exclude: exclude.to_vec(), excluded, top })
    }

    /// The root as it was given.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// The hash of all that is known of the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.top.hash
    }

    /// Checks the stamp of every file and folder, and reads what has changed. Returns the hash.
    ///
    /// # Errors
    /// [`FsError`] if the root cannot be read. A file or folder beneath that cannot be is left out.
    pub fn refresh(&mut self) -> Result<Hash, FsError> {
        self.look(false)
    }

    /// Looks again at these paths, relative to the root, and at all beneath those that are folders. What has changed
    /// elsewhere since is not seen. Returns the hash.
    ///
    /// # Errors
    /// [`FsError::Outside`] for a path that leads out; as [`Tree::refresh`].
    pub fn update<P: AsRef<Path>>(&mut self, dirty: &[P]) -> Result<Hash, FsError> {
        for path in dirty {
            let path = path.as_ref();
            if path.components().all(|part| part == std::path::Component::CurDir) {
                self.top.doubt();
            } else {
                self.top.mark(&plain(path)?);
            }
        }
        self.look(true)
    }

    fn look(&mut self, marked: bool) -> Result<Hash, FsError> {
        let handle = self.handle.as_fd();
        let looker = Looker { handle, excluded: &self.excluded, marked };
        let rules = Rules::of_tree(handle);
        let done = rustix::fs::fstat(handle).and_then(|stat| {
            looker.folder(&mut self.top, Path::new(""), &Stamp::of(&stat), &rules, 0, false)
        });
        done.map_err(|errno| told(&self.root, errno))?;
        Ok(self.top.hash)
    }

    /// Writes down what is known, for [`Tree::open`] in a later process.
    ///
    /// # Errors
    /// [`FsError`]; the folder of the file must be there.
    pub fn save(&self, cache: &Path) -> Result<(), FsError> {
        let known = (FORMAT, self.root.as_os_str().as_bytes(), &self.exclude, &self.top);
        let mut bytes = postcard::to_stdvec(&known).unwrap_or_default();
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        let (Some(folder), Some(name)) = (cache.parent(), cache.file_name()) else {
            return Err(FsError::NotFound { path: cache.to_path_buf() });
        };
        let change = Change {
            path: Path::new(name),
            content: Some(&bytes),
            mode: Some(0o600),
            expected: Expected::Anything,
        };
        crate::write_batch(folder, &[change], None)
    }
}

fn load(cache: &Path, root: &Path, exclude: &[String]) -> Option<Folder> {
    let bytes = std::fs::read(cache).ok()?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if blake3::hash(body).as_bytes() != sum {
        return None;
    }
    let (format, of, rules, top): (u32, Vec<u8>, Vec<String>, Folder) = postcard::from_bytes(body).ok()?;
    (format == FORMAT && of == root.as_os_str().as_bytes() && rules == exclude).then_some(top)
}

impl Looker<'_> {
    /// Brings a folder up to date and tells whether its hash is another one. An error means that it cannot be read.
    fn folder(
        &self,
        folder: &mut Folder,
        path: &Path,
        stamp: &Stamp,
        above: &Rules<'_>,
        depth: usize,
        forced: bool,
    ) -> Result<bool, Errno> {
        /// How often a folder is listed again when it changes under our eyes.
        const TRIES: usize = 3;
        let mut forced = forced || folder.look == Look::All;
        let same = folder.sure && folder.stamp == *stamp;
        let mut names = forced || if self.marked { folder.look >= Look::Names } else { !same };
        let mut changed = folder.hash == Hash::ZERO;
        for attempt in 1..=TRIES {
            let rules = Rules::of_folder(self.handle, path, above);
            if names {
                let ignore = hash_of(folder, IGNORE);
                self.list(folder, path, &rules)?;
                if let Ok(at) = folder.position(IGNORE) {
                    let _ = self.entry(&mut folder.entries[at], path, &rules, depth, true);
                }
                forced |= hash_of(folder, IGNORE) != ignore;
                changed = true;
            }
            let seen: Vec<Result<bool, Errno>> = folder
                .entries
                .par_iter_mut()
                .with_min_len(8)
                .map(|entry| self.entry(entry, path, &rules, depth, forced))
                .collect();
            changed |= seen.contains(&Ok(true));
            if seen.iter().all(Result::is_ok) {
                break;
            }
            // What is something else by now is found by listing again; what cannot be read is left out.
            names = true;
            changed = true;
            folder.sure = false;
            if attempt == TRIES {
                let mut seen = seen.into_iter();
                folder.entries.retain(|_| seen.next().is_some_and(|seen| seen.is_ok()));
            }
        }
        folder.look = Look::Nothing;
        let hash = if changed { Hash::of(&folder.encode()) } else { folder.hash };
        // Its own mode counts in the folder above.
        let changed = hash != folder.hash || !same;
        folder.hash = hash;
        Ok(changed)
    }

    fn entry(
        &self,
        entry: &mut Entry,
        parent: &Path,
        rules: &Rules<'_>,
        depth: usize,
        forced: bool,
    ) -> Result<bool, Errno> {
        let unmarked = self.marked && !forced;
        match &mut entry.node {
            Node::Leaf(leaf) if unmarked && leaf.sure => Ok(false),
            Node::Folder(folder) if unmarked && folder.look == Look::Nothing => Ok(false),
            Node::Leaf(leaf) => self.leaf(leaf, &parent.join(OsStr::from_bytes(&entry.name))),
            Node::Folder(folder) => {
                let path = parent.join(OsStr::from_bytes(&entry.name));
                let stat = rustix::fs::statat(self.handle, &path, AtFlags::SYMLINK_NOFOLLOW)?;
                if !FileType::from_raw_mode(stat.st_mode).is_dir() || depth >= DEEPEST {
                    return Err(Errno::NOTDIR);
                }
                self.folder(folder, &path, &Stamp::of(&stat), rules, depth + 1, forced)
            }
        }
    }

    /// Brings a file or link up to date, unless its stamp says that it is.
    fn leaf(&self, leaf: &mut Leaf, path: &Path) -> Result<bool, Errno> {
        if leaf.sure {
            let stat = rustix::fs::statat(self.handle, path, AtFlags::SYMLINK_NOFOLLOW)?;
            if leaf.stamp == Stamp::of(&stat) {
                return Ok(false);
            }
        }
        let asked = now();
        let (stamp, hash) = if leaf.link {
            let (stamp, target) = read_link(self.handle, path)?;
            (stamp, Hash::of(&target))
        } else {
            let mut hash = blake3::Hasher::new();
            let stamp = read_file(self.handle, path, |piece| {
                hash.update(piece);
            })?;
            (stamp, Hash(*hash.finalize().as_bytes()))
        };
        let before = (leaf.hash, leaf.stamp.mode, leaf.stamp.size);
        *leaf = Leaf { stamp, link: leaf.link, sure: sure(&stamp, asked), hash };
        Ok(before != (hash, stamp.mode, stamp.size))
    }

    /// Finds which entries a folder has now; what is known of those that stay is kept.
    fn list(&self, folder: &mut Folder, path: &Path, rules: &Rules<'_>) -> Result<(), Errno> {
        let asked = now();
        let mut dir = Dir::new(open_folder(self.handle, path)?)?;
        let before = Stamp::of(&dir.stat()?);
        let mut entries = Vec::new();
        while let Some(found) = dir.read() {
            let found = found?;
            let name = found.file_name().to_bytes();
            if protected(name) {
                continue;
            }
            let full = path.join(OsStr::from_bytes(name));
            let kind = match found.file_type() {
                FileType::Unknown => {
                    let stat = rustix::fs::statat(self.handle, &full, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                kind => kind,
            };
            let (is_folder, link) = (kind == FileType::Directory, kind == FileType::Symlink);
            if !is_folder && !link && kind != FileType::RegularFile {
                continue;
            }
            let ours = self.excluded.matched(&full, is_folder);
            if ours.is_ignore() || ours.is_none() && rules.ignores(&full, is_folder) {
                continue;
            }
            let unseen = || Node::Leaf(Leaf { stamp: NO_STAMP, link, sure: false, hash: Hash::ZERO });
            let known = match folder.position(name) {
                Ok(at) => std::mem::replace(&mut folder.entries[at].node, unseen()),
                Err(_) => unseen(),
            };
            let node = match known {
                Node::Folder(known) if is_folder => Node::Folder(known),
                Node::Leaf(known) if !is_folder && known.link == link => Node::Leaf(known),
                _ if is_folder => Node::Folder(Box::new(Folder::unseen())),
                _ => unseen(),
            };
            entries.push(Entry { name: name.to_vec(), node });
        }
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        folder.entries = entries;
        folder.stamp = Stamp::of(&dir.stat()?);
        folder.sure = before == folder.stamp && sure(&before, asked);
        Ok(())
    }
}

/// Whether a later write would leave another stamp: the file was not written just before it was looked at.
fn sure(stamp: &Stamp, asked: i64) -> bool {
    let newest = stamp.modified.max(stamp.changed);
    let coarse = stamp.modified % 1_000_000_000 == 0 && stamp.changed % 1_000_000_000 == 0;
    asked.saturating_sub(newest) > if coarse { FRESH_COARSE } else { FRESH }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    i64::try_from(now).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    fn names(folder: &Folder, path: &str, all: &mut Vec<String>) {
        for entry in &folder.entries {
            let name = format!("{path}{}", String::from_utf8_lossy(&entry.name));
            match &entry.node {
                Node::Folder(folder) => {
                    all.push(format!("{name}/"));
                    names(folder, &format!("{name}/"), all);
                }
                Node::Leaf(_) => all.push(name),
            }
        }
    }

    fn list(tree: &Tree) -> Vec<String> {
        let mut all = Vec::new();
        names(&tree.top, "", &mut all);
        all
    }

    fn make(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn fresh(root: &Path) -> Hash {
        Tree::open(root, &[], None).unwrap().refresh().unwrap()
    }

    #[test]
    fn ignored_and_protected_files_stay_out_and_the_rest_counts() {
        let root = make(&[
            (".gitignore", "*.log\n!kept.log\nbuild/\n/top\n"),
            (".git/info/exclude", "private\n"),
            (".git/config", ""),
            (".wainwright/plan.md", ""),
            (".wainwright-1-2.new.tmp", ""),
            (".hidden", ""),
            ("a.log", ""),
            ("kept.log", ""),
            ("private", ""),
            ("top", ""),
            ("sub/top", ""),
            ("sub/build/x", ""),
            ("sub/.gitignore", "!*.log\nsecret\n"),
            ("sub/b.log", ""),
            ("sub/deep/secret", ""),
            ("vendor/x", ""),
            ("vendor/y.log", ""),
        ]);
        symlink("nowhere", root.path().join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.path().join("pipe"),
            FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let mut tree = Tree::open(root.path(), &["/vendor/".to_owned()], None).unwrap();
        tree.refresh().unwrap();
        let expected = [
            ".gitignore",
            ".hidden",
            "kept.log",
            "link",
            "sub/",
            "sub/.gitignore",
            "sub/b.log",
            "sub/deep/",
            "sub/top",
        ];
        assert_eq!(list(&tree), expected);
    }

    #[test]
    fn other_rules_bring_files_back_and_take_them_out() {
        let root = make(&[("d/e/a", "1"), ("d/e/b", "2")]);
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        let all = tree.refresh().unwrap();
        fs::write(root.path().join(".gitignore"), "a\n").unwrap();
        let fewer = tree.update(&[".gitignore"]).unwrap();
        assert_eq!(fewer, fresh(root.path()));
        assert!(!list(&tree).contains(&"d/e/a".to_owned()));
        fs::remove_file(root.path().join(".gitignore")).unwrap();
        assert_eq!(tree.refresh().unwrap(), all);
    }

    #[test]
    fn a_write_that_leaves_size_and_time_is_seen() {
        let root = make(&[("a", "one")]);
        let path = root.path().join("a");
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let first = tree.refresh().unwrap();
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert_ne!(tree.refresh().unwrap(), first);
    }

    #[test]
    fn a_link_in_the_place_of_a_folder_is_a_link() {
        let outside = make(&[("secret", "s")]);
        let root = make(&[("d/a", "1")]);
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        tree.refresh().unwrap();
        fs::rename(root.path().join("d"), outside.path().join("d")).unwrap();
        symlink(outside.path(), root.path().join("d")).unwrap();
        tree.update(&["d/a", "d/secret"]).unwrap();
        assert_eq!(tree.hash(), fresh(root.path()));
        assert_eq!(list(&tree), ["d"]);
    }

    #[test]
    fn what_is_known_outlives_the_process_and_nothing_else_is_believed() {
        let root = make(&[("d/a", "1")]);
        let state = tempfile::tempdir().unwrap();
        let cache = state.path().join("tree");
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        let hash = tree.refresh().unwrap();
        tree.save(&cache).unwrap();
        assert_eq!(Tree::open(root.path(), &[], Some(&cache)).unwrap().hash(), hash);
        fs::write(root.path().join("d/b"), "2").unwrap();
        let mut again = Tree::open(root.path(), &[], Some(&cache)).unwrap();
        assert_eq!(again.refresh().unwrap(), fresh(root.path()));
        assert_eq!(Tree::open(root.path(), &["x".to_owned()], Some(&cache)).unwrap().hash(), Hash::ZERO);
        let whole = fs::read(&cache).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            fs::write(&cache, &broken).unwrap();
            assert_eq!(Tree::open(root.path(), &[], Some(&cache)).unwrap().hash(), Hash::ZERO);
        }
    }

    #[test]
    fn no_path_leads_out() {
        let root = make(&[("a", "1")]);
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        for path in ["../a", "/etc/passwd", "a/../../b"] {
            assert!(matches!(tree.update(&[path]), Err(FsError::Outside { .. })), "{path}");
        }
        assert!(matches!(Tree::open(Path::new("a"), &[], None), Err(FsError::Invalid { .. })));
    }

    #[test]
    fn a_tree_of_any_depth_is_survived() {
        let root = make(&[]);
        let mut path = root.path().to_path_buf();
        for _ in 0..400 {
            path.push("d");
        }
        fs::create_dir_all(&path).unwrap();
        let mut tree = Tree::open(root.path(), &[], None).unwrap();
        tree.refresh().unwrap();
        assert_eq!(list(&tree).len(), DEEPEST);
    }

    proptest! {
        #[test]
        fn what_a_damaged_cache_says_is_looked_up_again(at: usize, flip in 1..=255_u8, cut: usize) {
            let root = make(&[("a", "1"), ("d/b", "2"), ("d/e/c", "3")]);
            let state = tempfile::tempdir().unwrap();
            let cache = state.path().join("cache");
            let mut tree = Tree::open(root.path(), &[], None).unwrap();
            let hash = tree.refresh().unwrap();
            tree.save(&cache).unwrap();
            let mut bytes = fs::read(&cache).unwrap();
            let length = bytes.len();
            bytes[at % length] ^= flip;
            bytes.truncate(1 + cut % (length * 2));
            fs::write(&cache, bytes).unwrap();
            prop_assert_eq!(Tree::open(root.path(), &[], Some(&cache)).unwrap().refresh().unwrap(), hash);
        }

    }
}
