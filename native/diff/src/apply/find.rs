//! From an edit to the lines it changes: each way to read it, the strict ones first.

use std::borrow::Cow;

use super::alike::{Typography, key, similarity};
use super::edit::{Edit, Hunk, HunkLine, Sign, is_middle};
use super::elision::{expand, is_stub, stands_for_more};
use super::index::Index;
use super::locate::{Lost, Near, Placement, stale, whole};
use super::place::{already_there, changes, tolerances, undone};
use super::reading::{gaps, hunk_between, hunk_of, others, unfenced, unsigned};
use super::refusal::{Difference, PLACE_LINES_MAX, PLACES_MAX, Place, Reason, Refusal};
use super::splice::Change;
use super::text::{answer_lines, is_blank};
use super::tolerances::{Tolerance, Tolerances};

/// What an edit changes in a file.
#[derive(Debug)]
pub struct Found {
    pub changes: Vec<Change>,
    pub tolerances: Tolerances,
    /// The kinds of typographic characters that it has for plain ones of the file.
    pub undone: Typography,
    /// The first line of the place, from 1.
    pub line: usize,
}

/// Finds the place of a hunk.
pub fn hunk(hunk: &Hunk<'_>, index: &Index<'_>) -> Result<Found, Refusal> {
    refuse_elisions(hunk)?;
    find(&signed(hunk), None, index)
}

/// The hunk with its sign for each blank line that lost it between new ones, where another blank line has one: whoever
/// writes the sign of blank lines that stay left out that of a line that comes.
fn signed<'a>(hunk: &Hunk<'a>) -> Hunk<'a> {
    let mut other = hunk.clone();
    let blank = |line: &HunkLine<'_>| is_blank(&line.text);
    if !hunk.signed || !hunk.lines.iter().any(|line| blank(line) && !line.unsigned && line.sign == Sign::Keep)
    {
        return other;
    }
    let comes = |line: Option<&HunkLine<'_>>| line.is_some_and(|line| line.sign == Sign::Add);
    let lost = |line: &HunkLine<'_>| line.unsigned && blank(line);
    for at in 0..hunk.lines.len() {
        let before = hunk.lines[..at].iter().rev().find(|line| !lost(line));
        let behind = hunk.lines[at + 1..].iter().find(|line| !lost(line));
        if lost(&hunk.lines[at]) && comes(before) && comes(behind) {
            other.lines[at].sign = Sign::Add;
        }
    }
    other
}

/// Finds the place of a text to be replaced, of which there may be several readings.
pub fn search(readings: &[(Cow<'_, str>, Cow<'_, str>)], index: &Index<'_>) -> Result<Found, Refusal> {
    if let [(search, replace)] = readings {
        return one_search(search, replace, index);
    }
    // A line between both texts may be part of one of them. What the file has decides: the longest text found in
    // it, since the shorter ones are the beginning of that.
    for (search, replace) in readings.iter().rev() {
        let hunk = hunk_of(search, replace);
        if !rules_only(&hunk) || whole(&hunk, &[], index).is_err() {
            continue;
        }
        return one_search(search, replace, index);
    }
    let why = "a block has more than one line =======, and the file does not tell which one parts the old lines from the \
               new";
    Err(Refusal::new(Reason::Unreadable).because(why))
}

/// Whether each new line of equal signs is the rule under a heading, and not what is left of another block.
fn rules_only(hunk: &Hunk<'_>) -> bool {
    let new: Vec<&HunkLine<'_>> = hunk.lines.iter().filter(|line| line.sign != Sign::Remove).collect();
    (0..new.len()).filter(|&at| new[at].sign == Sign::Add && is_middle(&new[at].text)).all(|at| {
        let above = at.checked_sub(1).map_or("", |above| new[above].text.trim_end());
        above.chars().count() == new[at].text.trim_end().len()
    })
}

