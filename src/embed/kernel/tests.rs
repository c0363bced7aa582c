use super::tile::{
    ColumnGroup, Columns, FEW, FloatTile, LANES, Lanes, Portable, RowGroup, STEP, Tile,
};
use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers about zero, one in ten of them ten times as large.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut number = || {
        let x = random.random_range(-1.0..1.0_f32);
        if random.random_range(0..10) == 0 { 10.0 * x } else { x }
    };
    (0..n).map(|_| number()).collect()
}

struct Layer {
    rows: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    n_inputs: usize,
}

impl Layer {
    fn of(n_rows: usize, n_inputs: usize, n_outputs: usize, seed: u64) -> Self {
        Layer {
            rows: numbers(n_rows * n_inputs, seed),
            weight: numbers(n_outputs * n_inputs, seed + 1),
            bias: numbers(n_outputs, seed + 2),
            n_inputs,
        }
    }

    fn forward(&self, level: Level, then: Then) -> Vec<f32> {
        let n_rows = self.rows.len() / self.n_inputs;
        let mut out = numbers(n_rows * self.bias.len(), 7);
        let mut rows = ByteRows::default();
        rows.set(level, &self.rows, self.n_inputs);
        let weights = ByteWeights::of(level, &self.weight, &self.bias).unwrap();
        linear(&rows, &weights, then, &mut out);
        out
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

const FUNCTIONS: [Activation; 7] = [
    Activation::Identity,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Relu,
    Activation::Silu,
    Activation::Tanh,
    Activation::Sigmoid,
];

/// Those that the machine has beyond plain arithmetic, and plain arithmetic.
fn levels() -> (Vec<Level>, Level) {
    let mut levels = Level::all();
    let portable = levels.remove(0);
    if levels.is_empty() {
        eprintln!("SKIPPED: this machine has no instructions to compare with plain arithmetic");
    }
    (levels, portable)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn rows_of_a_table_add_up_to_the_same_bits_at_every_level(
        dimension in 1..200_usize,
        ids in prop::collection::vec(0..20_u32, 0..30),
        seed in any::<u32>(),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
        let bytes: Vec<u8> = (0..20 * dimension).map(|_| random.random()).collect();
        let scales = numbers(20, u64::from(seed));
        let table = ByteTable { bytes: &bytes, scales: &scales };
        let mut expected = numbers(dimension, 3);
        for &id in &ids {
            for (sum, &byte) in expected.iter_mut().zip(table.row(id as usize, dimension)) {
                *sum += scales[id as usize] * f32::from(byte as i8);
            }
        }
        for level in Level::all() {
            let mut sum = numbers(dimension, 3);
            add_rows(level, table, &ids, &mut sum);
            prop_assert_eq!(bits(&sum), bits(&expected), "{}", level.name());
        }
    }

    #[test]
    fn products_of_rows_are_the_same_bits_at_every_level_and_near_the_exact_ones(
        (n_rows, n_others, dimension) in (0..5_usize, 0..5_usize, 1..200_usize),
        seed in any::<u32>(),
    ) {
        let rows = numbers(n_rows * dimension, u64::from(seed));
        let others = numbers(n_others * dimension, u64::from(seed) + 1);
        let of = |level| {
            let mut out = vec![0.0; n_rows * n_others];
            products(level, &rows, &others, dimension, &mut out);
            out
        };
        let portable = of(Level::all()[0]);
        for level in Level::all() {
            prop_assert_eq!(bits(&of(level)), bits(&portable), "{}", level.name());
        }
        let pairs = rows.chunks(dimension).flat_map(|a| others.chunks(dimension).map(move |b| (a, b)));
        for ((a, b), found) in pairs.zip(portable) {
            let terms = || a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let size: f64 = terms().map(f64::abs).sum();
            prop_assert!((terms().sum::<f64>() - f64::from(found)).abs() <= 1e-5 * size);
        }
    }

    #[test]
    fn every_level_gives_the_bits_of_plain_arithmetic(
        (n_rows, n_inputs, n_outputs) in (1..40_usize, 1..150_usize, 1..80_usize),
        seed in any::<u32>(),
        then in prop_oneof![
            Just(Then::Set),
            Just(Then::Add),
            prop::sample::select(&FUNCTIONS[..]).prop_map(Then::Activate),
        ],
    ) {
        let layer = Layer::of(n_rows, n_inputs, n_outputs, u64::from(seed));
        let (levels, portable) = levels();
        let expected = bits(&layer.forward(portable, then));
        for level in levels {
            prop_assert_eq!(bits(&layer.forward(level, then)), &expected[..], "{}", level.name());
        }
    }

    #[test]
    fn a_layer_is_as_near_to_the_exact_one_as_its_steps_allow(
        (n_rows, n_inputs, n_outputs) in (1..20_usize, 1..90_usize, 1..70_usize),
        seed in any::<u32>(),
    ) {
        let layer = Layer::of(n_rows, n_inputs, n_outputs, u64::from(seed));
        let found = layer.forward(Level::best(), Then::Set);
        for (row, found) in layer.rows.chunks(n_inputs).zip(found.chunks(n_outputs)) {
            let (low, high) = row.iter().fold((0.0_f32, 0.0_f32), |(l, h), &x| (l.min(x), h.max(x)));
            let of_row = f64::from(high - low) / 255.0;
            for ((weights, bias), &found) in layer.weight.chunks(n_inputs).zip(&layer.bias).zip(found) {
                let largest = weights.iter().fold(0.0_f32, |a, x| a.max(x.abs()));
                let of_weights = f64::from(largest) / 127.0;
                let (mut exact, mut room) = (f64::from(*bias), 1e-4);
                for (&x, &weight) in row.iter().zip(weights) {
                    let (x, weight) = (f64::from(x), f64::from(weight));
                    exact += x * weight;
                    // A byte is off by half a step at most, one at the end of a row by a whole one.
                    room += x.abs() * of_weights / 2.0
                        + weight.abs() * of_row
                        + of_weights * of_row / 2.0;
                }
                prop_assert!((exact - f64::from(found)).abs() <= room, "{found} for {exact} ± {room}");
            }
        }
    }

    #[test]
    fn attention_is_that_of_the_paper_and_the_same_bits_at_every_level(
        n_tokens in 1..50_usize,
        (n_heads, size) in (1..4_usize, 1..40_usize),
        (seed, with_bias) in any::<(u32, bool)>(),
    ) {
        let hidden = n_heads * size;
        let joined = numbers(n_tokens * 3 * hidden, u64::from(seed));
        let bias = |head: usize, offset: isize| {
            if with_bias { ((head as f32 + 1.3) * offset as f32).sin() } else { 0.0 }
        };
        let offsets = OffsetBias::of(n_heads, n_tokens, bias);
        let layout = HeadLayout { n_heads, hidden, bias: with_bias.then_some(&offsets) };
        let at = |level| {
            let mut out = vec![f32::NAN; n_tokens * hidden];
            Attention::default().forward(level, &joined, layout, &mut out);
            out
        };
        let (levels, portable) = levels();
        let found = at(portable);
        for level in levels {
            prop_assert_eq!(bits(&at(level)), bits(&found), "{}", level.name());
        }
        let expected = attention(&joined, (n_heads, size), bias);
        for (found, (expected, room)) in found.iter().zip(&expected) {
            let off = (f64::from(*found) - expected).abs();
            prop_assert!(off <= *room, "{found} for {expected} ± {room}");
        }
    }
}

/// Vaswani et al., "Attention Is All You Need" (2017), equation 1, in f64, with a bias on each score;
/// queries come scaled. With each number by how much f32 may be off it.
///
/// A sum of n products is off by n + 1 roundings of the sum of their sizes at most (Higham, "Accuracy and Stability of
/// Numerical Algorithms", 2002, section 3.1). What a score is off by its weight is off by as a share of it, and so moves
/// the mean that the weights give by its distance from the value that is weighed.
fn attention(
    joined: &[f32],
    (n_heads, size): (usize, usize),
    bias: impl Fn(usize, isize) -> f32,
) -> Vec<(f64, f64)> {
    const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;
    const OF_EXP: f64 = 3e-7;
    let hidden = n_heads * size;
    let of = |token: usize, which: usize, at: usize| {
        f64::from(joined[token * 3 * hidden + which * hidden + at])
    };
    let n = joined.len() / (3 * hidden);
    let mut out = Vec::new();
    for token in 0..n {
        for column in 0..hidden {
            let head = column / size * size..(column / size + 1) * size;
            let scored = |other: usize| {
                let products = head.clone().map(|at| of(token, 0, at) * of(other, 1, at));
                let bias = f64::from(bias(column / size, other as isize - token as isize));
                let sizes = products.clone().map(f64::abs).sum::<f64>() + bias.abs();
                (products.sum::<f64>() + bias, sizes)
            };
            let scores: Vec<(f64, f64)> = (0..n).map(scored).collect();
            let highest = scores.iter().fold(f64::NEG_INFINITY, |a, &(b, _)| a.max(b));
            let total: f64 = scores.iter().map(|(score, _)| (score - highest).exp()).sum();
            let weighed = || {
                scores.iter().enumerate().map(|(other, &(score, sizes))| {
                    let off = (size + 2) as f64 * ROUNDING * sizes
                        + (highest - score) * ROUNDING
                        + OF_EXP;
                    ((score - highest).exp() / total, of(other, 2, column), off)
                })
            };
            let mean: f64 = weighed().map(|(weight, value, _)| weight * value).sum();
            let of_sums = (2 * n + 3) as f64 * ROUNDING;
            let room = weighed().map(|(weight, value, off)| {
                weight * (off * (value - mean).abs() + of_sums * value.abs())
            });
            // What a product of two such shares adds is small beside them.
            out.push((mean, 1.1 * room.sum::<f64>()));
        }
    }
    out
}

/// Sets a tile and hands it out. Rows come by groups, whatever the level.
struct Bytes<'t>(&'t [RowGroup], &'t [ColumnGroup], &'t mut Tile);

impl Work for Bytes<'_> {
    const OF_BYTES: bool = true;

