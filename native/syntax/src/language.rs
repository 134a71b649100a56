//! The languages that can be read, and how a file shows which it is.

use crate::scanners;

/// A language with a grammar.
///
/// `Language` is stable as a number (`language as u8`), for records on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Language {
    Python = 0,
    JavaScript = 1,
    TypeScript = 2,
    Tsx = 3,
    Rust = 4,
    Go = 5,
    Java = 6,
    Kotlin = 7,
    C = 8,
    Cpp = 9,
    CSharp = 10,
    Ruby = 11,
    Php = 12,
    Swift = 13,
    Lua = 14,
    Bash = 15,
    Html = 16,
    Css = 17,
    Json = 18,
    Yaml = 19,
    Toml = 20,
    Markdown = 21,
    Sql = 22,
    /// A component file (Vue, Svelte): its script blocks are read, with the offsets they have in the file.
    Vue = 23,
}

impl Language {
    /// Every language, by its number.
    pub const ALL: [Self; 24] = [
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Tsx,
        Self::Rust,
        Self::Go,
        Self::Java,
        Self::Kotlin,
        Self::C,
        Self::Cpp,
        Self::CSharp,
        Self::Ruby,
        Self::Php,
        Self::Swift,
        Self::Lua,
        Self::Bash,
        Self::Html,
        Self::Css,
        Self::Json,
        Self::Yaml,
        Self::Toml,
        Self::Markdown,
        Self::Sql,
        Self::Vue,
    ];

    /// The language of a file: by its extension, else its name, else the `#!` line in `head` (the first bytes of the text; a
    /// hundred are plenty). Ambiguous `.h` is C++ only where `head` shows it.
    #[must_use]
    pub fn of(path: &str, head: &[u8]) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => {
                match by_extension(&extension.to_ascii_lowercase()) {
                    Some(Self::C) if extension == "h" && looks_like_cpp(head) => Some(Self::Cpp),
                    Some(language) => Some(language),
                    None => by_name(name).or_else(|| by_shebang(head)),
                }
            }
            _ => by_name(name).or_else(|| by_shebang(head)),
        }
    }

    /// The name in lower case, as editors write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Tsx => "tsx",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Java => "java",
            Self::Kotlin => "kotlin",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::CSharp => "csharp",
            Self::Ruby => "ruby",
            Self::Php => "php",
            Self::Swift => "swift",
            Self::Lua => "lua",
            Self::Bash => "bash",
            Self::Html => "html",
            Self::Css => "css",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Markdown => "markdown",
            Self::Sql => "sql",
            Self::Vue => "vue",
        }
    }

    /// Whether its files hold programs, not data, documents or styles.
    #[must_use]
    pub const fn is_code(self) -> bool {
        !matches!(self, Self::Html | Self::Css | Self::Json | Self::Yaml | Self::Toml | Self::Markdown)
    }

    pub(crate) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::Python => scanners::python(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript | Self::Vue => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
            Self::Kotlin => tree_sitter_kotlin_ng::LANGUAGE.into(),
            Self::C => tree_sitter_c::LANGUAGE.into(),
            Self::Cpp => tree_sitter_cpp::LANGUAGE.into(),
            Self::CSharp => tree_sitter_c_sharp::LANGUAGE.into(),
            Self::Ruby => scanners::ruby(),
            Self::Php => tree_sitter_php::LANGUAGE_PHP.into(),
            Self::Swift => tree_sitter_swift::LANGUAGE.into(),
            Self::Lua => tree_sitter_lua::LANGUAGE.into(),
            Self::Bash => tree_sitter_bash::LANGUAGE.into(),
            Self::Html => tree_sitter_html::LANGUAGE.into(),
            Self::Css => tree_sitter_css::LANGUAGE.into(),
            Self::Json => tree_sitter_json::LANGUAGE.into(),
            Self::Yaml => scanners::yaml(),
            Self::Toml => tree_sitter_toml_ng::LANGUAGE.into(),
            Self::Markdown => tree_sitter_md::LANGUAGE.into(),
            Self::Sql => tree_sitter_sequel::LANGUAGE.into(),
        }
    }
}

fn by_extension(extension: &str) -> Option<Language> {
    Some(match extension {
        "py" | "pyi" | "pyw" | "pyx" | "pxd" | "bzl" | "star" => Language::Python,
        "js" | "mjs" | "cjs" | "jsx" => Language::JavaScript,
        "ts" | "mts" | "cts" => Language::TypeScript,
        "tsx" => Language::Tsx,
        "rs" => Language::Rust,
        "go" => Language::Go,
        "java" => Language::Java,
        "kt" | "kts" => Language::Kotlin,
        "c" | "h" => Language::C,
        "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "ipp" | "inl" | "tpp" | "cu"
        | "cuh" => Language::Cpp,
        "cs" => Language::CSharp,
        "rb" | "rake" | "gemspec" | "ru" => Language::Ruby,
        "php" | "phtml" => Language::Php,
        "swift" => Language::Swift,
        "lua" => Language::Lua,
        "sh" | "bash" | "zsh" | "ksh" | "bats" => Language::Bash,
        "html" | "htm" | "xhtml" => Language::Html,
        "css" | "scss" | "less" => Language::Css,
        "json" | "jsonc" | "webmanifest" => Language::Json,
        "yaml" | "yml" => Language::Yaml,
        "toml" => Language::Toml,
        "md" | "markdown" => Language::Markdown,
        "sql" | "ddl" => Language::Sql,
        "vue" | "svelte" => Language::Vue,
        _ => return None,
    })
}

fn by_name(name: &str) -> Option<Language> {
    Some(match name {
        "Rakefile" | "Gemfile" | "Vagrantfile" | "Podfile" | "Brewfile" => Language::Ruby,
        "SConstruct" | "SConscript" | "BUILD" | "BUILD.bazel" | "WORKSPACE" => Language::Python,
        "Cargo.lock" | "Pipfile" | "poetry.lock" | "uv.lock" => Language::Toml,
        "Pipfile.lock" | "composer.lock" | ".eslintrc" | ".prettierrc" | ".babelrc" => Language::Json,
        ".bashrc" | ".bash_profile" | ".profile" | ".zshrc" | ".envrc" | "PKGBUILD" => Language::Bash,
        _ => return None,
    })
}

fn by_shebang(head: &[u8]) -> Option<Language> {
    let line = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..line.len().min(200))?).ok()?;
    let mut words = line.split_ascii_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?.rsplit('/').next()?;
    }
    match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "python" | "pypy" => Some(Language::Python),
        "node" | "nodejs" | "bun" => Some(Language::JavaScript),
        "deno" | "ts-node" | "tsx" => Some(Language::TypeScript),
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "bats" => Some(Language::Bash),
        "ruby" => Some(Language::Ruby),
        "php" => Some(Language::Php),
        "lua" | "luajit" => Some(Language::Lua),
        "swift" => Some(Language::Swift),
        _ => None,
    }
}

fn looks_like_cpp(head: &[u8]) -> bool {
    head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).any(|line| {
        [
            &b"class "[..],
            b"namespace ",
            b"template <",
            b"template<",
            b"public:",
            b"private:",
            b"using namespace ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
            || (line.starts_with(b"#include <") && line.ends_with(b">") && !line.ends_with(b".h>"))
    })
}
