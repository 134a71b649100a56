//! The code of one function, put in the place of the one that has its name.

use std::ops::Range;

use wainwright_syntax::{Definition, Language, Limits, Outline, outline};

use super::alike::{Typography, key};
use super::code::{Code, Parted, remarks};
use super::edit::Sign;
use super::elision::{expand, is_stub, stands_for_more};
use super::find::Found;
use super::indent::Relation;
use super::index::Index;
use super::locate::Placement;
use super::place::changes;
use super::reading::hunk_between;
use super::refusal::{Reason, Refusal};
use super::shift::indented;
use super::site::Site;
use super::splice::{self, Change};
use super::text::{BOM, answer_lines, indent_of, is_blank};
use super::tolerances::{Tolerance, Tolerances};

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
    let mut tolerances = Tolerances::NOTHING;
    let mut code = trimmed(&answer_lines(code));
    if code.first().is_some_and(|line| is_comment_of(line, path)) {
        code = trimmed(&code[1..]);
    }
    let wanted = plain_name(symbol);
    let alone = Code::new(language, code, wanted.rsplit('.').next().unwrap_or(&wanted));
    let at = chosen(&before, &wanted, &alone, body)?;
    meant(&alone, &before, at)?;
    let (code, unwrapped) = alone.unwrapped(&before, at)?;
    let old = &before.definitions[at];
    if code.is_cut_off() {
        return Err(Refusal::new(Reason::NotTheFunction).because("it is cut off"));
    }
    code.decorated_as(old, body)?;
    let file: Vec<&str> = index.text.lines.iter().map(|line| line.text).collect();
    let parted = code.parted(&old.name, &file)?;
    if unwrapped || parted.known {
        tolerances = tolerances.with(Tolerance::Wrapper);
    }
    let mut site = Site::new(body, old, &code);
    if site.kept_decorators {
        tolerances = tolerances.with(Tolerance::Decorators);
    }
    let stands = &file[site.rows.clone()];
    let strings = code.string_rows(&old.name);
    let (mut lines, shifted) = indented(&parted.lines, stands, site.indent, &file, &strings)?;
    tolerances = tolerances.union(shifted);
    site.dress(&mut lines);
    if let Some(filled) = filled(&lines, stands)? {
        lines = filled;
        tolerances = tolerances.with(Tolerance::Elision);
    }
    let decorators = site.headed(language, old, &parted.head, &file)?;
    let lines = around(&parted, lines, decorators, &site, &file)?;
    let old_lines = &file[site.rows.clone()];
    let new: Vec<&str> = lines.iter().map(String::as_str).collect();
    let changes = rewritten(old_lines, &new, site.rows.start, index)?;
    let after = splice::write(&index.text, &mut changes.clone(), whole.len());
    let after = after.strip_prefix(BOM).unwrap_or(&after);
    let outlined = outline(language, after.as_bytes(), &Limits::default());
    check(&before, at, &outlined)?;
    let rows = site.rows.start..site.rows.start + new.len();
    alone_there(language, &outlined.definitions[at], after, rows)?;
    Ok(Found { changes, tolerances, undone: Typography::default(), line: site.rows.start + 1 })
}

/// Refuses code that says by its scopes that it is another function of the same name.
fn meant(alone: &Code<'_>, before: &Outline, at: usize) -> Result<(), Refusal> {
    let target = before.qualname(at);
    let elsewhere = |name: &String| {
        ends(name, &before.definitions[at].name) && !ends(&target, name) && !ends(name, &target)
    };
    match alone.scoped().into_iter().find(elsewhere) {
        Some(other) => {
            Err(Refusal::new(Reason::NotTheFunction).because(format!("it defines {other}, not {target}")))
        }
        None => Ok(()),
    }
}

/// What changes if new lines take the place of old ones, which begin at row `start`.
fn rewritten(
    old_lines: &[&str],
    new: &[&str],
    start: usize,
    index: &Index<'_>,
) -> Result<Vec<Change>, Refusal> {
    let hunk = hunk_between(old_lines, new);
    let mut row = start;
    let rows = hunk.lines.iter().map(|line| {
        (line.sign != Sign::Add).then(|| {
            row += 1;
            row - 1
        })
    });
    let placement =
        Placement { rows: rows.collect(), relations: Vec::new(), tolerances: Tolerances::NOTHING, missed: 0 };
    changes(&hunk, &placement, index).map_err(|line| Refusal::new(Reason::Indentation).because(line))
}

