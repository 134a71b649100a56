//! Words of code and prose: found in bytes, cut into their parts, and brought to a common stem.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest run of letters that counts as a word, in bytes; longer ones are data.
const WORD_MAX: usize = 80;

/// Short forms that programmers write and variants of spelling, beside the word they stand for.
#[rustfmt::skip]
const SHORT_FORMS: &[(&str, &str)] = &[
    ("addr", "address"), ("alloc", "allocate"), ("arg", "argument"), ("async", "asynchronous"), ("attr", "attribute"), ("auth", "authentication"),
    ("buf", "buffer"), ("calc", "calculate"), ("cert", "certificate"), ("cfg", "config"), ("char", "character"), ("cmd", "command"), ("cmp", "compare"),
    ("concat", "concatenate"), ("conf", "config"), ("configure", "config"), ("configuration", "config"), ("conn", "connection"), ("ctx", "context"), ("ctor", "constructor"),
    ("db", "database"), ("decl", "declaration"), ("def", "definition"), ("define", "definition"), ("del", "delete"), ("dep", "dependency"), ("desc", "description"), ("dest", "destination"),
    ("dict", "dictionary"), ("dir", "directory"), ("doc", "document"), ("documentation", "document"), ("elem", "element"), ("env", "environment"), ("err", "error"), ("eval", "evaluate"),
    ("exc", "exception"), ("exec", "execute"), ("expr", "expression"), ("ext", "extension"), ("fmt", "format"), ("fn", "function"), ("func", "function"),
    ("gen", "generate"), ("hdr", "header"), ("id", "identifier"), ("idx", "index"), ("impl", "implement"), ("implementation", "implement"), ("info", "information"),
    ("init", "initialize"), ("initialise", "initialize"), ("iter", "iterator"), ("js", "javascript"), ("len", "length"), ("lib", "library"), ("loc", "location"),
    ("mem", "memory"), ("msg", "message"), ("mut", "mutable"), ("num", "number"), ("obj", "object"), ("op", "operation"), ("opt", "option"), ("optional", "option"),
    ("param", "parameter"), ("pkg", "package"), ("pos", "position"), ("prev", "previous"), ("proc", "process"), ("prop", "property"), ("ptr", "pointer"), ("py", "python"),
    ("recv", "receive"), ("ref", "reference"), ("regex", "regexp"), ("repo", "repository"), ("req", "request"), ("resp", "response"), ("res", "response"), ("ret", "return"),
    ("rm", "remove"), ("sep", "separator"), ("spec", "specification"), ("specify", "specification"), ("src", "source"), ("srv", "server"), ("stmt", "statement"), ("str", "string"),
    ("sync", "synchronous"), ("temp", "temporary"), ("tmp", "temporary"), ("ts", "typescript"), ("txn", "transaction"), ("val", "value"), ("var", "variable"),
    ("ver", "version"), ("ws", "websocket"), ("colour", "color"), ("behaviour", "behavior"),
];

/// Stems of the short forms, each beside the stem of what it stands for.
static SAME: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    SHORT_FORMS.iter().map(|(short, full)| (strip((*short).into()), strip((*full).into()))).collect()
});

/// Words of English and of change descriptions that point nowhere.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "allow", "also", "always", "am", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "behavior", "behaviour", "being", "below", "between", "both", "bug", "but", "by", "can", "cannot", "case", "cases", "change", "changed", "changes", "code", "correct",
    "correctly", "could", "did", "do", "does", "doesn", "doing", "don", "done", "down", "due", "each", "ensure", "etc", "even", "every", "feat", "feature", "few",
    "fix", "fixed", "fixes", "fixing", "for", "from", "further", "get", "gets", "give", "given", "had", "has", "have", "having", "hence", "here", "how",
    "however", "i", "if", "improve", "improved", "in", "instead", "into", "is", "isn", "issue", "it", "its", "itself", "just", "like", "ll", "made", "make", "makes",
    "making", "many", "may", "might", "more", "most", "much", "must", "my", "need", "needed", "needs", "never", "new", "no", "nor", "not", "now", "of", "off",
    "on", "once", "one", "only", "or", "other", "our", "out", "over", "own", "patch", "please", "pr", "previously", "problem", "properly", "rather", "re", "same", "see", "should",
    "since", "so", "some", "still", "such", "support", "supported", "t", "than", "that", "the", "their", "them", "then", "there", "these", "they", "thing", "this", "those",
    "through", "thus", "to", "too", "under", "until", "up", "update", "updated", "us", "use", "used", "uses", "using", "ve", "very", "via", "was", "way", "we", "were", "what", "when",
    "where", "whether", "which", "while", "who", "why", "will", "with", "within", "without", "won", "work", "works", "would", "yet", "you", "your", "add", "added", "adds", "adding",
];

/// Whether a folded word says nothing about where to look.
pub(crate) fn is_common(folded: &str) -> bool {
    folded.len() < 2 || COMMON.contains(&folded)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The words of a text with the byte offset of each: runs of letters, digits and underscores that hold a letter.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            while at < text.len() && !is_letter(text[at]) {
                at += 1;
            }
            if at == text.len() {
                return None;
            }
            let start = at;
            while at < text.len() && is_letter(text[at]) {
                at += 1;
            }
            let word = &text[start..at];
            if word.len() <= WORD_MAX && !word[0].is_ascii_digit() {
                return Some((start, word));
            }
        }
    })
}

