//! Batches that die at any step, and power cuts: what is completed, and what is left to others.

#![expect(clippy::disallowed_methods, reason = "the tests make their own trees")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;
use crate::Expected;

/// A root with a few files, and a place for the log. `old/` outside keeps the files a power cut brings back.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for folder in ["root/sub", "state", "old"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    for (number, name) in ["a", "b", "sub/c"].iter().enumerate() {
        let path = place.path().join("root").join(name);
        fs::write(&path, format!("old {name}")).unwrap();
        fs::hard_link(&path, place.path().join(format!("old/{number}"))).unwrap();
    }
    place
}

/// Two files replaced, one deleted, two made, one of them large enough for a power cut to tear.
fn wanted() -> Vec<(&'static str, Option<Vec<u8>>)> {
    vec![
        ("a", Some(b"new a".to_vec())),
        ("b", None),
        ("sub/c", Some(vec![b'c'; 10_000])),
        ("d", Some(b"new d".to_vec())),
        ("made/deep/e", Some(vec![b'e'; 5_000])),
    ]
}

fn changes<'a>(wanted: &'a [(&'static str, Option<Vec<u8>>)]) -> Vec<Change<'a>> {
    let change = |(path, content): &'a (&str, Option<Vec<u8>>)| Change {
        path: Path::new(*path),
        content: content.as_deref(),
        mode: None,
        expected: Expected::Anything,
    };
    wanted.iter().map(change).collect()
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            all.insert(name, fs::read(path).unwrap());
        }
    }
    all
}

fn new_state() -> BTreeMap<String, Vec<u8>> {
    let files = wanted().into_iter().filter_map(|(path, content)| Some((path.to_owned(), content?)));
    files.collect()
}

fn open(place: &Path) -> WriteLog {
    WriteLog::open(&place.join("state"), true).unwrap().unwrap()
}

/// Recovers as after the machine was down.
fn recover_after_power_cut(place: &Path) -> Recovery {
    let mut log = open(place);
    log.boot = Some(b"another start".to_vec());
    log.recover(&place.join("root")).unwrap()
}

#[test]
fn a_batch_that_dies_after_any_step_is_completed() {
    let wanted = wanted();
    for steps in 0..=wanted.len() * 2 {
        let place = place();
        let root = place.path().join("root");
        let mut log = open(place.path());
        let changes = changes(&wanted);
        let mut batch = Batch::plan(&root, &changes, false).unwrap();
        log.append(&root, &batch).unwrap();
        if steps > wanted.len() {
            batch.stage().unwrap();
            batch.die_after(steps - wanted.len());
        } else {
            batch.steps.truncate(steps);
            batch.stage().unwrap();
        }
        std::mem::forget(batch);
        drop(log);
        let recovery = recover(&place.path().join("state"), &root).unwrap();
        assert!(recovery.left.is_empty());
        assert_eq!(files(&root), new_state(), "{steps}");
        assert_eq!(recover(&place.path().join("state"), &root).unwrap(), Recovery::default());
    }
}

