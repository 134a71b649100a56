//! From candidates to an answer that says why.

use std::collections::HashSet;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::Ground;
use super::files::{self, FileFeature, Survey};
use super::model::Model;
use super::near::{self, FunctionFeature, Near};
use super::pack::pack;
use super::query::Query;
use super::ranking::{Moment, RankedFile, RankedFunction, Ranking};
use super::reading::{Reading, Readings, Stem};
use super::role::Role;

static FILES: LazyLock<Option<Model>> =
    LazyLock::new(|| Model::read(include_str!("files.trees"), FileFeature::NAMES));
static FUNCTIONS: LazyLock<Option<Model>> =
    LazyLock::new(|| Model::read(include_str!("functions.trees"), FunctionFeature::NAMES));

/// How much a function's file counts beside the function itself.
const FILE_SHARE: f32 = 0.3;

/// Candidates with the values that the models see, for fitting these.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// Paths of sources with their features.
    pub files: Vec<(String, Vec<f32>)>,
    /// Path, qualified name, first line, last line and features of functions.
    pub functions: Vec<(String, String, u32, u32, Vec<f32>)>,
}

/// The names of the features of files, in the order of [`Values`].
#[must_use]
pub fn file_features() -> &'static [&'static str] {
    FileFeature::NAMES
}

/// The names of the features of functions.
#[must_use]
pub fn function_features() -> &'static [&'static str] {
    FunctionFeature::NAMES
}

/// What the models would see.
#[must_use]
pub fn values(text: &str, ground: &Ground<'_>, readings: &Readings) -> Values {
    let query = Query::read(text);
    let mut survey = files::survey(&query, ground, Vec::new());
    let near = near::look(&query, ground, &mut survey, readings);
    let _ = judge_functions(&mut survey, &near);
    let path = |file: u32| ground.corpus.path(file).to_owned();
    let files = survey.candidates.iter().zip(&survey.features);
    let function = |one: &near::Candidate| {
        let outline = &near.readings[&one.file].outline;
        let definition = &outline.definitions[one.definition];
        let name = outline.qualname(one.definition);
        (path(one.file), name, definition.start_line, definition.end_line, one.features.to_vec())
    };
    Values {
        files: files.map(|(file, features)| (path(*file), features.to_vec())).collect(),
        functions: near.functions.iter().map(function).collect(),
    }
}

/// Ranks the files and functions of a tree for a goal in words; at most `limit` of each.
#[must_use]
pub fn rank(text: &str, moment: &Moment, ground: &Ground<'_>, readings: &Readings, limit: usize) -> Ranking {
    ranked(text, moment, ground, readings, limit).0
}

/// Ranks, and packs the best into a text of about so many tokens: outlines and functions with line numbers, files in
/// the order of their paths.
#[must_use]
pub fn rank_and_pack(
    text: &str,
    moment: &Moment,
    ground: &Ground<'_>,
    readings: &Readings,
    limit: usize,
    tokens: usize,
) -> (Ranking, String) {
    let (ranking, near) = ranked(text, moment, ground, readings, limit);
    let packed = pack(&ranking, &near.readings, tokens);
    (ranking, packed)
}

fn ranked(
    text: &str,
    moment: &Moment,
    ground: &Ground<'_>,
    readings: &Readings,
    limit: usize,
) -> (Ranking, Near) {
    let said = moment.diagnostics.iter().map(|(_, said)| said.as_str());
    let all: Vec<&str> = [text, &moment.selection].into_iter().chain(said).collect();
    let query = Query::read(&all.join("\n"));
    let mut survey = files::survey(&query, ground, moment.pointed(ground));
    let near = near::look(&query, ground, &mut survey, readings);
    let judged = judge_functions(&mut survey, &near);
    let features: Vec<_> = survey.features.iter().collect();
    let scores = FILES.as_ref().map_or_else(
        || features.iter().map(|features| features[FileFeature::linear as usize]).collect(),
        |model| model.scores(&features),
    );
    let mut sources: Vec<(u32, f32)> = survey
        .candidates
        .iter()
        .zip(scores)
        .map(|(file, score)| (*file, score + moment.favour(ground.corpus.path(*file))))
        .collect();
    sources.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    let functions = functions(&sources, &near, &judged, ground, moment, limit);
    let taken: HashSet<u32> = sources.iter().map(|(file, _)| *file).collect();
    let lowest = sources.last().map_or(0.0, |(_, score)| *score);
    let others = others(&survey, ground, &taken, lowest, limit);
    let told = |(file, score): (u32, f32)| RankedFile {
        file,
        path: ground.corpus.path(file).to_owned(),
        role: ground.tree.facts(file).map_or(Role::Source, |facts| facts.role),
        score,
        why: why(file, &query, &survey, &near, ground, moment),
    };
    let files = sources.into_iter().take(limit).chain(others).take(limit).map(told).collect();
    (Ranking { files, functions }, near)
}

