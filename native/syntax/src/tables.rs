//! The tables: what the nodes of each grammar mean. Data only; `meaning` says what the words mean, `path` how paths are written.

use crate::Language;
use crate::meaning::{Define, Naming, Owner, Role, Row, Table, When};
use crate::outline::{Kind, Use};

const NOTHING: Table =
    Table { rows: &[], callees: &[], functions: &[], import_calls: &[], docstrings: false };

/// The table of a language.
pub(crate) const fn of(language: Language) -> &'static Table {
    match language {
        Language::Python => &PYTHON,
        Language::JavaScript => &JAVASCRIPT,
        Language::TypeScript | Language::Tsx | Language::Vue => match language {
            Language::Tsx => &TSX,
            _ => &TYPESCRIPT,
        },
        Language::Rust => &RUST,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::Kotlin => &KOTLIN,
        Language::C => &C,
        Language::Cpp => &CPP,
        Language::CSharp => &CSHARP,
        Language::Ruby => &RUBY,
        Language::Php => &PHP,
        Language::Swift => &SWIFT,
        Language::Lua => &LUA,
        Language::Bash => &BASH,
        Language::Html => &HTML,
        Language::Css => &CSS,
        Language::Json => &JSON,
        Language::Yaml => &YAML,
        Language::Toml => &TOML,
        Language::Markdown => &MARKDOWN,
        Language::Sql => &SQL,
    }
}

const fn define(kind: Kind) -> Define {
    Define::new(kind)
}

/// A definition with `name:` and `body:`.
const fn with_body(kind: Kind) -> Define {
    Define::new(kind).body("body:")
}

static PYTHON: Table = Table {
    rows: &[&[
        ("function_definition", with_body(Kind::Function).role()),
        ("class_definition", with_body(Kind::Class).bases("superclasses:").role()),
        ("decorated_definition", Role::Wrap),
        ("expression_statement", Role::Statement),
        ("assignment", define(Kind::Variable).name("left:").when(When::Global).role()),
        ("type_alias_statement", define(Kind::Type).name("left: _").when(When::Global).role()),
        ("decorator", Role::Call("_")),
        ("call", Role::Call("function:")),
        ("type", Role::Types(Use::Type)),
        ("identifier", Role::Name),
        ("lambda", Role::Function),
        ("comment", Role::Comment),
        ("import_statement|future_import_statement", Role::Import("name: name:?", "")),
        ("import_from_statement", Role::Import("module_name:", "name: name:? | wildcard_import")),
        ("string", Role::Skip),
    ]],
    callees: &[("attribute", "attribute:", true), ("subscript", "value:", false)],
    docstrings: true,
    ..NOTHING
};

const ECMASCRIPT: &[Row] = &[
    ("function_declaration|generator_function_declaration", with_body(Kind::Function).role()),
    ("method_definition", with_body(Kind::Method).role()),
    ("export_statement", Role::Wrap),
    ("export_statement", Role::Import("source:", "export_clause export_specifier name:")),
    ("lexical_declaration|variable_declaration|expression_statement", Role::Statement),
    (
        "variable_declarator",
        define(Kind::Variable)
            .naming(Naming::LastWord)
            .value("value:")
            .body("value: body:")
            .when(When::BoundOrGlobal)
            .role(),
    ),
    (
        "pair",
        define(Kind::Function)
            .name("key:")
            .naming(Naming::LastWord)
            .value("value:")
            .body("value: body:")
            .when(When::Bound)
            .role(),
    ),
    (
        "assignment_expression",
        define(Kind::Function)
            .name("left:")
            .naming(Naming::LastWord)
            .value("right:")
            .body("right: body:")
            .when(When::Bound)
            .role(),
    ),
    ("decorator", Role::Attribute),
    ("decorator", Role::Call("_")),
    ("call_expression", Role::Call("function:")),
    ("new_expression", Role::Call("constructor:")),
    ("class_heritage", Role::Types(Use::Base)),
    ("identifier|property_identifier", Role::Name),
    ("arrow_function|function_expression|generator_function", Role::Function),
    ("comment", Role::Comment),
    (
        "import_statement",
        Role::Import(
            "source:",
            "import_clause identifier | import_clause named_imports import_specifier name: | import_clause namespace_import identifier",
        ),
    ),
    ("string|regex", Role::Skip),
];

