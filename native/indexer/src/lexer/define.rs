//! What a lexer can tell of definitions and imports: a keyword at the beginning of a line, and the name after it.
//!
//! It is a guess that is there at once. Syntax trees, which come later, are exact.

use std::ops::Range;

use super::family::Family;
use super::imports::import;
use super::keywords::{KEYWORDS, Keywords, Kind, Use};
use super::statement::{Finding, before, skip_blanks};
use crate::files::text::{first_char, is_word};

/// Reports what the keyword `id` at `at` defines or imports.
pub(crate) fn keyword<'t>(
    keywords: &Keywords,
    id: u32,
    text: &'t [u8],
    at: Range<usize>,
    report: &mut dyn FnMut(Finding<'t>),
) {
    let word = KEYWORDS[id as usize];
    match keywords.uses[id as usize] {
        Use::Nothing => {}
        Use::Define(kind) => definition(keywords.family, word, kind, text, at, report),
        Use::Import => import(keywords.family, word, text, at, report),
    }
}

fn definition<'t>(
    family: Family,
    keyword: &str,
    kind: Kind,
    text: &'t [u8],
    at: Range<usize>,
    report: &mut dyn FnMut(Finding<'t>),
) {
    let Some(before) = before(text, at.start) else {
        return;
    };
    if !begins_line(family, keyword, before) {
        return;
    }
    let indented = before.first().is_some_and(u8::is_ascii_whitespace);
    if kind == Kind::Value && indented {
        return;
    }
    let mut start = skip_blanks(text, at.end);
    match (family, keyword, text.get(start)) {
        (Family::Go, "func", Some(b'(')) => {
            // The receiver of a method.
            let Some(end) = memchr::memchr(b')', &text[start..]) else { return };
            start = skip_blanks(text, start + end + 1);
        }
        (Family::Go, "type" | "const" | "var", Some(b'(')) => {
            return go_block(kind, text, start + 1, report);
        }
        (Family::Kotlin, "fun", Some(b'<')) => {
            let Some(end) = memchr::memchr(b'>', &text[start..]) else { return };
            start = skip_blanks(text, start + end + 1);
        }
        (Family::Script, "function", Some(b'*')) | (Family::Php, "function", Some(b'&')) => {
            start = skip_blanks(text, start + 1);
        }
        (Family::Rust, "macro_rules", Some(b'!')) => start = skip_blanks(text, start + 1),
        _ => {}
    }
    let name = dotted_name(family, text, start);
    if !name.is_empty() && follows(family, keyword, kind, text, name.end) {
        report(Finding::Definition(name, kind));
    }
}

/// True if only words that may stand before this keyword do.
fn begins_line(family: Family, keyword: &str, before: &[u8]) -> bool {
    if family == Family::C && keyword == "define" {
        return before.trim_ascii() == b"#";
    }
    let Ok(before) = std::str::from_utf8(before) else {
        return false;
    };
    before.split_ascii_whitespace().all(|word| {
        BEFORE.contains(&word) || word.starts_with("pub(") || word.starts_with('@') || word.starts_with('[')
    })
}

const BEFORE: [&str; 52] = [
    "pub",
    "async",
    "static",
    "export",
    "default",
    "declare",
    "abstract",
    "public",
    "private",
    "protected",
    "internal",
    "final",
    "sealed",
    "open",
    "override",
    "inline",
    "data",
    "unsafe",
    "extern",
    "\"C\"",
    "const",
    "virtual",
    "partial",
    "inner",
    "enum",
    "companion",
    "suspend",
    "operator",
    "infix",
    "tailrec",
    "local",
    "typedef",
    "mutating",
    "fileprivate",
    "indirect",
    "readonly",
    "annotation",
    "value",
    "case",
    "lazy",
    "create",
    "CREATE",
    "or",
    "OR",
    "replace",
    "REPLACE",
    "temporary",
    "TEMPORARY",
    "strictfp",
    "new",
    "template<typename",
    "constexpr",
];

/// The word at `at`, as the lexer has it.
fn word_at(text: &[u8], at: usize) -> Range<usize> {
    let mut end = at;
    while let Some((character, bytes)) = first_char(&text[end.min(text.len())..]) {
        if !is_word(character) {
            break;
        }
        end += bytes;
    }
    at..end
}

/// The last word of a name with `.`, `:` or `::` in it.
fn dotted_name(family: Family, text: &[u8], at: usize) -> Range<usize> {
    let mut name = word_at(text, at);
    loop {
        let rest = &text[name.end..];
        let separator = match family {
            Family::Ruby | Family::C if rest.starts_with(b"::") => 2,
            Family::Ruby | Family::Kotlin | Family::Lua | Family::CSharp if rest.starts_with(b".") => 1,
            Family::Lua if rest.starts_with(b":") => 1,
            _ => return name,
        };
        let next = word_at(text, name.end + separator);
        if next.is_empty() {
            return name;
        }
        name = next;
    }
}

