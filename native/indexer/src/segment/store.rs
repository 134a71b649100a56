//! The file in which a segment outlives the process.
//!
//! It is written anew as a whole and put in place by a rename: who has the old one mapped keeps it, and whoever is killed
//! while writing leaves the old one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memmap2::Mmap;
use xxhash_rust::xxh3::Xxh3;

use super::format::{SECTIONS, Section, assemble, checksum, read_header};
use super::{Bytes, Segment};
use crate::replace::replace;

/// The name of a store in its folder.
pub(crate) const NAME: &str = "lexical.index";
/// So many bytes of a store are read at once.
const PART: usize = 1 << 18;
/// What tells a store from all others: its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum(u64);

/// Writes a segment with the parts of its words to `path`.
///
/// # Errors
/// If the file cannot be written; what was there stays.
pub(crate) fn save(segment: &Segment, path: &Path) -> io::Result<Sum> {
    let subwords = segment.subwords();
    let section = |number: usize| match number {
        _ if number == Section::SubwordText as usize => subwords.text.0.as_slice(),
        _ if number == Section::SubwordEnds as usize => &subwords.text.1,
        _ if number == Section::SubwordSlots as usize => &subwords.slots,
        _ if number == Section::SubwordWords as usize => &subwords.words.0,
        _ if number == Section::SubwordWordEnds as usize => &subwords.words.1,
        _ => segment.numbered_section(number),
    };
    let (mut bytes, _) = assemble(segment.seed, (0..SECTIONS).map(section));
    let sum = checksum(&bytes);
    bytes[24..32].copy_from_slice(&sum.to_le_bytes());
    replace(path, &[&bytes])?;
    Ok(Sum(sum))
}

/// Opens a store; `None` if there is none, or it is damaged, or of another version.
pub(crate) fn open(path: &Path) -> Option<Segment> {
    opened(path, |_| true)
}

/// Opens the store that was saved; `None` if another process has put its own in its place since, however alike.
pub(crate) fn open_saved(path: &Path, saved: Sum) -> Option<Segment> {
    opened(path, |found| found == saved)
}

fn opened(path: &Path, is_wanted: impl FnOnce(Sum) -> bool) -> Option<Segment> {
    let file = File::open(path).ok()?;
    let bytes = map(&file).ok()?;
    let (seed, sections, sum) = read_header(&bytes)?;
    let is_it = is_wanted(Sum(sum)) && sum_of(&file).ok()? == sum;
    is_it.then(|| Segment::new(Bytes::Mapped(bytes), sections, seed))
}

#[expect(unsafe_code, reason = "a mapped file is read in place, by several processes at once")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a store is never changed after the rename that put it in place (`save` writes another file), and it
    // lies in a folder of the person's own that nobody else writes to.
    unsafe { Mmap::map(file) }
}

/// The checksum of a whole file. It is read, not mapped: what nobody asks for needs not be resident.
fn sum_of(mut file: &File) -> io::Result<u64> {
    let mut head = [0; 32];
    file.read_exact(&mut head)?;
    let mut hash = Xxh3::new();
    hash.update(&head[..24]);
    let mut part = vec![0; PART];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hash.digest()),
            read => hash.update(&part[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::folder::Folder;
    use crate::files::read::PADDING;
    use crate::files::stamp::Stamp;
    use crate::lexer::lexicon::Seed;
    use crate::lexer::source::Source;
    use crate::segment::build::build;

    /// Of the same seed and with as many files: only what they say is another.
    fn segment_of(text: &str) -> Segment {
        let seed = Seed([1, 2]);
        let mut source = Source::new(seed, 0);
        let mut padded = text.as_bytes().to_vec();
        padded.resize(text.len() + PADDING, 0);
        source.add("a.py", Stamp::default(), true, &padded, text.len());
        build(vec![source], vec![Folder { path: "".into(), stamp: None }], &[], seed)
    }

    #[test]
    fn what_another_process_has_saved_meanwhile_is_not_taken_for_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let own = save(&segment_of("def one(): pass"), &path).unwrap();
        assert!(open_saved(&path, own).is_some());
        save(&segment_of("def two(): pass"), &path).unwrap();
        assert!(open_saved(&path, own).is_none());
        assert!(open(&path).is_some());
    }
}
