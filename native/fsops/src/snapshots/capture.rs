//! Capturing: what a store lacks of a tree is put into it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustix::fs::{AtFlags, OFlags};

use super::store::{Appender, Store, copy, open_path};
use crate::beneath::{Links, errno_of, open_beneath, permissions, told};
use crate::temporary::{beside, new_id};
use crate::tree::Tree;
use crate::tree::folder::{Folder, Leaf, Node};
use crate::tree::read::{LARGE, read_file, read_link};
use crate::{FsError, Hash};

/// Stores what is missing of a tree; returns the paths that are no longer what the tree says.
pub(super) fn capture(store: &mut Store, tree: &Tree) -> Result<Vec<PathBuf>, FsError> {
    if store.has(tree.hash()) {
        return Ok(Vec::new());
    }
    let _lock = store.lock()?;
    store.catch_up()?;
    let mut missing = Missing::default();
    missing.find(&tree.top, Path::new(""), store);
    let appender = Mutex::new(store.appender());
    let moved: Vec<_> = missing
        .leaves
        .into_par_iter()
        .map(|(path, leaf)| {
            store_leaf(store, tree, &path, leaf, &appender).map(|kept| (!kept).then_some(path))
        })
        .collect::<Result<_, _>>()?;
    let moved: Vec<PathBuf> = moved.into_iter().flatten().collect();
    let mut appender = appender.into_inner().unwrap_or_else(PoisonError::into_inner);
    if moved.is_empty() {
        for folder in missing.folders {
            appender.append(folder.hash, &folder.encode()).map_err(|error| store.failed(&error))?;
        }
    }
    let done = appender.finish().map_err(|error| store.failed(&error))?;
    store.learn(done);
    Ok(moved)
}

/// Stores a file or link; false if it is no longer what the tree says.
fn store_leaf(
    store: &Store,
    tree: &Tree,
    path: &Path,
    leaf: &Leaf,
    appender: &Mutex<Appender<'_>>,
) -> Result<bool, FsError> {
    let bytes = if leaf.link {
        read_link(tree.handle(), path).map(|(_, target)| target)
    } else if leaf.stamp.size > LARGE {
        return store_large(store, tree.handle(), path, leaf.hash);
    } else {
        let mut bytes = Vec::with_capacity(usize::try_from(leaf.stamp.size).unwrap_or(0));
        read_file(tree.handle(), path, |piece| bytes.extend_from_slice(piece)).map(|_| bytes)
    };
    let Ok(bytes) = bytes else { return Ok(false) };
    if Hash::of(&bytes) != leaf.hash {
        return Ok(false);
    }
    let mut appender = appender.lock().unwrap_or_else(PoisonError::into_inner);
    let done = appender.append(leaf.hash, &bytes);
    done.map_err(|error| store.failed(&error))?;
    Ok(true)
}

fn store_large(store: &Store, root: BorrowedFd<'_>, path: &Path, hash: Hash) -> Result<bool, FsError> {
    let place = store.large(hash);
    if place.exists() {
        return Ok(true);
    }
    let failed = |errno| told(&place, errno);
    let made = std::fs::create_dir_all(store.large_folder());
    made.map_err(|error| failed(errno_of(&error)))?;
    let folder = open_path(&store.large_folder()).map_err(failed)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(source) = open_beneath(root, path, flags, Links::Refuse) else { return Ok(false) };
    let draft = &beside(new_id(), 0)[0];
    let copied = copy(&File::from(source), folder.as_fd(), draft, permissions(0o600), hash);
    let kept = match copied {
        Ok(true) => {
            rustix::fs::renameat(&folder, draft, &folder, hash.to_string()).map_err(failed)?;
            return Ok(true);
        }
        Ok(false) => Ok(false),
        Err(errno) => Err(failed(errno)),
    };
    let _ = rustix::fs::unlinkat(&folder, draft, AtFlags::empty());
    kept
}

/// What a store lacks of a tree.
#[derive(Default)]
struct Missing<'a> {
    leaves: Vec<(PathBuf, &'a Leaf)>,
    /// Those beneath come first.
    folders: Vec<&'a Folder>,
    seen: HashSet<Hash>,
}

impl<'a> Missing<'a> {
    fn find(&mut self, folder: &'a Folder, path: &Path, store: &Store) {
        if store.has(folder.hash) {
            return;
        }
        for entry in &folder.entries {
            let path = || path.join(OsStr::from_bytes(&entry.name));
            match &entry.node {
                Node::Folder(folder) => self.find(folder, &path(), store),
                Node::Leaf(leaf) => {
                    if !store.has(leaf.hash) && self.seen.insert(leaf.hash) {
                        self.leaves.push((path(), leaf));
                    }
                }
            }
        }
        if self.seen.insert(folder.hash) {
            self.folders.push(folder);
        }
    }
}
