//! The file that keeps records, by what the texts say and not where they lie: branches, worktrees and processes share it.
//!
//! It is a row of batches, each written by one append and with a checksum of its own. A batch that is torn or damaged is
//! passed over; what it held is read from the sources again. Nothing that was written is ever changed: batches that hold
//! nothing of any tree are left out of a new file, which takes the place of the old one.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use memmap2::Mmap;

use super::record::{Dictionary, Record, Strings};
use crate::bytes::{push_text, push_varint, take, take_text, take_u32, take_varint};
use crate::replace::{discard, replace};

/// The first bytes of a batch. They change with the form of records, or when the same text is to give another outline.
const MAGIC: [u8; 16] = {
    let mut magic = *b"wainwright-str\x02\0";
    magic[15] = wainwright_syntax::REVISION;
    magic
};
/// Magic, length of what follows, its checksum.
const HEADER: usize = 16 + 8 + 8;

/// A store above this size, in bytes, is looked through for what is of no use any more.
const LARGE: u64 = 64 << 20;
/// A store above this size, in bytes, is begun anew: most of it is of texts that are no more.
const BYTES_MAX: u64 = 512 << 20;

/// What a record is found by: the hash of the file's content, and the language its path shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub content: u128,
    pub language: u8,
}

#[derive(Debug)]
enum Bytes {
    Heap(Vec<u8>),
    Mapped(std::sync::Arc<Mmap>, Range<usize>),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(map, range) => map.get(range.clone()).unwrap_or_default(),
        }
    }
}

#[derive(Debug)]
struct Batch {
    /// Without the header.
    bytes: Bytes,
    strings: OnceLock<Vec<Range<u32>>>,
}

impl Batch {
    fn new(bytes: Bytes) -> Self {
        Self { bytes, strings: OnceLock::new() }
    }

    fn strings(&self) -> &[Range<u32>] {
        self.strings.get_or_init(|| {
            let all = self.bytes.all();
            let mut rest = all;
            let mut ranges = Vec::new();
            for _ in 0..take_varint(&mut rest).unwrap_or(0) {
                let Some(text) = take_text(&mut rest) else { break };
                let end = all.len() - rest.len();
                let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
                ranges.push(at(end - text.len())..at(end));
            }
            ranges
        })
    }
}

impl Strings for &Batch {
    fn get(&self, id: u32) -> Option<&str> {
        let range = self.strings().get(id as usize)?;
        std::str::from_utf8(self.bytes.all().get(range.start as usize..range.end as usize)?).ok()
    }
}

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: Key,
    batch: u32,
    start: u32,
    length: u32,
}

/// Records that are not in a store yet.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub strings: Dictionary,
    pub bytes: Vec<u8>,
    entries: Vec<(Key, usize)>,
}

impl Draft {
    /// Ends the record that was appended to `bytes`.
    pub fn end(&mut self, key: Key) {
        self.entries.push((key, self.bytes.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The batch, with its header.
    fn assemble(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.bytes.len() * 2);
        push_varint(&mut payload, self.strings.list.len() as u64);
        for text in &self.strings.list {
            push_text(&mut payload, text);
        }
        push_varint(&mut payload, self.entries.len() as u64);
        let mut start = 0;
        for (key, end) in &self.entries {
            payload.extend_from_slice(&key.content.to_le_bytes());
            payload.push(key.language);
            push_varint(&mut payload, (end - start) as u64);
            start = *end;
        }
        payload.extend_from_slice(&self.bytes);
        let mut batch = Vec::with_capacity(HEADER + payload.len());
        batch.extend_from_slice(&MAGIC);
        batch.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        batch.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&payload).to_le_bytes());
        batch.extend_from_slice(&payload);
        batch
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    batches: Vec<Batch>,
    records: Vec<Place>,
    by_key: HashMap<Key, u32>,
    /// Which file it was, and how far it is known.
    file: Option<Identity>,
    known: u64,
}

/// What tells a file from one that takes its place.
type Identity = (u64, u64);

impl Store {
    /// Opens the store; one that is not there is empty. In a large one `contents` tells what the trees hold, if that is known.
    pub fn open(path: &Path, contents: impl FnOnce() -> Option<HashSet<u128>>) -> Self {
        let mut store = Self {
            path: path.to_owned(),
            batches: Vec::new(),
            records: Vec::new(),
            by_key: HashMap::new(),
            file: None,
            known: 0,
        };
        let size = || std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if size() > LARGE {
            if let Some(contents) = contents() {
                // It stays large if it cannot be written.
                let _ = thin(path, &contents);
            }
        }
        if size() > BYTES_MAX {
            discard(path);
        }
        store.catch_up();
        store
    }

