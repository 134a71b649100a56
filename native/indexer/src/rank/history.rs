//! What changed together before, and what was said of it.

use std::collections::HashMap;

use super::corpus::Vocabulary;
use super::query::scope;
use super::words;

/// So many bytes of a message count.
const MESSAGE_MAX: usize = 4000;

/// One earlier change.
#[derive(Debug)]
pub(crate) struct Commit {
    pub parents: Vec<u32>,
    pub paths: Vec<u32>,
    pub renames: Vec<(u32, u32)>,
    /// How much the message says.
    pub length: f32,
}

/// The changes of a repository. Reading more of them adds to it; [`History::upto`] sees what one of them contains.
#[derive(Debug, Default)]
pub struct History {
    pub(crate) commits: Vec<Commit>,
    pub(crate) paths: Vec<String>,
    /// For each stem the changes that say it, with how loud.
    pub(crate) stems: HashMap<u32, Vec<(u32, f32)>>,
    /// For each folded word the changes that say it.
    pub(crate) words: HashMap<u32, Vec<u32>>,
    /// For each folded word of a prefix such as `fix(parser): ` the changes whose messages begin so.
    pub(crate) scopes: HashMap<u32, Vec<u32>>,
    /// Where each reading starts; later ones are newer.
    readings: Vec<u32>,
    by_name: HashMap<String, u32>,
    by_path: HashMap<String, u32>,
}

impl History {
    /// Reads what `git log --topo-order --name-status -M100% --format=%x01%H%x02%P%x02%B%x02` prints: newest first.
    /// Changes that are known already are passed over.
    pub fn read(&mut self, log: &str, vocabulary: &mut Vocabulary) {
        let mut fresh: Vec<Vec<&str>> = Vec::new();
        for record in log.split('\u{1}').skip(1) {
            let fields: Vec<&str> = record.split('\u{2}').collect();
            if fields.len() >= 4 && !self.by_name.contains_key(fields[0]) {
                let number = u32::try_from(self.commits.len() + fresh.len()).unwrap_or(u32::MAX);
                self.by_name.insert(fields[0].to_owned(), number);
                fresh.push(fields);
            }
        }
        self.readings.push(u32::try_from(self.commits.len()).unwrap_or(u32::MAX));
        for fields in fresh {
            let number = u32::try_from(self.commits.len()).unwrap_or(u32::MAX);
            let parents =
                fields[1].split_whitespace().filter_map(|name| self.by_name.get(name).copied()).collect();
            let length = self.read_message(number, fields[2].trim(), vocabulary);
            let (paths, renames) = self.read_paths(fields[3]);
            self.commits.push(Commit { parents, paths, renames, length });
        }
    }

    fn read_paths(&mut self, listing: &str) -> (Vec<u32>, Vec<(u32, u32)>) {
        let (mut paths, mut renames) = (Vec::new(), Vec::new());
        for line in listing.lines() {
            let mut columns = line.split('\t');
            let (Some(status), Some(path)) = (columns.next(), columns.next()) else { continue };
            let first = self.path(path);
            match columns.next() {
                Some(to) => {
                    let to = self.path(to);
                    if status.starts_with('R') {
                        renames.push((first, to));
                    }
                    paths.push(to);
                }
                None => paths.push(first),
            }
        }
        (paths, renames)
    }

    fn path(&mut self, path: &str) -> u32 {
        if let Some(number) = self.by_path.get(path) {
            return *number;
        }
        let number = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(path.to_owned());
        self.by_path.insert(path.to_owned(), number);
        number
    }

    fn read_message(&mut self, number: u32, message: &str, vocabulary: &mut Vocabulary) -> f32 {
        let end =
            (0..=message.len().min(MESSAGE_MAX)).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        let message = &message[..end];
        let title_end = message.find('\n').unwrap_or(message.len());
        for word in scope(&message[..title_end]).1 {
            let list = self.scopes.entry(vocabulary.name(&word)).or_default();
            if list.last() != Some(&number) {
                list.push(number);
            }
        }
        let mut loud: HashMap<u32, f32> = HashMap::new();
        let mut length = 0.0;
        for (at, word) in words::words(message.as_bytes()) {
            if words::is_common(&String::from_utf8_lossy(word).to_lowercase()) {
                continue;
            }
            let (folded, stems) = vocabulary.take(word);
            let list = self.words.entry(folded).or_default();
            if list.last() != Some(&number) {
                list.push(number);
            }
            let weight: f32 = if at < title_end { 1.0 } else { 0.4 };
            for stem in stems {
                let held = loud.entry(*stem).or_default();
                let now = held.max(weight) + if *held > 0.0 { 0.1 } else { 0.0 };
                length += now - *held;
                *held = now;
            }
        }
        for (stem, weight) in loud {
            self.stems.entry(stem).or_default().push((number, weight));
        }
        length
    }

    /// The number of the change with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The newest `most` changes that `tip` contains, itself included, newest first.
    pub(crate) fn upto(&self, tip: u32, most: usize) -> Vec<u32> {
        let mut seen = vec![false; self.commits.len()];
        let mut next = vec![tip];
        seen[tip as usize] = true;
        while let Some(at) = next.pop() {
            for parent in &self.commits[at as usize].parents {
                if !std::mem::replace(&mut seen[*parent as usize], true) {
                    next.push(*parent);
                }
            }
        }
        let ends =
            self.readings.iter().skip(1).copied().chain([u32::try_from(seen.len()).unwrap_or(u32::MAX)]);
        let readings: Vec<_> = self.readings.iter().copied().zip(ends).collect();
        let newest_first = readings.into_iter().rev().flat_map(|(start, end)| start..end);
        newest_first.filter(|number| seen[*number as usize]).take(most).collect()
    }
}
