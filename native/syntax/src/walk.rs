//! The one pass over a tree that makes an outline of it.
//!
//! The walk is a loop over a cursor with a stack of frames on the heap, so that depth costs memory only. What a node means is
//! looked up by its kind in the language's [`Rules`]; most kinds mean nothing.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::meaning::{Naming, Owner, When};
use crate::names::{is_constant, last_word, receiver, type_path, unquote_module, unquoted};
use crate::outline::{Definition, Import, Kind, Outline, Reference, Use};
use crate::path::Path;
use crate::rules::{Caller, Definer, Importer, Rule, Rules};
use crate::span::{Span, span, to_range};

/// Names are cut to this many bytes.
const MAX_NAME: usize = 200;

/// What stands before the next definition among the children of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Lead {
    comment: Option<Span>,
    attribute: Option<Span>,
}

/// A node around a definition that belongs to it.
#[derive(Clone, Copy, Debug)]
struct Around {
    whole: Span,
    core: Option<Span>,
    doc: Option<Span>,
}

/// What holds for the children of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// The innermost definition.
    within: Option<u32>,
    /// The innermost definition that other definitions belong to.
    scope: Option<u32>,
    /// Inside a function.
    local: bool,
    /// Names are types, used like this.
    types: Option<Use>,
    /// Macro arguments.
    tokens: bool,
    /// The word before the current child, among macro arguments.
    word: Option<Span>,
    around: Option<Around>,
    lead: Lead,
}

impl Frame {
    fn inner(&self) -> Self {
        Self { tokens: false, word: None, around: None, lead: Lead::default(), ..*self }
    }
}

struct Walk<'a> {
    rules: &'a Rules,
    text: &'a [u8],
    outline: Outline,
}

/// Reads the outline off a tree of this text; errors are not counted.
pub(crate) fn walk(rules: &Rules, text: &[u8], tree: &Tree) -> Outline {
    let mut walk = Walk { rules, text, outline: Outline::default() };
    let mut cursor = tree.walk();
    let mut frames = Vec::with_capacity(64);
    let mut top = Frame::default();
    loop {
        let node = cursor.node();
        let inner = match rules.rule(node.kind_id()) {
            None => {
                // What precedes a list precedes its first part.
                let inner =
                    Frame { lead: Lead { comment: top.lead.comment, attribute: None }, ..top.inner() };
                if top.tokens {
                    walk.token(node, &mut top);
                }
                if (top.lead.comment.is_some() || top.lead.attribute.is_some()) && node.is_named() {
                    top.lead = Lead::default();
                }
                Some(inner)
            }
            Some(rule) => walk.enter(node, rule, &mut top),
        };
        if let Some(inner) = inner {
            if cursor.goto_first_child() {
                frames.push(std::mem::replace(&mut top, inner));
                continue;
            }
        }
        while !cursor.goto_next_sibling() {
            let Some(frame) = frames.pop() else {
                return walk.finish();
            };
            top = frame;
            cursor.goto_parent();
        }
    }
}

impl<'a> Walk<'a> {
    fn finish(mut self) -> Outline {
        self.outline.references.sort_by_key(|reference| reference.at.start);
        self.outline.references.dedup_by_key(|reference| reference.at.start);
        self.outline
    }

    /// Notes what a node with a rule means; gives the frame of its children, or none if they do not matter.
    fn enter(&mut self, node: Node, rule: &Rule, top: &mut Frame) -> Option<Frame> {
        if rule.comment {
            self.comment(node, &mut top.lead);
            return None;
        }
        if rule.attribute {
            top.lead.attribute.get_or_insert(span(node));
        }
        if rule.tokens && top.tokens {
            self.token(node, top);
        }
        let mut inner = top.inner();
        if let Some(importer) = &rule.import {
            self.import(node, importer);
            if !rule.wrap && !matches!(importer, Importer::ModFile) {
                top.lead = Lead::default();
                return None;
            }
        }
        if rule.wrap || (rule.statement && self.holds_one(node)) {
            inner.around = Some(around(node, rule.statement, top));
        }
        if rule.function {
            inner.local = true;
            inner.types = None;
        }
        if let Some(definer) = &rule.define {
            if let Some((index, definition)) = self.define(node, definer, top) {
                inner.within = Some(index);
                inner.types = None;
                if definition.is_function() {
                    inner.local = true;
                }
                if is_scope(definition) {
                    inner.scope = Some(index);
                }
                for base in definer.bases.all(node) {
                    self.bases(base, index);
                }
                if definer.row.leaf {
                    top.lead = Lead::default();
                    return None;
                }
            }
        }
        self.mention(node, rule, top, inner.within);
        if rule.types.is_some() || rule.values {
            inner.types = rule.types;
        }
        inner.tokens = rule.tokens;
        if !rule.attribute {
            top.lead = Lead::default();
        }
        (!rule.skip).then_some(inner)
    }

