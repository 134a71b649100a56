//! The second look: functions, imports and references of the files that the first look found best.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wainwright_syntax::Kind;

use super::Ground;
use super::close::{Close, Function, PairWeights, close_of, functions_of};
use super::files::{FileFeature, Survey, over};
use super::lens::{Lens, Sight};
use super::query::Query;
use super::reading::{Reading, Readings, Word};
use crate::work;

features! {
    /// What is known of a function for a query.
    FunctionFeature {
        body, body_rank, body_title, own, own_cov, cov, name_frac, name_weight, name_code, name_plain, name_joined,
        owner_frac, owner_name, signature, doc, log_lines, log_words, nested, inside_function, is_method, is_ctor, is_macro,
        declaration, file_linear, file_rank, in_file_rank, file_functions, called_by, calls, test_calls, share, position, private,
        same_owner, overloads, in_tests, pairs, pairs_rare,
    }
}

/// So many sources are read closely, and so many tests.
const CLOSE: usize = 48;
const TESTS: usize = 12;
/// So many functions are weighed by the model.
const FUNCTIONS: usize = 260;
/// A name that more candidates define says nothing about any of them.
const DEFINERS_MAX: usize = 4;

/// One function of the files that were read closely.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub file: u32,
    /// The definition in the file's outline.
    pub definition: usize,
    pub features: [f32; FunctionFeature::COUNT],
}

/// What the second look found.
pub(crate) struct Near {
    pub readings: FxHashMap<u32, Arc<Reading>>,
    pub functions: Vec<Candidate>,
    /// For a file the definition whose name the query says.
    pub named: FxHashMap<u32, String>,
}

struct Look<'l> {
    ground: &'l Ground<'l>,
    survey: &'l Survey,
    sights: FxHashMap<u32, Sight>,
    close: FxHashMap<u32, Close>,
    sources: Vec<u32>,
    tests: Vec<u32>,
    functions: Vec<Function>,
    /// Names that the best functions of the tests use, with how good these are.
    tested: FxHashMap<Word, f32>,
}

/// Reads the best files and adds to the features of the candidates.
pub(crate) fn look(query: &Query, ground: &Ground<'_>, survey: &mut Survey, readings: &Readings) -> Near {
    let lens = Lens::new(query, &survey.rarity);
    let mut tests = survey.tests.clone();
    tests.sort_by(|left, right| survey.content[*right as usize].total_cmp(&survey.content[*left as usize]));
    tests.truncate(TESTS);
    let mut sources: Vec<u32> = survey.candidates.iter().copied().take(CLOSE).collect();
    sources.extend(survey.pointed.iter().copied().filter(|file| !sources.contains(file)).collect::<Vec<_>>());
    let mut look = Look {
        ground,
        survey,
        sights: FxHashMap::default(),
        close: FxHashMap::default(),
        sources,
        tests,
        functions: Vec::new(),
        tested: FxHashMap::default(),
    };
    look.read(&lens, readings);
    look.sources.retain(|file| look.close.contains_key(file));
    let outside = look.imports();
    let calls = look.references();
    let weights = PairWeights::of(&lens, look.close.values());
    let functions = look.weigh_functions(&lens, &calls, &weights);
    let Look { sights, close, .. } = look;
    write_features(survey, &close, &outside, &weights);
    let named = close.iter().filter_map(|(file, close)| Some((*file, close.named.clone()?))).collect();
    let readings = sights.into_iter().map(|(file, sight)| (file, sight.reading)).collect();
    Near { readings, functions, named }
}

/// What imports say of files that were not read themselves: by the best source, by tests.
type Outside = FxHashMap<u32, (f32, f32)>;

