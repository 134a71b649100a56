//! What a lexer can tell of definitions and imports: a keyword at the beginning of a line, and the name after it.
//!
//! It is a guess that is there at once. Syntax trees, which come later, are exact.

use std::ops::Range;
use std::sync::LazyLock;

use crate::files::text::{first_char, is_word};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A function or a method.
    Function,
    /// A class, struct, interface, enumeration, trait, or a name for a type.
    Type,
    /// A constant or a variable of a module.
    Value,
    /// A module, namespace or package.
    Module,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Function, Self::Type, Self::Value, Self::Module];
}

/// Languages that say such things in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Text,
    Python,
    Script,
    Go,
    Rust,
    C,
    Java,
    CSharp,
    Kotlin,
    Swift,
    Ruby,
    Php,
    Lua,
    Shell,
    Sql,
    Proto,
    Style,
}

impl Family {
    const ALL: [Self; 17] = [
        Self::Text,
        Self::Python,
        Self::Script,
        Self::Go,
        Self::Rust,
        Self::C,
        Self::Java,
        Self::CSharp,
        Self::Kotlin,
        Self::Swift,
        Self::Ruby,
        Self::Php,
        Self::Lua,
        Self::Shell,
        Self::Sql,
        Self::Proto,
        Self::Style,
    ];

    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some((_, extension)) = name.rsplit_once('.') else {
            return if matches!(name, "Rakefile" | "Gemfile") { Self::Ruby } else { Self::Text };
        };
        match extension {
            "py" | "pyi" | "pyx" | "pyw" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" => Self::Script,
            "go" => Self::Go,
            "rs" => Self::Rust,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" | "inl" | "m" | "mm" | "cu" => Self::C,
            "java" | "groovy" => Self::Java,
            "cs" => Self::CSharp,
            "kt" | "kts" | "scala" => Self::Kotlin,
            "swift" => Self::Swift,
            "rb" | "rake" | "gemspec" => Self::Ruby,
            "php" => Self::Php,
            "lua" => Self::Lua,
            "sh" | "bash" | "zsh" => Self::Shell,
            "sql" => Self::Sql,
            "proto" => Self::Proto,
            "css" | "scss" | "sass" | "less" => Self::Style,
            _ => Self::Text,
        }
    }

    /// True if functions have no keyword: they are told by what their first line looks like.
    pub fn defines_by_shape(self) -> bool {
        matches!(self, Self::C | Self::Java | Self::CSharp | Self::Script | Self::Shell)
    }
}

/// The words after which something may be defined or imported. A lexicon numbers them first, in this order.
pub(crate) const KEYWORDS: [&str; 42] = [
    "def",
    "class",
    "function",
    "fn",
    "func",
    "fun",
    "struct",
    "enum",
    "trait",
    "interface",
    "type",
    "typealias",
    "mod",
    "module",
    "namespace",
    "const",
    "let",
    "var",
    "static",
    "macro_rules",
    "record",
    "object",
    "protocol",
    "extension",
    "union",
    "define",
    "actor",
    "table",
    "view",
    "procedure",
    "message",
    "service",
    "import",
    "from",
    "use",
    "require",
    "require_relative",
    "include",
    "using",
    "source",
    "val",
    "package",
];

/// True if the number is that of one of the [`KEYWORDS`].
#[inline]
pub(crate) fn is_keyword(id: u32) -> bool {
    (id as usize) < KEYWORDS.len()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Nothing,
    Define(Kind),
    Import,
}

/// What the keywords mean in one family.
pub(crate) struct Keywords {
    family: Family,
    uses: [Use; KEYWORDS.len()],
}

static TABLES: LazyLock<Vec<Keywords>> = LazyLock::new(|| {
    Family::ALL
        .into_iter()
        .map(|family| Keywords { family, uses: KEYWORDS.map(|keyword| meaning(family, keyword)) })
        .collect()
});

impl Keywords {
    pub fn of(family: Family) -> &'static Self {
        &TABLES[family as usize]
    }

    /// False if the keyword with this number is a word like any other here.
    pub fn matters(&self, id: u32) -> bool {
        self.uses[id as usize] != Use::Nothing
    }
}

