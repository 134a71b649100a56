//! What is applied, what is tolerances for it, and what is refused.

use super::*;

/// Applies an answer to one file, or says why not.
fn one(text: &str, answer: &str, format: Format<'_>) -> Result<(String, Vec<&'static str>), Refusal> {
    let edits = read_answer(answer, format, Some("f.py"))?;
    let applied = apply_edits(edits, &["f.py"], |path| match path {
        "f.py" => Source::Text(Cow::Owned(text.to_owned())),
        _ => Source::Nothing,
    })?;
    let tolerances = applied.done.iter().fold(Tolerances::NOTHING, |all, done| all.union(done.tolerances));
    let after = applied.changes.into_iter().next().and_then(|change| change.after);
    Ok((after.unwrap_or_else(|| text.to_owned()), tolerances.iter().map(Tolerance::name).collect()))
}

fn block(search: &str, replace: &str) -> String {
    format!("<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
}

#[track_caller]
fn check(text: &str, search: &str, replace: &str, expected: &str, tolerances: &[&str]) {
    let (after, names) = one(text, &block(search, replace), Format::Blocks).unwrap();
    assert_eq!((after.as_str(), names.as_slice()), (expected, tolerances));
}

#[track_caller]
fn refused(text: &str, search: &str, replace: &str) -> Reason {
    one(text, &block(search, replace), Format::Blocks).unwrap_err().reason
}

#[track_caller]
fn check_diff(text: &str, body: &str, expected: &str, tolerances: &[&str]) {
    let answer = format!("--- a/f.py\n+++ b/f.py\n{body}");
    let (after, names) = one(text, &answer, Format::Unified).unwrap();
    assert_eq!((after.as_str(), names.as_slice()), (expected, tolerances));
}

#[track_caller]
fn diff_refused(text: &str, body: &str) -> Reason {
    one(text, &format!("--- a/f.py\n+++ b/f.py\n{body}"), Format::Unified).unwrap_err().reason
}

const CODE: &str = "\
import os

class Shelf:
    def put(self, book):
        self.books.append(book)
        return self

    def take(self, name):
        book = self.find(name)
        self.books.remove(book)
        return book
";

#[test]
fn what_is_written_as_it_stands() {
    check("a\nb\nc\n", "b\n", "x\ny\n", "a\nx\ny\nc\n", &[]);
    check("a\nb\nc\n", "b\n", "", "a\nc\n", &[]);
    check("a\nb", "b\n", "x\n", "a\nx", &[]);
    check("\u{feff}a\nb\n", "a\n", "x\n", "\u{feff}x\nb\n", &[]);
    check("a\u{c}\u{2028}b\r\nc\n", "a\u{c}\u{2028}b\n", "x\n", "x\r\nc\n", &[]);
}

#[test]
fn a_file_of_blank_lines_loses_none_that_was_not_named() {
    assert_eq!(diff_refused("\n\n", "@@ -2 +1,0 @@\n-\n"), Reason::Missing);
    check_diff("\n\n", "@@ -1,2 +1,2 @@\n \n-\n+a\n", "\na\n", &[]);
    check_diff("\n", "@@ -0,0 +1 @@\n+a\n", "a\n\n", &[]);
    check_diff("\n\n", "@@ -1,0 +2 @@\n+a\n", "\na\n\n", &[]);
    check_diff(" ", "@@ -1,0 +2 @@\n+a\n", " \na", &[]);
    check_diff("", "@@ -0,0 +1 @@\n+a\n", "a\n", &[]);
}

#[test]
fn new_lines_take_over_the_line_ends() {
    check("a\r\nb\r\nc\r\n", "a\nb\n", "a\nx\ny\n", "a\r\nx\r\ny\r\nc\r\n", &[]);
    check("a\rb\rc", "b\n", "x\ny\n", "a\rx\ry\rc", &[]);
    check("a\nb\n", "b\r\n", "x\r\ny\r\n", "a\nx\ny\n", &[]);
}

#[test]
fn white_space_is_forgiven_and_that_of_the_file_stays() {
    check("a  \nb\t\nc\n", "a\nb\n", "a\nx\n", "a  \nx\nc\n", &["trailing_blanks"]);
    check("a\n\n\nb\nc\n", "a\nb\nc\n", "a\nb\nx\n", "a\n\n\nb\nx\n", &["blank_lines"]);
    check("a\nb\nc\n", "a\n\nb\nc\n", "a\n\nb\nx\n", "a\nb\nx\n", &["blank_lines"]);
    check("a\n\nb\nc\n", "a\nb\n", "a\n\nnew\n\nb\n", "a\n\nnew\n\nb\nc\n", &["blank_lines"]);
    check("x = {  'a': 1 }\n", "x = { 'a': 1 }\n", "x = 2\n", "x = 2\n", &["inner_blanks"]);
    let search = "def put(self, book):\n    self.books.append(book)\n";
    let replace = "def put(self, book):\n    if book:\n        self.books.append(book)\n";
    let expected = CODE.replace(
        "        self.books.append(book)\n",
        "        if book:\n            self.books.append(book)\n",
    );
    check(CODE, search, replace, &expected, &["indentation"]);
    let tabs = "if a {\n\tif b {\n\t\tc()\n\t}\n}\n";
    check(
        tabs,
        "    if b {\n        c()\n",
        "    if b {\n        if d {\n            c()\n        }\n",
        "if a {\n\tif b {\n\t\tif d {\n\t\t\tc()\n\t\t}\n\t}\n}\n",
        &["tabs"],
    );
}

#[test]
fn typography_and_escapes_are_forgiven() {
    check(
        "a = 'b'\nc\n",
        "a = \u{2018}b\u{2019}\n",
        "a = \u{2018}d\u{2019}\n",
        "a = 'd'\nc\n",
        &["look_alikes"],
    );
    check("it\u{2019}s\nc\n", "it's\nc\n", "it's\nd\n", "it\u{2019}s\nd\n", &["look_alikes"]);
    check("a\u{a0}b\nc\n", "a b\nc\n", "a b\nd\n", "a\u{a0}b\nd\n", &["look_alikes"]);
    check(
        "if a < b && c:\n    d\n",
        "if a &lt; b &amp;&amp; c:\n",
        "if a &gt; b:\n",
        "if a > b:\n    d\n",
        &["html_escapes"],
    );
    check("r'\\d+'\n", "r'\\\\d+'\n", "r'\\\\w+'\n", "r'\\w+'\n", &["backslashes"]);
    check(
        "a = 1\nb = 2\n",
        "a = 1\n",
        "if c &lt; d:\n    a = 1\n",
        "if c < d:\n    a = 1\nb = 2\n",
        &["html_escapes"],
    );
    check("a = 1\n", "a = 1\n", "a = '&lt;'\n", "a = '&lt;'\n", &[]);
    check(
        "if a:\n    b = 1\n",
        "\u{a0}\u{a0}\u{a0}\u{a0}b = 1\n",
        "\u{a0}\u{a0}\u{a0}\u{a0}c = 1\n",
        "if a:\n    c = 1\n",
        &["look_alikes"],
    );
    check("a &lt; b\n", "a &lt; b\n", "a &gt; b\n", "a &gt; b\n", &[]);
}

#[test]
fn the_form_of_a_block_is_forgiven() {
    check("a\nb\n", "```python\na\n```\n", "```python\nx\n```\n", "x\nb\n", &["fences"]);
    check("a\n  b\nc\n", "1|a\n2|  b\n", "1|a\n2|  x\n", "a\n  x\nc\n", &["line_numbers"]);
    check("a\n  b\nc\n", "    1 a\n    2   b\n", "    1 a\n    2   x\n", "a\n  x\nc\n", &["line_numbers"]);
    let answer = "**f.py**\n```\n<<<<<<<< ORIGINAL\na\n========\nx\n>>>>>>>> UPDATED\n```\n";
    assert_eq!(one("a\nb\n", answer, Format::Auto).unwrap(), ("x\nb\n".into(), vec!["markers"]));
    let heading = "Title\n=======\ntext\n";
    check(heading, "Title\n=======\ntext\n", "Title\n=======\nmore\n", "Title\n=======\nmore\n", &[]);
    assert_eq!(refused("a\nb\n", "a\n", "b\n=======\nc\n"), Reason::Unreadable);
}

#[test]
fn the_lines_of_a_merge_conflict_are_found_as_one() {
    let conflict = "<<<<<<< HEAD\nb = 2\n=======\nb = 3\n>>>>>>> topic\n";
    let text = format!("a = 1\n{conflict}c = 4\n");
    check(&text, conflict, "b = 3\n", "a = 1\nb = 3\nc = 4\n", &[]);
    check(&text, &format!("a = 1\n{conflict}"), "a = 1\n", "a = 1\nc = 4\n", &[]);
    let three = conflict.replace("=======", "||||||| base\nb = 1\n=======");
    check(&format!("{three}d\n"), &three, "b = 3\n", "b = 3\nd\n", &[]);
    // Part of it, and one that comes.
    check(&text, ">>>>>>> topic\nc = 4\n", "c = 4\n", &text.replace(">>>>>>> topic\n", ""), &[]);
    check(&text, "<<<<<<< HEAD\nb = 2\n", "b = 2\n", &text.replace("<<<<<<< HEAD\n", ""), &[]);
    check("a = 1\nc = 4\n", "a = 1\n", &format!("a = 1\n{conflict}"), &text, &[]);
    // The old form of a block is no conflict, and what was cut off is seen.
    let old = "f.py\n<<<<<<< HEAD\na\n=======\nx\n>>>>>>> UPDATED\n";
    assert_eq!(one("a\nb\n", old, Format::Auto).unwrap().0, "x\nb\n");
    let cut = format!("f.py\n<<<<<<< SEARCH\na\n{old}");
    assert_eq!(one("a\nb\n", &cut, Format::Blocks).unwrap_err().reason, Reason::Missing);
}

#[test]
fn dots_stand_for_lines_that_stay_or_are_refused() {
    let search = "class Shelf:\n    # ...\n        book = self.find(name)\n";
    let replace = "class Shelf(Base):\n    # ...\n        book = self.get(name)\n";
    let expected = CODE.replace("class Shelf:", "class Shelf(Base):").replace("self.find", "self.get");
    check(CODE, search, replace, &expected, &["elision"]);
    let search = "    def put(self, book):\n        self.books.append(book)\n        return self\n";
    let replace = "    def put(self, item):\n        # ... existing code ...\n        return self\n";
    assert_eq!(refused(CODE, search, replace), Reason::Elision);
    let replace =
        "    def put(self, book):\n        self.books.append(book)\n        # ... rest unchanged ...\n";
    assert_eq!(refused(CODE, search, replace), Reason::Elision);
    // A body that consists of dots is Python.
    check("def f():\n    pass\n", "def f():\n    pass\n", "def f():\n    ...\n", "def f():\n    ...\n", &[]);
}

#[test]
fn stale_context_is_forgiven_and_stale_removed_lines_are_not() {
    let search = "    def take(self, name):\n        book = self.find_old(name)\n        self.books.remove(book)\n        return book\n";
    let replace = search.replace("return book", "return Taken(book)");
    let expected = CODE.replace("        return book\n", "        return Taken(book)\n");
    check(CODE, search, &replace, &expected, &["stale_context"]);
    let replace = search.replace("self.find_old(name)", "self.look_up(name)");
    assert_eq!(refused(CODE, search, &replace), Reason::StaleRemoved);
    // What should come in for the misspelt line is there already.
    let replace = search.replace("find_old", "find").replace("return book", "return Taken(book)");
    check(CODE, search, &replace, &expected, &["misquoted"]);
    let anchors = "    def take(self, name):\n        one()\n        two()\n        return book\n";
    assert_eq!(refused(CODE, anchors, &anchors.replace("two()", "three()")), Reason::StaleRemoved);
    assert_eq!(
        refused(CODE, anchors, &anchors.replace("two()\n", "two()\n        three()\n")),
        Reason::Missing
    );
}

#[test]
fn lines_that_stand_among_others_are_not_those_that_go() {
    let block =
        "    add(Arg::new(1)\n        .long(true)\n        .help(2)\n        .value(3)\n        .last(4))\n";
    let text = format!("    one(1)\n    two(2)\n{block}    three(3)\n    four(4)\n");
    let search = format!("    about()\n    version()\n{block}    author()\n");
    assert_eq!(refused(&text, &search, "    about()\n    version()\n    author()\n"), Reason::Missing);
}

#[test]
fn two_places_are_none() {
    assert_eq!(refused("a\nb\na\n", "a\n", "x\n"), Reason::Ambiguous);
    assert_eq!(refused("  a\n\ta\n", "a\n", "x\n"), Reason::Ambiguous);
    assert_eq!(refused("a \n  a\n", "a\n", ""), Reason::Ambiguous);
    check("a\n  a\n", "a\n", "x\n", "x\n  a\n", &[]);
    assert_eq!(refused("a\n", "", "b\n"), Reason::NoPlace);
    assert_eq!(refused("a\n\nb\n", "\n", "b\n"), Reason::NoPlace);
}

#[test]
fn part_of_a_line() {
    check("total = a + b\n", "a + b\n", "b + a\n", "total = b + a\n", &["part_of_line"]);
    assert_eq!(refused("subtotal = 1\n", "total = 1\n", "x\n"), Reason::Missing);
    assert_eq!(refused("f(a); f(a)\n", "f(a)\n", "x\n"), Reason::Ambiguous);
}

#[test]
fn what_is_there_already_is_not_made_twice() {
    check("a\nnew()\nb\n", "a\nold()\nb\n", "a\nnew()\nb\n", "a\nnew()\nb\n", &["already_there"]);
    check(
        "import a\nimport b\n",
        "import a\n",
        "import a\nimport b\n",
        "import a\nimport b\n",
        &["already_there"],
    );
    check("aaa\nbbb\n", "aaa\nxxx\nbbb\n", "aaa\nbbb\n", "aaa\nbbb\n", &["already_there"]);
}

#[test]
fn several_edits_of_one_file() {
    let answer = block("a\nb\n", "x\nb\n") + &block("b\nc\n", "b\ny\n");
    assert_eq!(one("a\nb\nc\n", &answer, Format::Blocks).unwrap().0, "x\nb\ny\n");
    let answer = block("a\nb\n", "x\nb\n") + &block("x\n", "z\n");
    let (after, tolerances) = one("a\nb\nc\n", &answer, Format::Blocks).unwrap();
    assert_eq!((after.as_str(), tolerances.as_slice()), ("z\nb\nc\n", ["sequence"].as_slice()));
    let answer = block("a\n", "x\n") + &block("a\n", "y\n");
    let refusal = one("a\nb\n", &answer, Format::Blocks).unwrap_err();
    assert_eq!((refusal.edit, refusal.reason), (1, Reason::Conflict));
    let answer = block("a\n", "x\n") + &block("nothing\n", "y\n");
    assert_eq!(one("a\nb\n", &answer, Format::Blocks).unwrap_err().edit, 1);
}

#[test]
fn unified_differences() {
    check_diff("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n", "a\nx\nc\n", &[]);
    check_diff("a\nb\nc\n", "@@\n a\n-b\n+x\n c\n", "a\nx\nc\n", &[]);
    check_diff("a\n  b\n  c\n", "@@ -1,3 +1,3 @@\na\n-  b\n+  x\n  c\n", "a\n  x\n  c\n", &["unsigned"]);
    check_diff(
        "a\nb\n",
        "@@ -1,2 +1,5 @@\n a\n+x\n\n+y\n b\n",
        "a\nx\n\ny\nb\n",
        &["blank_lines", "unsigned"],
    );
    check_diff("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+x\n", "a\nx\n", &[]);
    check_diff("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+x\n\\ No newline at end of file\n", "a\nx", &[]);
    assert_eq!(diff_refused("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-q\n+x\n c\n"), Reason::StaleRemoved);
    assert_eq!(diff_refused("a\nb\n", "@@ -2,0 +3,1 @@\n+x\n"), Reason::NoPlace);
}

#[test]
fn a_blank_line_without_its_sign_is_like_its_neighbours_where_others_have_one() {
    let text = "a\n\n\nb\n";
    let diff = "@@ -3,2 +3,5 @@\n \n+x\n\n+\n b\n";
    check_diff(text, diff, "a\n\n\nx\n\n\nb\n", &["unsigned"]);
}

#[test]
fn a_line_number_decides_between_equal_places_only_if_it_is_near_one() {
    let text = "a\n".repeat(3) + "same\n" + &"b\n".repeat(40) + "same\n";
    let change = |line: usize| format!("@@ -{line} +{line} @@\n-same\n+x\n");
    let last = text[..text.len() - 5].to_owned() + "x\n";
    check_diff(&text, &change(45), &last, &["line_hint"]);
    check_diff(&text, &change(47), &last, &["line_hint"]);
    assert_eq!(diff_refused(&text, &change(25)), Reason::Ambiguous);
    assert_eq!(diff_refused(&text, &change(36)), Reason::Ambiguous);
    assert_eq!(diff_refused(&text, "@@\n-same\n+x\n"), Reason::Ambiguous);
}

#[test]
fn v4a() {
    let text =
        "class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 1\n";
    let answer = "*** Begin Patch\n*** Update File: f.py\n@@ class B:\n-        return 1\n+        return 2\n*** End Patch\n";
    let (after, tolerances) = one(text, answer, Format::Auto).unwrap();
    assert_eq!(
        (after.matches("return 2").count(), after.rfind("return 2") > after.find("class B")),
        (1, true)
    );
    assert_eq!(tolerances, ["anchor"]);
    let cut = &answer[..answer.len() - 14];
    assert_eq!(one(text, cut, Format::V4a).unwrap_err().reason, Reason::Truncated);
    assert_eq!(
        one(text, &answer.replace("@@ class B:", "@@"), Format::V4a).unwrap_err().reason,
        Reason::Ambiguous
    );
}

fn tree(
    answer: &str,
    format: Format<'_>,
    files: &[(&str, &str)],
) -> Result<Vec<(String, Option<String>)>, Refusal> {
    let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    let edits = read_answer(answer, format, None)?;
    let applied = apply_edits(edits, &paths, |path| match files.iter().find(|(name, _)| *name == path) {
        Some((_, text)) => Source::Text(Cow::Borrowed(*text)),
        None => Source::Nothing,
    })?;
    Ok(applied.changes.into_iter().map(|change| (change.path, change.after)).collect())
}

#[test]
fn paths() {
    let files =
        [("src/one.py", "a\n"), ("lib/Two.py", "a\n"), ("lib/three.py", "a\n"), ("src/three.py", "a\n")];
    let at = |path: &str| tree(&format!("{path}\n{}", block("a\n", "x\n")), Format::Blocks, &files);
    for (path, meant) in [
        ("src/one.py", "src/one.py"),
        ("a/src/one.py", "src/one.py"),
        ("./src/one.py", "src/one.py"),
        ("/src/one.py", "src/one.py"),
        ("src\\one.py", "src/one.py"),
        ("one.py", "src/one.py"),
        ("lib/two.py", "lib/Two.py"),
        ("File: `src/one.py`:", "src/one.py"),
    ] {
        assert_eq!(at(path).unwrap()[0].0, meant, "{path}");
    }
    for (path, reason) in [
        ("three.py", Reason::SeveralFiles),
        ("../src/one.py", Reason::Outside),
        ("/etc/one.py", Reason::Outside),
        ("a/../../src/one.py", Reason::Outside),
        ("other/one.py", Reason::NoFile),
        ("four.py", Reason::NoFile),
    ] {
        assert_eq!(at(path).unwrap_err().reason, reason, "{path}");
    }
}

#[test]
fn files_come_go_and_move() {
    let files = [("a.py", "a\n"), ("b.py", "b\n")];
    let answer =
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n";
    let changes = tree(answer, Format::Auto, &files).unwrap();
    assert_eq!(changes, [("new.py".into(), Some("x\n".into())), ("a.py".into(), None)]);
    let answer = "*** Begin Patch\n*** Update File: a.py\n*** Move to: c.py\n@@\n-a\n+x\n*** Add File: d.py\n+y\n*** Delete File: b.py\n*** End Patch\n";
    let changes = tree(answer, Format::Auto, &files).unwrap();
    let expected = [("d.py", Some("y\n")), ("b.py", None), ("a.py", None), ("c.py", Some("x\n"))];
    assert_eq!(changes, expected.map(|(path, text)| (path.to_owned(), text.map(str::to_owned))));
    let answer = "<<<<<<< FILE b.py\n```\nnew\n```\n>>>>>>> FILE\n<<<<<<< DELETE a.py\n";
    let changes = tree(answer, Format::Auto, &files).unwrap();
    assert_eq!(changes, [("b.py".into(), Some("new\n".into())), ("a.py".into(), None)]);
    let answer = "<<<<<<< FILE A.py\nnew\n>>>>>>> FILE\n<<<<<<< FILE a/b.py\nnew\n>>>>>>> FILE\n";
    let changes = tree(answer, Format::Auto, &files).unwrap();
    assert_eq!(changes.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a.py", "b.py"]);
    let answer = "*** Begin Patch\n*** Add File: a.py\n+y\n*** End Patch\n";
    assert_eq!(tree(answer, Format::Auto, &files).unwrap_err().reason, Reason::FileExists);
}

/// One edit in each form of an answer to what a path is.
fn forms(path: &str) -> [(&'static str, String); 7] {
    [
        ("search", format!("{path}\n{}", block("a\n", "x\n"))),
        ("write", format!("<<<<<<< FILE {path}\nx\n>>>>>>> FILE\n")),
        ("delete", format!("<<<<<<< DELETE {path}\n")),
        ("unified", format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+x\n")),
        ("update", format!("*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+x\n*** End Patch\n")),
        ("add", format!("*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n")),
        ("remove", format!("*** Begin Patch\n*** Delete File: {path}\n*** End Patch\n")),
    ]
}

type Outcome = Result<Vec<(String, Option<String>)>, Refusal>;

fn outcome<'t>(answer: &str, tree: &[&str], read: impl FnMut(&str) -> Source<'t>) -> Outcome {
    let applied = apply_edits(read_answer(answer, Format::Auto, None)?, tree, read)?;
    Ok(applied.changes.into_iter().map(|change| (change.path, change.after)).collect())
}

#[test]
fn what_cannot_be_edited_is_not_taken_for_nothing_nor_for_another() {
    // A file of the same name stands elsewhere, and would fit.
    let tree = ["docs/big.py", "big.PY"];
    for (source, reason) in [
        (Source::Barred("data/big.py is a folder.".into()), Reason::NotEditable),
        (Source::NotText("binary data"), Reason::NotText),
    ] {
        for listed in [&tree[..], &["data/big.py", "docs/big.py"]] {
            for (form, answer) in forms("data/big.py") {
                let found = outcome(&answer, listed, |path| match path {
                    "data/big.py" => source.clone(),
                    "docs/big.py" | "big.PY" => Source::Text("a\n".into()),
                    _ => Source::Nothing,
                });
                let refusal = found.expect_err(form);
                assert_eq!((refusal.reason, refusal.path.as_str()), (reason, "data/big.py"), "{form}");
                assert!(refusal.explain().contains("data/big.py is"), "{form}");
            }
        }
    }
    let code =
        read_answer("def f(): pass", Format::Function { path: "data/big.py", symbol: "f" }, None).unwrap();
    let refusal = apply_edits(code, &tree, |_| Source::Barred("it is a folder".into())).unwrap_err();
    assert_eq!(refusal.reason, Reason::NotEditable);
}

#[test]
fn an_edit_of_a_link_is_one_of_the_file_it_leads_to() {
    let read = |path: &str| match path {
        "A.md" => Source::Link("C.md".into()),
        "C.md" => Source::Text("a\nb\n".into()),
        "loop" => Source::Link("loop".into()),
        _ => Source::Nothing,
    };
    // The tree lists no links, and another file has the name of this one.
    let tree = ["C.md", "docs/A.md", "docs/loop"];
    for (form, answer) in forms("A.md") {
        let found = outcome(&answer, &tree, read);
        match form {
            "delete" | "remove" => {
                let refusal = found.unwrap_err();
                assert_eq!(refusal.reason, Reason::NotEditable);
                assert!(refusal.explain().starts_with("A.md is a link to C.md. Name C.md if"));
            }
            "add" => assert_eq!(found.unwrap_err().reason, Reason::FileExists),
            "write" => assert_eq!(found.unwrap(), [("C.md".into(), Some("x\n".into()))]),
            _ => assert_eq!(found.unwrap(), [("C.md".into(), Some("x\nb\n".into()))], "{form}"),
        }
    }
    // Under both names it is one file.
    let both = format!("A.md\n{}C.md\n{}", block("a\n", "x\n"), block("b\n", "y\n"));
    assert_eq!(outcome(&both, &tree, read).unwrap(), [("C.md".into(), Some("x\ny\n".into()))]);
    let moved = "*** Begin Patch\n*** Update File: A.md\n*** Move to: B.md\n*** End Patch\n";
    assert_eq!(outcome(moved, &tree, read).unwrap_err().reason, Reason::NotEditable);
    let refusal = outcome(&forms("loop")[0].1, &tree, read).unwrap_err();
    assert!(refusal.explain().contains("in a circle"));
}

#[test]
fn no_twin_of_a_file_is_made() {
    let (composed, parts) = ("caf\u{e9}.py", "cafe\u{301}.py");
    let text = |wanted: &'static str| {
        move |path: &str| if path == wanted { Source::Text("a\n".into()) } else { Source::Nothing }
    };
    for (there, written) in [
        (parts, composed),
        (composed, parts),
        (composed, "CAFE\u{301}.py"),
        ("README.md", "readme.md"),
        ("src/One.py", "./SRC/one.py"),
        ("app.py", "b/app.py"),
        ("app.py", "a/App.py"),
        ("app.py", "./app.py"),
        ("app.py", "/app.py"),
    ] {
        for (form, answer) in forms(written) {
            // A difference has a letter of its own.
            if form == "unified" && written.starts_with(['a', 'b']) {
                continue;
            }
            let found = outcome(&answer, &[there], text(there));
            match form {
                "add" => assert_eq!(found.unwrap_err().reason, Reason::FileExists, "{written}"),
                "delete" | "remove" => assert_eq!(found.unwrap(), [(there.into(), None)], "{written}"),
                _ => assert_eq!(found.unwrap(), [(there.into(), Some("x\n".into()))], "{form} {written}"),
            }
        }
        // The disk knows of files that the tree does not list.
        let answer = format!("<<<<<<< FILE {written}\nx\n>>>>>>> FILE\n");
        let plainly = written.trim_start_matches(['.', '/']).to_owned();
        let found = outcome(&answer, &[], |path| {
            if path == plainly { Source::Twin(there.into()) } else { text(there)(path) }
        });
        if !written.starts_with('/') && plainly != there {
            assert_eq!(found.unwrap(), [(there.into(), Some("x\n".into()))], "{written}");
        }
    }
    let file = |path: &str| format!("<<<<<<< FILE {path}\nx\n>>>>>>> FILE\n");
    // Two could be meant.
    let refusal = outcome(&file("Readme.md"), &["README.md", "readme.md"], text("README.md")).unwrap_err();
    assert_eq!(refusal.reason, Reason::SeveralFiles);
    // One that is written exactly is meant, and a letter that is a folder is one.
    let found = outcome(&file("readme.md"), &["README.md", "readme.md"], text("README.md")).unwrap();
    assert_eq!(found[0].0, "readme.md");
    let found = outcome(&file("b/app.py"), &["b/other.py", "app.py"], text("app.py")).unwrap();
    assert_eq!(found[0].0, "b/app.py");
    // Nor two of one answer, and a new file is not one in another folder.
    let found = outcome(&(file("n/New.py") + &file("n/new.py")), &["src/new.py"], text("")).unwrap();
    assert_eq!(found, [("n/New.py".into(), Some("x\n".into()))]);
    let found = outcome(&file("new.py"), &["src/new.py"], text("src/new.py")).unwrap();
    assert_eq!(found[0].0, "new.py");
}

#[test]
fn a_file_moves_to_no_place_that_is_taken() {
    let moved =
        |to: &str| format!("*** Begin Patch\n*** Update File: a.py\n*** Move to: {to}\n*** End Patch\n");
    let read = |path: &str| match path {
        "a.py" | "b.py" | "c.py" => Source::Text("a\n".into()),
        "dir" => Source::Barred("dir is a folder.".into()),
        "A.py" => Source::Twin("a.py".into()),
        _ => Source::Nothing,
    };
    let tree = ["a.py", "b.py", "c.py"];
    for to in ["b.py", "B.py"] {
        assert_eq!(outcome(&moved(to), &tree, read).unwrap_err().reason, Reason::FileExists, "{to}");
    }
    assert_eq!(outcome(&moved("dir"), &tree, read).unwrap_err().reason, Reason::NotEditable);
    for to in ["A.py", "n/a.py"] {
        let found = outcome(&moved(to), &tree, read).unwrap();
        assert_eq!(found, [("a.py".into(), None), (to.into(), Some("a\n".into()))]);
    }
}

#[test]
fn nothing_is_half_done() {
    for answer in ["<<<<<<< SEARCH\na\n=======\nb\n", "<<<<<<< SEARCH\na\n", "<<<<<<< FILE f.py\na\n"] {
        assert_eq!(one("a\n", answer, Format::Blocks).unwrap_err().reason, Reason::Truncated, "{answer}");
    }
    assert_eq!(one("a\n", "no edit", Format::Auto).unwrap_err().reason, Reason::Unreadable);
    let diff = "```diff\n--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(one("a\n", diff, Format::Unified).unwrap_err().reason, Reason::Truncated);
}

#[test]
fn a_refusal_shows_the_place_and_what_differs() {
    let search =
        "    def take(self, name):\n        book = self.lookup(name)\n        self.books.remove(book)\n";
    let refusal = one(CODE, &block(search, &search.replace("lookup", "get")), Format::Blocks).unwrap_err();
    let difference = refusal.difference.clone().unwrap();
    assert_eq!((difference.line, difference.found.trim()), (9, "book = self.find(name)"));
    assert_eq!(refusal.places[0].line, 8);
    let told = refusal.explain();
    assert!(
        told.contains("Line 9 is\n        book = self.find(name)\nand not\n        book = self.lookup(name)"),
        "{told}"
    );
}

#[track_caller]
fn check_function(text: &str, symbol: &str, code: &str, expected: &str, tolerances: &[&str]) {
    let (after, names) = one(text, code, Format::Function { path: "f.py", symbol }).unwrap();
    assert_eq!((after.as_str(), names.as_slice()), (expected, tolerances));
}

#[track_caller]
fn function_refused(text: &str, symbol: &str, code: &str) -> Reason {
    one(text, code, Format::Function { path: "f.py", symbol }).unwrap_err().reason
}

const DECORATED: &str = "\
class A:
    @property
    def size(self):
        \"\"\"How many.\"\"\"
        total = len(self.items)
        return total

    def get(self):
        return 1

class B:
    def get(self):
        return 2
";

#[test]
fn a_whole_function() {
    let expected = DECORATED.replace("return 1", "return 10");
    check_function(DECORATED, "A.get", "    def get(self):\n        return 10\n", &expected, &[]);
    check_function(
        DECORATED,
        "A::get",
        "```python\ndef get(self):\n    return 10\n```\n",
        &expected,
        &["indentation"],
    );
    check_function(
        DECORATED,
        "A.get",
        "class A:\n    def get(self):\n        return 10\n",
        &expected,
        &["wrapper"],
    );
    check_function(DECORATED, "A.get", "def get(self):\n        return 10\n", &expected, &["indentation"]);
    let size = "    def size(self):\n        return len(self.items)\n";
    let rest = DECORATED.split_once("    def get").unwrap().1;
    let expected = format!("class A:\n    @property\n{size}\n    def get{rest}");
    check_function(DECORATED, "size", size, &expected, &["decorators"]);
    check_function(DECORATED, "A.size", &format!("    @property\n{size}"), &expected, &[]);
    let elided = "    def size(self):\n        # ... docstring unchanged ...\n        total = len(self.items)\n        return total + 1\n";
    let expected = DECORATED.replace("return total", "return total + 1");
    check_function(DECORATED, "size", elided, &expected, &["elision", "decorators"]);
}

#[test]
fn a_whole_function_that_is_refused() {
    assert_eq!(
        function_refused(DECORATED, "get", "def get(self):\n    return 3\n"),
        Reason::SeveralFunctions
    );
    assert_eq!(function_refused(DECORATED, "put", "def put(self):\n    return 3\n"), Reason::NoFunction);
    for code in [
        "def get(self):\n    return (1,\n",
        "def get(self):\n    for a in self:\n",
        "def put(self):\n    return 3\n",
        "def get(self):\n    return 3\n\ndef more(self):\n    return 4\n",
        "import os\n",
    ] {
        assert_eq!(function_refused(DECORATED, "A.get", code), Reason::NotTheFunction, "{code}");
    }
    let other = "    @cached\n    def size(self):\n        return 1\n";
    assert_eq!(function_refused(DECORATED, "size", other), Reason::NotTheFunction);
    let dots = "def get(self):\n    # ...\n    return 3\n";
    assert_eq!(function_refused(DECORATED, "A.get", dots), Reason::Elision);
}

#[test]
fn a_function_is_shifted_as_one() {
    let text = "class A:\n    def f(self):\n        go(1)\n\n    def g(self):\n        pass\n";
    let code = "def f(self):\n    if self:\n        go(1)\n";
    let expected = text.replace("        go(1)\n", "        if self:\n            go(1)\n");
    check_function(text, "A.f", code, &expected, &["indentation"]);
}

#[test]
fn a_comment_that_is_the_path_is_no_part_of_a_function() {
    let text = "def f():\n    return 1\n";
    check_function(text, "f", "# f.py\n\ndef f():\n    return 2\n", &text.replace('1', "2"), &[]);
    check_function(text, "f", "# f.pyx\ndef f():\n    return 1\n", &format!("# f.pyx\n{text}"), &[]);
}

#[test]
fn blanks_of_a_function_are_those_of_the_code() {
    let text = "class A:\n    def f(self):\n        a()\n        \n        b()  \n\n    c = 1\n";
    let code = "    def f(self):\n        a()\n        \n        b()  \n";
    check_function(text, "f", code, text, &[]);
    let code = "    def f(self):\n        x()\n        \n        b()  \n";
    check_function(text, "f", code, &text.replace("a()", "x()"), &[]);
    let code = "def f(self):\n    x()\n    \n    b()\n";
    check_function(text, "f", code, &text.replace("a()", "x()"), &["indentation"]);
}

#[test]
fn the_scope_of_a_function_decides() {
    let text =
        "class A:\n    def call(self, a):\n        def call():\n            return a\n        return call\n";
    let code = "def call(self, a, b):\n    def call():\n        return b\n    return call\n";
    assert_eq!(function_refused(text, "call", code), Reason::SeveralFunctions);
    let expected = text.replace("self, a", "self, a, b").replace("return a", "return b");
    check_function(text, "A.call", code, &expected, &["indentation"]);
    let text =
        "class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 2\n";
    let code = "class A:\n    def f(self):\n        return 3\n";
    assert_eq!(function_refused(text, "B.f", code), Reason::NotTheFunction);
    check_function(text, "f", code, &text.replace("return 1", "return 3"), &["wrapper"]);
}

#[test]
fn a_letter_before_a_path_is_no_folder_to_leave() {
    let files = [("src/f.py", "a\n")];
    for path in ["a/../src/f.py", "a/src/../../src/f.py"] {
        let answer = format!("--- {path}\n+++ {path}\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(tree(&answer, Format::Unified, &files).unwrap_err().reason, Reason::Outside, "{path}");
    }
    let answer = "--- a/../src/f.py\n+++ a/../src/f.py\n@@ -1 +1 @@\n-a\n+b\n";
    assert!(tree(answer, Format::Unified, &[("src/f.py", "a\n"), ("a/g.py", "")]).is_ok());
    let answer = "--- a/src/../src/f.py\n+++ b/src/f.py\n@@ -1 +1 @@\n-a\n+b\n";
    assert!(tree(answer, Format::Unified, &files).is_ok());
}

#[test]
fn lines_that_nobody_showed_stay() {
    let text = "import a\nimport b\nimport c\nimport d\n\nrun()\n";
    let diff = "@@ -1,5 +1,3 @@\n-import a\n-import c\n import d\n \n run()\n";
    assert_eq!(diff_refused(text, diff), Reason::Missing);
    let diff = "@@ -1,5 +1,3 @@\n import a\n-import c\n import d\n \n run()\n";
    assert_eq!(diff_refused(text, diff), Reason::Missing);
    let diff = "@@ -1,5 +1,3 @@\n-import a\n ...\n-import d\n \n run()\n";
    check_diff(text, diff, "import b\nimport c\n\nrun()\n", &["elision"]);
}

#[test]
fn a_line_that_is_not_there_is_not_taken_for_the_new_one_elsewhere() {
    let text = "def f():\n    a = open_it(1)\n    b = 2\n    return a\n\ndef g():\n    a = open_one(1)\n";
    let (search, replace) = ("    a = open_all(1)\n    b = 2\n", "    a = open_one(1)\n    b = 3\n");
    refused(text, search, replace);
    let here = text.replace("open_it", "open_one");
    check(&here, search, replace, &here.replace("b = 2", "b = 3"), &["misquoted"]);
    let aligned = here.replace("a = open_one(1)", "a  = open_one(1)");
    refused(&aligned, search, replace);
}

#[test]
fn of_equal_lines_that_beside_its_neighbour_counts() {
    let text = "    log(a)\n    warn(a)\n    log(a)\n\n\ndef f(a):\n    b = a\n    return b.use(1)\n";
    let (search, replace) = (
        "    log(a)\n\n\ndef f(a):\n    b = a\n    return b.used(1)\n",
        "    log(a)\n\n\ndef f(c):\n    b = a\n    return b.used(1)\n",
    );
    check(text, search, replace, &text.replace("f(a)", "f(c)"), &["stale_context"]);
}

#[test]
fn several_stale_lines_need_one_that_stands_nowhere_else() {
    let test = |name: &str, text: &str| {
        format!(
            "fn {name}() {{\n    let app = new();\n    let res = app.get();\n    same(res, \"{text}\");\n}}\n\n"
        )
    };
    let file = test("one", "some long text")
        + &test("two", "another long text")
        + "fn last() {\n    let app = new();\n    app.get();\n}\n";
    let diff = "@@ -1,5 +1,5 @@\n fn oned() {\n     let app = new();\n-    let res = app.get();\n+    let res = app.got();\n     same(res, \"some long tent\");\n }\n";
    diff_refused(&file, diff);
}

#[test]
fn a_stale_hunk_is_not_merged_into_another() {
    let text = "def first(a):\n    x = load(a)\n    y = save(x)\n    return y\n";
    let hunk = |name: &str| {
        format!(
            "@@ -1,4 +1,4 @@\n def {name}(a):\n     x = load(a)\n-    y = save(x)\n+    y = store(x)\n     return y\n"
        )
    };
    assert_eq!(diff_refused(text, &(hunk("first_of") + &hunk("first"))), Reason::Conflict);
    let expected = text.replace("save", "store");
    check_diff(text, &(hunk("first") + &hunk("first")), &expected, &[]);
}

#[test]
fn look_alikes_go_where_a_line_of_the_answer_shows_it() {
    let text = "a = 'b'\nc = 1\nd = 2\n";
    let quotes = block("a = \u{2018}b\u{2019}\n", "a = \u{2018}b\u{2014}c\u{2019}\n");
    let (after, _) = one(text, &quotes, Format::Blocks).unwrap();
    assert_eq!(after, text.replace("'b'", "'b\u{2014}c'"));
    let both = quotes + &block("d = 2\n", "d = \u{201c}e\u{201d}\n");
    let (after, _) = one(text, &both, Format::Blocks).unwrap();
    assert_eq!(after, text.replace("'b'", "'b\u{2014}c'").replace("d = 2", "d = \"e\""));
    let file = format!("{text}# \u{201c}x\u{201d}\n");
    let (after, _) = one(&file, &both, Format::Blocks).unwrap();
    assert_eq!(after, file.replace("'b'", "'b\u{2014}c'").replace("d = 2", "d = \u{201c}e\u{201d}"));
    let text = "a = b < c\nd = 2\n";
    let both = block("a = b &lt; c\n", "a = b &lt; e\n") + &block("d = 2\n", "d = '&lt;'\n");
    let (after, _) = one(text, &both, Format::Blocks).unwrap();
    assert_eq!(after, "a = b < e\nd = '<'\n");
}

#[test]
fn lines_that_are_still_there_have_not_gone() {
    // The new line stands already, and the old one beside it: nothing says that this is done.
    let text = "first(1)\nold(2)\nnew(2)\nlast(3)\n";
    assert_eq!(refused(text, "old(2)\nlast(3)\n", "new(2)\nlast(3)\n"), Reason::Missing);
    // Numbers before the lines hide that the old ones are there.
    let text = "import a\nimport b\n\nrun(a)\n";
    check(text, "1| import a\n2| import b\n3| \n", "import a\n\n", "import a\n\nrun(a)\n", &["line_numbers"]);
    // What differs in white space alone is no sign of being done.
    let text = "one `a`\ntwo `b`\n";
    assert_eq!(refused(text, "one `a`\ntwo `c`\n", "one `a`  \ntwo `b`  \n"), Reason::StaleRemoved);
}

#[test]
fn new_lines_that_begin_or_end_as_their_neighbours_are_not_made_twice() {
    let text = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n}\n\nfn c() {\n";
    let diff = "@@ -3,2 +3,6 @@\n }\n \n+fn b() {\n+    two();\n+}\n+\n fn c() {\n";
    check_diff(text, diff, text, &["already_there"]);
    // Whoever has seen all of it wants it once more.
    let text = "a: 1\nb: 1\nb: 1\nc: 1\n";
    check_diff(
        text,
        "@@ -1,3 +1,4 @@\n a: 1\n b: 1\n b: 1\n+b: 1\n c: 1\n",
        &text.replacen("b: 1\n", "b: 1\nb: 1\n", 1),
        &[],
    );
}

#[test]
fn dots_that_take_the_place_of_more_are_no_body() {
    let text = "def f():\n    with a:\n        one(1)\n        two(2)\n\ndef g():\n    pass\n";
    let search = "    with a:\n        one(1)\n        two(2)\n";
    assert_eq!(refused(text, search, "    with a:\n        ...\n"), Reason::Elision);
    check(text, "def g():\n    pass\n", "def g():\n    ...\n", &text.replace("pass", "..."), &[]);
    // A bracket stands anywhere: it does not tell where the lines left out begin.
    let text = "f() {\n  a = b;\n  if (c) {\n    d();\n  }\n  e();\n}\n";
    let search = "  a = b;\n  if (c) {\n    d();\n  }\n  e();\n";
    assert_eq!(refused(text, search, "  if (g) {\n    a = h;\n  }\n  // ...\n  e();\n"), Reason::Elision);
}

#[test]
fn brackets_do_not_tell_where_lines_left_out_end() {
    let text = "func f() {\n\tgo(\n\t\t{\n\t\t\ta: 1,\n\t\t},\n\t\t{\n\t\t\ta: 1,\n\t\t},\n\t)\n}\n";
    let code = "func f() {\n\tgo(\n\t\t// ...\n\t\t\ta: 1,\n\t\t},\n\t\t{\n\t\t\ta: 2,\n\t\t},\n\t)\n}\n";
    assert_eq!(in_file("f.go", text, "f", code).unwrap_err().reason, Reason::Elision);
}

#[test]
fn blanks_behind_a_number_are_those_of_the_line() {
    check("a\nb\n", "1 a\n2 b\n", "1 a\n2     \n3 b\n", "a\n    \nb\n", &["line_numbers"]);
}

#[test]
fn nothing_tells_how_a_line_is_indented_as_no_other_is() {
    let text = "def f():\n    return 1\n\nx = [\n]\n";
    assert_eq!(refused(text, "x = [\n]\n", "x = [\n\t1,\n]\n"), Reason::Indentation);
    check(text, "x = [\n]\n", "x = [\n    1,\n]\n", &text.replace("x = [\n", "x = [\n    1,\n"), &[]);
    let text = "func f() {\n\treturn 1\n}\n\nvar x = []int{\n}\n";
    assert_eq!(refused(text, "var x = []int{\n}\n", "var x = []int{\n    1,\n}\n"), Reason::Indentation);
}

#[test]
fn an_answer_that_ends_where_another_block_begins_is_cut_off() {
    let first = format!("src/f.py\n{}", block("a\n", "x\n"));
    for rest in ["\nsrc/f.py\n<<<<<<< SEA", "src/f.py\n<<<<<<<", "\nsrc/f.py\n", "\nsrc/f"] {
        let refusal = read_answer(&(first.clone() + rest), Format::Blocks, None).unwrap_err();
        assert_eq!(refusal.reason, Reason::Truncated, "{rest}");
    }
    assert!(read_answer(&(first + "\nThat is all for src/f.py.\n"), Format::Blocks, None).is_ok());
}

#[track_caller]
fn in_file(path: &str, text: &str, symbol: &str, code: &str) -> Result<String, Refusal> {
    let edits = read_answer(code, Format::Function { path, symbol }, None)?;
    let applied = apply_edits(edits, &[path], |_| Source::Text(Cow::Owned(text.to_owned())))?;
    let after = applied.changes.into_iter().next().and_then(|change| change.after);
    Ok(after.unwrap_or_else(|| text.to_owned()))
}

#[test]
fn only_the_function_is_taken_from_its_code() {
    let text = "import os\n\n\ndef f():\n    return 1\n";
    check_function(text, "f", "import os\n\ndef f():\n    return 2\n", &text.replace('1', "2"), &["wrapper"]);
    for code in [
        "import re\n\ndef f():\n    return 2\n",
        "LIMIT = 2\n\ndef f():\n    return LIMIT\n",
        "def f():\n    return 2\n\nf()\n",
        "def f():\n    return 2\n\nLIMIT = 2\n",
    ] {
        assert_eq!(function_refused(text, "f", code), Reason::NotTheFunction, "{code}");
    }
    let refusal =
        in_file("f.ts", "const f = () => {\n  go(1)\n}\n", "f", "const f = () => {\n  go(2)\n}\n\nf()\n");
    assert_eq!(refusal.unwrap_err().detail, ["`f()` is no part of f; change it by a block of its own"]);
}

#[test]
fn a_comment_before_a_function_is_there_once() {
    let text = "class A {\n\t/**\n\t * Loads it.\n\t */\n\tasync load(path) {\n\t\treturn 1;\n\t}\n}\n";
    let after = text.replace('1', "2");
    let code = "/**\n * Loads it.\n */\nasync load(path) {\n\treturn 2;\n}\n";
    assert_eq!(in_file("a.js", text, "A.load", code).unwrap(), after);
    let wrapped = "class A {\n\t/**\n\t * Loads it.\n\t */\n\tasync load(path) {\n\t\treturn 2;\n\t}\n}\n";
    assert_eq!(in_file("a.ts", text, "load", wrapped).unwrap(), after);
    assert_eq!(
        in_file("a.js", text, "load", &code.replace("it.", "all of it.")).unwrap(),
        after.replace("it.", "all of it.")
    );
    // Attributes that the code leaves out stay below the comment.
    let text = "/// Is one.\n#[inline]\nfn one() -> u8 {\n    1\n}\n";
    let code = "/// Is one.\nfn one() -> u8 {\n    2\n}\n";
    assert_eq!(in_file("a.rs", text, "one", code).unwrap(), text.replace("    1", "    2"));
    let code = code.replace("Is one", "Is two");
    let after = text.replace("    1", "    2").replace("Is one", "Is two");
    assert_eq!(in_file("a.rs", text, "one", &code).unwrap(), after);
    assert_eq!(in_file("a.rs", &text[12..], "one", &code).unwrap(), after);
    // What may be said of more than the function is not taken for its comment.
    let text = "# ---- reading ----\ndef f():\n    return 1\n";
    assert_eq!(function_refused(text, "f", "# Gives two.\ndef f():\n    return 2\n"), Reason::NotTheFunction);
    check_function(text, "f", &text.replace('1', "2"), &text.replace('1', "2"), &[]);
    // Nor is the one behind it made twice.
    let text = "def f():\n    return 1\n    # so far\n\ndef g():\n    pass\n";
    check_function(text, "f", "def f():\n    return 2\n    # so far\n", &text.replace('1', "2"), &[]);
}

#[test]
fn decorators_that_some_of_the_code_has_must_all_be_there() {
    let text = "@a\n@b(1)\ndef f():\n    return 1\n";
    assert_eq!(function_refused(text, "f", "@b(1)\ndef f():\n    return 2\n"), Reason::NotTheFunction);
    let other = "@b(system() == 'x')\ndef f():\n    return 2\n";
    assert_eq!(function_refused(text, "f", &format!("@a\n{other}")), Reason::NotTheFunction);
    let code = "@a\n@b(2)\ndef f():\n    return 2\n";
    check_function(text, "f", code, code, &[]);
    let code = "@a\n@b(\n    2,\n)\ndef f():\n    return 2\n";
    check_function(text, "f", code, code, &[]);
}

#[test]
fn the_inside_of_strings_is_moved_only_as_the_file_shows() {
    let text = "class A:\n    def f(self):\n        a = \"\"\"\none\n  two\n\"\"\"\n        return a + '1'\n";
    let code = "def f(self):\n    a = \"\"\"\none\n  two\n\"\"\"\n    return a + '2'\n";
    check_function(text, "f", code, &text.replace('1', "2"), &["indentation"]);
    let bare = "class A:\n    def f(self):\n        return 1\n";
    let code = "def f(self):\n    a = \"\"\"\nthree\n  four\n\"\"\"\n    return a\n";
    assert_eq!(function_refused(bare, "f", code), Reason::Indentation);
    let text = "class A {\n  f() {\n      go(`a${\n          b\n      }`)\n  }\n}\n";
    let code = "f() {\n    if (c) {\n        go(`a${\n            b\n        }`)\n    }\n}\n";
    let moved: String = code.lines().fold(String::new(), |text, line| text + "  " + line + "\n");
    assert_eq!(in_file("a.js", text, "f", code).unwrap(), format!("class A {{\n{moved}}}\n"));
    let text = "class A:\n    def f(self):\n        a = \"\"\"\n        one\n        \"\"\"\n        return a + '1'\n";
    let code = "def f(self):\n    a = \"\"\"\n    one\n    \"\"\"\n    return a + '2'\n";
    check_function(text, "f", code, &text.replace('1', "2"), &["indentation"]);
}

#[test]
fn the_last_bracket_tells_that_one_line_alone_was_moved() {
    let text = "class A:\n    def f(self, a):\n        return 1\n";
    let code = "def f(\n        self, a\n    ):\n        return 2\n";
    let expected = "class A:\n    def f(\n        self, a\n    ):\n        return 2\n";
    check_function(text, "f", code, expected, &["indentation"]);
    let text = "class A {\n    void f() {\n        go(1);\n// no\n    }\n}\n";
    let code = "void f() {\n        go(2);\n// no\n    }\n";
    assert_eq!(in_file("A.java", text, "f", code).unwrap(), text.replace('1', "2"));
}

#[test]
fn tabs_of_one_function_are_not_those_of_the_file() {
    let text = "class A:\n    def f(self):\n\t\treturn 1\n\n    def g(self):\n        pass\n";
    let code = "    def f(self):\n        return 2\n";
    check_function(text, "f", code, &text.replace("\t\treturn 1", "        return 2"), &[]);
    let code = "def f(self):\n    return 2\n";
    check_function(text, "f", code, &text.replace("\t\treturn 1", "        return 2"), &["indentation"]);
}

#[test]
fn code_that_leaves_out_all_that_it_could_change_is_refused() {
    let text = "func f() int {\n\ta := one()\n\treturn a\n}\n";
    let refusal = in_file("f.go", text, "f", "func f() int {\n\t// ... existing code ...\n}\n").unwrap_err();
    assert_eq!(refusal.reason, Reason::Elision);
    let text = "def f():\n    a = one()\n    return a\n";
    assert_eq!(function_refused(text, "f", "def f():\n    ...\n"), Reason::Elision);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            4 => "[a-c]{1,3}",
            2 => "    [a-c]{1,3} [a-c]",
            1 => "\t[a-c]{1,2}[ \t]{0,2}",
            1 => Just(String::new()),
            1 => Just("...".to_owned()),
            1 => Just("=======".to_owned()),
            1 => "[ +@*<>`-]{1,4}[a-c\u{2019}\u{a0}]{0,3}",
        ];
        let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
        prop::collection::vec((line, end), 0..12)
            .prop_map(|rows| rows.into_iter().map(|(line, end)| line + end).collect())
    }

    proptest! {
            #[test]
            fn any_answer_is_applied_or_refused_with_words(text in lines(), answer in lines(), start in 0..4_usize) {
                let heads = ["", "f.py\n<<<<<<< SEARCH\n", "--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n", "*** Begin Patch\n*** Update File: f.py\n@@\n"];
                let ends = ["", ">>>>>>> REPLACE\n", "", "*** End Patch\n"];
                let answer = format!("{}{answer}{}", heads[start], ends[start]);
                if let Err(refusal) = one(&text, &answer, Format::Auto) {
                    prop_assert!(!refusal.explain().is_empty());
                }
                for format in [Format::Function { path: "f.py", symbol: "a" }, Format::File { path: "f.py" }] {
                    let _ = one(&text, &answer, format);
                }
            }

            #[test]
            fn lines_beside_a_block_keep_their_bytes(before in lines(), after in lines(), search in "[d-f]{4,8}", deeper in "[ \t]{0,4}") {
                let before = if before.is_empty() || before.ends_with('\n') { before } else { before + "\n" };
                let text = format!("{before}{deeper}{search}\n{after}");
                let answer = block(&format!("{search}  \n"), &format!("new {search}\n"));
                match one(&text, &answer, Format::Blocks) {
                    Ok((edited, _)) => prop_assert_eq!(edited, format!("{before}{deeper}new {search}\n{after}")),
                    Err(refusal) => prop_assert!(text.starts_with(BOM_TEXT), "{refusal:?}"),
                }
            }

            #[test]
            fn a_whole_text_changes_no_line_that_it_has(old in lines(), new in lines()) {
                let texts = |text: &str| -> Vec<String> { text::Text::new(text).lines.iter().map(|line| line.text.to_owned()).collect() };
    prop_assume!(text::Text::new(&old).lines.last().is_some_and(|line| !line.end.is_empty()));
                let new = new.replace('\r', "");
                prop_assert_eq!(texts(&whole::shaped(&old, &new)), answer_lines(&new));
                let same = texts(&old);
                if !same.iter().any(|line| line.contains('\r')) {
                    prop_assert_eq!(whole::shaped(&old, &(same.join("\n") + "\n")), old);
                }
            }

            #[test]
            fn more_errors_are_told_once_there_are_more(before in lines(), after in lines()) {
                prop_assert_eq!(more_syntax_errors("f.py", &before, &before), None);
                let worse = more_syntax_errors("f.py", &before, &after);
                prop_assert!(worse.is_none_or(|(had, has)| had < has && more_syntax_errors("f.py", &after, &before).is_none()));
                prop_assert_eq!(more_syntax_errors("f.unknown", &before, &after), None);
            }

            #[test]
            fn a_unified_difference_of_ours_is_applied_to_the_byte(old in lines(), new in lines()) {
                let plain = |text: String| text.replace('\r', "\n").replace("...", "dots") + "end\n";
                let (old, new) = (plain(old), plain(new));
                let answer = crate::unified(&old, &new, "a/f.py", "b/f.py", 1000);
                prop_assume!(!answer.is_empty());
                if let Ok((edited, _)) = one(&old, &answer, Format::Unified) {
                    prop_assert_eq!(edited, new);
                }
            }
        }

    const BOM_TEXT: &str = "\u{feff}";
}
