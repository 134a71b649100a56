//! Edits as models write them, applied to files: right, or not at all.

mod alike;
mod code;
mod edit;
mod elision;
mod find;
mod function;
mod indent;
mod index;
mod locate;
mod paths;
mod place;
mod read;
mod reading;
mod refusal;
mod shift;
mod site;
mod source;
mod splice;
#[cfg(test)]
mod tests;
mod text;
mod tolerances;
mod whole;

use std::borrow::Cow;
use std::collections::HashSet;

pub use edit::{Action, Edit, Hunk as EditHunk, HunkLine, Sign};
pub use function::more_syntax_errors;
pub use read::{Format, read as read_answer};
pub use refusal::{Difference, PLACE_LINES_MAX, PLACES_MAX, Place, Reason, Refusal};
pub use tolerances::{Tolerance, Tolerances};

use alike::Typography;
use index::Index;
use paths::{Found, resolve, same_name, similar};
use source::open;
use text::{answer_lines, is_blank};

pub use source::Source;

/// A file that an answer changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Relative to the root of the tree.
    pub path: String,
    /// Its whole new text; `None` if the file goes.
    pub after: Option<String>,
}

/// An edit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The file.
    pub path: String,
    /// The first line of the place in the old text, from 1; 0 for the whole file.
    pub line: usize,
    /// The tolerances that the edit needed.
    pub tolerances: Tolerances,
}

/// What all edits of an answer come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The files that are not as before.
    pub changes: Vec<FileChange>,
    /// Each edit, in the order of the answer.
    pub done: Vec<Done>,
}

/// Makes all edits of an answer to files of a tree, or none.
///
/// `tree` lists the paths that an edit may mean by another spelling; `read` tells what stands at any path, listed or not.
///
/// # Errors
/// The first edit that cannot be made.
pub fn apply_edits<'t>(
    edits: Vec<Edit<'_>>,
    tree: &[&str],
    mut read: impl FnMut(&str) -> Source<'t>,
) -> Result<Applied, Refusal> {
    let plan = Plan::new(edits, tree, &mut read)?;
    plan.apply(&mut read)
}

/// Edits whose files are known.
struct Plan<'a, 't> {
    edits: Vec<Edit<'a>>,
    /// Each once, in the order of the edits.
    files: Vec<Target<'t>>,
    /// The new path of each edit that moves its file.
    moves: Vec<Option<String>>,
}

/// A file and the edits that are made to it.
struct Target<'t> {
    path: String,
    text: Option<Cow<'t, str>>,
    /// Files with a similar name, if there is none of this.
    similar: Vec<String>,
    /// Indices of its edits.
    numbers: Vec<usize>,
}

impl<'a, 't> Plan<'a, 't> {
    fn new(
        mut edits: Vec<Edit<'a>>,
        tree: &[&str],
        read: &mut impl FnMut(&str) -> Source<'t>,
    ) -> Result<Self, Refusal> {
        let mut files: Vec<Target<'t>> = Vec::new();
        let mut moves = Vec::with_capacity(edits.len());
        for (number, edit) in edits.iter_mut().enumerate() {
            let mut there = |path: &str| read(path).is_there();
            let found = resolve(&edit.path, tree, find::is_placed(edit), &mut there)
                .map_err(|refusal| refusal.at(number, &edit.path))?;
            let (path, is_new) = match found {
                Found::As(path) => (path, false),
                Found::Otherwise(path) => {
                    if !lettered(edit, &path) {
                        edit.tolerances = edit.tolerances.with(Tolerance::Path);
                    }
                    (path, false)
                }
                // Another spelling of a file that this answer makes means that.
                Found::New(path) => {
                    let made = files.iter().find(|file| same_name(&file.path, &path));
                    (made.map_or(path, |file| file.path.clone()), true)
                }
            };
            moves.push(moved(edit, &path, tree).map_err(|refusal| refusal.at(number, &path))?);
            if let Some(file) = files.iter_mut().find(|file| file.path == path) {
                file.numbers.push(number);
                continue;
            }
            let opened = open(&path, read).map_err(|refusal| refusal.at(number, &path))?;
            if opened.path != path {
                opened.may(edit, &path).map_err(|refusal| refusal.at(number, &path))?;
                edit.tolerances = edit.tolerances.with(Tolerance::Path);
            }
            if let Some(file) = files.iter_mut().find(|file| file.path == opened.path) {
                file.numbers.push(number);
                continue;
            }
            let similar = if is_new { similar(&path, tree) } else { Vec::new() };
            files.push(Target { path: opened.path, text: opened.text, similar, numbers: vec![number] });
        }
        Ok(Self { edits, files, moves })
    }

