//! The first look at a query: every file of the tree, by what the index, its path and its history say.

use rustc_hash::FxHashMap;

use super::Ground;
use super::corpus::{Corpus, Held};
use super::past::{Past, Spoken, rarity};
use super::query::Query;
use super::role::Role;
use super::tree::{Tree, folded_name, shared_folders};
use crate::work;

features! {
    /// What is known of a source file for a query, and about the query; what is called `relative` is divided by the
    /// best source's.
    FileFeature {
        linear, linear_relative, linear_rank,
        content, content_title, content_cov, content_density,
        code_words, plain_words, joined_words,
        path_name, path_dirs, path_frac, path_exact, path_scope, path_scope_name, path_all,
        def_stems, def_title, def_words, def_joined,
        hist_doc, hist_title, hist_like, hist_most, hist_words, churn, recent, last, commits,
        co_source, co_test, co_top,
        test_vote, test_sum, dir_mean, dir_max, dir_share, dir_churn,
        is_index, depth, log_size, log_defs, main_language, log_files, terms, title_terms, content_top, hist_top, path_top, def_top,
        content_rank, hist_rank, def_rank, path_rank, test_rank, co_rank,
        named_in_doc, first,
        close, fun_best, fun_top3, fun_cov, fun_rank, fun_own, name_best, name_exact, name_count, window_best, window_cov, signature_best,
        imports_top, imported_by_top, imports_sum, imported_by_sum, imported_by_test, ref_in, ref_out, ref_test, importers,
        path_lead, path_best, path_near, scoped, scoped_folder, pairs, pairs_rare, fun_pairs, fun_pairs_rare, fun_title, window_title,
        fun_score, fun_score_sum, fun_score_gap,
    }
}

/// So many sources are candidates by the sum of all evidence, and so many more for each kind of evidence alone.
const CANDIDATES: usize = 120;
const CANDIDATES_MORE: usize = 15;
const K1: f32 = 1.2;

/// A score for each file.
type Scores = Vec<f32>;

struct Weighed {
    all: Scores,
    title: Scores,
    covered: Scores,
}

/// What the first look found.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The sum of the cheap evidence.
    pub linear: Scores,
    /// BM25 of the texts.
    pub content: Scores,
    /// The candidates among the sources, best first.
    pub candidates: Vec<u32>,
    /// Tests, best first.
    pub tests: Vec<u32>,
    /// Sources that the person stands in, has open or has trouble with.
    pub pointed: Vec<u32>,
    /// How rare each term of the query is.
    pub rarity: Vec<f32>,
    /// For each candidate its features, those of the second look still zero.
    pub features: Vec<[f32; FileFeature::COUNT]>,
    /// The best test by name that matches, for each file.
    pub tested_by: Vec<Option<u32>>,
}

/// BM25 of the query in the files, whose lengths are given.
fn weigh(
    query: &Query,
    count: usize,
    lengths: &[f32],
    slope: f32,
    held: impl Fn(usize) -> Vec<(u32, f32)>,
) -> Weighed {
    let mean = (lengths.iter().sum::<f32>() / count.max(1) as f32).max(1e-6);
    let zero = || vec![0.0f32; lengths.len()];
    let mut weighed = Weighed { all: zero(), title: zero(), covered: zero() };
    let mut mass = 1e-6;
    for (number, term) in query.terms.iter().enumerate() {
        let held = held(number);
        if held.is_empty() {
            continue;
        }
        let weight = rarity(count, held.len());
        mass += weight * term.weight;
        for (file, times) in held {
            let file = file as usize;
            let part = times * (K1 + 1.0) / (times + K1 * (1.0 - slope + slope * lengths[file] / mean));
            weighed.all[file] += weight * term.weight * part;
            weighed.covered[file] += weight * term.weight;
            if term.title {
                weighed.title[file] += weight * part;
            }
        }
    }
    for value in &mut weighed.covered {
        *value /= mass;
    }
    weighed
}