fn write_features(
    survey: &mut Survey,
    close: &FxHashMap<u32, Close>,
    outside: &Outside,
    weights: &PairWeights,
) {
    use FileFeature as F;
    let most = |of: fn(&Close) -> f32| close.values().map(of).fold(0.0, f32::max);
    let (best, own, top3, window) = (most(|c| c.best), most(|c| c.own), most(|c| c.top3), most(|c| c.window));
    let (title, window_title) = (most(|c| c.title), most(|c| c.window_title));
    let mut order: Vec<u32> = close.keys().copied().collect();
    order.sort_by(|left, right| close[right].best.total_cmp(&close[left].best).then(left.cmp(right)));
    let rank: FxHashMap<u32, f32> =
        order.iter().enumerate().map(|(rank, file)| (*file, (1.0 + rank as f32).ln())).collect();
    for (file, features) in survey.candidates.iter().zip(&mut survey.features) {
        let mut set = |feature: F, value: f32| features[feature as usize] = value;
        let (imported, tested) = outside.get(file).copied().unwrap_or_default();
        set(F::imported_by_top, imported);
        set(F::imported_by_test, tested);
        set(F::fun_rank, 9.0);
        let Some(close) = close.get(file) else { continue };
        set(F::close, 1.0);
        set(F::fun_best, over(close.best, best));
        set(F::fun_top3, over(close.top3, top3));
        set(F::fun_cov, close.covered);
        set(F::fun_rank, rank[file]);
        set(F::fun_own, over(close.own, own));
        let within = |weights: &[f32]| {
            close.pairs_within.iter().map(|pairs| PairWeights::sum(weights, *pairs)).fold(0.0, f32::max)
        };
        set(F::pairs, PairWeights::sum(&weights.said, close.pairs));
        set(F::pairs_rare, PairWeights::sum(&weights.rare, close.pairs));
        set(F::fun_pairs, within(&weights.said));
        set(F::fun_pairs_rare, within(&weights.rare));
        set(F::fun_title, over(close.title, title));
        set(F::window_title, over(close.window_title, window_title));
        set(F::name_best, close.name_best);
        set(F::name_exact, close.name_exact);
        set(F::name_count, close.name_count);
        set(F::window_best, over(close.window, window));
        set(F::window_cov, close.window_covered);
        set(F::signature_best, close.signature);
        set(F::imports_top, close.imports_top);
        set(F::imports_sum, close.imports_sum);
        set(F::imported_by_sum, close.imported_by_sum);
        set(F::importers, close.importers);
        set(F::ref_in, close.ref_in);
        set(F::ref_out, close.ref_out);
        set(F::ref_test, close.ref_test);
    }
}

/// Files and definitions by the name that these have.
type Definers = FxHashMap<Word, Vec<(u32, usize)>>;

/// For each function: how good the best of its callers and of those it calls are.
struct Calls {
    by: Vec<f32>,
    to: Vec<f32>,
}

