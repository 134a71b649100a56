//! The file in which a segment outlives the process.
//!
//! A header, the table of sections, the sections. It is written anew as a whole and put in place by a rename: who
//! has the old one mapped keeps it, and whoever is killed while writing leaves the old one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use memmap2::Mmap;
use xxhash_rust::xxh3::Xxh3;

use crate::bytes::take;
use crate::lexer::lexicon::Seed;
use crate::segment::{Bytes, SECTIONS, Section, Segment};

/// The name of a store in its folder.
pub(crate) const NAME: &str = "lexical.index";
/// What a store begins with. The last bytes are the version: another one is not read.
const MAGIC: [u8; 16] = *b"wainwright \0\0\0\0\x02";
/// Nobody takes this long to write a store: what is older was left by one who was killed.
const LEFT: Duration = Duration::from_secs(3600);
/// So many bytes of a store are read at once.
const PART: usize = 1 << 18;
const HEADER: usize = 16 + 8 + 8 + 16 + SECTIONS * 16;

/// Puts sections one after the other, behind a header.
pub(crate) fn assemble<'s>(
    seed: Seed,
    sections: impl Iterator<Item = &'s [u8]>,
) -> (Vec<u8>, [Range<usize>; SECTIONS]) {
    let sections: Vec<&[u8]> = sections.collect();
    let total = sections.iter().map(|section| section.len().next_multiple_of(8)).sum::<usize>();
    let mut bytes = Vec::with_capacity(HEADER + total);
    bytes.resize(HEADER, 0);
    let mut ranges = std::array::from_fn(|_| 0..0);
    for (range, section) in ranges.iter_mut().zip(sections) {
        *range = bytes.len()..bytes.len() + section.len();
        bytes.extend_from_slice(section);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    let mut header = Vec::with_capacity(HEADER);
    header.extend(MAGIC);
    header.extend((bytes.len() as u64).to_le_bytes());
    header.extend([0; 8]);
    header.extend(seed.0.iter().flat_map(|part| part.to_le_bytes()));
    for range in &ranges {
        header.extend((range.start as u64).to_le_bytes());
        header.extend((range.end as u64).to_le_bytes());
    }
    bytes[..HEADER].copy_from_slice(&header);
    (bytes, ranges)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..24]);
    hash.update(&bytes[32..]);
    hash.digest()
}

/// Writes a segment with the parts of its words to `path`.
///
/// # Errors
/// If the file cannot be written; what was there stays.
pub(crate) fn save(segment: &Segment, path: &Path) -> io::Result<()> {
    let parts = segment.parts();
    let section = |number: usize| match number {
        _ if number == Section::PartText as usize => parts.text.0.as_slice(),
        _ if number == Section::PartEnds as usize => &parts.text.1,
        _ if number == Section::PartSlots as usize => &parts.slots,
        _ if number == Section::PartWords as usize => &parts.words.0,
        _ if number == Section::PartWordEnds as usize => &parts.words.1,
        _ => segment.numbered_section(number),
    };
    let (mut bytes, _) = assemble(segment.seed, (0..SECTIONS).map(section));
    let sum = checksum(&bytes);
    bytes[24..32].copy_from_slice(&sum.to_le_bytes());
    replace(path, &[&bytes])
}

/// Puts a file with these parts in place of another: who has the old one mapped keeps it.
///
/// # Errors
/// If it cannot be written; what was there stays.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    clear(folder);
    // Two processes may write at the same time: the last one wins.
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut written = File::create(&temporary);
    for part in parts {
        written = written.and_then(|mut file| file.write_all(part).map(|()| file));
    }
    let placed = written.and_then(|_| place(&temporary, path));
    if placed.is_err() {
        discard(&temporary);
    }
    placed
}

/// Removes what writers left that were killed.
fn clear(folder: &Path) {
    let is_left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        is_old && Path::new(&name).extension().is_some_and(|extension| extension == "tmp")
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_left) {
        discard(&entry.path());
    }
}

#[expect(clippy::disallowed_methods, reason = "the store is no file of the person: it lies outside the tree")]
fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::rename(temporary, path)
}

#[expect(clippy::disallowed_methods, reason = "the store is no file of the person: it lies outside the tree")]
pub(crate) fn discard(path: &Path) {
    // What cannot be removed is used as it is, or lies there unused.
    let _ = fs::remove_file(path);
}

/// Opens a store; `None` if there is none, or it is damaged, or of another version.
pub(crate) fn open(path: &Path) -> Option<Segment> {
    let file = File::open(path).ok()?;
    let bytes = map(&file).ok()?;
    let (seed, sections, sum) = read_header(&bytes)?;
    (sum_of(&file).ok()? == sum).then(|| Segment::new(Bytes::Mapped(bytes), sections, seed))
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

/// The seed, where the sections lie, and the checksum that the file says it has.
fn read_header(bytes: &[u8]) -> Option<(Seed, [Range<usize>; SECTIONS], u64)> {
    let mut rest = bytes.get(..HEADER)?;
    let number = |rest: &mut &[u8]| usize::try_from(u64::from_le_bytes(take(rest)?)).ok();
    if take::<16>(&mut rest)? != MAGIC || number(&mut rest)? != bytes.len() {
        return None;
    }
    let sum = u64::from_le_bytes(take(&mut rest)?);
    let seed = Seed([u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?)]);
    let mut sections = std::array::from_fn(|_| 0..0);
    for range in &mut sections {
        *range = number(&mut rest)?..number(&mut rest)?;
    }
    Some((seed, sections, sum))
}
