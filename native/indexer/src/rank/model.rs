//! Small ensembles of decision trees, read from the tables beside this file.

/// One step of a tree.
#[derive(Debug)]
enum Node {
    /// Below or at the bound go on at the next node, else at `above`.
    Split {
        feature: usize,
        bound: f32,
        above: usize,
    },
    Leaf(f32),
}

/// A sum of trees.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

impl Model {
    /// Reads a table: one tree a line, `(feature bound below above)` for a split, a number for a leaf; lines that
    /// begin with `#` are remarks. What does not parse is worth nothing.
    pub fn read(table: &str, names: &[&str]) -> Option<Self> {
        let mut model = Self { nodes: Vec::new(), roots: Vec::new() };
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            model.roots.push(model.nodes.len());
            let spaced = line.replace('(', " ( ").replace(')', " ) ");
            let mut tokens = spaced.split_whitespace();
            model.tree(&mut tokens, names)?;
        }
        (!model.roots.is_empty()).then_some(model)
    }

    fn tree<'t>(&mut self, tokens: &mut impl Iterator<Item = &'t str>, names: &[&str]) -> Option<()> {
        let first = tokens.next()?;
        if first != "(" {
            self.nodes.push(Node::Leaf(first.parse().ok()?));
            return Some(());
        }
        let name = tokens.next()?;
        let feature = names.iter().position(|known| *known == name)?;
        let bound = tokens.next()?.parse().ok()?;
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf(0.0));
        self.tree(tokens, names)?;
        let above = self.nodes.len();
        self.tree(tokens, names)?;
        self.nodes[at] = Node::Split { feature, bound, above };
        (tokens.next()? == ")").then_some(())
    }

    /// The score of a candidate.
    pub fn score(&self, features: &[f32]) -> f32 {
        self.roots.iter().map(|root| self.leaf(*root, features)).sum()
    }

    fn leaf(&self, mut at: usize, features: &[f32]) -> f32 {
        loop {
            match &self.nodes[at] {
                Node::Leaf(value) => return *value,
                Node::Split { feature, bound, above } => {
                    at = if features[*feature] <= *bound { at + 1 } else { *above }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Model;

    #[test]
    fn a_table_is_a_sum_of_trees() {
        let table = "# remark\n(size 2.5 1 (name 0 -1 0.5))\n0.25\n";
        let model = Model::read(table, &["name", "size"]).unwrap();
        for (name, size, score) in [(9.0, 2.5, 1.25), (0.0, 3.0, -0.75), (0.1, 3.0, 0.75)] {
            assert!((model.score(&[name, size]) - score).abs() < 1e-6);
        }
        assert!(Model::read("(other 1 2 3)", &["name"]).is_none());
        assert!(Model::read("(name 1 2", &["name"]).is_none());
    }
}
