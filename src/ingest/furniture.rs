//! Page furniture: what stands around a text and is no part of it, and scores nothing.
//!
//! A ministry's name under a statement would count as its theme, a caption would count a meeting
//! twice, and a list of related stories would count what the document never says. So datelines,
//! credits, captions, references, links, sign-offs and the like are marked. They are told by
//! general signs only:
//!
//! - **shape**: a label (`Photo: ...`, `Source: ...`), a link alone on its line, a
//!   count of comments, a date alone;
//! - **position**: a dateline before the first sentence, an agency behind the last, the lines
//!   under `References`, the issuer above the date of a statement, a caption beside a credit;
//! - **repetition** ([`LineCensus`]): short lines that stand at the edges of many documents.
//!
//! Running text must never be marked: where a sign is weak, the line stays text. Headlines and
//! crossheads are text.

mod edges;
mod labels;
mod names;
mod repeated;
mod shape;

use crate::document::Span;
use crate::ingest::date::{self, Role};
use crate::layout::{Block, BlockKind};

use labels::List;
pub use repeated::{LineCensus, RepeatedLines};

/// What a piece of furniture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FurnitureKind {
    /// Place, date and agency before the text, or a date alone on its line.
    Dateline,
    /// Who wrote or edited.
    Byline,
    /// Who took a picture.
    Credit,
    /// What a picture shows.
    Caption,
    /// `Source: ...`, and an agency's name behind the last sentence.
    Source,
    /// `Reference(s):` and what stands under it.
    Reference,
    /// Links to other stories.
    Related,
    /// An address on the web or of mail, alone on its line.
    Link,
    /// Counts and calls for comments, shares, likes.
    Comments,
    /// Telephone, address, office hours.
    Contact,
    /// Copyright, advertisement, subscription.
    Notice,
    /// The name of an outlet or of an issuing office, alone on its line.
    Outlet,
    /// The number of a page.
    PageNumber,
    /// `ENDS`, `###`, `./.`
    EndMark,
    /// A short line that many documents of the corpus share.
    Repeated,
}

/// A part of a document's text that scores nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Furniture {
    /// Bytes of the document's text; never empty.
    pub span: Span,
    /// What it is.
    pub kind: FurnitureKind,
}

/// A line of a block.
struct Line<'t> {
    text: &'t str,
    span: Span,
    /// Whether it is its block's only line.
    alone: bool,
    heading: bool,
    kind: Option<FurnitureKind>,
}

impl Line<'_> {
    /// Whether it closes as a sentence does.
    fn closes(&self) -> bool {
        let end = self.text.trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
        end.ends_with(['.', '!', '?', '…', '。', '！', '？'])
    }
}

/// Marks the furniture of a text, in order, without overlap, on char boundaries. A mark covers a
/// whole line of a block, or a part before or behind the running text of one. `blocks` are those
/// of [`crate::layout::blocks`] on the same text. Linear in the length of the text.
pub fn mark(text: &str, blocks: &[Block], repeated: &RepeatedLines) -> Vec<Furniture> {
    let mut lines = lines(text, blocks);
    by_shape(&mut lines);
    by_date(&mut lines);
    by_repetition(&mut lines, repeated);
    issuers(&mut lines);
    lists(&mut lines);
    captions(&mut lines);
    outlets(&mut lines);
    let mut marks = whole(&lines);
    marks.extend(edges::before(text, &lines));
    marks.extend(edges::behind(&lines));
    marks.sort_unstable_by_key(|mark| mark.span);
    // A line of nothing but signs may read as a dateline and as a signature.
    let mut end = 0;
    marks.retain(|mark| {
        let free = mark.span.start >= end && !mark.span.is_empty();
        end = if free { mark.span.end } else { end };
        free
    });
    marks
}

/// The lines of all blocks, without white space around them.
fn lines<'t>(text: &'t str, blocks: &[Block]) -> Vec<Line<'t>> {
    let mut lines = Vec::with_capacity(blocks.len());
    for block in blocks {
        let inner = block.span.of(text);
        let alone = !inner.contains('\n');
        let mut start = block.span.start;
        for part in inner.split_inclusive('\n') {
            let span = Span::new(start, start + part.len()).trimmed(text);
            start += part.len();
            if !span.is_empty() {
                let heading = block.kind == BlockKind::Heading;
                lines.push(Line { text: span.of(text), span, alone, heading, kind: None });
            }
        }
    }
    lines
}

