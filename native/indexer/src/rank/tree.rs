//! What the paths of a tree tell: roles, words, folders, what tests are for, where imports lead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use wainwright_syntax::Import;

use super::corpus::Vocabulary;
use super::role::{Role, role};
use super::words;

/// What one path tells. Words and stems are numbers of a [`Vocabulary`].
#[derive(Debug)]
pub(crate) struct PathFacts {
    pub role: Role,
    /// Stems of the file's name without its ending.
    pub name: Vec<u32>,
    /// Stems of its folders.
    pub above: Vec<u32>,
    /// The file's name without its ending, folded.
    pub folded: u32,
    /// Its folders, folded.
    pub folders: Vec<u32>,
    /// For a test, the folded name of the file that it is for.
    pub tested: u32,
    /// A file that stands for its folder.
    pub index: bool,
    /// Where the folder ends in the path.
    pub folder_end: usize,
}

fn plain(name: &str) -> String {
    words::fold(&name.replace('-', ""))
}

fn stem_of(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(file)
}

/// The file's name without its ending, folded.
pub(crate) fn folded_name(path: &str) -> String {
    plain(stem_of(path))
}

/// `test_parser.py`, `parser_test.go`, `parser.spec.ts` and `ParserTest.java` are for `parser`.
fn tested(path: &str) -> String {
    let mut name = stem_of(path);
    for start in ["test_", "test-"] {
        name = name.strip_prefix(start).unwrap_or(name);
    }
    for end in ["_test", "-test", "_tests", "TestCase", "Tests", "Test"] {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    let capital = |rest: &&str| rest.starts_with(|first: char| first.is_ascii_uppercase());
    name = name.strip_prefix("Test").filter(capital).unwrap_or(name);
    plain(name)
}

impl PathFacts {
    fn of(path: &str, vocabulary: &mut Vocabulary) -> Self {
        let folder_end = path.rfind('/').unwrap_or(0);
        let stem = stem_of(path);
        let mut stems = |text: &str| -> Vec<u32> {
            words::words(text.as_bytes()).flat_map(|(_, word)| vocabulary.take(word).1.to_vec()).collect()
        };
        let (name, above) = (stems(stem), stems(&path[..folder_end]));
        let folded = plain(stem);
        let index =
            matches!(folded.as_str(), "init" | "index" | "mod" | "lib" | "main" | "packageinfo" | "types");
        let folders = path[..folder_end].split('/').filter(|folder| !folder.is_empty());
        Self {
            role: role(path),
            name,
            above,
            folded: vocabulary.name(&folded),
            folders: folders.map(|folder| vocabulary.name(&plain(folder))).collect(),
            tested: vocabulary.name(&tested(path)),
            index,
            folder_end,
        }
    }

    pub fn folder<'p>(&self, path: &'p str) -> &'p str {
        &path[..self.folder_end]
    }
}

/// Facts of paths that were met before.
#[derive(Debug, Default)]
pub struct PathCache(HashMap<String, Arc<PathFacts>>);

/// So many paths are remembered before they are forgotten together.
const PATHS_MAX: usize = 200_000;

/// The parts of a folder's path, and the sources in it.
type Package = (Vec<u32>, Vec<u32>);

/// The paths of one tree.
#[derive(Debug)]
pub struct Tree {
    /// By the number of the file; `None` where there is no file.
    pub(crate) facts: Vec<Option<Arc<PathFacts>>>,
    pub(crate) by_path: HashMap<String, u32>,
    /// In how many paths a stem is.
    pub(crate) having: HashMap<u32, u32>,
    /// Sources by their folded name.
    pub(crate) by_name: HashMap<u32, Vec<u32>>,
    /// Sources by folder.
    pub(crate) by_folder: FxHashMap<String, Vec<u32>>,
    /// Sources by the last part that an import of them has, with all parts of the path.
    by_last: HashMap<u32, Vec<(u32, Vec<u32>)>>,
    by_role: [Vec<u32>; Role::ALL.len()],
    /// Where the imports of a file lead, of those that were asked for.
    led: Mutex<FxHashMap<u32, Arc<[u32]>>>,
    /// Folders of Go packages by their last part.
    packages: HashMap<u32, Vec<Package>>,
    pub(crate) count: u32,
}