    /// Notes what a node calls, and what it names as a type.
    fn mention(&mut self, node: Node, rule: &Rule, top: &Frame, within: Option<u32>) {
        if let Some(caller) = &rule.call {
            self.call(node, caller, top);
        }
        if let Some(path) = &rule.type_at {
            if let Some((name, _)) = path.first(node).and_then(|at| self.last_name(at)) {
                self.refer(name, top.types.unwrap_or(Use::Type), within);
            }
        }
        if rule.type_name {
            self.type_name(node, top.types.unwrap_or(Use::Type), top);
        } else if rule.name {
            if let Some(usage) = top.types {
                self.type_name(node, usage, top);
            }
        }
    }

    fn comment(&self, node: Node, lead: &mut Lead) {
        let comment = span(node);
        let column = node.start_position().column;
        let before = self.slice((comment.start as usize).saturating_sub(column)..comment.start as usize);
        // Nobody indents this far, and looking back in an endless line would take long.
        if column > 1000 || !before.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        lead.comment = Some(match lead.comment {
            Some(run) if run.last_row + 1 >= comment.first_row => {
                Span { end: comment.end, last_row: comment.last_row, ..run }
            }
            _ => comment,
        });
    }

    /// Whether a statement holds one definition only.
    fn holds_one(&self, node: Node) -> bool {
        if node.named_child_count() == 1 {
            return true;
        }
        let mut cursor = node.walk();
        let defines =
            |child: &Node| self.rules.rule(child.kind_id()).is_some_and(|rule| rule.define.is_some());
        node.children(&mut cursor).filter(defines).take(2).count() == 1
    }

    fn define(&mut self, node: Node, definer: &Definer, top: &Frame) -> Option<(u32, Kind)> {
        let row = &definer.row;
        let body = definer.body.first(node);
        let bound = matches!(row.when, When::Bound | When::BoundOrGlobal)
            && definer.value.first(node).is_some_and(|value| self.rules.is_function(value.kind_id()));
        if !self.applies(node, row.when, body.is_some(), bound, top.local) {
            return None;
        }
        let Named { name, at: name_at, owner, mut kind } = self.named(node, definer, bound)?;
        if row.refine {
            kind = refined(node, kind);
        }
        let scope = top.scope.map(|index| self.outline.definitions[index as usize].kind);
        kind = match kind {
            Kind::Function if owner.is_some() || scope.is_some_and(Kind::is_type) => Kind::Method,
            Kind::Variable if is_constant(&name) => Kind::Constant,
            Kind::Variable if scope.is_some_and(Kind::is_type) => Kind::Field,
            kind => kind,
        };
        let own = span(node);
        let (whole, mut doc) = match top.around {
            Some(around) => (around.whole, around.doc),
            None => lead_of(own, top.lead),
        };
        let core = top.around.and_then(|around| around.core).unwrap_or(own);
        if self.rules.docstrings {
            doc = body.and_then(docstring).or(doc);
        }
        let body = body.map(|body| to_range(body.byte_range()));
        let index = u32::try_from(self.outline.definitions.len()).ok()?;
        self.outline.definitions.push(Definition {
            signature: self.signature(node, core, body.as_ref(), kind),
            name,
            owner,
            kind,
            whole: whole.start..whole.end,
            core: core.start..core.end,
            name_at: to_range(name_at),
            body,
            doc: doc.map(|doc| doc.start..self.trimmed_end(doc.start, doc.end)),
            start_line: whole.first_row + 1,
            end_line: whole.last_row + 1,
            parent: top.scope,
        });
        Some((index, kind))
    }

    /// Whether a node that looks like a definition is one. `bound` says that its value is a function.
    fn applies(&self, node: Node, when: When, has_body: bool, bound: bool, local: bool) -> bool {
        match when {
            When::HasBody => has_body,
            When::Global => !local,
            When::BoundOrGlobal => bound || !local,
            When::Bound => bound,
            When::Labelled(label) => {
                node.child(0).is_some_and(|first| self.slice(first.byte_range()) == label.as_bytes())
            }
            When::Always | When::Prototype => true,
        }
    }