/// A word in small letters and without underscores: `FooBar`, `foo_bar` and `foobar` are the same.
pub(crate) fn fold(word: &str) -> String {
    word.chars().filter(|&c| c != '_').flat_map(char::to_lowercase).collect()
}

/// The parts of an identifier: `parseHTTPHeader_v2` is `parse`, `HTTP`, `Header`, `v2`.
pub(crate) fn parts(word: &str) -> impl Iterator<Item = &str> {
    let bytes = word.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && bytes[at] == b'_' {
            at += 1;
        }
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        at += 1;
        while at < bytes.len() && !splits(bytes, at) {
            at += 1;
        }
        Some(&word[start..at])
    })
}

/// Whether a new part starts at `at`.
fn splits(bytes: &[u8], at: usize) -> bool {
    let (before, here) = (bytes[at - 1], bytes[at]);
    if here == b'_' {
        return true;
    }
    if !here.is_ascii_uppercase() {
        return false;
    }
    // `fooBar`, `v2Bar`; and the last capital of `HTTPServer` begins the next part.
    !before.is_ascii_uppercase() || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase)
}

/// The stem of one part of a word: endings of number, tense and role fall, short forms are written out.
pub(crate) fn stem(part: &str) -> String {
    let low = part.to_lowercase();
    let stem = if low.is_ascii() { strip(low) } else { low };
    SAME.get(&stem).cloned().unwrap_or(stem)
}

fn strip(mut word: String) -> String {
    fn cut(word: &mut String, ending: &str, least: usize, with: &str) -> bool {
        let fits = word.len() >= least + ending.len() && word.ends_with(ending);
        if fits {
            word.truncate(word.len() - ending.len());
            word.push_str(with);
        }
        fits
    }
    if !(word.ends_with("ss") || word.ends_with("us") || word.ends_with("is")) {
        let _ = cut(&mut word, "ies", 2, "y")
            || cut(&mut word, "sses", 2, "ss")
            || cut(&mut word, "xes", 2, "x")
            || cut(&mut word, "ches", 2, "ch")
            || cut(&mut word, "shes", 2, "sh")
            || cut(&mut word, "s", 3, "");
    }
    let verb = cut(&mut word, "ing", 3, "") || cut(&mut word, "ied", 2, "y") || cut(&mut word, "ed", 3, "");
    if verb {
        undouble(&mut word);
    }
    let _ = cut(&mut word, "ization", 2, "iz")
        || cut(&mut word, "isation", 2, "iz")
        || cut(&mut word, "ation", 3, "at")
        || cut(&mut word, "ator", 3, "at")
        || cut(&mut word, "tion", 3, "t")
        || cut(&mut word, "sion", 4, "s")
        || cut(&mut word, "izer", 2, "iz")
        || cut(&mut word, "tor", 4, "t")
        || cut(&mut word, "ment", 6, "ment");
    if cut(&mut word, "er", 4, "") {
        undouble(&mut word);
    }
    let _ = cut(&mut word, "ably", 4, "abl") || cut(&mut word, "ly", 4, "");
    let _ = cut(&mut word, "ss", 3, "s");
    let _ = cut(&mut word, "e", 3, "");
    word
}

/// `stopp` is `stop`, `pass` stays.
fn undouble(word: &mut String) {
    let bytes = word.as_bytes();
    let n = bytes.len();
    if n > 3 && bytes[n - 1] == bytes[n - 2] && !b"lsz".contains(&bytes[n - 1]) {
        word.truncate(n - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_into_their_parts() {
        let cut = |word| parts(word).collect::<Vec<_>>();
        assert_eq!(cut("parseHTTPHeader_v2"), ["parse", "HTTP", "Header", "v2"]);
        assert_eq!(cut("__init__"), ["init"]);
        assert_eq!(cut("größeÄndern"), ["größeÄndern"]);
        assert_eq!(cut("___"), [""; 0]);
    }

    #[test]
    fn words_of_one_family_share_a_stem() {
        for family in [
            &["parse", "parser", "parsing", "parsed", "parses"][..],
            &["serialize", "serializer", "serialization", "serializing", "serialized"],
            &["header", "headers", "hdr"],
            &["config", "configs", "cfg", "configuration", "configure", "configured"],
            &["request", "requests", "req", "requested"],
            &["query", "queries", "querying"],
            &["stop", "stopped", "stopping", "stops"],
            &["generate", "generator", "generation", "generating", "gen"],
            &["class", "classes"],
            &["function", "functions", "func", "fn"],
            &["initialize", "init", "initialization", "initialise"],
            &["pass", "passing", "passes", "passed"],
        ] {
            let stems: Vec<_> = family.iter().map(|word| stem(word)).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{family:?}: {stems:?}");
        }
        assert_ne!(stem("user"), stem("usage"));
    }
}
