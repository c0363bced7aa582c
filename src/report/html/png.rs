//! The charts as PNG, from their SVG. The font of their words is built in, so that no machine needs one and
//! all make the same picture; letters that it lacks (all but Latin, Greek and Cyrillic) stay blank.

use std::io;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Dots for each unit of the SVG: 300 dots an inch, at 96 units an inch, need 3.125.
const SCALE: f32 = 3.125;
/// The name of the font.
const FAMILY: &str = "DejaVu Sans";
/// Regular and bold.
const FONTS: [&[u8]; 2] =
    [include_bytes!("font/DejaVuSans.ttf"), include_bytes!("font/DejaVuSans-Bold.ttf")];

/// What draws SVG.
pub struct Painter {
    options: Options<'static>,
}

impl Default for Painter {
    fn default() -> Self {
        let mut options = Options { font_family: FAMILY.to_owned(), ..Options::default() };
        let fonts = options.fontdb_mut();
        FONTS.iter().for_each(|font| fonts.load_font_data(font.to_vec()));
        fonts.set_sans_serif_family(FAMILY);
        Painter { options }
    }
}

impl Painter {
    /// A chart as PNG.
    ///
    /// # Errors
    /// `InvalidData` where the bytes are no SVG, or of no size.
    pub fn png(&self, svg: &[u8]) -> io::Result<Vec<u8>> {
        let fault = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let tree = Tree::from_data(svg, &self.options).map_err(|e| fault(e.to_string()))?;
        let size = tree.size().to_int_size().scale_by(SCALE);
        let pixels = size.and_then(|size| Pixmap::new(size.width(), size.height()));
        let mut pixels = pixels.ok_or_else(|| fault("a picture of no size".to_owned()))?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
        pixels.encode_png().map_err(|e| fault(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture of a word on white, 200 x 40 units.
    fn drawn(word: &str, style: &str) -> Pixmap {
        let svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><style>text{{font:12px
            system-ui,Arial,sans-serif}}</style><rect width="100%" height="100%" fill="#fff"/><text x="5"
            y="20" style="{style}">{word}</text></svg>"##
        );
        Pixmap::decode_png(&Painter::default().png(svg.as_bytes()).unwrap()).unwrap()
    }

    fn n_dark(picture: &Pixmap) -> usize {
        picture.pixels().iter().filter(|pixel| pixel.red() < 128).count()
    }

    #[test]
    fn words_are_drawn_without_a_font_of_the_machine_and_bold_is_bolder() {
        let words = drawn("Trade, Việt Nam", "");
        assert_eq!((words.width(), words.height()), (625, 125));
        let n = n_dark(&words);
        assert!((1000..10_000).contains(&n), "{n} dark pixels");
        assert_eq!(n_dark(&drawn("", "")), 0);
        assert!(n_dark(&drawn("Trade, Việt Nam", "font-weight:600")) > n + n / 10);
        assert!(words == drawn("Trade, Việt Nam", ""), "the same picture each time");
    }

    #[test]
    fn what_is_no_svg_is_said() {
        let error = Painter::default().png(b"<svg").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
