//! Languages by the name of a file.

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
    pub const ALL: [Self; 17] = [
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