#[derive(Default)]
struct Words {
    code: Scores,
    plain: Scores,
    joined: Scores,
    defined: Scores,
    defined_joined: Scores,
}

/// Whole words of the query in the files.
fn whole_words(query: &Query, corpus: &dyn Corpus, count: usize, lengths: &[f32]) -> Words {
    let zero = || vec![0.0f32; lengths.len()];
    let mut words =
        Words { code: zero(), plain: zero(), joined: zero(), defined: zero(), defined_joined: zero() };
    for name in &query.names {
        let held = corpus.word(&name.folded);
        let weight = rarity(count, held.len());
        let defined: Vec<&Held> = held.iter().filter(|held| held.defined).collect();
        let defined_weight = rarity(count, defined.len());
        for held in defined {
            match (name.joined, name.code) {
                (true, _) => words.defined_joined[held.file as usize] += defined_weight,
                (_, true) => words.defined[held.file as usize] += defined_weight,
                _ => words.defined[held.file as usize] += 0.5 * defined_weight,
            }
        }
        let into = match (name.joined, name.code) {
            (true, _) => &mut words.joined,
            (_, true) => &mut words.code,
            _ => &mut words.plain,
        };
        for held in held {
            let file = held.file as usize;
            into[file] += weight * (1.0 + (held.count as f32).ln()) / (1.0 + lengths[file] / 3000.0).sqrt();
        }
    }
    words
}

#[derive(Default)]
struct Paths {
    name: Scores,
    above: Scores,
    all: Scores,
    share: Scores,
    exact: Scores,
    scope: Scores,
    scope_name: Scores,
    /// By the first terms of the title alone.
    lead: Scores,
    /// By the term that says most.
    best: Scores,
}

impl Paths {
    fn of(files: usize) -> Self {
        let zero = || vec![0.0f32; files];
        Self {
            name: zero(),
            above: zero(),
            all: zero(),
            share: zero(),
            exact: zero(),
            scope: zero(),
            scope_name: zero(),
            lead: zero(),
            best: zero(),
        }
    }
}

/// The first terms of a title name the component.
const LEAD: usize = 3;
/// Names that share fewer letters are not near.
const NEAR_MIN: usize = 4;

/// Which share of the longer of two names their common start or end is.
fn nearness(left: &str, right: &str) -> f32 {
    let start = left.bytes().zip(right.bytes()).take_while(|(one, other)| one == other).count();
    let end = left.bytes().rev().zip(right.bytes().rev()).take_while(|(one, other)| one == other).count();
    let shared = start.max(end);
    if shared < NEAR_MIN { 0.0 } else { shared as f32 / left.len().max(right.len()) as f32 }
}

/// Words of the query in the paths.
fn path_words(query: &Query, ground: &Ground<'_>) -> Paths {
    let tree = ground.tree;
    let mut paths = Paths::of(tree.facts.len());
    let terms: Vec<(u32, f32, bool, bool)> = query
        .terms
        .iter()
        .enumerate()
        .filter_map(|(at, term)| {
            let stem = ground.vocabulary.stem(&term.stem)?;
            let having = *tree.having.get(&stem)?;
            let weight = term.weight * rarity(tree.count as usize, having as usize);
            Some((stem, weight, term.title, term.title && at < LEAD))
        })
        .collect();
    let number = |text: &String| ground.vocabulary.word(text);
    let names: Vec<(u32, f32)> = query
        .names
        .iter()
        .filter_map(|name| Some((number(&name.folded)?, if name.joined { 0.8 } else { 1.0 })))
        .collect();
    let scope: Vec<Option<u32>> = query.scope.iter().map(|stem| ground.vocabulary.stem(stem)).collect();
    let scope_words: Vec<u32> = query.scope_words.iter().filter_map(number).collect();
    for (file, facts) in tree.facts.iter().enumerate() {
        let Some(facts) = facts else { continue };
        let mut hits = 0.0;
        for (stem, weight, title, lead) in &terms {
            let in_name = facts.name.contains(stem);
            if !in_name && !facts.above.contains(stem) {
                continue;
            }
            let worth = if in_name { *weight } else { 0.5 * weight };
            hits += f32::from(in_name);
            let place = if in_name { &mut paths.name } else { &mut paths.above };
            place[file] += if *title { *weight } else { 0.0 };
            paths.all[file] += worth;
            paths.lead[file] += if *lead { worth } else { 0.0 };
            paths.best[file] = paths.best[file].max(worth);
        }
        paths.share[file] = hits / facts.name.len().max(1) as f32;
        if let Some((_, value)) = names.iter().find(|(name, _)| *name == facts.folded) {
            paths.exact[file] = *value;
        }
        if !scope.is_empty() {
            let within = |stem: &&Option<u32>| {
                stem.is_some_and(|s| facts.name.contains(&s) || facts.above.contains(&s))
            };
            paths.scope[file] = scope.iter().filter(within).count() as f32 / scope.len() as f32;
            if scope_words.contains(&facts.folded) {
                paths.scope_name[file] = 1.0;
            } else if scope_words.iter().any(|word| facts.folders.contains(word)) {
                paths.scope_name[file] = 0.5;
            }
        }
    }
    paths
}

