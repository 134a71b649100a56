//! What a batch changes, what it takes back, and what it leaves alone.

#![expect(clippy::disallowed_methods, reason = "the tests make their own trees")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::Expected;

fn write<'a>(path: &'a str, content: &'a str) -> Change<'a> {
    Change {
        path: Path::new(path),
        content: Some(content.as_bytes()),
        mode: None,
        expected: Expected::Anything,
    }
}

fn delete(path: &str) -> Change<'_> {
    Change { path: Path::new(path), content: None, mode: None, expected: Expected::Anything }
}

fn run(root: &Path, changes: &[Change<'_>]) -> Result<(), FsError> {
    crate::write_batch(root, changes, None)
}

fn staged<'a>(root: &Path, changes: &[Change<'a>]) -> Batch<'a> {
    let mut batch = Batch::plan(root, changes, false).unwrap();
    batch.stage().unwrap();
    batch
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// All names beneath a folder with the content of files, sorted.
fn snapshot(root: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && !path.is_symlink() {
            all.push((format!("{name}/"), String::new()));
            all.extend(snapshot(&path).into_iter().map(|(n, c)| (format!("{name}/{n}"), c)));
        } else {
            all.push((name, fs::read_to_string(&path).unwrap_or_default()));
        }
    }
    all.sort();
    all
}

fn sample() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "old a").unwrap();
    fs::write(root.path().join("b"), "old b").unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    root
}

fn expect(root: &Path, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(n, c)| ((*n).to_owned(), (*c).to_owned())).collect();
    assert_eq!(snapshot(root), expected);
}

#[test]
fn writes_makes_and_deletes() {
    let root = sample();
    let changes = [write("a", "new a"), delete("b"), write("x/y/c", "c"), write("x/d", "d")];
    run(root.path(), &changes).unwrap();
    expect(
        root.path(),
        &[("a", "new a"), ("folder/", ""), ("x/", ""), ("x/d", "d"), ("x/y/", ""), ("x/y/c", "c")],
    );
}

#[test]
fn modes_are_kept_or_set() {
    let root = sample();
    let a = root.path().join("a");
    fs::set_permissions(&a, fs::Permissions::from_mode(0o4750)).unwrap();
    run(root.path(), &[write("a", "1")]).unwrap();
    assert_eq!(mode_of(&a), 0o750);
    let with_mode = |path, mode| Change { mode: Some(mode), ..write(path, "2") };
    run(root.path(), &[with_mode("a", 0o600), with_mode("new", 0o4755)]).unwrap();
    assert_eq!(mode_of(&a), 0o600);
    assert_eq!(mode_of(&root.path().join("new")), 0o755);
}

#[test]
fn a_bad_change_spoils_the_whole_batch() {
    let outside = tempfile::tempdir().unwrap();
    let root = sample();
    symlink(outside.path(), root.path().join("link")).unwrap();
    symlink("a", root.path().join("inner")).unwrap();
    let before = snapshot(root.path());
    let bad = [
        write("../x", ""),
        write("/x", ""),
        write("", ""),
        write("link/x", ""),
        write("link/deep/x", ""),
        write("link", ""),
        write("inner", ""),
        delete("inner"),
        delete("missing"),
        delete("missing/file"),
        write("folder", ""),
        write("a/below", ""),
        write("./a", "twice"),
    ];
    for change in bad {
        let changes = [write("a", "new"), write("deep/er/c", ""), delete("b"), change];
        assert!(run(root.path(), &changes).is_err(), "{change:?}");
        assert_eq!(snapshot(root.path()), before, "{change:?}");
    }
    assert!(snapshot(outside.path()).is_empty());
}

#[test]
fn errors_are_told_apart() {
    let root = sample();
    symlink("/", root.path().join("link")).unwrap();
    let fails = |change| run(root.path(), &[change]).unwrap_err();
    assert!(matches!(fails(write("link/etc/x", "")), FsError::Outside { .. }));
    assert!(matches!(fails(write("a/../../x", "")), FsError::Outside { .. }));
    assert!(matches!(fails(delete("x")), FsError::NotFound { .. }));
    assert!(matches!(fails(write("folder", "")), FsError::NotAFile { .. }));
    assert!(matches!(fails(write("a/x", "")), FsError::Io { .. }));
    for pair in [["c", "c"], ["c", "./c"], ["c", "c/d"], ["c/d/e", "c"]] {
        let both = run(root.path(), &pair.map(|path| write(path, ""))).unwrap_err();
        assert!(matches!(both, FsError::Invalid { .. }), "{both:?}");
    }
}

