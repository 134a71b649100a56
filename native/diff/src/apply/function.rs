//! The code of one function, put in the place of the one that has its name.

use std::ops::Range;

use wainwright_syntax::{Definition, Kind, Language, Limits, Outline, outline};

use super::alike::{Typography, key};
use super::edit::Sign;
use super::elision::{expand, is_stub, stands_for_more};
use super::find::Found;
use super::forgiven::{Forgiven, Tolerance};
use super::indent::Relation;
use super::index::Index;
use super::locate::Placement;
use super::place::changes;
use super::reading::hunk_between;
use super::refusal::{Reason, Refusal};
use super::splice;
use super::text::{BOM, answer_lines, indent_of, is_blank};

/// Finds the function in the text and what its new code changes.
pub fn function(
    path: &str,
    symbol: &str,
    code: &str,
    whole: &str,
    index: &Index<'_>,
) -> Result<Found, Refusal> {
    let body = whole.strip_prefix(BOM).unwrap_or(whole);
    let language = Language::of(path, &body.as_bytes()[..body.len().min(200)]).ok_or_else(|| {
        Refusal::new(Reason::NoFunction).because("no function of a file in this language can be told")
    })?;
    let before = outline(language, body.as_bytes(), &Limits::default());
    let mut forgiven = Forgiven::NOTHING;
    let mut code = trimmed(&answer_lines(code));
    if code.first().is_some_and(|line| is_comment_of(line, path)) {
        code = trimmed(&code[1..]);
    }
    let alone = Code::new(language, code);
    let at = chosen(&before, symbol, &alone, body)?;
    let target = before.qualname(at);
    let elsewhere = |name: &String| {
        ends(name, &before.definitions[at].name) && !ends(&target, name) && !ends(name, &target)
    };
    if let Some(other) = alone.scoped().into_iter().find(elsewhere) {
        return Err(Refusal::new(Reason::NotTheFunction).because(format!("it defines {other}, not {target}")));
    }
    let (code, unwrapped) = alone.unwrapped(&before, at)?;
    if unwrapped {
        forgiven = forgiven.with(Tolerance::Wrapper);
    }
    let old = &before.definitions[at];
    if code.is_cut_off() {
        return Err(Refusal::new(Reason::NotTheFunction).because("it is cut off"));
    }
    code.decorated_as(old, body)?;
    let site = Site::new(body, old, &code);
    if site.kept_decorators {
        forgiven = forgiven.with(Tolerance::Decorators);
    }
    let old_lines: Vec<&str> = index.text.lines[site.rows.clone()].iter().map(|line| line.text).collect();
    let (mut lines, shifted) = indented(&code.lines, &old_lines, site.indent)?;
    forgiven = forgiven.union(shifted);
    site.dress(&mut lines);
    if let Some(filled) = filled(&lines, &old_lines)? {
        lines = filled;
        forgiven = forgiven.with(Tolerance::Elision);
    }
    let new: Vec<&str> = lines.iter().map(String::as_str).collect();
    let hunk = hunk_between(&old_lines, &new);
    let mut row = site.rows.start;
    let rows = hunk.lines.iter().map(|line| {
        (line.sign != Sign::Add).then(|| {
            row += 1;
            row - 1
        })
    });
    let placement =
        Placement { rows: rows.collect(), relations: Vec::new(), forgiven: Forgiven::NOTHING, missed: 0 };
    let changes =
        changes(&hunk, &placement, index).map_err(|line| Refusal::new(Reason::Indentation).because(line))?;
    let after = splice::write(&index.text, &mut changes.clone(), whole.len());
    let after = after.strip_prefix(BOM).unwrap_or(&after);
    check(&before, at, &outline(language, after.as_bytes(), &Limits::default()))?;
    Ok(Found { changes, forgiven, undone: Typography::default(), line: site.rows.start + 1 })
}

/// Whether a line is a comment that only says which file this is.
fn is_comment_of(line: &str, path: &str) -> bool {
    let line = line.trim();
    let said = line.trim_start_matches(['/', '#', '-', '*', ';']).trim_end_matches(['*', '/']).trim();
    said != line && said.contains('.') && ends(&path.replace('/', "."), &said.replace('/', "."))
}