    fn apply(self, read: &mut impl FnMut(&str) -> Source<'t>) -> Result<Applied, Refusal> {
        let mut applied = Applied::default();
        let mut done: Vec<Option<Done>> = vec![None; self.edits.len()];
        let mut renamed = Vec::new();
        for target in &self.files {
            let before = target.text.as_deref();
            let text = before.map(Cow::Borrowed);
            let mut file = File { target, text, done: &mut done, moved: None };
            file.edit(&self.edits, &target.numbers)?;
            let (after, moved) = (file.text, file.moved);
            let path = target.path.clone();
            if let Some(number) = moved {
                renamed.push((path, number, after.map(Cow::into_owned)));
            } else if after.as_deref() != before {
                applied.changes.push(FileChange { path, after: after.map(Cow::into_owned) });
            }
        }
        let mut taken: HashSet<String> = applied.changes.iter().map(|change| change.path.clone()).collect();
        for (from, number, text) in renamed {
            let Some(to) = &self.moves[number] else { continue };
            let there = open(to, read).map_err(|refusal| refusal.at(number, to))?;
            // Another spelling of its own path is free.
            let (to, free) = if same_name(to, &from) {
                (to.clone(), there.path == from || there.text.is_none())
            } else {
                let free = there.text.is_none() && taken.insert(there.path.clone());
                (there.path, free)
            };
            if !free {
                return Err(Refusal::new(Reason::FileExists).at(number, &to));
            }
            applied.changes.push(FileChange { path: from, after: None });
            applied.changes.push(FileChange { path: to, after: text });
        }
        applied.done = done.into_iter().flatten().collect();
        Ok(applied)
    }
}

/// The path to which an edit moves a file.
fn moved(edit: &Edit<'_>, from: &str, tree: &[&str]) -> Result<Option<String>, Refusal> {
    let Action::Rename(to) = &edit.action else {
        return Ok(None);
    };
    match resolve(to, &[], false, &mut |_| false)? {
        Found::New(to) | Found::As(to) | Found::Otherwise(to) => {
            let twin = tree.iter().find(|path| same_name(path, &to) && **path != from);
            match twin {
                Some(twin) => Err(Refusal::new(Reason::FileExists).at(0, twin)),
                None => Ok(Some(to)),
            }
        }
    }
}

/// Whether the path of a difference is written as git does, with a letter before it.
fn lettered(edit: &Edit<'_>, path: &str) -> bool {
    let bare = edit.path.strip_prefix("a/").or_else(|| edit.path.strip_prefix("b/"));
    matches!(&edit.action, Action::Hunk(hunk) if hunk.signed) && bare == Some(path)
}

/// One file while the edits of an answer are made to it.
struct File<'p> {
    target: &'p Target<'p>,
    text: Option<Cow<'p, str>>,
    done: &'p mut Vec<Option<Done>>,
    /// The edit that moves it.
    moved: Option<usize>,
}