    #[inline(always)]
    fn run(self, tiles: impl Tiles) {
        let mut block = vec![[[0; STEP]; ROWS]; self.0.len()];
        for at in 0..ROWS {
            let row: Vec<[u8; STEP]> = self.0.iter().map(|group| group[at]).collect();
            tiles.put_row(&mut block, at, &row);
        }
        let mut groups = self.1.to_vec();
        let excess = tiles.divide(&mut groups);
        tiles.bytes(&block, Columns { groups: &groups, excess: &excess }, self.2);
    }
}

struct Floats<'t>(&'t [[f32; FEW]], &'t [Lanes], &'t mut FloatTile);

impl Work for Floats<'_> {
    #[inline(always)]
    fn run(self, tiles: impl Tiles) {
        tiles.floats(self.0, self.1, self.2);
    }
}

#[test]
fn sums_neither_saturate_nor_round_at_the_largest_numbers() {
    let n_groups = tile::MOST_INPUTS / STEP;
    for weight in [-127, 127] {
        let (rows, columns) =
            (vec![[[255; STEP]; ROWS]; n_groups], vec![[[weight; STEP]; COLUMNS]; n_groups]);
        let expected = 255 * i32::from(weight) * tile::MOST_INPUTS as i32;
        for level in Level::all() {
            let mut found = [[1; COLUMNS]; ROWS];
            level.run(Bytes(&rows, &columns, &mut found));
            assert_eq!(found, [[expected; COLUMNS]; ROWS], "{}", level.name());
        }
    }
}