/// The new lines with the comments around them.
fn around(
    parted: &Parted<'_>,
    lines: Vec<String>,
    decorators: Option<Vec<String>>,
    site: &Site<'_>,
    file: &[&str],
) -> Result<Vec<String>, Refusal> {
    let own = parted.lines.first().map_or("", |line| indent_of(line));
    let relation = Relation::of(&[(site.indent, own)]).unwrap_or(Relation::Same);
    let moved = |line: &&str| -> Result<String, Refusal> {
        let depth = indent_of(line);
        let indent = if is_blank(line) { Some(String::new()) } else { relation.apply(depth) };
        let indent = indent.ok_or_else(|| Refusal::new(Reason::Indentation).because(line.trim()))?;
        Ok(indent + line[depth.len()..].trim_end())
    };
    // Comments that stay need not be written again.
    let mut all = Vec::new();
    if let Some(decorators) = decorators {
        all = parted.head.iter().map(moved).collect::<Result<Vec<_>, _>>()?;
        all.extend(decorators);
    }
    all.extend(lines);
    let tail = trimmed(&parted.tail);
    let behind = &file[site.rows.end..];
    let there =
        tail.iter().map(|line| line.trim()).eq(behind.iter().take(tail.len()).map(|line| line.trim()));
    if !there {
        all.extend(parted.tail.iter().map(moved).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(all)
}

/// Refuses new lines of which some are neither part of the function nor comments.
fn alone_there(language: Language, new: &Definition, after: &str, rows: Range<usize>) -> Result<(), Refusal> {
    let row = |byte: u32| memchr::memchr_iter(b'\n', &after.as_bytes()[..byte as usize]).count();
    let (start, end) = (row(new.whole.start), row(new.whole.end.saturating_sub(1)));
    let lines: Vec<&str> = after.split('\n').skip(rows.start).take(rows.len()).collect();
    let outside = |at: usize| !(start..=end).contains(&(rows.start + at));
    let mut other = lines.iter().zip(remarks(language, &lines)).enumerate();
    match other.find(|(at, (line, remark))| outside(*at) && !remark && !is_blank(line)) {
        Some((_, (line, _))) => {
            let why =
                format!("`{}` is no part of {}; change it by a block of its own", line.trim(), new.name);
            Err(Refusal::new(Reason::NotTheFunction).because(why))
        }
        None => Ok(()),
    }
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

/// Whether the one name is the other, or the end of it.
fn ends(long: &str, short: &str) -> bool {
    long == short || long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
}

/// The name of a function, its scopes parted by dots.
fn plain_name(symbol: &str) -> String {
    symbol.trim().trim_end_matches("()").replace("::", ".").replace(['#', '/'], ".")
}

/// The index of the function that is meant.
fn chosen(file: &Outline, wanted: &str, code: &Code<'_>, body: &str) -> Result<usize, Refusal> {
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
    let mut found = called(wanted);
    if found.is_empty() && wanted.contains('.') {
        // More was written before the name than its scopes: a module, a package.
        found = functions
            .iter()
            .filter(|(_, name)| name.contains('.') && ends(wanted, name))
            .map(|(at, _)| *at)
            .collect();
    }
    if found.len() > 1 {
        // The code itself may say more: the type of a receiver, the class around it.
        let mut names = code.scoped();
        names.retain(|name| ends(name, wanted));
        if let [name] = names.as_slice() {
            let better: Vec<_> = called(name).into_iter().filter(|at| found.contains(at)).collect();
            found = if better.is_empty() { found } else { better };
        }
    }
    let names = || functions.iter().map(|(_, name)| name.clone());
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let last = wanted.rsplit('.').next().unwrap_or(wanted).to_lowercase();
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

/// The lines with those of the old function where one stands for more; `None` if none does.
fn filled(lines: &[String], old: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
    let new: Vec<&str> = lines.iter().map(String::as_str).collect();
    let count = |lines: &[&str]| lines.iter().filter(|line| !is_blank(line)).count();
    let gap = |at: usize| {
        let stub = is_stub(&new, at) && count(old) <= count(&new);
        stands_for_more(new[at]) && !stub && !old.iter().any(|line| key(line) == key(new[at]))
    };
    match (0..new.len()).find(|&at| gap(at)) {
        None => Ok(None),
        // What leaves nothing but the old lines said nothing.
        Some(first) => expand(&new, old, gap)
            .filter(|filled| filled != old)
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