const JSX: &[Row] = &[("jsx_self_closing_element|jsx_opening_element", Role::Element("name:"))];

const CLASS_DECLARATION: &[Row] = &[("class_declaration", with_body(Kind::Class).role())];

const TYPESCRIPT_ONLY: &[Row] = &[
    ("abstract_class_declaration", with_body(Kind::Class).role()),
    ("import_require_clause", Role::Import("source:", "identifier")),
    ("interface_declaration", with_body(Kind::Interface).role()),
    ("enum_declaration", with_body(Kind::Enum).role()),
    ("type_alias_declaration", define(Kind::Type).role()),
    ("internal_module", with_body(Kind::Namespace).role()),
    ("module", with_body(Kind::Module).naming(Naming::Unquoted).role()),
    ("ambient_declaration", Role::Wrap),
    ("function_signature", define(Kind::Function).role()),
    ("abstract_method_signature", define(Kind::Method).role()),
    ("method_signature", define(Kind::Declaration).role()),
    (
        "public_field_definition",
        define(Kind::Field)
            .naming(Naming::LastWord)
            .value("value:")
            .body("value: body:")
            .when(When::BoundOrGlobal)
            .role(),
    ),
    ("extends_type_clause", Role::Types(Use::Base)),
    ("type_arguments", Role::Types(Use::Type)),
    ("type_identifier", Role::TypeName),
];

const ECMASCRIPT_CALLEES: &[(&str, &str, bool)] = &[("member_expression", "property:", true)];
const TYPESCRIPT_CALLEES: &[(&str, &str, bool)] =
    &[("member_expression", "property:", true), ("non_null_expression", "_", false)];
const ECMASCRIPT_FUNCTIONS: &[&str] = &["arrow_function", "function_expression", "generator_function"];

static JAVASCRIPT: Table = Table {
    rows: &[
        ECMASCRIPT,
        JSX,
        CLASS_DECLARATION,
        &[(
            "field_definition",
            define(Kind::Field)
                .name("property:")
                .naming(Naming::LastWord)
                .value("value:")
                .body("value: body:")
                .when(When::BoundOrGlobal)
                .role(),
        )],
    ],
    callees: ECMASCRIPT_CALLEES,
    functions: ECMASCRIPT_FUNCTIONS,
    import_calls: &["require", "import"],
    ..NOTHING
};

static TYPESCRIPT: Table = Table {
    rows: &[ECMASCRIPT, CLASS_DECLARATION, TYPESCRIPT_ONLY],
    callees: TYPESCRIPT_CALLEES,
    functions: ECMASCRIPT_FUNCTIONS,
    import_calls: &["require", "import"],
    ..NOTHING
};

static TSX: Table = Table { rows: &[ECMASCRIPT, JSX, CLASS_DECLARATION, TYPESCRIPT_ONLY], ..TYPESCRIPT };

static RUST: Table = Table {
    rows: &[&[
        ("function_item", with_body(Kind::Function).role()),
        ("function_signature_item", define(Kind::Function).role()),
        ("macro_definition", define(Kind::Macro).role()),
        ("struct_item|union_item", with_body(Kind::Struct).role()),
        ("enum_item", with_body(Kind::Enum).role()),
        ("trait_item", with_body(Kind::Trait).role()),
        ("type_item", define(Kind::Type).role()),
        ("impl_item", with_body(Kind::Impl).name("type:").naming(Naming::TypePath).role()),
        ("mod_item", with_body(Kind::Module).when(When::HasBody).role()),
        ("mod_item", Role::ModFile),
        ("const_item|static_item", define(Kind::Constant).when(When::Global).role()),
        ("attribute_item", Role::Attribute),
        ("line_comment|block_comment", Role::Comment),
        ("call_expression", Role::Call("function:")),
        ("macro_invocation", Role::Call("macro:")),
        ("token_tree", Role::Tokens),
        ("type_identifier", Role::TypeName),
        ("closure_expression", Role::Function),
        ("use_declaration|extern_crate_declaration", Role::UseTree),
        ("string_literal|raw_string_literal", Role::Skip),
    ]],
    callees: &[
        ("field_expression", "field:", true),
        ("scoped_identifier", "name:", false),
        ("generic_function", "function:", false),
    ],
    ..NOTHING
};

