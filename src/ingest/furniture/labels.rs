//! Labels before a colon, and the phrases that call, sell or refer.

use super::FurnitureKind;

/// Labels before a colon, in small letters and in the singular.
const LABELS: [(&[&str], FurnitureKind); 9] = [
    (
        &[
            "photo",
            "photo credit",
            "photo courtesy",
            "photo by",
            "photo source",
            "photograph",
            "image",
            "image credit",
            "image source",
            "picture",
            "pic",
            "picture credit",
            "credit",
            "file photo",
            "illustration",
            "graphic",
            "infographic",
            "video credit",
            "foto",
            "image courtesy",
            "photo and text",
            "text and photo",
            "featured image",
            "cover photo",
        ],
        FurnitureKind::Credit,
    ),
    (&["caption", "photo caption", "image caption", "picture caption"], FurnitureKind::Caption),
    (
        &[
            "source",
            "original source",
            "with input from",
            "via",
            "originally published",
            "adapted from",
        ],
        FurnitureKind::Source,
    ),
    (
        &[
            "reference",
            "bibliography",
            "works cited",
            "further reading",
            "endnote",
            "footnote",
            "citation",
        ],
        FurnitureKind::Reference,
    ),
    (
        &[
            "read more",
            "read also",
            "also read",
            "read",
            "read next",
            "see also",
            "see more",
            "related",
            "related story",
            "related article",
            "related news",
            "related post",
            "related topic",
            "related link",
            "related content",
            "related coverage",
            "more",
            "more on this",
            "more on this topic",
            "watch",
            "watch also",
            "listen",
            "don't miss",
            "you may like",
            "you may also like",
            "recommended",
            "editor's pick",
            "most read",
            "trending",
            "latest news",
            "tag",
            "keyword",
            "topic",
            "category",
            "filed under",
            "more in",
            "in this story",
        ],
        FurnitureKind::Related,
    ),
    (
        &[
            "author",
            "written by",
            "reporter",
            "reported by",
            "reporting by",
            "editor",
            "edited by",
            "editing by",
            "translated by",
            "translator",
            "correspondent",
            "writer",
            "compiled by",
        ],
        FurnitureKind::Byline,
    ),
    (
        &[
            "tel",
            "telephone",
            "phone",
            "fax",
            "email",
            "e-mail",
            "address",
            "website",
            "web",
            "office hour",
            "contact",
            "media contact",
            "press contact",
            "contact person",
            "mobile",
            "hotline",
            "for more information",
            "for media enquiry",
            "for media inquiry",
            "for further information",
            "url",
            "link",
            "whatsapp",
            "facebook",
            "twitter",
            "instagram",
            "telegram",
            "youtube",
        ],
        FurnitureKind::Contact,
    ),
    (&["comment", "share", "view", "like", "rating", "vote"], FurnitureKind::Comments),
    (&["advertisement", "sponsored", "copyright", "disclaimer"], FurnitureKind::Notice),
];

/// `Photo credits: Ana Silva`, `Reference(s):`, `SOURCE: OKP`; a few labels also stand alone.
pub(super) fn by_label(line: &str) -> Option<FurnitureKind> {
    let (label, colon) = label(line)?;
    let kind = kind_of(&label)?;
    let rest = line[colon..].trim_start_matches([':', '：', '|', ' ']);
    let alone = matches!(kind, FurnitureKind::Reference | FurnitureKind::Related)
        || is_credit_label(&label);
    let marked = colon < line.len();
    (if marked { fits(&label, kind, rest) } else { alone && fits_alone(&label) }).then_some(kind)
}

/// The label of a line in small letters, and where it ends (at its colon).
fn label(line: &str) -> Option<(String, usize)> {
    const LONGEST_LABEL: usize = 40;
    let window = &line[..line.floor_char_boundary(LONGEST_LABEL + 1)];
    let end = window.find([':', '：', '|']).unwrap_or(line.len());
    if end == 0 || end > LONGEST_LABEL {
        return None;
    }
    let label = line[..end].trim().to_lowercase().replace('’', "'");
    Some((label.trim_end_matches([']', ' ']).to_owned(), end))
}

fn kind_of(label: &str) -> Option<FurnitureKind> {
    let plain = label.replace("photos ", "photo ").replace("images ", "image ");
    let one = plain.strip_suffix("(s)").or_else(|| plain.strip_suffix('s')).unwrap_or(&plain);
    let story = one.strip_suffix("ie").map(|stem| format!("{stem}y"));
    let known = |labels: &[&str]| {
        labels.iter().any(|l| *l == plain || *l == one || story.as_deref() == Some(l))
    };
    LABELS.iter().find(|(labels, _)| known(labels)).map(|&(_, kind)| kind)
}

fn is_credit_label(label: &str) -> bool {
    matches!(
        label,
        "photo credit" | "photo credits" | "photo caption" | "image credit" | "file photo"
    )
}