/// Without blank lines around.
fn trimmed<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let start = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !is_blank(line)).map_or(start, |last| last + 1);
    lines[start..end].to_vec()
}

/// The code of an answer, read by itself.
struct Code<'a> {
    lines: Vec<&'a str>,
    text: String,
    outline: Outline,
    language: Language,
}

impl<'a> Code<'a> {
    fn new(language: Language, lines: Vec<&'a str>) -> Self {
        let indents = lines.iter().filter(|line| !is_blank(line)).map(|line| indent_of(line));
        let common = indents.min_by_key(|indent| indent.len()).unwrap_or_default();
        let bare = |line: &&'a str| line.strip_prefix(common).unwrap_or(line.trim_start());
        let text = lines.iter().map(bare).fold(String::new(), |text, line| text + line + "\n");
        let outline = outline(language, text.as_bytes(), &Limits::default());
        Self { lines, text, outline, language }
    }

    /// The functions and types that lie in nothing else.
    fn outer(&self) -> impl Iterator<Item = usize> {
        let definitions = &self.outline.definitions;
        (0..definitions.len()).filter(|&at| {
            let kind = definitions[at].kind;
            definitions[at].parent.is_none()
                && (kind.is_function() || kind.is_type() || kind == Kind::Declaration)
        })
    }

    /// The functions that lie in no other, by their names and those of what they lie in, if that is written.
    fn scoped(&self) -> Vec<String> {
        let definitions = &self.outline.definitions;
        let inner = |at: usize| {
            std::iter::successors(definitions[at].parent, |&at| definitions[at as usize].parent)
                .any(|at| definitions[at as usize].kind.is_function())
        };
        let functions = (0..definitions.len()).filter(|&at| definitions[at].kind.is_function() && !inner(at));
        functions.map(|at| self.outline.qualname(at)).filter(|name| name.contains('.')).collect()
    }

    fn row(&self, byte: u32) -> usize {
        memchr::memchr_iter(b'\n', &self.text.as_bytes()[..byte as usize]).count()
    }

    /// Whether the last statement of Python is the head of others: its grammar has no error for that.
    fn is_cut_off(&self) -> bool {
        let mut code = self.lines.iter().rev().map(|line| line.trim());
        let last = code.find(|line| !line.is_empty() && !line.starts_with('#'));
        self.language == Language::Python && last.is_some_and(|line| line.ends_with(':'))
    }

