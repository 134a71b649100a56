//! Small ensembles of decision trees, read from the tables beside this file.

/// One step of a tree: from a value below or at the bound go on by `below` nodes, else by `above`. A leaf leads to
/// itself, and its bound is its worth.
#[derive(Debug)]
struct Node {
    bound: f32,
    feature: u16,
    below: u16,
    above: u16,
}

#[derive(Debug)]
struct Root {
    at: usize,
    /// So many steps lead to a leaf.
    depth: usize,
}

/// A sum of trees.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: Vec<Node>,
    roots: Vec<Root>,
}

impl Model {
    /// Reads a table: one tree a line, `(feature bound below above)` for a split, a number for a leaf; lines that
    /// begin with `#` are remarks. What does not parse is worth nothing.
    pub fn read(table: &str, names: &[&str]) -> Option<Self> {
        let mut model = Self { nodes: Vec::new(), roots: Vec::new() };
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let at = model.nodes.len();
            let spaced = line.replace('(', " ( ").replace(')', " ) ");
            let mut tokens = spaced.split_whitespace();
            let depth = model.tree(&mut tokens, names)?;
            model.roots.push(Root { at, depth });
        }
        (!model.roots.is_empty()).then_some(model)
    }

    /// Reads a tree and tells its depth.
    fn tree<'t>(&mut self, tokens: &mut impl Iterator<Item = &'t str>, names: &[&str]) -> Option<usize> {
        let first = tokens.next()?;
        let at = self.nodes.len();
        if first != "(" {
            self.nodes.push(Node { bound: first.parse().ok()?, feature: 0, below: 0, above: 0 });
            return Some(0);
        }
        let name = tokens.next()?;
        let feature = names.iter().position(|known| *known == name)?;
        let bound = tokens.next()?.parse().ok()?;
        self.nodes.push(Node { bound, feature: u16::try_from(feature).ok()?, below: 1, above: 0 });
        let below = self.tree(tokens, names)?;
        self.nodes[at].above = u16::try_from(self.nodes.len() - at).ok()?;
        let above = self.tree(tokens, names)?;
        (tokens.next()? == ")").then_some(1 + below.max(above))
    }

    /// The scores of candidates. Each tree meets all of them in turn, and takes the same number of steps with each:
    /// so a processor can go on with the next before it is done with one.
    pub fn scores<const N: usize>(&self, candidates: &[&[f32; N]]) -> Vec<f32> {
        let mut scores = vec![0.0; candidates.len()];
        for root in &self.roots {
            for (score, features) in scores.iter_mut().zip(candidates) {
                let mut at = root.at;
                for _ in 0..root.depth {
                    let node = &self.nodes[at];
                    let is_below = features[usize::from(node.feature)] <= node.bound;
                    at += usize::from(if is_below { node.below } else { node.above });
                }
                *score += self.nodes[at].bound;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::Model;

    #[test]
    fn a_table_is_a_sum_of_trees() {
        let table = "# remark\n(size 2.5 1 (name 0 -1 0.5))\n0.25\n";
        let model = Model::read(table, &["name", "size"]).unwrap();
        let candidates = [[9.0, 2.5], [0.0, 3.0], [0.1, 3.0]];
        assert_eq!(model.scores(&candidates.each_ref()), [1.25, -0.75, 0.75]);
        assert_eq!(model.scores::<2>(&[]), []);
        assert!(Model::read("(other 1 2 3)", &["name"]).is_none());
        assert!(Model::read("(name 1 2", &["name"]).is_none());
    }
}