impl Look<'_> {
    /// The score of a file, 1 for the best.
    fn score(&self, file: u32) -> f32 {
        let of = |file: u32| self.survey.linear[file as usize];
        let (Some(best), Some(worst)) = (self.sources.first(), self.sources.last()) else { return 0.0 };
        over(of(file) - of(*worst), of(*best) - of(*worst)).clamp(0.0, 1.0)
    }

    /// Reads the sources and the tests, by several threads.
    fn read(&mut self, lens: &Lens<'_>, readings: &Readings) {
        let corpus = self.ground.corpus;
        let sources = self.sources.iter().map(|file| (*file, true));
        let files: Vec<(u32, bool)> = sources.chain(self.tests.iter().map(|file| (*file, false))).collect();
        let seen = work::each(&files, |(file, is_source)| {
            let sight = lens.sight(readings.read(corpus, *file)?);
            let functions = functions_of(*file, &sight, lens);
            let close = is_source.then(|| close_of(&sight, &functions, lens));
            Some((*file, sight, functions, close))
        });
        for (file, sight, functions, close) in seen.into_iter().flatten() {
            match close {
                Some(close) => {
                    self.close.insert(file, close);
                    self.functions.extend(functions);
                }
                None => self.note_tested(&functions, &sight),
            }
            self.sights.insert(file, sight);
        }
    }

    fn note_tested(&mut self, functions: &[Function], sight: &Sight) {
        let best = functions.iter().map(|one| one.own.all).fold(0.0, f32::max);
        let score: FxHashMap<usize, f32> =
            functions.iter().map(|one| (one.definition, one.own.all)).collect();
        for (reference, name) in sight.outline().references.iter().zip(&sight.reading.uses) {
            let within = reference.within.and_then(|within| score.get(&(within as usize)));
            if let Some(score) = within.filter(|score| **score > 0.5 * best) {
                let held = self.tested.entry(*name).or_default();
                *held = held.max(*score);
            }
        }
    }

    fn imported(&self, file: u32) -> Arc<[u32]> {
        let Some(sight) = self.sights.get(&file) else { return Arc::default() };
        let (path, imports) = (self.ground.corpus.path(file), &sight.outline().imports);
        self.ground.tree.all_imported(file, path, imports, self.ground.vocabulary)
    }

    fn imports(&mut self) -> Outside {
        let mut outside = Outside::default();
        let best = self.tests.first().map_or(0.0, |test| self.survey.content[*test as usize]);
        for test in &self.tests {
            let targets = self.imported(*test);
            let share =
                over(self.survey.content[*test as usize], best) / (targets.len().max(1) as f32).sqrt();
            for target in targets.iter().copied() {
                outside.entry(target).or_default().1 += share;
            }
        }
        for file in self.sources.clone() {
            let (score, targets) = (self.score(file), self.imported(file));
            let share = score * score / (targets.len().max(1) as f32).sqrt();
            for target in targets.iter().copied() {
                let held = &mut outside.entry(target).or_default().0;
                *held = held.max(score);
                let other = self.score(target);
                if let Some(close) = self.close.get_mut(&target) {
                    close.imported_by_sum += share;
                    close.importers += 1.0;
                    if let Some(close) = self.close.get_mut(&file) {
                        close.imports_top = close.imports_top.max(other);
                        close.imports_sum += other * other;
                    }
                }
            }
        }
        outside
    }

    /// Where the names are defined that few of the sources define: file and definition.
    fn definers(&self) -> Definers {
        let mut defined: Definers = Definers::default();
        for file in &self.sources {
            let sight = &self.sights[file];
            let definitions = sight.outline().definitions.iter().zip(&sight.reading.names);
            for (number, (definition, name)) in definitions.enumerate() {
                if definition.kind.is_function() || definition.kind.is_type() {
                    defined.entry(name.word).or_default().push((*file, number));
                }
            }
        }
        defined.retain(|_, places| places.len() <= DEFINERS_MAX);
        defined
    }

    /// The files that define what the tests use, each with how much that says.
    fn tested_files(&self, defined: &Definers) -> Vec<(u32, f32)> {
        let best = self.tested.values().copied().fold(0.0, f32::max);
        let mut tested: Vec<(u32, f32)> = Vec::new();
        for (name, score) in &self.tested {
            let places = defined.get(name).map_or(&[][..], Vec::as_slice);
            let share = over(*score, best) / places.len() as f32;
            tested.extend(places.iter().map(|(file, _)| (*file, share)));
        }
        // The same order each time gives the same sums.
        tested.sort_unstable_by(|left, right| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)));
        tested
    }

    fn references(&mut self) -> Calls {
        let defined = self.definers();
        let at: FxHashMap<(u32, usize), usize> = self
            .functions
            .iter()
            .enumerate()
            .map(|(number, one)| ((one.file, one.definition), number))
            .collect();
        let best = self.functions.iter().map(|one| one.own.all).fold(0.0, f32::max);
        let mut calls = Calls { by: vec![0.0; self.functions.len()], to: vec![0.0; self.functions.len()] };
        let mut links: Vec<((u32, u32), f32)> = Vec::new();
        for file in &self.sources {
            let sight = &self.sights[file];
            let mut own: Vec<(u32, Word, f32)> = Vec::new();
            for (reference, name) in sight.outline().references.iter().zip(&sight.reading.uses) {
                let Some(places) = defined.get(name) else { continue };
                let weight = 1.0 / places.len() as f32;
                let caller = reference.within.and_then(|within| at.get(&(*file, within as usize)).copied());
                for (target, number) in places {
                    let to = at.get(&(*target, *number)).copied().filter(|to| caller != Some(*to));
                    if let (Some(caller), Some(called)) = (caller, to) {
                        let share = |one: usize| over(self.functions[one].own.all, best) * weight;
                        calls.by[called] = calls.by[called].max(share(caller));
                        calls.to[caller] = calls.to[caller].max(share(called));
                    }
                    if target != file {
                        own.push((*target, *name, weight));
                    }
                }
            }
            own.sort_unstable_by_key(|(target, name, _)| (*target, *name));
            own.dedup_by_key(|(target, name, _)| (*target, *name));
            for names in own.chunk_by(|left, right| left.0 == right.0) {
                links.push(((*file, names[0].0), names.iter().map(|(_, _, weight)| weight).sum()));
            }
        }
        let tested = self.tested_files(&defined);
        for ((from, to), weight) in links {
            let weight = (weight / 3.0).min(1.0);
            let (source, target) = (self.score(from), self.score(to));
            if let Some(close) = self.close.get_mut(&to) {
                close.ref_in += source * source * weight;
            }
            if let Some(close) = self.close.get_mut(&from) {
                close.ref_out += target * target * weight;
            }
        }
        for (file, weight) in tested {
            if let Some(close) = self.close.get_mut(&file) {
                close.ref_test += weight;
            }
        }
        calls
    }

    fn weigh_functions(&self, lens: &Lens<'_>, calls: &Calls, pairs: &PairWeights) -> Vec<Candidate> {
        let all = &self.functions;
        let places = Places::of(self);
        let mut rough: Vec<(f32, usize)> = all
            .iter()
            .enumerate()
            .map(|(number, one)| {
                let name = &self.sights[&one.file].reading.names[one.definition];
                let (share, weight) = lens.name(name);
                let named = lens.names.get(&name.folded);
                let exact = named.map_or(0.0, |(code, _)| if *code { 1.0 } else { 0.5 });
                let score = over(one.whole.all, places.best_whole)
                    + 0.5 * over(one.own.all, places.best_own)
                    + 2.0 * share * weight / lens.mass
                    + exact
                    + 0.6 * self.score(one.file);
                (score, number)
            })
            .collect();
        rough.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        rough.truncate(FUNCTIONS);
        rough.into_iter().map(|(_, number)| self.candidate(number, lens, calls, pairs, &places)).collect()
    }

    fn candidate(
        &self,
        number: usize,
        lens: &Lens<'_>,
        calls: &Calls,
        pairs: &PairWeights,
        places: &Places,
    ) -> Candidate {
        use FunctionFeature as F;
        let one = &self.functions[number];
        let sight = &self.sights[&one.file];
        let definition = &sight.outline().definitions[one.definition];
        let mut features = [0.0f32; F::COUNT];
        let mut set = |feature: F, value: f32| features[feature as usize] = value;
        set(F::body, over(one.whole.all, places.best_whole));
        set(F::body_title, over(one.whole.title, places.best_title));
        set(F::own, over(one.own.all, places.best_own));
        set(F::pairs, PairWeights::sum(&pairs.said, one.pairs));
        set(F::pairs_rare, PairWeights::sum(&pairs.rare, one.pairs));
        set(F::own_cov, one.own.covered);
        set(F::cov, one.whole.covered);
        set(F::nested, f32::from(one.own.all < one.whole.all));
        set(F::log_words, (1.0 + one.length).ln());
        set(F::body_rank, (1.0 + places.rank[number] as f32).ln());
        set(F::in_file_rank, (1.0 + places.in_file[number] as f32).ln());
        set(F::file_functions, (1.0 + places.count[&one.file] as f32).ln());
        set(F::file_linear, self.score(one.file));
        set(F::file_rank, (1.0 + places.file_rank[&one.file] as f32).ln());
        set(F::called_by, calls.by[number]);
        set(F::calls, calls.to[number]);
        let best = self.tested.values().copied().fold(0.0, f32::max);
        let name = sight.reading.names[one.definition].word;
        set(F::test_calls, over(self.tested.get(&name).copied().unwrap_or(0.0), best));
        set(F::share, one.length / (1.0 + sight.reading.words.len() as f32));
        set(F::position, definition.whole.start as f32 / (1.0 + sight.reading.text.len() as f32));
        set(F::signature, lens.covered(sight.hits(&definition.signature)));
        set(F::doc, definition.doc.as_ref().map_or(0.0, |doc| lens.covered(sight.hits(doc))));
        set(F::log_lines, (1.0 + (definition.end_line - definition.start_line) as f32).ln());
        let owner = definition.parent.map(|parent| (one.file, parent));
        let best_of_owner = owner.and_then(|owner| places.owner_best.get(&owner)).copied();
        set(F::same_owner, over(best_of_owner.unwrap_or(0.0), places.best_own));
        set(F::overloads, places.same_name[&(one.file, name)]);
        of_definition(&sight.reading, one.definition, lens, &mut set);
        Candidate { file: one.file, definition: one.definition, features }
    }
}

