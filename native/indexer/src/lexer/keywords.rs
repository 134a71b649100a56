//! The keywords after which something is defined or imported, and what they mean in each family of languages.

use std::sync::LazyLock;

use super::family::Family;

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
pub(crate) enum Use {
    Nothing,
    Define(Kind),
    Import,
}

/// What the keywords mean in one family.
pub(crate) struct Keywords {
    pub family: Family,
    pub uses: [Use; KEYWORDS.len()],
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