struct Tests {
    vote: Scores,
    sum: Scores,
    document: Scores,
    by: Vec<Option<u32>>,
}

/// Tests vote for the sources that they are named after, documents for those of their name.
fn test_votes(tree: &Tree, content: &[f32]) -> Tests {
    let zero = || vec![0.0f32; tree.facts.len()];
    let mut tests = Tests { vote: zero(), sum: zero(), document: zero(), by: vec![None; tree.facts.len()] };
    let best = best_of(content, tree.files(Role::Test));
    for test in tree.files(Role::Test) {
        let score = over(content[test as usize], best);
        let Some(facts) = tree.facts(test).filter(|_| score >= 0.2) else { continue };
        let Some(sources) = tree.by_name.get(&facts.tested) else { continue };
        let near = |source: &u32| tree.facts(*source).map_or(0, |source| shared_folders(facts, source));
        let shared: Vec<usize> = sources.iter().map(near).collect();
        let nearest = shared.iter().copied().max().unwrap_or(0);
        for (source, shared) in sources.iter().zip(shared) {
            let share = if shared == nearest { 1.0 } else { 0.3 };
            let source = *source as usize;
            if score * share > tests.vote[source] {
                tests.vote[source] = score * share;
                tests.by[source] = Some(test);
            }
            tests.sum[source] += score * score * share;
        }
    }
    let best = best_of(content, tree.files(Role::Document));
    let mut documents: Vec<u32> =
        tree.files(Role::Document).filter(|file| content[*file as usize] > 0.4 * best).collect();
    documents.sort_by(|left, right| content[*right as usize].total_cmp(&content[*left as usize]));
    for document in documents.into_iter().take(5) {
        let score = over(content[document as usize], best);
        let sources = tree.facts(document).and_then(|facts| tree.by_name.get(&facts.folded));
        for source in sources.into_iter().flatten() {
            let held = &mut tests.document[*source as usize];
            *held = held.max(score);
        }
    }
    tests
}

pub(crate) fn over(value: f32, best: f32) -> f32 {
    if best > 0.0 { value / best } else { 0.0 }
}

fn best_of(values: &[f32], files: impl Iterator<Item = u32>) -> f32 {
    files.map(|file| values[file as usize]).fold(0.0, f32::max)
}

/// The best of `files` by `score`, in order, at most so many.
pub(crate) fn best_files(files: impl Iterator<Item = u32>, score: &[f32], most: usize) -> Vec<u32> {
    let order = |left: &u32, right: &u32| {
        score[*right as usize].total_cmp(&score[*left as usize]).then(left.cmp(right))
    };
    let mut files: Vec<u32> = files.collect();
    if files.len() > most && most > 0 {
        files.select_nth_unstable_by(most, order);
        files.truncate(most);
    }
    files.sort_unstable_by(order);
    files
}