#[test]
fn a_failure_in_the_middle_is_taken_back() {
    let root = sample();
    let changes = [write("new/c", "c"), write("a", "new a"), delete("b"), write("late", "mine")];
    let batch = staged(root.path(), &changes);
    // Somebody makes the last file after it was found free.
    fs::write(root.path().join("late"), "theirs").unwrap();
    assert!(batch.commit().is_err());
    expect(root.path(), &[("a", "old a"), ("b", "old b"), ("folder/", ""), ("late", "theirs")]);
}

#[test]
fn what_cannot_be_taken_back_is_told_and_kept() {
    let root = sample();
    let changes = [write("a", "new a"), delete("b")];
    let mut batch = staged(root.path(), &changes);
    batch.die_after(2);
    fs::remove_file(root.path().join("a")).unwrap();
    fs::create_dir(root.path().join("a")).unwrap();
    let Some(FsError::Torn { kept: Some(kept), .. }) = batch.take_back(2) else {
        panic!("a folder cannot be replaced by a file");
    };
    drop(batch);
    assert_eq!(fs::read_to_string(root.path().join(kept)).unwrap(), "old a");
    assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "old b");
}

fn over<'a>(path: &'a str, content: &'a str, old: &'a str) -> Change<'a> {
    Change { expected: Expected::Content(old.as_bytes()), ..write(path, content) }
}

fn anew<'a>(path: &'a str, content: &'a str) -> Change<'a> {
    Change { expected: Expected::Nothing, ..write(path, content) }
}

/// A batch that replaces, deletes and makes files, with or without the exchange of names.
fn expecting(root: &Path, exchanges: bool) -> Batch<'static> {
    let gone = Change { expected: Expected::Content(b"old b"), ..delete("b") };
    let mut batch = staged(root, &[over("a", "new a", "old a"), gone, anew("c", "new c")]);
    batch.steps.iter_mut().for_each(|step| step.exchanges = exchanges);
    batch
}

const OLD: [(&str, &str); 3] = [("a", "old a"), ("b", "old b"), ("folder/", "")];

#[test]
fn what_is_as_expected_is_changed() {
    for exchanges in [true, false] {
        let root = sample();
        expecting(root.path(), exchanges).commit().unwrap();
        expect(root.path(), &[("a", "new a"), ("c", "new c"), ("folder/", "")]);
    }
}

