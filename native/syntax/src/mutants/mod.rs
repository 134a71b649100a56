//! Small changes of a text that a good test notices, made on its syntax tree.
//!
//! [`mutants`] looks at some lines of a file and says what could be a little different there: a bound, a condition, an
//! operator, a constant, a statement that is gone. What the languages have of these is in `tables`.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use tree_sitter::{InputEdit, Node, Tree, TreeCursor};

use crate::Language;
use crate::parse::{Limits, advance, errors, parse};
use tables::{Default, Gone, SWAPS, Table};

/// What a mutant changes, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Change {
    Boundary,
    Condition,
    Statement,
    Operator,
    Return,
    Constant,
    Text,
}

impl Change {
    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boundary => "boundary",
            Self::Condition => "condition",
            Self::Statement => "statement",
            Self::Operator => "operator",
            Self::Return => "return",
            Self::Constant => "constant",
            Self::Text => "text",
        }
    }
}

/// A small change of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The bytes that are replaced.
    pub at: Range<usize>,
    /// What stands there instead.
    pub text: String,
    /// The line it begins on, from 1.
    pub line: u32,
    /// What kind of change it is.
    pub change: Change,
    /// What it is, to follow "when": `` `<` is `<=` ``.
    pub what: String,
}

/// So many characters of the code are quoted.
const QUOTE_CHARS: usize = 50;
/// What these begin writes for people who look for a fault: nobody tests it.
const LOGS: [&str; 9] = [
    "log.",
    "logger.",
    "logging.",
    "LOG.",
    "_logger.",
    "self.logger.",
    "this.logger.",
    "debug(",
    "tracing::",
];
/// Values that are their type's empty one.
const EMPTY: [&str; 9] = ["None", "nil", "null", "undefined", "false", "False", "0", "\"\"", "''"];

/// Makes up to `most` mutants of the lines (first and last, from 1) of a text: spread over the lines, most telling first.
///
/// None is made in comments, imports, types, attributes, docstrings and tests beside the code, and none that cannot be
/// read as the language it is in. The order depends on nothing but the text.
#[must_use]
pub fn mutants(language: Language, text: &[u8], lines: &[(u32, u32)], most: usize) -> Vec<Mutant> {
    let (Some(table), Ok(source)) = (tables::of(language), std::str::from_utf8(text)) else {
        return Vec::new();
    };
    let Some(tree) = parse(language, text, None, &Limits::default()) else {
        return Vec::new();
    };
    let mut maker = Maker { table, source, lines, made: Vec::new() };
    maker.walk(&tree);
    let wrong = errors(&tree);
    let reads = |mutant: &Mutant| {
        changed(language, text, &tree, mutant).is_some_and(|changed| errors(&changed) <= wrong)
    };
    in_order(maker.made).into_iter().filter(reads).take(most).collect()
}

/// Spread over the lines: the best of each line, then the second of each; texts come later than their turn.
fn in_order(made: Vec<Mutant>) -> Vec<Mutant> {
    let mut known = HashSet::new();
    let mut lines: BTreeMap<u32, Vec<Mutant>> = BTreeMap::new();
    for mutant in made {
        if known.insert((mutant.at.clone(), mutant.text.clone())) {
            lines.entry(mutant.line).or_default().push(mutant);
        }
    }
    let mut ranked = Vec::new();
    for of_line in lines.into_values() {
        let mut of_line = of_line;
        of_line.sort_by_key(|one| (one.change, one.at.start));
        let late = |mutant: &Mutant| usize::from(mutant.change == Change::Text);
        ranked.extend(of_line.into_iter().enumerate().map(|(turn, mutant)| (turn + late(&mutant), mutant)));
    }
    ranked.sort_by(|(one, a), (two, b)| (one, a.change, a.at.start).cmp(&(two, b.change, b.at.start)));
    ranked.into_iter().map(|(_, mutant)| mutant).collect()
}

/// The tree of the changed text.
fn changed(language: Language, text: &[u8], tree: &Tree, mutant: &Mutant) -> Option<Tree> {
    let Range { start, end } = mutant.at;
    let new = [&text[..start], mutant.text.as_bytes(), &text[end..]].concat();
    let start_position = advance(tree_sitter::Point::new(0, 0), &text[..start]);
    let mut old = tree.clone();
    old.edit(&InputEdit {
        start_byte: start,
        old_end_byte: end,
        new_end_byte: start + mutant.text.len(),
        start_position,
        old_end_position: advance(start_position, &text[start..end]),
        new_end_position: advance(start_position, mutant.text.as_bytes()),
    });
    parse(language, &new, Some(&old), &Limits::default())
}

