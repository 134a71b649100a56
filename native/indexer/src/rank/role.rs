//! What a file is for, as far as its path tells.

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Code of the product.
    Source,
    /// Tests, their fixtures, benchmarks.
    Test,
    /// Examples and playgrounds.
    Example,
    /// Documentation, whatever it is written in.
    Document,
    /// Vendored, generated or minified code.
    Foreign,
    /// Text that is no code: settings, data, templates, styles.
    Data,
}

impl Role {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Source, Self::Test, Self::Example, Self::Document, Self::Foreign, Self::Data];

    /// The role's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Test => "test",
            Self::Example => "example",
            Self::Document => "document",
            Self::Foreign => "foreign",
            Self::Data => "data",
        }
    }
}

#[rustfmt::skip]
const CODE: &[&str] = &[
    "py", "pyx", "pyi", "rs", "go", "java", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "cs", "rb",
    "php", "swift", "kt", "kts", "scala", "lua", "sh", "bash", "zsh", "pl", "pm", "r", "jl", "ex", "exs", "erl", "hs", "ml", "mli", "clj", "dart", "m", "mm", "vue", "svelte",
    "tcl", "groovy", "f90", "zig", "nim", "sql", "proto", "el", "vim", "awk", "ps1",
];
const DOCUMENTS: &[&str] = &["md", "rst", "txt", "adoc", "mdx", "markdown", "org", "pod", "1", "3", "5"];
#[rustfmt::skip]
const TEST_FOLDERS: &[&str] = &[
    "test", "tests", "__tests__", "spec", "specs", "testdata", "test_data", "test-data", "testing_data", "fixtures", "__mocks__", "e2e", "benches", "bench", "benchmark",
    "benchmarks", "test-dts", "dts-test", "tests-integration", "tests-build", "stress-test", "testscripts", "fuzz", "testsuite", "__fixtures__", "__snapshots__",
];
const EXAMPLE_FOLDERS: &[&str] = &["example", "examples", "playground", "playgrounds", "example_app"];
const DOCUMENT_FOLDERS: &[&str] = &["docs", "doc"];
const FOREIGN_FOLDERS: &[&str] =
    &["vendor", "node_modules", "third_party", "thirdparty", "dist", "deps", "_vendor"];

/// What the file at `path` is for.
#[must_use]
pub fn role(path: &str) -> Role {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let within = |set: &[&str]| {
        folders.split('/').any(|folder| set.iter().any(|known| folder.eq_ignore_ascii_case(known)))
    };
    let code = CODE.contains(&ending.as_str());
    let tests = folders.split('/').any(|folder| folder.ends_with("-tests") || folder.ends_with("_tests"));
    let testing = within(TEST_FOLDERS) || folders.split('/').next() == Some("testing");
    if testing || tests || (code && is_test_name(name)) {
        Role::Test
    } else if within(EXAMPLE_FOLDERS) {
        Role::Example
    } else if within(DOCUMENT_FOLDERS)
        || DOCUMENTS.contains(&ending.as_str())
        || !code && name.chars().all(|c| c.is_ascii_uppercase())
    {
        Role::Document
    } else if within(FOREIGN_FOLDERS) || is_generated_name(name) {
        Role::Foreign
    } else if code {
        Role::Source
    } else {
        Role::Data
    }
}

fn is_generated_name(name: &str) -> bool {
    [".min.js", ".pb.go", "_generated.go", ".d.ts", "_pb2.py", ".lock", ".snap", ".map"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Whether a file name is one that test runners look for.
fn is_test_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let stem = parts.next().unwrap_or(name);
    let ending = name.rsplit('.').next().unwrap_or_default();
    let capital = |rest: &str| rest.starts_with(|first: char| first.is_ascii_uppercase());
    let ends = ["Test", "Tests", "TestCase", "Benchmark"].iter().any(|end| stem.ends_with(end));
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || matches!(stem, "test" | "tests" | "conftest")
        || parts.any(|part| matches!(part, "test" | "spec" | "test-d"))
        || matches!(ending, "java" | "kt" | "cs" | "swift")
            && (ends || stem.strip_prefix("Test").is_some_and(capital))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_files_are_for() {
        for (path, expected) in [
            ("src/parser.py", Role::Source),
            ("src/testing.py", Role::Source),
            ("lib/testing/client.rb", Role::Source),
            ("tests/helpers.py", Role::Test),
            ("testing/conftest.py", Role::Test),
            ("pkg/parser_test.go", Role::Test),
            ("src/parser.spec.ts", Role::Test),
            ("a/src/ParserTest.java", Role::Test),
            ("a/src/Testament.java", Role::Source),
            ("examples/hello.rs", Role::Example),
            ("docs/conf.py", Role::Document),
            ("README.md", Role::Document),
            ("LICENSE", Role::Document),
            ("vendor/x/y.go", Role::Foreign),
            ("web/app.min.js", Role::Foreign),
            ("package.json", Role::Data),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
