//! Makes one segment of the files that several threads have read.

use std::collections::HashMap;
use std::ops::Range;
use std::thread;

use crate::bytes::{Lists, push_text, push_varint};
use crate::files::folder::{Folder, folder_of};
use crate::files::rules::RuleFile;
use crate::lexer::lexicon::{Lexicon, Seed};
use crate::lexer::occurrences::{COUNT_MAX, LINED, lines_of, take_steps};
use crate::lexer::source::{Doc, Names, Source};
use crate::segment::format::{Section, Sections, Target, push_ascending, push_facts, push_stamp};
use crate::segment::hash_table::slots;
use crate::segment::posting_lines;
use crate::segment::resolve::Resolver;
use crate::segment::{Bytes, Segment};
use crate::work;

/// A document: number of its source, number in there.
type Place = (u32, u32);

/// Makes a segment. `folders` holds the folder of each file.
pub(crate) fn build(
    mut sources: Vec<Source>,
    mut folders: Vec<Folder>,
    rules: &[RuleFile],
    seed: Seed,
) -> Segment {
    if sources.is_empty() {
        sources.push(Source::new(seed, 0));
    }
    folders.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let order = order(&sources);
    let numbers = merge_words(&mut sources);
    let (postings, others) = thread::scope(|scope| {
        let others = scope.spawn(|| {
            let files = files(&sources, &order, &folders);
            let graph = imports(&sources, &order, &folders);
            (files, graph, definitions(&sources, &order, &numbers))
        });
        let postings = postings(&sources, &order, &numbers);
        (postings, others.join())
    });
    let (files, graph, definitions) = others.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let lexicon = &sources[0].lexicon;
    let mut sections = Sections::new();
    sections.lists(Section::PathText, Section::PathEnds, files.paths);
    sections.put(Section::Files, files.facts);
    sections.lists(Section::FolderFiles, Section::FolderFileEnds, files.within);
    put_folders(&mut sections, &folders);
    sections.put(Section::RuleFiles, rule_files(rules));
    sections.lists(
        Section::WordText,
        Section::WordEnds,
        Lists::of_texts(words(lexicon).map(|id| lexicon.word(id))),
    );
    sections.put(Section::Slots, slots(words(lexicon).map(|id| lexicon.hash(id)), lexicon.len()));
    sections.lists(Section::Postings, Section::PostingEnds, postings.lists);
    sections.put(Section::LinedWords, postings.lined.into_iter().flat_map(u32::to_le_bytes).collect());
    sections.lists(Section::Lines, Section::LineEnds, postings.lines);
    sections.lists(Section::Definitions, Section::DefinitionEnds, definitions);
    graph.put(&mut sections);
    let (bytes, sections) = sections.assemble(seed);
    Segment::new(Bytes::Heap(bytes), sections, seed)
}