struct Maker<'t> {
    table: &'static Table,
    source: &'t str,
    lines: &'t [(u32, u32)],
    made: Vec<Mutant>,
}

impl<'t> Maker<'t> {
    fn walk(&mut self, tree: &Tree) {
        let mut cursor = tree.walk();
        loop {
            let node = cursor.node();
            let asked = self.asked(node) && !self.is_left_alone(node);
            if asked {
                self.look_at(node);
            }
            if asked && cursor.goto_first_child() {
                continue;
            }
            if !next(&mut cursor) {
                return;
            }
        }
    }

    /// Whether a part of it is in the lines that are asked about.
    fn asked(&self, node: Node) -> bool {
        let (first, last) = (line_of(node), row(node.end_position().row));
        self.lines.iter().any(|&(from, to)| from <= last && first <= to)
    }

    fn is_left_alone(&self, node: Node) -> bool {
        let text = self.text(node);
        self.table.skip.contains(&node.kind())
            || node.is_error()
            || (node.kind() == "if_statement" && text.starts_with("if __name__"))
            || (node.kind() == "assignment" && text.starts_with("__all__"))
            || (matches!(node.kind(), "mod_item" | "function_item") && self.is_test(node))
            || (node.kind().contains("call") || node.kind().contains("invocation"))
                && (LOGS.iter().any(|log| text.starts_with(log)) || text.starts_with("require("))
    }

    /// Whether an attribute above it says that it is a test.
    fn is_test(&self, node: Node) -> bool {
        let mut above = node.prev_named_sibling();
        while let Some(attribute) = above.filter(|one| one.kind() == "attribute_item") {
            if self.text(attribute).contains("test") {
                return true;
            }
            above = attribute.prev_named_sibling();
        }
        false
    }

    fn look_at(&mut self, node: Node) {
        let kind = node.kind();
        let table = self.table;
        if table.operators.contains(&kind) {
            self.operator(node);
        }
        if kind.contains("unary") || matches!(kind, "not_operator" | "prefix_expression") {
            self.sign(node);
        }
        if let Some((_, field)) = table.conditions.iter().find(|(owner, _)| *owner == kind) {
            self.condition(node, field);
        }
        self.statement(node);
        if table.returns.contains(&kind) {
            self.returned(node);
        }
        if kind == "function_item" {
            self.last_value(node);
        }
        if table.numbers.contains(&kind) {
            self.number(node);
        } else if table.truths.contains(&kind) && node.child_count() < 2 {
            self.truth(node);
        } else if table.strings.contains(&kind) {
            self.string(node);
        }
    }

    fn operator(&mut self, node: Node) {
        let texts = self.has_strings(node);
        for at in 0..u32::try_from(node.child_count()).unwrap_or(0) {
            let Some(child) = node.child(at).filter(|child| !child.is_named() || child.child_count() == 0)
            else {
                continue;
            };
            let old = self.text(child);
            let own = self.table.swaps.iter().find(|(from, _)| *from == old);
            let Some((_, new)) = own.or_else(|| SWAPS.iter().find(|(from, _)| *from == old)) else {
                continue;
            };
            // Texts are put together, and nothing else makes sense of them.
            if child.is_named() || (texts && matches!(old, "+" | "+=" | "*" | "%" | "|")) {
                continue;
            }
            let bound = matches!(old, "<" | "<=" | ">" | ">=");
            let change = if bound { Change::Boundary } else { Change::Operator };
            self.make(child, (*new).to_owned(), change, format!("`{old}` is `{new}`"));
        }
    }

