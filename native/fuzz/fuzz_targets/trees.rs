//! Folders of any form are laid over each other, made alike, kept and removed; what links lead to is never touched, and the
//! source stays as it was.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_fsops::{KeptFile, Kind, Snapshots, align, lay, remove};

const NAMES: [&str; 7] = ["a", "b", "c", ".going-0", ".going-1", "d\u{301}", "x\ny"];
const TARGETS: [&str; 5] = ["../outside", "..", "a", "/", "nowhere"];
const MODES: [u32; 4] = [0o755, 0o700, 0o500, 0o000];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File(Vec<u8>),
    Link(PathBuf),
    Folder,
}

type State = BTreeMap<PathBuf, Entry>;

fn state(folder: &Path, at: &Path, all: &mut State) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, at) = (entry.path(), at.join(entry.file_name()));
        if path.is_symlink() {
            all.insert(at, Entry::Link(fs::read_link(&path).expect("a link")));
        } else if path.is_dir() {
            all.insert(at.clone(), Entry::Folder);
            state(&path, &at, all);
        } else {
            all.insert(at, Entry::File(fs::read(&path).expect("a file")));
        }
    }
}

fn seen(folder: &Path) -> State {
    let mut all = State::new();
    state(folder, Path::new(""), &mut all);
    all
}

/// Makes a folder with up to twenty things in it.
fn make(input: &mut Unstructured<'_>, folder: &Path) -> Result<()> {
    fs::create_dir(folder).expect("a folder");
    let mut folders = vec![folder.to_path_buf()];
    for _ in 0..input.int_in_range(0..=20)? {
        let place = input.choose(&folders)?.join(input.choose(&NAMES)?);
        if place.symlink_metadata().is_ok() {
            continue;
        }
        match input.int_in_range(0..=3)? {
            0 => symlink(input.choose(&TARGETS)?, &place).expect("a link"),
            1 => {
                let size = usize::from(input.arbitrary::<u8>()?);
                fs::write(&place, vec![b'x'; size]).expect("a file");
            }
            _ => {
                fs::create_dir(&place).expect("a folder");
                folders.push(place);
            }
        }
    }
    Ok(())
}

fn keep(input: &mut Unstructured<'_>, store: &Path) -> Result<()> {
    let mut files = Vec::new();
    for _ in 0..input.int_in_range(0..=6)? {
        let mut path = PathBuf::new();
        for _ in 0..input.int_in_range(0..=4)? {
            path.push(input.choose(&["a", "b", "c", "..", ".", "/", ".git", "e\u{301}", ""])?);
        }
        let size = usize::from(input.arbitrary::<u8>()?);
        files.push((path, vec![b'y'; size], u32::from(input.arbitrary::<u16>()?), input.arbitrary()?));
    }
    let kept: Vec<_> = files
        .iter()
        .map(|(path, content, mode, link)| KeptFile { path, content, mode: *mode, link: *link })
        .collect();
    let mut snapshots = Snapshots::open(store).expect("a store");
    let Ok(hash) = snapshots.keep(&kept) else { return Ok(()) };
    assert_eq!(snapshots.keep(&kept).expect("again"), hash);
    let mut fresh = Snapshots::open(store).expect("a store");
    for (path, item) in fresh.files(hash).expect("what was kept") {
        assert!(!path.is_absolute() && !path.components().any(|part| part.as_os_str() == ".."));
        assert!(item.kind != Kind::Folder);
        let content = fresh.content(item.hash).expect("its bytes");
        assert!(files.iter().any(|(_, asked, ..)| *asked == content), "{path:?}");
    }
    Ok(())
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("outside")).expect("a folder");
    fs::write(at("outside/kept"), "kept").expect("a file");
    make(&mut input, &at("source"))?;
    make(&mut input, &at("target"))?;
    let (source, before) = (seen(&at("source")), seen(&at("target")));
    let linked = input.arbitrary()?;
    if lay(&at("source"), &at("target"), linked).is_ok() {
        let after = seen(&at("target"));
        for (path, entry) in &before {
            assert_eq!(after.get(path), Some(entry), "what a target has stays");
        }
        for path in after.keys().filter(|path| !before.contains_key(*path)) {
            assert_eq!(after.get(path), source.get(path), "and nothing comes from elsewhere");
        }
    }
    assert_eq!(seen(&at("source")), source);
    if align(&at("source"), &at("target")).is_ok() {
        assert_eq!(seen(&at("target")), source);
    }
    assert_eq!(seen(&at("source")), source);
    for path in source.keys().rev() {
        let folder = at("target").join(path);
        if input.ratio(1, 3)? && folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            let mode = fs::Permissions::from_mode(*input.choose(&MODES)?);
            fs::set_permissions(folder, mode).expect("its mode");
        }
    }
    remove(&at("target")).expect("whatever its modes");
    assert!(at("target").symlink_metadata().is_err());
    assert_eq!(seen(&at("source")), source);
    assert_eq!(fs::read(at("outside/kept")).expect("what links lead to"), b"kept");
    fs::create_dir(at("store")).expect("a folder");
    keep(&mut input, &at("store"))
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
