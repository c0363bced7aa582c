//! The communities of a graph: groups of nodes with more weight between them than chance would put
//! there, which is what modularity measures (Newman and Girvan 2004); how many times as much, the
//! resolution says (Reichardt and Bornholdt 2006).
//!
//! Louvain's way (Blondel et al. 2008): each node moves to the community of its neighbours that
//! gains most, until none gains; communities become the nodes of a smaller graph, and so on. At the
//! end single nodes may move once more, which mends what the coarser rounds froze (Rotta and Noack
//! 2011). Nodes wait in a queue and come again only where a neighbour has moved (Traag et al. 2019).
//! Where it ends depends on the order of the nodes, so several orders are tried and the best end is
//! kept.

use std::collections::VecDeque;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::neighbours::Graph;

/// Least gain, as a part of a node's weight, that is worth a move: keeps rounding from moving nodes
/// to and fro.
const MIN_GAIN: f64 = 1e-9;
/// Orders of the nodes that are tried.
const N_ORDERS: u64 = 4;
/// Moves after which a round ends, for each node: far more than any round needs.
const MAX_MOVES: usize = 100;

/// For each node its community, largest first (ties by their first node); `None` for a node without
/// an edge. `resolution`: weight over chance that holds a community together, over 0; the higher, the
/// more and smaller they are.
pub fn communities(graph: &Graph, resolution: f64, seed: u64) -> Vec<Option<usize>> {
    let divided = |order: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(order);
        let found = divide(graph, resolution, &mut rng);
        (quality(graph, resolution, &found), found)
    };
    let better = |best: (f64, Vec<usize>), next: (f64, Vec<usize>)| {
        if next.0 > best.0 { next } else { best }
    };
    let best = (0..N_ORDERS).map(divided).reduce(better);
    by_size(graph, best.map(|(_, found)| found).unwrap_or_default())
}

/// For each node its community, by one order of the nodes.
fn divide(graph: &Graph, resolution: f64, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut found: Vec<usize> = (0..graph.edges.len()).collect();
    let mut level = graph.clone();
    loop {
        let mut of_node: Vec<usize> = (0..level.edges.len()).collect();
        if !settle(&level, resolution, &mut of_node, rng) {
            break;
        }
        let n = number(&mut of_node);
        found.iter_mut().for_each(|node| *node = of_node[*node]);
        level = level.merged(&of_node, n);
    }
    settle(graph, resolution, &mut found, rng);
    found
}

/// Modularity at a resolution, at most 1: the part of the weight that lies within communities, less
/// the one that chance would put there.
fn quality(graph: &Graph, resolution: f64, of_node: &[usize]) -> f64 {
    let weights = graph.weights();
    let total: f64 = weights.iter().sum();
    let (mut within, mut of_community) = (0.0, vec![0.0; of_node.len()]);
    for (node, edges) in graph.edges.iter().enumerate() {
        let inner = edges.iter().filter(|edge| of_node[edge.0 as usize] == of_node[node]);
        within += graph.loops[node] + inner.map(|edge| edge.1).sum::<f64>();
        of_community[of_node[node]] += weights[node];
    }
    let chance: f64 = of_community.iter().map(|weight| (weight / total) * (weight / total)).sum();
    within / total - resolution * chance
}

impl Graph {
    /// The graph whose nodes are the `n` communities.
    fn merged(&self, of_node: &[usize], n: usize) -> Graph {
        let mut merged = Graph { edges: vec![Vec::new(); n], loops: vec![0.0; n] };
        for (node, edges) in self.edges.iter().enumerate() {
            let own = of_node[node];
            merged.loops[own] += self.loops[node];
            for &(end, weight) in edges {
                match of_node[end as usize] {
                    other if other == own => merged.loops[own] += weight,
                    other => merged.edges[own].push((other as u32, weight)),
                }
            }
        }
        for edges in &mut merged.edges {
            edges.sort_by_key(|edge| edge.0);
            edges.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                kept.1 += if same { next.1 } else { 0.0 };
                same
            });
        }
        merged
    }

    /// For each node the weight of its edges, those within it twice.
    fn weights(&self) -> Vec<f64> {
        let sum = |edges: &Vec<(u32, f64)>| edges.iter().map(|edge| edge.1).sum::<f64>();
        self.edges.iter().zip(&self.loops).map(|(edges, own)| own + sum(edges)).collect()
    }
}

