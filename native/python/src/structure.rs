//! What the files define and where it is used.

use std::collections::HashMap;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use wainwright_indexer::{How, Snapshot, SymbolQuery, rank};
use wainwright_syntax::{Definition, Kind, Language};

use crate::index::{Cancel, Index, flag, give_back};

/// After so many files were parsed, what that took is worth giving back.
const MANY: usize = 200;
/// Longer signatures are cut to this many characters.
const SIGNATURE_CHARS_MAX: usize = 240;
/// Longer lines are cut to this many characters.
const LINE_CHARS_MAX: usize = 240;

/// Path, name, qualified name, kind, line of the name, first line, last line, signature.
type SymbolRow = (String, String, String, &'static str, u32, u32, u32, String);
/// A definition around a place: qualified name, kind, first line, last line.
type Around = Option<(String, &'static str, u32, u32)>;
/// Path, line, the line's text, whether it is a call, the definition around it.
type UsageRow = (String, u32, String, bool, Around);
/// First byte, end, the text that stands there instead, line, kind, what it is.
type MutantRow = (usize, usize, String, u32, &'static str, String);
/// Path, the calling definition, the lines of its calls.
type CallerRow = (String, Around, Vec<u32>);

/// The structural tier, whose records several roots may share.
#[pyclass(frozen, module = "wainwright._native")]
pub struct Structure(pub(crate) wainwright_indexer::Structure);

#[pymethods]
impl Structure {
    #[new]
    fn new(py: Python<'_>, cache: PathBuf) -> Self {
        Self(py.detach(|| wainwright_indexer::Structure::open(&cache)))
    }

    #[pyo3(signature = (index, wanted, threads, cancel=None))]
    fn fill(
        &self,
        py: Python<'_>,
        index: &Index,
        wanted: Vec<String>,
        threads: usize,
        cancel: Option<Bound<'_, Cancel>>,
    ) -> (usize, usize, usize, u64, f64) {
        let cancel = flag(cancel.as_ref());
        let filled = py.detach(|| {
            let snapshot = index.snapshot();
            let wanted: Vec<u32> = wanted.iter().filter_map(|path| snapshot.find(path)).collect();
            let filled = self.0.fill(&snapshot, &wanted, threads, &cancel);
            if filled.parsed > MANY {
                give_back();
            }
            filled
        });
        (filled.parsed, filled.ready, filled.files, filled.bytes, filled.took.as_secs_f64())
    }

    fn outline(&self, py: Python<'_>, index: &Index, path: &str) -> Option<Vec<SymbolRow>> {
        py.detach(|| {
            let snapshot = index.snapshot();
            let (outline, text) = self.0.outline(&snapshot, snapshot.find(path)?)?;
            let row = |(place, definition)| symbol_row(path, outline.qualname(place), definition, &text);
            Some(outline.definitions.iter().enumerate().map(row).collect())
        })
    }

    fn find(
        &self,
        py: Python<'_>,
        index: &Index,
        name: &str,
        how: &str,
        kinds: Vec<String>,
        limit: usize,
    ) -> PyResult<Vec<SymbolRow>> {
        let how = match how {
            "exact" => How::Exact,
            "prefix" => How::Prefix,
            "fuzzy" => How::Fuzzy,
            _ => return Err(PyValueError::new_err(format!("{how:?} is none of exact, prefix, fuzzy"))),
        };
        let kinds = kinds.iter().map(|name| kind_of(name)).collect::<PyResult<Vec<Kind>>>()?;
        Ok(py.detach(|| {
            let snapshot = index.snapshot();
            let found = self.0.find_symbol(&snapshot, &SymbolQuery { name, how, kinds: &kinds, limit });
            let mut texts = Texts::new(&snapshot);
            let row = |symbol: wainwright_indexer::Symbol| {
                let text = texts.of(symbol.file);
                symbol_row(snapshot.path(symbol.file), symbol.qualname, &symbol.definition, text)
            };
            found.into_iter().map(row).collect()
        }))
    }

    fn references(&self, py: Python<'_>, index: &Index, name: &str, limit: usize) -> (Vec<UsageRow>, bool) {
        py.detach(|| {
            let snapshot = index.snapshot();
            let usages = self.0.references(&snapshot, name, limit);
            let mut texts = Texts::new(&snapshot);
            let row = |usage: wainwright_indexer::Usage| {
                let line = line_at(texts.of(usage.file), usage.at.start);
                let path = snapshot.path(usage.file).to_owned();
                (path, usage.line, line, usage.usage.is_call(), around(usage.within))
            };
            (usages.found.into_iter().map(row).collect(), usages.complete)
        })
    }

    fn callers(&self, py: Python<'_>, index: &Index, name: &str, limit: usize) -> (Vec<CallerRow>, bool) {
        py.detach(|| {
            let snapshot = index.snapshot();
            let (callers, complete) = self.0.callers(&snapshot, name, limit);
            let row = |caller: wainwright_indexer::Caller| {
                (snapshot.path(caller.file).to_owned(), around(caller.caller), caller.lines)
            };
            (callers.into_iter().map(row).collect(), complete)
        })
    }

    fn stats(&self, py: Python<'_>, index: &Index) -> (u32, u64, u64, u64) {
        let stats = py.detach(|| self.0.stats(&index.snapshot()));
        (stats.records, stats.bytes, stats.definitions, stats.references)
    }
}

/// Small changes of some lines of a file, none of a file of tests.
#[pyfunction]
pub fn mutants(
    py: Python<'_>,
    path: &str,
    text: PyBackedBytes,
    lines: Vec<(u32, u32)>,
    most: usize,
) -> Vec<MutantRow> {
    py.detach(|| {
        let language = Language::of(path, &text).filter(|_| rank::role::role(path).name() != "test");
        let Some(language) = language else {
            return Vec::new();
        };
        let made = wainwright_syntax::mutants(language, &text, &lines, most).into_iter();
        made.map(|one| (one.at.start, one.at.end, one.text, one.line, one.change.name(), one.what)).collect()
    })
}

/// The texts of a few files, each read once.
struct Texts<'s> {
    snapshot: &'s Snapshot,
    read: HashMap<u32, Vec<u8>>,
}

impl<'s> Texts<'s> {
    fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, read: HashMap::new() }
    }

    fn of(&mut self, file: u32) -> &[u8] {
        self.read.entry(file).or_insert_with(|| self.snapshot.text(file).unwrap_or_default())
    }
}

