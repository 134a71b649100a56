//! A batch happens whole or not at all, whatever its paths are and whatever became of its write log; nothing beside the root
//! is touched; a tree that is kept up to date hashes like a fresh one, and every snapshot can be had back.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_fsops::{
    Change, Expected, FsError, Hash, Snapshots, Tree, read_beneath, recover, write_batch,
};

const PATHS: [&str; 22] = [
    "a",
    "b",
    "sub/c",
    "sub/d",
    "sub/deep/e",
    "new/f",
    "a/below",
    "sub",
    "link",
    "link/x",
    "out",
    "out/x",
    "../secret",
    "",
    ".",
    "./a",
    "sub/../a",
    "/etc/passwd",
    "sub//c",
    "sub/c/",
    "x\u{0}y",
    "..",
];

type State = BTreeMap<String, Option<Vec<u8>>>;

fn state(folder: &Path) -> State {
    let mut all = State::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_symlink() {
            all.insert(
                name,
                Some(fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes()),
            );
        } else if path.is_dir() {
            all.extend(state(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            all.insert(name, fs::read(&path).ok());
        }
    }
    all
}

fn lay_out(place: &Path) {
    for folder in ["root/sub/deep", "state", "store"] {
        fs::create_dir_all(place.join(folder)).expect("a folder");
    }
    for (path, text) in
        [("secret", "secret"), ("root/a", "old a"), ("root/b", "old b"), ("root/sub/c", "old c")]
    {
        fs::write(place.join(path), text).expect("a file");
    }
    std::os::unix::fs::symlink("sub", place.join("root/link")).expect("a link");
    std::os::unix::fs::symlink("..", place.join("root/out")).expect("a link");
}

type Plan = Vec<(&'static str, Option<Vec<u8>>, Option<u32>)>;

fn plan(input: &mut Unstructured<'_>) -> Result<Plan> {
    let mut plan = Plan::new();
    for _ in 0..input.int_in_range(0..=5)? {
        let path =
            PATHS[usize::from(input.arbitrary::<u8>()?) % if plan.len() > 2 { 6 } else { PATHS.len() }];
        let content = match input.arbitrary::<u8>()? {
            0..60 => None,
            size => Some(vec![size; usize::from(size - 60) * if size > 240 { 100 } else { 1 }]),
        };
        let mode = *input.choose(&[None, Some(0o644), Some(0o600), Some(0o755)])?;
        plan.push((path, content, mode));
    }
    Ok(plan)
}

fn write(root: &Path, plan: &Plan, write_log: Option<&Path>) -> std::result::Result<(), FsError> {
    let change = |(path, content, mode): &'_ (&'static str, Option<Vec<u8>>, Option<u32>)| -> (&'static Path, Option<Vec<u8>>, Option<u32>) {
        (Path::new(*path), content.clone(), *mode)
    };
    let owned: Vec<_> = plan.iter().map(change).collect();
    let changes: Vec<_> = owned
        .iter()
        .map(|(path, content, mode)| Change {
            path,
            content: content.as_deref(),
            mode: *mode,
            expected: Expected::Anything,
        })
        .collect();
    write_batch(root, &changes, write_log)
}

/// A batch that was interrupted before its first file, with a write log that something happened to.
fn interrupted(input: &mut Unstructured<'_>, plan: &Plan) -> Result<()> {
    let place = tempfile::tempdir().expect("a folder");
    lay_out(place.path());
    let (root, write_log) = (place.path().join("root"), place.path().join("state"));
    let old = state(&root);
    if write(&root, plan, Some(&write_log)).is_err() {
        assert_eq!(state(&root), old);
        return Ok(());
    }
    let new = state(&root);
    fs::remove_dir_all(&root).expect("the root");
    lay_out_again(place.path());
    let file = write_log.join("batches.journal");
    let mut bytes = fs::read(&file).expect("the write log");
    // The mark that says how the batch ended.
    bytes[4096 + 256] = 0;
    for _ in 0..input.int_in_range(0..=3)? {
        let at = input.int_in_range(0..=8192_usize)?;
        match input.arbitrary::<u8>()? % 4 {
            0 => bytes.truncate(at * 2),
            1 => bytes[at.min(4096)..].iter_mut().take(512).for_each(|byte| *byte = 0),
            _ => {
                let new = input.arbitrary::<u8>()?;
                bytes[at..].iter_mut().take(1).for_each(|byte| *byte = new);
            }
        }
        if bytes.len() <= 8192 {
            break;
        }
    }
    fs::write(&file, &bytes).expect("the write log");
    let recovered = recover(&write_log, &root);
    let found = state(&root);
    // The files were made anew, so some may count as changed by somebody else.
    let left = recovered.as_ref().is_ok_and(|recovery| !recovery.left.is_empty());
    assert!(found == old || found == new || left, "{recovered:?}: {found:?}");
    if recovered.is_ok() {
        assert_eq!(recover(&write_log, &root).expect("again"), wainwright_fsops::Recovery::default());
        assert_eq!(state(&root), found);
        write_batch(
            &root,
            &[Change {
                path: Path::new("later"),
                content: Some(b"later"),
                mode: None,
                expected: Expected::Anything,
            }],
            Some(&write_log),
        )
        .expect("a write log that was recovered takes the next batch");
    }
    assert_eq!(fs::read(place.path().join("secret")).expect("the secret"), b"secret");
    Ok(())
}

fn lay_out_again(place: &Path) {
    fs::remove_file(place.join("secret")).expect("the secret");
    lay_out(place);
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let place = tempfile::tempdir().expect("a folder");
    lay_out(place.path());
    let root = place.path().join("root");
    let mut tree = Tree::open(&root, &[], None).expect("a tree");
    let mut snapshots = Snapshots::open(&place.path().join("store")).expect("a store");
    let mut taken: Vec<(Hash, State)> = Vec::new();
    for _ in 0..input.int_in_range(1..=4)? {
        let plan = plan(&mut input)?;
        let before = state(&root);
        let write_log = input.arbitrary::<bool>()?.then(|| place.path().join("state"));
        match write(&root, &plan, write_log.as_deref()) {
            Ok(()) => {
                for (path, content, _) in &plan {
                    let read = read_beneath(&root, Path::new(path), 1 << 20);
                    match content {
                        Some(content) => assert_eq!(read.expect("the file"), *content),
                        None => assert!(read.is_err()),
                    }
                }
            }
            Err(FsError::Torn { .. }) => panic!("nobody was in the way"),
            Err(_) => assert_eq!(state(&root), before),
        }
        let dirty: Vec<&Path> =
            plan.iter().map(|(path, ..)| Path::new(*path)).filter(|path| is_plain(path)).collect();
        let hash = snapshots.take(&mut tree, Some(&dirty)).expect("a snapshot");
        let mut fresh = Tree::open(&root, &[], None).expect("a tree");
        assert_eq!(hash, fresh.refresh().expect("a look"), "{dirty:?}");
        taken.push((hash, state(&root)));
        if input.arbitrary::<u8>()? < 40 {
            interrupted(&mut input, &plan)?;
        }
        let _ = read_beneath(&root, Path::new(input.choose(&PATHS)?), 1 << 20);
    }
    let (hash, expected) = &taken[input.int_in_range(0..=taken.len() - 1)?];
    snapshots.restore(&mut tree, *hash, None::<&[&Path]>).expect("a restore");
    let files = |state: &State| state.clone();
    assert_eq!(files(&state(&root)), files(expected));
    assert_eq!(fs::read(place.path().join("secret")).expect("the secret"), b"secret");
    assert_eq!(hash.to_string().parse::<Hash>().expect("a hash"), *hash);
    Ok(())
}

fn is_plain(path: &Path) -> bool {
    let text = path.to_string_lossy();
    !text.is_empty()
        && !text.starts_with('/')
        && !text.split('/').any(|part| part == "..")
        && !text.contains('\0')
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
