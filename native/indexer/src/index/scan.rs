//! Looks at the file system: what is new, what has changed, what is gone.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::files::facts::Facts;
use crate::files::folder::{Folder, Held, folder_of};
use crate::files::read::{FileRead, open, read_file};
use crate::files::rules::{Listing, Present, RuleFile, Rules};
use crate::files::stamp::{Stamp, now};
use crate::files::text;
use crate::files::traits::Traits;
use crate::index::disk::{Changes, Disk};
use crate::lexer::source::Source;
use crate::work::{self, Queue};

/// What all threads together may hold of what they have read. Files beyond it are searched by reading them.
const MEMORY_MAX: usize = 600_000_000;
/// So many changed files have a source each; if there are more, they share sources.
const SINGLES_MAX: usize = 200;
/// So many files are looked at in one piece of work.
const CHUNK: usize = 48;
/// Room for so many distinct words at first.
const ROOM: usize = 1 << 16;

/// One look at the files beneath a root.
pub(crate) struct Scan<'s> {
    pub root: &'s Path,
    /// The list of what is kept, which need not be there.
    pub kept: &'s Path,
    pub disk: &'s Disk,
    pub cancel: &'s AtomicBool,
}

enum Job {
    /// List a folder; a deep look lists also the known folders in it.
    Folder { path: String, rules: Option<Arc<Rules>>, deep: bool },
    /// Look at files that are there by the listing.
    Files { folder: Arc<str>, names: Vec<String> },
    /// Look at files of the segment.
    Known(std::ops::Range<u32>),
    /// Look at one file, which may be gone.
    One(String),
}

struct Worker {
    changes: Changes,
    /// True if nothing is known yet: no file has a source of its own.
    shared: bool,
    bulk: Source,
    buffer: Vec<u8>,
}

