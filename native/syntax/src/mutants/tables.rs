//! What of each language can be changed a little: the kinds of its nodes, and how its code is written. Data only.

use crate::Language;

/// How a statement is taken out so that the rest still builds.
#[derive(Clone, Copy)]
pub(super) enum Gone {
    /// This stands in its place.
    Text(&'static str),
    /// It stays, where it is never reached: what it names stays used.
    Within(&'static str, &'static str),
}

/// What is returned in place of a value.
#[derive(Clone, Copy)]
pub(super) enum Default {
    /// The same for every type.
    Any(&'static str),
    /// The empty value of the types in the result of a Go function.
    Go,
    /// By the word of the type: the field that holds it, words with their values, and the value of all other types.
    Typed(&'static str, &'static [(&'static str, &'static str)], Option<&'static str>),
    /// Nothing that builds for sure.
    Never,
}

/// What of a language can be changed.
pub(super) struct Table {
    /// Nothing within these is touched: comments, imports, types, attributes.
    pub skip: &'static [&'static str],
    /// Nodes whose operator is a child of its own.
    pub operators: &'static [&'static str],
    /// What its own operators become, beside the common ones.
    pub swaps: &'static [(&'static str, &'static str)],
    pub numbers: &'static [&'static str],
    pub truths: &'static [&'static str],
    pub strings: &'static [&'static str],
    /// Nodes with a condition: its field, or the number of the named child.
    pub conditions: &'static [(&'static str, &'static str)],
    /// What stands before and after a condition to negate it.
    pub negation: (&'static str, &'static str),
    /// What can be taken out: the kind, and the kind of what is in it ("" for any).
    pub statements: &'static [(&'static str, &'static str)],
    /// Where a statement can be taken out.
    pub blocks: &'static [&'static str],
    pub gone: Gone,
    pub returns: &'static [&'static str],
    pub default: Default,
    /// Functions, whose result says what may be returned.
    pub functions: &'static [&'static str],
    /// Where texts are for people who look for a fault.
    pub throws: &'static [&'static str],
}

/// The table of a language; `None` for data, documents and styles.
pub(super) const fn of(language: Language) -> Option<&'static Table> {
    Some(match language {
        Language::Python => &PYTHON,
        Language::JavaScript => &JAVASCRIPT,
        Language::TypeScript | Language::Tsx | Language::Vue => &TYPESCRIPT,
        Language::Rust => &RUST,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::Kotlin => &KOTLIN,
        Language::C | Language::Cpp => &C,
        Language::CSharp => &CSHARP,
        Language::Ruby => &RUBY,
        Language::Php => &PHP,
        Language::Swift => &SWIFT,
        Language::Lua => &LUA,
        Language::Bash => &BASH,
        Language::Sql => &SQL,
        Language::Html
        | Language::Css
        | Language::Json
        | Language::Yaml
        | Language::Toml
        | Language::Markdown => return None,
    })
}

/// What an operator becomes: those of the bounds first.
pub(super) const SWAPS: &[(&str, &str)] = &[
    ("<", "<="),
    ("<=", "<"),
    (">", ">="),
    (">=", ">"),
    ("==", "!="),
    ("!=", "=="),
    ("===", "!=="),
    ("!==", "==="),
    ("&&", "||"),
    ("||", "&&"),
    ("and", "or"),
    ("or", "and"),
    ("+", "-"),
    ("-", "+"),
    ("*", "/"),
    ("/", "*"),
    ("%", "*"),
    ("&", "|"),
    ("|", "&"),
    ("^", "&"),
    ("<<", ">>"),
    (">>", "<<"),
    ("+=", "-="),
    ("-=", "+="),
    ("*=", "/="),
    ("/=", "*="),
    ("|=", "&="),
    ("&=", "|="),
    ("++", "--"),
    ("--", "++"),
];

