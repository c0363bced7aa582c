//! What a page says of itself: its title and its date of publication.

use super::markup::{Piece, Tag, pieces};
use html_escape::decode_html_entities;

/// Title and date, as the page writes them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The title as a headline or a card gives it.
    pub headline: Option<String>,
    /// The title as the window gives it, perhaps with the name of the site.
    pub title: Option<String>,
    pub date: Option<String>,
}

/// Names under which pages give their date of publication, the most telling first.
const DATE_NAMES: [&str; 16] = [
    "article:published_time",
    "og:published_time",
    "datepublished",
    "dcterms.issued",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.date",
    "dc.date",
    "publishdate",
    "publish_date",
    "publish-date",
    "pubdate",
    "article.published",
    "sailthru.date",
    "parsely-pub-date",
    "date",
];

/// Bytes of a page in which metadata are looked for.
const WINDOW: usize = 1 << 20;

/// Reads the metadata of a page, in one pass. A date in a `<meta>` tag is believed first, then
/// `datePublished` of JSON-LD, then the first `<time datetime>`.
pub(super) fn find(html: &str) -> Found {
    let window = &html[..html.floor_char_boundary(WINDOW)];
    let mut meta: Option<(usize, String)> = None;
    let mut titles = Titles::default();
    let mut time = None;
    for piece in pieces(window) {
        let tag = match piece {
            Piece::Tag(tag) => tag,
            Piece::Text(text) => {
                titles.text(text);
                continue;
            }
        };
        titles.tag(&tag);
        if tag.is("meta") {
            let (rank, value) = (meta_rank(&tag), tag.attribute("content"));
            if let (Some(rank), Some(value)) = (rank, value)
                && meta.as_ref().is_none_or(|(best, _)| rank < *best)
            {
                meta = Some((rank, value.trim().to_owned()));
            }
        }
        if tag.is("time") && time.is_none() && !tag.closes {
            time = tag.attribute("datetime").map(|value| value.trim().to_owned());
        }
    }
    let date = meta.map(|(_, value)| value).or_else(|| json_date(window)).or(time);
    let (headline, title) = titles.settled();
    Found { headline, title, date: date.filter(|date| !date.is_empty()) }
}

fn meta_rank(tag: &Tag<'_>) -> Option<usize> {
    let name = ["property", "name", "itemprop"].iter().find_map(|key| tag.attribute(key))?;
    let name = name.trim().to_ascii_lowercase();
    DATE_NAMES.iter().position(|known| *known == name)
}

/// `"datePublished": "..."` of a JSON-LD block.
fn json_date(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("\"datePublished\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let end = value.bytes().take(64).position(|byte| byte == b'"')?;
    Some(value[..end].to_owned())
}

/// The titles of a page while it is read.
#[derive(Default)]
struct Titles {
    open_graph: Option<String>,
    heading: String,
    title: String,
    within: Option<&'static str>,
}

impl Titles {
    fn tag(&mut self, tag: &Tag<'_>) {
        if tag.is("meta") && tag.attribute("property").is_some_and(|p| p == "og:title") {
            self.open_graph = tag.attribute("content").map(|title| title.trim().to_owned());
        }
        for (name, text) in [("title", &self.title), ("h1", &self.heading)] {
            if tag.is(name) {
                self.within = (!tag.closes && text.is_empty()).then_some(name);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let into = match self.within {
            Some("title") => &mut self.title,
            Some(_) => &mut self.heading,
            None => return,
        };
        if into.len() < 500 {
            into.push_str(&decode_html_entities(text));
        }
    }

    /// The headline and the title. A first heading that the title does not repeat may be the
    /// site's name.
    fn settled(self) -> (Option<String>, Option<String>) {
        let clean = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let (title, heading) = (clean(self.title), clean(self.heading));
        let card = self.open_graph.map(clean).and_then(some);
        let headline = some(heading).filter(|h| title.is_empty() || title.contains(h.as_str()));
        (headline.or(card), some(title))
    }
}
