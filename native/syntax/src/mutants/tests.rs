use super::{Change, mutants};
use crate::Language;

/// All lines of a text, each mutant as `line: what`.
fn all(language: Language, text: &str) -> Vec<String> {
    let made = mutants(language, text.as_bytes(), &[(1, 10_000)], 1000);
    made.iter().map(|mutant| format!("{}: {}", mutant.line, mutant.what)).collect()
}

/// The text with the mutant in it that is said so.
fn with(language: Language, text: &str, what: &str) -> String {
    let made = mutants(language, text.as_bytes(), &[(1, 10_000)], 1000);
    let found = made.iter().find(|mutant| mutant.what == what);
    let mutant = found.unwrap_or_else(|| panic!("{what:?} is none of {:?}", all(language, text)));
    format!("{}{}{}", &text[..mutant.at.start], mutant.text, &text[mutant.at.end..])
}

const PYTHON: &str = r#"import os  # 1 < 2
"""A module about 3 things."""

@cache(size=3)
def limit(value: int = 0, most: "int" = 10) -> int:
    """Return at most 5."""
    if value < most and value is not None:
        self.seen[value] = 1
        log(value)
        logger.info("seen")
        return value + 1
    raise ValueError("no " + value)
"#;

#[test]
fn python_has_all_kinds() {
    let made = mutants(Language::Python, PYTHON.as_bytes(), &[(1, 100)], 100);
    let kinds: std::collections::BTreeSet<Change> = made.iter().map(|mutant| mutant.change).collect();
    let most = [
        Change::Boundary,
        Change::Condition,
        Change::Statement,
        Change::Operator,
        Change::Return,
        Change::Constant,
    ];
    assert_eq!(kinds, most.into());
    assert_eq!(with(Language::Python, "if a < b:\n    pass\n", "`<` is `<=`"), "if a <= b:\n    pass\n");
    assert!(with(Language::Python, PYTHON, "`log(value)` is gone").contains("        pass\n        logger"));
    assert!(with(Language::Python, PYTHON, "`value + 1` is `None`").contains("return None\n"));
    assert!(with(Language::Python, PYTHON, "`is not` is `is`").contains("value is None"));
    assert!(
        with(Language::Python, PYTHON, "`value < most and value is not None` is negated")
            .contains("if not (value < most and value is not None):")
    );
}

#[test]
fn nothing_is_made_where_no_test_looks() {
    let told = all(Language::Python, PYTHON).join("\n");
    for line in ["1:", "2:", "4:", "6:", "10:"] {
        assert!(!told.lines().any(|one| one.starts_with(line)), "{told}");
    }
    assert!(!told.contains("is empty"), "{told}");
    assert_eq!(all(Language::Python, "if __name__ == \"__main__\":\n    main(1)\n"), Vec::<String>::new());
    assert_eq!(all(Language::Python, "__all__ = [\"a\"]\n"), Vec::<String>::new());
    assert_eq!(all(Language::Markdown, "1 < 2"), Vec::<String>::new());
    let tests = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() { assert!(1 < f(2)); g(3); }\n}\n";
    assert_eq!(all(Language::Rust, tests), Vec::<String>::new());
}

#[test]
fn only_lines_that_are_asked_about_and_each_has_its_turn() {
    let text = "def f(a):\n    x = a + 1\n    y = a < 2\n    return g(x, y)\n";
    let made = mutants(Language::Python, text.as_bytes(), &[(2, 3)], 2);
    let told: Vec<(u32, &str)> = made.iter().map(|mutant| (mutant.line, &*mutant.what)).collect();
    assert_eq!(told, [(3, "`<` is `<=`"), (2, "`+` is `-`")]);
}

#[test]
fn javascript_and_typescript() {
    let text = "'use strict';\nfunction f(a, b) {\n  if (a === b || !a) {\n    this.n += 1;\n    done(a);\n    return a ?? b;\n  }\n  return a ? 'x' : b;\n}\n";
    assert!(with(Language::JavaScript, text, "`===` is `!==`").contains("a !== b"));
    assert!(with(Language::JavaScript, text, "`done(a);` is gone").contains("    ;\n    return"));
    assert!(
        with(Language::JavaScript, text, "`a === b || !a` is negated").contains("if (!(a === b || !a)) {")
    );
    assert!(with(Language::JavaScript, text, "`!` is gone").contains("|| a)"));
    assert!(with(Language::JavaScript, text, "`'x'` is empty").contains("? \"\" :"));
    assert!(!all(Language::JavaScript, text).iter().any(|told| told.starts_with("1:")));
    let typed = "import { a } from './a';\ntype T = 'x' | 'y';\nexport function f(n: 1 | 2): number {\n  return n << 2;\n}\n";
    assert_eq!(
        all(Language::TypeScript, typed),
        ["4: `<<` is `>>`", "4: `n << 2` is `undefined as never`", "4: `2` is `3`", "4: `2` is `1`"]
    );
}

