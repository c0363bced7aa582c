use super::*;
use proptest::prelude::*;

/// A small uncased BERT tokenizer: every printing ASCII character as a word and a continuation,
/// some pieces, some marks.
fn small_json() -> String {
    let mut tokens: Vec<String> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from).into();
    for c in (b'!'..=b'~').map(char::from).filter(|c| !c.is_ascii_uppercase()) {
        tokens.push(c.to_string());
        tokens.push(format!("##{c}"));
    }
    tokens.extend(["trade", "##ing", "合", "’", "viet", "##é", "ss", "##ον"].map(String::from));
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let added: Vec<_> = tokens[..5]
        .iter()
        .enumerate()
        .map(|(id, content)| {
            serde_json::json!({"id": id, "content": content, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    serde_json::json!({
        "version": "1.0",
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary}
    })
    .to_string()
}

fn both() -> (Tokenizer, Tokenizer) {
    let json = small_json();
    let ours = Tokenizer::from_json(json.as_bytes()).unwrap();
    assert!(matches!(ours.kind, Kind::WordPiece(_)), "the fast path must take the BERT kind");
    (ours, Tokenizer::from_crate(json.as_bytes()).unwrap())
}

#[test]
fn the_fast_path_equals_the_tokenizers_crate() {
    let (ours, reference) = both();
    assert_eq!(ours.specials(), reference.specials());
    assert_eq!(ours.specials(), &Specials { before: vec![2], after: vec![3] });
    assert_eq!(ours.max_id(), reference.max_id());
    let long = "trading ".repeat(50);
    let texts = [
        "",
        "Trading, trade.",
        "a [SEP] b[MASK]",
        "Việt Nam’s",
        "a\u{0}b\u{b}c\u{85}d\u{fffd}",
        &long,
        "合合a",
        "ΤΡΟΠΟΝ ΣΑΣ",
        "straße İI ﬁ",
        "e\u{301}\u{323} \u{302e}\u{301}",
        "[sep] [ SEP]",
        "\u{1fef}x \u{2126} \u{ac00} \u{1e9b}\u{323}",
        "\u{2000}a\u{3000}b\u{feff}c\u{e000}",
    ];
    assert_eq!(ours.encode(&texts).unwrap(), reference.encode(&texts).unwrap());
}

proptest! {
    #[test]
    fn the_fast_path_equals_the_tokenizers_crate_on_any_text(text in "\\PC{0,40}|.{0,40}|[a-z,\\.’é合 ]{0,60}") {
        let (ours, reference) = both();
        prop_assert_eq!(ours.encode(&[&text]).unwrap(), reference.encode(&[&text]).unwrap());
    }
}

#[test]
fn another_kind_goes_to_the_crate() {
    let json = small_json().replace("BertPreTokenizer", "Whitespace");
    let tokenizer = Tokenizer::from_json(json.as_bytes()).unwrap();
    assert!(matches!(tokenizer.kind, Kind::Crate(_)));
    let batch = tokenizer.encode(&["trade trade", ""]).unwrap();
    assert_eq!((batch.n_rows(), batch.row(0).len(), batch.row(1).len()), (2, 2, 0));
}

#[test]
fn a_broken_file_is_an_error_not_a_panic() {
    for json in ["", "{}", "[1]", "{\"model\": {\"type\": \"Mystery\"}}", "\u{0}"] {
        assert!(Tokenizer::from_json(json.as_bytes()).is_err(), "{json:?}");
    }
    let panics: Result<(), String> = fenced(|| panic!("as a hostile file makes it"));
    assert_eq!(panics.unwrap_err(), "the file makes the tokenizer panic");
}

#[test]
fn a_word_without_end_takes_linear_time() {
    let (ours, _) = both();
    for text in ["a".repeat(10_000_000), "\u{301}".repeat(2_000_000), "-a".repeat(2_000_000)] {
        let started = std::time::Instant::now();
        ours.encode(&[&text]).unwrap();
        assert!(started.elapsed().as_secs() < 10);
    }
}

#[test]
fn a_list_of_tokens_gives_the_ids_of_its_lines() {
    let json = Tokenizer::from_json(small_json().as_bytes()).unwrap();
    let tokens: Vec<(String, u32)> = json.wordpiece().unwrap().vocabulary().split_off(5);
    let list: String = tokens.iter().map(|(token, _)| format!("{token}\n")).collect();
    let n_tokens = tokens.len() as u32;
    let listed = Tokenizer::from_list(list.as_bytes()).unwrap();
    let texts = ["Trading é, 合合!", "", "unknown: ж", "viet’s TRADE"];
    let (found, expected) = (listed.encode(&texts).unwrap(), json.encode(&texts).unwrap());
    for (found, expected) in found.rows().zip(expected.rows()) {
        let moved = |&id: &u32| if id == 1 { n_tokens } else { id - 5 };
        assert_eq!(found, expected.iter().map(moved).collect::<Vec<_>>());
    }
    assert_eq!(
        listed.specials(),
        &Specials { before: vec![n_tokens + 1], after: vec![n_tokens + 2] }
    );
    assert_eq!(listed.max_id(), n_tokens + 2);
    assert!(
        Tokenizer::from_list(&list.as_bytes()[..list.len() - 1])
            .is_err_and(|e| e.contains("cut short"))
    );
}
