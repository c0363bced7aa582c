//! The main text of a web page, without its menus.
//!
//! A page is mostly what is not its text: navigation, teasers, notices. A port of Mozilla's
//! Readability finds the article; our own reader (`markup`) turns what it found into paragraphs.
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
const LARGEST_TREE: usize = 4 << 20;
/// A tree is built only of pages nested at most this deep: finding the article takes quadratic
/// time in the depth, and stack.
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
    let title = found.headline.or(title).or(found.title);
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

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "<p>The two ministers met in Riverton on Monday and agreed to open a \
        second bridge over the river before the end of the year, at a shared cost.</p>\
        <h2>Ports and rails</h2>\
        <p>They also spoke about ports &amp; rails, saying that goods should pass the border in \
        less than one day, and that inspectors of both sides would work together.</p>\
        <p>Asked about water, the host said: &ldquo;We have talked about it for ten years, and \
        we shall go on talking until we agree&rdquo;, which the guest confirmed.</p>";

    fn page(body: &str) -> String {
        format!(
            "<!DOCTYPE html><html><head><title>Bridge agreed | Riverton Post</title>\
             <meta property=\"article:published_time\" content=\"2024-10-15T08:00:00Z\">\
             <style>p {{ color: red }}</style><script>var a = '<p>no</p>';</script></head>\
             <body><nav><ul><li><a href=/>Home</a><li><a href=/w>World</a></ul></nav>\
             {body}<footer><p>Riverton Post, all rights reserved, 12 Mill Lane</p></footer>\
             </body></html>"
        )
    }

    #[test]
    fn the_article_is_kept_and_the_menus_are_not() {
        let html = page(&format!(
            "<article><h1>Bridge agreed</h1>{STORY}</article>\
             <aside class=sidebar><h3>Most read</h3><ul><li><a href=/1>Cat saved</a></ul></aside>"
        ));
        let page = main_text(&html).unwrap();
        let paragraphs: Vec<&str> = page.text.split("\n\n").collect();
        assert_eq!(paragraphs.len(), 5, "{:#?}", page.text);
        assert_eq!(paragraphs[0], "Bridge agreed");
        assert_eq!(paragraphs[2], "Ports and rails");
        assert!(paragraphs[3].starts_with("They also spoke about ports & rails, saying"));
        assert!(paragraphs[4].contains("“We have talked"));
        assert_eq!(page.title.as_deref(), Some("Bridge agreed"));
        assert_eq!(page.date.as_deref(), Some("2024-10-15T08:00:00Z"));
        for menu in ["Home", "World", "Cat saved", "rights reserved", "color", "no"] {
            assert!(!page.text.split_whitespace().any(|word| word == menu), "{menu}");
        }
    }

    #[test]
    fn a_short_page_is_read_as_it_stands() {
        let page = main_text("<body><h1>Note</h1><p>The port is open.<br>Come &#38; see.</body>");
        assert_eq!(page.unwrap().text, "Note\n\nThe port is open.\nCome & see.");
        let page = main_text("plain words, no markup, 3 < 4").unwrap();
        assert_eq!(page.text, "plain words, no markup, 3 < 4");
    }

    #[test]
    fn a_page_without_text_is_an_error() {
        for html in ["", "<html></html>", "<script>var a;</script>", "<!-- a -->"] {
            assert!(main_text(html).is_err(), "{html}");
        }
    }

    #[test]
    fn dates_come_from_metadata_in_their_order() {
        let table = [
            (
                "<meta name=date content=2020-01-01><meta itemprop=datePublished content='2021-02-03'>",
                "2021-02-03",
            ),
            (
                "<script type='application/ld+json'>{\"datePublished\" : \"2022-03-04\"}</script><time datetime=2020-01-01>x</time>",
                "2022-03-04",
            ),
            (
                "<time datetime=\"2023-04-05\">5 April</time><time datetime=2019-01-01>",
                "2023-04-05",
            ),
            ("<META CONTENT=\"2024-05-06\" NAME=\"DC.date.issued\">", "2024-05-06"),
        ];
        for (head, date) in table {
            let page = main_text(&format!("{head}<p>Some text of the page.</p>")).unwrap();
            assert_eq!(page.date.as_deref(), Some(date), "{head}");
        }
        assert_eq!(main_text("<p>No date here.</p>").unwrap().date, None);
    }

    #[test]
    fn hostile_pages_lose_nothing_and_take_no_time() {
        let pages = [
            format!("{}the text{}", "<div>".repeat(100_000), "</div>".repeat(100_000)),
            format!("{}the text", "<div><x></y>".repeat(50_000)),
            format!("{}the text", "<b><p>".repeat(20_000)),
            format!("{}{}the text", "<font size=1>".repeat(200), "<p>".repeat(400_000)),
            format!("<p>the text</p>{}", "<!--".repeat(200_000)),
            format!("<p>the text</p>{}", "<a =\"><a ='>".repeat(100_000)),
            format!("<p>the text</p>{}", "<script>".repeat(100_000)),
            format!("the text {}", "<".repeat(1 << 20)),
            format!("the text {}", "&".repeat(1 << 20)),
            format!("the text {}", "& a ".repeat(1 << 19)),
            format!("the text {}", "<a href=x>y</a> ".repeat(1 << 17)),
            format!("the text {}", "a ".repeat(5 << 20)),
        ];
        for html in pages {
            let start = std::time::Instant::now();
            let page = main_text(&html).unwrap();
            assert!(page.text.contains("the text"), "{}", &html[..40]);
            assert!(start.elapsed().as_secs() < 5, "{:?} {}", start.elapsed(), &html[..40]);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_page_panics(html in "(<|>|/|=|\"|'|&|;|!|--|p|div|b|h1|script|meta |nav|é| |\n|amp|#){0,80}") {
            let _ = main_text(&html);
        }
    }
}
