//! What the walk does at a node, and the compiled form of a language's table.

use std::sync::OnceLock;

use crate::meaning::{Define, Owner, Role, Table};
use crate::outline::Use;
use crate::path::{Path, kind_ids};
use crate::{Language, tables};

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