    /// Refuses code that has decorators, but leaves some out: are these to stay, or did the others take their place?
    fn decorated_as(&self, old: &Definition, body: &str) -> Result<(), Refusal> {
        let lines = |text: &str, definition: &Definition| -> Vec<String> {
            let before = slice(text, &(definition.whole.start..definition.core.start));
            let lines = before.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        let had = lines(body, old);
        let own = self.outline.definitions.iter().find(|own| own.name == old.name);
        let has = own.map(|own| lines(&self.text, own)).unwrap_or_default();
        let gone = had.iter().find(|line| !has.contains(line));
        match gone {
            Some(line) if has.iter().any(|line| !had.contains(line)) => {
                let why = format!(
                    "it has other decorators, and leaves out `{line}`; change these lines by a block"
                );
                Err(Refusal::new(Reason::NotTheFunction).because(why))
            }
            _ => Ok(()),
        }
    }

    /// The code without the type written around the function.
    fn unwrapped(self, file: &Outline, target: usize) -> Result<(Self, bool), Refusal> {
        let name = &file.definitions[target].name;
        let outer: Vec<usize> = self.outer().collect();
        let [wrapper] = outer.as_slice() else {
            return Ok((self, false));
        };
        let definition = &self.outline.definitions[*wrapper];
        if !definition.kind.is_type() {
            return Ok((self, false));
        }
        let inner: Vec<usize> = (0..self.outline.definitions.len())
            .filter(|&at| {
                self.outline.definitions[at].parent.is_some_and(|parent| parent as usize == *wrapper)
            })
            .collect();
        let [only] = inner.as_slice() else {
            return Err(Refusal::new(Reason::NotTheFunction).because("it holds more than the function"));
        };
        let method = &self.outline.definitions[*only];
        if method.name != *name || !method.kind.is_function() {
            return Err(Refusal::new(Reason::NotTheFunction).because(format!("it defines {}", method.name)));
        }
        let mut rows = self.row(method.whole.start)..self.row(method.whole.end.saturating_sub(1)) + 1;
        // A comment before the function, but not the line that opens the type.
        if let Some(doc) = method.doc.as_ref().filter(|doc| doc.end <= method.whole.start) {
            rows.start = self.row(doc.start);
        }
        let lines = self.lines[rows].to_vec();
        Ok((Self::new(self.language, lines), true))
    }
}

/// Whether the one name is the other, or the end of it.
fn ends(long: &str, short: &str) -> bool {
    long == short || long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
}

/// The index of the function that is meant.
fn chosen(file: &Outline, symbol: &str, code: &Code<'_>, body: &str) -> Result<usize, Refusal> {
    let wanted = symbol.trim().trim_end_matches("()").replace("::", ".").replace(['#', '/'], ".");
    let functions: Vec<(usize, String)> = (0..file.definitions.len())
        .filter(|&at| file.definitions[at].kind.is_function())
        .map(|at| (at, file.qualname(at)))
        .collect();
    let called = |wanted: &str| -> Vec<usize> {
        let exact: Vec<_> = functions.iter().filter(|(_, name)| name == wanted).map(|(at, _)| *at).collect();
        if !exact.is_empty() && wanted.contains('.') {
            return exact;
        }
        functions.iter().filter(|(_, name)| ends(name, wanted)).map(|(at, _)| *at).collect()
    };
    let mut found = called(&wanted);
    if found.is_empty() && wanted.contains('.') {
        // More was written before the name than its scopes: a module, a package.
        found = functions
            .iter()
            .filter(|(_, name)| name.contains('.') && ends(&wanted, name))
            .map(|(at, _)| *at)
            .collect();
    }
    if found.len() > 1 {
        // The code itself may say more: the type of a receiver, the class around it.
        let mut names = code.scoped();
        names.retain(|name| ends(name, &wanted));
        if let [name] = names.as_slice() {
            let better: Vec<_> = called(name).into_iter().filter(|at| found.contains(at)).collect();
            found = if better.is_empty() { found } else { better };
        }
    }
    let names = || functions.iter().map(|(_, name)| name.clone());
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let last = wanted.rsplit('.').next().unwrap_or(&wanted).to_lowercase();
            let mut refusal = Refusal::new(Reason::NoFunction);
            refusal.detail = names().filter(|name| name.to_lowercase().contains(&last)).take(8).collect();
            if refusal.detail.is_empty() {
                refusal.detail = names().take(8).collect();
            }
            Err(refusal)
        }
        several => overload(file, several, code, body).ok_or_else(|| {
            let mut refusal = Refusal::new(Reason::SeveralFunctions);
            refusal.detail = several
                .iter()
                .map(|&at| format!("{} at line {}", file.qualname(at), file.definitions[at].start_line))
                .take(8)
                .collect();
            refusal
        }),
    }
}

/// Of several functions with the same full name, the one whose head is that of the code.
fn overload(file: &Outline, several: &[usize], code: &Code<'_>, body: &str) -> Option<usize> {
    let name = file.qualname(several[0]);
    if several.iter().any(|&at| file.qualname(at) != name) {
        return None;
    }
    let head =
        |text: &str, definition: &Definition| key(&slice(text, &definition.signature).replace('\n', " "));
    let mut own = code
        .outline
        .definitions
        .iter()
        .filter(|definition| definition.name == file.definitions[several[0]].name);
    let own = head(&code.text, own.next()?);
    let mut same = several.iter().filter(|&&at| head(body, &file.definitions[at]) == own);
    let first = same.next()?;
    same.next().is_none().then_some(*first)
}

fn slice<'t>(text: &'t str, range: &Range<u32>) -> &'t str {
    text.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// Where the function stands.