/// For each of `files` the logarithm of its rank by `score`.
fn ranks(files: &[u32], score: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    let of = |at: usize| score[files[at] as usize];
    order.sort_by(|left, right| of(*right).total_cmp(&of(*left)));
    let mut ranks = vec![9.0f32; files.len()];
    let mut rank = 0;
    for (place, at) in order.iter().enumerate() {
        if place > 0 && of(*at) < of(order[place - 1]) {
            rank = place;
        }
        if of(*at) > 0.0 {
            ranks[*at] = (1.0 + rank as f32).ln();
        }
    }
    ranks
}

/// All that the first look weighs.
struct Evidence {
    count: usize,
    lengths: Scores,
    definitions: Scores,
    content: Weighed,
    names: Weighed,
    words: Words,
    paths: Paths,
    spoken: Spoken,
    tests: Tests,
}

impl Evidence {
    fn gather(query: &Query, ground: &Ground<'_>) -> (Self, Vec<f32>) {
        let (corpus, tree) = (ground.corpus, ground.tree);
        let count = tree.count as usize;
        let files = 0..corpus.bound();
        let lengths: Scores = files.clone().map(|file| corpus.length(file) as f32).collect();
        let definitions: Scores = files.map(|file| corpus.definitions(file) as f32).collect();
        let of_texts = || {
            let held: Vec<Vec<Held>> = query.terms.iter().map(|term| corpus.stem(&term.stem)).collect();
            let times = |at: usize| held[at].iter().map(|held| (held.file, held.count as f32)).collect();
            let content = weigh(query, count, &lengths, 0.75, times);
            let defined = |at: usize| {
                held[at].iter().filter(|held| held.defined).map(|held| (held.file, 1.0)).collect()
            };
            let names = weigh(query, count, &definitions, 0.5, defined);
            let rare = held.iter().map(|held| rarity(count, held.len())).collect();
            (content, names, rare, whole_words(query, corpus, count, &lengths))
        };
        let beside = || {
            let spoken = ground.past.spoken(query, ground.history, ground.vocabulary);
            (path_words(query, ground), spoken)
        };
        let ((content, names, rare, words), (paths, spoken)) = work::both(of_texts, beside);
        let tests = test_votes(tree, &content.all);
        (Self { count, lengths, definitions, content, names, words, paths, spoken, tests }, rare)
    }

    /// The best value of each kind among the sources.
    fn tops(&self, tree: &Tree) -> Tops {
        let best = |values: &[f32]| best_of(values, tree.files(Role::Source));
        Tops {
            content: best(&self.content.all),
            content_title: best(&self.content.title),
            names: best(&self.names.all),
            names_title: best(&self.names.title),
            doc: best(&self.spoken.doc),
            doc_title: best(&self.spoken.title),
            like: best(&self.spoken.like),
            path: best(&self.paths.all),
        }
    }

    /// A sum of the evidence. The weights follow a pairwise logistic regression over changes of the repositories that
    /// the tables name, by a script that was not kept.
    fn sum(&self, file: usize, tops: &Tops, past: &Past) -> f32 {
        let tenth = |value: f32| value.min(10.0) / 10.0;
        0.22 * over(self.content.all[file], tops.content)
            + 0.86 * over(self.content.title[file], tops.content_title)
            + 0.55 * self.content.covered[file]
            + 0.62 * over(self.paths.all[file], tops.path)
            + 0.7 * self.paths.exact[file]
            + 0.8 * self.paths.scope[file]
            + 0.42 * over(self.names.all[file], tops.names)
            + 0.45 * over(self.spoken.doc[file], tops.doc)
            + 1.0 * over(self.spoken.like[file], tops.like)
            + 0.63 * tenth(self.words.plain[file])
            + 2.1 * tenth(self.words.code[file])
            + 0.94 * tenth(self.words.joined[file])
            + 0.44 * tenth(self.words.defined[file])
            + 0.32 * tenth(self.words.defined_joined[file])
            + 0.2 * self.tests.vote[file]
            - 0.2 * past.last[file]
            - 0.2 * past.churn[file]
    }
}