impl File<'_> {
    fn edit(&mut self, edits: &[Edit<'_>], numbers: &[usize]) -> Result<(), Refusal> {
        let mut rest = numbers;
        while let Some(&number) = rest.first() {
            let edit = &edits[number];
            let placed = rest.iter().take_while(|&&number| find::is_placed(&edits[number])).count();
            if placed > 0 {
                self.placed(edits, &rest[..placed])?;
                rest = &rest[placed..];
                continue;
            }
            self.whole(edit, number).map_err(|refusal| refusal.at(number, &self.target.path))?;
            rest = &rest[1..];
        }
        Ok(())
    }

    fn note(&mut self, number: usize, line: usize, tolerances: Tolerances) {
        self.done[number] = Some(Done { path: self.target.path.clone(), line, tolerances });
    }

    /// An edit that concerns the file as a whole.
    fn whole(&mut self, edit: &Edit<'_>, number: usize) -> Result<(), Refusal> {
        let mut tolerances = edit.tolerances;
        match &edit.action {
            Action::Write(new) => {
                let (new, filled) = whole::written(new, self.text.as_deref())?;
                if filled {
                    tolerances = tolerances.with(Tolerance::Elision);
                }
                if let Some(old) = self.text.as_deref() {
                    whole::refuse_loss(old, &new)?;
                }
                self.put(&new);
            }
            Action::Create(new) => match self.text.as_deref() {
                Some(old) if !is_blank(old) && whole::shaped(old, new) == old => {
                    tolerances = tolerances.with(Tolerance::AlreadyThere);
                }
                Some(old) if !is_blank(old) => return Err(Refusal::new(Reason::FileExists)),
                _ => self.put(&whole::written(new, None)?.0),
            },
            Action::Delete => {
                if self.text.take().is_none() {
                    return Err(self.no_file());
                }
            }
            Action::Rename(_) => {
                if self.text.is_none() {
                    return Err(self.no_file());
                }
                self.moved = Some(number);
            }
            Action::Search(_) | Action::Hunk(_) | Action::Function { .. } => {}
        }
        self.note(number, 0, tolerances);
        Ok(())
    }

    fn no_file(&self) -> Refusal {
        Refusal { detail: self.target.similar.clone(), ..Refusal::new(Reason::NoFile) }
    }

    /// Puts a whole text in the place of the one that was there before the answer, in its shape.
    fn put(&mut self, new: &str) {
        let shaped =
            self.target.text.as_deref().map_or_else(|| new.to_owned(), |old| whole::shaped(old, new));
        self.text = Some(shaped.into());
    }

    /// Edits that are placed by the lines of the file: all in the same text; or else, where that has not what a later
    /// one looks for, each in the text that those before it leave.
    fn placed(&mut self, edits: &[Edit<'_>], numbers: &[usize]) -> Result<(), Refusal> {
        let at = |refusal: Refusal, number: usize| refusal.at(number, &self.target.path);
        let Some(text) = self.text.as_deref().filter(|text| !is_blank(text)) else {
            return self.fill(edits, numbers);
        };
        if let [number] = numbers {
            if let Some((text, line)) = exact(&edits[*number], text) {
                let tolerances = edits[*number].tolerances;
                self.text = Some(text.into());
                self.note(*number, line, tolerances);
                return Ok(());
            }
        }
        match together(&self.target.path, edits, numbers, text) {
            Ok((text, found)) => {
                for (number, (line, tolerances)) in numbers.iter().zip(found) {
                    self.note(*number, line, tolerances);
                }
                self.text = Some(text.into());
                Ok(())
            }
            Err((number, refusal)) => {
                let later =
                    number != numbers[0] && matches!(refusal.reason, Reason::Missing | Reason::StaleRemoved);
                if !later {
                    return Err(at(refusal, number));
                }
                let mut current = text.to_owned();
                let mut notes = Vec::new();
                for one in numbers {
                    let Ok((text, found)) = together(&self.target.path, edits, &[*one], &current) else {
                        return Err(at(refusal, number));
                    };
                    current = text;
                    notes.push((*one, found[0]));
                }
                for (number, (line, tolerances)) in notes {
                    self.note(number, line, tolerances.with(Tolerance::Sequence));
                }
                self.text = Some(current.into());
                Ok(())
            }
        }
    }

    /// Edits to a file that is not there or empty: only new lines can come.
    fn fill(&mut self, edits: &[Edit<'_>], numbers: &[usize]) -> Result<(), Refusal> {
        for &number in numbers {
            let new = match &edits[number].action {
                Action::Search(readings) => {
                    readings.first().filter(|(search, _)| is_blank(search)).map(|(_, new)| new.to_string())
                }
                Action::Hunk(hunk) => {
                    // Of blank lines it must name all or none: which of them it means, nothing tells.
                    let there = answer_lines(self.text.as_deref().unwrap_or("")).len();
                    let named = hunk.old().count();
                    let fits = there == 0 || named == 0 || named == there;
                    (fits && hunk.old().all(|line| is_blank(&line.text))).then(|| {
                        let stays = |line: &&HunkLine<'_>| {
                            line.sign == Sign::Add || line.sign == Sign::Keep && there > 0
                        };
                        let lines = hunk
                            .lines
                            .iter()
                            .filter(stays)
                            .fold(String::new(), |text, line| text + &line.text + "\n");
                        let kept = self.text.as_deref().filter(|_| named == 0).unwrap_or("");
                        among_blanks(kept, hunk.first_line.unwrap_or(0), &lines)
                    })
                }
                _ => None,
            };
            let reason = if self.text.is_some() { Reason::Missing } else { Reason::NoFile };
            let Some(new) = new.filter(|_| self.text.as_deref().is_none_or(is_blank)) else {
                let refusal = if reason == Reason::NoFile { self.no_file() } else { Refusal::new(reason) };
                return Err(refusal.at(number, &self.target.path));
            };
            let (new, _) =
                whole::written(&new, None).map_err(|refusal| refusal.at(number, &self.target.path))?;
            self.put(&new);
            self.note(number, 1, edits[number].tolerances);
        }
        Ok(())
    }
}

/// New lines behind the line with a number, among blank lines that stay.
fn among_blanks(kept: &str, after: usize, new: &str) -> String {
    let lines: Vec<&str> = kept.split_inclusive('\n').collect();
    let (head, tail) = lines.split_at(after.min(lines.len()));
    let end = if head.last().is_some_and(|line| !line.ends_with('\n')) { "\n" } else { "" };
    [&head.concat(), end, new, &tail.concat()].concat()
}

type Notes = Vec<(usize, Tolerances)>;

/// An edit, the lines it changes, and whether it is stale.
type Spans = (usize, Vec<(usize, usize)>, bool);

/// The new text after all of the edits, each found in the given text.
fn together(
    path: &str,
    edits: &[Edit<'_>],
    numbers: &[usize],
    text: &str,
) -> Result<(String, Notes), (usize, Refusal)> {
    let index = Index::new(text);
    let mut all_found = Vec::new();
    let mut failed = None;
    for &number in numbers {
        match locate(path, &edits[number], text, &index) {
            Ok(found) => all_found.push(found),
            Err(refusal) => {
                failed = Some((number, refusal));
                break;
            }
        }
    }
    agree(text, &mut all_found);
    let mut all = Vec::new();
    let mut notes = Vec::new();
    let mut done: Vec<Spans> = Vec::new();
    for (&number, found) in numbers.iter().zip(all_found) {
        let line = found.line;
        // A stale hunk that makes the change of another has come to a place that is not its own.
        let stale = found.tolerances.has(Tolerance::StaleContext);
        let spans: Vec<_> = found.changes.iter().map(|change| (change.start, change.end)).collect();
        let twin = done.iter().any(|(other, taken, other_stale)| {
            (stale || *other_stale)
                && edits[*other].action != edits[number].action
                && spans.iter().any(|span| taken.contains(span))
        });
        done.push((number, spans, stale));
        if twin || splice::join(&mut all, found.changes).is_err() {
            let there = index.text.lines.get(line - 1).map_or("", |line| line.text);
            let place = Place { line: u32::try_from(line).unwrap_or(u32::MAX), text: format!("{there}\n") };
            return Err((number, Refusal { places: vec![place], ..Refusal::new(Reason::Conflict) }));
        }
        notes.push((line, edits[number].tolerances.union(found.tolerances)));
    }
    match failed {
        Some(failed) => Err(failed),
        None => Ok((splice::write(&index.text, &mut all, text.len()), notes)),
    }
}

/// What one edit changes.
fn locate(path: &str, edit: &Edit<'_>, text: &str, index: &Index<'_>) -> Result<find::Found, Refusal> {
    let mut found = match &edit.action {
        Action::Search(readings) if readings.iter().all(|(search, _)| is_blank(search)) => {
            Err(Refusal::new(Reason::NoPlace))
        }
        Action::Search(readings) => find::search(readings, index),
        Action::Hunk(hunk) => find::hunk(hunk, index),
        Action::Function { symbol, code } => function::function(path, symbol, code, text, index),
        _ => Err(Refusal::new(Reason::NoFunction)),
    }?;
    unescape(path, text, index, &mut found);
    Ok(found)
}

/// What one edit shows to be a habit of the whole answer is undone in the others, too, if the file has nothing of the
/// kind: typographic characters, HTML's escapes.
fn agree(text: &str, all_found: &mut [find::Found]) {
    if all_found.len() < 2 {
        return;
    }
    let shown = all_found.iter().fold(Typography::default(), |all, found| all.union(found.undone));
    let shown = if shown.is_none() { shown } else { shown.without(Typography::of(text)) };
    let escapes = |found: &find::Found| found.tolerances.has(Tolerance::HtmlEscapes);
    let habit = all_found.iter().any(escapes) && !html_escaped(text);
    for found in all_found {
        let unescapes = habit && !escapes(found);
        for line in found.changes.iter_mut().flat_map(|change| &mut change.lines) {
            if let Cow::Owned(plain) = shown.plainly(line) {
                *line = plain;
                found.tolerances = found.tolerances.with(Tolerance::LookAlikes);
            }
            if unescapes && html_escaped(line) {
                *line = reading::unescaped_html(line);
                found.tolerances = found.tolerances.with(Tolerance::HtmlEscapes);
            }
        }
    }
}

fn html_escaped(text: &str) -> bool {
    memchr::memchr(b'&', text.as_bytes()).is_some()
        && ["&lt;", "&gt;", "&amp;", "&quot;", "&#39;"].iter().any(|name| text.contains(name))
}

/// Takes HTML's escapes out of new lines where the old ones cannot tell: the file has none of them, and is well-formed
/// only without.
fn unescape(path: &str, text: &str, index: &Index<'_>, found: &mut find::Found) {
    if !found.changes.iter().flat_map(|change| &change.lines).any(|line| html_escaped(line))
        || html_escaped(text)
    {
        return;
    }
    let mut plain = found.changes.clone();
    for line in plain.iter_mut().flat_map(|change| &mut change.lines) {
        *line = reading::unescaped_html(line);
    }
    let worse = |changes: &[splice::Change]| {
        let after = splice::write(&index.text, &mut changes.to_vec(), text.len());
        more_syntax_errors(path, text, &after).is_some()
    };
    if worse(&found.changes) && !worse(&plain) {
        found.changes = plain;
        found.tolerances = found.tolerances.with(Tolerance::HtmlEscapes);
    }
}

/// A block whose lines stand in the text byte by byte, once: the new text and the first line.
fn exact(edit: &Edit<'_>, text: &str) -> Option<(String, usize)> {
    let Action::Search(readings) = &edit.action else {
        return None;
    };
    let [(search, replace)] = readings.as_slice() else {
        return None;
    };
    let at = exact_place(text, search, replace)?;
    let mut out = String::with_capacity(text.len() - search.len() + replace.len());
    out.push_str(&text[..at]);
    out.push_str(replace);
    out.push_str(&text[at + search.len()..]);
    let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() + 1;
    Some((out, line))
}

/// Where the lines of a block stand byte by byte, if that is once.
fn exact_place(text: &str, search: &str, replace: &str) -> Option<usize> {
    let lined = |text: &str| text.ends_with('\n') && !text.contains('\r');
    if !lined(search) || !(replace.is_empty() || lined(replace)) || is_blank(search) {
        return None;
    }
    // What may stand for other lines or characters is looked at closely.
    let dots = |dots: &str| memchr::memmem::find(replace.as_bytes(), dots.as_bytes()).is_some();
    if dots("...") || dots("\u{2026}") || html_escaped(replace) {
        return None;
    }
    // Beside lines that are not indented nothing says how the file is: it must have such lines.
    let begins = |lines: &str, with: &str| lines.lines().any(|line| line.starts_with(with));
    let strange = |with: &str| begins(replace, with) && !begins(text, with);
    if !begins(search, " ") && !begins(search, "\t") && (strange("\t") || strange("  ")) {
        return None;
    }
    let body = if text.starts_with(text::BOM) { text::BOM.len_utf8() } else { 0 };
    let begins = |at: usize| at == body || text.as_bytes()[at - 1] == b'\n';
    let finder = memchr::memmem::Finder::new(search.as_bytes());
    let mut places = finder.find_iter(text.as_bytes());
    let first = places.next()?;
    let at = if begins(first) { first } else { places.find(|&at| begins(at))? };
    // Another place may begin within this one.
    let mut from = at + 1;
    while let Some(next) = finder.find(&text.as_bytes()[from..]) {
        if begins(from + next) {
            return None;
        }
        from += next + 1;
    }
    let end = at + search.len();
    let there = replace.starts_with(search) && text[at..].starts_with(replace)
        || replace.ends_with(search) && text[..end].ends_with(replace);
    (!there).then_some(at)
}
