//! Snapshots of a tree, and the way back to them.
//!
//! Contents and folders are kept once each, by their hash: a snapshot after ten edits adds ten files and the folders
//! above them. They are appended to one file, which costs far less than a file for each; large files lie beside it,
//! as copy-on-write clones where the file system has them. Never as hard links: who writes to a file in place would
//! change its snapshot too.
//!
//! Rewind keeps the files of a change, as a snapshot of those alone: that costs what they are, whatever the size of the
//! tree. Whole trees are kept by nobody yet.

mod capture;
mod files;
mod restore;
mod store;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use self::capture::capture;
pub use self::files::KeptFile;
pub use self::restore::Restored;
use self::restore::Steps;
use self::store::Store;
use crate::tree::Tree;
use crate::tree::items::{Item, Kind};
use crate::{FsError, Hash};

/// How often a snapshot is begun again because files change while they are read.
const TRIES: usize = 8;

/// A store of snapshots in a folder of its own, which several trees and processes may share.
///
/// What a killed process leaves is complete objects and, at the end, a part of one, which is dropped. Nothing is
/// synced: after a power cut a snapshot may be damaged, which is told by [`FsError::Damaged`] when it is used.
#[derive(Debug)]
pub struct Snapshots {
    store: Store,
}

impl Snapshots {
    /// Opens the store in an existing folder, and makes it if need be.
    ///
    /// # Errors
    /// [`FsError::Io`].
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        Ok(Self { store: Store::open(folder)? })
    }

    /// Keeps the tree as it is, and returns its hash, which names the snapshot. `dirty`: the only paths that can have
    /// changed since the tree was last looked at; `None` looks at everything.
    ///
    /// # Errors
    /// [`FsError::Restless`] if files change faster than they can be read; [`FsError::Io`].
    pub fn take<P: AsRef<Path>>(&mut self, tree: &mut Tree, dirty: Option<&[P]>) -> Result<Hash, FsError> {
        match dirty {
            Some(paths) => tree.update(paths)?,
            None => tree.refresh()?,
        };
        let mut moved = Vec::new();
        for _ in 0..TRIES {
            moved = capture(&mut self.store, tree)?;
            if moved.is_empty() {
                return Ok(tree.hash());
            }
            tree.update(&moved)?;
        }
        Err(FsError::Restless { path: moved.swap_remove(0) })
    }

    /// Keeps files as a snapshot of them alone, and returns the hash that names it.
    ///
    /// # Errors
    /// [`FsError::Outside`] for a path that no tree holds; [`FsError::Io`].
    pub fn keep(&mut self, files: &[KeptFile<'_>]) -> Result<Hash, FsError> {
        files::keep(&mut self.store, files)
    }

    /// The files and links of a snapshot, by path; also of one that another process has kept since.
    ///
    /// # Errors
    /// As for [`Snapshots::manifest`].
    pub fn files(&mut self, snapshot: Hash) -> Result<Vec<(PathBuf, Item)>, FsError> {
        if !self.store.has(snapshot) {
            self.store.catch_up()?;
        }
        let all = self.manifest(snapshot)?.into_iter();
        Ok(all.filter(|(_, item)| item.kind != Kind::Folder).collect())
    }

    /// The bytes of a file, or the target of a link.
    ///
    /// # Errors
    /// [`FsError::Damaged`] if the store does not hold it whole.
    pub fn content(&self, hash: Hash) -> Result<Vec<u8>, FsError> {
        self.store.read(hash)
    }

    /// Returns when the disk has all that was kept.
    ///
    /// # Errors
    /// [`FsError::Io`].
    pub fn sync(&self) -> Result<(), FsError> {
        self.store.sync()
    }

    /// Everything that a snapshot holds, by path.
    ///
    /// # Errors
    /// [`FsError::Damaged`] if the store does not hold it, or not whole.
    pub fn manifest(&self, snapshot: Hash) -> Result<BTreeMap<PathBuf, Item>, FsError> {
        let mut all = BTreeMap::new();
        let mut folders = vec![(PathBuf::new(), snapshot)];
        while let Some((path, hash)) = folders.pop() {
            for item in self.store.items(hash)? {
                let path = path.join(OsStr::from_bytes(&item.name));
                if item.kind == Kind::Folder {
                    folders.push((path.clone(), item.hash));
                }
                all.insert(path, item);
            }
        }
        Ok(all)
    }

    /// Brings the tree back to a snapshot: bytes, modes, links, empty folders; what came since is deleted. `dirty` as
    /// for [`Snapshots::take`]; the tree as it is now is kept first.
    ///
    /// Each file is replaced in one step. A restore that was killed is completed by doing it again.
    ///
    /// # Errors
    /// [`FsError::Damaged`] before anything was changed if the store does not hold the snapshot; [`FsError::Io`].
    pub fn restore<P: AsRef<Path>>(
        &mut self,
        tree: &mut Tree,
        snapshot: Hash,
        dirty: Option<&[P]>,
    ) -> Result<Restored, FsError> {
        let before = self.take(tree, dirty)?;
        let steps = Steps::to(snapshot, &tree.top, &self.store)?;
        let mut restored = Restored { before: Some(before), ..Restored::default() };
        let done = steps.apply(tree, &self.store, &mut restored);
        let touched: Vec<_> =
            restored.written.iter().chain(&restored.deleted).chain(&restored.left).collect();
        tree.update(&touched)?;
        done.map(|()| restored)
    }

    /// Forgets all snapshots but these, and gives their room back. Nobody else may have the store open.
    ///
    /// # Errors
    /// [`FsError::Damaged`] if the store does not hold one of them; [`FsError::Io`].
    pub fn retain(&mut self, snapshots: &[Hash]) -> Result<(), FsError> {
        let mut wanted = HashSet::new();
        for snapshot in snapshots {
            wanted.insert(*snapshot);
            wanted.extend(self.manifest(*snapshot)?.into_values().map(|item| item.hash));
        }
        self.store.retain(&wanted)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make their own trees")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;

    use super::store::{HEAD, PACK};
    use super::*;

    const NOTHING: Option<&[&str]> = None;

    /// What somebody does to a tree.
    #[derive(Debug, Clone)]
    enum Deed {
        Write(usize, u8, usize),
        Link(usize, u8),
        Folder(usize),
        Mode(usize, u32),
        Delete(usize),
    }

    /// Some are folders of others, so that kinds change.
    const PATHS: [&str; 9] = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "x", "x/y"];

    fn deed() -> impl Strategy<Value = Deed> {
        let path = 0..PATHS.len();
        prop_oneof![
            4 => (path.clone(), any::<u8>(), prop_oneof![0..50_usize, Just(1_100_000)])
                .prop_map(|(path, byte, length)| Deed::Write(path, byte, length)),
            1 => (path.clone(), any::<u8>()).prop_map(|(path, target)| Deed::Link(path, target)),
            1 => path.clone().prop_map(Deed::Folder),
            1 => (path.clone(), prop_oneof![Just(0o755), Just(0o600), Just(0o444)])
                .prop_map(|(path, mode)| Deed::Mode(path, mode)),
            1 => path.prop_map(Deed::Delete),
        ]
    }

    fn clear(path: &Path) {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => {}
        }
    }

    /// Does it, whatever is in the way, and returns the paths that a watcher would name.
    fn perform(root: &Path, deed: &Deed) -> Vec<&'static str> {
        let (Deed::Write(number, ..)
        | Deed::Link(number, _)
        | Deed::Folder(number)
        | Deed::Mode(number, _)
        | Deed::Delete(number)) = deed;
        let (name, path) = (PATHS[*number], root.join(PATHS[*number]));
        if let Deed::Mode(_, mode) = deed {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            return vec![name];
        }
        if matches!(deed, Deed::Delete(_)) {
            clear(&path);
            return vec![name];
        }
        let above: Vec<_> =
            Path::new(name).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).collect();
        for folder in above.iter().rev() {
            if !fs::symlink_metadata(root.join(folder)).is_ok_and(|metadata| metadata.is_dir()) {
                clear(&root.join(folder));
                fs::create_dir(root.join(folder)).unwrap();
            }
        }
        match deed {
            Deed::Write(_, byte, length) => {
                if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                    clear(&path);
                }
                fs::write(&path, vec![*byte; *length]).unwrap();
            }
            Deed::Link(_, target) => {
                clear(&path);
                symlink(format!("to/{target}"), &path).unwrap();
            }
            _ => {
                clear(&path);
                fs::create_dir(&path).unwrap();
            }
        }
        let mut dirty: Vec<_> =
            above.into_iter().filter_map(|path| PATHS.into_iter().find(|p| Path::new(p) == path)).collect();
        dirty.push(name);
        dirty
    }

    type State = BTreeMap<PathBuf, (u32, Vec<u8>)>;

    /// Everything there is, to the bit.
    fn state(root: &Path) -> State {
        let mut all = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let content = if metadata.is_symlink() {
                    fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
                } else if metadata.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                all.insert(path, (metadata.permissions().mode(), content));
            }
        }
        all
    }

    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (root, store) = (place.path().join("root"), place.path().join("store"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&store).unwrap();
        (place, root, store)
    }

    fn fresh(root: &Path) -> Tree {
        Tree::open(root, &[], None).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_snapshot_can_be_had_back(
            days in prop::collection::vec((prop::collection::vec(deed(), 1..8), any::<bool>()), 1..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        ) {
            let (_place, root, folder) = place();
            let mut tree = fresh(&root);
            let mut store = Snapshots::open(&folder).unwrap();
            let mut taken: Vec<(Hash, State)> = Vec::new();
            store.take(&mut tree, NOTHING).unwrap();
            for (deeds, watched) in &days {
                let dirty: Vec<_> = deeds.iter().flat_map(|deed| perform(&root, deed)).collect();
                let hash = store.take(&mut tree, watched.then_some(dirty.as_slice())).unwrap();
                prop_assert_eq!(hash, fresh(&root).refresh().unwrap(), "an update sees what a fresh look sees");
                taken.push((hash, state(&root)));
            }
            for index in order {
                let (hash, expected) = index.get(&taken);
                let before = tree.hash();
                let restored = store.restore(&mut tree, *hash, Some(&[] as &[&str])).unwrap();
                prop_assert_eq!(restored.before, Some(before));
                prop_assert_eq!(&restored.left, &Vec::<PathBuf>::new());
                prop_assert_eq!(&state(&root), expected);
                prop_assert_eq!(tree.hash(), *hash);
            }
            let (last, expected) = taken.swap_remove(0);
            store.retain(&[last]).unwrap();
            let mut again = Snapshots::open(&folder).unwrap();
            again.restore(&mut tree, last, NOTHING).unwrap();
            prop_assert_eq!(state(&root), expected);
        }
    }

    #[test]
    fn what_no_snapshot_holds_is_left_alone() {
        let (_place, root, folder) = place();
        fs::write(root.join("a"), "1").unwrap();
        fs::create_dir(root.join("d")).unwrap();
        let mut tree = fresh(&root);
        let mut store = Snapshots::open(&folder).unwrap();
        let first = store.take(&mut tree, NOTHING).unwrap();
        fs::write(root.join("a"), "2").unwrap();
        fs::remove_dir(root.join("d")).unwrap();
        fs::write(root.join(".gitignore"), "d\n").unwrap();
        fs::write(root.join("d"), "ignored").unwrap();
        store.take(&mut tree, NOTHING).unwrap();
        fs::write(root.join("a"), "unseen").unwrap();
        let restored = store.restore(&mut tree, first, Some(&[] as &[&str])).unwrap();
        // What was written so shortly before is either found by the look at the tree, and kept, or left.
        let before = store.manifest(restored.before.unwrap()).unwrap();
        let kept = before[Path::new("a")].hash == Hash::of(b"unseen");
        assert!(kept != restored.left.contains(&PathBuf::from("a")));
        assert!(kept != (fs::read_to_string(root.join("a")).unwrap() == "unseen"));
        assert!(restored.left.contains(&PathBuf::from("d")));
        assert_eq!(fs::read_to_string(root.join("d")).unwrap(), "ignored");
    }

    #[test]
    fn a_torn_end_is_dropped_and_a_damaged_object_is_told() {
        let (_place, root, folder) = place();
        fs::write(root.join("a"), "content").unwrap();
        let mut tree = fresh(&root);
        let snapshot = Snapshots::open(&folder).unwrap().take(&mut tree, NOTHING).unwrap();
        let pack = folder.join(PACK);
        let whole = fs::read(&pack).unwrap();
        for length in 0..whole.len() {
            fs::write(&pack, &whole[..length]).unwrap();
            let mut store = Snapshots::open(&folder).unwrap();
            assert!(matches!(store.manifest(snapshot), Err(FsError::Damaged { .. })));
            assert_eq!(store.take(&mut tree, NOTHING).unwrap(), snapshot);
            assert_eq!(store.manifest(snapshot).unwrap().len(), 1);
        }
        let mut broken = whole;
        broken[HEAD] ^= 1;
        fs::write(&pack, broken).unwrap();
        fs::write(root.join("a"), "new").unwrap();
        let mut store = Snapshots::open(&folder).unwrap();
        let restored = store.restore(&mut tree, snapshot, NOTHING);
        assert!(matches!(restored, Err(FsError::Damaged { .. })));
    }

    #[test]
    fn two_stores_on_one_folder_see_each_others_objects() {
        let (_place, root, folder) = place();
        let (mut one, mut two) = (Snapshots::open(&folder).unwrap(), Snapshots::open(&folder).unwrap());
        let mut taken = Vec::new();
        for number in 0..4 {
            fs::write(root.join("a"), number.to_string()).unwrap();
            let store = if number % 2 == 0 { &mut one } else { &mut two };
            taken.push(store.take(&mut fresh(&root), NOTHING).unwrap());
        }
        let all = Snapshots::open(&folder).unwrap();
        assert!(taken.iter().all(|snapshot| all.manifest(*snapshot).unwrap().len() == 1));
    }
}