#[derive(Clone, Copy)]
struct Tops {
    content: f32,
    content_title: f32,
    names: f32,
    names_title: f32,
    doc: f32,
    doc_title: f32,
    like: f32,
    path: f32,
}

/// Looks at every file. Sources that were `pointed` at are candidates whatever the query says.
pub(crate) fn survey(query: &Query, ground: &Ground<'_>, pointed: Vec<u32>) -> Survey {
    let (tree, past) = (ground.tree, ground.past);
    let (evidence, rarity) = Evidence::gather(query, ground);
    let tops = evidence.tops(tree);
    let first: Scores = (0..evidence.lengths.len()).map(|file| evidence.sum(file, &tops, past)).collect();
    let lowest = first.iter().copied().fold(0.0, f32::min);
    let above: Scores = first.iter().map(|value| value - lowest).collect();
    let best = best_files(tree.files(Role::Source), &first, 8);
    let tests = best_files(
        tree.files(Role::Test).filter(|file| evidence.content.all[*file as usize] > 0.0),
        &first,
        24,
    );
    let co_source = past.together(&best, &above);
    let co_test = past.together(&tests[..tests.len().min(8)], &above);
    let co_top = past.together(&best[..best.len().min(1)], &above);
    let around = Around::new(ground, &above);
    let linear: Scores = (0..first.len())
        .map(|file| {
            first[file] + 2.5 * co_source[file] + 2.2 * co_test[file] + 0.6 * around.mean(file, tree, ground)
        })
        .collect();
    let mut candidates = best_files(tree.files(Role::Source), &linear, CANDIDATES);
    for alone in [&co_source, &co_test, &evidence.tests.vote, &evidence.spoken.like, &co_top] {
        let more = best_files(
            tree.files(Role::Source).filter(|file| alone[*file as usize] > 0.0),
            alone,
            CANDIDATES_MORE,
        );
        candidates.extend(more.into_iter().filter(|file| !candidates.contains(file)).collect::<Vec<_>>());
    }
    candidates.extend(pointed.iter().copied().filter(|file| !candidates.contains(file)).collect::<Vec<_>>());
    candidates.sort_by(|left, right| {
        linear[*right as usize].total_cmp(&linear[*left as usize]).then(left.cmp(right))
    });
    let sums = Sums { first, linear: &linear, co_source, co_test, co_top, around };
    let features = features_of(query, ground, &candidates, &evidence, &tops, &sums);
    let Evidence { content, tests: votes, .. } = evidence;
    Survey { linear, content: content.all, candidates, tests, pointed, rarity, features, tested_by: votes.by }
}

/// What the other sources of a file's folder have.
struct Around<'t> {
    best: f32,
    all: f32,
    /// For each folder the sum, the sum of squares, the two best values with the best file, and the number of sources.
    folders: FxHashMap<&'t str, Folder>,
    score: Scores,
}

#[derive(Clone, Copy, Default)]
struct Folder {
    sum: f32,
    squares: f32,
    recent: f32,
    best: f32,
    second: f32,
    best_file: u32,
    count: f32,
}

impl<'t> Around<'t> {
    fn new(ground: &Ground<'t>, score: &[f32]) -> Self {
        let mut folders = FxHashMap::default();
        let (mut best, mut all) = (1e-6f32, 1e-6f32);
        for (name, files) in &ground.tree.by_folder {
            let mut folder = Folder { best: -1.0, second: 0.0, ..Folder::default() };
            for file in files {
                let value = score[*file as usize];
                folder.sum += value;
                folder.squares += value * value;
                folder.recent += ground.past.recent[*file as usize];
                folder.count += 1.0;
                if value > folder.best {
                    folder.second = folder.best.max(0.0);
                    (folder.best, folder.best_file) = (value, *file);
                } else {
                    folder.second = folder.second.max(value);
                }
            }
            best = best.max(folder.best);
            folders.insert(name.as_str(), folder);
        }
        for file in ground.tree.files(Role::Source) {
            all += score[file as usize] * score[file as usize];
        }
        Self { best, all, folders, score: score.to_vec() }
    }