    /// Takes in what other processes have written since.
    pub fn catch_up(&mut self) {
        let Ok(file) = File::open(&self.path) else { return };
        let Ok(metadata) = file.metadata() else { return };
        let identity = identity(&metadata);
        if identity != self.file || metadata.len() < self.known {
            // Another file has taken its place.
            (self.file, self.known) = (identity, 0);
        }
        if metadata.len() == self.known {
            return;
        }
        let Ok(map) = map(&file) else { return };
        let map = std::sync::Arc::new(map);
        for range in batches(&map, usize::try_from(self.known).unwrap_or(usize::MAX)) {
            self.add(Bytes::Mapped(std::sync::Arc::clone(&map), range));
        }
        self.known = map.len() as u64;
    }

    /// Adds a batch's records, as far as they are new.
    fn add(&mut self, bytes: Bytes) {
        let batch = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        let before = self.records.len();
        for (key, range) in entries(bytes.all()).unwrap_or_default() {
            let (Ok(start), Ok(length)) = (u32::try_from(range.start), u32::try_from(range.len())) else {
                continue;
            };
            let number = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
            if let std::collections::hash_map::Entry::Vacant(entry) = self.by_key.entry(key) {
                entry.insert(number);
                self.records.push(Place { key, batch, start, length });
            }
        }
        if self.records.len() > before {
            self.batches.push(Batch::new(bytes));
        }
    }

    /// Keeps some records in this process only, as long as they are not forgotten; gives the number of the last.
    pub fn hold(&mut self, draft: &Draft) -> Option<u32> {
        let batch = draft.assemble();
        self.add(Bytes::Heap(batch.get(HEADER..)?.to_vec()));
        self.len().checked_sub(1)
    }

    /// Lets go of a record that was held alone in its batch.
    pub fn forget(&mut self, record: u32) {
        if let Some(place) = self.records.get_mut(record as usize) {
            self.by_key.remove(&place.key);
            place.length = 0;
            if let Some(batch) = self.batches.get_mut(place.batch as usize) {
                *batch = Batch::new(Bytes::Heap(Vec::new()));
            }
        }
    }

    /// Keeps some records: here at once, and in the file if it can be written.
    ///
    /// # Errors
    /// If the file could not be written; the records are known all the same.
    pub fn append(&mut self, draft: &Draft) -> io::Result<()> {
        if draft.is_empty() {
            return Ok(());
        }
        let batch = draft.assemble();
        let written = self.write(&batch);
        let bytes = match &written {
            Ok(bytes) => Bytes::Mapped(std::sync::Arc::clone(&bytes.0), bytes.1.clone()),
            Err(_) => Bytes::Heap(batch.get(HEADER..).unwrap_or_default().to_vec()),
        };
        self.add(bytes);
        written.map(|_| ())
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<(std::sync::Arc<Mmap>, Range<usize>)> {
        use std::io::Seek as _;
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        // One call: batches of several processes do not mix.
        let count = file.write(batch)?;
        let end = file.stream_position()?;
        let start = end - count as u64;
        if count < batch.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let identity = identity(&file.metadata()?);
        if start == 0 || start == self.known && identity == self.file {
            (self.file, self.known) = (identity, end);
        }
        let map = map_part(&file, start, batch.len())?;
        if map.get(HEADER..) != batch.get(HEADER..) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok((std::sync::Arc::new(map), HEADER..batch.len()))
    }

    /// The number of a record.
    pub fn find(&self, key: Key) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    /// How many records there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// The key of a record.
    pub fn key(&self, record: u32) -> Option<Key> {
        self.records.get(record as usize).map(|place| place.key)
    }

    /// A record and its strings.
    pub fn get(&self, record: u32) -> Option<(Record<'_>, impl Strings + '_)> {
        let place = self.records.get(record as usize)?;
        let batch = self.batches.get(place.batch as usize)?;
        let start = place.start as usize;
        let bytes = batch.bytes.all().get(start..start + place.length as usize)?;
        Some((Record::new(bytes), batch))
    }

    /// Bytes of all batches.
    pub fn bytes(&self) -> u64 {
        self.batches.iter().map(|batch| (batch.bytes.all().len() + HEADER) as u64).sum()
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// Leaves out the batches that hold nothing of these contents, if they are more than half of the file.
///
/// What another process writes meanwhile may be left out, too: it is read from the sources again.
fn thin(path: &Path, contents: &HashSet<u128>) -> io::Result<()> {
    let map = map(&File::open(path)?)?;
    let is_of_use = |range: &Range<usize>| {
        let found = map.get(range.clone()).and_then(entries);
        found.is_some_and(|found| found.iter().any(|(key, _)| contents.contains(&key.content)))
    };
    let kept = batches(&map, 0).filter(is_of_use);
    let kept: Vec<&[u8]> = kept.filter_map(|range| map.get(range.start - HEADER..range.end)).collect();
    if kept.iter().map(|batch| batch.len()).sum::<usize>() >= map.len() / 2 {
        return Ok(());
    }
    replace(path, &kept)
}

/// Where the payloads of the batches lie, from a place on; what is damaged is passed over.
fn batches(bytes: &[u8], mut at: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(at..).filter(|rest| rest.len() >= HEADER)?;
            match payload_of(rest) {
                Some(length) => {
                    let start = at + HEADER;
                    at = start + length;
                    return Some(start..at);
                }
                None => at += 1 + memchr::memmem::find(&rest[1..], &MAGIC)?,
            }
        }
    })
}

/// The length of what follows a batch's header, if it is whole.
fn payload_of(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    if take::<16>(&mut rest)? != MAGIC {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
    let sum = u64::from_le_bytes(take(&mut rest)?);
    let payload = rest.get(..length)?;
    (xxhash_rust::xxh3::xxh3_64(payload) == sum).then_some(length)
}

fn entries(payload: &[u8]) -> Option<Vec<(Key, Range<usize>)>> {
    let mut rest = payload;
    for _ in 0..take_varint(&mut rest)? {
        let length = usize::try_from(take_varint(&mut rest)?).ok()?;
        rest = rest.get(length..)?;
    }
    let count = take_u32(&mut rest)?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let content = u128::from_le_bytes(take(&mut rest)?);
        let [language] = take(&mut rest)?;
        keys.push((Key { content, language }, usize::try_from(take_varint(&mut rest)?).ok()?));
    }
    let mut start = payload.len() - rest.len();
    let mut found = Vec::with_capacity(keys.len());
    for (key, length) in keys {
        let end = start.checked_add(length).filter(|end| *end <= payload.len())?;
        found.push((key, start..end));
        start = end;
    }
    Some(found)
}

#[expect(unsafe_code, reason = "a mapped file is read in place, by several processes at once")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: what was written to a store is never changed, only appended to, and it lies in a folder of the person's own
    // that nobody else writes to.
    unsafe { Mmap::map(file) }
}