/// Moves single nodes until no move gains; whether any moved.
fn settle(graph: &Graph, resolution: f64, of_node: &mut [usize], rng: &mut ChaCha8Rng) -> bool {
    let n = graph.edges.len();
    let weights = graph.weights();
    let total: f64 = weights.iter().sum();
    let mut of_community = vec![0.0; n];
    of_node.iter().zip(&weights).for_each(|(&community, weight)| of_community[community] += weight);
    let mut order: Vec<usize> = (0..n).filter(|&node| !graph.edges[node].is_empty()).collect();
    order.shuffle(rng);
    let (mut queue, mut waits) = (VecDeque::from(order), vec![true; n]);
    let mut towards = Towards { weight: vec![0.0; n], met: Vec::new() };
    let mut n_moves = 0;
    while let Some(node) = queue.pop_front().filter(|_| n_moves < MAX_MOVES * n) {
        waits[node] = false;
        let own = of_node[node];
        of_community[own] -= weights[node];
        towards.measure(&graph.edges[node], of_node);
        let pull = resolution * weights[node] / total;
        let gain = |community: usize| towards.weight[community] - pull * of_community[community];
        let best = towards.met.iter().copied().fold((own, gain(own)), |best, community| {
            let gained = gain(community);
            let least = best.1 + MIN_GAIN * weights[node];
            if gained > least { (community, gained) } else { best }
        });
        of_community[best.0] += weights[node];
        if best.0 != own {
            (of_node[node], n_moves) = (best.0, n_moves + 1);
            for &(end, _) in &graph.edges[node] {
                let end = end as usize;
                if of_node[end] != best.0 && !std::mem::replace(&mut waits[end], true) {
                    queue.push_back(end);
                }
            }
        }
    }
    n_moves > 0
}

/// Weight of one node's edges towards each community.
struct Towards {
    /// 0 for those that it has no edge to.
    weight: Vec<f64>,
    /// Those that it has, in the order of its edges.
    met: Vec<usize>,
}

impl Towards {
    fn measure(&mut self, edges: &[(u32, f64)], of_node: &[usize]) {
        self.met.drain(..).for_each(|community| self.weight[community] = 0.0);
        for &(end, weight) in edges {
            let community = of_node[end as usize];
            if self.weight[community] == 0.0 {
                self.met.push(community);
            }
            self.weight[community] += weight;
        }
    }
}

/// Numbers communities from 0 in the order of their first nodes; how many there are.
fn number(of_node: &mut [usize]) -> usize {
    let mut numbers = vec![usize::MAX; of_node.len()];
    let mut n = 0;
    for community in of_node {
        if numbers[*community] == usize::MAX {
            numbers[*community] = n;
            n += 1;
        }
        *community = numbers[*community];
    }
    n
}