/// All documents in the order of their paths.
#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 documents")]
fn order(sources: &[Source]) -> Vec<Place> {
    let mut order: Vec<(&str, Place)> = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let places = source.docs.iter().enumerate();
        order.extend(places.map(|(at, doc)| (&*doc.path, (number as u32, at as u32))));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

/// Makes the first lexicon that of all. Returns for each other source the new numbers of its words.
fn merge_words(sources: &mut [Source]) -> Vec<Vec<u32>> {
    let Some((first, others)) = sources.split_first_mut() else {
        return Vec::new();
    };
    let all = &mut first.lexicon;
    let numbers = others.iter().map(|source| {
        let lexicon = &source.lexicon;
        words(lexicon).map(|id| all.intern(lexicon.word(id), lexicon.hash(id))).collect()
    });
    numbers.collect()
}

fn words(lexicon: &Lexicon) -> Range<u32> {
    0..u32::try_from(lexicon.len()).unwrap_or(u32::MAX)
}

/// The number of a source's word among all.
#[inline]
fn number(numbers: &[Vec<u32>], source: u32, id: u32) -> u32 {
    match source {
        0 => id,
        _ => numbers[source as usize - 1][id as usize],
    }
}

/// For each word the files that have it, and for some of them the lines.
#[derive(Default)]
struct Postings {
    lists: Lists,
    /// The words of which lines are kept, ascending, and these.
    lined: Vec<u32>,
    lines: Lists,
}

/// Writes for each word the files that have it. Each thread takes a range of the words.
fn postings(sources: &[Source], order: &[Place], numbers: &[Vec<u32>]) -> Postings {
    let mut files_of = vec![0_u32; sources[0].lexicon.len()];
    for (source, from) in (0..).zip(sources) {
        for id in words(&from.lexicon) {
            files_of[number(numbers, source, id) as usize] += from.lexicon.documents(id);
        }
    }
    let ranges = split(&files_of, work::threads());
    let mut all = Postings::default();
    let written: Vec<Postings> = thread::scope(|scope| {
        let files_of = &files_of;
        let threads: Vec<_> = ranges
            .into_iter()
            .map(|range| scope.spawn(move || postings_of(range, files_of, sources, order, numbers)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
            .collect()
    });
    for postings in written {
        all.lists.append(&postings.lists);
        all.lined.extend(postings.lined);
        all.lines.append(&postings.lines);
    }
    all
}

/// Cuts the words into ranges with about the same number of postings.
fn split(files_of: &[u32], parts: usize) -> Vec<Range<usize>> {
    let total: u64 = files_of.iter().map(|files| u64::from(*files)).sum();
    let share = total / parts as u64 + 1;
    let mut ranges = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (word, files) in files_of.iter().enumerate() {
        sum += u64::from(*files);
        if sum >= share {
            ranges.push(start..word + 1);
            (start, sum) = (word + 1, 0);
        }
    }
    ranges.push(start..files_of.len());
    ranges
}

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 files and postings")]
fn postings_of(
    range: Range<usize>,
    files_of: &[u32],
    sources: &[Source],
    order: &[Place],
    numbers: &[Vec<u32>],
) -> Postings {
    const NONE: u32 = u32::MAX;
    let mut next = Vec::with_capacity(range.len());
    let mut total = 0_u32;
    // For each word which of those it is that lines are kept of.
    let mut lined = vec![NONE; range.len()];
    let mut writers: Vec<(u32, posting_lines::Writer)> = Vec::new();
    for (at, files) in files_of[range.clone()].iter().enumerate() {
        next.push(total);
        total += files;
        if LINED.contains(files) {
            lined[at] = writers.len() as u32;
            writers.push(((range.start + at) as u32, posting_lines::Writer::default()));
        }
    }
    let mut files = vec![0_u32; total as usize];
    let mut counts = vec![0_u8; total as usize];
    let mut here = Vec::new();
    for (file, (source, at)) in order.iter().enumerate() {
        let from = &sources[*source as usize];
        let doc = &from.docs[*at as usize];
        let mut steps = &from.lines[doc.lines.clone()];
        for (id, count) in from.ids[doc.words.clone()].iter().zip(&from.counts[doc.words.clone()]) {
            let steps = take_steps(&mut steps).unwrap_or_default();
            let word = number(numbers, *source, *id) as usize;
            if range.contains(&word) {
                let word = word - range.start;
                let place = &mut next[word];
                files[*place as usize] = file as u32;
                counts[*place as usize] = *count;
                *place += 1;
                if lined[word] != NONE {
                    lines_of(steps, &mut here);
                    let (_, writer) = &mut writers[lined[word] as usize];
                    writer.add(&here, doc.facts.lines, u32::from(count & COUNT_MAX));
                }
            }
        }
    }
    let mut all = Postings::default();
    all.lists.bytes.reserve(total as usize * 3);
    write_files(&mut all.lists, next, &files, &counts);
    for (word, writer) in writers {
        if let Some(bytes) = writer.finish() {
            all.lined.push(word);
            all.lines.bytes.extend(bytes);
            all.lines.end();
        }
    }
    all
}

/// Writes for each word its files and how often they have it; `ends` says where these end.
fn write_files(lists: &mut Lists, ends: Vec<u32>, files: &[u32], counts: &[u8]) {
    let mut start = 0;
    for end in ends {
        let mut expected = 0;
        for at in start as usize..end as usize {
            let (file, count) = (files[at], counts[at]);
            push_varint(&mut lists.bytes, u64::from(file - expected) << 1 | u64::from(count != 1));
            if count != 1 {
                lists.bytes.push(count);
            }
            expected = file + 1;
        }
        lists.end();
        start = end;
    }
}

struct Files {
    paths: Lists,
    facts: Vec<u8>,
    within: Lists,
}

fn doc(sources: &[Source], place: Place) -> &Doc {
    &sources[place.0 as usize].docs[place.1 as usize]
}

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 files")]
fn files(sources: &[Source], order: &[Place], folders: &[Folder]) -> Files {
    let mut paths = Lists::default();
    let mut facts = Vec::new();
    let mut within: Vec<Vec<u32>> = vec![Vec::new(); folders.len()];
    let numbers: HashMap<&str, u32> = folders.iter().map(|folder| &*folder.path).zip(0..).collect();
    for (file, place) in order.iter().enumerate() {
        let doc = doc(sources, *place);
        paths.bytes.extend_from_slice(doc.path.as_bytes());
        paths.end();
        let folder = numbers.get(folder_of(&doc.path)).copied().unwrap_or(0);
        push_facts(&mut facts, &doc.facts, folder);
        if let Some(list) = within.get_mut(folder as usize) {
            list.push(file as u32);
        }
    }
    let mut lists = Lists::default();
    for list in within {
        push_ascending(&mut lists.bytes, list.into_iter());
        lists.end();
    }
    Files { paths, facts, within: lists }
}

fn put_folders(sections: &mut Sections, folders: &[Folder]) {
    let paths = Lists::of_texts(folders.iter().map(|folder| folder.path.as_bytes()));
    sections.lists(Section::FolderText, Section::FolderEnds, paths);
    let mut stamps = Vec::new();
    for folder in folders {
        push_stamp(&mut stamps, &folder.stamp.unwrap_or_default());
        stamps.push(u8::from(folder.stamp.is_some()));
    }
    sections.put(Section::FolderStamps, stamps);
}

fn rule_files(rules: &[RuleFile]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, stamp) in rules {
        // A path that is not UTF-8 lies above the root: what it says is read anew each time.
        let Some(path) = path.to_str() else { continue };
        push_text(&mut bytes, path);
        bytes.push(u8::from(stamp.is_some()));
        if let Some(stamp) = stamp {
            push_stamp(&mut bytes, stamp);
        }
    }
    bytes
}

fn definitions(sources: &[Source], order: &[Place], numbers: &[Vec<u32>]) -> Lists {
    let mut lists = Lists::default();
    for place in order {
        let from = &sources[place.0 as usize];
        let mut found = from.definitions[doc(sources, *place).definitions.clone()].to_vec();
        found.sort_by_key(|definition| definition.line);
        let mut line = 0;
        for definition in found {
            let word = number(numbers, place.0, definition.word);
            push_varint(&mut lists.bytes, u64::from(word));
            push_varint(&mut lists.bytes, u64::from(definition.line - line) << 2 | definition.kind as u64);
            line = definition.line;
        }
        lists.end();
    }
    lists
}

struct Graph {
    names: Lists,
    imports: Lists,
    edges: Lists,
    importers: Lists,
    folder_importers: Lists,
}

impl Graph {
    fn put(self, sections: &mut Sections) {
        sections.lists(Section::ImportText, Section::ImportEnds, self.names);
        sections.lists(Section::FileImports, Section::FileImportEnds, self.imports);
        sections.lists(Section::Edges, Section::EdgeEnds, self.edges);
        sections.lists(Section::Importers, Section::ImporterEnds, self.importers);
        sections.lists(Section::FolderImporters, Section::FolderImporterEnds, self.folder_importers);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 files")]
fn imports(sources: &[Source], order: &[Place], folders: &[Folder]) -> Graph {
    let mut names = Names::default();
    let numbers: Vec<Vec<u32>> = sources
        .iter()
        .map(|source| source.import_names.list.iter().map(|name| names.intern(name)).collect())
        .collect();
    let paths: Vec<&str> = order.iter().map(|place| &*doc(sources, *place).path).collect();
    let folder_paths: Vec<&str> = folders.iter().map(|folder| &*folder.path).collect();
    let mut resolver = Resolver::new(&paths, &folder_paths);
    let mut importers: Vec<Vec<u32>> = vec![Vec::new(); order.len()];
    let mut folder_importers: Vec<Vec<u32>> = vec![Vec::new(); folders.len()];
    let (mut imports, mut edges) = (Lists::default(), Lists::default());
    for (file, place) in order.iter().enumerate() {
        let from = &sources[place.0 as usize];
        let ids = &from.imports[doc(sources, *place).imports.clone()];
        let mut ids: Vec<u32> = ids.iter().map(|id| numbers[place.0 as usize][*id as usize]).collect();
        ids.sort_unstable();
        let mut targets: Vec<Target> = Vec::new();
        for id in &ids {
            targets.extend(resolver.resolve(file as u32, &names.list[*id as usize]));
        }
        targets.sort_unstable_by_key(|target| target.number());
        targets.dedup();
        for target in &targets {
            match target {
                Target::File(target) => importers[*target as usize].push(file as u32),
                Target::Folder(target) => folder_importers[*target as usize].push(file as u32),
            }
        }
        push_ascending(&mut imports.bytes, ids.into_iter());
        imports.end();
        push_ascending(&mut edges.bytes, targets.into_iter().map(Target::number));
        edges.end();
    }
    let lists = |all: Vec<Vec<u32>>| {
        let mut lists = Lists::default();
        for numbers in all {
            push_ascending(&mut lists.bytes, numbers.into_iter());
            lists.end();
        }
        lists
    };
    Graph {
        names: Lists::of_texts(names.list.iter().map(|name| name.as_bytes())),
        imports,
        edges,
        importers: lists(importers),
        folder_importers: lists(folder_importers),
    }
}