    fn has_strings(&self, node: Node) -> bool {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).any(|child| {
            self.table.strings.contains(&child.kind())
                || (self.table.operators.contains(&child.kind()) && self.has_strings(child))
        })
    }

    /// A negation or a minus that is gone.
    fn sign(&mut self, node: Node) {
        let (Some(sign), Some(operand)) = (node.child(0), node.named_child(0)) else {
            return;
        };
        let sign = self.text(sign);
        if matches!(sign, "!" | "not" | "-") && operand.end_byte() == node.end_byte() {
            let change = if sign == "-" { Change::Operator } else { Change::Condition };
            let operand = self.text(operand).to_owned();
            self.make(node, operand, change, format!("`{sign}` is gone"));
        }
    }

    fn condition(&mut self, node: Node, field: &str) {
        let by_number = field.parse::<u32>().ok().map(|at| node.named_child(at));
        let Some(condition) = by_number.unwrap_or_else(|| node.child_by_field_name(field)) else {
            return;
        };
        let mut inner = condition;
        while matches!(
            inner.kind(),
            "parenthesized_expression" | "condition_clause" | "parenthesized_statements"
        ) && inner.named_child_count() == 1
        {
            inner = inner.named_child(0).unwrap_or(inner);
        }
        // An operator that is the other way round says the same.
        let direct = inner.kind().contains("unary") || inner.kind() == "not_operator";
        let swapped = |child: Node| {
            matches!(self.text(child), "==" | "!=" | "===" | "!==" | "is" | "is not" | "in" | "not in")
        };
        let mut cursor = inner.walk();
        let direct = direct
            || (self.table.operators.contains(&inner.kind())
                && inner.children(&mut cursor).any(|child| !child.is_named() && swapped(child)));
        let binds = inner.kind().starts_with("let_") || inner.kind().contains("declaration");
        if direct || binds || self.table.truths.contains(&inner.kind()) {
            return;
        }
        let old = self.text(inner);
        let (before, after) = self.table.negation;
        self.make(
            inner,
            format!("{before}{old}{after}"),
            Change::Condition,
            format!("{} is negated", quoted(old)),
        );
    }

    fn statement(&mut self, node: Node) {
        let Some(parent) = node.parent().filter(|parent| self.table.blocks.contains(&parent.kind())) else {
            return;
        };
        let fits = |(kind, within): &&(&str, &str)| *kind == node.kind() && holds(node, within);
        let text = self.text(node);
        let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        if !self.table.statements.iter().any(|row| fits(&row))
            || starts(&["super", "panic", "require", "private"])
        {
            return;
        }
        if LOGS.iter().any(|log| text.starts_with(log)) || is_condition(parent, node) {
            return;
        }
        let new = match self.table.gone {
            Gone::Text(new) => new.to_owned(),
            Gone::Within(before, after) => format!("{before}{text}{after}"),
        };
        self.make(node, new, Change::Statement, format!("{} is gone", quoted(text)));
    }

    fn returned(&mut self, node: Node) {
        let Some(value) = node.named_child(0) else {
            return;
        };
        let told = self.text(value);
        let plain = self.table.numbers.contains(&value.kind()) || self.table.truths.contains(&value.kind());
        if plain || told.split(',').all(|one| EMPTY.contains(&one.trim())) {
            return;
        }
        let Some(default) = self.default_of(node) else {
            return;
        };
        let old = self.text(node);
        if let Default::Go = self.table.default {
            let new = format!("if true {{ return {default} }}; {old}");
            self.make(node, new, Change::Return, format!("{} returns empty values", quoted(old)));
        } else {
            let what = format!("{} is `{default}`", quoted(told));
            self.make(value, default, Change::Return, what);
        }
    }

    /// What the function around a node may return instead.
    fn default_of(&self, node: Node) -> Option<String> {
        let function = || {
            let mut around = node.parent();
            while let Some(one) = around.filter(|one| !self.table.functions.contains(&one.kind())) {
                around = one.parent();
            }
            around
        };
        match self.table.default {
            Default::Any(value) => Some(value.to_owned()),
            Default::Never => None,
            Default::Go => {
                let result = function()?.child_by_field_name("result")?;
                let mut types = Vec::new();
                if result.kind() == "parameter_list" {
                    let mut cursor = result.walk();
                    for one in result.named_children(&mut cursor) {
                        let of = self.text(one.child_by_field_name("type")?);
                        let mut names = one.walk();
                        let many = one.children_by_field_name("name", &mut names).count().max(1);
                        types.extend(std::iter::repeat_n(of, many));
                    }
                } else {
                    types.push(self.text(result));
                }
                let values: Vec<String> = types.iter().map(|of| format!("*new({of})")).collect();
                (!values.is_empty()).then(|| values.join(", "))
            }
            Default::Typed(field, values, other) => {
                let of = self.text(function()?.child_by_field_name(field)?);
                let word = of.split('<').next().unwrap_or(of).trim();
                let known = values.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
                known.or(other).map(str::to_owned)
            }
        }
    }

    /// The value at the end of a function, which is what it returns.
    fn last_value(&mut self, function: Node) {
        let body = function.child_by_field_name("body");
        let Some(value) = body
            .and_then(|body| body.named_child(u32::try_from(body.named_child_count()).ok()?.checked_sub(1)?))
        else {
            return;
        };
        let told = self.text(value);
        let kind = value.kind();
        let plain = self.table.numbers.contains(&kind) || self.table.truths.contains(&kind);
        let no_value = ["statement", "item", "declaration", "comment", "return_expression"];
        if plain || no_value.iter().any(|end| kind.ends_with(end)) || EMPTY.contains(&told) || told.is_empty()
        {
            return;
        }
        if let Some(default) = self.default_of(value).filter(|default| default != told) {
            let what = format!("{} is `{default}`", quoted(told));
            self.make(value, default, Change::Return, what);
        }
    }

    fn number(&mut self, node: Node) {
        let old = self.text(node);
        let (whole, rest) = old.split_at(old.find('.').unwrap_or(old.len()));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole)
            || !digits(rest.trim_start_matches('.'))
            || (whole.len() > 1 && whole.starts_with('0'))
        {
            return;
        }
        let Ok(value) = whole.parse::<u32>() else {
            return;
        };
        let values = [value.checked_add(1), value.checked_sub(1).filter(|_| rest.is_empty())];
        for value in values.into_iter().flatten() {
            let new = format!("{value}{rest}");
            let what = format!("`{old}` is `{new}`");
            self.make(node, new, Change::Constant, what);
        }
    }

    fn truth(&mut self, node: Node) {
        let old = self.text(node);
        let new = match old {
            "true" => "false",
            "false" => "true",
            "True" => "False",
            "False" => "True",
            _ => return,
        };
        self.make(node, new.to_owned(), Change::Constant, format!("`{old}` is `{new}`"));
    }

    fn string(&mut self, node: Node) {
        let Some(parent) = node.parent() else {
            return;
        };
        let old = self.text(node);
        let documents = matches!(
            parent.kind(),
            "expression_statement"
                | "export_statement"
                | "module"
                | "concatenated_string"
                | "import_call"
                | "body_statement"
        ) || (parent.kind() == "block" && self.table.blocks.contains(&"module"));
        let mut around = Some(parent);
        while let Some(one) = around.filter(|one| !self.table.throws.contains(&one.kind())) {
            around = one.parent().filter(|_| !one.kind().contains("statement"));
        }
        // A text with places to fill is checked against what fills them where the language is compiled.
        let is_format = old.contains('%') && matches!(self.table.gone, Gone::Within(..));
        let empty = ["\"\"", "''", "``"].contains(&old);
        if documents || around.is_some() || is_format || empty {
            return;
        }
        self.make(node, "\"\"".to_owned(), Change::Text, format!("{} is empty", quoted(old)));
    }

    fn make(&mut self, node: Node, text: String, change: Change, what: String) {
        let line = line_of(node);
        let asked = self.lines.iter().any(|&(first, last)| (first..=last).contains(&line));
        if asked && text != self.text(node) {
            self.made.push(Mutant { at: node.byte_range(), text, line, change, what });
        }
    }

    fn text(&self, node: Node) -> &'t str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }
}