#[test]
fn all_that_has_changed_before_is_told() {
    let root = sample();
    let gone = Change { expected: Expected::Content(b"x"), ..delete("x/y") };
    let changes =
        [over("a", "1", "old a"), over("b", "2", "other"), anew("a2", "3"), gone, over("c", "4", "")];
    match run(root.path(), &changes) {
        Err(FsError::Changed { paths, busy: false }) => {
            assert_eq!(paths, ["b", "x/y", "c"].map(PathBuf::from));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(run(root.path(), &[anew("a", "")]), Err(FsError::Changed { .. })));
    expect(root.path(), &OLD);
}

/// What somebody else does after the batch was planned, and what the files are after the batch then.
type Meanwhile = (fn(&Path), &'static [(&'static str, &'static str)]);

#[test]
fn a_file_that_changes_at_the_last_moment_takes_the_batch_back() {
    let cases: [Meanwhile; 6] = [
        (|root| fs::write(root.join("a"), "theirs").unwrap(), &[("a", "theirs"), OLD[1], OLD[2]]),
        (|root| fs::write(root.join("b"), "theirs").unwrap(), &[OLD[0], ("b", "theirs"), OLD[2]]),
        (|root| fs::write(root.join("c"), "theirs").unwrap(), &[OLD[0], OLD[1], ("c", "theirs"), OLD[2]]),
        (|root| fs::remove_file(root.join("a")).unwrap(), &[OLD[1], OLD[2]]),
        (|root| fs::remove_file(root.join("b")).unwrap(), &[OLD[0], OLD[2]]),
        (|root| fs::set_permissions(root.join("b"), fs::Permissions::from_mode(0o600)).unwrap(), &OLD),
    ];
    for (meanwhile, after) in cases {
        for exchanges in [true, false] {
            let root = sample();
            let batch = expecting(root.path(), exchanges);
            meanwhile(root.path());
            let failure = batch.commit().unwrap_err();
            assert!(matches!(failure, FsError::Changed { busy: false, .. }), "{failure:?}");
            expect(root.path(), after);
        }
    }
}

#[test]
fn a_link_or_a_folder_in_the_place_is_put_back() {
    for folder in [true, false] {
        let root = sample();
        let batch = expecting(root.path(), true);
        let a = root.path().join("a");
        fs::remove_file(&a).unwrap();
        if folder {
            fs::create_dir(&a).unwrap();
        } else {
            symlink("b", &a).unwrap();
        }
        assert!(matches!(batch.commit(), Err(FsError::Changed { .. })));
        assert_eq!(a.is_dir(), folder);
        assert_eq!(a.is_symlink(), !folder);
        assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "old b");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_has_a_file_open_for_writing_keeps_it() {
    let root = sample();
    let mut theirs = fs::OpenOptions::new().append(true).open(root.path().join("b")).unwrap();
    let failure = expecting(root.path(), true).commit().unwrap_err();
    assert!(matches!(failure, FsError::Changed { busy: true, .. }), "{failure:?}");
    theirs.write_all(b", and theirs").unwrap();
    expect(root.path(), &[OLD[0], ("b", "old b, and theirs"), OLD[2]]);
}

#[test]
fn what_was_written_to_a_file_after_it_was_exchanged_is_seen() {
    let root = sample();
    let mut theirs = fs::OpenOptions::new().append(true).open(root.path().join("a")).unwrap();
    let mut batch = staged(root.path(), &[over("a", "new a", "old a"), write("c", "new c")]);
    // As where the system does not tell who has it open.
    batch.steps[0].put().unwrap();
    theirs.write_all(b", and theirs").unwrap();
    assert!(matches!(batch.steps[0].check_again(), Err(FsError::Changed { .. })));
    assert!(batch.take_back(1).is_none());
    drop(batch);
    expect(root.path(), &[("a", "old a, and theirs"), OLD[1], OLD[2]]);
}

#[test]
fn a_text_that_was_saved_over_ours_stays_when_the_batch_is_taken_back() {
    for exchanges in [true, false] {
        let root = sample();
        let mut batch = expecting(root.path(), exchanges);
        batch.die_after(3);
        fs::write(root.path().join("a"), "newest a").unwrap();
        fs::write(root.path().join("b"), "newest b").unwrap();
        fs::write(root.path().join("c"), "newest c").unwrap();
        let kept = match batch.take_back(3) {
            Some(FsError::Torn { kept: Some(kept), .. }) => kept,
            other => panic!("{other:?}"),
        };
        drop(batch);
        for name in ["a", "b", "c"] {
            assert_eq!(fs::read_to_string(root.path().join(name)).unwrap(), format!("newest {name}"));
        }
        let left: Vec<_> =
            snapshot(root.path()).into_iter().filter(|(name, _)| name.contains(".wainwright-")).collect();
        assert_eq!(left.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["old a", "old b"]);
        assert!(root.path().join(kept).exists());
    }
}

#[test]
fn a_mode_that_was_set_on_ours_stays_when_the_batch_is_taken_back() {
    for exchanges in [true, false] {
        let root = sample();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        let usual = mode_of(&b);
        fs::set_permissions(&a, fs::Permissions::from_mode(0o4755)).unwrap();
        let mut batch = expecting(root.path(), exchanges);
        batch.die_after(3);
        // The last moment to set it by the name.
        fs::set_permissions(&a, fs::Permissions::from_mode(0o1400)).unwrap();
        assert!(batch.take_back(3).is_none());
        drop(batch);
        expect(root.path(), &OLD);
        assert_eq!((mode_of(&a), mode_of(&b)), (0o1400, usual));
    }
}

#[test]
fn a_mode_that_nobody_set_is_the_old_one_when_the_batch_is_taken_back() {
    for exchanges in [true, false] {
        let root = sample();
        let a = root.path().join("a");
        fs::set_permissions(&a, fs::Permissions::from_mode(0o4751)).unwrap();
        let mut batch = expecting(root.path(), exchanges);
        batch.die_after(3);
        assert!(batch.take_back(3).is_none());
        assert_eq!(mode_of(&a), 0o4751);
    }
}

#[test]
fn a_mode_that_was_set_on_the_old_file_after_the_look_is_seen() {
    for (index, name) in ["a", "b"].iter().enumerate() {
        let root = sample();
        let mut batch = expecting(root.path(), true);
        batch.die_after(3);
        let kept = batch.steps[index].kept.clone().unwrap();
        fs::set_permissions(root.path().join(kept), fs::Permissions::from_mode(0o400)).unwrap();
        assert!(matches!(batch.steps[index].check_again(), Err(FsError::Changed { busy: false, .. })));
        assert!(batch.take_back(3).is_none());
        drop(batch);
        expect(root.path(), &OLD);
        assert_eq!(mode_of(&root.path().join(name)), 0o400);
    }
}

#[test]
fn a_file_that_was_deleted_meanwhile_stays_deleted_when_the_batch_is_taken_back() {
    let root = sample();
    let mut batch = expecting(root.path(), true);
    batch.die_after(3);
    fs::remove_file(root.path().join("a")).unwrap();
    fs::remove_file(root.path().join("c")).unwrap();
    assert!(batch.take_back(3).is_none());
    drop(batch);
    expect(root.path(), &OLD[1..]);
}

#[test]
fn a_staged_batch_that_is_dropped_leaves_nothing() {
    let root = sample();
    let before = snapshot(root.path());
    drop(staged(root.path(), &[write("a", "x"), write("n/m/c", "c")]));
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn a_folder_swapped_for_a_link_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    let root = sample();
    let folder = root.path().join("folder");
    let batch = staged(root.path(), &[write("folder/x", "x")]);
    fs::rename(&folder, root.path().join("moved")).unwrap();
    symlink(outside.path(), &folder).unwrap();
    batch.commit().unwrap();
    assert!(snapshot(outside.path()).is_empty());
    assert!(root.path().join("moved/x").exists());
}

#[test]
fn many_files_in_one_folder_need_one_handle() {
    let root = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..3000).map(|n| format!("d/f{n}")).collect();
    let changes: Vec<_> = names.iter().map(|name| write(name, "")).collect();
    let batch = staged(root.path(), &changes);
    assert_eq!(batch.folders.opened.len(), 2);
    drop(batch);
    assert!(snapshot(root.path()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_batch_is_done_whole_or_not_at_all(
        wanted in prop::collection::vec(("[ab./]{0,6}|folder/[ab]|link/x|out/x", prop::option::of("[xy]{0,9}")), 0..5),
    ) {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("folder/b")).unwrap();
        fs::write(root.join("a"), "old").unwrap();
        symlink("folder", root.join("link")).unwrap();
        symlink("..", root.join("out")).unwrap();
        let before = snapshot(place.path());
        let changes: Vec<_> = wanted
            .iter()
            .map(|(path, content)| content.as_ref().map_or(delete(path), |content| write(path, content)))
            .collect();
        if run(&root, &changes).is_ok() {
            for (path, content) in &wanted {
                let read = crate::read_beneath(&root, Path::new(path), 9).ok();
                prop_assert_eq!(read.as_deref(), content.as_deref().map(str::as_bytes));
            }
            prop_assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        } else {
            prop_assert_eq!(snapshot(place.path()), before);
        }
    }

    #[test]
    fn nothing_beside_the_root_is_read(path in "[ab./]{0,8}|(out|link|a)(/(out|root|secret|b|\\.\\.)){0,4}") {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("a/b"), "inside").unwrap();
        fs::write(place.path().join("secret"), "outside").unwrap();
        symlink("..", root.join("out")).unwrap();
        symlink("a", root.join("link")).unwrap();
        if let Ok(read) = crate::read_beneath(&root, Path::new(&path), 99) {
            prop_assert_eq!(read, b"inside");
        }
    }
}
