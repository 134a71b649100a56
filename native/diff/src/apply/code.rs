//! The code of one function as an answer has it.

use wainwright_syntax::{Definition, Kind, Language, Limits, Outline, long_strings, outline};

use super::alike::similarity;
use super::elision::stands_for_more;
use super::refusal::{Reason, Refusal};
use super::text::{indent_of, is_blank};

/// The code of an answer, read by itself.
pub struct Code<'a> {
    pub lines: Vec<&'a str>,
    /// The lines less the indentation they share, and what was written around them to have them read.
    pub text: String,
    pub outline: Outline,
    language: Language,
    /// Lines of the text before the first of the code.
    shell: usize,
}

/// What a function may have to stand in for its grammar to know it.
const SHELLS: [(&str, &str); 2] = [("class Shell {", "}"), ("shell = {", "}")];

impl<'a> Code<'a> {
    /// Reads the code of the function `name`.
    pub fn new(language: Language, lines: Vec<&'a str>, name: &str) -> Self {
        let indents = lines.iter().filter(|line| !is_blank(line)).map(|line| indent_of(line));
        let common = indents.min_by_key(|indent| indent.len()).unwrap_or_default();
        let bare = |line: &&'a str| line.strip_prefix(common).unwrap_or(line.trim_start());
        let text = lines.iter().map(bare).fold(String::new(), |text, line| text + line + "\n");
        let read = |text: &str| outline(language, text.as_bytes(), &Limits::default());
        let plain = Self { outline: read(&text), lines, text, language, shell: 0 };
        if plain.own(name).is_some() || language == Language::Python {
            return plain;
        }
        for (open, close) in SHELLS {
            let text = format!("{open}\n{}{close}\n", plain.text);
            let outline = read(&text);
            let other = Self { lines: plain.lines.clone(), outline, text, language, shell: 1 };
            if other.own(name).is_some() && other.outline.errors <= plain.outline.errors {
                return other;
            }
        }
        plain
    }

    /// The function.
    pub fn own(&self, name: &str) -> Option<&Definition> {
        let mut all = self.outline.definitions.iter();
        all.find(|own| own.name == name && own.kind.is_function())
    }

    fn is_shell(&self, at: usize) -> bool {
        self.shell > 0 && self.outline.definitions[at].whole.start == 0
    }

    /// The functions and types that lie in nothing else.
    fn outer(&self) -> impl Iterator<Item = usize> {
        let definitions = &self.outline.definitions;
        (0..definitions.len()).filter(|&at| {
            let kind = definitions[at].kind;
            !self.is_shell(at)
                && definitions[at].parent.is_none_or(|parent| self.is_shell(parent as usize))
                && (kind.is_function() || kind.is_type() || kind == Kind::Declaration)
        })
    }

    /// The functions that lie in no other, by their names and those of what they lie in, if that is written.
    pub fn scoped(&self) -> Vec<String> {
        let definitions = &self.outline.definitions;
        let inner = |at: usize| {
            std::iter::successors(definitions[at].parent, |&at| definitions[at as usize].parent)
                .any(|at| definitions[at as usize].kind.is_function())
        };
        let functions = (0..definitions.len()).filter(|&at| definitions[at].kind.is_function() && !inner(at));
        let named = functions.map(|at| self.outline.qualname(at));
        let bare = named.map(|name| match name.split_once('.') {
            Some((_, inner)) if self.shell > 0 => inner.to_owned(),
            _ => name,
        });
        bare.filter(|name| name.contains('.')).collect()
    }

    fn row(&self, byte: u32) -> usize {
        memchr::memchr_iter(b'\n', &self.text.as_bytes()[..byte as usize]).count().saturating_sub(self.shell)
    }