fn of_definition(
    reading: &Reading,
    number: usize,
    lens: &Lens<'_>,
    set: &mut impl FnMut(FunctionFeature, f32),
) {
    use FunctionFeature as F;
    let (outline, name) = (&reading.outline, &reading.names[number]);
    let definition = &outline.definitions[number];
    let (share, weight) = lens.name(name);
    set(F::name_frac, share);
    set(F::name_weight, weight / lens.mass);
    match lens.names.get(&name.folded) {
        Some((true, _)) => set(F::name_code, 1.0),
        Some((false, true)) => set(F::name_joined, 1.0),
        Some((false, false)) => set(F::name_plain, 1.0),
        None => {}
    }
    let parent = definition.parent.map(|parent| &outline.definitions[parent as usize]);
    let above = definition.parent.map(|parent| &reading.names[parent as usize]);
    if let Some(owner) = reading.owners[number].as_deref().or(above) {
        set(F::owner_frac, lens.name(owner).0);
        set(F::owner_name, f32::from(lens.names.contains_key(&owner.folded)));
    }
    set(F::inside_function, f32::from(parent.is_some_and(|parent| parent.kind.is_function())));
    set(
        F::is_method,
        f32::from(definition.owner.is_some() || parent.is_some_and(|parent| parent.kind.is_type())),
    );
    let ctor = matches!(definition.name.as_str(), "__init__" | "new" | "constructor" | "New");
    set(F::is_ctor, f32::from(ctor || definition.kind == Kind::Constructor));
    set(F::is_macro, f32::from(definition.kind == Kind::Macro));
    set(F::declaration, f32::from(definition.kind == Kind::Declaration));
    set(F::private, f32::from(definition.name.starts_with('_') && !definition.name.starts_with("__")));
    let mut tests = definition.name.starts_with("test_");
    let mut above = definition.parent;
    while let Some(at) = above {
        let scope = &outline.definitions[at as usize];
        tests |= scope.kind == Kind::Module && matches!(scope.name.as_str(), "tests" | "test");
        above = scope.parent;
    }
    set(F::in_tests, f32::from(tests));
}

