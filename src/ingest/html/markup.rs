//! Markup to text in one pass: no tree, no recursion, time linear in the page.
//!
//! Tags are read the way browsers forgive them: unclosed, misnested, in any case. Blocks (paragraphs,
//! headings, list items, table rows) come out separated by blank lines, `<br>` as a line break.

use std::borrow::Cow;

use html_escape::decode_html_entities;

/// A piece of a page.
pub(super) enum Piece<'h> {
    /// Characters, entities not yet decoded.
    Text(&'h str),
    /// A start or end tag.
    Tag(Tag<'h>),
}

/// `<name attributes>` or `</name>`.
#[derive(Clone, Copy)]
pub(super) struct Tag<'h> {
    pub name: &'h str,
    pub attributes: &'h str,
    pub closes: bool,
}

impl Tag<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The decoded value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut rest = self.attributes;
        while let Some((key, value, after)) = next_attribute(rest) {
            if key.eq_ignore_ascii_case(name) {
                return Some(decode_html_entities(value));
            }
            rest = after;
        }
        None
    }
}

/// Splits off the first attribute: its name, its raw value, and what follows.
fn next_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    let name_end = text.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    if text.is_empty() {
        return None;
    }
    let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
        return Some((name, "", rest));
    };
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote).unwrap_or((quoted, ""));
            return Some((name, value, after));
        }
    }
    let end = value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len());
    Some((name, &value[..end], &value[end..]))
}

/// The pieces of a page, in order. Comments, declarations and the insides of scripts and styles
/// are left out.
pub(super) struct Pieces<'h> {
    html: &'h str,
    at: usize,
    /// Comments that never end are sought once only.
    no_more_comments: bool,
}

/// The pieces of `html`.
pub(super) fn pieces(html: &str) -> Pieces<'_> {
    Pieces { html, at: 0, no_more_comments: false }
}

impl<'h> Iterator for Pieces<'h> {
    type Item = Piece<'h>;

    fn next(&mut self) -> Option<Piece<'h>> {
        loop {
            let rest = &self.html[self.at..];
            let open = rest.find('<').unwrap_or(rest.len());
            if open > 0 {
                self.at += open;
                return Some(Piece::Text(&rest[..open]));
            }
            match rest.as_bytes().get(1)? {
                b'!' | b'?' => self.skip_declaration(rest),
                b'/' => return Some(self.tag(&rest[2..], 2, true)),
                byte if byte.is_ascii_alphabetic() => return Some(self.tag(&rest[1..], 1, false)),
                _ => {
                    // A sign, not a tag: "3 < 4".
                    self.at += 1;
                    return Some(Piece::Text(&rest[..1]));
                }
            }
        }
    }
}

impl<'h> Pieces<'h> {
    fn skip_declaration(&mut self, rest: &str) {
        let comment = rest.starts_with("<!--") && !self.no_more_comments;
        let end = if comment { rest[4..].find("-->").map(|n| n + 7) } else { None };
        self.no_more_comments |= comment && end.is_none();
        self.at += end.or_else(|| rest.find('>').map(|n| n + 1)).unwrap_or(rest.len());
    }

    /// Reads a tag whose name starts `lead` bytes behind the current place.
    fn tag(&mut self, inner: &'h str, lead: usize, closes: bool) -> Piece<'h> {
        let end = tag_end(inner);
        let name_end =
            inner[..end].find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(end);
        let tag = Tag { name: &inner[..name_end], attributes: &inner[name_end..end], closes };
        self.at = (self.at + lead + end + 1).min(self.html.len());
        if !closes && tag.is_any(&["script", "style", "textarea", "iframe", "xmp", "noembed"]) {
            self.skip_raw(tag.name);
        }
        Piece::Tag(tag)
    }

    /// Moves behind the raw text of a script or style, to its end tag.
    fn skip_raw(&mut self, name: &str) {
        let rest = &self.html[self.at..];
        let closing = rest.match_indices("</").find(|(i, _)| {
            let tail = rest.as_bytes().get(i + 2..i + 2 + name.len());
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name.as_bytes()))
        });
        self.at += closing.map_or(rest.len(), |(i, _)| i);
    }
}