#[expect(unsafe_code, reason = "a mapped file is read in place, by several processes at once")]
fn map_part(file: &File, start: u64, length: usize) -> io::Result<Mmap> {
    // SAFETY: as above.
    unsafe { memmap2::MmapOptions::new().offset(start).len(length).map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(content: u128) -> Key {
        Key { content, language: 0 }
    }

    /// A batch with a record of each content.
    fn draft(contents: &[u128]) -> Draft {
        let mut draft = Draft::default();
        for content in contents {
            draft.bytes.extend_from_slice(&[0; 300]);
            draft.end(key(*content));
        }
        draft
    }

    fn opened(path: &Path) -> Store {
        Store::open(path, || None)
    }

    #[test]
    fn what_no_tree_has_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("structure.records");
        let mut early = opened(&path);
        for contents in [[1, 2], [3, 4], [5, 6], [7, 8]] {
            early.append(&draft(&contents)).unwrap();
        }
        let size = || std::fs::metadata(&path).unwrap().len();
        let full = size();
        thin(&path, &HashSet::from([1, 3, 5])).unwrap();
        assert_eq!(size(), full, "less than half would go");
        thin(&path, &HashSet::from([3])).unwrap();
        assert_eq!(size(), full / 4);
        let mut late = opened(&path);
        let known = |store: &Store| (1..=10).filter(|content| store.find(key(*content)).is_some()).collect();
        let (all, kept): (Vec<u128>, Vec<u128>) = (known(&early), known(&late));
        assert_eq!((all, kept), ((1..=8).collect(), vec![3, 4]), "who had it open still has it");
        // Both go on with the new file, however long it is by now.
        early.append(&draft(&[9])).unwrap();
        for content in 100..120 {
            late.append(&draft(&[content])).unwrap();
        }
        assert!(size() > full);
        late.append(&draft(&[10])).unwrap();
        early.catch_up();
        late.catch_up();
        assert!([9, 10, 119].iter().all(|content| early.find(key(*content)).is_some()));
        assert!([9, 10, 119].iter().all(|content| late.find(key(*content)).is_some()));
        assert!([3, 9, 10, 119].iter().all(|content| opened(&path).find(key(*content)).is_some()));
    }

    #[test]
    fn damage_is_no_reason_to_keep_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("structure.records");
        opened(&path).append(&draft(&[1, 2, 3])).unwrap();
        opened(&path).append(&draft(&[4])).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[HEADER + 40] ^= 1;
        replace(&path, &[&bytes]).unwrap();
        thin(&path, &HashSet::from([1, 4])).unwrap();
        let store = opened(&path);
        assert!(store.find(key(1)).is_none() && store.find(key(4)).is_some());
        assert_eq!(store.bytes(), std::fs::metadata(&path).unwrap().len());
        assert!(thin(&folder.path().join("none"), &HashSet::new()).is_err());
    }
}
