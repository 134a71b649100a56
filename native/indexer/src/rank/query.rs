//! What a goal in words asks for.

use std::collections::HashMap;

use super::words;

/// One stem of a query.
#[derive(Clone, Debug)]
pub struct Term {
    /// The stem.
    pub stem: String,
    /// How the query spells it, in small letters.
    pub said: String,
    /// How much it counts: more when said in the first line or more than once.
    pub weight: f32,
    /// Whether the first line says it.
    pub title: bool,
}

/// A word that may be an identifier of the code, folded.
#[derive(Clone, Debug)]
pub struct Name {
    /// The word in small letters without underscores.
    pub folded: String,
    /// Written as code: underscores, inner capitals, back quotes, a call.
    pub code: bool,
    /// Joined from words that stand side by side.
    pub joined: bool,
}

/// A query, read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Stems, each once.
    pub terms: Vec<Term>,
    /// Words as they stand.
    pub names: Vec<Name>,
    /// Stems of a prefix such as `fix(parser): ` or `net/http: `.
    pub scope: Vec<String>,
    /// Folded words of that prefix.
    pub scope_words: Vec<String>,
    /// Terms, by their places in `terms`, that stand side by side somewhere; in order, at most 64.
    pub pairs: Vec<(u16, u16)>,
}

const TERMS_MAX: usize = 64;
const NAMES_MAX: usize = 96;
/// One bit each.
const PAIRS_MAX: usize = 64;
/// Terms with so many bytes between them still stand side by side: a small word may.
const GAP_MAX: usize = 6;

impl Query {
    /// Reads a goal.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim_start();
        let title_end = text.find('\n').unwrap_or(text.len());
        let mut reader = Reader { text, title_end, ..Reader::default() };
        for (offset, word) in words::words(text.as_bytes()) {
            let word = String::from_utf8_lossy(word);
            let folded = words::fold(&word);
            let code = is_code(text.as_bytes(), offset, &word);
            reader.name(&folded, code);
            reader.terms(offset, &word, code);
            reader.joined(offset, word.len(), folded);
        }
        reader.finish()
    }
}

/// Whether a word is written as code is, or stands where code does.
fn is_code(bytes: &[u8], offset: usize, word: &str) -> bool {
    let before = offset.checked_sub(1).map_or(b' ', |p| bytes[p]);
    let after = bytes.get(offset + word.len()).copied().unwrap_or(b' ');
    let inner = word.trim_matches('_');
    inner.contains('_')
        || inner.chars().skip(1).any(char::is_uppercase) && inner.chars().any(char::is_lowercase)
        || matches!(before, b'`' | b'.' | b'@' | b'$' | b'-') && before != b'-'
        || matches!(after, b'`' | b'(')
        || (after == b':' && bytes.get(offset + word.len() + 1) == Some(&b':'))
}

/// What was read of a goal so far.
#[derive(Default)]
struct Reader<'t> {
    text: &'t str,
    title_end: usize,
    terms: Vec<Term>,
    /// The place of each stem in `terms`.
    places: HashMap<String, usize>,
    /// In which order they came, whether they are code, whether they are joined.
    names: HashMap<String, (usize, bool, bool)>,
    count: usize,
    pairs: Vec<(u16, u16)>,
    /// The last term, and where it ends.
    last: Option<(u16, usize)>,
    /// The last words that stand side by side: start, length, folded.
    run: Vec<(usize, usize, String)>,
}