/// Where a tag ends: the first `>` outside of quotes, looked for in a bounded stretch.
fn tag_end(inner: &str) -> usize {
    const LONGEST_TAG: usize = 1 << 16;
    let mut quote = None;
    for (i, byte) in inner.bytes().enumerate().take(LONGEST_TAG) {
        match (quote, byte) {
            (None, b'>') => return i,
            (None, b'"' | b'\'') if inner.as_bytes()[..i].ends_with(b"=") => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    inner.find('>').unwrap_or(inner.len())
}

/// Elements without an end tag or whose end tag is usually left out; they do not nest.
const FLAT: [&str; 26] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "p", "li", "dt", "dd", "option", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup",
];
const FORMATTING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// A tree of more nodes is not built: finding the article takes about quadratic time in tags and
/// ampersands, and unclosed formatting is repeated in every paragraph.
const MOST_NODES: usize = 100_000;

/// Whether a tree of the page would be at most `deepest` deep and of bounded size.
pub(super) fn is_shallow(html: &str, deepest: usize) -> bool {
    let mut open: rustc_hash::FxHashMap<String, usize> = rustc_hash::FxHashMap::default();
    let (mut depth, mut formatting, mut nodes) = (0usize, 0usize, 0usize);
    for piece in pieces(html) {
        nodes += 1 + formatting;
        if depth > deepest || nodes > MOST_NODES {
            return false;
        }
        let tag = match piece {
            Piece::Tag(tag) => tag,
            Piece::Text(text) => {
                nodes += text.bytes().filter(|&byte| byte == b'&').count();
                continue;
            }
        };
        if tag.is_any(&FLAT) || tag.attributes.ends_with('/') && tag.name.contains(':') {
            continue;
        }
        let name = tag.name.get(..32).unwrap_or(tag.name).to_ascii_lowercase();
        let is_formatting = FORMATTING.contains(&name.as_str());
        let count = open.entry(name).or_insert(0);
        if !tag.closes {
            *count += 1;
            depth += 1;
            formatting += usize::from(is_formatting);
        } else if *count > 0 {
            // An end tag without a start is ignored, as browsers do.
            *count -= 1;
            depth -= 1;
            formatting -= usize::from(is_formatting);
        }
    }
    depth <= deepest && nodes <= MOST_NODES
}

/// How much of a page is text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// All of it: the article was already found.
    Article,
    /// Without menus, headers, footers, forms.
    Page,
}

const BLOCKS: [&str; 38] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "blockquote",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "aside",
    "nav",
    "figure",
    "figcaption",
    "form",
    "fieldset",
    "hr",
    "pre",
    "address",
    "details",
    "summary",
    "caption",
    "title",
    "body",
    "option",
    "center",
];
/// What is never text.
const HIDDEN: [&str; 9] =
    ["head", "template", "svg", "math", "object", "canvas", "audio", "video", "select"];
/// What is no text of a page whose article was not found.
const AROUND: [&str; 7] = ["nav", "header", "footer", "aside", "form", "button", "menu"];

/// The text of a page: blocks separated by blank lines, white space otherwise single.
pub(super) fn text(html: &str, reading: Reading) -> String {
    let mut out = Writer::default();
    // The element being skipped, and how often it is open.
    let mut skipping: Option<(&str, usize)> = None;
    for piece in pieces(html) {
        match (piece, &mut skipping) {
            (Piece::Text(text), None) => out.write(&decode_html_entities(text)),
            (Piece::Text(_), Some(_)) => {}
            (Piece::Tag(tag), Some((name, depth))) if tag.is(name) => {
                *depth = if tag.closes { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    skipping = None;
                    out.block();
                }
            }
            // A menu that never ends does not swallow the page.
            (Piece::Tag(tag), Some((name, _))) if ends_skipping(&tag, name) => {
                skipping = None;
                out.block();
            }
            (Piece::Tag(_), Some(_)) => {}
            (Piece::Tag(tag), None) if !tag.closes && is_skipped(&tag, reading) => {
                skipping = Some((tag.name, 1));
            }
            (Piece::Tag(tag), None) => out.tag(&tag),
        }
    }
    out.finish()
}

fn is_skipped(tag: &Tag<'_>, reading: Reading) -> bool {
    tag.is_any(&HIDDEN) || (reading == Reading::Page && tag.is_any(&AROUND))
}

fn ends_skipping(tag: &Tag<'_>, skipped: &str) -> bool {
    let article = !tag.closes && tag.is_any(&["article", "main"]);
    article || (!tag.closes && tag.is("body") && skipped.eq_ignore_ascii_case("head"))
}

/// Writes text with its white space made regular.
#[derive(Default)]
struct Writer {
    text: String,
    /// Line breaks owed before the next letter: 0, 1 (`<br>`) or 2 (a block).
    breaks: usize,
    space: bool,
}

impl Writer {
    fn write(&mut self, text: &str) {
        for part in text.split_inclusive(char::is_whitespace) {
            let word = part.trim_end_matches(char::is_whitespace);
            if !word.is_empty() {
                self.separate();
                self.text.push_str(word);
            }
            self.space |= word.len() < part.len();
        }
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            match self.breaks {
                0 if self.space => self.text.push(' '),
                0 => {}
                1 => self.text.push('\n'),
                _ => self.text.push_str("\n\n"),
            }
        }
        (self.breaks, self.space) = (0, false);
    }

    fn block(&mut self) {
        self.breaks = 2;
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        if tag.is("br") {
            self.breaks = (self.breaks + 1).min(2);
        } else if tag.is_any(&BLOCKS) {
            self.block();
        } else if tag.is_any(&["td", "th"]) {
            self.space = true;
        }
    }

    fn finish(self) -> String {
        self.text
    }
}