#[test]
fn go_stays_buildable() {
    let text = "package a\n\nimport \"fmt\"\n\nfunc (s *S) f(n int) (a, b int, err error) {\n\tif n > 1 && s.ok {\n\t\ts.n = n\n\t\tfmt.Println(\"x\")\n\t}\n\tfor i := 0; i < n; i++ {\n\t\tcontinue\n\t}\n\treturn n * 2, n, fmt.Errorf(\"%d\", n)\n}\n";
    assert!(with(Language::Go, text, "`s.n = n` is gone").contains("if false { s.n = n }"));
    assert!(
        with(Language::Go, text, "`fmt.Println(\"x\")` is gone").contains("if false { fmt.Println(\"x\") }")
    );
    let returned = with(Language::Go, text, "`return n * 2, n, fmt.Errorf(\"%d\", n)` returns empty values");
    assert!(
        returned.contains("if true { return *new(int), *new(int), *new(error) }; return n * 2"),
        "{returned}"
    );
    let told = all(Language::Go, text);
    assert!(
        !told.iter().any(|one| one.contains("%d\"` is empty") || one.contains("`i++` is gone")),
        "{told:?}"
    );
    assert!(told.contains(&"10: `<` is `<=`".to_owned()), "{told:?}");
}

#[test]
fn rust_stays_buildable() {
    let text = "use a::b;\n#[derive(Debug)]\nstruct S { n: [u8; 4] }\nfn f(n: usize) -> bool {\n    println!(\"{}\", n);\n    g(n)?;\n    if n >= 2 { return n == 3; }\n    if let Some(x) = h() { x.n += 1; }\n    n % 2 == 0\n}\n";
    assert!(with(Language::Rust, text, "`g(n)?;` is gone").contains("if false { g(n)?; }"));
    assert!(with(Language::Rust, text, "`n % 2 == 0` is `false`").contains("    false\n}"));
    assert!(with(Language::Rust, text, "`>=` is `>`").contains("n > 2"));
    let told = all(Language::Rust, text);
    assert!(
        !told.iter().any(|one| one.starts_with("3:") || one.starts_with("5:") || one.contains("let")),
        "{told:?}"
    );
}

#[test]
fn java_c_and_csharp_stay_buildable() {
    let text = "class A {\n  @Size(3)\n  int f(int n) {\n    if (n <= 1) this.x = n;\n    else g(n);\n    return n + 1;\n  }\n  String s() { return \"a\" + n; }\n}\n";
    assert!(
        with(Language::Java, text, "`this.x = n;` is gone")
            .contains("if (n <= 1) { if (false) { this.x = n; } }")
    );
    assert!(with(Language::Java, text, "`n + 1` is `0`").contains("return 0;"));
    assert!(with(Language::Java, text, "`\"a\" + n` is `null`").contains("return null;"));
    assert!(!all(Language::Java, text).iter().any(|one| one.starts_with("2:")));
    let c = "#include <a.h>\n#define N 3\nint f(int n) {\n  if (n == 1) { g(n); }\n  return n | 4;\n}\n";
    assert_eq!(
        all(Language::C, c),
        [
            "4: `g(n);` is gone",
            "5: `|` is `&`",
            "4: `==` is `!=`",
            "5: `n | 4` is `0`",
            "4: `1` is `2`",
            "5: `4` is `5`",
            "4: `1` is `0`",
            "5: `4` is `3`"
        ]
    );
    let sharp = "class A { bool F(int n) { if (n > 1 && ok) { Go(n); } return n < 2; } }\n";
    assert!(with(Language::CSharp, sharp, "`n < 2` is `false`").contains("return false;"));
}

#[test]
fn ruby_php_lua_kotlin_and_swift() {
    let ruby = "class A\n  attr_reader :n\n  def f(n)\n    return nil unless n > 1 && n != 3\n    @n = n\n    puts \"a\"\n    n + 1\n  end\nend\n";
    assert!(with(Language::Ruby, ruby, "`n > 1 && n != 3` is negated").contains("unless !(n > 1 && n != 3)"));
    assert!(with(Language::Ruby, ruby, "`@n = n` is gone").contains("    nil\n    puts"));
    let php =
        "<?php\nfunction f($n) {\n  if ($n >= 1 && $n) { $this->n = $n; g($n); }\n  return $n . 'a';\n}\n";
    assert!(with(Language::Php, php, "`g($n);` is gone").contains("$this->n = $n; ; }"));
    assert!(with(Language::Php, php, "`$n . 'a'` is `null`").contains("return null;"));
    let lua = "local function f(n)\n  if n ~= 1 and n then g(n) end\n  return n .. 'a'\nend\n";
    assert!(with(Language::Lua, lua, "`g(n)` is gone").contains("then do end end"));
    let kotlin = "fun f(n: Int): Int {\n  if (n < 1 || ok) { g(n) }\n  return n - 1\n}\n";
    assert!(with(Language::Kotlin, kotlin, "`g(n)` is gone").contains("{ if (false) { g(n) } }"));
    let swift = "func f(n: Int) -> Bool {\n  g(n)\n  return n < 1 && true\n}\n";
    assert!(with(Language::Swift, swift, "`<` is `<=`").contains("n <= 1"));
}

#[test]
fn broken_and_foreign_text_does_no_harm() {
    assert_eq!(mutants(Language::Python, b"\xff\xfe a < b", &[(1, 2)], 9), []);
    let made = mutants(Language::Go, b"func ( { if a < b {{{ return", &[(1, 1)], 9);
    assert!(made.iter().all(|mutant| mutant.line == 1));
    assert_eq!(mutants(Language::Python, PYTHON.as_bytes(), &[], 9), []);
}
