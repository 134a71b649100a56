//! Where in a file the lines of a hunk stand.
//!
//! Blank lines tell nothing about a place, so the others are looked for: all of them, one after another, alike in
//! the loosest sense (`alike`). Each place found says which tolerances it needs; a place wins if they are less than, and
//! part of, what any other place needs. Two places of which neither is better are no place.

use std::borrow::Cow;
use std::ops::Range;

use super::alike::{alike, key, plain_indent, similarity};
use super::edit::{Hunk, HunkLine, Sign};
use super::indent::{Pair, Relation};
use super::index::Index;
use super::text::{indent_of, is_blank};
use super::tolerances::{Tolerance, Tolerances};

/// Where the lines of a hunk stand.
#[derive(Debug, Clone)]
pub struct Placement {
    /// For each line of the hunk the line of the file; none for lines that come, and lines that are not there.
    pub rows: Vec<Option<usize>>,
    /// For each line of the hunk, by how its indentation is brought to that of the file.
    pub relations: Vec<(usize, Relation)>,
    pub tolerances: Tolerances,
    /// How many lines of the hunk are not in the file as quoted.
    pub missed: usize,
}

impl Placement {
    /// The first line of the file that the hunk has, less the lines of the hunk before it.
    pub fn first(&self) -> usize {
        let at = self.rows.iter().position(Option::is_some);
        at.and_then(|at| self.rows[at].map(|row| row.saturating_sub(at))).unwrap_or(0)
    }

    pub fn relation(&self, line: usize) -> &Relation {
        let at = self.relations.iter().rposition(|(from, _)| *from <= line).unwrap_or(0);
        self.relations.get(at).map_or(&Relation::Same, |(_, relation)| relation)
    }
}

/// Why a hunk has no place.
#[derive(Debug, Clone)]
pub enum Lost {
    /// It has no line that could be looked for.
    NoPlace,
    /// The lines are nowhere. Where the most similar lines begin, how many they are, and what differs first.
    Missing(Option<Near>),
    /// A line to be taken out is not as quoted.
    StaleRemoved(Near),
    /// The first lines of the file of each place, and how many lines there are.
    Ambiguous(Vec<usize>, usize),
}

/// Lines of a file that are similar to those of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    pub start: usize,
    pub end: usize,
    /// A line of the file, and what the hunk has instead.
    pub difference: Option<(usize, String)>,
}

/// The old lines of a part of a hunk that stand together.
struct Segment<'h> {
    /// Index in the hunk of the first line.
    from: usize,
    /// Each old line with its index in the hunk.
    lines: Vec<(usize, &'h HunkLine<'h>)>,
    /// Which of these are not blank.
    dense: Vec<usize>,
    keys: Vec<u64>,
    changes: bool,
}

impl<'h> Segment<'h> {
    fn new(hunk: &'h Hunk<'_>, from: usize, to: usize) -> Self {
        let old = (from..to).map(|at| (at, &hunk.lines[at])).filter(|(_, line)| line.sign != Sign::Add);
        let lines: Vec<_> = old.collect();
        let dense: Vec<_> = (0..lines.len()).filter(|&at| !is_blank(&lines[at].1.text)).collect();
        let keys = dense.iter().map(|&at| key(&lines[at].1.text)).collect();
        let changes = hunk.lines[from..to].iter().any(|line| line.sign != Sign::Keep);
        Self { from, lines, dense, keys, changes }
    }

    fn text(&self, dense: usize) -> &str {
        &self.lines[self.dense[dense]].1.text
    }
}

/// Finds the place of a hunk whose lines are all in the file, `gaps` apart: indices of lines that stand for more.
pub fn whole(hunk: &Hunk<'_>, gaps: &[usize], index: &Index<'_>) -> Result<Placement, Lost> {
    let mut segments = Vec::new();
    let mut from = 0;
    for &gap in gaps {
        segments.push(Segment::new(hunk, from, gap));
        from = gap + 1;
    }
    segments.push(Segment::new(hunk, from, hunk.lines.len()));
    segments.retain(|segment| !segment.lines.is_empty() || segment.changes);
    if segments.iter().all(|segment| segment.keys.is_empty()) {
        return Err(Lost::NoPlace);
    }
    if segments.len() == 1 {
        let found = candidates(hunk, &segments[0], index);
        return choose(hunk, found, index);
    }
    // New lines of a part that has no old lines would hang in the air.
    if segments.iter().any(|segment| segment.changes && segment.keys.is_empty()) {
        return Err(Lost::NoPlace);
    }
    segments.retain(|segment| !segment.keys.is_empty());
    chain(hunk, &segments, index)
}