fn by_size(graph: &Graph, mut of_node: Vec<usize>) -> Vec<Option<usize>> {
    let n = number(&mut of_node);
    let mut sizes = vec![0_usize; n];
    let joined = |node: usize| !graph.edges[node].is_empty();
    (0..of_node.len()).filter(|&node| joined(node)).for_each(|node| sizes[of_node[node]] += 1);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&community| std::cmp::Reverse(sizes[community]));
    let mut rank = vec![0; n];
    order.into_iter().enumerate().for_each(|(place, community)| rank[community] = place);
    let place = |(node, community): (usize, usize)| joined(node).then(|| rank[community]);
    of_node.into_iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(n: usize, joined: &[(u32, u32, f64)]) -> Graph {
        let mut graph = Graph { edges: vec![Vec::new(); n], loops: vec![0.0; n] };
        for &(a, b, weight) in joined {
            graph.edges[a as usize].push((b, weight));
            graph.edges[b as usize].push((a, weight));
        }
        graph.edges.iter_mut().for_each(|edges| edges.sort_by_key(|edge| edge.0));
        graph
    }

    /// Newman's modularity, straight from its definition.
    fn modularity(graph: &Graph, of_node: &[Option<usize>]) -> f64 {
        let weights = graph.weights();
        let total: f64 = weights.iter().sum();
        let n = weights.len();
        let weight = |a: usize, b: usize| {
            graph.edges[a].iter().find(|edge| edge.0 as usize == b).map_or(0.0, |edge| edge.1)
        };
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        let within = pairs.filter(|&(a, b)| of_node[a] == of_node[b]);
        within.map(|(a, b)| weight(a, b) / total - weights[a] * weights[b] / total / total).sum()
    }

    #[test]
    fn cliques_in_a_ring_are_found() {
        let mut joined = Vec::new();
        for clique in 0..6_u32 {
            let nodes = clique * 5..clique * 5 + 5;
            joined.extend(nodes.clone().flat_map(|a| (a + 1..nodes.end).map(move |b| (a, b, 1.0))));
            joined.push((clique * 5, (clique * 5 + 7) % 30, 1.0));
        }
        let graph = graph(31, &joined);
        let found = communities(&graph, 1.0, 3);
        assert_eq!(found[30], None);
        for node in 0..30 {
            assert_eq!(found[node], found[node / 5 * 5], "node {node}");
        }
        assert_eq!(found.iter().flatten().max(), Some(&5));
    }

    /// Zachary's karate club (1977): the best division has modularity 0.4198 (Brandes et al. 2008).
    #[test]
    fn the_karate_club_is_divided_about_as_well_as_can_be() {
        const FRIENDS: [(u32, &[u32]); 31] = [
            (1, &[2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 18, 20, 22, 32]),
            (2, &[3, 4, 8, 14, 18, 20, 22, 31]),
            (3, &[4, 8, 9, 10, 14, 28, 29, 33]),
            (4, &[8, 13, 14]),
            (5, &[7, 11]),
            (6, &[7, 11, 17]),
            (7, &[17]),
            (9, &[31, 33, 34]),
            (10, &[34]),
            (14, &[34]),
            (15, &[33, 34]),
            (16, &[33, 34]),
            (19, &[33, 34]),
            (20, &[34]),
            (21, &[33, 34]),
            (23, &[33, 34]),
            (24, &[26, 28, 30, 33, 34]),
            (25, &[26, 28, 32]),
            (26, &[32]),
            (27, &[30, 34]),
            (28, &[34]),
            (29, &[32, 34]),
            (30, &[33, 34]),
            (31, &[33, 34]),
            (32, &[33, 34]),
            (33, &[34]),
            (8, &[]),
            (11, &[]),
            (12, &[]),
            (13, &[]),
            (17, &[]),
        ];
        let pairs = FRIENDS.iter().flat_map(|(a, others)| others.iter().map(move |b| (*a, *b)));
        let joined: Vec<(u32, u32, f64)> = pairs.map(|(a, b)| (a - 1, b - 1, 1.0)).collect();
        assert_eq!(joined.len(), 78);
        let graph = graph(34, &joined);
        for seed in 0..5 {
            let found = communities(&graph, 1.0, seed);
            let reached = modularity(&graph, &found);
            assert!((0.415..0.41981).contains(&reached), "{reached}");
            let of_node: Vec<usize> = found.into_iter().flatten().collect();
            assert!((quality(&graph, 1.0, &of_node) - reached).abs() < 1e-12);
        }
    }

    #[test]
    fn merging_keeps_the_whole_weight() {
        let graph = graph(4, &[(0, 1, 2.0), (1, 2, 1.0), (2, 3, 4.0), (0, 3, 0.5)]);
        let merged = graph.merged(&[0, 0, 1, 1], 2);
        assert_eq!(merged.loops, [4.0, 8.0]);
        assert_eq!(merged.edges, [vec![(1, 1.5)], vec![(0, 1.5)]]);
    }
}