/// Labels that a crosshead could be need their colon; these do not.
fn fits_alone(label: &str) -> bool {
    !matches!(
        label,
        "more" | "watch" | "listen" | "read" | "topic" | "topics" | "category" | "tag" | "tags"
    )
}

/// Whether what stands behind the colon suits the label: names, not a sentence.
fn fits(label: &str, kind: FurnitureKind, rest: &str) -> bool {
    let words = rest.split_whitespace().count();
    match kind {
        FurnitureKind::Source | FurnitureKind::Byline => words <= 16 && rest.len() <= 200,
        FurnitureKind::Contact => words <= 25,
        FurnitureKind::Comments => words <= 3,
        FurnitureKind::Related if matches!(label, "watch" | "listen" | "read" | "more") => {
            words <= 20
        }
        FurnitureKind::Credit if label == "credit" => words <= 10,
        _ => true,
    }
}

/// What a label on a line of its own opens.
pub(super) enum List {
    /// References: to the end of the text.
    References,
    /// Headlines of other stories.
    Related,
    /// The one line that the label is for.
    One,
}

/// The list that a line opens, if it is a label and nothing else.
pub(super) fn opens_list(line: &str) -> Option<List> {
    let (label, colon) = label(line).filter(|_| line.len() <= 60)?;
    let nothing_behind = line[colon..].trim_matches([':', '：', '|', ' ', ')', ']']).is_empty();
    match kind_of(&label)? {
        _ if !nothing_behind => None,
        FurnitureKind::Reference => Some(List::References),
        FurnitureKind::Source if line.trim_end().to_lowercase().starts_with("sources") => {
            Some(List::References)
        }
        FurnitureKind::Related => Some(List::Related),
        FurnitureKind::Credit | FurnitureKind::Caption | FurnitureKind::Source => Some(List::One),
        _ => None,
    }
}

/// How lines begin that call, sell or refer; only where the line is short.
const PHRASES: [(&str, FurnitureKind); 46] = [
    ("photo credit", FurnitureKind::Credit),
    ("photo courtesy", FurnitureKind::Credit),
    ("photo by ", FurnitureKind::Credit),
    ("photos by ", FurnitureKind::Credit),
    ("photo caption", FurnitureKind::Caption),
    ("all photos ", FurnitureKind::Credit),
    ("image courtesy", FurnitureKind::Credit),
    ("read more", FurnitureKind::Related),
    ("read also", FurnitureKind::Related),
    ("also read", FurnitureKind::Related),
    ("click here", FurnitureKind::Related),
    ("see also", FurnitureKind::Related),
    ("you may also like", FurnitureKind::Related),
    ("most popular", FurnitureKind::Related),
    ("comment (", FurnitureKind::Comments),
    ("comments (", FurnitureKind::Comments),
    ("leave a comment", FurnitureKind::Comments),
    ("leave a reply", FurnitureKind::Comments),
    ("post a comment", FurnitureKind::Comments),
    ("add a comment", FurnitureKind::Comments),
    ("no comments", FurnitureKind::Comments),
    ("share this", FurnitureKind::Comments),
    ("share on ", FurnitureKind::Comments),
    ("like this:", FurnitureKind::Comments),
    ("follow us", FurnitureKind::Comments),
    ("like us on", FurnitureKind::Comments),
    ("join us on", FurnitureKind::Comments),
    ("print this", FurnitureKind::Comments),
    ("do you like the content", FurnitureKind::Comments),
    ("article continues after", FurnitureKind::Notice),
    ("story continues below", FurnitureKind::Notice),
    ("advertisement", FurnitureKind::Notice),
    ("subscribe to ", FurnitureKind::Notice),
    ("subscribe now", FurnitureKind::Notice),
    ("sign up for ", FurnitureKind::Notice),
    ("sign up to ", FurnitureKind::Notice),
    ("download the app", FurnitureKind::Notice),
    ("download our app", FurnitureKind::Notice),
    ("already a subscriber", FurnitureKind::Notice),
    ("all rights reserved", FurnitureKind::Notice),
    ("copyright ©", FurnitureKind::Notice),
    ("copyright (c)", FurnitureKind::Notice),
    ("copyright 2", FurnitureKind::Notice),
    ("©", FurnitureKind::Notice),
    ("for immediate release", FurnitureKind::Notice),
    ("embargoed until", FurnitureKind::Notice),
];

pub(super) fn by_phrase(line: &str) -> Option<FurnitureKind> {
    const SHORT: usize = 140;
    if line.len() > SHORT {
        return None;
    }
    let opens = |phrase: &str| {
        line.get(..phrase.len()).is_some_and(|start| start.eq_ignore_ascii_case(phrase))
    };
    PHRASES.iter().find(|(phrase, _)| opens(phrase)).map(|&(_, kind)| kind)
}