const BANG: (&str, &str) = ("!(", ")");
const BRANCH: (&str, &str) = ("{ if (false) { ", " } }");
const NOTHING: Table = Table {
    skip: &[],
    operators: &["binary_expression"],
    swaps: &[],
    numbers: &[],
    truths: &["true", "false"],
    strings: &[],
    conditions: &[],
    negation: BANG,
    statements: &[],
    blocks: &[],
    gone: Gone::Text(";"),
    returns: &["return_statement"],
    default: Default::Never,
    functions: &[],
    throws: &["throw_statement"],
};

static PYTHON: Table = Table {
    skip: &[
        "comment",
        "import_statement",
        "import_from_statement",
        "future_import_statement",
        "type",
        "decorator",
        "type_alias_statement",
        "assert_statement",
    ],
    operators: &["comparison_operator", "boolean_operator", "binary_operator", "augmented_assignment"],
    swaps: &[
        ("is", "is not"),
        ("is not", "is"),
        ("in", "not in"),
        ("not in", "in"),
        ("//", "*"),
        ("**", "*"),
        ("//=", "*="),
        ("<>", "=="),
    ],
    numbers: &["integer", "float"],
    strings: &["string", "concatenated_string"],
    conditions: &[
        ("if_statement", "condition"),
        ("elif_clause", "condition"),
        ("if_clause", "0"),
        ("conditional_expression", "1"),
    ],
    negation: ("not (", ")"),
    statements: &[
        ("expression_statement", "call"),
        ("expression_statement", "await"),
        ("expression_statement", "augmented_assignment"),
        ("expression_statement", "assignment left: attribute"),
        ("expression_statement", "assignment left: subscript"),
        ("raise_statement", ""),
        ("delete_statement", ""),
        ("break_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["block", "module"],
    gone: Gone::Text("pass"),
    default: Default::Any("None"),
    throws: &["raise_statement"],
    ..NOTHING
};

const ECMASCRIPT_STATEMENTS: &[(&str, &str)] = &[
    ("expression_statement", "call_expression"),
    ("expression_statement", "await_expression"),
    ("expression_statement", "assignment_expression"),
    ("expression_statement", "augmented_assignment_expression"),
    ("expression_statement", "update_expression"),
    ("throw_statement", ""),
    ("break_statement", ""),
    ("continue_statement", ""),
];

const ECMASCRIPT: Table = Table {
    skip: &["comment", "import_statement", "decorator", "html_comment", "export_clause", "regex"],
    operators: &["binary_expression", "augmented_assignment_expression", "update_expression"],
    swaps: &[("??", "&&"), ("**", "*"), (">>>", "<<")],
    numbers: &["number"],
    strings: &["string", "template_string"],
    conditions: &[("if_statement", "condition"), ("ternary_expression", "condition")],
    statements: ECMASCRIPT_STATEMENTS,
    blocks: &[
        "statement_block",
        "program",
        "if_statement",
        "else_clause",
        "switch_case",
        "switch_default",
        "for_in_statement",
    ],
    default: Default::Any("undefined"),
    ..NOTHING
};

static JAVASCRIPT: Table = ECMASCRIPT;

static TYPESCRIPT: Table = Table {
    skip: &[
        "comment",
        "import_statement",
        "decorator",
        "html_comment",
        "export_clause",
        "regex",
        "type_annotation",
        "type_arguments",
        "type_parameters",
        "type_alias_declaration",
        "interface_declaration",
        "ambient_declaration",
        "literal_type",
        "enum_declaration",
    ],
    default: Default::Any("undefined as never"),
    ..ECMASCRIPT
};

static GO: Table = Table {
    skip: &[
        "comment",
        "import_declaration",
        "package_clause",
        "type_declaration",
        "field_declaration",
        "array_type",
        "map_type",
        "slice_type",
        "type_arguments",
        "parameter_list",
    ],
    operators: &["binary_expression", "assignment_statement", "inc_statement", "dec_statement"],
    swaps: &[("&^", "&")],
    numbers: &["int_literal", "float_literal"],
    strings: &["interpreted_string_literal", "raw_string_literal"],
    conditions: &[("if_statement", "condition")],
    statements: &[
        ("expression_statement", "call_expression"),
        ("assignment_statement", ""),
        ("inc_statement", ""),
        ("dec_statement", ""),
        ("send_statement", ""),
        ("defer_statement", ""),
        ("break_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["block", "statement_list", "expression_case", "type_case", "default_case"],
    gone: Gone::Within("if false { ", " }"),
    default: Default::Go,
    functions: &["function_declaration", "method_declaration", "func_literal"],
    throws: &[],
    ..NOTHING
};

static RUST: Table = Table {
    skip: &[
        "line_comment",
        "block_comment",
        "use_declaration",
        "extern_crate_declaration",
        "attribute_item",
        "inner_attribute_item",
        "type_item",
        "struct_item",
        "enum_item",
        "type_arguments",
        "type_parameters",
        "array_type",
        "parameters",
        "macro_definition",
        "token_tree",
        "match_pattern",
        "where_clause",
        "const_block",
    ],
    operators: &["binary_expression", "compound_assignment_expr"],
    numbers: &["integer_literal", "float_literal"],
    truths: &["boolean_literal"],
    strings: &["string_literal", "raw_string_literal"],
    conditions: &[("if_expression", "condition")],
    statements: &[
        ("expression_statement", "call_expression"),
        ("expression_statement", "await_expression"),
        ("expression_statement", "try_expression"),
        ("expression_statement", "assignment_expression"),
        ("expression_statement", "compound_assignment_expr"),
        ("expression_statement", "break_expression"),
        ("expression_statement", "continue_expression"),
    ],
    blocks: &["block"],
    gone: Gone::Within("if false { ", " }"),
    returns: &["return_expression"],
    default: Default::Typed(
        "return_type",
        &[
            ("bool", "false"),
            ("i8", "0"),
            ("i16", "0"),
            ("i32", "0"),
            ("i64", "0"),
            ("isize", "0"),
            ("u8", "0"),
            ("u16", "0"),
            ("u32", "0"),
            ("u64", "0"),
            ("usize", "0"),
            ("f32", "0.0"),
            ("f64", "0.0"),
            ("String", "String::new()"),
            ("Vec", "Vec::new()"),
            ("Option", "None"),
            ("&str", "\"\""),
            ("&'static str", "\"\""),
        ],
        None,
    ),
    functions: &["function_item", "closure_expression"],
    throws: &[],
    ..NOTHING
};

const NUMBERS: &[(&str, &str)] = &[
    ("boolean", "false"),
    ("bool", "false"),
    ("int", "0"),
    ("long", "0"),
    ("short", "(short) 0"),
    ("byte", "(byte) 0"),
    ("char", "(char) 0"),
    ("float", "0"),
    ("double", "0"),
];

static JAVA: Table = Table {
    skip: &[
        "line_comment",
        "block_comment",
        "import_declaration",
        "package_declaration",
        "annotation",
        "marker_annotation",
        "type_arguments",
        "type_parameters",
        "switch_label",
        "assert_statement",
    ],
    operators: &["binary_expression", "assignment_expression", "update_expression"],
    swaps: &[(">>>", "<<")],
    numbers: &["decimal_integer_literal", "decimal_floating_point_literal"],
    strings: &["string_literal"],
    conditions: &[("if_statement", "condition"), ("ternary_expression", "condition")],
    statements: &[
        ("expression_statement", "method_invocation"),
        ("expression_statement", "assignment_expression"),
        ("expression_statement", "update_expression"),
        ("throw_statement", ""),
        ("break_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["block", "constructor_body", "if_statement", "switch_block_statement_group"],
    gone: Gone::Within(BRANCH.0, BRANCH.1),
    default: Default::Typed("type", NUMBERS, Some("null")),
    functions: &["method_declaration", "lambda_expression"],
    ..NOTHING
};

static KOTLIN: Table = Table {
    skip: &[
        "line_comment",
        "block_comment",
        "import",
        "package_header",
        "annotation",
        "file_annotation",
        "user_type",
        "nullable_type",
        "type_arguments",
    ],
    operators: &["binary_expression", "assignment", "in_expression", "unary_expression"],
    swaps: &[("in", "!in"), ("!in", "in")],
    numbers: &["number_literal", "float_literal"],
    strings: &["string_literal"],
    conditions: &[("if_expression", "condition")],
    statements: &[("call_expression", ""), ("assignment", ""), ("throw_expression", "")],
    blocks: &["block"],
    gone: Gone::Within("if (false) { ", " }"),
    returns: &[],
    throws: &["throw_expression"],
    ..NOTHING
};

static C: Table = Table {
    skip: &[
        "comment",
        "preproc_include",
        "preproc_call",
        "preproc_def",
        "preproc_function_def",
        "type_descriptor",
        "struct_specifier",
        "enum_specifier",
        "union_specifier",
        "array_declarator",
        "attribute_specifier",
        "parameter_list",
        "template_argument_list",
        "template_parameter_list",
        "static_assert_declaration",
        "case_label",
    ],
    operators: &["binary_expression", "assignment_expression", "update_expression"],
    numbers: &["number_literal"],
    strings: &["string_literal", "raw_string_literal"],
    conditions: &[("if_statement", "condition"), ("conditional_expression", "condition")],
    statements: &[
        ("expression_statement", "call_expression"),
        ("expression_statement", "assignment_expression"),
        ("expression_statement", "update_expression"),
        ("throw_statement", ""),
        ("break_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["compound_statement", "if_statement", "else_clause", "case_statement"],
    gone: Gone::Within("{ if (0) { ", " } }"),
    default: Default::Typed(
        "type",
        &[
            ("bool", "0"),
            ("int", "0"),
            ("long", "0"),
            ("short", "0"),
            ("char", "0"),
            ("size_t", "0"),
            ("float", "0"),
            ("double", "0"),
            ("unsigned", "0"),
        ],
        None,
    ),
    functions: &["function_definition", "lambda_expression"],
    ..NOTHING
};

static CSHARP: Table = Table {
    skip: &[
        "comment",
        "using_directive",
        "attribute_list",
        "type_argument_list",
        "nullable_type",
        "array_type",
        "parameter_list",
        "enum_declaration",
    ],
    operators: &[
        "binary_expression",
        "assignment_expression",
        "postfix_unary_expression",
        "prefix_unary_expression",
    ],
    numbers: &["integer_literal", "real_literal"],
    truths: &["boolean_literal"],
    strings: &["string_literal", "verbatim_string_literal", "interpolated_string_expression"],
    conditions: &[("if_statement", "condition"), ("conditional_expression", "condition")],
    statements: &[
        ("expression_statement", "invocation_expression"),
        ("expression_statement", "assignment_expression"),
        ("expression_statement", "await_expression"),
        ("expression_statement", "postfix_unary_expression"),
        ("expression_statement", "prefix_unary_expression"),
        ("throw_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["block", "if_statement"],
    gone: Gone::Within(BRANCH.0, BRANCH.1),
    default: Default::Typed("returns", NUMBERS, Some("default")),
    functions: &["method_declaration", "local_function_statement", "lambda_expression"],
    ..NOTHING
};

static RUBY: Table = Table {
    skip: &["comment", "alias", "undef", "superclass", "regex"],
    operators: &["binary", "operator_assignment"],
    swaps: &[("=~", "!~"), ("!~", "=~"), ("**", "*"), ("||=", "&&=")],
    numbers: &["integer", "float"],
    strings: &["string"],
    conditions: &[
        ("if", "condition"),
        ("unless", "condition"),
        ("elsif", "condition"),
        ("if_modifier", "condition"),
        ("unless_modifier", "condition"),
        ("conditional", "condition"),
    ],
    statements: &[
        ("call", ""),
        ("operator_assignment", ""),
        ("assignment", "left: instance_variable"),
        ("assignment", "left: element_reference"),
        ("assignment", "left: call"),
        ("break", ""),
        ("next", ""),
    ],
    blocks: &["body_statement", "then", "else", "block_body", "ensure"],
    gone: Gone::Text("nil"),
    returns: &["return"],
    default: Default::Any("nil"),
    ..NOTHING
};

static PHP: Table = Table {
    skip: &[
        "comment",
        "namespace_use_declaration",
        "namespace_definition",
        "attribute_list",
        "named_type",
        "union_type",
        "primitive_type",
    ],
    operators: &["binary_expression", "augmented_assignment_expression", "update_expression"],
    swaps: &[("<>", "=="), ("**", "*"), ("??", "&&")],
    numbers: &["integer", "float"],
    truths: &["boolean"],
    strings: &["string", "encapsed_string"],
    conditions: &[
        ("if_statement", "condition"),
        ("else_if_clause", "condition"),
        ("conditional_expression", "condition"),
    ],
    statements: &[
        ("expression_statement", "function_call_expression"),
        ("expression_statement", "member_call_expression"),
        ("expression_statement", "scoped_call_expression"),
        ("expression_statement", "assignment_expression"),
        ("expression_statement", "augmented_assignment_expression"),
        ("expression_statement", "update_expression"),
        ("expression_statement", "throw_expression"),
        ("break_statement", ""),
        ("continue_statement", ""),
    ],
    blocks: &["compound_statement", "case_statement", "default_statement"],
    default: Default::Any("null"),
    throws: &["throw_expression"],
    ..NOTHING
};

static SWIFT: Table = Table {
    skip: &[
        "comment",
        "multiline_comment",
        "import_declaration",
        "attribute",
        "type_annotation",
        "type_arguments",
        "user_type",
    ],
    operators: &[
        "comparison_expression",
        "equality_expression",
        "additive_expression",
        "multiplicative_expression",
        "conjunction_expression",
        "disjunction_expression",
        "bitwise_operation",
        "assignment",
    ],
    numbers: &["integer_literal", "real_literal"],
    truths: &["boolean_literal"],
    strings: &["line_string_literal"],
    conditions: &[("ternary_expression", "condition")],
    statements: &[("call_expression", ""), ("assignment", "")],
    blocks: &["statements"],
    gone: Gone::Within("if false { ", " }"),
    returns: &[],
    throws: &[],
    ..NOTHING
};

static LUA: Table = Table {
    skip: &["comment", "hash_bang_line"],
    swaps: &[("==", "~="), ("~=", "=="), ("//", "*"), ("^", "*")],
    numbers: &["number"],
    strings: &["string"],
    conditions: &[("if_statement", "condition"), ("elseif_statement", "condition")],
    negation: ("not (", ")"),
    statements: &[("function_call", ""), ("assignment_statement", "")],
    blocks: &["block", "chunk"],
    gone: Gone::Text("do end"),
    default: Default::Any("nil"),
    throws: &[],
    ..NOTHING
};

static BASH: Table = Table {
    skip: &["comment", "regex"],
    operators: &["binary_expression", "list"],
    swaps: &[("=", "!="), ("=~", "!=")],
    numbers: &[],
    truths: &[],
    strings: &["string", "raw_string"],
    statements: &[("command", "")],
    blocks: &["compound_statement", "do_group", "subshell"],
    gone: Gone::Text(":"),
    returns: &[],
    throws: &[],
    ..NOTHING
};

static SQL: Table = Table {
    skip: &["comment", "marginalia", "create_table", "create_index"],
    swaps: &[("=", "<>"), ("<>", "="), ("AND", "OR"), ("OR", "AND")],
    returns: &[],
    throws: &[],
    ..NOTHING
};