impl Scan<'_> {
    /// Lists everything again.
    pub fn everything(&self) -> Changes {
        let mut rules = Vec::new();
        let above = Rules::above(self.root, Some(self.kept), &mut rules);
        let job = Job::Folder { path: String::new(), rules: Some(above), deep: true };
        let mut changes = self.run(vec![job]);
        changes.rules.extend(rules);
        changes
    }

    /// Looks at every known file and folder. Folders that are as they were are not listed.
    pub fn known(&self) -> Changes {
        if self.rules_changed() {
            return Changes { rules_changed: true, ..Changes::default() };
        }
        let folders: Vec<_> = self.disk.folders.iter().map(|(path, stamp)| (&**path, *stamp)).collect();
        let (changed, gone) = self.changed_folders(&folders);
        let mut jobs: Vec<Job> = self.disk.fresh.keys().map(|path| Job::One(path.to_string())).collect();
        let files = self.disk.base.files;
        jobs.extend((0..files).step_by(256).map(|start| Job::Known(start..files.min(start + 256))));
        jobs.extend(changed.into_iter().map(|path| Job::Folder { path, rules: None, deep: false }));
        let mut all = self.run(jobs);
        all.removed_folders.extend(gone);
        all
    }

    /// Looks at some paths relative to the root, whatever they are; for a folder, at all that is beneath it.
    pub fn some(&self, paths: &[&str]) -> Changes {
        if self.rules_changed() {
            return Changes { rules_changed: true, ..Changes::default() };
        }
        let mut files: Vec<&str> = Vec::new();
        let mut folders: Vec<&str> = Vec::new();
        for path in paths {
            let is_file = || fs::symlink_metadata(self.root.join(path)).is_ok_and(|found| found.is_file());
            if self.disk.facts(path).is_some() && is_file() {
                files.push(path);
                continue;
            }
            // Whatever has come or gone is seen by listing the nearest folder that is known.
            let mut folder = folder_of(path);
            while !folder.is_empty() && !self.disk.folders.contains_key(folder) {
                folder = folder_of(folder);
            }
            folders.push(folder);
            if self.disk.folders.contains_key(*path) {
                files.extend(self.disk.files_beneath(path));
                folders.push(path);
                folders.extend(self.disk.folders_beneath(path));
            }
        }
        for list in [&mut files, &mut folders] {
            list.sort_unstable();
            list.dedup();
        }
        let (there, gone): (Vec<&str>, Vec<&str>) =
            folders.into_iter().partition(|folder| Held::open(self.root, folder).is_some());
        let mut jobs: Vec<Job> = files.into_iter().map(|path| Job::One(path.to_owned())).collect();
        let list = |folder: &str| Job::Folder { path: folder.to_owned(), rules: None, deep: false };
        jobs.extend(there.into_iter().map(list));
        let mut changes = self.run(jobs);
        changes.removed_folders.extend(gone.into_iter().map(Into::into));
        changes
    }

    fn rules_changed(&self) -> bool {
        let stamp = |path: &PathBuf| fs::metadata(path).ok().filter(Metadata::is_file).map(|m| Stamp::of(&m));
        self.disk.folders.is_empty() || self.disk.rules.iter().any(|(path, known)| stamp(path) != *known)
    }

    /// The folders that must be listed again, and those that are no more.
    fn changed_folders(&self, folders: &[(&str, Option<Stamp>)]) -> (Vec<String>, Vec<Box<str>>) {
        type Found = (Vec<String>, Vec<Box<str>>);
        let jobs: Vec<_> = folders.chunks(128).collect();
        let workers: Vec<Found> = (0..work::threads()).map(|_| Found::default()).collect();
        let found = work::drain(jobs, workers, |(changed, gone), chunk, _| {
            for (path, known) in chunk {
                match fs::symlink_metadata(self.root.join(path)) {
                    Ok(metadata) if metadata.is_dir() => {
                        if known.is_none_or(|known| known != Stamp::of(&metadata)) {
                            changed.push((*path).to_owned());
                        }
                    }
                    _ => gone.push((*path).into()),
                }
            }
        });
        found.into_iter().fold(Found::default(), |mut all, (changed, gone)| {
            all.0.extend(changed);
            all.1.extend(gone);
            all
        })
    }

    fn run(&self, jobs: Vec<Job>) -> Changes {
        let seed = self.disk.base.seed;
        let shared = self.disk.folders.is_empty();
        let room = if shared { ROOM } else { 0 };
        let threads =
            if jobs.len() == 1 && !matches!(jobs[0], Job::Folder { .. }) { 1 } else { work::threads() };
        let worker = |_| Worker {
            changes: Changes::default(),
            shared,
            bulk: Source::new(seed, room),
            buffer: Vec::new(),
        };
        let workers = (0..threads).map(worker).collect();
        let workers = work::drain(jobs, workers, |worker, job, queue| {
            if !self.cancel.load(Ordering::Relaxed) {
                self.job(worker, job, queue);
            }
        });
        workers.into_iter().fold(Changes::default(), |mut all, worker| {
            let changes = worker.changes;
            all.singles.extend(changes.singles);
            all.same.extend(changes.same);
            all.removed.extend(changes.removed);
            all.listed.extend(changes.listed);
            all.removed_folders.extend(changes.removed_folders);
            all.rules.extend(changes.rules);
            all.rules_changed |= changes.rules_changed;
            all.bytes_read += changes.bytes_read;
            all.bulk.push(worker.bulk);
            all
        })
    }

    fn job(&self, worker: &mut Worker, job: Job, queue: &Queue<Job>) {
        match job {
            Job::Folder { path, rules, deep } => self.folder(worker, &path, rules, deep, queue),
            Job::Files { folder, names } => {
                for name in names {
                    let path = joined(&folder, &name);
                    self.file(worker, &path, self.disk.facts(&path));
                }
            }
            Job::Known(files) => {
                for file in files.filter(|file| !self.disk.gone.has(*file)) {
                    let path = self.disk.base.path(file);
                    self.file(worker, path, Some(self.disk.base_facts(file)));
                }
            }
            Job::One(path) => self.file(worker, &path, self.disk.facts(&path)),
        }
    }

    fn folder(
        &self,
        worker: &mut Worker,
        path: &str,
        rules: Option<Arc<Rules>>,
        deep: bool,
        queue: &Queue<Job>,
    ) {
        let absolute = self.root.join(path);
        let began = now();
        let Some(held) = Held::open(self.root, path) else { return };
        let (Some(stamp), Some(listing)) = (held.stamp(), Listing::read(&held)) else { return };
        let mut read = Vec::new();
        let rules = match rules {
            Some(above) => Rules::within(&above, &absolute, listing.present, &mut read),
            None => self.rules_in(path, listing.present, &mut read),
        };
        if !deep && read.iter().any(|(path, _)| !self.disk.rules.iter().any(|(known, _)| known == path)) {
            worker.changes.rules_changed = true;
        }
        let Listing { mut files, mut folders, .. } = listing.admitted(&rules, &absolute);
        if !self.disk.folders.is_empty() {
            self.note_removed(worker, path, &mut files, &mut folders);
        }
        if !deep {
            // Known files are looked at one by one.
            files.retain(|name| self.disk.facts(&joined(path, name)).is_none());
        }
        let inner = folders
            .iter()
            .map(|name| joined(path, name))
            .filter(|inner| deep || !self.disk.folders.contains_key(&**inner));
        let inner = inner.map(|path| Job::Folder { path, rules: Some(Arc::clone(&rules)), deep: true });
        let folder: Arc<str> = path.into();
        let later = files.split_off(files.len().min(CHUNK));
        let later = later
            .chunks(CHUNK)
            .map(|names| Job::Files { folder: Arc::clone(&folder), names: names.to_vec() });
        queue.add(inner.chain(later));
        worker
            .changes
            .listed
            .push(Folder { path: path.into(), stamp: (!stamp.is_fresh(began)).then_some(stamp) });
        worker.changes.rules.extend(read);
        self.job(worker, Job::Files { folder, names: files }, queue);
    }

    fn note_removed(&self, worker: &mut Worker, path: &str, files: &mut [String], folders: &mut [String]) {
        files.sort_unstable();
        folders.sort_unstable();
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let lost = self.disk.files_in(path).filter(|known| files.binary_search(&name(known)).is_err());
        worker.changes.removed.extend(lost.map(Into::into));
        let lost = self.disk.folders_in(path).filter(|known| folders.binary_search(&name(known)).is_err());
        worker.changes.removed_folders.extend(lost.map(Into::into));
    }

    /// The rules in a folder, from those of all folders above it.
    fn rules_in(&self, path: &str, present: Present, read: &mut Vec<RuleFile>) -> Arc<Rules> {
        let mut known = Vec::new();
        let mut rules = Rules::above(self.root, Some(self.kept), &mut known);
        if !path.is_empty() {
            let all = Present { ignore: true, gitignore: true, git: true };
            rules = Rules::within(&rules, self.root, all, &mut known);
            for (at, _) in path.match_indices('/') {
                rules = Rules::within(&rules, &self.root.join(&path[..at]), all, &mut known);
            }
        }
        Rules::within(&rules, &self.root.join(path), present, read)
    }

    /// Looks at a file: reads it unless it is the one that is known.
    fn file(&self, worker: &mut Worker, path: &str, known: Option<Facts>) {
        let absolute = self.root.join(path);
        if let Some(known) = known {
            let found = fs::symlink_metadata(&absolute).ok().filter(Metadata::is_file);
            match found {
                None => return worker.changes.removed.push(path.into()),
                Some(found) if known.settled && Stamp::of(&found) == known.stamp => return,
                Some(_) => {}
            }
        }
        let began = now();
        let read = open(self.root, path).and_then(|file| read_file(file, began, &mut worker.buffer));
        match read {
            Some(read) => worker.take(path, &read, known),
            // A folder above it may be a link by now.
            None if Held::open(self.root, folder_of(path)).is_none() => worker.take_gone(path, known),
            None => worker.take_unreadable(path, &absolute, known),
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl Worker {
    fn take_unreadable(&mut self, path: &str, absolute: &Path, known: Option<Facts>) {
        match fs::symlink_metadata(absolute).ok().filter(Metadata::is_file) {
            Some(metadata) => {
                let stamp = Stamp::of(&metadata);
                let traits = Traits::of_path(path) | Traits::UNREADABLE;
                let facts = Facts { stamp, settled: true, hash: 0, words: 0, lines: 0, traits };
                self.add(|source| source.add_unread(path, facts));
            }
            None => self.take_gone(path, known),
        }
    }

    fn take_gone(&mut self, path: &str, known: Option<Facts>) {
        if known.is_some() {
            self.changes.removed.push(path.into());
        }
    }

    /// Adds a file to a source of its own or to the shared one.
    fn add(&mut self, into: impl FnOnce(&mut Source)) {
        if self.shared || self.changes.singles.len() >= SINGLES_MAX {
            into(&mut self.bulk);
            return;
        }
        let mut own = Source::new(self.bulk.lexicon.seed(), 0);
        into(&mut own);
        own.lexicon.shrink();
        self.changes.singles.push(own);
    }

    fn take(&mut self, path: &str, read: &FileRead, known: Option<Facts>) {
        let FileRead { stamp, settled, length, huge } = *read;
        self.changes.bytes_read += length as u64;
        if let Some(known) = known.filter(|_| !huge) {
            if known.hash == xxhash_rust::xxh3::xxh3_128(&self.buffer[..length])
                && known.stamp.size == stamp.size
            {
                self.changes.same.push((path.into(), stamp, settled));
                return;
            }
        }
        let full = self.bulk.memory() > MEMORY_MAX / work::threads();
        let buffer = std::mem::take(&mut self.buffer);
        if huge || full {
            let binary = text::text(&buffer[..length]).is_none();
            let kind = if binary { Traits::BINARY } else { Traits::HUGE };
            let traits = Traits::of_path(path) | kind;
            let hash = if huge { 0 } else { xxhash_rust::xxh3::xxh3_128(&buffer[..length]) };
            let facts = Facts { stamp, settled, hash, words: 0, lines: 0, traits };
            self.add(|source| source.add_unread(path, facts));
        } else {
            self.add(|source| source.add(path, stamp, settled, &buffer, length));
        }
        self.buffer = buffer;
    }
}