impl Tree {
    /// Reads the paths of a tree, in the order of the files' numbers; an empty path is no file.
    pub fn new<'p>(
        paths: impl Iterator<Item = &'p str>,
        vocabulary: &mut Vocabulary,
        cache: &mut PathCache,
    ) -> Self {
        if cache.0.len() > PATHS_MAX {
            cache.0.clear();
        }
        let mut tree = Self {
            facts: Vec::new(),
            by_path: HashMap::new(),
            having: HashMap::new(),
            by_name: HashMap::new(),
            by_folder: FxHashMap::default(),
            by_last: HashMap::new(),
            by_role: Default::default(),
            led: Mutex::default(),
            packages: HashMap::new(),
            count: 0,
        };
        let stands_for = ["init", "index", "mod", "lib"].map(|name| vocabulary.name(name));
        let source_folder = vocabulary.name("src");
        for (file, path) in (0..).zip(paths) {
            if path.is_empty() {
                tree.facts.push(None);
                continue;
            }
            let facts =
                cache.0.entry(path.to_owned()).or_insert_with(|| Arc::new(PathFacts::of(path, vocabulary)));
            tree.add(file, path, &Arc::clone(facts), stands_for, source_folder);
        }
        tree
    }

    fn add(
        &mut self,
        file: u32,
        path: &str,
        facts: &Arc<PathFacts>,
        stands_for: [u32; 4],
        source_folder: u32,
    ) {
        self.count += 1;
        self.by_path.insert(path.to_owned(), file);
        let mut stems: Vec<u32> = facts.name.iter().chain(&facts.above).copied().collect();
        stems.sort_unstable();
        stems.dedup();
        for stem in stems {
            *self.having.entry(stem).or_default() += 1;
        }
        self.facts.push(Some(Arc::clone(facts)));
        self.by_role[facts.role as usize].push(file);
        if facts.role != Role::Source {
            return;
        }
        self.by_name.entry(facts.folded).or_default().push(file);
        self.by_folder.entry(facts.folder(path).to_owned()).or_default().push(file);
        let mut parts = facts.folders.clone();
        if is_go(path) {
            if let Some(last) = parts.last() {
                let same = self.packages.entry(*last).or_default();
                match same.iter_mut().find(|(folders, _)| *folders == parts) {
                    Some((_, files)) => files.push(file),
                    None => same.push((parts, vec![file])),
                }
            }
            return;
        }
        if stands_for.contains(&facts.folded) && !parts.is_empty() {
            let above = parts.len() > 1 && parts.last() == Some(&source_folder);
            let shown = &parts[..parts.len() - usize::from(above)];
            if let Some(last) = shown.last() {
                self.by_last.entry(*last).or_default().push((file, shown.to_vec()));
            }
        }
        parts.push(facts.folded);
        self.by_last.entry(facts.folded).or_default().push((file, parts));
    }

    pub(crate) fn facts(&self, file: u32) -> Option<&PathFacts> {
        self.facts.get(file as usize).and_then(Option::as_deref)
    }

    pub(crate) fn files(&self, role: Role) -> impl Iterator<Item = u32> + '_ {
        self.by_role[role as usize].iter().copied()
    }

    /// The sources that the imports of a file may mean. They are worked out once: a file of a tree does not change.
    pub(crate) fn all_imported(
        &self,
        from: u32,
        path: &str,
        imports: &[Import],
        vocabulary: &Vocabulary,
    ) -> Arc<[u32]> {
        let mut known = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || {
            let lead = |import: &Import| self.imported(from, path, &import.module, &import.names, vocabulary);
            let mut all: Vec<u32> = imports.iter().flat_map(lead).collect();
            all.sort_unstable();
            all.dedup();
            all.retain(|other| *other != from);
            all.into()
        };
        Arc::clone(known.entry(from).or_insert_with(look))
    }

    /// The sources that an import of `module` (and `names` from it) written in `from` may mean.
    fn imported(
        &self,
        from: u32,
        path: &str,
        module: &str,
        names: &[String],
        vocabulary: &Vocabulary,
    ) -> Vec<u32> {
        let parts: Vec<u32> =
            module_parts(module).map(|part| vocabulary.word(&plain(part)).unwrap_or(u32::MAX)).collect();
        if is_go(path) {
            return self.package(&parts);
        }
        let Some(facts) = self.facts(from) else { return Vec::new() };
        let relative =
            module.starts_with('.') || module.starts_with("self::") || module.starts_with("super::");
        let least = if relative { 1 } else { 2 };
        let mut found = Vec::new();
        for name in names.iter().take(12) {
            if let Some(name) = vocabulary.word(&words::fold(name)) {
                let longer: Vec<u32> = parts.iter().copied().chain([name]).collect();
                found.extend(self.nearest(&longer, &facts.folders, relative, least));
            }
        }
        found.extend(self.nearest(&parts, &facts.folders, relative, 1));
        if found.is_empty() && parts.len() > 1 {
            found.extend(self.nearest(&parts[..parts.len() - 1], &facts.folders, relative, least));
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|file| *file != from);
        found
    }

    fn package(&self, parts: &[u32]) -> Vec<u32> {
        let same = parts.last().and_then(|last| self.packages.get(last));
        let shared = same.into_iter().flatten().map(|(folders, files)| (shared_end(folders, parts), files));
        let best = shared.max_by_key(|(shared, _)| *shared);
        best.filter(|(shared, _)| *shared >= 2 || *shared == parts.len())
            .map(|(_, files)| files.clone())
            .unwrap_or_default()
    }

    /// The source whose path ends most like `parts`, if that says which.
    fn nearest(&self, parts: &[u32], here: &[u32], relative: bool, least: usize) -> Option<u32> {
        let mut best: Option<((usize, usize), u32)> = None;
        let mut rivals = 0;
        for (file, path) in parts.last().and_then(|last| self.by_last.get(last))? {
            let end = shared_end(path, parts);
            let start = path.iter().zip(here).take_while(|(left, right)| left == right).count();
            let key = if relative { (start, end) } else { (end, start) };
            if end < least {
                continue;
            }
            match best {
                Some((held, _)) if held > key => {}
                Some((held, _)) if held == key => rivals += 1,
                _ => (best, rivals) = (Some((key, *file)), 0),
            }
        }
        best.filter(|_| rivals < 2).map(|(_, file)| file)
    }
}

fn shared_end(path: &[u32], parts: &[u32]) -> usize {
    path.iter().rev().zip(parts.iter().rev()).take_while(|(left, right)| left == right).count()
}

/// The parts of a module's name or path, the nearest last.
fn module_parts(module: &str) -> impl Iterator<Item = &str> {
    let mut name = module.trim_matches(['<', '>', '"', '\'']);
    for ending in [".js", ".ts", ".h", ".mjs", ".vue", ".svelte", ".hpp"] {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    name.split(['/', '.', ':', '\\'])
        .filter(|part| !part.is_empty() && !matches!(*part, "crate" | "self" | "super" | "*"))
}

/// Go imports folders.
fn is_go(path: &str) -> bool {
    path.rsplit('.').next() == Some("go")
}

/// In how many folders, by name, two files both lie.
pub(crate) fn shared_folders(left: &PathFacts, right: &PathFacts) -> usize {
    left.folders.iter().filter(|folder| right.folders.contains(folder)).count()
}