static GO: Table = Table {
    rows: &[&[
        ("function_declaration", with_body(Kind::Function).role()),
        ("method_declaration", with_body(Kind::Method).owner(Owner::Receiver("receiver:")).role()),
        ("type_spec|type_alias", define(Kind::Type).refined().role()),
        ("type_declaration|const_declaration|var_declaration", Role::Statement),
        ("const_spec", define(Kind::Constant).when(When::Global).role()),
        ("var_spec", define(Kind::Variable).when(When::Global).role()),
        ("method_elem", define(Kind::Declaration).role()),
        ("call_expression", Role::Call("function:")),
        ("type_identifier", Role::TypeName),
        ("func_literal", Role::Function),
        ("import_spec", Role::Import("path:", "")),
        ("comment", Role::Comment),
    ]],
    callees: &[
        ("selector_expression", "field:", true),
        ("parenthesized_expression", "_", false),
        ("generic_type", "type:", false),
    ],
    ..NOTHING
};

static JAVA: Table = Table {
    rows: &[&[
        ("class_declaration|record_declaration", with_body(Kind::Class).role()),
        ("interface_declaration|annotation_type_declaration", with_body(Kind::Interface).role()),
        ("enum_declaration", with_body(Kind::Enum).role()),
        ("method_declaration", with_body(Kind::Method).role()),
        ("constructor_declaration|compact_constructor_declaration", with_body(Kind::Constructor).role()),
        ("field_declaration|constant_declaration", define(Kind::Field).name("declarator: name:").role()),
        ("line_comment|block_comment", Role::Comment),
        ("method_invocation", Role::Invoke("name:", "object:")),
        ("object_creation_expression", Role::Call("type:")),
        ("annotation|marker_annotation", Role::TypeAt("name:")),
        ("superclass|super_interfaces|extends_interfaces", Role::Types(Use::Base)),
        ("type_arguments", Role::Types(Use::Type)),
        ("type_identifier", Role::TypeName),
        ("lambda_expression", Role::Function),
        ("import_declaration", Role::Import("scoped_identifier | identifier", "asterisk")),
    ]],
    callees: &[
        ("generic_type", "_", false),
        ("scoped_type_identifier", "$", false),
        ("scoped_identifier", "name:", false),
    ],
    ..NOTHING
};

static KOTLIN: Table = Table {
    rows: &[&[
        ("class_declaration", define(Kind::Class).body("class_body | enum_class_body").refined().role()),
        ("object_declaration|companion_object", define(Kind::Class).body("class_body").role()),
        ("function_declaration", define(Kind::Function).body("function_body").role()),
        (
            "property_declaration",
            define(Kind::Variable).name("variable_declaration identifier").when(When::Global).role(),
        ),
        ("type_alias", define(Kind::Type).name("type:").role()),
        ("line_comment|block_comment", Role::Comment),
        ("call_expression", Role::Call("_")),
        ("constructor_invocation", Role::Call("_")),
        ("delegation_specifiers", Role::Types(Use::Base)),
        ("user_type", Role::TypeAt("identifier")),
        ("type_arguments", Role::Types(Use::Type)),
        ("value_arguments", Role::Values),
        ("identifier", Role::Name),
        ("lambda_literal|anonymous_function", Role::Function),
        ("import", Role::Import("qualified_identifier", "")),
    ]],
    callees: &[("navigation_expression", "$", true), ("user_type", "identifier", false)],
    ..NOTHING
};

