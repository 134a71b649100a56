//! A file prepared for finding lines in it.

use super::alike::key;
use super::text::Text;

/// A file, its lines, and the keys of those that are not blank.
#[derive(Debug)]
pub struct Index<'a> {
    pub text: Text<'a>,
    /// The lines that are not blank: key and number, in order.
    dense: Vec<(u64, u32)>,
}

impl<'a> Index<'a> {
    pub fn new(whole: &'a str) -> Self {
        let text = Text::new(whole);
        let mut dense = Vec::with_capacity(text.lines.len());
        for (number, line) in (0..).zip(&text.lines) {
            let key = key(line.text);
            if key != 0 {
                dense.push((key, number));
            }
        }
        Self { text, dense }
    }

    /// How many lines are not blank.
    pub fn len(&self) -> usize {
        self.dense.len()
    }

    /// The key of a line that is not blank, counted among those.
    pub fn key(&self, at: usize) -> u64 {
        self.dense[at].0
    }

    /// The number among all lines of a line counted among those that are not blank.
    pub fn line(&self, at: usize) -> usize {
        self.dense[at].1 as usize
    }

    /// The text of a line counted among those that are not blank.
    pub fn text_at(&self, at: usize) -> &'a str {
        self.text.lines[self.line(at)].text
    }

    /// For each of the keys, where it stands: positions among the lines that are not blank.
    pub fn places(&self, keys: &[u64]) -> Vec<Vec<u32>> {
        let mut sorted: Vec<(u64, usize)> = keys.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(key, _)| *key);
        let table = Table::new(&sorted);
        let mut found = vec![Vec::new(); sorted.len()];
        for (at, (key, _)) in (0_u32..).zip(&self.dense) {
            if let Some(slot) = table.get(*key) {
                found[slot].push(at);
            }
        }
        keys.iter().map(|key| table.get(*key).map(|slot| found[slot].clone()).unwrap_or_default()).collect()
    }
}

/// A small open hash table from keys, which are hashes already, to their slots.
struct Table {
    cells: Vec<(u64, u32)>,
    mask: u64,
}

impl Table {
    fn new(sorted: &[(u64, usize)]) -> Self {
        let size = (sorted.len() * 4).next_power_of_two().max(8);
        let mut table = Self { cells: vec![(0, 0); size], mask: size as u64 - 1 };
        for (slot, (key, _)) in (0..).zip(sorted) {
            let mut cell = table.cell(*key);
            while table.cells[cell].0 != 0 {
                cell = (cell + 1) % size;
            }
            table.cells[cell] = (*key, slot);
        }
        table
    }

    fn cell(&self, key: u64) -> usize {
        usize::try_from((key >> 7) & self.mask).unwrap_or(0)
    }

    fn get(&self, key: u64) -> Option<usize> {
        let mut cell = self.cell(key);
        loop {
            match self.cells[cell] {
                (0, _) => return None,
                (found, slot) if found == key => return Some(slot as usize),
                _ => cell = (cell + 1) % self.cells.len(),
            }
        }
    }
}