    /// What a definition is called, and what it is so far; `None` if it has no name or defines nothing.
    fn named(&self, node: Node, definer: &Definer, bound: bool) -> Option<Named> {
        let row = &definer.row;
        let mut kind = if bound { Kind::Function } else { row.kind };
        let named = definer.name.first(node)?;
        let (at, owner) = match row.naming {
            Naming::Declarator => {
                let found = self.declarator(named)?;
                if found.prototype && kind == Kind::Variable {
                    kind = Kind::Declaration;
                }
                if row.when == When::Prototype && !found.prototype {
                    return None;
                }
                (found.name.byte_range(), found.owner)
            }
            naming => {
                let global = row.when == When::Global || (row.when == When::BoundOrGlobal && !bound);
                // A pattern, an attribute of another thing: no variable of this name.
                if global && named.child_count() > 0 {
                    return None;
                }
                (self.name_in(named, naming)?, self.owner(node, definer))
            }
        };
        let name = self.name(at.clone());
        (!name.is_empty()).then_some(Named { name, at, owner, kind })
    }

    fn signature(&self, node: Node, core: Span, body: Option<&Range<u32>>, kind: Kind) -> Range<u32> {
        let end = match body {
            Some(body) if body.start > core.start => {
                // Some grammars put a comment at the start of a body before it.
                let mut cursor = node.walk();
                let is_comment =
                    |child: &Node| self.rules.rule(child.kind_id()).is_some_and(|rule| rule.comment);
                let text = self.slice(core.start as usize..body.start as usize);
                let comment = if text.contains(&b'#') || text.contains(&b'/') {
                    node.children(&mut cursor).find(is_comment)
                } else {
                    None
                };
                comment.map_or(body.start, |comment| {
                    to_range(comment.byte_range()).start.clamp(core.start, body.start)
                })
            }
            _ if (kind.is_function() && kind != Kind::Macro) || kind == Kind::Declaration => core.end,
            _ => {
                let text = self.slice(core.start as usize..core.end as usize);
                let line = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
                core.start + u32::try_from(line).unwrap_or(0)
            }
        };
        core.start..self.trimmed_end(core.start, end)
    }

    /// Where the text ends without white space at its end.
    fn trimmed_end(&self, start: u32, end: u32) -> u32 {
        let text = self.slice(start as usize..end as usize).trim_ascii_end();
        start + u32::try_from(text.len()).unwrap_or(0)
    }

    fn name_in(&self, node: Node, naming: Naming) -> Option<Range<usize>> {
        let whole = node.byte_range();
        let text = self.slice(whole.clone());
        let within = match naming {
            Naming::Text | Naming::Declarator => {
                let line = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
                let start = line.len() - line.trim_ascii_start().len();
                start..line.trim_ascii_end().len().max(start)
            }
            Naming::Unquoted => unquoted(text),
            Naming::LastWord => last_word(text)?,
            Naming::TypePath => type_path(text)?,
        };
        Some(whole.start + within.start..whole.start + within.end)
    }

    fn owner(&self, node: Node, definer: &Definer) -> Option<String> {
        let text = self.slice(definer.owner.first(node)?.byte_range());
        let at = match definer.row.owner {
            Owner::None => None,
            Owner::LastWordOf(_) => last_word(text),
            Owner::Receiver(_) => receiver(text),
        }?;
        Some(String::from_utf8_lossy(&text[at]).into_owned())
    }

