//! What the walk does at a node, and the compiled form of a language's table.

use std::sync::OnceLock;

use crate::outline::{Kind, Use};
use crate::path::{Path, kind_ids};
use crate::{Language, tables};

/// When a node that looks like a definition is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Only with a body (`struct S` without one is a use).
    HasBody,
    /// Only outside functions.
    Global,
    /// Only if it declares a function.
    Prototype,
    /// Only if its value is a function.
    Bound,
    /// If its value is a function; else as a variable outside functions.
    BoundOrGlobal,
    /// Only if the text of its first child is this.
    Labelled(&'static str),
}

/// How the name follows from the node that the path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// It is the text.
    Text,
    /// The last word of the text (`a.b.c` is `c`).
    LastWord,
    /// The type that an `impl` is for: the last part of its path, without arguments.
    TypePath,
    /// The text without quotes.
    Unquoted,
    /// C's declarators, inside out.
    Declarator,
}

/// Which type a definition says that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    None,
    /// The last word of what the path leads to (a Go receiver without brackets).
    LastWordOf(&'static str),
    /// The type in Go's receiver.
    Receiver(&'static str),
}

/// A row's definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Define {
    pub kind: Kind,
    pub name: &'static str,
    pub naming: Naming,
    pub body: &'static str,
    /// Where the value is that may be a function.
    pub value: &'static str,
    /// Where the bases are whose names no other row finds.
    pub bases: &'static str,
    pub when: When,
    pub owner: Owner,
    /// The kind follows from a keyword or a child: `struct`, `enum`, `interface`, `extension`.
    pub refine: bool,
    /// Nothing inside matters.
    pub leaf: bool,
}

/// What a node means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Define(Define),
    /// Belongs to the definition inside (decorators, `export`), without being it.
    Wrap,
    /// A statement that is the definition, if it holds only one.
    Statement,
    /// Stands before a definition and belongs to it.
    Attribute,
    Comment,
    /// A call; the path leads to what is called.
    Call(&'static str),
    /// A call of a member of a value.
    MemberCall(&'static str),
    /// A call that has a receiver if the second path leads somewhere.
    Invoke(&'static str, &'static str),
    /// An element of markup in code; a call if it is named like a component.
    Element(&'static str),
    /// A leaf that names a type.
    TypeName,
    /// A leaf that names a type where types stand.
    Name,
    /// The path leads to a type.
    TypeAt(&'static str),
    /// Types stand inside, used like this.
    Types(Use),
    /// Values stand inside: names are no types.
    Values,
    /// Modules, and the names taken from them.
    Import(&'static str, &'static str),
    /// Rust's `use` tree.
    UseTree,
    /// Rust's `mod name;`.
    ModFile,
    /// A function without a name: what is inside is local.
    Function,
    /// Nothing inside matters.
    Skip,
    /// Rust's macro arguments: calls inside are words before parentheses.
    Tokens,
}

/// One row: kinds of nodes (`a|b`) and what they mean. A kind may stand in several rows.
pub(crate) type Row = (&'static str, Role);

/// All that is known of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub rows: &'static [&'static [Row]],
    /// From what is called to its name: kind, path, whether it is a member of a value.
    pub callees: &'static [(&'static str, &'static str, bool)],
    /// Kinds of values that are functions.
    pub functions: &'static [&'static str],
    /// Functions that import what their first argument names.
    pub import_calls: &'static [&'static str],
    /// Whether a string at the start of a body is its documentation.
    pub docstrings: bool,
}

impl Define {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            name: "name:",
            naming: Naming::Text,
            body: "",
            value: "",
            bases: "",
            when: When::Always,
            owner: Owner::None,
            refine: false,
            leaf: false,
        }
    }
    pub(crate) const fn name(mut self, path: &'static str) -> Self {
        self.name = path;
        self
    }
    pub(crate) const fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }
    pub(crate) const fn body(mut self, path: &'static str) -> Self {
        self.body = path;
        self
    }
    pub(crate) const fn value(mut self, path: &'static str) -> Self {
        self.value = path;
        self
    }
    pub(crate) const fn bases(mut self, path: &'static str) -> Self {
        self.bases = path;
        self
    }
    pub(crate) const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
    pub(crate) const fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }
    pub(crate) const fn refined(mut self) -> Self {
        self.refine = true;
        self
    }
    pub(crate) const fn leaf(mut self) -> Self {
        self.leaf = true;
        self
    }
    pub(crate) const fn role(self) -> Role {
        Role::Define(self)
    }
}

/// A definition's row with its paths compiled.
#[derive(Debug)]
pub(crate) struct Definer {
    pub row: Define,
    pub name: Path,
    pub body: Path,
    pub value: Path,
    pub bases: Path,
    pub owner: Path,
}

/// A call's row.
#[derive(Debug)]
pub(crate) struct Caller {
    pub callee: Path,
    pub receiver: Path,
    pub member: bool,
    pub element: bool,
}

#[derive(Debug)]
pub(crate) enum Importer {
    Paths(Path, Path),
    UseTree,
    ModFile,
}

/// All that a node of one kind means.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent: a node can mean several things")]
pub(crate) struct Rule {
    pub define: Option<Definer>,
    pub wrap: bool,
    pub statement: bool,
    pub attribute: bool,
    pub comment: bool,
    pub call: Option<Caller>,
    pub type_name: bool,
    pub name: bool,
    pub type_at: Option<Path>,
    pub types: Option<Use>,
    pub values: bool,
    pub import: Option<Importer>,
    pub function: bool,
    pub skip: bool,
    pub tokens: bool,
}

