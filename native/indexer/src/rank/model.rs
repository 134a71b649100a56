//! Small models, read from the tables beside this file: a weighted sum of features and trees that correct it.

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

/// What a feature adds: so much for each unit, and so much for the candidate that has the most, less in proportion
/// for the others.
#[derive(Debug)]
struct Weight {
    feature: usize,
    unit: f32,
    share: f32,
}

/// Features count no more than this in the sum.
const MOST: f32 = 10.0;
/// The most is at least so much.
const LEAST: f32 = 1e-6;

/// A weighted sum and a sum of trees, either may be empty.
#[derive(Debug)]
pub(crate) struct Model {
    weights: Vec<Weight>,
    nodes: Vec<Node>,
    roots: Vec<Root>,
}

impl Model {
    /// Reads a table: one tree a line, `(feature bound below above)` for a split, a number for a leaf; or `feature unit
    /// share` for a weight; lines that begin with `#` are remarks. A table that does not parse is none.
    pub fn read(table: &str, names: &[&str]) -> Option<Self> {
        let mut model = Self { weights: Vec::new(), nodes: Vec::new(), roots: Vec::new() };
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                model.weights.push(weight(line, names)?);
                continue;
            }
            let at = model.nodes.len();
            let spaced = line.replace('(', " ( ").replace(')', " ) ");
            let mut tokens = spaced.split_whitespace();
            let depth = model.tree(&mut tokens, names)?;
            model.roots.push(Root { at, depth });
        }
        (!model.roots.is_empty() || !model.weights.is_empty()).then_some(model)
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
        for Weight { feature, unit, share } in &self.weights {
            let value = |features: &[f32; N]| features[*feature].min(MOST);
            let most = candidates.iter().map(|features| value(features)).fold(LEAST, f32::max);
            for (score, features) in scores.iter_mut().zip(candidates) {
                *score += unit * value(features) + share * value(features).max(0.0) / most;
            }
        }
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

fn weight(line: &str, names: &[&str]) -> Option<Weight> {
    let mut fields = line.split_whitespace();
    let name = fields.next()?;
    let feature = names.iter().position(|known| *known == name)?;
    let unit = fields.next()?.parse().ok()?;
    let share = fields.next()?.parse().ok()?;
    fields.next().is_none().then_some(Weight { feature, unit, share })
}

#[cfg(test)]
mod tests {
    use super::Model;

    #[test]
    fn a_weight_counts_the_value_and_its_share_of_the_most() {
        let model = Model::read("# remark\nsize 0.5 2\n(size 1 -1 1)\n", &["name", "size"]).unwrap();
        let candidates = [[9.0, 4.0], [0.0, 1.0], [0.0, -1.0], [0.0, 40.0]];
        assert_eq!(model.scores(&candidates[..3].iter().collect::<Vec<_>>()), [5.0, 0.0, -1.5]);
        assert_eq!(model.scores(&[&candidates[3]]), [8.0]);
        for wrong in ["size 1", "size 1 2 3", "other 1 2", "size one 2"] {
            assert!(Model::read(wrong, &["name", "size"]).is_none(), "{wrong}");
        }
    }

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