fn one_search(search: &str, replace: &str, index: &Index<'_>) -> Result<Found, Refusal> {
    let plain = hunk_of(search, replace);
    let elided = elisions(&plain);
    let filled;
    let plain = if elided.is_empty() {
        plain
    } else {
        let (old, new) = (answer_lines(search), answer_lines(replace));
        let none_in_old = !old.iter().any(|line| stands_for_more(line));
        filled = none_in_old
            .then(|| expand(&new, &old, |at| elided.iter().any(|line| line == new[at])))
            .flatten()
            .ok_or_else(|| Refusal::new(Reason::Elision).because(format!("`{}`", elided[0].trim())))?;
        hunk_between(&old, &filled.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut found = find(&plain, Some((search, replace)), index)?;
    if !elided.is_empty() {
        found.tolerances = found.tolerances.with(Tolerance::Elision);
    }
    Ok(found)
}

/// New lines that stand for others.
fn elisions(hunk: &Hunk<'_>) -> Vec<String> {
    let new: Vec<&HunkLine<'_>> = hunk.lines.iter().filter(|line| line.sign != Sign::Remove).collect();
    let texts: Vec<&str> = new.iter().map(|line| &*line.text).collect();
    let removed =
        |text: &str| hunk.old().any(|line| line.sign == Sign::Remove && key(&line.text) == key(text));
    (0..new.len())
        .filter(|&at| new[at].sign == Sign::Add && stands_for_more(texts[at]))
        .filter(|&at| !(removed(texts[at]) || is_stub(&texts, at) && grows(hunk, texts[at])))
        .map(|at| texts[at].to_owned())
        .collect()
}

/// Whether the lines that come with this one are as many as those that go: dots that take the place of more stand for
/// that, whatever they mean elsewhere.
fn grows(hunk: &Hunk<'_>, text: &str) -> bool {
    let runs = hunk.lines.chunk_by(|a, b| (a.sign == Sign::Keep) == (b.sign == Sign::Keep));
    let count = |run: &[HunkLine<'_>], sign: Sign| {
        run.iter().filter(|line| line.sign == sign && key(&line.text) != 0).count()
    };
    runs.filter(|run| run.iter().any(|line| line.sign == Sign::Add && line.text == text))
        .all(|run| count(run, Sign::Remove) <= count(run, Sign::Add))
}

fn refuse_elisions(hunk: &Hunk<'_>) -> Result<(), Refusal> {
    match elisions(hunk).first() {
        Some(line) => Err(Refusal::new(Reason::Elision).because(format!("`{}`", line.trim()))),
        None => Ok(()),
    }
}

fn find(plain: &Hunk<'_>, search: Option<(&str, &str)>, index: &Index<'_>) -> Result<Found, Refusal> {
    let gaps = gaps(plain);
    let strict = as_written(plain, index);
    match strict {
        Ok((placement, other)) => return finish(other.as_ref().unwrap_or(plain), &placement, index),
        Err(Lost::Missing(_)) => {}
        Err(lost) => return Err(refusal(plain, lost, index)),
    }
    if !gaps.is_empty() {
        match whole(plain, &gaps, index) {
            Ok(placement) => return finish(plain, &placement, index),
            Err(Lost::Missing(_)) => {}
            Err(lost) => return Err(refusal(plain, lost, index)),
        }
    }
    if let Some(found) = done_already(plain, index) {
        // Old lines that another reading finds whole have not gone yet.
        let there = |(_, other): &(Tolerance, Hunk<'_>)| whole(other, &[], index).is_ok();
        if !readings(plain, search).iter().any(there) {
            return Ok(found);
        }
    }
    if let Some(found) = read_otherwise(plain, search, index)? {
        return Ok(found);
    }
    let lost = match stale_in_any_reading(plain, index) {
        Ok((placement, other)) => return finish(other.as_ref().unwrap_or(plain), &placement, index),
        Err(lost) => lost,
    };
    match part_of_line(search, index) {
        Some(Ok(found)) => Ok(found),
        Some(Err(several)) => Err(refusal(plain, several, index)),
        None => Err(refusal(plain, lost, index)),
    }
}

type Read<'a> = (Placement, Option<Hunk<'a>>);

/// The place of all lines of a hunk as they are written, or with the spaces before them that were forgotten, if
/// that spares another indentation.
fn as_written<'a>(plain: &Hunk<'a>, index: &Index<'_>) -> Result<Read<'a>, Lost> {
    let strict = whole(plain, &[], index);
    let shifted = |placement: &Placement| {
        placement.tolerances.has(Tolerance::Indentation) || placement.tolerances.has(Tolerance::Tabs)
    };
    if strict.as_ref().is_ok_and(|placement| !shifted(placement)) || matches!(strict, Err(Lost::NoPlace)) {
        return strict.map(|placement| (placement, None));
    }
    if let Some(other) = unsigned(plain) {
        if let Ok(mut placement) = whole(&other, &[], index) {
            if !shifted(&placement) {
                placement.tolerances = placement.tolerances.with(Tolerance::Unsigned);
                return Ok((placement, Some(other)));
            }
        }
    }
    strict.map(|placement| (placement, None))
}

/// The readings of a hunk in which each of its lines is another.
fn readings<'a>(plain: &Hunk<'a>, search: Option<(&'a str, &'a str)>) -> Vec<(Tolerance, Hunk<'a>)> {
    let bare = search.and_then(|(search, replace)| {
        let inner = unfenced(search)?;
        Some((inner, unfenced(replace).unwrap_or(replace)))
    });
    let bare = bare.map(|(search, replace)| (Tolerance::Fences, hunk_of(search, replace)));
    bare.into_iter().chain(others(plain)).collect()
}

/// The places in all other readings; they must agree.
fn read_otherwise(
    plain: &Hunk<'_>,
    search: Option<(&str, &str)>,
    index: &Index<'_>,
) -> Result<Option<Found>, Refusal> {
    let misquoted = misquoted(plain, index).map(|other| (Tolerance::Misquoted, other));
    let all = misquoted.into_iter().chain(readings(plain, search));
    let mut best: Option<(Placement, Hunk<'_>)> = None;
    for (tolerance, other) in all {
        let gaps = gaps(&other);
        let mut placed = as_written(&other, index);
        if matches!(placed, Err(Lost::Missing(_))) && !gaps.is_empty() {
            placed = whole(&other, &gaps, index).map(|placement| (placement, None));
        }
        match placed {
            Ok((mut placement, again)) => {
                placement.tolerances = placement.tolerances.with(tolerance);
                let other = again.unwrap_or(other);
                if tolerance == Tolerance::Misquoted && !stands_as_added(plain, &other, &placement, index) {
                    continue;
                }
                match &best {
                    Some((kept, _)) if kept.first() != placement.first() => {
                        let starts = vec![kept.first(), placement.first()];
                        let lost = Lost::Ambiguous(starts, other.old().count());
                        return Err(refusal(plain, lost, index));
                    }
                    Some((kept, _)) if kept.tolerances.count() <= placement.tolerances.count() => {}
                    _ => best = Some((placement, other)),
                }
            }
            Err(Lost::Ambiguous(starts, count)) => {
                return Err(refusal(plain, Lost::Ambiguous(starts, count), index));
            }
            Err(_) => {}
        }
    }
    best.map(|(placement, other)| finish(&other, &placement, index)).transpose()
}

/// The place of a hunk with stale lines, in the reading that leaves the fewest of them.
fn stale_in_any_reading<'a>(plain: &Hunk<'a>, index: &Index<'_>) -> Result<Read<'a>, Lost> {
    let first = stale(plain, index).map(|placement| (placement, None));
    let mut best = first;
    let unsigned = unsigned(plain).map(|other| (Tolerance::Unsigned, other));
    for (tolerance, other) in unsigned.into_iter().chain(others(plain)) {
        let Ok(mut placement) = stale(&other, index) else { continue };
        placement.tolerances = placement.tolerances.with(tolerance);
        let better = match &best {
            Ok((kept, _)) => {
                (placement.missed, placement.tolerances.count()) < (kept.missed, kept.tolerances.count())
            }
            Err(Lost::Ambiguous(..)) => false,
            Err(_) => true,
        };
        if better {
            best = Ok((placement, Some(other)));
        }
    }
    best
}

/// Lines to be taken out that are nowhere in the file, while those to be put in for them are: these stay then.
fn misquoted<'a>(plain: &Hunk<'a>, index: &Index<'_>) -> Option<Hunk<'a>> {
    let keys: Vec<u64> = plain.lines.iter().map(|line| key(&line.text)).collect();
    let there: Vec<bool> = index.places(&keys).iter().map(|places| !places.is_empty()).collect();
    let mut other = Hunk { lines: Vec::with_capacity(plain.lines.len()), ..plain.clone() };
    other.lines.clear();
    let mut any = false;
    let mut at = 0;
    while at < plain.lines.len() {
        let run = |from: usize, sign| {
            (from..plain.lines.len()).take_while(|&at| plain.lines[at].sign == sign).count()
        };
        let added = at + run(at, Sign::Remove);
        let end = added + run(added, Sign::Add);
        let mut next = added;
        for gone in at..added {
            let wrong = !there[gone] && keys[gone] != 0;
            let pair = (next..end).find(|&come| wrong && there[come] && alike_enough(plain, gone, come));
            match pair {
                Some(come) => {
                    other.lines.extend(plain.lines[next..come].iter().cloned());
                    other.lines.push(HunkLine { sign: Sign::Keep, ..plain.lines[come].clone() });
                    next = come + 1;
                    any = true;
                }
                None => other.lines.push(plain.lines[gone].clone()),
            }
        }
        other.lines.extend(plain.lines[next..end].iter().cloned());
        if end == at {
            other.lines.push(plain.lines[at].clone());
        }
        at = end.max(at + 1);
    }
    any.then_some(other)
}

/// Whether each line that was to come, and stays instead, stands in its place character by character.
fn stands_as_added(plain: &Hunk<'_>, other: &Hunk<'_>, placement: &Placement, index: &Index<'_>) -> bool {
    let added = |text: &str| {
        plain.lines.iter().any(|line| line.sign == Sign::Add && line.text == text)
            && !plain.lines.iter().any(|line| line.sign == Sign::Keep && line.text == text)
    };
    other.lines.iter().zip(&placement.rows).all(|(line, row)| {
        let there = row.is_some_and(|row| index.text.lines[row].text.trim_start() == line.text.trim_start());
        line.sign != Sign::Keep || there || !added(&line.text)
    })
}

fn alike_enough(hunk: &Hunk<'_>, gone: usize, come: usize) -> bool {
    similarity(&hunk.lines[gone].text, &hunk.lines[come].text) >= 50
}

fn finish(hunk: &Hunk<'_>, placement: &Placement, index: &Index<'_>) -> Result<Found, Refusal> {
    let line = placement.rows.iter().flatten().min().map_or(1, |row| row + 1);
    let mut tolerances = tolerances(hunk, placement);
    let undone = undone(hunk, placement, index);
    let changes =
        changes(hunk, placement, index).map_err(|text| Refusal::new(Reason::Indentation).because(text))?;
    if already_there(hunk, placement, &changes, index) {
        tolerances = tolerances.with(Tolerance::AlreadyThere);
        return Ok(Found { changes: Vec::new(), tolerances, undone, line });
    }
    Ok(Found { changes, tolerances, undone, line })
}

/// The place of the lines as the hunk would leave them, if the file has these already.
fn done_already(plain: &Hunk<'_>, index: &Index<'_>) -> Option<Found> {
    let mut after = plain.clone();
    after.lines.retain(|line| line.sign != Sign::Remove);
    let telling = |line: &HunkLine<'_>| line.text.chars().filter(|c| c.is_alphanumeric()).count() > 2;
    let adds = after.lines.iter().any(|line| line.sign == Sign::Add && telling(line));
    let inner = |at: usize| plain.lines[..at].iter().any(|line| line.sign == Sign::Keep && telling(line));
    let outer = |at: usize| plain.lines[at + 1..].iter().any(|line| line.sign == Sign::Keep && telling(line));
    let between =
        (0..plain.lines.len()).any(|at| plain.lines[at].sign == Sign::Remove && inner(at) && outer(at));
    if !adds && !between {
        return None;
    }
    for line in &mut after.lines {
        line.sign = Sign::Keep;
    }
    after.first_line = None;
    let placement = whole(&after, &[], index).ok()?;
    if still_there(plain, &placement, index) {
        return None;
    }
    // White space is tolerances where it is not the change itself.
    let allowed = if changes_words(plain) {
        Tolerances::from(Tolerance::TrailingBlanks).with(Tolerance::BlankLines)
    } else {
        Tolerances::NOTHING
    };
    placement.tolerances.within(allowed).then(|| Found {
        changes: Vec::new(),
        tolerances: placement.tolerances.with(Tolerance::AlreadyThere),
        undone: Typography::default(),
        line: placement.first() + 1,
    })
}

/// Whether a line comes that differs from all that go by more than white space.
fn changes_words(plain: &Hunk<'_>) -> bool {
    let gone: Vec<u64> = keys(plain, Sign::Remove);
    let come: Vec<u64> = keys(plain, Sign::Add);
    if gone.is_empty() || come.is_empty() {
        return true;
    }
    !come.iter().any(|key| *key != 0 && gone.contains(key))
}

fn keys(plain: &Hunk<'_>, sign: Sign) -> Vec<u64> {
    plain.lines.iter().filter(|line| line.sign == sign).map(|line| key(&line.text)).collect()
}

/// Whether a line that is to go stands beside those that should be left.
fn still_there(plain: &Hunk<'_>, after: &Placement, index: &Index<'_>) -> bool {
    let stays: Vec<u64> =
        plain.lines.iter().filter(|line| line.sign != Sign::Remove).map(|line| key(&line.text)).collect();
    let mut gone = keys(plain, Sign::Remove);
    let reach = gone.len() + 1;
    gone.retain(|key| *key != 0 && !stays.contains(key));
    let rows: Vec<usize> = after.rows.iter().flatten().copied().collect();
    let (Some(first), Some(last)) = (rows.iter().min(), rows.iter().max()) else {
        return false;
    };
    let near = first.saturating_sub(reach)..(last + 1 + reach).min(index.text.lines.len());
    let telling = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() > 2;
    near.filter(|row| !rows.contains(row)).any(|row| {
        let text = index.text.lines[row].text;
        telling(text) && gone.contains(&key(text))
    })
}

/// One line of which only a part is quoted, between other words: the place of it, or all places.
fn part_of_line(search: Option<(&str, &str)>, index: &Index<'_>) -> Option<Result<Found, Lost>> {
    let (search, replace) = search?;
    let (search, replace) = (answer_lines(search), answer_lines(replace));
    let ([search], [replace]) = (search.as_slice(), replace.as_slice()) else {
        return None;
    };
    let (search, replace) = (search.trim(), replace.trim());
    if !search.contains(char::is_alphanumeric) || replace.is_empty() {
        return None;
    }
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut found = Vec::new();
    for (row, line) in index.text.lines.iter().enumerate() {
        for (at, _) in line.text.match_indices(search) {
            let (before, behind) = (&line.text[..at], &line.text[at + search.len()..]);
            let cut = word(before.chars().next_back()) && word(search.chars().next())
                || word(behind.chars().next()) && word(search.chars().next_back());
            if !cut {
                found.push((row, format!("{before}{replace}{behind}")));
            }
        }
    }
    if found.len() > 1 {
        return Some(Err(Lost::Ambiguous(found.iter().map(|(row, _)| *row).collect(), 1)));
    }
    let (row, text) = found.pop()?;
    Some(Ok(Found {
        changes: vec![Change::replace(row, row + 1, vec![text])],
        tolerances: Tolerance::PartOfLine.into(),
        undone: Typography::default(),
        line: row + 1,
    }))
}

/// What to say about a hunk that has no place.
fn refusal(hunk: &Hunk<'_>, lost: Lost, index: &Index<'_>) -> Refusal {
    let place = |start: usize, end: usize| {
        let lines = index.text.lines.get(start..end.min(index.text.lines.len())).unwrap_or_default();
        let text =
            lines.iter().take(PLACE_LINES_MAX).fold(String::new(), |text, line| text + line.text + "\n");
        Place { line: u32::try_from(start + 1).unwrap_or(u32::MAX), text }
    };
    let near = |refusal: Refusal, near: Near| Refusal {
        places: vec![place(near.start, near.end)],
        difference: near.difference.map(|(row, quoted)| {
            Box::new(Difference {
                line: u32::try_from(row + 1).unwrap_or(u32::MAX),
                found: index.text.lines.get(row).map_or(String::new(), |line| line.text.to_owned()),
                quoted,
            })
        }),
        ..refusal
    };
    match lost {
        Lost::NoPlace => Refusal::new(Reason::NoPlace),
        Lost::Missing(None) => match stale(hunk, index) {
            Err(Lost::Missing(Some(there)) | Lost::StaleRemoved(there)) => {
                near(Refusal::new(Reason::Missing), there)
            }
            _ => Refusal::new(Reason::Missing),
        },
        Lost::Missing(Some(there)) => near(Refusal::new(Reason::Missing), there),
        Lost::StaleRemoved(there) => near(Refusal::new(Reason::StaleRemoved), there),
        Lost::Ambiguous(starts, count) => {
            let places = starts.into_iter().take(PLACES_MAX).map(|start| place(start, start + count));
            Refusal { places: places.collect(), ..Refusal::new(Reason::Ambiguous) }
        }
    }
}

/// Whether an edit is placed by lines of the file.
pub fn is_placed(edit: &Edit<'_>) -> bool {
    use super::edit::Action;
    matches!(edit.action, Action::Search(_) | Action::Hunk(_) | Action::Function { .. })
}