/// Where functions stand among each other.
struct Places {
    best_whole: f32,
    best_title: f32,
    best_own: f32,
    rank: Vec<usize>,
    in_file: Vec<usize>,
    count: FxHashMap<u32, usize>,
    file_rank: FxHashMap<u32, usize>,
    owner_best: FxHashMap<(u32, u32), f32>,
    same_name: FxHashMap<(u32, Word), f32>,
}

impl Places {
    fn of(look: &Look<'_>) -> Self {
        let all = &look.functions;
        let best = |of: fn(&Function) -> f32| all.iter().map(of).fold(0.0, f32::max);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|left, right| all[*right].own.all.total_cmp(&all[*left].own.all).then(left.cmp(right)));
        let (mut rank, mut in_file) = (vec![0; all.len()], vec![0; all.len()]);
        let mut count: FxHashMap<u32, usize> = FxHashMap::default();
        let mut owner_best: FxHashMap<(u32, u32), f32> = FxHashMap::default();
        let mut same_name: FxHashMap<(u32, Word), f32> = FxHashMap::default();
        for (place, number) in order.into_iter().enumerate() {
            let one = &all[number];
            rank[number] = place;
            let before = count.entry(one.file).or_default();
            in_file[number] = *before;
            *before += 1;
            let reading = &look.sights[&one.file].reading;
            *same_name.entry((one.file, reading.names[one.definition].word)).or_default() += 1.0;
            let definition = &reading.outline.definitions[one.definition];
            if let Some(parent) = definition.parent {
                let held = owner_best.entry((one.file, parent)).or_default();
                *held = held.max(one.own.all);
            }
        }
        Self {
            best_whole: best(|one| one.whole.all),
            best_title: best(|one| one.whole.title),
            best_own: best(|one| one.own.all),
            rank,
            in_file,
            count,
            file_rank: look.sources.iter().enumerate().map(|(rank, file)| (*file, rank)).collect(),
            owner_best,
            same_name,
        }
    }
}