    /// Whether the last statement of Python is the head of others: its grammar has no error for that.
    pub fn is_cut_off(&self) -> bool {
        let mut code = self.lines.iter().rev().map(|line| line.trim());
        let last = code.find(|line| !line.is_empty() && !line.starts_with('#'));
        self.language == Language::Python && last.is_some_and(|line| line.ends_with(':'))
    }

    /// Refuses code that has decorators, but leaves some out: are these to stay, or did the others take their place?
    pub fn decorated_as(&self, old: &Definition, body: &str) -> Result<(), Refusal> {
        let had = decorators(body, old);
        let has = self.own(&old.name).map(|own| decorators(&self.text, own)).unwrap_or_default();
        let mut left = has.clone();
        let gone = had.iter().find(|name| match left.iter().position(|other| same_decorator(name, other)) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        });
        match gone {
            Some(name) if !has.is_empty() => {
                let why =
                    format!("it has decorators, but leaves out `{name}`; change these lines by a block");
                Err(Refusal::new(Reason::NotTheFunction).because(why))
            }
            _ => Ok(()),
        }
    }

    /// The rows of what is written around the function in its code: those before it, and from the first one behind it.
    fn bounds(&self, name: &str) -> Option<(usize, usize)> {
        let own = self.own(name)?;
        // Where lines are left out, the end that can be read is none.
        let end = if self.outline.errors > 0 || self.lines.iter().any(|line| stands_for_more(line)) {
            self.lines.len()
        } else {
            self.row(own.whole.end.saturating_sub(1)) + 1
        };
        Some((self.row(own.whole.start), end.min(self.lines.len())))
    }

    /// Takes out what is written around the function: the comments before it, the lines of the function, and whether
    /// there was anything that the file has already, such as an import.
    pub fn parted(&self, name: &str, file: &[&str]) -> Result<Parted<'a>, Refusal> {
        let refuse = |line: &str| {
            let why = format!("`{}` is no part of {name}; change it by a block of its own", line.trim());
            Err(Refusal::new(Reason::NotTheFunction).because(why))
        };
        let Some((start, end)) = self.bounds(name) else {
            return match remarks(self.language, &self.lines).first() {
                Some(true) => refuse(self.lines[0]),
                _ => {
                    Ok(Parted { head: Vec::new(), lines: self.lines.clone(), tail: Vec::new(), known: false })
                }
            };
        };
        let imports: Vec<_> = self
            .outline
            .imports
            .iter()
            .map(|import| self.row(import.at.start)..=self.row(import.at.end))
            .collect();
        let mut head: Vec<&str> = Vec::new();
        let mut known = false;
        let before = &self.lines[..start];
        for (row, (line, remark)) in before.iter().zip(remarks(self.language, before)).enumerate() {
            if remark || is_blank(line) {
                head.push(line);
            } else if imports.iter().any(|rows| rows.contains(&row))
                && file.iter().any(|there| there.trim() == line.trim())
            {
                head.clear();
                known = true;
            } else {
                return refuse(line);
            }
        }
        let first = head.iter().position(|line| !is_blank(line)).unwrap_or(head.len());
        head.drain(..first);
        let behind = &self.lines[end..];
        let other = behind
            .iter()
            .zip(remarks(self.language, behind))
            .find(|(line, remark)| !remark && !is_blank(line));
        if let Some((line, _)) = other {
            return refuse(line);
        }
        Ok(Parted { head, lines: self.lines[start..end].to_vec(), tail: behind.to_vec(), known })
    }

    /// The rows that begin within a string of several lines, those of one string together; not those of a docstring,
    /// which is indented as code.
    pub fn string_rows(&self, name: &str) -> Vec<std::ops::Range<usize>> {
        let documents = |at: u32| {
            self.outline.definitions.iter().filter_map(|own| own.doc.as_ref()).any(|doc| doc.contains(&at))
        };
        let from = self.bounds(name).map_or(0, |(start, _)| start);
        let strings = long_strings(self.language, self.text.as_bytes()).into_iter();
        let strings = strings.filter(|string| !documents(string.start));
        let rows =
            strings.map(|string| self.row(string.start) + 1..self.row(string.end.saturating_sub(1)) + 1);
        rows.filter(|rows| rows.start > from).map(|rows| rows.start - from..rows.end - from).collect()
    }

    /// The code without the type written around the function.
    pub fn unwrapped(self, file: &Outline, target: usize) -> Result<(Self, bool), Refusal> {
        let name = &file.definitions[target].name;
        let outer: Vec<usize> = self.outer().collect();
        let [wrapper] = outer.as_slice() else {
            return Ok((self, false));
        };
        let definition = &self.outline.definitions[*wrapper];
        if !definition.kind.is_type() {
            return Ok((self, false));
        }
        let inner: Vec<usize> = (0..self.outline.definitions.len())
            .filter(|&at| {
                self.outline.definitions[at].parent.is_some_and(|parent| parent as usize == *wrapper)
            })
            .collect();
        let [only] = inner.as_slice() else {
            return Err(Refusal::new(Reason::NotTheFunction).because("it holds more than the function"));
        };
        let method = &self.outline.definitions[*only];
        if method.name != *name || !method.kind.is_function() {
            return Err(Refusal::new(Reason::NotTheFunction).because(format!("it defines {}", method.name)));
        }
        let mut rows = self.row(method.whole.start)..self.row(method.whole.end.saturating_sub(1)) + 1;
        // A comment before the function, but not the line that opens the type.
        if let Some(doc) = method.doc.as_ref().filter(|doc| doc.end <= method.whole.start) {
            rows.start = self.row(doc.start);
        }
        let lines = self.lines[rows].to_vec();
        Ok((Self::new(self.language, lines, name), true))
    }
}

