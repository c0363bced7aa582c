//! The main text of a web page, without its menus.
//!
//! A page is mostly what is not its text: navigation, teasers, notices. A port of Mozilla's
//! Readability finds the article; our own reader ([`markup`]) turns what it found into paragraphs.
//! Where that finds nothing, or where a page is built so that a tree of it would cost too much
//! (nested thousands deep, or many megabytes), the reader takes the page as it stands, in one pass,
//! and leaves out what is plainly no text.

mod markup;
mod metadata;

use dom_smoothie::{Config, Readability};

use markup::Reading;

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The text: paragraphs and headings separated by blank lines, the title first.
    pub text: String,
    /// The title, without the name of the site where that could be told.
    pub title: Option<String>,
    /// The date of publication as the page's metadata writes it.
    pub date: Option<String>,
}

/// A longer page is read in one pass, without a tree.
const LARGEST_TREE: usize = 8 << 20;
/// A tree is built only of pages nested at most this deep: finding the article takes quadratic
/// time in the depth.
const DEEPEST: usize = 256;
/// An article shorter than this (bytes), on a page that has much more text, was not found.
const SHORTEST: usize = 200;

/// Extracts the text of a page.
///
/// # Errors
///
/// Says so where the page has no text at all. No markup is refused.
pub fn main_text(html: &str) -> Result<Page, String> {
    let found = metadata::find(html);
    let article = if fits_a_tree(html) { article(html) } else { None };
    let (text, title) = match article {
        Some(article) => article,
        None => (markup::text(html, Reading::Page), None),
    };
    let title = title.or(found.title);
    let text = under_title(text, title.as_deref());
    if text.is_empty() {
        return Err("the page has no text; if a script writes it, save the page as the browser \
                    shows it"
            .to_owned());
    }
    Ok(Page { text, title, date: found.date })
}

fn fits_a_tree(html: &str) -> bool {
    html.len() <= LARGEST_TREE && markup::is_shallow(html, DEEPEST)
}

/// The article and its title; `None` where none was found.
fn article(html: &str) -> Option<(String, Option<String>)> {
    // The metadata are read without it: its JSON reader is not made for hostile pages.
    let config = Config { disable_json_ld: true, ..Config::default() };
    let article = Readability::new(html, None, Some(config)).ok()?.parse().ok()?;
    let text = markup::text(&article.content, Reading::Article);
    let enough = text.len() >= SHORTEST || markup::text(html, Reading::Page).len() < 4 * text.len();
    let title = article.title.trim();
    let title = (!title.is_empty()).then(|| title.to_owned());
    (enough && !text.is_empty()).then_some((text, title))
}

/// Puts the title above the text, unless the text begins with it.
fn under_title(text: String, title: Option<&str>) -> String {
    let letters = |s: &str| -> String {
        s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let Some(title) = title.map(str::trim).filter(|title| !title.is_empty()) else { return text };
    let start = &text[..text.floor_char_boundary(2 * title.len() + 400)];
    if text.is_empty() || letters(start).contains(&letters(title)) {
        return text;
    }
    format!("{title}\n\n{text}")
}
