//! Unified differences, as `diff -u` and `git diff` write them and models imitate them.

use std::borrow::Cow;

use super::super::edit::{Action, Edit, Hunk, HunkLine, Sign};
use super::super::refusal::{Reason, Refusal};
use super::super::tolerances::Tolerances;
use super::rows::{Row, fence, rows};

/// One file of the difference.
#[derive(Debug, Default)]
struct Header<'a> {
    old: Option<Cow<'a, str>>,
    new: Option<Cow<'a, str>>,
    rename_from: Option<&'a str>,
    rename_to: Option<&'a str>,
    deleted: bool,
    created: bool,
}

pub fn read<'a>(answer: &'a str, only_path: Option<&'a str>) -> Result<Vec<Edit<'a>>, Refusal> {
    let rows = rows(answer);
    let mut edits: Vec<Edit<'a>> = Vec::new();
    let mut header = Header::default();
    let mut open_fence: Option<&str> = None;
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let line = row.text;
        if let Some((marks, info)) = fence(line) {
            open_fence = match open_fence {
                Some(open) if open == marks && info.is_empty() => None,
                None => Some(marks),
                still => still,
            };
            at += 1;
        } else if let Some(git) = line.strip_prefix("diff --git ") {
            flush(&mut edits, &header)?;
            header = Header::default();
            if let Some((old, new)) = git.split_once(" b/") {
                header.old = Some(old.into());
                header.new = Some(format!("b/{new}").into());
            }
            at += 1;
        } else if starts_file(&rows, at) {
            if header.old.is_some() && header.rename_to.is_none() && !header.created && !header.deleted {
                header = Header::default();
            }
            header.old = Some(file_name(&line[4..]));
            header.new = rows.get(at + 1).map(|row| file_name(&row.text[4..]));
            header.created |= header.old.as_deref() == Some("/dev/null");
            header.deleted |= header.new.as_deref() == Some("/dev/null");
            at += 2;
        } else if line.starts_with("@@") {
            let (hunk, end) = hunk(&rows, at, open_fence.is_some())?;
            let edit = edit(&header, hunk, only_path)?;
            edits.push(edit);
            at = end;
        } else {
            extended(&mut header, line)?;
            at += 1;
        }
    }
    flush(&mut edits, &header)?;
    if open_fence.is_some() {
        return Err(Refusal::new(Reason::Truncated).because("its code fence is not closed"));
    }
    Ok(edits)
}

/// The lines of git between `diff --git` and `---`.
fn extended<'a>(header: &mut Header<'a>, line: &'a str) -> Result<(), Refusal> {
    if let Some(from) = line.strip_prefix("rename from ") {
        header.rename_from = Some(from);
    } else if let Some(to) = line.strip_prefix("rename to ") {
        header.rename_to = Some(to);
    } else if line.starts_with("deleted file mode ") {
        header.deleted = true;
    } else if line.starts_with("new file mode ") {
        header.created = true;
    } else if line.starts_with("Binary files ") || line.starts_with("GIT binary patch") {
        return Err(Refusal::new(Reason::NotText).at(0, header.new.as_deref().unwrap_or_default()));
    }
    Ok(())
}

/// What a header says without any hunk: a rename, an empty file that comes or goes.
fn flush<'a>(edits: &mut Vec<Edit<'a>>, header: &Header<'a>) -> Result<(), Refusal> {
    if let (Some(from), Some(to)) = (header.rename_from, header.rename_to) {
        edits.push(Edit::new(from, Action::Rename(to.into())));
        return Ok(());
    }
    let path = |name: &Option<Cow<'a, str>>| {
        name.clone().ok_or_else(|| Refusal::new(Reason::Unreadable).because("a difference names no file"))
    };
    let known = edits.last().is_some_and(|edit| {
        [&header.old, &header.new].into_iter().flatten().any(|name| unlettered(name) == edit.path)
    });
    if header.deleted && !known {
        edits.push(Edit::new(unlettered(&path(&header.old)?), Action::Delete));
    } else if header.created && !known {
        edits.push(Edit::new(unlettered(&path(&header.new)?), Action::Create("".into())));
    }
    Ok(())
}

/// `---` and `+++` on two lines; a line taken out may begin with `--`, but then no `+++` follows.
fn starts_file(rows: &[Row<'_>], at: usize) -> bool {
    let next = |by: usize| rows.get(at + by).map_or("", |row| row.text);
    if !(next(0).starts_with("--- ") && next(1).starts_with("+++ ")) {
        return false;
    }
    next(2).starts_with("@@") || next(2).trim().is_empty() || rows.len() <= at + 2
}

/// A file name as it stands behind `---`: with a time behind a tab, perhaps quoted as git does.
fn file_name(written: &str) -> Cow<'_, str> {
    let name = written.split('\t').next().unwrap_or(written).trim();
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => Cow::Owned(unquote(quoted)),
        None => Cow::Borrowed(name),
    }
}

