use std::io::Write;
use themeline::codebook::{Codebook, TermMatcher};
#[test]
#[ignore]
fn dump() {
    let path = std::env::var("CB").unwrap();
    let codebook = match Codebook::load(std::path::Path::new(&path)) {
        Ok(c) => c,
        Err(e) => panic!("{e} hint {:?}", e.hint()),
    };
    let matcher = TermMatcher::new(&codebook);
    let texts: Vec<String> =
        serde_json::from_str(&std::fs::read_to_string(std::env::var("TEXTS").unwrap()).unwrap())
            .unwrap();
    let mut out =
        std::io::BufWriter::new(std::fs::File::create(std::env::var("OUT").unwrap()).unwrap());
    for text in &texts {
        let hits: Vec<_> = matcher
            .hits(text)
            .iter()
            .map(|h| {
                (codebook.theme_id(h.theme).to_owned(), h.weak, h.term, h.span.of(text).to_owned())
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string(&hits).unwrap()).unwrap();
    }
}