    /// The name inside C's declarators.
    fn declarator<'tree>(&self, mut node: Node<'tree>) -> Option<Declared<'tree>> {
        let mut owner = None;
        let mut prototype = false;
        let mut last_was_function = false;
        // Deeper than this nobody declares anything.
        for _ in 0..32 {
            let next = match node.kind() {
                "qualified_identifier" => {
                    if let Some(scope) = node.child_by_field_name("scope") {
                        let text = self.slice(scope.byte_range());
                        owner = type_path(text).map(|at| String::from_utf8_lossy(&text[at]).into_owned());
                    }
                    node.child_by_field_name("name")
                }
                "template_function" | "template_type" => node.child_by_field_name("name"),
                "parenthesized_declarator" | "reference_declarator" | "attributed_declarator" => {
                    last_was_function = false;
                    node.named_child(0)
                }
                "function_declarator" => {
                    last_was_function = true;
                    node.child_by_field_name("declarator")
                }
                "destructor_name" | "operator_name" | "operator_cast" => None,
                _ => node.child_by_field_name("declarator"),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
            prototype = last_was_function;
        }
        let named = node.child_count() == 0
            || matches!(node.kind(), "destructor_name" | "operator_name" | "operator_cast");
        named.then_some(Declared { name: node, owner, prototype })
    }

    fn call(&mut self, node: Node, caller: &Caller, top: &Frame) {
        let Some((name, member)) = caller.callee.first(node).and_then(|callee| self.last_name(callee)) else {
            return;
        };
        let text = self.slice(name.byte_range());
        if self.rules.import_calls.iter().any(|import| import.as_bytes() == text) && self.import_call(node) {
            return;
        }
        let starts_name = |&byte: &u8| byte.is_ascii_alphabetic() || b"_$@#".contains(&byte) || byte >= 0x80;
        if !text.first().is_some_and(starts_name) || (caller.element && text[0].is_ascii_lowercase()) {
            return;
        }
        let member = member || caller.member || caller.receiver.first(node).is_some();
        self.refer(name, if member { Use::MethodCall } else { Use::Call }, top.within);
    }

    /// The name at the end of an expression, and whether it is a member of a value.
    fn last_name<'tree>(&self, mut node: Node<'tree>) -> Option<(Node<'tree>, bool)> {
        let mut member = false;
        for _ in 0..8 {
            match self.rules.callee(node.kind_id()) {
                Some((path, is_member)) => {
                    node = path.first(node)?;
                    member |= is_member;
                }
                None => return (node.child_count() == 0).then_some((node, member)),
            }
        }
        None
    }

    fn bases(&mut self, list: Node, index: u32) {
        let mut cursor = list.walk();
        let names: Vec<Node> = list
            .named_children(&mut cursor)
            .filter_map(|base| self.last_name(base))
            .map(|(name, _)| name)
            .collect();
        for name in names {
            self.refer(name, Use::Base, Some(index));
        }
    }

    fn type_name(&mut self, node: Node, usage: Use, top: &Frame) {
        let start = node.start_byte();
        let is_definition = top.within.is_some_and(|index| {
            let at = &self.outline.definitions[index as usize].name_at;
            at.start as usize <= start && start < at.end as usize
        });
        if !is_definition {
            self.refer(node, usage, top.within);
        }
    }

    fn refer(&mut self, name: Node, usage: Use, within: Option<u32>) {
        let at = span(name);
        if at.start < at.end {
            self.outline.references.push(Reference {
                at: at.start..at.end,
                line: at.first_row + 1,
                usage,
                within,
            });
        }
    }

    /// A word followed by parentheses among macro arguments is a call.
    fn token(&mut self, node: Node, top: &mut Frame) {
        if node.kind() == "identifier" {
            top.word = Some(span(node));
            return;
        }
        let Some(word) = top.word.take() else { return };
        if node.start_byte() == word.end as usize && self.text.get(node.start_byte()) == Some(&b'(') {
            let before = (word.start as usize).checked_sub(1).and_then(|at| self.text.get(at));
            self.outline.references.push(Reference {
                at: word.start..word.end,
                line: word.first_row + 1,
                usage: if before == Some(&b'.') { Use::MethodCall } else { Use::Call },
                within: top.within,
            });
        }
    }

    fn import(&mut self, node: Node, importer: &Importer) {
        match importer {
            Importer::Paths(modules, names) => {
                let texts = |path: &Path| -> Vec<String> {
                    path.all(node).into_iter().map(|at| self.name(at.byte_range())).collect()
                };
                let names = texts(names);
                for module in texts(modules) {
                    let module = unquote_module(&module).to_owned();
                    self.push_import(node, module, names.clone());
                }
            }
            Importer::UseTree => self.use_tree(node),
            Importer::ModFile => {
                if node.child_by_field_name("body").is_none() {
                    if let Some(name) = node.child_by_field_name("name") {
                        let name = self.name(name.byte_range());
                        self.push_import(node, format!("self::{name}"), Vec::new());
                    }
                }
            }
        }
    }

    /// Whether the call of an importing function names a module.
    fn import_call(&mut self, node: Node) -> bool {
        let arguments = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
        let Some(argument) = arguments.or_else(|| node.child_by_field_name("argument")) else { return false };
        let text = self.name(argument.byte_range());
        let module = unquote_module(&text);
        let is_literal = !module.contains('$') && (module.len() < text.len() || argument.kind() == "word");
        if is_literal {
            let module = module.to_owned();
            self.push_import(node, module, Vec::new());
        }
        is_literal
    }

    fn push_import(&mut self, node: Node, module: String, names: Vec<String>) {
        if !module.is_empty() {
            let at = span(node);
            let line = at.first_row + 1;
            self.outline.imports.push(Import { module, names, at: at.start..at.end, line });
        }
    }

    /// Writes out Rust's `use` tree: one import for each path with names below it.
    fn use_tree(&mut self, node: Node) {
        let Some(argument) =
            node.child_by_field_name("argument").or_else(|| node.child_by_field_name("name"))
        else {
            return;
        };
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        let mut todo = vec![(String::new(), argument)];
        while let Some((prefix, node)) = todo.pop() {
            let join = |path: &str| match (prefix.is_empty(), path.is_empty()) {
                (true, _) => path.to_owned(),
                (_, true) => prefix.clone(),
                _ => format!("{prefix}::{path}"),
            };
            match node.kind() {
                "scoped_use_list" => {
                    let path = node.child_by_field_name("path").map(|path| self.name(path.byte_range()));
                    if let Some(list) = node.child_by_field_name("list") {
                        todo.push((join(&path.unwrap_or_default()), list));
                    }
                }
                "use_list" => {
                    let mut cursor = node.walk();
                    let parts: Vec<Node> = node.named_children(&mut cursor).collect();
                    todo.extend(parts.into_iter().rev().map(|part| (prefix.clone(), part)));
                }
                "use_as_clause" => {
                    todo.extend(node.child_by_field_name("path").map(|path| (prefix.clone(), path)));
                }
                "line_comment" | "block_comment" => {}
                kind => {
                    let text = self.name(node.byte_range());
                    let (module, name) = match text.rsplit_once("::") {
                        Some((module, name)) => (join(module), name.to_owned()),
                        None if kind == "self" => (prefix.clone(), "self".to_owned()),
                        None if prefix.is_empty() => (text, String::new()),
                        None => (prefix.clone(), text),
                    };
                    let names = (!name.is_empty()).then_some(name);
                    match found.last_mut().filter(|last| last.0 == module && names.is_some()) {
                        Some(last) => last.1.extend(names),
                        None => found.push((module, names.into_iter().collect())),
                    }
                }
            }
        }
        for (module, names) in found {
            self.push_import(node, module, names);
        }
    }

    fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    fn name(&self, range: Range<usize>) -> String {
        let mut name = String::from_utf8_lossy(self.slice(range)).into_owned();
        if name.len() > MAX_NAME {
            let cut = (0..=MAX_NAME).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
            name.truncate(cut);
        }
        name
    }
}