/// Each change of `wanted`, expecting what `place` has laid out.
fn expecting<'a>(wanted: &'a [(&'static str, Option<Vec<u8>>)]) -> Vec<Change<'a>> {
    let olds = [Some("old a"), Some("old b"), Some("old sub/c"), None, None];
    let expected = olds.map(|old| old.map_or(Expected::Nothing, |old| Expected::Content(old.as_bytes())));
    changes(wanted)
        .into_iter()
        .zip(expected)
        .map(|(change, expected)| Change { expected, ..change })
        .collect()
}

#[test]
fn what_somebody_saved_at_the_moment_of_the_kill_is_put_back() {
    let wanted = wanted();
    for (index, path) in ["a", "b", "sub/c"].iter().enumerate() {
        for later in [false, true] {
            let place = place();
            let root = place.path().join("root");
            let mut log = open(place.path());
            let changes = expecting(&wanted);
            let mut batch = Batch::plan(&root, &changes, false).unwrap();
            log.append(&root, &batch).unwrap();
            batch.stage().unwrap();
            batch.die_after(index);
            fs::write(root.join(path), "theirs").unwrap();
            batch.die_before_the_look(index);
            std::mem::forget(batch);
            drop(log);
            if later {
                fs::write(root.join(path), "theirs, later").unwrap();
            }
            let recovery = recover(&place.path().join("state"), &root).unwrap();
            assert_eq!(recovery.left, [PathBuf::from(path)]);
            let mut found = files(&root);
            let theirs = if later { "theirs, later" } else { "theirs" };
            assert_eq!(found.remove(*path).unwrap(), theirs.as_bytes());
            let stray = found.keys().find(|name| name.contains(".wainwright-")).cloned();
            let kept = stray.and_then(|name| found.remove(&name));
            assert_eq!(kept, later.then(|| b"theirs".to_vec()), "what they saved first");
            let mut new = new_state();
            new.remove(*path);
            assert_eq!(found, new);
        }
    }
}

#[test]
fn what_somebody_saved_after_the_kill_is_left_alone() {
    let wanted = wanted();
    let place = place();
    let root = place.path().join("root");
    let mut log = open(place.path());
    let changes = expecting(&wanted);
    let mut batch = Batch::plan(&root, &changes, false).unwrap();
    log.append(&root, &batch).unwrap();
    batch.stage().unwrap();
    std::mem::forget(batch);
    drop(log);
    let a = File::options().write(true).open(root.join("a")).unwrap();
    let times = a.metadata().unwrap().modified().unwrap();
    // Not even size and times tell.
    a.write_all_at(b"OLD", 0).unwrap();
    a.set_modified(times).unwrap();
    fs::write(root.join("d"), "theirs").unwrap();
    let recovery = recover(&place.path().join("state"), &root).unwrap();
    assert_eq!(recovery.left, ["a", "d"].map(PathBuf::from));
    let found = files(&root);
    assert_eq!((&found["a"][..], &found["d"][..]), (&b"OLD a"[..], &b"theirs"[..]));
    assert_eq!(found["sub/c"], wanted[2].1.clone().unwrap());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_mode_that_somebody_set_after_the_kill_stays() {
    let wanted = wanted();
    for steps in 0..=2 {
        let place = place();
        let (root, state) = (place.path().join("root"), place.path().join("state"));
        let mut log = open(place.path());
        let changes = expecting(&wanted);
        let mut batch = Batch::plan(&root, &changes, false).unwrap();
        log.append(&root, &batch).unwrap();
        batch.stage().unwrap();
        batch.die_after(steps);
        std::mem::forget(batch);
        drop(log);
        let usual = mode_of(&root.join("sub/c"));
        set_mode(&root.join("a"), 0o400);
        recover(&state, &root).unwrap();
        assert_eq!(files(&root), new_state());
        assert_eq!((mode_of(&root.join("a")), mode_of(&root.join("sub/c"))), (0o400, usual), "{steps}");
    }
}

#[test]
fn a_mode_that_somebody_set_on_ours_after_the_kill_is_that_of_what_is_put_back() {
    let wanted = wanted();
    let place = place();
    let (root, state) = (place.path().join("root"), place.path().join("state"));
    let mut log = open(place.path());
    let changes = expecting(&wanted);
    let mut batch = Batch::plan(&root, &changes, false).unwrap();
    log.append(&root, &batch).unwrap();
    batch.stage().unwrap();
    fs::write(root.join("a"), "theirs").unwrap();
    batch.die_before_the_look(0);
    std::mem::forget(batch);
    drop(log);
    set_mode(&root.join("a"), 0o400);
    assert_eq!(recover(&state, &root).unwrap().left, [PathBuf::from("a")]);
    assert_eq!(fs::read(root.join("a")).unwrap(), b"theirs");
    assert_eq!(mode_of(&root.join("a")), 0o400);
}

#[test]
fn a_write_log_of_the_version_before_is_begun_anew() {
    let place = place();
    let (root, state) = (place.path().join("root"), place.path().join("state"));
    crate::write_batch(&root, &expecting(&wanted()), Some(&state)).unwrap();
    let file = open(place.path()).file;
    file.write_all_at(&BEFORE, 0).unwrap();
    drop(file);
    let change = Change { path: Path::new("a"), content: None, mode: None, expected: Expected::Anything };
    crate::write_batch(&root, &[change], Some(&state)).unwrap();
    assert!(!root.join("a").exists());
    assert_eq!(recover(&state, &root).unwrap(), Recovery::default());
}

#[test]
fn a_record_that_was_not_complete_changes_nothing() {
    let place = place();
    let root = place.path().join("root");
    let before = files(&root);
    let wanted = wanted();
    let mut log = open(place.path());
    log.append(&root, &Batch::plan(&root, &changes(&wanted), false).unwrap()).unwrap();
    log.file.write_all_at(b"torn", PAGE + HEAD as u64 + 300).unwrap();
    drop(log);
    assert_eq!(recover(&place.path().join("state"), &root).unwrap(), Recovery::default());
    assert_eq!(files(&root), before);
}

#[test]
fn a_batch_that_failed_is_not_done_later() {
    let place = place();
    let root = place.path().join("root");
    let wanted = wanted();
    let mut log = open(place.path());
    let all = changes(&wanted);
    let mut batch = Batch::plan(&root, &all, false).unwrap();
    log.append(&root, &batch).unwrap();
    batch.stage().unwrap();
    drop(batch);
    log.mark(Mark::Void).unwrap();
    let before = files(&root);
    drop(log);
    assert_eq!(recover_after_power_cut(place.path()), Recovery::default());
    assert_eq!(files(&root), before);
}

#[test]
fn what_a_person_did_after_a_finished_batch_is_left_alone() {
    let place = place();
    let root = place.path().join("root");
    let state = place.path().join("state");
    crate::write_batch(&root, &changes(&wanted()), Some(&state)).unwrap();
    fs::remove_file(root.join("d")).unwrap();
    fs::write(root.join("a"), "theirs").unwrap();
    symlink("a", root.join("b")).unwrap();
    let theirs = files(&root);
    assert_eq!(recover(&state, &root).unwrap(), Recovery::default());
    assert_eq!(files(&root), theirs);
}

#[test]
fn many_batches_fit_and_a_large_one_makes_room() {
    let place = place();
    let root = place.path().join("root");
    let state = place.path().join("state");
    for number in 0..40_u8 {
        let content = vec![number; if number == 20 { 3 << 20 } else { 100_000 }];
        let change = Change {
            path: Path::new("a"),
            content: Some(&content),
            mode: Some(0o600),
            expected: Expected::Anything,
        };
        crate::write_batch(&root, &[change], Some(&state)).unwrap();
    }
    assert_eq!(fs::read(root.join("a")).unwrap(), vec![39; 100_000]);
    assert_eq!(recover_after_power_cut(place.path()), Recovery::default());
}

#[test]
fn a_write_log_serves_one_root() {
    let place = place();
    let state = place.path().join("state");
    crate::write_batch(&place.path().join("root"), &changes(&wanted()), Some(&state)).unwrap();
    let other = recover(&state, &place.path().join("old"));
    assert!(matches!(other, Err(FsError::Invalid { .. })));
}

/// What a power cut makes of one file of a batch that was written unsynced.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Written,
    Lost,
    Damaged,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 48 }))]

    #[test]
    fn no_power_cut_tears_a_batch(
        fates in prop::collection::vec(
            prop_oneof![Just(Fate::Written), Just(Fate::Lost), Just(Fate::Damaged)], 5),
        finished: bool,
        twice: bool,
    ) {
        let place = place();
        let root = place.path().join("root");
        let wanted = wanted();
        let state = place.path().join("state");
        if twice {
            // An earlier batch that the power cut takes back as well.
            let earlier = [Change { path: Path::new("a"), content: Some(b"between"), mode: None, expected: Expected::Anything }];
            crate::write_batch(&root, &earlier, Some(&state)).unwrap();
        }
        crate::write_batch(&root, &changes(&wanted), Some(&state)).unwrap();
        if !finished {
            open(place.path()).mark(Mark::Open).unwrap();
        }
        for (number, (fate, (path, content))) in fates.iter().zip(&wanted).enumerate() {
            let path = root.join(path);
            match fate {
                Fate::Written => {}
                Fate::Lost => {
                    let _ = fs::remove_file(&path);
                    if number < 3 {
                        fs::hard_link(place.path().join(format!("old/{number}")), &path).unwrap();
                    }
                }
                Fate::Damaged => if let Some(content) = content {
                    let mut content = content.clone();
                    content.truncate(content.len() / 4096 * 4096);
                    fs::write(&path, content).unwrap();
                },
            }
        }
        let recovery = recover_after_power_cut(place.path());
        prop_assert!(recovery.left.is_empty());
        prop_assert_eq!(files(&root), new_state());
    }
}