#[test]
fn tiles_of_any_bytes_are_exact_at_every_level() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for n_groups in [0, 1, 2, 7, 130] {
        let rows: Vec<RowGroup> = (0..n_groups)
            .map(|_| [[(); STEP]; ROWS].map(|r| r.map(|()| random.random())))
            .collect();
        let columns: Vec<ColumnGroup> = (0..n_groups)
            .map(|_| [[(); STEP]; COLUMNS].map(|c| c.map(|()| random.random())))
            .collect();
        let exact = |row: usize, column: usize| -> i64 {
            let groups = rows.iter().zip(&columns);
            groups
                .flat_map(|(r, c)| r[row].into_iter().zip(c[column]))
                .map(|(a, b)| i64::from(a) * i64::from(b))
                .sum()
        };
        for level in Level::all() {
            let mut found = [[1; COLUMNS]; ROWS];
            level.run(Bytes(&rows, &columns, &mut found));
            for (row, sums) in found.iter().enumerate() {
                for (column, sum) in sums.iter().enumerate() {
                    assert_eq!(i64::from(*sum), exact(row, column), "{}", level.name());
                }
            }
        }
    }
}

#[test]
fn tiles_of_floats_are_added_in_order_at_every_level() {
    for n in [0, 1, 5, 64] {
        let rows: Vec<[f32; FEW]> =
            (0..n).map(|i| std::array::from_fn(|r| numbers(FEW, i)[r])).collect();
        let columns: Vec<Lanes> =
            (0..n).map(|i| std::array::from_fn(|c| numbers(LANES, 99 + i)[c])).collect();
        let mut expected = [[1.0; LANES]; FEW];
        Portable.floats(&rows, &columns, &mut expected);
        let one = (0..n as usize).fold(0.0, |sum, i| sum + rows[i][3] * columns[i][9]);
        assert_eq!(expected[3][9].to_bits(), one.to_bits());
        for level in Level::all() {
            let mut found = [[1.0; LANES]; FEW];
            level.run(Floats(&rows, &columns, &mut found));
            assert_eq!(
                bits(found.as_flattened()),
                bits(expected.as_flattened()),
                "{}",
                level.name()
            );
        }
    }
}