fn meaning(family: Family, keyword: &str) -> Use {
    use Family as F;
    use Kind::{Function, Module, Type, Value};
    match (family, keyword) {
        (F::Python | F::Ruby | F::Kotlin, "def")
        | (F::Script | F::Php | F::Lua | F::Shell | F::Sql, "function")
        | (F::Rust, "fn" | "macro_rules")
        | (F::Go | F::Swift, "func")
        | (F::Kotlin, "fun")
        | (F::Sql, "procedure")
        | (F::C, "define") => Use::Define(Function),
        (
            F::Python | F::Script | F::C | F::Java | F::CSharp | F::Kotlin | F::Swift | F::Ruby | F::Php,
            "class",
        )
        | (F::Script | F::Java | F::CSharp | F::Kotlin | F::Php, "interface")
        | (
            F::Script | F::Rust | F::C | F::Java | F::CSharp | F::Kotlin | F::Swift | F::Php | F::Proto,
            "enum",
        )
        | (F::Rust | F::C | F::CSharp | F::Swift, "struct")
        | (F::Rust | F::C, "union")
        | (F::Rust | F::Php | F::Kotlin, "trait")
        | (F::Script | F::Rust | F::Go, "type")
        | (F::Kotlin, "object" | "typealias")
        | (F::Swift, "protocol" | "typealias" | "actor" | "extension")
        | (F::Java | F::CSharp, "record")
        | (F::Sql, "table" | "view")
        | (F::Proto, "message" | "service") => Use::Define(Type),
        (F::Script | F::Rust | F::Go | F::Kotlin | F::Php, "const")
        | (F::Script | F::Go, "var")
        | (F::Script, "let")
        | (F::Kotlin, "val")
        | (F::Rust, "static") => Use::Define(Value),
        (F::Rust, "mod") | (F::Ruby, "module") | (F::Script | F::C | F::CSharp | F::Php, "namespace") => {
            Use::Define(Module)
        }
        (F::Python | F::Script | F::Go | F::Java | F::Kotlin | F::Swift | F::Proto | F::Style, "import")
        | (F::Python | F::Script, "from")
        | (F::Rust | F::Php | F::Style, "use")
        | (F::Script | F::Ruby | F::Php | F::Lua, "require")
        | (F::Ruby, "require_relative")
        | (F::C | F::Php, "include")
        | (F::CSharp, "using")
        | (F::Shell, "source") => Use::Import,
        _ => Use::Nothing,
    }
}

/// What a keyword led to.
pub(crate) enum Finding<'t> {
    /// The place of a name in the text.
    Definition(Range<usize>, Kind),
    /// What is imported, as it is written.
    Import(&'t str),
    /// A module, and a name from it that may be a module itself.
    Name(&'t str, &'t str),
}

/// An import statement is read up to so many bytes.
const IMPORT_BYTES_MAX: usize = 4000;
/// A keyword must begin its line, after at most so many bytes of other keywords.
const BEFORE_BYTES_MAX: usize = 120;

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