/// The code of a function, and what is written around it.
pub struct Parted<'a> {
    /// Comments before it, with the blank lines between and behind them.
    pub head: Vec<&'a str>,
    pub lines: Vec<&'a str>,
    /// Comments behind it.
    pub tail: Vec<&'a str>,
    /// Whether there was more, that the file has already.
    pub known: bool,
}

/// The first lines of the decorators of a definition.
fn decorators<'t>(text: &'t str, definition: &Definition) -> Vec<&'t str> {
    let range = definition.whole.start as usize..definition.core.start as usize;
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let column = text[start..].len() - text[start..].trim_start_matches([' ', '\t']).len();
    let lines = text.get(start..range.end).unwrap_or_default().lines();
    lines
        .filter(|line| indent_of(line).len() == column)
        .map(str::trim)
        .filter(|line| line.starts_with(['@', '#', '[']))
        .collect()
}

/// Whether the one decorator is the other, perhaps with other arguments.
fn same_decorator(one: &str, other: &str) -> bool {
    let name = |line: &str| line.find('(').map_or(line.len(), |at| at);
    one[..name(one)] == other[..name(other)] && similarity(one, other) >= 60
}

/// Which of the lines are comments and nothing else.
pub fn remarks(language: Language, lines: &[&str]) -> Vec<bool> {
    let marks: &[&str] = match language {
        Language::Python | Language::Ruby | Language::Bash | Language::Yaml | Language::Toml => &["#"],
        Language::Php => &["//", "#"],
        Language::Lua | Language::Sql => &["--"],
        _ => &["//"],
    };
    let blocks = !matches!(language, Language::Python | Language::Ruby | Language::Bash | Language::Lua);
    let mut open = false;
    let mut is_remark = |line: &&str| {
        let line = line.trim();
        let inner = if open {
            line
        } else if blocks && line.starts_with("/*") {
            &line[2..]
        } else {
            return marks.iter().any(|mark| line.starts_with(mark));
        };
        let close = inner.find("*/");
        open = close.is_none();
        close.is_none_or(|at| at + 2 == inner.len())
    };
    lines.iter().map(&mut is_remark).collect()
}