    fn folder(&self, file: usize, tree: &Tree, ground: &Ground<'_>) -> Option<&Folder> {
        let number = u32::try_from(file).ok()?;
        let facts = tree.facts(number).filter(|facts| facts.role == Role::Source)?;
        self.folders.get(facts.folder(ground.corpus.path(number)))
    }

    fn mean(&self, file: usize, tree: &Tree, ground: &Ground<'_>) -> f32 {
        self.folder(file, tree, ground)
            .map_or(0.0, |folder| (folder.sum - self.score[file]) / (folder.count - 1.0).max(1.0) / self.best)
    }
}

struct Sums<'s> {
    first: Scores,
    linear: &'s Scores,
    co_source: Scores,
    co_test: Scores,
    co_top: Scores,
    around: Around<'s>,
}

fn features_of(
    query: &Query,
    ground: &Ground<'_>,
    candidates: &[u32],
    evidence: &Evidence,
    tops: &Tops,
    sums: &Sums<'_>,
) -> Vec<[f32; FileFeature::COUNT]> {
    use FileFeature as F;
    let best = candidates.first().map_or(0.0, |file| sums.linear[*file as usize]);
    let ranked = [
        (F::linear_rank, ranks(candidates, &sums.linear.iter().map(|v| v + 100.0).collect::<Vec<_>>())),
        (F::content_rank, ranks(candidates, &evidence.content.all)),
        (F::hist_rank, ranks(candidates, &evidence.spoken.doc)),
        (F::def_rank, ranks(candidates, &evidence.names.all)),
        (F::path_rank, ranks(candidates, &evidence.paths.all)),
        (F::test_rank, ranks(candidates, &evidence.tests.sum)),
        (F::co_rank, ranks(candidates, &sums.co_source)),
    ];
    let languages = languages(ground, &evidence.lengths);
    let about_query = of_query(query, ground, tops);
    let scoped = |files: &[u32]| files.iter().map(|file| evidence.spoken.scoped[*file as usize]).sum::<f32>();
    let one = |(at, file): (usize, &u32)| {
        let mut all = [0.0f32; F::COUNT];
        let mut set = |feature: F, value: f32| all[feature as usize] = value;
        for (feature, value) in about_query {
            set(feature, value);
        }
        for (feature, ranks) in &ranked {
            set(*feature, ranks[at]);
        }
        let number = *file as usize;
        set(F::linear, sums.linear[number]);
        set(F::linear_relative, sums.linear[number] - best);
        set(F::first, sums.first[number]);
        set(F::co_source, sums.co_source[number]);
        set(F::co_test, sums.co_test[number]);
        set(F::co_top, sums.co_top[number]);
        of_evidence(number, evidence, tops, &mut set);
        of_place(*file, ground, sums, &mut set);
        let path = ground.corpus.path(*file);
        let own = folded_name(path);
        set(F::path_near, query.names.iter().map(|name| nearness(&name.folded, &own)).fold(0.0, f32::max));
        if let Some(facts) = ground.tree.facts(*file) {
            let siblings = ground.tree.by_folder.get(facts.folder(path));
            set(F::scoped_folder, siblings.map_or(0.0, |files| scoped(files)));
        }
        set(F::log_size, (1.0 + evidence.lengths[number]).ln());
        set(F::log_defs, (1.0 + evidence.definitions[number]).ln());
        set(F::main_language, languages.get(ending(path)).copied().unwrap_or(0.0));
        all
    };
    candidates.iter().enumerate().map(one).collect()
}

/// What is the same for all files.
fn of_query(query: &Query, ground: &Ground<'_>, tops: &Tops) -> [(FileFeature, f32); 7] {
    use FileFeature as F;
    let sources: usize = ground.tree.by_folder.values().map(Vec::len).sum();
    [
        (F::log_files, (1.0 + sources as f32).ln()),
        (F::terms, query.terms.len() as f32),
        (F::title_terms, query.terms.iter().filter(|term| term.title).count() as f32),
        (F::content_top, tops.content),
        (F::hist_top, tops.doc),
        (F::path_top, tops.path),
        (F::def_top, tops.names),
    ]
}