const C_FAMILY: &[Row] = &[
    ("function_definition", with_body(Kind::Function).name("declarator:").naming(Naming::Declarator).role()),
    (
        "declaration",
        define(Kind::Variable).name("declarator:").naming(Naming::Declarator).when(When::Global).role(),
    ),
    (
        "field_declaration",
        define(Kind::Declaration).name("declarator:").naming(Naming::Declarator).when(When::Prototype).role(),
    ),
    ("type_definition", define(Kind::Type).name("declarator:").naming(Naming::Declarator).role()),
    ("struct_specifier|union_specifier", with_body(Kind::Struct).when(When::HasBody).role()),
    ("enum_specifier", with_body(Kind::Enum).when(When::HasBody).role()),
    ("preproc_def", define(Kind::Constant).leaf().role()),
    ("preproc_function_def", define(Kind::Macro).body("value:").leaf().role()),
    ("preproc_include", Role::Import("path:", "")),
    ("comment", Role::Comment),
    ("call_expression", Role::Call("function:")),
    ("type_identifier", Role::TypeName),
];

static C: Table = Table { rows: &[C_FAMILY], callees: &[("field_expression", "field:", true)], ..NOTHING };

static CPP: Table = Table {
    rows: &[
        C_FAMILY,
        &[
            ("class_specifier", with_body(Kind::Class).when(When::HasBody).role()),
            ("namespace_definition", with_body(Kind::Module).role()),
            ("template_declaration", Role::Statement),
            ("alias_declaration|concept_definition", define(Kind::Type).role()),
            ("lambda_expression", Role::Function),
            ("base_class_clause", Role::Types(Use::Base)),
            ("template_argument_list", Role::Types(Use::Type)),
            ("new_expression", Role::Call("type:")),
        ],
    ],
    callees: &[
        ("field_expression", "field:", true),
        ("qualified_identifier", "name:", false),
        ("template_function", "name:", false),
        ("template_method", "name:", false),
        ("template_type", "name:", false),
        ("dependent_name", "_", false),
    ],
    ..NOTHING
};

static CSHARP: Table = Table {
    rows: &[&[
        ("class_declaration|record_declaration", with_body(Kind::Class).role()),
        ("struct_declaration", with_body(Kind::Struct).role()),
        ("interface_declaration", with_body(Kind::Interface).role()),
        ("enum_declaration", with_body(Kind::Enum).role()),
        ("delegate_declaration", define(Kind::Type).role()),
        ("namespace_declaration", with_body(Kind::Module).role()),
        ("method_declaration", with_body(Kind::Method).role()),
        ("local_function_statement", with_body(Kind::Function).role()),
        ("constructor_declaration", with_body(Kind::Constructor).role()),
        ("property_declaration", define(Kind::Field).body("accessors:").role()),
        (
            "field_declaration|event_field_declaration",
            define(Kind::Field).name("variable_declaration variable_declarator name:").role(),
        ),
        ("comment", Role::Comment),
        ("invocation_expression", Role::Call("function:")),
        ("object_creation_expression", Role::Call("type:")),
        ("attribute", Role::TypeAt("name:")),
        ("base_list", Role::Types(Use::Base)),
        ("type_argument_list", Role::Types(Use::Type)),
        ("variable_declaration|parameter|property_declaration|cast_expression", Role::TypeAt("type:")),
        ("method_declaration", Role::TypeAt("returns:")),
        ("identifier", Role::Name),
        ("lambda_expression|anonymous_method_expression", Role::Function),
        ("using_directive", Role::Import("qualified_name | identifier", "")),
    ]],
    callees: &[
        ("member_access_expression", "name:", true),
        ("conditional_access_expression", "$", true),
        ("member_binding_expression", "name:", true),
        ("generic_name", "identifier", false),
        ("qualified_name", "name:", false),
        ("nullable_type", "type:", false),
        ("array_type", "type:", false),
    ],
    ..NOTHING
};