impl Moment {
    fn pointed(&self, ground: &Ground<'_>) -> Vec<u32> {
        if self.cursor.is_none() && self.open.is_empty() && self.diagnostics.is_empty() {
            return Vec::new();
        }
        let favoured = |file: &u32| self.favour(ground.corpus.path(*file)) > 0.0;
        ground.tree.files(Role::Source).filter(favoured).collect()
    }

    fn favour(&self, path: &str) -> f32 {
        let cursor = self.cursor.as_ref().is_some_and(|(at, _)| at == path);
        let open = self.open.iter().any(|at| at == path);
        let diagnosed = self.diagnostics.iter().any(|(at, _)| at == path);
        2.0 * f32::from(cursor) + f32::from(open) + 1.5 * f32::from(diagnosed)
    }
}

/// So many of a file's functions speak for it together.
const SPEAKERS: usize = 8;

/// The scores of the functions, which also become features of their files. Files without any count as the worst.
fn judge_functions(survey: &mut Survey, near: &Near) -> Vec<f32> {
    let features: Vec<_> = near.functions.iter().map(|one| &one.features).collect();
    let scores: Vec<f32> = FUNCTIONS.as_ref().map_or_else(
        || features.iter().map(|features| features[FunctionFeature::body as usize]).collect(),
        |model| model.scores(&features),
    );
    let mut by_file: FxHashMap<u32, Vec<f32>> = FxHashMap::default();
    for (one, score) in near.functions.iter().zip(&scores) {
        by_file.entry(one.file).or_default().push(*score);
    }
    let best = scores.iter().copied().reduce(f32::max).unwrap_or(0.0);
    let worst = scores.iter().copied().reduce(f32::min).unwrap_or(0.0);
    for (file, features) in survey.candidates.iter().zip(&mut survey.features) {
        let own = by_file.remove(file).unwrap_or_else(|| vec![worst]);
        let (top, all) = together(own);
        features[FileFeature::fun_score as usize] = top;
        features[FileFeature::fun_score_sum as usize] = all;
        features[FileFeature::fun_score_gap as usize] = top - best;
    }
    scores
}

/// The best of some scores, and the logarithm of the sum of the best ones' exponentials.
fn together(mut scores: Vec<f32>) -> (f32, f32) {
    scores.sort_unstable_by(|left, right| right.total_cmp(left));
    let top = scores.first().copied().unwrap_or(0.0);
    let sum: f32 = scores.iter().take(SPEAKERS).map(|score| (score - top).exp()).sum();
    (top, top + sum.ln())
}

fn functions(
    sources: &[(u32, f32)],
    near: &Near,
    judged: &[f32],
    ground: &Ground<'_>,
    moment: &Moment,
    limit: usize,
) -> Vec<RankedFunction> {
    let score_of: FxHashMap<u32, f32> = sources.iter().copied().collect();
    let told = |(one, score): (&near::Candidate, &f32)| {
        let file = score_of.get(&one.file).copied().unwrap_or(0.0);
        let outline = &near.readings[&one.file].outline;
        let definition = &outline.definitions[one.definition];
        let path = ground.corpus.path(one.file).to_owned();
        let here = moment.cursor.as_ref().is_some_and(|(at, line)| {
            *at == path && (definition.start_line..=definition.end_line).contains(line)
        });
        RankedFunction {
            file: one.file,
            path,
            name: outline.qualname(one.definition),
            start_line: definition.start_line,
            end_line: definition.end_line,
            score: score + FILE_SHARE * file + 2.0 * f32::from(here),
        }
    };
    let mut functions: Vec<RankedFunction> = near.functions.iter().zip(judged).map(told).collect();
    functions.sort_by(|left, right| {
        right
            .score
            .total_cmp(&left.score)
            .then_with(|| (&left.path, left.start_line).cmp(&(&right.path, right.start_line)))
    });
    functions.truncate(limit);
    functions
}

