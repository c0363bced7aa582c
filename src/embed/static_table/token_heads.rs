//! Theme heads on a table of token vectors: what a table says of themes without any layers.
//!
//! As in a transformer's heads each theme weighs the tokens by attention of its own (Mullenbach et
//! al. 2018). A token's vector is always the same here, so its weight and what it says are too: they
//! are worked out when the token is first met, and a text's logit is a weighted mean of look-ups.

use crate::embed::{Heads, NO_TEXT};
use serde::Deserialize;
use std::sync::OnceLock;

/// What heads.json holds. A token's vector is its row of the table, scaled to length 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadsFile {
    codebook: String,
    labels: Vec<String>,
    /// `(n_themes, dimension)`: a token's attention is the softmax of its products with these.
    queries: Vec<Vec<f32>>,
    /// `(n_themes, dimension)`: what a token says is its product with these.
    outputs: Vec<Vec<f32>>,
    /// `(n_themes)`
    biases: Vec<f32>,
}

impl HeadsFile {
    fn check(&self, dimension: usize) -> Result<(), String> {
        let n_themes = self.labels.len();
        for (name, matrix) in [("queries", &self.queries), ("outputs", &self.outputs)] {
            if matrix.len() != n_themes || matrix.iter().any(|row| row.len() != dimension) {
                return Err(format!("{name} is not of {n_themes} rows of {dimension} numbers"));
            }
        }
        match self.biases.len() == n_themes {
            true => Ok(()),
            false => Err(format!("there are {} biases for {n_themes} labels", self.biases.len())),
        }
    }
}

/// Attention outside these bounds counts as at them, so that its exponential stays finite.
const ATTENTION: f32 = 20.0;

/// The heads, and what they make of each token that was met.
pub(super) struct TokenHeads {
    pub heads: Heads,
    file: HeadsFile,
    /// For each token: for each theme its weight, then for each theme its weight times what it says.
    tokens: Vec<OnceLock<Box<[f32]>>>,
}

impl TokenHeads {
    /// Heads for a table of `n_tokens` rows of `dimension`.
    pub fn new(file: HeadsFile, n_tokens: usize, dimension: usize) -> Result<Self, String> {
        file.check(dimension)?;
        let heads = Heads { codebook: file.codebook.clone(), labels: file.labels.clone() };
        Ok(TokenHeads { heads, file, tokens: vec![OnceLock::new(); n_tokens] })
    }

    /// Themes that there are heads for.
    pub fn n_themes(&self) -> usize {
        self.heads.labels.len()
    }

    /// Sums that a text needs: each theme's weights, then each theme's weights times what was said.
    pub fn n_sums(&self) -> usize {
        2 * self.n_themes()
    }

    /// Adds what tokens say to `sums`, `(n_sums)`; `row_of` gives a token's row of the table.
    pub fn add<'t>(&self, ids: &[u32], row_of: impl Fn(usize) -> &'t [u8], sums: &mut [f32]) {
        for id in ids.iter().map(|&id| id as usize) {
            let token = self.tokens[id].get_or_init(|| self.token(row_of(id)));
            sums.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
        }
    }

    /// The sums of a text → its logits, `(n_themes)`.
    pub fn logits(&self, sums: &[f32], logits: &mut [f32]) {
        let (weights, said) = sums.split_at(self.n_themes());
        for (theme, logit) in logits.iter_mut().enumerate() {
            let mean = said[theme] / weights[theme] + self.file.biases[theme];
            *logit = if weights[theme] > 0.0 { mean } else { NO_TEXT };
        }
    }

    fn token(&self, row: &[u8]) -> Box<[f32]> {
        let row: Vec<f32> = row.iter().map(|&x| f32::from(x as i8)).collect();
        let length = product(&row, &row).sqrt().max(1.0);
        let attention =
            |query: &Vec<f32>| (product(query, &row) / length).clamp(-ATTENTION, ATTENTION).exp();
        let weights: Vec<f32> = self.file.queries.iter().map(attention).collect();
        let said = self.file.outputs.iter().map(|output| product(output, &row) / length);
        let said: Vec<f32> = said.zip(&weights).map(|(said, weight)| said * weight).collect();
        [weights, said].concat().into()
    }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(n_queries: usize) -> Result<TokenHeads, String> {
        let file = HeadsFile {
            codebook: "two".to_owned(),
            labels: vec!["a".to_owned(), "b".to_owned()],
            queries: vec![vec![2.0, 0.0], vec![0.0, 0.0]][..n_queries].to_vec(),
            outputs: vec![vec![3.0, 1.0], vec![0.0, 4.0]],
            biases: vec![-1.0, 0.5],
        };
        TokenHeads::new(file, 2, 2)
    }

    fn read(ids: &[u32]) -> Vec<f32> {
        let rows: [[u8; 2]; 2] = [[100, 0], [0, 50]];
        let heads = heads(2).unwrap();
        let (mut sums, mut logits) = (vec![0.0; heads.n_sums()], vec![0.0; 2]);
        heads.add(ids, |id| &rows[id], &mut sums);
        heads.logits(&sums, &mut logits);
        logits
    }

    #[test]
    fn a_theme_weighs_the_tokens_by_its_own_attention_whatever_their_length() {
        let e2 = 2f32.exp();
        let close = |found: Vec<f32>, expected: [f32; 2]| {
            let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(near, "{found:?} {expected:?}");
        };
        close(read(&[0]), [3.0 - 1.0, 0.5]);
        close(read(&[0, 1]), [(3.0 * e2 + 1.0) / (e2 + 1.0) - 1.0, 2.0 + 0.5]);
        close(read(&[1, 0, 0]), [(6.0 * e2 + 1.0) / (2.0 * e2 + 1.0) - 1.0, 4.0 / 3.0 + 0.5]);
        assert_eq!(read(&[]), [NO_TEXT, NO_TEXT]);
    }

    #[test]
    fn a_file_whose_parts_do_not_fit_is_refused() {
        assert!(heads(1).err().unwrap().contains("queries is not of 2 rows of 2 numbers"));
    }
}
