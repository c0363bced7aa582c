//! Subjects of clubs and stalls, which no codebook of ours knows: what the tests let themes emerge from.

/// A name, and the parts of sentences about it: who, and what of them.
pub type Topic = (&'static str, [&'static str; 4], [&'static str; 5]);

pub const TOPICS: [Topic; 4] = [
    (
        "choir",
        ["The choir", "Our sopranos", "The organist", "The conductor of the choir"],
        [
            "sang three hymns before the harvest mass",
            "rehearsed the second chorus until late in the evening",
            "wanted more basses for the cantata at Easter",
            "tuned the old organ with the help of two singers",
            "chose a madrigal for four voices",
        ],
    ),
    (
        "beehives",
        ["The beekeepers", "Every hive", "The swarm", "A queen bee"],
        [
            "made little honey in the cold spring",
            "lost many bees to mites over the winter",
            "was moved to the meadow where the clover flowers",
            "settled in a wooden box with fresh wax combs",
            "needs sugar when the nectar is gone",
        ],
    ),
    (
        "chess",
        ["The chess club", "Our best player", "The grandmaster", "Her opponent"],
        [
            "gave up a rook to attack the king",
            "opened with the queen's pawn and castled early",
            "won the endgame with a bishop and two pawns",
            "offered a draw after forty moves",
            "was checkmated by a knight in the corner of the board",
        ],
    ),
    (
        "bread",
        ["The baker", "Her sourdough", "The dough", "A loaf of rye"],
        [
            "rose overnight beside the warm oven",
            "was kneaded with flour, salt and water",
            "came out of the oven with a dark crust",
            "takes more yeast on a cold morning",
            "was sold with butter at the market stall",
        ],
    ),
];

/// The text of the document of this number: a paragraph on each of two topics.
pub fn news(topics: &[Topic], document: usize) -> String {
    let paragraph = |number: usize, topic: usize| {
        let (_, who, what) = topics[topic % topics.len()];
        let sentence =
            |k: usize| format!("{} {}.", who[(number + k) % 4], what[(number * 2 + k) % 5]);
        (0..4).map(sentence).collect::<Vec<_>>().join(" ")
    };
    [paragraph(document, document), paragraph(document / 4, document / 4 + document + 1)]
        .join("\n\n")
}