impl Reader<'_> {
    fn name(&mut self, folded: &str, code: bool) {
        if !words::is_common(folded) || code {
            self.count += 1;
            let entry = self.names.entry(folded.to_owned()).or_insert((self.count, false, false));
            entry.1 |= code;
        }
    }

    fn terms(&mut self, offset: usize, word: &str, code: bool) {
        let title = offset < self.title_end;
        for part in words::parts(word) {
            let low = part.to_lowercase();
            if words::is_common(&low) && !(code && low.len() > 2) {
                continue;
            }
            let stem = words::stem(part);
            let weight = if title { 1.0 } else { 0.5 };
            let place = self.places.get(&stem).copied().unwrap_or(self.terms.len());
            if place < self.terms.len() {
                self.terms[place].weight = (self.terms[place].weight + 0.25).min(2.0);
            } else {
                self.places.insert(stem.clone(), place);
                self.terms.push(Term { stem, said: low, weight, title });
            }
            let this = u16::try_from(place).unwrap_or(u16::MAX);
            let beside = self.last.filter(|(_, end)| offset.saturating_sub(*end) <= GAP_MAX);
            let pair = beside.map(|(other, _)| (other, this)).filter(|(other, _)| *other != this);
            self.pairs.extend(pair.filter(|pair| !self.pairs.contains(pair)));
            self.last = Some((this, offset + word.len()));
        }
    }

    /// Words side by side may be one identifier: `web socket`, `block in place`.
    fn joined(&mut self, offset: usize, length: usize, folded: String) {
        let gap = self.run.last().map(|(start, length, _)| &self.text[start + length..offset]);
        if gap.is_some_and(|gap| !matches!(gap, " " | "-" | "." | "::" | "/")) {
            self.run.clear();
        }
        self.run.push((offset, length, folded));
        for take in 2..=3usize.min(self.run.len()) {
            let tail = &self.run[self.run.len() - take..];
            if tail.iter().all(|(_, _, w)| words::is_common(w))
                || words::is_common(&tail[take - 1].2) && words::is_common(&tail[0].2)
            {
                continue;
            }
            let joined: String = tail.iter().map(|(_, _, w)| w.as_str()).collect();
            self.count += 1;
            self.names.entry(joined).or_insert((self.count, false, true));
        }
        if self.run.len() > 3 {
            self.run.remove(0);
        }
    }

    fn finish(self) -> Query {
        let Self { text, title_end, mut terms, mut pairs, .. } = self;
        terms.truncate(TERMS_MAX);
        pairs.retain(|(left, right)| usize::from(*left.max(right)) < TERMS_MAX);
        pairs.truncate(PAIRS_MAX);
        pairs.sort_unstable();
        let mut names: Vec<_> = self.names.into_iter().collect();
        names.sort_by_key(|(_, (n, _, _))| *n);
        let names = names
            .into_iter()
            .take(NAMES_MAX)
            .map(|(folded, (_, code, joined))| Name { folded, code, joined })
            .collect();
        let (scope, scope_words) = scope(&text[..title_end]);
        Query { terms, names, scope, scope_words, pairs }
    }
}

/// The stems and the folded words of `scope` in `fix(scope): …`, `scope: …`, `[scope] …`.
pub(super) fn scope(title: &str) -> (Vec<String>, Vec<String>) {
    let none = (Vec::new(), Vec::new());
    let inside = if let Some(rest) = title.strip_prefix('[') {
        rest.split(']').next()
    } else {
        let head = title.split(": ").next().filter(|head| head.len() < title.len() && head.len() <= 48);
        let Some(head) = head else { return none };
        if head.split_whitespace().count() > 3 {
            return none;
        }
        match head.split_once('(') {
            Some((_, rest)) => rest.split(')').next(),
            None => Some(head),
        }
    };
    let Some(inside) = inside else { return none };
    let found: Vec<String> =
        words::words(inside.as_bytes()).map(|(_, w)| String::from_utf8_lossy(w).into_owned()).collect();
    let kept: Vec<&String> = found.iter().filter(|w| !words::is_common(&w.to_lowercase())).collect();
    (
        kept.iter().flat_map(|w| words::parts(w).map(words::stem).collect::<Vec<_>>()).collect(),
        kept.iter().map(|w| words::fold(w)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_stand_side_by_side_are_pairs() {
        let query = Query::read("keepAlive timeout of idle sockets, after which a much later word follows");
        let said = |(left, right): &(u16, u16)| {
            (&*query.terms[usize::from(*left)].said, &*query.terms[usize::from(*right)].said)
        };
        let pairs: Vec<_> = query.pairs.iter().map(said).collect();
        let expected = [("keep", "alive"), ("alive", "timeout"), ("timeout", "idle"), ("idle", "sockets")];
        assert_eq!(pairs[..4], expected);
        assert!(pairs.iter().all(|(left, _)| *left != "sockets"), "{pairs:?}");
    }
}
