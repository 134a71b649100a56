//! Short paths through a tree: from a node to the part of it that matters.
//!
//! A path is a line of steps; `|` separates alternatives, tried in order:
//!
//! | step | goes to |
//! |---|---|
//! | `name:` | the child in that field |
//! | `name:?` | the same, or stays where there is none |
//! | `word` | the first child of that kind |
//! | `_`, `$` | the first, the last named child |
//! | `.` | stays |

use std::num::NonZeroU16;

use tree_sitter::{Language, Node};

#[derive(Debug)]
enum Step {
    Field(u16),
    FieldIfAny(u16),
    Kind(Vec<u16>),
    First,
    Last,
    Stay,
}

/// A compiled path.
#[derive(Debug, Default)]
pub(crate) struct Path {
    alternatives: Vec<Vec<Step>>,
}

/// The ids of the nodes of one kind; a grammar can have several (aliases).
pub(crate) fn kind_ids(grammar: &Language, name: &str) -> Vec<u16> {
    (0..u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX))
        .filter(|&id| grammar.node_kind_is_named(id) && grammar.node_kind_for_id(id) == Some(name))
        .collect()
}

impl Path {
    /// Compiles a path; a field or kind that the grammar lacks never matches, and is reported in `unknown`.
    pub(crate) fn new(grammar: &Language, text: &str, unknown: &mut Vec<String>) -> Self {
        let mut step = |word: &str| {
            let field = |name: &str, unknown: &mut Vec<String>| {
                grammar.field_id_for_name(name).map_or_else(
                    || {
                        unknown.push(format!("field {name}"));
                        u16::MAX
                    },
                    NonZeroU16::get,
                )
            };
            match word {
                "_" => Step::First,
                "$" => Step::Last,
                "." => Step::Stay,
                _ => {
                    if let Some(name) = word.strip_suffix(":?") {
                        Step::FieldIfAny(field(name, unknown))
                    } else if let Some(name) = word.strip_suffix(':') {
                        Step::Field(field(name, unknown))
                    } else {
                        let ids = kind_ids(grammar, word);
                        if ids.is_empty() {
                            unknown.push(format!("kind {word}"));
                        }
                        Step::Kind(ids)
                    }
                }
            }
        };
        let alternatives = text
            .split('|')
            .map(|alternative| alternative.split_whitespace().map(&mut step).collect::<Vec<_>>())
            .filter(|steps| !steps.is_empty())
            .collect();
        Self { alternatives }
    }

    /// The node that the first fitting alternative leads to.
    pub(crate) fn first<'tree>(&self, node: Node<'tree>) -> Option<Node<'tree>> {
        self.alternatives.iter().find_map(|steps| {
            let mut at = node;
            for step in steps {
                at = match step {
                    Step::Field(id) => at.child_by_field_id(*id)?,
                    Step::FieldIfAny(id) => at.child_by_field_id(*id).unwrap_or(at),
                    Step::Kind(ids) => child_of_kind(at, ids)?,
                    Step::First => at.named_child(0)?,
                    Step::Last => {
                        at.named_child(u32::try_from(at.named_child_count().checked_sub(1)?).ok()?)?
                    }
                    Step::Stay => at,
                };
            }
            Some(at)
        })
    }

    /// The nodes that all alternatives lead to, each step to every child that fits, in the order of the alternatives.
    pub(crate) fn all<'tree>(&self, node: Node<'tree>) -> Vec<Node<'tree>> {
        let mut found = Vec::new();
        for steps in &self.alternatives {
            let mut level = vec![node];
            for step in steps {
                let mut next = Vec::new();
                for at in level {
                    let mut cursor = at.walk();
                    match step {
                        Step::Field(id) => {
                            if let Some(id) = NonZeroU16::new(*id) {
                                next.extend(at.children_by_field_id(id, &mut cursor));
                            }
                        }
                        Step::FieldIfAny(id) => next.push(at.child_by_field_id(*id).unwrap_or(at)),
                        Step::Kind(ids) => {
                            next.extend(
                                at.children(&mut cursor).filter(|child| ids.contains(&child.kind_id())),
                            );
                        }
                        Step::First => next.extend(at.named_child(0)),
                        Step::Last => next.extend(at.named_children(&mut cursor).last()),
                        Step::Stay => next.push(at),
                    }
                }
                level = next;
            }
            found.extend(level);
        }
        found
    }
}

fn child_of_kind<'tree>(node: Node<'tree>, ids: &[u16]) -> Option<Node<'tree>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| ids.contains(&child.kind_id()))
}