/// Whether a statement holds what a row of the table asks for: a kind, and a field of that (or of itself) with its kind.
fn holds(node: Node, within: &str) -> bool {
    let (kind, field) = within.split_once(' ').unwrap_or((within, ""));
    let (kind, field) = if kind.ends_with(':') { ("", within) } else { (kind, field) };
    let inner =
        if kind.is_empty() { Some(node) } else { node.named_child(0).filter(|one| one.kind() == kind) };
    let Some((inner, (name, of))) = inner.map(|inner| (inner, field.split_once(": ").unwrap_or(("", ""))))
    else {
        return false;
    };
    name.is_empty() || inner.child_by_field_name(name).is_some_and(|child| child.kind() == of)
}

fn is_condition(parent: Node, node: Node) -> bool {
    parent.child_by_field_name("condition").is_some_and(|condition| condition.id() == node.id())
}

/// The node after this one and all within it.
fn next(cursor: &mut TreeCursor) -> bool {
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
    }
    true
}

fn line_of(node: Node) -> u32 {
    row(node.start_position().row)
}

fn row(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

/// Code in one line between backticks, cut.
fn quoted(code: &str) -> String {
    let words: Vec<&str> = code.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= QUOTE_CHARS {
        return format!("`{line}`");
    }
    let cut: String = line.chars().take(QUOTE_CHARS).collect();
    format!("`{cut}…`")
}
