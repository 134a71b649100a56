//! The text a model is shown of the best files and functions, within a budget.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use wainwright_syntax::Definition;

use super::ranking::Ranking;
use super::reading::Reading;

/// So many bytes are about a token.
const TOKEN_BYTES: usize = 4;
/// Of so many of the best files the outline is shown, each of at most so many lines, together within this share of
/// the budget.
const OUTLINES: usize = 10;
const OUTLINE_LINES: usize = 40;
const OUTLINE_SHARE: usize = 3;
/// A longer function is shown by its signature and its first lines.
const WHOLE_LINES: u32 = 80;
const BEGINNING_LINES: u32 = 12;
/// Lines are cut to so many bytes.
const LINE_MAX: usize = 200;

/// One file as it is shown.
struct Shown {
    lines: Vec<(usize, usize)>,
    reading: Arc<Reading>,
    chosen: BTreeSet<u32>,
}

impl Shown {
    fn of(reading: &Arc<Reading>) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', &reading.text) {
            lines.push((start, at));
            start = at + 1;
        }
        if start < reading.text.len() {
            lines.push((start, reading.text.len()));
        }
        Self { lines, reading: Arc::clone(reading), chosen: BTreeSet::new() }
    }

    /// A line from 1, without what is beyond [`LINE_MAX`].
    fn line(&self, number: u32) -> Cow<'_, str> {
        let Some((start, end)) = (number as usize).checked_sub(1).and_then(|at| self.lines.get(at)) else {
            return Cow::Borrowed("");
        };
        match String::from_utf8_lossy(&self.reading.text[*start..(*end).min(start + LINE_MAX)]) {
            Cow::Borrowed(line) => Cow::Borrowed(line.trim_end()),
            Cow::Owned(line) => Cow::Owned(line.trim_end().to_owned()),
        }
    }

    /// What showing these lines too would cost, in bytes.
    fn cost(&self, wanted: &[u32]) -> usize {
        let fresh = wanted.iter().filter(|line| !self.chosen.contains(line));
        fresh.map(|line| self.line(*line).len() + 8).sum()
    }

    fn last(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// The lines of the signature.
    fn signature(&self, definition: &Definition) -> Vec<u32> {
        let before = |at: u32| self.lines.partition_point(|(start, _)| *start <= at as usize);
        let first = u32::try_from(before(definition.signature.start)).unwrap_or(1).max(1);
        let last = u32::try_from(before(definition.signature.end.saturating_sub(1))).unwrap_or(first);
        (first..=last.max(first).min(first + 5)).collect()
    }
}

/// Packs the best files and functions into about so many tokens: outlines of the best files, whole small functions,
/// the beginnings of large ones; with line numbers, nothing twice, files in the order of their paths.
pub(crate) fn pack(ranking: &Ranking, readings: &FxHashMap<u32, Arc<Reading>>, tokens: usize) -> String {
    let budget = tokens * TOKEN_BYTES;
    let mut shown: BTreeMap<&str, Shown> = BTreeMap::new();
    let mut spent = 0;
    for file in ranking.files.iter().take(OUTLINES) {
        let Some(reading) = readings.get(&file.file) else { continue };
        let one = shown.entry(&file.path).or_insert_with(|| Shown::of(reading));
        spent += file.path.len() + 16;
        let definitions = reading.outline.definitions.iter();
        let told = definitions.filter(|one| one.kind.is_function() || one.kind.is_type());
        for definition in told.take(OUTLINE_LINES) {
            let lines: Vec<u32> = one.signature(definition).into_iter().take(1).collect();
            let cost = one.cost(&lines);
            if spent + cost > budget / OUTLINE_SHARE {
                break;
            }
            spent += cost;
            one.chosen.extend(lines);
        }
    }
    for function in &ranking.functions {
        let Some(reading) = readings.get(&function.file) else { continue };
        let head = if shown.contains_key(function.path.as_str()) { 0 } else { function.path.len() + 16 };
        let one = shown.entry(&function.path).or_insert_with(|| Shown::of(reading));
        let last = function.end_line.min(one.last());
        let whole = last.saturating_sub(function.start_line) < WHOLE_LINES;
        let until = if whole { last } else { last.min(function.start_line + BEGINNING_LINES) };
        let lines: Vec<u32> = (function.start_line..=until).collect();
        let cost = one.cost(&lines) + head;
        if spent + cost <= budget {
            spent += cost;
            one.chosen.extend(lines);
        }
    }
    let mut text = String::new();
    for (path, one) in shown.iter().filter(|(_, one)| !one.chosen.is_empty()) {
        text.push_str("### ");
        text.push_str(path);
        text.push('\n');
        let mut before = 0;
        for line in &one.chosen {
            if *line != before + 1 {
                text.push_str("    …\n");
            }
            let number = line.to_string();
            text.extend(std::iter::repeat_n(' ', 5usize.saturating_sub(number.len())));
            text.extend([number.as_str(), " ", &one.line(*line), "\n"]);
            before = *line;
        }
        if before < one.last() {
            text.push_str("    …\n");
        }
    }
    text
}