struct Named {
    name: String,
    at: Range<usize>,
    owner: Option<String>,
    kind: Kind,
}

struct Declared<'tree> {
    name: Node<'tree>,
    owner: Option<String>,
    prototype: bool,
}

/// What a definition is with the attributes before it, and the comment that documents it.
fn lead_of(own: Span, lead: Lead) -> (Span, Option<Span>) {
    let whole = match lead.attribute {
        Some(attribute) => Span { start: attribute.start, first_row: attribute.first_row, ..own },
        None => own,
    };
    let doc = lead.comment.filter(|comment| {
        let next = if comment.start < whole.start { whole.first_row } else { own.first_row };
        comment.last_row + 1 >= next
    });
    (whole, doc)
}

/// What is around the definition inside a node, with what is around that.
fn around(node: Node, is_core: bool, top: &Frame) -> Around {
    let own = span(node);
    let (whole, doc) = match top.around {
        Some(around) => (around.whole, around.doc),
        None => lead_of(own, top.lead),
    };
    let core = is_core.then_some(top.around.and_then(|around| around.core).unwrap_or(own));
    Around { whole, core, doc }
}

const fn is_scope(kind: Kind) -> bool {
    match kind {
        Kind::Module | Kind::Namespace | Kind::Heading | Kind::Table | Kind::Selector => true,
        Kind::Type => false,
        kind => kind.is_function() || kind.is_type(),
    }
}

fn docstring(body: Node) -> Option<Span> {
    let first = body.named_child(0).filter(|node| node.kind() == "expression_statement")?;
    let text = first.named_child(0)?;
    matches!(text.kind(), "string" | "concatenated_string").then(|| span(text))
}

/// The kind that a keyword or a child shows.
fn refined(node: Node, kind: Kind) -> Kind {
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        match child.kind() {
            "struct" | "struct_type" => return Kind::Struct,
            "enum" | "enum_class_body" => return Kind::Enum,
            "interface" | "interface_type" => return Kind::Interface,
            "extension" => return Kind::Impl,
            _ => {}
        }
    }
    kind
}