static RUBY: Table = Table {
    rows: &[&[
        ("class", with_body(Kind::Class).naming(Naming::LastWord).role()),
        ("module", with_body(Kind::Namespace).naming(Naming::LastWord).role()),
        ("method", with_body(Kind::Function).role()),
        ("singleton_method", with_body(Kind::Function).role()),
        ("assignment", define(Kind::Variable).name("left:").when(When::Global).role()),
        ("comment", Role::Comment),
        ("call", Role::Invoke("method:", "receiver:")),
        ("superclass", Role::Types(Use::Base)),
        ("constant", Role::Name),
        ("lambda|block|do_block", Role::Function),
    ]],
    callees: &[("scope_resolution", "name:", false)],
    import_calls: &["require", "require_relative", "load", "autoload"],
    ..NOTHING
};

static PHP: Table = Table {
    rows: &[&[
        ("class_declaration", with_body(Kind::Class).role()),
        ("interface_declaration", with_body(Kind::Interface).role()),
        ("trait_declaration", with_body(Kind::Trait).role()),
        ("enum_declaration", with_body(Kind::Enum).role()),
        ("namespace_definition", with_body(Kind::Module).role()),
        ("function_definition", with_body(Kind::Function).role()),
        ("method_declaration", with_body(Kind::Method).role()),
        ("const_declaration", define(Kind::Constant).name("const_element name").role()),
        ("property_declaration", define(Kind::Field).name("property_element name: name").role()),
        ("attribute_list", Role::Attribute),
        ("comment", Role::Comment),
        ("function_call_expression", Role::Call("function:")),
        ("member_call_expression|nullsafe_member_call_expression", Role::MemberCall("name:")),
        ("scoped_call_expression", Role::Call("name:")),
        ("object_creation_expression", Role::Call("name | qualified_name")),
        ("base_clause|class_interface_clause", Role::Types(Use::Base)),
        ("named_type", Role::TypeAt("name | qualified_name")),
        ("name", Role::Name),
        ("anonymous_function|arrow_function", Role::Function),
        (
            "namespace_use_declaration",
            Role::Import(
                "namespace_use_clause qualified_name | namespace_use_clause name | body: namespace_use_clause qualified_name",
                "",
            ),
        ),
        (
            "require_expression|require_once_expression|include_expression|include_once_expression",
            Role::Import("$", ""),
        ),
    ]],
    callees: &[("qualified_name", "$", false)],
    ..NOTHING
};

static SWIFT: Table = Table {
    rows: &[&[
        ("class_declaration", with_body(Kind::Class).naming(Naming::TypePath).refined().role()),
        ("protocol_declaration", with_body(Kind::Interface).role()),
        ("function_declaration", with_body(Kind::Function).role()),
        ("protocol_function_declaration", define(Kind::Declaration).role()),
        ("init_declaration", with_body(Kind::Constructor).role()),
        ("typealias_declaration", define(Kind::Type).role()),
        (
            "property_declaration",
            define(Kind::Variable).name("name: bound_identifier:").when(When::Global).role(),
        ),
        ("comment|multiline_comment", Role::Comment),
        ("call_expression", Role::Call("_")),
        ("inheritance_specifier", Role::Types(Use::Base)),
        ("type_identifier", Role::TypeName),
        ("lambda_literal", Role::Function),
        ("import_declaration", Role::Import("identifier", "")),
    ]],
    callees: &[("navigation_expression", "suffix:", true), ("navigation_suffix", "suffix:", true)],
    ..NOTHING
};