struct Site<'t> {
    /// Its lines in the file.
    rows: Range<usize>,
    indent: &'t str,
    /// What stands on the first line before it, and on the last line behind it.
    before: &'t str,
    behind: &'t str,
    kept_decorators: bool,
}

impl<'t> Site<'t> {
    fn new(body: &'t str, old: &Definition, code: &Code<'_>) -> Self {
        let own = code.outline.definitions.iter().find(|own| own.name == old.name);
        let decorated = |definition: &Definition| definition.whole.start < definition.core.start;
        let dressed = own.is_some_and(decorated)
            || own.is_none()
                && code.lines.first().is_some_and(|line| line.trim_start().starts_with(['@', '#', '[']));
        let keeps = decorated(old) && !dressed;
        let mut start = if keeps { old.core.start } else { old.whole.start } as usize;
        // A comment before the function belongs to it where the code has one.
        let commented = own.is_some_and(|own| own.doc.as_ref().is_some_and(|doc| doc.end <= own.whole.start));
        if let Some(doc) = old.doc.as_ref().filter(|doc| commented && !keeps && doc.end <= old.whole.start) {
            start = doc.start as usize;
        }
        let end = if keeps { old.core.end } else { old.whole.end } as usize;
        let end = start + body[start..end].trim_end().len();
        let line_start = body[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = body[end..].find(['\n', '\r']).map_or(body.len(), |at| end + at);
        let count = |to: usize| memchr::memchr_iter(b'\n', &body.as_bytes()[..to]).count();
        Self {
            rows: count(start)..count(end) + 1,
            indent: indent_of(&body[line_start..start]),
            before: &body[line_start + indent_of(&body[line_start..start]).len()..start],
            behind: &body[end..line_end],
            kept_decorators: keeps,
        }
    }

    /// Puts what stands beside the function on its lines around the new ones.
    fn dress(&self, lines: &mut [String]) {
        if let Some(first) = lines.first_mut() {
            let (indent, text) = first.split_at(indent_of(first).len());
            if !self.before.trim().is_empty() && !text.starts_with(self.before.trim()) {
                *first = format!("{indent}{}{text}", self.before);
            }
        }
        if let Some(last) = lines.last_mut() {
            let behind = self.behind.trim();
            // `;` and `,` behind the function may be part of the code.
            let there = match behind {
                "" => last.ends_with([' ', '\t']),
                ";" | "," => last.trim_end().ends_with(behind),
                _ => false,
            };
            if !there {
                last.push_str(self.behind);
            }
        }
    }
}

/// The lines in the indentation of the old function.
fn indented(lines: &[&str], old: &[&str], indent: &str) -> Result<(Vec<String>, Forgiven), Refusal> {
    let own = lines.first().map_or("", |line| indent_of(line));
    let tabs = |lines: &[&str], tab: char| lines.iter().any(|line| indent_of(line).contains(tab));
    let mixed = tabs(old, '\t') && !tabs(lines, '\t') && tabs(lines, ' ')
        || tabs(old, ' ') && !tabs(old, '\t') && tabs(lines, '\t');
    let relation = if mixed { columns(lines, old, own, indent) } else { Relation::of(&[(indent, own)]) };
    let relation = relation.unwrap_or(Relation::Same);
    let lost = own.is_empty() && !indent.is_empty() && !mixed && first_only(lines, old, indent);
    let mut out = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let depth = indent_of(line);
        if lost && at > 0 || line.is_empty() {
            out.push((*line).to_owned());
        } else if is_blank(line) {
            out.push(relation.apply(depth).unwrap_or_default());
        } else {
            let moved = relation
                .apply(depth)
                .ok_or_else(|| Refusal::new(Reason::Indentation).because(line.trim()))?;
            out.push(moved + &line[depth.len()..]);
        }
    }
    Ok((out, relation.forgiven()))
}

