//! What a node can mean: the words that the tables are written in.

use crate::outline::{Kind, Use};

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