static LUA: Table = Table {
    rows: &[&[
        (
            "function_declaration",
            with_body(Kind::Function)
                .naming(Naming::LastWord)
                .owner(Owner::LastWordOf("name: table:"))
                .role(),
        ),
        ("variable_declaration", Role::Statement),
        (
            "assignment_statement",
            define(Kind::Variable)
                .name("variable_list name:")
                .naming(Naming::LastWord)
                .value("expression_list value:")
                .body("expression_list value: body:")
                .when(When::BoundOrGlobal)
                .role(),
        ),
        (
            "field",
            define(Kind::Function)
                .naming(Naming::LastWord)
                .value("value:")
                .body("value: body:")
                .when(When::Bound)
                .role(),
        ),
        ("function_definition", Role::Function),
        ("comment", Role::Comment),
        ("function_call", Role::Call("name:")),
    ]],
    callees: &[("dot_index_expression", "field:", false), ("method_index_expression", "method:", true)],
    functions: &["function_definition"],
    import_calls: &["require", "dofile", "loadfile"],
    ..NOTHING
};

static BASH: Table = Table {
    rows: &[&[
        ("function_definition", with_body(Kind::Function).role()),
        ("variable_assignment", define(Kind::Variable).when(When::Global).role()),
        ("comment", Role::Comment),
        ("command", Role::Call("name: _")),
    ]],
    import_calls: &["source", "."],
    ..NOTHING
};

static HTML: Table = Table {
    rows: &[&[
        (
            "attribute",
            define(Kind::Id)
                .name("quoted_attribute_value attribute_value | attribute_value")
                .when(When::Labelled("id"))
                .leaf()
                .role(),
        ),
        ("comment|text|raw_text", Role::Skip),
    ]],
    ..NOTHING
};

static CSS: Table = Table {
    rows: &[&[
        ("rule_set", define(Kind::Selector).name("selectors").body("block").role()),
        ("keyframes_statement", define(Kind::Selector).name("keyframes_name").leaf().role()),
        ("import_statement", Role::Import("string_value | call_expression arguments string_value", "")),
        ("declaration", Role::Skip),
        ("comment", Role::Comment),
    ]],
    ..NOTHING
};

static JSON: Table = Table {
    rows: &[&[
        ("pair", define(Kind::Key).name("key:").naming(Naming::Unquoted).leaf().role()),
        ("array", Role::Skip),
    ]],
    ..NOTHING
};

static YAML: Table = Table {
    rows: &[&[
        (
            "block_mapping_pair|flow_pair",
            define(Kind::Key).name("key:").naming(Naming::Unquoted).leaf().role(),
        ),
        ("block_sequence|flow_sequence", Role::Skip),
        ("comment", Role::Comment),
    ]],
    ..NOTHING
};

static TOML: Table = Table {
    rows: &[&[
        ("table|table_array_element", define(Kind::Table).name("dotted_key | bare_key | quoted_key").role()),
        (
            "pair",
            define(Kind::Key)
                .name("dotted_key | bare_key | quoted_key")
                .naming(Naming::Unquoted)
                .leaf()
                .role(),
        ),
        ("comment", Role::Comment),
    ]],
    ..NOTHING
};

static MARKDOWN: Table = Table {
    rows: &[&[
        (
            "section",
            define(Kind::Heading)
                .name("atx_heading heading_content: | setext_heading heading_content:")
                .role(),
        ),
        ("paragraph|list|pipe_table|fenced_code_block|html_block|block_quote", Role::Skip),
    ]],
    ..NOTHING
};

static SQL: Table = Table {
    rows: &[&[
        ("create_table", define(Kind::Table).name("object_reference name:").leaf().role()),
        (
            "create_view|create_materialized_view|create_trigger|create_sequence",
            define(Kind::Relation).name("object_reference name:").leaf().role(),
        ),
        ("create_index", define(Kind::Relation).name("column: | identifier").leaf().role()),
        ("create_type", define(Kind::Type).name("object_reference name:").leaf().role()),
        ("create_function", define(Kind::Function).name("object_reference name:").role()),
        ("create_schema|create_database", define(Kind::Namespace).name("identifier").leaf().role()),
        ("comment|marginalia", Role::Comment),
        ("invocation", Role::Call("object_reference name:")),
    ]],
    ..NOTHING
};