/// What stands before the keyword on its line; `None` if that is too much.
fn before(text: &[u8], at: usize) -> Option<&[u8]> {
    let from = at.saturating_sub(BEFORE_BYTES_MAX);
    match memchr::memrchr(b'\n', &text[from..at]) {
        Some(end) => Some(&text[from + end + 1..at]),
        None if from == 0 => Some(&text[..at]),
        None => None,
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

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

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

fn import<'t>(
    family: Family,
    keyword: &str,
    text: &'t [u8],
    at: Range<usize>,
    report: &mut dyn FnMut(Finding<'t>),
) {
    let rest = &text[at.end..text.len().min(at.end + IMPORT_BYTES_MAX)];
    match family {
        Family::Script | Family::Lua | Family::Style | Family::Proto => {
            // `from "a"`, `import "a"`, `require("a")`, `import("a")`.
            if let Some(name) = quoted(rest, b" \t(") {
                report(Finding::Import(name));
            }
            return;
        }
        _ => {}
    }
    let Some(before) = before(text, at.start) else {
        return;
    };
    if !matches!(before.trim_ascii(), b"" | b"pub" | b"#" | b"global" | b"static" | b"@testable")
        && !before.trim_ascii().starts_with(b"pub(")
    {
        return;
    }
    match family {
        Family::Python => python_import(keyword, rest, report),
        Family::Go => go_import(rest, report),
        Family::C => {
            let rest = rest.trim_ascii_start();
            if before.trim_ascii() == b"#" && matches!(rest.first(), Some(b'"' | b'<')) {
                let end = rest[1..].iter().position(|byte| matches!(byte, b'"' | b'>' | b'\n'));
                let name = end.and_then(|end| std::str::from_utf8(&rest[1..=end]).ok());
                if let Some(name) = name {
                    report(Finding::Import(name));
                }
            }
        }
        Family::Ruby | Family::Php if keyword != "use" => {
            if let Some(name) = quoted(rest, b" \t(") {
                report(Finding::Import(name));
            }
        }
        Family::Shell => {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let name = std::str::from_utf8(&rest[..end]).unwrap_or("").trim().trim_matches(['"', '\'']);
            if !name.is_empty() {
                report(Finding::Import(name));
            }
        }
        _ => path_import(rest, report),
    }
}

/// The string that begins after some of the given bytes.
fn quoted<'t>(text: &'t [u8], skipped: &[u8]) -> Option<&'t str> {
    let start = text.iter().position(|byte| !skipped.contains(byte))?;
    let quote = text[start];
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let end = memchr::memchr2(quote, b'\n', &text[start + 1..])?;
    let name = std::str::from_utf8(&text[start + 1..start + 1 + end]).ok()?;
    (!name.is_empty() && name.len() < 300).then_some(name)
}

/// `use a::b::{c, d};`, `import a.b.C;`, `using A.B;`: the path up to where it is no path any more.
fn path_import<'t>(rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let start = skip_blanks(rest, 0);
    let rest = &rest[start..];
    let rest = rest.strip_prefix(b"static ").unwrap_or(rest);
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'\\' | b'*');
    let end = rest.iter().position(|byte| !path(byte)).unwrap_or(rest.len());
    let name = std::str::from_utf8(&rest[..end]).unwrap_or("");
    let name = name.trim_end_matches(['.', ':', '\\', '*']);
    if !name.is_empty() {
        report(Finding::Import(name));
    }
}

fn go_import<'t>(rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let start = skip_blanks(rest, 0);
    let block = rest.get(start) == Some(&b'(');
    let end = if block { memchr::memchr(b')', rest) } else { memchr::memchr(b'\n', rest) };
    let mut rest = &rest[start..end.unwrap_or(rest.len())];
    while let Some(open) = memchr::memchr(b'"', rest) {
        rest = &rest[open + 1..];
        let Some(close) = memchr::memchr2(b'"', b'\n', rest) else { return };
        if let Ok(name) = std::str::from_utf8(&rest[..close]) {
            report(Finding::Import(name));
        }
        rest = &rest[close + 1..];
    }
}

fn python_import<'t>(keyword: &str, rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let head = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    if keyword == "import" {
        for part in head.split(['#', ';']).next().unwrap_or("").split(',') {
            let name = part.split_ascii_whitespace().next().unwrap_or("");
            if is_dotted(name) {
                report(Finding::Import(name));
            }
        }
        return;
    }
    let Some((module, names)) = head.trim_start().split_once(' ') else {
        return;
    };
    let Some(names) = names.trim_start().strip_prefix("import") else {
        return;
    };
    if !is_dotted(module) {
        return;
    }
    report(Finding::Import(module));
    let names = if names.trim_start().starts_with('(') {
        let Some(open) = memchr::memchr(b'(', rest) else { return };
        let Some(close) = memchr::memchr(b')', &rest[open..]) else { return };
        std::str::from_utf8(&rest[open + 1..open + close]).unwrap_or("")
    } else {
        names
    };
    for name in names.split([',', '\n']) {
        let name = name.split('#').next().unwrap_or("").split_ascii_whitespace().next().unwrap_or("");
        if !name.is_empty() && name.len() < 100 && name.chars().next().is_some_and(char::is_lowercase) {
            report(Finding::Name(module, name));
        }
    }
}

fn is_dotted(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 200
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
}
