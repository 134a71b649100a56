//! Some files of a tree as a snapshot of their own: the folders that hold them, and nothing else.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::store::Store;
use crate::tree::items::{Item, Kind, encode, protected};
use crate::{FsError, Hash};

/// A file that a snapshot is to hold.
#[derive(Debug, Clone, Copy)]
pub struct KeptFile<'a> {
    /// Path relative to the root, without `..`.
    pub path: &'a Path,
    /// Its bytes, or the target of a link.
    pub content: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// A folder as it is put together.
#[derive(Default)]
struct Shelf {
    items: BTreeMap<Vec<u8>, Item>,
    folders: BTreeMap<Vec<u8>, Shelf>,
}

/// Puts files and their folders into a store, and returns the hash of the top one.
pub(super) fn keep(store: &mut Store, files: &[KeptFile<'_>]) -> Result<Hash, FsError> {
    let mut top = Shelf::default();
    let mut contents: BTreeMap<Hash, &[u8]> = BTreeMap::new();
    for file in files {
        let hash = Hash::of(file.content);
        contents.insert(hash, file.content);
        top.put(file, hash)?;
    }
    let mut folders = Vec::new();
    let hash = top.close(&mut folders);
    if store.has(hash) {
        return Ok(hash);
    }
    let _lock = store.lock()?;
    store.catch_up()?;
    let mut appender = store.appender();
    let folders = folders.iter().map(|(hash, bytes)| (*hash, bytes.as_slice()));
    for (hash, bytes) in contents.into_iter().chain(folders) {
        if !store.has(hash) {
            appender.append(hash, bytes).map_err(|error| store.failed(&error))?;
        }
    }
    let done = appender.finish().map_err(|error| store.failed(&error))?;
    store.learn(done);
    Ok(hash)
}

impl Shelf {
    fn put(&mut self, file: &KeptFile<'_>, hash: Hash) -> Result<(), FsError> {
        let outside = || FsError::Outside { path: file.path.to_path_buf() };
        let mut names = Vec::new();
        for part in file.path.components() {
            let Component::Normal(name) = part else { return Err(outside()) };
            if protected(name.as_bytes()) {
                return Err(outside());
            }
            names.push(name.as_bytes().to_vec());
        }
        let name = names.pop().ok_or_else(outside)?;
        let folder = names.into_iter().fold(self, |above, name| above.folders.entry(name).or_default());
        let (kind, mode) = if file.link { (Kind::Link, 0) } else { (Kind::File, file.mode) };
        let item = Item { name: name.clone(), kind, mode, size: file.content.len() as u64, hash };
        folder.items.insert(name, item);
        Ok(())
    }

    /// The hash of a folder, after those in it; a file where a folder has the same name is left out.
    fn close(self, closed: &mut Vec<(Hash, Vec<u8>)>) -> Hash {
        let mut items = self.items;
        for (name, folder) in self.folders {
            let hash = folder.close(closed);
            items.insert(name.clone(), Item { name, kind: Kind::Folder, mode: 0, size: 0, hash });
        }
        let items: Vec<Item> = items.into_values().collect();
        let bytes = encode(&items);
        let hash = Hash::of(&bytes);
        closed.push((hash, bytes));
        hash
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Snapshots;
    use super::*;

    fn file(path: &str) -> KeptFile<'_> {
        KeptFile { path: Path::new(path), content: path.as_bytes(), mode: 0o644, link: false }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn what_was_kept_is_had_back_by_every_store_on_the_folder(
            paths in prop::collection::btree_map("[ab]/[ab]{1,2}|[cd]{1,2}", any::<Vec<u8>>(), 0..8),
            mode in prop_oneof![Just(0o644_u32), Just(0o755)],
            link in any::<bool>(),
        ) {
            let place = tempfile::tempdir().unwrap();
            let mut other = Snapshots::open(place.path()).unwrap();
            let files: Vec<_> = paths.iter().map(|(path, content)| KeptFile {
                path: Path::new(path), content, mode, link,
            }).collect();
            let mut store = Snapshots::open(place.path()).unwrap();
            let snapshot = store.keep(&files).unwrap();
            prop_assert_eq!(store.keep(&files).unwrap(), snapshot);
            store.sync().unwrap();
            let found = other.files(snapshot).unwrap();
            prop_assert_eq!(found.len(), files.len());
            for (file, (path, item)) in files.iter().zip(&found) {
                prop_assert_eq!(file.path, path.as_path());
                prop_assert_eq!(item.kind, if link { Kind::Link } else { Kind::File });
                prop_assert_eq!(item.mode, if link { 0 } else { mode });
                prop_assert_eq!(other.content(item.hash).unwrap(), file.content);
            }
        }
    }

    #[test]
    fn nothing_leaves_the_root_or_enters_what_is_protected() {
        let place = tempfile::tempdir().unwrap();
        let mut store = Snapshots::open(place.path()).unwrap();
        for path in ["", "..", "../a", "/a", "a/../b", ".git/config", "a/.git/config", ".wainwright/x"] {
            assert!(matches!(store.keep(&[file(path)]), Err(FsError::Outside { .. })), "{path}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_as_damaged() {
        let place = tempfile::tempdir().unwrap();
        let mut store = Snapshots::open(place.path()).unwrap();
        let hash = Hash::of(b"never kept");
        assert!(matches!(store.files(hash), Err(FsError::Damaged { .. })));
        assert!(matches!(store.content(hash), Err(FsError::Damaged { .. })));
    }
}