/// True if what follows a name is what follows a defined name: prose goes on with other words.
fn follows(family: Family, keyword: &str, kind: Kind, text: &[u8], end: usize) -> bool {
    let at = skip_blanks(text, end);
    let Some(next) = text.get(at).copied() else {
        return true;
    };
    let line_end = matches!(next, b'\n' | b'\r');
    let set: &[u8] = match (family, kind) {
        (Family::Ruby | Family::Sql | Family::Proto, _) => return true,
        (Family::C, _) if keyword == "define" => return true,
        (Family::Python | Family::Go | Family::Rust | Family::Swift, Kind::Function) => b"([<{",
        (_, Kind::Function) => b"(<{:",
        (Family::Python, _) => b"(:[",
        (Family::Go, Kind::Type | Kind::Value) => return !line_end,
        (Family::Rust, Kind::Value) => b":",
        (_, Kind::Value) => b"=:,;!",
        (Family::Script, Kind::Type) if keyword == "type" => b"=<",
        (Family::C, Kind::Type) => return line_end || next == b'{' || next == b':',
        (Family::Rust, Kind::Module) => b"{;",
        (_, Kind::Type | Kind::Module) => b"{<(:;=",
    };
    if set.contains(&next) {
        return true;
    }
    let word = &text[word_at(text, at)];
    let goes_on: [&[u8]; 8] =
        [b"extends", b"implements", b"where", b"with", b"permits", b"final", b"for", b"by"];
    match kind {
        Kind::Type => goes_on.contains(&word) || (line_end && family != Family::Script),
        Kind::Module => line_end,
        Kind::Function => line_end && matches!(family, Family::Shell | Family::Sql),
        Kind::Value => false,
    }
}

/// The names of `const (`, `var (` and `type (`: each begins a line that is indented once.
fn go_block<'t>(kind: Kind, text: &'t [u8], start: usize, report: &mut dyn FnMut(Finding<'t>)) {
    let mut at = start;
    while let Some(end) = memchr::memchr(b'\n', &text[at..]) {
        at += end + 1;
        match text.get(at..at + 2) {
            Some([b')', _]) | None => return,
            Some([b'\t', second]) if second.is_ascii_alphabetic() || *second == b'_' => {
                let name = word_at(text, at + 1);
                if &text[name.clone()] != b"_" {
                    report(Finding::Definition(name, kind));
                }
            }
            _ => {}
        }
    }
}

/// The name of a function whose line looks like the head of its body.
pub(crate) fn by_shape(family: Family, line: &[u8]) -> Option<Range<usize>> {
    let indent = line.len() - line.trim_ascii_start().len();
    let text = line.trim_ascii();
    let first = *text.first()?;
    if !(first.is_ascii_alphabetic() || matches!(first, b'_' | b'$' | b'~' | b'*' | b'#')) {
        return None;
    }
    // Lines are mostly no such heads: their ends tell that cheaply.
    let last = *text.last()?;
    let head = match family {
        Family::C => indent == 0 && matches!(last, b'{' | b')' | b',') && first != b'#',
        Family::Shell => matches!(last, b'{' | b')'),
        Family::Java | Family::CSharp => matches!(last, b'{' | b')'),
        _ => last == b'{' || last == b'>',
    };
    if !head {
        return None;
    }
    if family == Family::Script && last == b'>' {
        return None;
    }
    let open = memchr::memchr(b'(', text)?;
    let name = last_word(&text[..open])?;
    let before = &text[..name.start];
    let words =
        before.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_')).filter(|word| !word.is_empty());
    let typed = words.clone().next().is_some();
    let control = |word: &[u8]| CONTROL.contains(&word);
    if control(&text[name.clone()])
        || words.clone().any(control)
        || before
            .iter()
            .any(|byte| matches!(byte, b'=' | b'.' | b'"' | b'\'' | b'!' | b'+' | b'|' | b';' | b'/'))
    {
        return None;
    }
    let fits = match family {
        Family::Shell => text[open..].starts_with(b"()") && !typed,
        Family::C => typed || before.ends_with(b":") || last == b'{',
        Family::Java | Family::CSharp => {
            last == b'{' && (typed || indent > 0)
                || (typed
                    && last == b')'
                    && indent > 0
                    && words
                        .clone()
                        .any(|word| matches!(word, b"public" | b"private" | b"protected" | b"internal")))
        }
        _ => indent > 0,
    };
    fits.then(|| indent + name.start..indent + name.end)
}

const CONTROL: [&[u8]; 22] = [
    b"if",
    b"for",
    b"while",
    b"switch",
    b"return",
    b"else",
    b"catch",
    b"function",
    b"new",
    b"throw",
    b"do",
    b"case",
    b"synchronized",
    b"using",
    b"lock",
    b"foreach",
    b"assert",
    b"sizeof",
    b"typeof",
    b"await",
    b"elif",
    b"until",
];

fn last_word(text: &[u8]) -> Option<Range<usize>> {
    let text = text.trim_ascii_end();
    let start =
        text.iter().rposition(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80));
    let start = start.map_or(0, |at| at + 1);
    (start < text.len() && !text[start].is_ascii_digit()).then_some(start..text.len())
}