fn by_shape(lines: &mut [Line<'_>]) {
    let n = lines.len();
    for (i, line) in lines.iter_mut().enumerate() {
        let edge = i < 5 || i + 5 >= n;
        line.kind = shape::of(line.text, edge, i == 0).filter(|kind| line.alone || strong(*kind));
    }
}

/// Whether a shape is believed of a line within a wrapped block too.
fn strong(kind: FurnitureKind) -> bool {
    use FurnitureKind::{Caption, Comments, Credit, Link, Source};
    matches!(kind, Caption | Comments | Credit | Link | Source)
}

/// Lines that hold a date and nothing else but a place, an author or an issuer.
fn by_date(lines: &mut [Line<'_>]) {
    const LONGEST: usize = 200;
    for (i, line) in lines.iter_mut().enumerate() {
        let open = line.kind.is_none() && line.alone && line.text.len() <= LONGEST;
        if !open || !has_digit(line.text) {
            continue;
        }
        let Some(found) = date::of_line(line.text) else { continue };
        // Near the top, a line of capitals or of names before a date may be a headline.
        let headline = match found.role {
            Role::SignOff => i < 3 && !names::is_institution(line.text),
            Role::Dateline => i >= 4 || i == 0 && line.heading && !found.agency,
            _ => false,
        };
        if found.end == line.text.len() && !headline {
            line.kind = Some(FurnitureKind::Dateline);
        }
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn by_repetition(lines: &mut [Line<'_>], repeated: &RepeatedLines) {
    for line in lines.iter_mut().filter(|line| line.alone && line.kind.is_none()) {
        if repeated.contains(line.text) {
            line.kind = Some(FurnitureKind::Repeated);
        }
    }
}

/// The issuer of a statement: lines of names right above its date, one of which names an office,
/// or which are capitals at the end of the text. A headline above a date stays text.
fn issuers(lines: &mut [Line<'_>]) {
    let n = lines.len();
    for i in 1..n {
        if lines[i].kind != Some(FurnitureKind::Dateline) {
            continue;
        }
        let first = (i.saturating_sub(4)..i).rev().take_while(|&j| is_issuer(&lines[j])).last();
        let Some(first) = first else { continue };
        let signed = lines[first..i].iter().any(|line| names::is_institution(line.text));
        if signed || i + 2 >= n && first >= 3 {
            for line in lines[first..i].iter_mut().filter(|line| line.kind.is_none()) {
                line.kind = Some(FurnitureKind::Outlet);
            }
        }
    }
}

fn is_issuer(line: &Line<'_>) -> bool {
    let named = names::is_institution(line.text) || names::is_capitals(line.text);
    let free = matches!(line.kind, None | Some(FurnitureKind::Repeated | FurnitureKind::Outlet));
    free && named && line.text.len() <= 90 && !line.closes()
}

/// Lines under a label that opens a list: references to the end of the text, related stories and
/// the one line that a label without a colon's right side is for (`Photo caption:`).
fn lists(lines: &mut [Line<'_>]) {
    // From here on every line could be an entry of a list of references.
    let entries = lines.iter().rposition(|line| !is_entry(line)).map_or(0, |last| last + 1);
    let mut i = 0;
    while i < lines.len() {
        let line = &lines[i];
        let opened =
            if line.alone && line.kind.is_some() { labels::opens_list(line.text) } else { None };
        let rest = &lines[i + 1..];
        let n = match opened {
            Some(List::References) if i + 1 >= entries => rest.len(),
            Some(List::References) => open_entries(rest),
            Some(List::Related) => related(rest),
            Some(List::One) => usize::from(rest.first().is_some_and(|l| l.text.len() <= 300)),
            None => 0,
        };
        let kind = line.kind;
        for line in &mut lines[i + 1..=i + n] {
            line.kind = line.kind.or(kind);
        }
        i += n + 1;
    }
}

fn is_entry(line: &Line<'_>) -> bool {
    line.text.len() <= 160 || shape::is_reference(line.text)
}

/// References above more text: the lines up to the first that closes like a sentence.
fn open_entries(rest: &[Line<'_>]) -> usize {
    rest.iter().take_while(|line| is_entry(line) && !line.closes()).count()
}

/// How many lines under `Related stories` are headlines of other stories: those that do not close.
/// The last one before more text may be its crosshead.
fn related(rest: &[Line<'_>]) -> usize {
    const MOST: usize = 12;
    let open = |line: &&Line<'_>| line.text.len() <= 160 && !line.closes();
    let n = rest.iter().take(MOST).take_while(open).count();
    if n < rest.len() { n.saturating_sub(1).clamp(usize::from(n > 0), 5) } else { n }
}

/// Captions stand above their credit, or under it where they say so.
fn captions(lines: &mut [Line<'_>]) {
    let signed = lines.iter().position(|l| l.kind == Some(FurnitureKind::Dateline)).unwrap_or(0);
    for i in 0..lines.len() {
        if lines[i].kind != Some(FurnitureKind::Credit) {
            continue;
        }
        let above = i.checked_sub(1).filter(|&j| j > 0 && lines[j].kind.is_none());
        if let Some(j) = above {
            // Under the date of a statement nothing but letters and pictures follows.
            let end_matter = signed > 3 && j > signed && lines[j - 1].kind.is_some();
            if is_caption(&lines[j], end_matter) {
                lines[j].kind = Some(FurnitureKind::Caption);
            }
        }
        if let Some(below) = lines.get_mut(i + 1)
            && below.kind.is_none()
            && below.text.len() <= 250
            && names::shows_picture(below.text)
        {
            below.kind = Some(FurnitureKind::Caption);
        }
    }
}

fn is_caption(line: &Line<'_>, end_matter: bool) -> bool {
    let short = line.text.len() <= 300 && line.alone;
    let names = !line.closes() && line.text.len() <= 200 && names::is_names(line.text);
    let one_sentence = end_matter && !line.text.trim_end_matches('.').contains(". ");
    short && (names || one_sentence || names::shows_picture(line.text))
}

/// A short last line of names beside other furniture, or of capitals: an outlet or a signature.
fn outlets(lines: &mut [Line<'_>]) {
    for i in (1..lines.len()).rev() {
        let line = &lines[i];
        if line.kind.is_some() {
            continue;
        }
        let beside = i + 1 < lines.len() || lines[i - 1].kind.is_some();
        let name = line.text.len() <= 60 && line.alone && names::is_outlet(line.text);
        let letters = line.text.len() <= 8 && names::is_capitals(line.text);
        if !(name && beside || letters && line.alone) {
            break;
        }
        lines[i].kind = Some(FurnitureKind::Outlet);
    }
}

/// The marks of whole lines.
fn whole(lines: &[Line<'_>]) -> Vec<Furniture> {
    let marked = lines.iter().filter_map(|line| Some((line.span, line.kind?)));
    marked.map(|(span, kind)| Furniture { span, kind }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::blocks;
    use FurnitureKind::*;

    fn marks(text: &str) -> Vec<(FurnitureKind, &str)> {
        let marks = mark(text, &blocks(text), &RepeatedLines::default());
        marks.iter().map(|m| (m.kind, m.span.of(text))).collect()
    }

    const FIRST: &str = "The ministers of both lands met on Monday and spoke of the new bridge.";
    const LAST: &str = "They will meet again in the spring of next year, the host said.";

    /// Furniture lines between and around two sentences, and the kinds that they get.
    #[test]
    fn lines_are_told_by_their_shape() {
        let table: [(&str, FurnitureKind); 36] = [
            ("PHOTO: ANA SILVA", Credit),
            ("Photo credit: Ministry of Ports, Riverland", Credit),
            ("Photo Credits: Ana Silva/OKP", Credit),
            ("[Photo Credit: Riverton Post]", Credit),
            ("Photo CreditMinistry of Ports", Credit),
            ("Image: Ana Silva", Credit),
            ("Credit: Ministry of Ports", Credit),
            ("All photos are credited to the port office", Credit),
            ("(OKP Photo/Ana Silva)", Credit),
            ("REUTERSON/Ana Silva", Credit),
            ("Photo caption: The two ministers on the bridge", Caption),
            ("Caption: The two ministers walk over the old bridge.", Caption),
            ("Source: https://post.example/a-long/path-18525.htm", Source),
            ("Source: OKP", Source),
            ("(Source: Riverton Post)", Source),
            ("https://post.example/story", Link),
            ("www.post.example", Link),
            ("Riverpost.vn", Link),
            ("desk@post.example", Link),
            ("Comment (0)", Comments),
            ("12 Comments", Comments),
            ("1,024 views", Comments),
            ("Share this article", Comments),
            ("Read more: Ferry line opens to the islands", Related),
            ("Related: Ferry line opens to the islands", Related),
            ("Tags: ports, rivers, trade", Related),
            ("Tel: +99 12 345 678", Contact),
            ("E-mail: desk@post.example", Contact),
            ("© 2024 Riverton Post. All rights reserved.", Notice),
            ("Advertisement", Notice),
            ("Article continues after this advertisement", Notice),
            ("Subscribe to our daily newsletter", Notice),
            ("Published: 2024-05-01", Dateline),
            ("Tuesday, 15 October 2024 | 14:05", Dateline),
            ("Page 3 of 12", PageNumber),
            ("###", EndMark),
        ];
        for (line, kind) in table {
            let text = format!("{FIRST}\n\n{line}\n\n{LAST}\n");
            assert_eq!(marks(&text), [(kind, line)], "{line}");
        }
    }

    #[test]
    fn running_text_and_headlines_are_never_marked() {
        let table = [
            "Trade and investment",
            "Ports invite young sailors to a festival",
            "Talks: two sides agree on rail link",
            "Photo exhibition opens in the capital",
            "By rail across the border",
            "By Land and by Sea: Trade Grows",
            "Source of the river disputed again",
            "References to the treaty were removed, the host said.",
            "Comments by the premier were welcomed in both lands.",
            "Follow-up talks on energy",
            "Reading the treaty again",
            "More trade, fewer tariffs",
            "Related fields such as energy and water were discussed too.",
            "Contact between the two armies has been resumed.",
            "Watch over the strait",
            "Views on the strait differ, he said.",
            "On 14 October 2024 he met the premier in Riverton.",
            "Energy - the minister said - comes first.",
            "The photo shows nothing that was not agreed before. It was taken at noon.",
            "CLIMATE GOALS/FOOD SECURITY",
            "FOOD SECURITY",
            "Food and Water",
            "Trade Dialogue, 15 October 2024",
            "In 2023, trade grew by 4.5 per cent.",
            "Oceans, fisheries and",
            "TRADE: Riverland opens its ports",
            "ENERGY – two dams for the river",
        ];
        for line in table {
            for text in
                [format!("{line}\n\n{FIRST}\n\n{LAST}\n"), format!("{FIRST}\n\n{line}\n\n{LAST}\n")]
            {
                assert_eq!(marks(&text), [], "{text}");
            }
        }
    }

    #[test]
    fn a_dateline_is_marked_up_to_the_text() {
        let table = [
            (" date 2024-10-15 RIVERTON — ", "date 2024-10-15 RIVERTON —"),
            ("RIVERTON, Oct. 15 (Oktpress) -- ", "RIVERTON, Oct. 15 (Oktpress) --"),
            ("Riverton (OKP) – ", "Riverton (OKP) –"),
            ("PORT VELA, 12 March 2023 (OKP) - ", "PORT VELA, 12 March 2023 (OKP) -"),
            ("HÀ LONG — ", "HÀ LONG —"),
            ("(Riverpost.vn) - ", "(Riverpost.vn) -"),
            ("NEW RIVERTON: ", "NEW RIVERTON:"),
        ];
        for (dateline, marked) in table {
            let text = format!("{dateline}{FIRST}\n\n{LAST}\n");
            assert_eq!(marks(&text), [(Dateline, marked)], "{text}");
            let under = format!("Bridge agreed\n\n{dateline}{FIRST}\n\n{LAST}\n");
            assert_eq!(marks(&under), [(Dateline, marked)], "{under}");
        }
        let whole = format!("Porto Vela, October 27, OKTPRESS\n\n{FIRST}\n\n{LAST}");
        assert_eq!(marks(&whole), [(Dateline, "Porto Vela, October 27, OKTPRESS")]);
    }

    #[test]
    fn labels_in_capitals_are_no_datelines() {
        let text = format!("TRADE: {FIRST}\n\nENERGY: {LAST}\n");
        assert_eq!(marks(&text), []);
    }

    #[test]
    fn signatures_behind_the_last_sentence_are_marked() {
        for signature in ["— OKP", "– Oktpress", "-- BERNAMO", "(Oktpress)", "/.", "OKP"] {
            let text = format!("{FIRST}\n\n{LAST} {signature}");
            assert_eq!(marks(&text), [(Source, signature)], "{text}");
        }
        let text = format!("{FIRST}\n\n{LAST}/.");
        assert_eq!(marks(&text), [(Source, "/.")]);
        for plain in
            ["They met in Riverton (Riverland).", "He said: no. Never (2019).", "So be it - now."]
        {
            assert_eq!(marks(&format!("{FIRST}\n\n{plain}")), [], "{plain}");
        }
    }

    #[test]
    fn references_go_to_the_end_and_related_stories_to_the_text() {
        let text = format!(
            "{FIRST}\n{LAST}\nReference(s):\nRiverland to open ports: premier\npost.example"
        );
        assert_eq!(
            marks(&text),
            [
                (Reference, "Reference(s):"),
                (Reference, "Riverland to open ports: premier"),
                (Link, "post.example")
            ]
        );
        let text = format!(
            "{FIRST}\n\nRelated stories\nFerry line opens\nRail link agreed\n\nPorts\n\n{LAST}"
        );
        assert_eq!(
            marks(&text),
            [
                (Related, "Related stories"),
                (Related, "Ferry line opens"),
                (Related, "Rail link agreed")
            ]
        );
    }

    #[test]
    fn captions_stand_beside_their_credit() {
        let credit = "PHOTO: ANA SILVA";
        for caption in [
            "Premier Ana Silva and President Bo Okt",
            "Premier Ana Silva at the meeting",
            "Premier Ana Silva (left) welcomes President Bo Okt to the port.",
            "The two leaders pose for a group photo",
        ] {
            let text = format!("{FIRST}\n{caption}\n{credit}\n{LAST}\n{LAST}");
            assert_eq!(marks(&text), [(Caption, caption), (Credit, credit)], "{caption}");
        }
        // A crosshead or a sentence above a credit is text.
        for kept in ["Ports invite young sailors to a festival", LAST] {
            let text = format!("{FIRST}\n{kept}\n{credit}\n{LAST}\n{LAST}");
            assert_eq!(marks(&text), [(Credit, credit)], "{kept}");
        }
        let text = format!("{FIRST}\n{LAST} Photo: OKP");
        assert_eq!(marks(&text), [(Credit, "Photo: OKP")]);
        let text = format!("{FIRST}\nPhoto caption:\nThe host greets his guest.\n{LAST}");
        assert_eq!(
            marks(&text),
            [(Caption, "Photo caption:"), (Caption, "The host greets his guest.")]
        );
    }

    #[test]
    fn the_issuer_of_a_statement_is_marked_with_its_date() {
        let text =
            format!("{FIRST}\n{LAST}\nMINISTRY OF TRADE AND INDUSTRY\nRIVERLAND\n8 MAY 2024");
        assert_eq!(
            marks(&text),
            [
                (Outlet, "MINISTRY OF TRADE AND INDUSTRY"),
                (Outlet, "RIVERLAND"),
                (Dateline, "8 MAY 2024")
            ]
        );
        let text = format!("{FIRST}\n{LAST}\nMINISTRY OF PORTS RIVERLAND 8 MAY 2024");
        assert_eq!(marks(&text), [(Dateline, "MINISTRY OF PORTS RIVERLAND 8 MAY 2024")]);
        // A headline above a date is text.
        let text = format!("LEADERS DISCUSS TRADE\n8 MAY 2024\n{FIRST}\n{LAST}");
        assert_eq!(marks(&text), [(Dateline, "8 MAY 2024")]);
    }

    #[test]
    fn bylines_and_last_lines_of_names_are_marked() {
        let text = format!(
            "Bridge agreed\nBy Ana Silva\n\n{FIRST}\n\n{LAST}\n\nRiverton Post\nSource: OKP"
        );
        assert_eq!(
            marks(&text),
            [(Byline, "By Ana Silva"), (Outlet, "Riverton Post"), (Source, "Source: OKP")]
        );
    }

    #[test]
    fn lines_that_come_back_are_learned_in_any_order() {
        let lands = ["Aland", "Beland", "Celand", "Deland", "Eland"];
        let texts: Vec<String> = lands
            .iter()
            .map(|land| {
                format!(
                    "The voice of the river\n\nThe premier of {land} came to the port.\n\nTrade \
                     and ports\n\nThe two sides agreed to open it.\n\nThe {land} desk\n\nA \
                     paper for everyone"
                )
            })
            .collect();
        let learn = |texts: &mut dyn Iterator<Item = &String>| {
            let mut census = LineCensus::default();
            texts.for_each(|text| census.observe(text, &blocks(text)));
            census
        };
        let census = learn(&mut texts.iter());
        let learned = census.learned();
        assert_eq!(learned, ["A paper for everyone"]);
        assert_eq!(learn(&mut texts.iter().rev()).learned(), learned);
        // Copies of one document count once, and parts add up.
        assert_eq!(learn(&mut texts[..2].iter().chain(&texts[..2])).learned().len(), 0);
        let mut parts = learn(&mut texts[..2].iter());
        parts.merge(learn(&mut texts[2..].iter()));
        assert_eq!(parts.learned(), learned);
        let repeated = RepeatedLines::from_lines(learned);
        let marks = mark(&texts[0], &blocks(&texts[0]), &repeated);
        assert!(
            marks.iter().any(|m| m.kind == Repeated && m.span.of(&texts[0]).starts_with("A paper"))
        );
    }

    #[test]
    fn sentences_and_texts_of_one_line_are_never_learned() {
        let mut census = LineCensus::default();
        for i in 0..20 {
            for text in [
                format!("Number {i} came.\nThe two sides agreed to expand trade."),
                format!("card payment\n{i}"),
            ] {
                census.observe(&text, &blocks(&text));
            }
        }
        assert_eq!(census.learned(), [""; 0]);
    }

    #[test]
    fn hostile_text_costs_linear_time() {
        let start = std::time::Instant::now();
        for unit in
            ["a", "Photo: ", "(", "— ", "1 MAY ", "Reference:\n", "PHOTO: X\n", "A\n", "é. "]
        {
            let text = unit.repeat((1 << 20) / unit.len());
            let block =
                [Block { span: Span::new(0, text.trim_end().len()), kind: BlockKind::Paragraph }];
            let split: Vec<Block> = blocks(&text);
            mark(&text, &block, &RepeatedLines::default());
            mark(&text, &split, &RepeatedLines::default());
        }
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn marks_are_in_order_on_char_boundaries(
            text in "(PHOTO: |Source:|Reference\\(s\\):|date |2024-05-01|8 MAY 2024|MINISTRY|— |\\(|\\)|é|\n|\n\n| |The |port |opens\\. |/\\.|A|Photo: |\"){0,40}",
            other in "(?s).{0,60}",
        ) {
            for text in [text, other] {
                let mut end = 0;
                for m in mark(&text, &blocks(&text), &RepeatedLines::default()) {
                    proptest::prop_assert!(m.span.start >= end && !m.span.is_empty());
                    proptest::prop_assert!(text.get(m.span.start..m.span.end).is_some());
                    end = m.span.end;
                }
            }
        }
    }
}