fn symbol_row(path: &str, qualname: String, definition: &Definition, text: &[u8]) -> SymbolRow {
    let between =
        |range: &std::ops::Range<u32>| text.get(range.start as usize..range.end as usize).unwrap_or_default();
    let before = definition.whole.start..definition.name_at.start.max(definition.whole.start);
    let lines_before = String::from_utf8_lossy(between(&before)).matches('\n').count();
    let line = definition.start_line + u32::try_from(lines_before).unwrap_or(0);
    let signature = one_line(between(&definition.signature), SIGNATURE_CHARS_MAX);
    let (name, kind) = (definition.name.clone(), definition.kind.name());
    (path.to_owned(), name, qualname, kind, line, definition.start_line, definition.end_line, signature)
}

fn around(definition: Option<(String, Kind, u32, u32)>) -> Around {
    definition.map(|(qualname, kind, first, last)| (qualname, kind.name(), first, last))
}

/// The line that a place is on.
fn line_at(text: &[u8], place: u32) -> String {
    let place = (place as usize).min(text.len());
    let start = text[..place].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = text[place..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| place + end);
    one_line(&text[start..end], LINE_CHARS_MAX)
}

/// A text with every run of white space as one blank, cut to so many characters.
fn one_line(text: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

fn kind_of(name: &str) -> PyResult<Kind> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| PyValueError::new_err(format!("{name:?} is no kind of definition")))
}