/// The relation between tabs of one side and spaces of the other: the step of each, as its lines show.
fn columns(lines: &[&str], old: &[&str], own: &str, indent: &str) -> Option<Relation> {
    let spaced = if old.iter().any(|line| indent_of(line).contains('\t')) { lines } else { old };
    let depths: Vec<usize> =
        spaced.iter().filter(|line| !is_blank(line)).map(|line| indent_of(line).len()).collect();
    let base = depths.iter().min()?;
    let steps = depths.iter().map(|depth| depth - base).filter(|step| *step > 1);
    let width = steps.min().filter(|width| *width <= 8).unwrap_or(4);
    let column = |text: &str| {
        let columns = text.bytes().fold(0, |sum, byte| sum + if byte == b'\t' { width } else { 1 });
        isize::try_from(columns).unwrap_or(0)
    };
    let tabs = old.iter().any(|line| indent_of(line).contains('\t'));
    let known = vec![(own.to_owned(), indent.to_owned())];
    Some(Relation::Columns { width, shift: column(indent) - column(own), tabs, known })
}

/// Whether only the first line lost its indentation: the others stand as deep as those of the old function do, all of
/// them. A line that is at home in its old place by chance says nothing.
fn first_only(lines: &[&str], old: &[&str], indent: &str) -> bool {
    let depths = |lines: &[&str]| -> Vec<usize> {
        lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent_of(line).len()).collect()
    };
    let (rest, had) = (depths(lines), depths(old));
    let Some(least) = rest.iter().min().filter(|least| **least >= indent.len()) else {
        return false;
    };
    // What a colon opens stands deeper than it.
    let opens = lines.first().is_some_and(|line| line.trim_end().ends_with(':'));
    if opens && *least == indent.len() {
        return false;
    }
    let at_home = |line: &&&str| old.iter().skip(1).any(|old| old.trim_end() == line.trim_end());
    let mostly = || {
        let same = lines.iter().skip(1).filter(|line| !is_blank(line)).filter(at_home).count();
        2 * same > rest.len() && *least > indent.len()
    };
    had.iter().min() == Some(least) || mostly()
}

/// The lines with those of the old function where one stands for more; `None` if none does.
fn filled(lines: &[String], old: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
    let new: Vec<&str> = lines.iter().map(String::as_str).collect();
    let gap = |at: usize| {
        stands_for_more(new[at]) && !is_stub(&new, at) && !old.iter().any(|line| key(line) == key(new[at]))
    };
    match (0..new.len()).find(|&at| gap(at)) {
        None => Ok(None),
        Some(first) => expand(&new, old, gap)
            .map(Some)
            .ok_or_else(|| Refusal::new(Reason::Elision).because(format!("`{}`", new[first].trim()))),
    }
}

/// Refuses code that is cut off or is something else: the file must be as well-formed as before, and define what it
/// did, the function in its place.
fn check(before: &Outline, at: usize, after: &Outline) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::new(Reason::NotTheFunction).because(why));
    if after.truncated {
        return refuse("the file cannot be read with it");
    }
    if after.errors > before.errors {
        return refuse("it is cut off or not well-formed");
    }
    let outside = |outline: &Outline, target: usize| -> Vec<String> {
        let inside = |mut at: usize| loop {
            if at == target {
                return true;
            }
            match outline.definitions[at].parent {
                Some(parent) => at = parent as usize,
                None => return false,
            }
        };
        (0..outline.definitions.len()).filter(|&at| !inside(at)).map(|at| outline.qualname(at)).collect()
    };
    let place = after.definitions.get(at).is_some_and(|new| {
        new.name == before.definitions[at].name && new.kind == before.definitions[at].kind
    });
    if !place {
        return refuse(&format!("it does not define {}", before.definitions[at].name));
    }
    if outside(before, at) != outside(after, at) {
        return refuse("it defines more than the function");
    }
    Ok(())
}

/// How many syntax errors a file had and has now, if there are more than before; `None` too where its language is not known.
#[must_use]
pub fn more_syntax_errors(path: &str, before: &str, after: &str) -> Option<(u32, u32)> {
    let language = Language::of(path, &after.as_bytes()[..after.len().min(200)])?;
    let had = wainwright_syntax::syntax_errors(language, before.as_bytes());
    let has = wainwright_syntax::syntax_errors(language, after.as_bytes());
    (has > had).then_some((had, has))
}