fn of_evidence(file: usize, evidence: &Evidence, tops: &Tops, set: &mut impl FnMut(FileFeature, f32)) {
    use FileFeature as F;
    let content = over(evidence.content.all[file], tops.content);
    set(F::content, content);
    set(F::content_title, over(evidence.content.title[file], tops.content_title));
    set(F::content_cov, evidence.content.covered[file]);
    set(F::content_density, content / (1.0 + evidence.lengths[file] / 1000.0));
    set(F::code_words, evidence.words.code[file]);
    set(F::plain_words, evidence.words.plain[file]);
    set(F::joined_words, evidence.words.joined[file]);
    set(F::path_name, evidence.paths.name[file]);
    set(F::path_dirs, evidence.paths.above[file]);
    set(F::path_frac, evidence.paths.share[file]);
    set(F::path_exact, evidence.paths.exact[file]);
    set(F::path_lead, evidence.paths.lead[file]);
    set(F::path_best, evidence.paths.best[file]);
    set(F::scoped, evidence.spoken.scoped[file]);
    set(F::path_scope, evidence.paths.scope[file]);
    set(F::path_scope_name, evidence.paths.scope_name[file]);
    set(F::path_all, over(evidence.paths.all[file], tops.path));
    set(F::def_stems, over(evidence.names.all[file], tops.names));
    set(F::def_title, over(evidence.names.title[file], tops.names_title));
    set(F::def_words, evidence.words.defined[file]);
    set(F::def_joined, evidence.words.defined_joined[file]);
    set(F::hist_doc, over(evidence.spoken.doc[file], tops.doc));
    set(F::hist_title, over(evidence.spoken.title[file], tops.doc_title));
    set(F::hist_like, over(evidence.spoken.like[file], tops.like));
    set(F::hist_most, evidence.spoken.most[file]);
    set(F::hist_words, evidence.spoken.words[file]);
    set(F::test_vote, evidence.tests.vote[file]);
    set(F::test_sum, evidence.tests.sum[file]);
    set(F::named_in_doc, evidence.tests.document[file]);
    debug_assert!(evidence.count <= evidence.lengths.len());
}

fn of_place(file: u32, ground: &Ground<'_>, sums: &Sums<'_>, set: &mut impl FnMut(FileFeature, f32)) {
    use FileFeature as F;
    let (past, number) = (ground.past, file as usize);
    set(F::churn, past.churn[number]);
    set(F::recent, past.recent[number]);
    set(F::last, past.last[number]);
    set(F::commits, (1.0 + past.touched[number].len() as f32).ln());
    let around = &sums.around;
    if let Some(folder) = around.folder(number, ground.tree, ground) {
        let own = around.score[number];
        let other = if folder.best_file == file { folder.second } else { folder.best };
        set(F::dir_mean, (folder.sum - own) / (folder.count - 1.0).max(1.0) / around.best);
        set(F::dir_max, other / around.best);
        set(F::dir_share, (folder.squares - own * own) / around.all);
        set(F::dir_churn, folder.recent - past.recent[number]);
    }
    if let Some(facts) = ground.tree.facts(file) {
        set(F::is_index, f32::from(facts.index));
        set(F::depth, facts.folders.len() as f32);
    }
}

fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// The share of each file ending in the text of the sources.
fn languages<'c>(ground: &Ground<'c>, lengths: &[f32]) -> FxHashMap<&'c str, f32> {
    let mut shares: FxHashMap<&str, f32> = FxHashMap::default();
    let mut all = 1.0;
    for file in ground.tree.files(Role::Source) {
        *shares.entry(ending(ground.corpus.path(file))).or_default() += lengths[file as usize];
        all += lengths[file as usize];
    }
    for share in shares.values_mut() {
        *share /= all;
    }
    shares
}