#[test]
fn a_row_of_one_value_and_rows_of_zeros_have_no_range_and_stay_what_they_are() {
    for (row, expected) in [([0.0; 5], 0.5), ([2.0; 5], 10.5), ([-3.0; 5], -14.5)] {
        let layer =
            Layer { rows: row.to_vec(), weight: vec![1.0; 5], bias: vec![0.5], n_inputs: 5 };
        let found = layer.forward(Level::best(), Then::Set)[0];
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}

#[test]
fn weights_with_too_many_inputs_for_exact_sums_are_refused() {
    let refused = ByteWeights::of(Level::best(), &vec![0.0; tile::MOST_INPUTS + 1], &[0.0]).err();
    assert!(refused.unwrap().contains("--precision f32"));
    assert!(ByteWeights::of(Level::best(), &vec![0.0; tile::MOST_INPUTS], &[0.0]).is_ok());
}

#[test]
fn exp_is_exact_to_a_few_parts_in_ten_million() {
    for i in 0..=9000 {
        let x = -i as f32 / 100.0;
        let (found, exact) = (f64::from(wide::exp(x)), f64::from(x).exp());
        let off = (found - exact).abs();
        assert!(off <= 3e-7 * exact || (x < -86.9 && off < 2e-38), "exp({x}) is off by {off:e}");
    }
    assert_eq!(wide::exp(0.0), 1.0);
    assert_eq!(wide::exp(f32::NEG_INFINITY), 0.0);
}

#[test]
fn rows_come_to_mean_0_and_variance_1() {
    for n in [1, 5, 16, 39] {
        let mut values = numbers(3 * n, 5);
        layer_norm(Level::best(), &mut values, (&vec![2.0; n], &vec![0.25; n]), 1e-12);
        for row in values.chunks(n).filter(|row| row.len() > 1) {
            let of =
                |value: &dyn Fn(f32) -> f32| row.iter().map(|&x| value(x)).sum::<f32>() / n as f32;
            let mean = of(&|x| x);
            assert!((mean - 0.25).abs() < 1e-5, "{mean}");
            let variance = of(&|x| (x - mean) * (x - mean));
            assert!((variance - 4.0).abs() < 1e-3, "{variance}");
        }
    }
}

/// The integral of the bell curve from 0 to `x`, by Simpson's rule in f64.
fn erf_by_integration(x: f64) -> f64 {
    let n = 2000;
    let step = x / f64::from(n);
    let bell = |i: i32| (-(f64::from(i) * step).powi(2)).exp();
    let inner: f64 = (1..n).map(|i| if i % 2 == 1 { 4.0 * bell(i) } else { 2.0 * bell(i) }).sum();
    (bell(0) + inner + bell(n)) * step / 3.0 * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn erf_is_exact_to_a_few_parts_in_ten_million() {
    for i in -700..=700 {
        let x = i as f32 / 100.0;
        let error = (f64::from(wide::erf(x)) - erf_by_integration(f64::from(x))).abs();
        assert!(error < 5e-7, "erf({x}) is off by {error:e}");
    }
}

#[test]
fn functions_are_those_of_their_definition() {
    let exact = |function: Activation, x: f64| match function {
        Activation::Identity => x,
        Activation::Gelu => x * 0.5 * (1.0 + erf_by_integration(x / 2.0_f64.sqrt())),
        Activation::GeluTanh => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            0.5 * x * (1.0 + (root * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    };
    for function in FUNCTIONS {
        for i in -120..=120 {
            let x = i as f32 / 12.0;
            let mut found = [x];
            function.over(&mut found);
            let off = (f64::from(found[0]) - exact(function, f64::from(x))).abs();
            assert!(
                off <= 4e-7 * f64::from(x.abs().max(1.0)),
                "{function:?}({x}) is off by {off:e}"
            );
        }
        let mut far = [-1e30, 1e30, -0.0];
        function.over(&mut far);
        assert!(far.iter().all(|x| x.is_finite()), "{function:?}: {far:?}");
    }
}
