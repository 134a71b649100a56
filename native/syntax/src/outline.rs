//! The values an outline is made of.

use std::ops::Range;

/// What a definition is.
///
/// `Kind` is stable as a number (`kind as u8`), for records on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A function that belongs to no type.
    Function = 0,
    /// A function that belongs to a type.
    Method = 1,
    /// What makes an instance, where the language has its own form for it.
    Constructor = 2,
    /// A macro with a body: `macro_rules!`, `#define F(x)`.
    Macro = 3,
    /// A class or record.
    Class = 4,
    /// A structure or union.
    Struct = 5,
    /// An enumeration.
    Enum = 6,
    /// An interface or protocol.
    Interface = 7,
    /// A trait or mixin.
    Trait = 8,
    /// A named type: alias, typedef, and whatever is no other kind.
    Type = 9,
    /// An implementation block or extension; its name is that of the type.
    Impl = 10,
    /// A constant of a module or type.
    Constant = 11,
    /// A variable of a module.
    Variable = 12,
    /// A field or property of a type.
    Field = 13,
    /// A module or namespace that is no part of a qualified name.
    Module = 14,
    /// A module or namespace that is part of a qualified name.
    Namespace = 15,
    /// A signature without a body that other code fulfils: a prototype, a method of an interface.
    Declaration = 16,
    /// A heading of a document.
    Heading = 17,
    /// A selector of a style sheet.
    Selector = 18,
    /// The id of an element.
    Id = 19,
    /// A table: of a database, of a TOML file.
    Table = 20,
    /// Another thing that a database is made of: view, index, trigger.
    Relation = 21,
    /// A key of a data file.
    Key = 22,
}

impl Kind {
    /// Every kind, by its number.
    pub const ALL: [Self; 23] = [
        Self::Function,
        Self::Method,
        Self::Constructor,
        Self::Macro,
        Self::Class,
        Self::Struct,
        Self::Enum,
        Self::Interface,
        Self::Trait,
        Self::Type,
        Self::Impl,
        Self::Constant,
        Self::Variable,
        Self::Field,
        Self::Module,
        Self::Namespace,
        Self::Declaration,
        Self::Heading,
        Self::Selector,
        Self::Id,
        Self::Table,
        Self::Relation,
        Self::Key,
    ];

    /// Whether it is code that can be called.
    #[must_use]
    pub const fn is_function(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Constructor | Self::Macro)
    }

    /// Whether it is a type, so that functions directly in it are methods.
    #[must_use]
    pub const fn is_type(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Struct | Self::Enum | Self::Interface | Self::Trait | Self::Type | Self::Impl
        )
    }

    /// The kind's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Constructor => "constructor",
            Self::Macro => "macro",
            Self::Class => "class",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Interface => "interface",
            Self::Trait => "trait",
            Self::Type => "type",
            Self::Impl => "impl",
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Field => "field",
            Self::Module => "module",
            Self::Namespace => "namespace",
            Self::Declaration => "declaration",
            Self::Heading => "heading",
            Self::Selector => "selector",
            Self::Id => "id",
            Self::Table => "table",
            Self::Relation => "relation",
            Self::Key => "key",
        }
    }
}

/// A place where a name gets its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name alone, without the scopes it lies in.
    pub name: String,
    /// The type it belongs to where that is written in the definition itself: a Go receiver, C++ `Type::`.
    pub owner: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Everything that goes when the definition goes: with decorators, attributes and `export`, without a comment before it.
    pub whole: Range<u32>,
    /// The definition itself, without decorators and `export`.
    pub core: Range<u32>,
    /// From the start of `core` to where its body starts; where there is no body, the first line.
    pub signature: Range<u32>,
    /// Where the name is written.
    pub name_at: Range<u32>,
    /// The body, with its delimiters.
    pub body: Option<Range<u32>>,
    /// The comment directly before it, or its docstring.
    pub doc: Option<Range<u32>>,
    /// First line of `whole`, from 1.
    pub start_line: u32,
    /// Last line of `whole`, from 1, inclusive.
    pub end_line: u32,
    /// The definition it lies in, always of a lower index.
    pub parent: Option<u32>,
}

/// How a name is used.
///
/// `Use` is stable as a number (`usage as u8`), for records on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Use {
    /// Called by its name or a path to it: `f()`, `module::f()`, `new T()`, `<T />`, `@f`.
    Call = 0,
    /// Called as a member of a value: `value.f()`.
    MethodCall = 1,
    /// Named as a type.
    Type = 2,
    /// Named as a base that a type extends or implements.
    Base = 3,
}

impl Use {
    /// Every use, by its number.
    pub const ALL: [Self; 4] = [Self::Call, Self::MethodCall, Self::Type, Self::Base];

    /// Whether it is a call.
    #[must_use]
    pub const fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::MethodCall)
    }
}

/// A place where a name is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where the name (the last part of a path) is written; the text there is the name.
    pub at: Range<u32>,
    /// The line of it, from 1.
    pub line: u32,
    /// How it is used.
    pub usage: Use,
    /// The innermost definition around it.
    pub within: Option<u32>,
}

/// A module that the file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module as written, without quotes (C's system headers keep their `<>`). Rust's paths are written out (`use a::{b, c::d}` gives
    /// `a` with `b`, `a::c` with `d`), and `mod name;` is `self::name`.
    pub module: String,
    /// The names taken from it, as the module calls them; `*` for all.
    pub names: Vec<String>,
    /// The whole statement.
    pub at: Range<u32>,
    /// The first line of it, from 1.
    pub line: u32,
}

/// What one text defines, uses and imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The definitions in the order they are written; a parent precedes what lies in it.
    pub definitions: Vec<Definition>,
    /// The references by offset.
    pub references: Vec<Reference>,
    /// The imports in the order they are written.
    pub imports: Vec<Import>,
    /// How many nodes of the tree are errors or stand for something missing.
    pub errors: u32,
    /// A limit was reached, and the outline is empty for that reason.
    pub truncated: bool,
}

impl Outline {
    /// The definition's name with the scopes it lies in, joined by `.`.
    ///
    /// # Panics
    /// When `index` is not that of a definition of this outline.
    #[must_use]
    pub fn qualname(&self, index: usize) -> String {
        let mut parts = Vec::new();
        let mut next = Some(index);
        while let Some(at) = next {
            let definition = &self.definitions[at];
            if at == index || definition.kind != Kind::Module {
                parts.push(definition.name.as_str());
                parts.extend(definition.owner.as_deref());
            }
            next = definition.parent.map(|parent| parent as usize);
        }
        parts.reverse();
        parts.join(".")
    }
}