/// All places of one part, the better ones only.
fn candidates(hunk: &Hunk<'_>, segment: &Segment<'_>, index: &Index<'_>) -> Vec<Placement> {
    let places = index.places(&segment.keys);
    let Some((rarest, starts)) = places.iter().enumerate().min_by_key(|(_, places)| places.len()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for start in starts {
        let Some(start) = (*start as usize).checked_sub(rarest) else { continue };
        let fits = start + segment.keys.len() <= index.len()
            && segment.keys.iter().enumerate().all(|(at, key)| index.key(start + at) == *key);
        if fits {
            found.extend(verify(hunk, segment, index, start));
        }
    }
    found
}

/// The tolerances that a place needs, if it is one.
fn verify(hunk: &Hunk<'_>, segment: &Segment<'_>, index: &Index<'_>, start: usize) -> Option<Placement> {
    let mut tolerances = Tolerances::NOTHING;
    let mut indents = Vec::with_capacity(segment.keys.len());
    for at in 0..segment.keys.len() {
        let (file, edit) = (index.text_at(start + at), segment.text(at));
        tolerances = tolerances.union(alike(file, edit)?);
        indents.push((plain_indent(file), plain_indent(edit)));
    }
    let pairs: Vec<Pair<'_>> = indents.iter().map(|(file, edit)| (&**file, &**edit)).collect();
    let relation = Relation::of(&pairs)?;
    // New lines that cannot be indented like the place rule it out.
    let end = segment.lines.last().map_or(segment.from, |(at, _)| *at);
    let added = hunk.lines[segment.from..=end].iter().filter(|line| line.sign == Sign::Add);
    if relation != Relation::Same
        && added
            .into_iter()
            .any(|line| !is_blank(&line.text) && relation.apply(&plain_indent(&line.text)).is_none())
    {
        return None;
    }
    tolerances = tolerances.union(relation.tolerances());
    let dense: Vec<Option<usize>> = (0..segment.keys.len()).map(|at| Some(index.line(start + at))).collect();
    let mut rows = vec![None; hunk.lines.len()];
    if place_blanks(segment, &dense, index, &mut rows) {
        tolerances = tolerances.with(Tolerance::BlankLines);
    }
    Some(Placement { rows, relations: vec![(segment.from, relation)], tolerances, missed: 0 })
}

/// Fills in the rows: those that are not blank as given, the blank ones between them as far as the file has them.
/// Whether it has more or fewer.
fn place_blanks(
    segment: &Segment<'_>,
    dense: &[Option<usize>],
    index: &Index<'_>,
    rows: &mut [Option<usize>],
) -> bool {
    let mut differs = false;
    let lines = &index.text.lines;
    let blank = |row: usize| lines.get(row).is_some_and(|line| is_blank(line.text));
    let mut run_start = 0;
    for slot in 0..=segment.dense.len() {
        let run_end = segment.dense.get(slot).copied().unwrap_or(segment.lines.len());
        let blanks = &segment.lines[run_start..run_end];
        let before = slot.checked_sub(1).map(|slot| dense[slot]);
        let behind = dense.get(slot).copied();
        let free: Vec<usize> = match (before, behind) {
            (Some(Some(p)), Some(Some(q))) if p < q => (p + 1..q).filter(|&row| blank(row)).collect(),
            (None, Some(Some(q))) => {
                let mut free: Vec<_> =
                    (0..q).rev().take_while(|&row| blank(row)).take(blanks.len()).collect();
                free.reverse();
                free
            }
            (Some(Some(p)), None) => {
                (p + 1..lines.len()).take_while(|&row| blank(row)).take(blanks.len()).collect()
            }
            _ => Vec::new(),
        };
        differs |= free.len() != blanks.len();
        let first = if before.is_none() { blanks.len() - free.len().min(blanks.len()) } else { 0 };
        for (chosen, row) in pick(blanks, free.len(), first).into_iter().zip(free) {
            rows[blanks[chosen].0] = Some(row);
        }
        if let Some(&at) = segment.dense.get(slot) {
            rows[segment.lines[at].0] = dense[slot];
        }
        run_start = run_end + 1;
    }
    differs
}

/// Which of the blank lines of a hunk are there if the file has only `count`: lines that stay before lines that go,
/// those with a sign before those without.
fn pick(blanks: &[(usize, &HunkLine<'_>)], count: usize, first: usize) -> Vec<usize> {
    if count >= blanks.len() {
        return (0..blanks.len()).collect();
    }
    let rank = |at: &usize| {
        let line = blanks[*at].1;
        (line.sign == Sign::Remove, line.unsigned, *at < first)
    };
    let mut order: Vec<_> = (0..blanks.len()).collect();
    order.sort_by_key(rank);
    order.truncate(count);
    order.sort_unstable();
    order
}

/// The place that needs less than any other.
fn choose(hunk: &Hunk<'_>, mut found: Vec<Placement>, index: &Index<'_>) -> Result<Placement, Lost> {
    let least: Vec<usize> = (0..found.len())
        .filter(|&at| {
            let mine = found[at].tolerances;
            !found.iter().any(|other| other.tolerances != mine && other.tolerances.within(mine))
        })
        .collect();
    match least.as_slice() {
        [] => Err(Lost::Missing(None)),
        [only] => Ok(found.swap_remove(*only)),
        several => {
            let places: Vec<_> = several.iter().map(|&at| &found[at]).collect();
            if let Some((at, hint)) = hinted(hunk, &places, index) {
                let mut placement = places[at].clone();
                placement.tolerances = placement.tolerances.with(hint);
                return Ok(placement);
            }
            let first = |place: &&Placement| place.rows.iter().flatten().copied().min().unwrap_or(0);
            Err(Lost::Ambiguous(places.iter().map(first).collect(), hunk.old().count()))
        }
    }
}

/// Farther than this a line number says nothing.
const HINT_REACH: usize = 10;

/// Which of several places the hunk itself points to: the only one below its anchors, the only one at the end of
/// the file, the one at its line number or clearly nearest to it.
fn hinted(hunk: &Hunk<'_>, places: &[&Placement], index: &Index<'_>) -> Option<(usize, Tolerance)> {
    let only = |fits: &dyn Fn(&Placement) -> bool| {
        let mut fitting = (0..places.len()).filter(|&at| fits(places[at]));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    };
    if !hunk.anchors.is_empty() {
        let scopes = scopes(&hunk.anchors, index);
        let first = |place: &Placement| place.rows.iter().flatten().copied().min().unwrap_or(0);
        let inside = only(&|place| scopes.iter().any(|scope| scope.contains(&first(place))));
        if let Some(at) = inside {
            return Some((at, Tolerance::Anchor));
        }
    }
    if hunk.at_end {
        let end = (0..index.text.lines.len()).rev().find(|&at| !is_blank(index.text.lines[at].text));
        let last = |place: &Placement| place.rows.iter().flatten().copied().max();
        if let Some(at) = only(&|place| end.is_some() && last(place) >= end) {
            return Some((at, Tolerance::Anchor));
        }
    }
    let line = hunk.first_line? - 1;
    let mut by_distance: Vec<_> = places.iter().map(|place| place.first().abs_diff(line)).zip(0..).collect();
    by_distance.sort_unstable();
    let ((nearest, at), (next, _)) = (*by_distance.first()?, *by_distance.get(1)?);
    (nearest <= HINT_REACH && 4 * nearest < next).then_some((at, Tolerance::LineHint))
}

/// The lines that stand below all anchors, the outermost first: behind the anchor, and deeper than it or up to the
/// next line that is not.
fn scopes(anchors: &[Cow<'_, str>], index: &Index<'_>) -> Vec<Range<usize>> {
    let lines = &index.text.lines;
    let mut scopes = vec![Range { start: 0, end: lines.len() }];
    for anchor in anchors {
        let wanted = key(anchor);
        let at = |scope: &Range<usize>| -> Vec<usize> {
            scope.clone().filter(|&at| key(lines[at].text) == wanted).collect()
        };
        scopes = scopes.iter().flat_map(at).map(|at| scope_of(at, index)).collect();
    }
    scopes
}

fn scope_of(at: usize, index: &Index<'_>) -> Range<usize> {
    let lines = &index.text.lines;
    let depth = indent_of(lines[at].text).len();
    let mut end = at + 1;
    for (row, line) in lines.iter().enumerate().skip(at + 1) {
        let closes = line.text.trim_start().starts_with(['}', ')', ']', '{']);
        if !is_blank(line.text) && indent_of(line.text).len() <= depth && !closes {
            break;
        }
        end = row + 1;
    }
    at..end
}

/// Places for the parts of a hunk one behind another. Those that change anything must have one place only.
fn chain(hunk: &Hunk<'_>, segments: &[Segment<'_>], index: &Index<'_>) -> Result<Placement, Lost> {
    let mut found: Vec<Vec<Placement>> = segments.iter().map(|s| candidates(hunk, s, index)).collect();
    if found.iter().any(Vec::is_empty) {
        return Err(Lost::Missing(None));
    }
    let span = |place: &Placement| {
        let rows = || place.rows.iter().flatten().copied();
        (rows().min().unwrap_or(0), rows().max().unwrap_or(0))
    };
    // In order: what begins before the earliest end of what stands before it cannot be meant, and the other way round.
    let mut earliest = None;
    for places in &mut found {
        places.retain(|place| earliest.is_none_or(|end| span(place).0 > end));
        earliest = places.iter().map(|place| span(place).1).min();
        if places.is_empty() {
            return Err(Lost::Missing(None));
        }
    }
    let mut latest = None;
    for places in found.iter_mut().rev() {
        places.retain(|place| latest.is_none_or(|start| span(place).1 < start));
        latest = places.iter().map(|place| span(place).0).max();
        if places.is_empty() {
            return Err(Lost::Missing(None));
        }
    }
    let mut rows = vec![None; hunk.lines.len()];
    let mut relations = Vec::new();
    let mut tolerances = Tolerances::from(Tolerance::Elision);
    for (segment, places) in segments.iter().zip(found) {
        let place = if segment.changes {
            choose(hunk, places, index)?
        } else {
            match places.into_iter().next() {
                Some(place) => place,
                None => return Err(Lost::Missing(None)),
            }
        };
        tolerances = tolerances.union(place.tolerances);
        relations.extend(place.relations);
        if segment.changes {
            for (row, found) in rows.iter_mut().zip(place.rows) {
                *row = found.or(*row);
            }
        }
    }
    Ok(Placement { rows, relations, tolerances, missed: 0 })
}

/// Lines of a hunk and of a file that are the same, in order, and those between them.
struct Alignment {
    /// For each line of the hunk that is not blank, the line of the file that is alike, counted among those not blank.
    pairs: Vec<Option<usize>>,
    matched: usize,
    weight: usize,
}

/// A key that stands more often in a file than this tells nothing about a place.
const COMMON: usize = 24;

/// At most so many places are looked at closely.
const LOOKS_MAX: usize = 12;

/// Finds the place of a hunk of which some lines that stay are not in the file as quoted.
pub fn stale(hunk: &Hunk<'_>, index: &Index<'_>) -> Result<Placement, Lost> {
    let segment = Segment::new(hunk, 0, hunk.lines.len());
    let count = segment.keys.len();
    if count == 0 {
        return Err(Lost::NoPlace);
    }
    let mut looks = looks(&segment, index);
    looks.sort_by_key(|look| std::cmp::Reverse((look.matched, look.weight)));
    let Some(best) = looks.first() else {
        return Err(Lost::Missing(near_by_text(&segment, index)));
    };
    let near = near(&segment, best, index);
    if best.matched * 2 < count {
        return Err(Lost::Missing(Some(near)));
    }
    let rivals: Vec<_> =
        looks[1..].iter().filter(|look| look.matched * 2 >= count && !worse(look, best)).collect();
    if !rivals.is_empty() {
        let all = std::iter::once(best).chain(rivals);
        let starts: Vec<_> =
            all.filter_map(|look| look.pairs.iter().flatten().next().map(|&at| index.line(at))).collect();
        return Err(Lost::Ambiguous(starts, segment.lines.len()));
    }
    let removed = |at: usize| segment.lines[segment.dense[at]].1.sign == Sign::Remove;
    if let Some(at) = (0..count).find(|&at| removed(at) && best.pairs[at].is_none()) {
        return Err(Lost::StaleRemoved(near_at(&segment, best, index, at)));
    }
    if best.matched < 2 || best.matched * 5 < count * 3 {
        return Err(Lost::Missing(Some(near)));
    }
    settle(hunk, &segment, best, index).ok_or(Lost::Missing(Some(near)))
}

/// Whether all that is alike in `look` is alike in `best`, too, and more.
fn worse(look: &Alignment, best: &Alignment) -> bool {
    let subset = look.pairs.iter().zip(&best.pairs).all(|(mine, other)| mine.is_none() || other.is_some());
    subset && look.matched + 1 < best.matched
}

/// Alignments at the places to which the rarer lines point.
fn looks(segment: &Segment<'_>, index: &Index<'_>) -> Vec<Alignment> {
    let places = index.places(&segment.keys);
    let rarest = places.iter().map(Vec::len).filter(|&n| n > 0).min().unwrap_or(0);
    let limit = COMMON.max(rarest);
    let mut votes: Vec<(isize, usize)> = Vec::new();
    for (at, found) in places.iter().enumerate().filter(|(_, found)| found.len() <= limit) {
        for place in found.iter().take(200) {
            votes.push((isize::try_from(*place).unwrap_or(0) - isize::try_from(at).unwrap_or(0), at));
        }
    }
    votes.sort_unstable();
    votes.dedup();
    // Places near one another are seen in one look.
    let reach = isize::try_from(segment.keys.len() / 4 + 2).unwrap_or(2);
    let mut groups: Vec<(isize, usize)> = Vec::new();
    for vote in votes.chunk_by(|a, b| a.0 == b.0) {
        let (offset, count) = (vote[0].0, vote.len());
        match groups.last_mut() {
            Some((last, best)) if offset - *last <= reach => {
                if count > *best {
                    (*last, *best) = (offset, count);
                }
            }
            _ => groups.push((offset, count)),
        }
    }
    groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    groups.truncate(LOOKS_MAX);
    let mut looks: Vec<Alignment> = groups.iter().map(|(offset, _)| align(segment, index, *offset)).collect();
    // The same lines seen from two offsets are one place.
    let first = |look: &Alignment| look.pairs.iter().flatten().next().copied();
    looks.sort_by_key(|look| (first(look), std::cmp::Reverse(look.matched)));
    let mut distinct: Vec<Alignment> = Vec::new();
    for look in looks {
        let shared = |other: &Alignment| {
            look.pairs.iter().flatten().any(|at| other.pairs.iter().flatten().any(|o| o == at))
        };
        match distinct.iter_mut().find(|other| shared(other)) {
            Some(other) if other.matched < look.matched => *other = look,
            Some(_) => {}
            None => distinct.push(look),
        }
    }
    distinct
}

/// The most lines that are the same in order, near one offset: longest common subsequence in a band, lines with more
/// text counting more.
fn align(segment: &Segment<'_>, index: &Index<'_>, offset: isize) -> Alignment {
    let count = segment.keys.len();
    let slack = (count / 2 + 3).min(40);
    let width = 2 * slack + 1;
    let at = |row: usize, column: usize| -> Option<usize> {
        let place = isize::try_from(row).ok()? + offset + isize::try_from(column).ok()?
            - isize::try_from(slack).ok()?;
        usize::try_from(place).ok().filter(|place| *place < index.len())
    };
    let weight = |row: usize| 8 + segment.text(row).trim().len().min(32);
    // best[row][column]: the weight from line `row` of the hunk and place `column` of its band on.
    let mut best = vec![0_usize; (count + 1) * (width + 1)];
    let cell = |row: usize, column: usize| row * (width + 1) + column;
    for row in (0..count).rev() {
        for column in (0..width).rev() {
            // One place further in the file, or one line further in the hunk, which is one column less.
            let mut value = best[cell(row, column + 1)];
            if column > 0 {
                value = value.max(best[cell(row + 1, column - 1)]);
            }
            if at(row, column).is_some_and(|place| index.key(place) == segment.keys[row]) {
                value = value.max(weight(row) + best[cell(row + 1, column)]);
            }
            best[cell(row, column)] = value;
        }
    }
    let mut pairs = vec![None; count];
    let (mut row, mut column) = (0, 0);
    while row < count && column < width {
        let value = best[cell(row, column)];
        let place = at(row, column).filter(|&place| index.key(place) == segment.keys[row]);
        if place.is_some() && value == weight(row) + best[cell(row + 1, column)] {
            pairs[row] = place;
            row += 1;
        } else if value == best[cell(row, column + 1)] {
            column += 1;
        } else {
            row += 1;
            column = column.saturating_sub(1);
        }
    }
    // Of equal lines, that beside its neighbour is meant.
    for row in (1..count).rev() {
        if let (Some(place), Some(behind)) = (pairs[row - 1], pairs[row]) {
            if place + 1 < behind && index.key(behind - 1) == segment.keys[row - 1] {
                pairs[row - 1] = Some(behind - 1);
            }
        }
    }
    let matched = pairs.iter().flatten().count();
    let weight = (0..count).filter(|&row| pairs[row].is_some()).map(weight).sum();
    Alignment { pairs, matched, weight }
}

/// A line that is not as quoted must be at least so similar to the one that stands in its place, in percent.
const SIMILAR_MIN: usize = 60;

/// The places of the lines of a segment: also of those between the known ones, if they are similar to what stands there.
///
/// One line may have no place where nothing comes or goes beside it.
fn with_similar(
    hunk: &Hunk<'_>,
    segment: &Segment<'_>,
    look: &Alignment,
    index: &Index<'_>,
) -> Option<Vec<Option<usize>>> {
    let mut dense = look.pairs.clone();
    let mut strange = 0;
    let mut at = 0;
    while at < dense.len() {
        if dense[at].is_some() {
            at += 1;
            continue;
        }
        let end = (at..dense.len()).find(|&next| dense[next].is_some()).unwrap_or(dense.len());
        let before = at.checked_sub(1).and_then(|at| dense[at]);
        let behind = dense.get(end).copied().flatten();
        let start = match (before, behind) {
            (Some(before), Some(behind)) if behind - before - 1 == end - at => Some(before + 1),
            (Some(_), Some(_)) | (None, None) => None,
            (Some(before), None) => Some(before + 1),
            (None, Some(behind)) => behind.checked_sub(end - at),
        };
        let similar = start.is_some_and(|start| {
            (at..end).zip(start..).all(|(line, place)| {
                place < index.len() && similarity(index.text_at(place), segment.text(line)) >= SIMILAR_MIN
            })
        });
        if similar {
            for (slot, place) in dense[at..end].iter_mut().zip(start?..) {
                *slot = Some(place);
            }
        } else if before.is_some() && behind.is_some() || !quiet(hunk, segment, at, end) {
            return None;
        } else {
            strange += end - at;
        }
        at = end;
    }
    // A line may have become another; more of them are another place.
    (strange <= 1).then_some(dense)
}

/// The placement that follows from an alignment; `None` if the place of a new line is not certain, or a line that
/// stands where another was quoted is another line.
fn settle(hunk: &Hunk<'_>, segment: &Segment<'_>, look: &Alignment, index: &Index<'_>) -> Option<Placement> {
    let dense = with_similar(hunk, segment, look, index)?;
    // Between lines of the file that are neighbours in the hunk only, nothing may change: nobody has seen what stands
    // between lines that go.
    let goes = |at: usize| segment.lines[segment.dense[at]].1.sign == Sign::Remove;
    for at in 1..dense.len() {
        if let (Some(before), Some(behind)) = (dense[at - 1], dense[at]) {
            if behind != before + 1 && (goes(at - 1) || goes(at) || !quiet(hunk, segment, at, at)) {
                return None;
            }
        }
    }
    // With several stale lines, one of the others must stand nowhere else.
    let unusual = |(at, place): (usize, &Option<usize>)| {
        place.is_some() && (0..index.len()).filter(|&other| index.key(other) == segment.keys[at]).count() == 1
    };
    if look.matched + 1 < look.pairs.len() && !look.pairs.iter().enumerate().any(unusual) {
        return None;
    }
    let held: Vec<_> = (0..dense.len())
        .filter_map(|at| look.pairs[at].map(|place| (index.text_at(place), segment.text(at))))
        .map(|(file, edit)| (plain_indent(file), plain_indent(edit)))
        .collect();
    let held: Vec<Pair<'_>> = held.iter().map(|(file, edit)| (&**file, &**edit)).collect();
    let relation = Relation::of(&held)?;
    let mut tolerances = Tolerances::from(Tolerance::StaleContext).union(relation.tolerances());
    for (at, place) in look.pairs.iter().enumerate() {
        if let Some(place) = place {
            tolerances = tolerances.union(alike(index.text_at(*place), segment.text(at))?);
        }
    }
    let mut rows = vec![None; hunk.lines.len()];
    let lines: Vec<_> = dense.iter().map(|place| place.map(|place| index.line(place))).collect();
    if place_blanks(segment, &lines, index, &mut rows) {
        tolerances = tolerances.with(Tolerance::BlankLines);
    }
    Some(Placement {
        rows,
        relations: vec![(0, relation)],
        tolerances,
        missed: look.pairs.len() - look.matched,
    })
}

/// Whether nothing comes or goes between the neighbours of lines `at .. end` of those that are not blank.
fn quiet(hunk: &Hunk<'_>, segment: &Segment<'_>, at: usize, end: usize) -> bool {
    let from = at.checked_sub(1).map_or(0, |before| segment.lines[segment.dense[before]].0 + 1);
    let to = segment.dense.get(end).map_or(hunk.lines.len(), |&behind| segment.lines[behind].0);
    // At an edge new lines may stand beside the neighbour that is there.
    let (from, to) = match (at == 0, end == segment.dense.len()) {
        (true, _) => (from, last_old(hunk, from, to)),
        (_, true) => (first_old(hunk, from, to), to),
        _ => (from, to),
    };
    hunk.lines[from..to.max(from)].iter().all(|line| line.sign == Sign::Keep)
}

fn last_old(hunk: &Hunk<'_>, from: usize, to: usize) -> usize {
    (from..to).rev().find(|&at| hunk.lines[at].sign != Sign::Add).map_or(from, |at| at + 1)
}

fn first_old(hunk: &Hunk<'_>, from: usize, to: usize) -> usize {
    (from..to).find(|&at| hunk.lines[at].sign != Sign::Add).unwrap_or(to)
}

fn near(segment: &Segment<'_>, look: &Alignment, index: &Index<'_>) -> Near {
    let first = look.pairs.iter().position(Option::is_none).unwrap_or(0);
    near_at(segment, look, index, first)
}

/// The lines of a look, and how line `at` differs from what stands in its place.
fn near_at(segment: &Segment<'_>, look: &Alignment, index: &Index<'_>, at: usize) -> Near {
    let rows: Vec<_> =
        look.pairs.iter().enumerate().filter_map(|(at, place)| place.map(|place| (at, place))).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Near { start: 0, end: 0, difference: None };
    };
    let start = first.1.saturating_sub(first.0);
    let end = (last.1 + segment.keys.len() - 1 - last.0).min(index.len() - 1);
    let guess = rows.iter().rev().find(|(before, _)| *before < at).map(|(before, place)| place + at - before);
    let guess = guess.or_else(|| {
        rows.iter().find(|(behind, _)| *behind > at).map(|(behind, place)| place.saturating_sub(behind - at))
    });
    let best =
        (start..=end).filter(|place| !rows.iter().any(|(_, taken)| taken == place)).max_by_key(|&place| {
            let near = guess.is_some_and(|guess| guess == place);
            similarity(index.text_at(place), segment.text(at)) + usize::from(near)
        });
    let place = best.or(guess).filter(|place| *place < index.len());
    let difference = place.map(|place| (index.line(place), segment.text(at).to_owned()));
    Near { start: index.line(start), end: index.line(end) + 1, difference }
}

/// The most similar lines where no line is the same.
fn near_by_text(segment: &Segment<'_>, index: &Index<'_>) -> Option<Near> {
    let texts: Vec<&str> = (0..index.len()).map(|at| index.text_at(at)).collect();
    let wanted: Vec<&str> = (0..segment.keys.len()).map(|at| segment.text(at)).collect();
    let range = crate::nearest::nearest(&texts, &wanted)?;
    let difference = Some((index.line(range.start), wanted[0].to_owned()));
    Some(Near { start: index.line(range.start), end: index.line(range.end - 1) + 1, difference })
}
