//! Text that becomes HTML or SVG. Markup is what stands in our source (`&'static str`); all else is
//! escaped on its way in, so that no word of a corpus can become a tag, an attribute or a script.

use std::fmt::{self, Display, Write};

use serde::Serialize;

/// A piece of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// An empty piece.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds markup as it stands in our source.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a value as text, safe between tags and between quotes.
    pub fn text(&mut self, value: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = write!(Escaping(&mut self.0), "{value}");
        self
    }

    /// Adds a finished piece.
    pub fn append(&mut self, piece: &Markup) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// Adds a value as JSON that cannot end the `<script>` it stands in.
    ///
    /// # Errors
    /// Where a number is not finite.
    pub fn json(&mut self, value: &impl Serialize) -> serde_json::Result<&mut Self> {
        for c in serde_json::to_string(value)?.chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.0, "\\u{:04x}", c as u32);
                }
                _ => self.0.push(c),
            }
        }
        Ok(self)
    }

    /// The piece as it is written to a file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\t' | '\n' => self.0.push(c),
                _ if c.is_control() => self.0.push('\u{fffd}'),
                _ => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Adds parts to a [`Markup`]: a literal is markup, `{value}` is text, `[piece]` is a finished piece.
macro_rules! put {
    (@ $out:expr $(,)?) => {};
    (@ $out:expr, $markup:literal $($rest:tt)*) => {
        $out.raw($markup);
        $crate::report::html::markup::put!(@ $out $($rest)*);
    };
    (@ $out:expr, {$value:expr} $($rest:tt)*) => {
        $out.text($value);
        $crate::report::html::markup::put!(@ $out $($rest)*);
    };
    (@ $out:expr, [$piece:expr] $($rest:tt)*) => {
        $out.append(&$piece);
        $crate::report::html::markup::put!(@ $out $($rest)*);
    };
    ($($parts:tt)*) => {{
        $crate::report::html::markup::put!(@ $($parts)*);
    }};
}
pub(super) use put;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_and_pieces_stay_markup() {
        let mut inner = Markup::new();
        put!(inner, "<b>", { "a<b> & \"c\" 'd'\u{0}\u{1b}" }, "</b>");
        let mut out = Markup::new();
        put!(out, "<p>", [inner], { 1.5 }, "</p>");
        let expected =
            "<p><b>a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\u{fffd}\u{fffd}</b>1.5</p>";
        assert_eq!(out.as_str(), expected);
    }

    #[test]
    fn json_cannot_end_its_script_and_reads_back() {
        let value = "</script><!-- <script> ]]> \u{2028}\u{2029} &amp; \\ \"";
        let mut out = Markup::new();
        out.json(&value).unwrap();
        assert!(!out.as_str().contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{out:?}");
        assert_eq!(serde_json::from_str::<String>(out.as_str()).unwrap(), value);
    }
}