/// Tests, documents and the like, behind the sources.
fn others(
    survey: &Survey,
    ground: &Ground<'_>,
    taken: &HashSet<u32>,
    lowest: f32,
    limit: usize,
) -> Vec<(u32, f32)> {
    let speaks = |file: &u32| survey.content[*file as usize] > 0.0 && !taken.contains(file);
    let roles = [Role::Test, Role::Document, Role::Data, Role::Example, Role::Foreign];
    let files = roles.iter().flat_map(|role| ground.tree.files(*role)).filter(speaks);
    let of = |file: u32| survey.linear[file as usize];
    let files = files::best_files(files, &survey.linear, limit);
    let best = files.first().map_or(0.0, |file| of(*file));
    files.into_iter().take(limit).map(|file| (file, lowest - 1.0 - (best - of(file)))).collect()
}

/// So many reasons are given.
const REASONS: usize = 4;

fn why(
    file: u32,
    query: &Query,
    survey: &Survey,
    near: &Near,
    ground: &Ground<'_>,
    moment: &Moment,
) -> Vec<String> {
    let mut reasons = pointed_at(ground.corpus.path(file), moment);
    if let Some(name) = near.named.get(&file) {
        reasons.push(format!("defines {name}"));
    }
    // The rarest terms say most.
    let mut terms: Vec<usize> = (0..query.terms.len()).collect();
    let value = |term: usize| survey.rarity[term] * query.terms[term].weight;
    terms.sort_by(|left, right| value(*right).total_cmp(&value(*left)).then(left.cmp(right)));
    let stems: Vec<(usize, Option<u32>)> =
        terms.iter().map(|term| (*term, ground.vocabulary.stem(&query.terms[*term].stem))).collect();
    if let Some(facts) = ground.tree.facts(file) {
        let named = stems
            .iter()
            .filter(|(_, stem)| stem.is_some_and(|s| facts.name.contains(&s) || facts.above.contains(&s)));
        let said: Vec<&str> = named.map(|(term, _)| query.terms[*term].said.as_str()).take(2).collect();
        if !said.is_empty() {
            reasons.push(format!("its path says {}", said.join(", ")));
        }
    }
    let times = stems
        .iter()
        .filter_map(|(term, stem)| Some((ground.past.times(file, (*stem)?, ground.history), *term)));
    if let Some((times, term)) =
        times.take(6).filter(|(times, _)| *times > 0).max_by_key(|(times, term)| (*times, *term))
    {
        let plural = if times == 1 { "change" } else { "changes" };
        reasons.push(format!("{times} earlier {plural} about \"{}\"", query.terms[term].said));
    }
    if let Some(test) = survey.tested_by.get(file as usize).copied().flatten() {
        let test = ground.corpus.path(test);
        reasons.push(format!("its test {} matches", test.rsplit('/').next().unwrap_or(test)));
    }
    reasons.extend(near.readings.get(&file).and_then(|reading| says(reading, query, &terms)));
    reasons.truncate(REASONS);
    if reasons.is_empty() {
        reasons.push("changed along with the others, or near them".to_owned());
    }
    reasons
}

/// What the moment says of a path.
fn pointed_at(path: &str, moment: &Moment) -> Vec<String> {
    let mut reasons = Vec::new();
    if moment.cursor.as_ref().is_some_and(|(at, _)| at == path) {
        reasons.push("the cursor is in it".to_owned());
    } else if moment.open.iter().any(|at| at == path) {
        reasons.push("it is open".to_owned());
    }
    if moment.diagnostics.iter().any(|(at, _)| at == path) {
        reasons.push("it has diagnostics".to_owned());
    }
    reasons
}

/// The first of some terms that a text has.
fn says(reading: &Reading, query: &Query, terms: &[usize]) -> Option<String> {
    let has = |term: &usize| {
        let stem = Stem::new(&query.terms[*term].stem);
        reading.stems.iter().any(|(_, held)| *held == stem)
    };
    let said: Vec<&str> =
        terms.iter().filter(|term| has(term)).map(|term| query.terms[*term].said.as_str()).take(3).collect();
    (!said.is_empty()).then(|| format!("says {}", said.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_speak_for_their_file_together() {
        let (top, all) = together(vec![1.0, 3.0]);
        assert!((top - 3.0).abs() < 1e-6);
        assert!((all - (1.0f32.exp() + 3.0f32.exp()).ln()).abs() < 1e-5);
        assert!((together(vec![0.5; SPEAKERS + 4]).1 - together(vec![0.5; SPEAKERS]).1).abs() < 1e-6);
    }

    #[test]
    fn the_tables_are_whole() {
        assert!(FILES.is_some());
        assert!(FUNCTIONS.is_some());
    }
}