fn unquote(quoted: &str) -> String {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(first @ b'0'..=b'3') => {
                let digits = [first, rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                bytes.push(
                    digits.iter().fold(0, |n: u8, d| n.wrapping_mul(8).wrapping_add(d.wrapping_sub(b'0'))),
                );
            }
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A path without the letter that git puts before it.
fn unlettered<'a>(path: &Cow<'a, str>) -> Cow<'a, str> {
    let bare = |path: &str| path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).map(str::to_owned);
    bare(path).map_or_else(|| path.clone(), Cow::Owned)
}

fn edit<'a>(header: &Header<'a>, hunk: Hunk<'a>, only_path: Option<&'a str>) -> Result<Edit<'a>, Refusal> {
    let named =
        if header.deleted { &header.old } else { header.new.as_ref().map_or(&header.old, |_| &header.new) };
    let path = named.clone().or(only_path.map(Cow::Borrowed));
    let path = path.ok_or_else(|| Refusal::new(Reason::Unreadable).because("a difference names no file"))?;
    // The lines of a renamed file are found under its old name.
    let path = header.rename_from.map_or(path, Cow::Borrowed);
    if header.created && hunk.old().next().is_none() {
        return Ok(Edit::new(unlettered(&path), Action::Create(new_text(&hunk).into())));
    }
    if header.deleted {
        return Ok(Edit::new(unlettered(&path), Action::Delete));
    }
    Ok(Edit { path, action: Action::Hunk(hunk), tolerances: Tolerances::NOTHING })
}

pub fn new_text(hunk: &Hunk<'_>) -> String {
    let mut text = String::new();
    for line in hunk.lines.iter().filter(|line| line.sign != Sign::Remove) {
        text.push_str(&line.text);
        text.push('\n');
    }
    if hunk.final_newline == Some(false) {
        text.pop();
    }
    text
}

/// The hunk whose `@@` line is row `at`, and the row behind it.
fn hunk<'a>(rows: &[Row<'a>], at: usize, fenced: bool) -> Result<(Hunk<'a>, usize), Refusal> {
    let mut hunk = Hunk { signed: true, ..Hunk::default() };
    hunk.first_line = old_start(rows[at].text);
    let mut end = at + 1;
    while let Some(row) = rows.get(end) {
        let line = row.text;
        let ends = line.starts_with("@@")
            || line.starts_with("diff --git ")
            || starts_file(rows, end)
            || fenced && fence(line).is_some_and(|(_, info)| info.is_empty()) && !signed(line);
        if ends {
            break;
        }
        body_line(&mut hunk, line);
        end += 1;
    }
    trim_end(&mut hunk);
    if hunk.lines.is_empty() {
        return Err(Refusal::new(Reason::Unreadable).because(format!("the hunk {} is empty", rows[at].text)));
    }
    Ok((hunk, end))
}

fn signed(line: &str) -> bool {
    line.starts_with([' ', '+', '-'])
}

/// One line below an `@@`.
pub fn body_line<'a>(hunk: &mut Hunk<'a>, line: &'a str) {
    let (sign, text) = match line.as_bytes().first() {
        Some(b'+') => (Sign::Add, &line[1..]),
        Some(b'-') => (Sign::Remove, &line[1..]),
        Some(b' ') => (Sign::Keep, &line[1..]),
        Some(b'\\') if line.starts_with("\\ No newline") || line.starts_with("\\ no newline") => {
            match hunk.lines.last().map(|line| line.sign) {
                Some(Sign::Remove) => hunk.final_newline = hunk.final_newline.or(Some(true)),
                Some(_) => hunk.final_newline = Some(false),
                None => {}
            }
            return;
        }
        _ => {
            hunk.lines.push(HunkLine { sign: Sign::Keep, text: line.into(), unsigned: true });
            return;
        }
    };
    hunk.lines.push(HunkLine::new(sign, text));
}

/// Blank lines behind a hunk belong to the answer, not to the file.
pub fn trim_end(hunk: &mut Hunk<'_>) {
    while hunk.lines.last().is_some_and(|line| line.unsigned && line.text.trim().is_empty()) {
        hunk.lines.pop();
    }
}

/// `@@ -12,3 +12,4 @@`: 12.
fn old_start(line: &str) -> Option<usize> {
    let numbers = line.trim_start_matches('@').trim_start().strip_prefix('-')?;
    let digits = numbers.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|line| *line > 0)
}