/// A language's table, resolved against its grammar.
#[derive(Debug)]
pub(crate) struct Rules {
    pub grammar: tree_sitter::Language,
    /// By kind id: 0, or 1 + the index of the rule.
    by_kind: Vec<u8>,
    meanings: Vec<Rule>,
    /// By kind id: 0, or 1 + the index in `callee_paths`.
    callees: Vec<u8>,
    callee_paths: Vec<(Path, bool)>,
    functions: Vec<u16>,
    pub import_calls: &'static [&'static str],
    pub docstrings: bool,
    /// What the table names and the grammar lacks; empty, as a test makes sure.
    pub unknown: Vec<String>,
}

impl Rules {
    /// The rules of a language, resolved at their first use.
    pub(crate) fn of(language: Language) -> &'static Self {
        static ALL: [OnceLock<Rules>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
        ALL[language as usize].get_or_init(|| Self::resolve(language.grammar(), tables::of(language)))
    }

    fn resolve(grammar: tree_sitter::Language, table: &'static Table) -> Self {
        let kinds = grammar.node_kind_count();
        let mut rules = Self {
            by_kind: vec![0; kinds],
            meanings: Vec::new(),
            callees: vec![0; kinds],
            callee_paths: Vec::new(),
            functions: table.functions.iter().flat_map(|name| kind_ids(&grammar, name)).collect(),
            import_calls: table.import_calls,
            docstrings: table.docstrings,
            unknown: Vec::new(),
            grammar,
        };
        for &(names, role) in table.rows.iter().copied().flatten() {
            for name in names.split('|') {
                rules.add(name, role);
            }
        }
        for &(name, path, member) in table.callees {
            let ids = rules.ids(name);
            let path = Path::new(&rules.grammar, path, &mut rules.unknown);
            rules.callee_paths.push((path, member));
            for id in ids {
                rules.callees[usize::from(id)] = index_byte(rules.callee_paths.len());
            }
        }
        rules
    }

    fn ids(&mut self, name: &str) -> Vec<u16> {
        let ids = kind_ids(&self.grammar, name);
        if ids.is_empty() {
            self.unknown.push(format!("kind {name}"));
        }
        ids
    }

    fn add(&mut self, name: &str, role: Role) {
        let ids = self.ids(name);
        let Some(&first) = ids.first() else { return };
        if self.by_kind[usize::from(first)] == 0 {
            self.meanings.push(Rule::default());
            for id in ids {
                self.by_kind[usize::from(id)] = index_byte(self.meanings.len());
            }
        }
        let index = usize::from(self.by_kind[usize::from(first)]) - 1;
        let mut meaning = std::mem::take(&mut self.meanings[index]);
        self.fill(&mut meaning, role);
        self.meanings[index] = meaning;
    }

    fn fill(&mut self, meaning: &mut Rule, role: Role) {
        let mut path = |text| Path::new(&self.grammar, text, &mut self.unknown);
        let how = |callee, receiver, member, element| Some(Caller { callee, receiver, member, element });
        match role {
            Role::Define(row) => {
                let owner = match row.owner {
                    Owner::None => "",
                    Owner::LastWordOf(text) | Owner::Receiver(text) => text,
                };
                meaning.define = Some(Definer {
                    name: path(row.name),
                    body: path(row.body),
                    value: path(row.value),
                    bases: path(row.bases),
                    owner: path(owner),
                    row,
                });
            }
            Role::Wrap => meaning.wrap = true,
            Role::Statement => meaning.statement = true,
            Role::Attribute => meaning.attribute = true,
            Role::Comment => meaning.comment = true,
            Role::Call(at) => meaning.call = how(path(at), Path::default(), false, false),
            Role::MemberCall(at) => meaning.call = how(path(at), Path::default(), true, false),
            Role::Invoke(at, receiver) => meaning.call = how(path(at), path(receiver), false, false),
            Role::Element(at) => meaning.call = how(path(at), Path::default(), false, true),
            Role::TypeName => meaning.type_name = true,
            Role::Name => meaning.name = true,
            Role::TypeAt(at) => meaning.type_at = Some(path(at)),
            Role::Types(usage) => meaning.types = Some(usage),
            Role::Values => meaning.values = true,
            Role::Import(module, names) => meaning.import = Some(Importer::Paths(path(module), path(names))),
            Role::UseTree => meaning.import = Some(Importer::UseTree),
            Role::ModFile => meaning.import = Some(Importer::ModFile),
            Role::Function => meaning.function = true,
            Role::Skip => meaning.skip = true,
            Role::Tokens => meaning.tokens = true,
        }
    }

    /// What a node of this kind means, if anything.
    pub(crate) fn rule(&self, kind: u16) -> Option<&Rule> {
        match self.by_kind.get(usize::from(kind)) {
            Some(&index) if index > 0 => self.meanings.get(usize::from(index) - 1),
            _ => None,
        }
    }

    /// How to get from a called node of this kind to its name, and whether that is a member of a value.
    pub(crate) fn callee(&self, kind: u16) -> Option<&(Path, bool)> {
        match self.callees.get(usize::from(kind)) {
            Some(&index) if index > 0 => self.callee_paths.get(usize::from(index) - 1),
            _ => None,
        }
    }

    pub(crate) fn is_function(&self, kind: u16) -> bool {
        self.functions.contains(&kind)
    }
}

fn index_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_tables_is_one_of_the_grammar() {
        for language in Language::ALL {
            let rules = Rules::of(language);
            assert_eq!(rules.unknown, Vec::<String>::new(), "{}", language.name());
            assert!(rules.meanings.len() < 255 && rules.callee_paths.len() < 255);
        }
    }
}
