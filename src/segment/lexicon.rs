//! The words by which a list is known: prepositions, pronouns and the like, and the verbs that
//! programmes are made of.
//!
//! There is no tagger here. Closed classes are listed whole; verbs are a list of those that
//! readouts and speeches string together, in all their forms; the rest is told by shape.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::layout::words::lower_into;

/// What a word can be; a set of the constants below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Class(u16);

impl Class {
    pub const NONE: Class = Class(0);
    pub const DETERMINER: Class = Class(1);
    pub const PREPOSITION: Class = Class(1 << 1);
    /// "he", "who", "there": starts a clause.
    pub const SUBJECT: Class = Class(1 << 2);
    /// "is", "will", "said": a clause has one.
    pub const FINITE: Class = Class(1 << 3);
    /// "and", "or".
    pub const COORDINATOR: Class = Class(1 << 4);
    /// "while", "but": joins clauses.
    pub const CLAUSAL: Class = Class(1 << 5);
    /// A verb that lists are made of, in any form.
    pub const VERB: Class = Class(1 << 6);
    /// That verb may be a noun or an adjective as well.
    pub const DOUBTFUL: Class = Class(1 << 7);
    /// "also", "further": may stand before a verb.
    pub const ADVERB: Class = Class(1 << 8);
    /// "including", "especially": opens a list of examples.
    pub const EXAMPLE: Class = Class(1 << 9);

    /// A past form that is as often an adjective: "shared prosperity".
    pub const PARTICIPLE: Class = Class(1 << 10);

    /// Whether the two sets share a class.
    pub fn is(self, other: Class) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets.
    pub const fn or(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }
}

const DETERMINERS: &str = "a an the this that these those each every all both any some no such its \
    their his her our my your more most many several various other another";
const PREPOSITIONS: &str = "of in on at by for from with without within into onto upon over under \
    between among amongst against during before after since until through throughout across along \
    around about behind beyond despite toward towards via per amid regarding concerning like \
    following according due because as under given to";
const SUBJECTS: &str = "i you he she it we they me him us them who whom whose which what where \
    when why how there here if although though unless whether because since so than not never \
    however therefore thus moreover furthermore meanwhile nevertheless then now today";
const PARTICIPLES: &str = "shared enhanced strengthened improved increased integrated coordinated \
    sustained renewed continued expanded reduced advanced reformed developed simplified diversified \
    modernised modernized organised organized committed protected upgraded planned focused \
    transformed deepened intensified extended limited united aligned";
const FINITES: &str = "is are was were am has have had do does did will would shall should can \
    could may might must said says say told asked noted added stated went came be been being";
const ADVERBS: &str = "also further then again even only just well better together more always \
    closely to not";
const EXAMPLES: &str = "including especially particularly notably namely";

/// Verbs that take regular endings.
const REGULAR: &str = "accelerate achieve acknowledge address adhere adopt advance affirm agree align \
    appreciate assist attract begin+ boost+ broaden build+ call celebrate champion combat+ commend \
    commit complete conclude concretise concretize condemn conduct confirm congratulate consider \
    consolidate continue contribute convene convey cooperate coordinate create curb decide \
    declare deepen defend define deliver demand demonstrate deploy develop+ discuss diversify \
    eliminate emphasise emphasize enable encourage end+ endorse enhance enrich ensure establish \
    eradicate examine exchange+ expand expedite explore export+ express extend facilitate fight+ \
    finalise finalize finance+ focus+ formulate foster fulfil fulfill guarantee+ halt+ harness \
    highlight hope+ host+ implement import+ improve increase+ inform initiate integrate intensify \
    introduce invest invite join launch+ link+ maintain manage mark+ maximise maximize meet+ \
    mitigate mobilise move+ mobilize modernise modernize negotiate note+ open+ operate oppose optimise \
    optimize organise organize participate pledge+ praise+ preserve prevent prioritise prioritize \
    produce promote propose protect provide pursue raise reaffirm realise realize recall receive \
    recognise recognize reduce reform+ reinforce reiterate reject remove+ renew request+ resist \
    resolve respect+ respond restore resume review+ revitalise revitalize safeguard secure+ share+ \
    sign+ simplify solve stabilise stabilize stimulate streamline strengthen stress+ study+ \
    suggest support+ sustain tackle thank train+ transform+ uphold+ upgrade+ urge utilise utilize \
    visit+ voice+ welcome+ widen work+";
/// Forms of verbs that do not.
const IRREGULAR: &str = "build building+ built uphold upheld upholding seek sought seeking make made \
    making take took taking hold held holding give gave giving bring brought bringing lead+ led \
    leading+ set setting+ speed+ sped speeding step+ stepped stepping carry carried carrying carries \
    strive strove striving fight+ fought fighting+ keep kept keeping begin began beginning+ \
    committed committing stopped stopping stop+ planned planning+ met meeting+ transferred \
    transferring transfer+ overcome overcame overcoming put putting send sent sending undertake \
    undertook undertaking controlled controlling control+ referred referring refer curbed curbing \
    stand stood stick stuck help helped helping turn turned";

static WORDS: LazyLock<FxHashMap<String, Class>> = LazyLock::new(|| {
    let mut words: FxHashMap<String, Class> = FxHashMap::default();
    let mut add = |word: String, class: Class| {
        let known = words.entry(word).or_default();
        *known = known.or(class);
    };
    for (list, class) in [
        (DETERMINERS, Class::DETERMINER),
        (PREPOSITIONS, Class::PREPOSITION),
        (SUBJECTS, Class::SUBJECT),
        (FINITES, Class::FINITE),
        (ADVERBS, Class::ADVERB),
        (PARTICIPLES, Class::PARTICIPLE),
        (EXAMPLES, Class::EXAMPLE),
        ("and or", Class::COORDINATOR),
        ("while whereas but", Class::CLAUSAL),
    ] {
        list.split_whitespace().for_each(|word| add(word.to_owned(), class));
    }
    for entry in REGULAR.split_whitespace() {
        let (verb, class) = verb_class(entry);
        for form in forms(verb) {
            add(form, class);
        }
    }
    for entry in IRREGULAR.split_whitespace() {
        let (form, class) = verb_class(entry);
        add(form.to_owned(), class);
    }
    words
});

/// A trailing `+` marks a verb that may be another kind of word.
fn verb_class(entry: &str) -> (&str, Class) {
    match entry.strip_suffix('+') {
        Some(verb) => (verb, Class::VERB.or(Class::DOUBTFUL)),
        None => (entry, Class::VERB),
    }
}

/// The regular forms of a verb: "study" → study, studies, studied, studying.
fn forms(verb: &str) -> [String; 4] {
    if let Some(stem) = verb.strip_suffix('e') {
        return [verb.into(), format!("{verb}s"), format!("{verb}d"), format!("{stem}ing")];
    }
    let vowel_y = ["ay", "ey", "oy"].iter().any(|end| verb.ends_with(end));
    if let Some(stem) = verb.strip_suffix('y').filter(|_| !vowel_y) {
        return [verb.into(), format!("{stem}ies"), format!("{stem}ied"), format!("{verb}ing")];
    }
    let hisses = ["s", "sh", "ch", "x"].iter().any(|end| verb.ends_with(end));
    let third = if hisses { format!("{verb}es") } else { format!("{verb}s") };
    [verb.into(), third, format!("{verb}ed"), format!("{verb}ing")]
}

const LONGEST: usize = 16;

/// For each first letter, the lengths that known words have, one bit each: most words are refused
/// without a look in the table.
static LENGTHS: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut lengths = [0; 26];
    for word in WORDS.keys() {
        lengths[usize::from(word.as_bytes()[0] - b'a')] |= 1 << word.len();
    }
    lengths
});

/// The class of `word`, in any case.
pub(super) fn class(word: &str) -> Class {
    let first = word.bytes().next().map_or(255, |b| b.to_ascii_lowercase().wrapping_sub(b'a'));
    let lengths = LENGTHS.get(usize::from(first)).copied().unwrap_or(0);
    let may_be_known = word.len() <= LONGEST && lengths & (1 << word.len()) != 0;
    let is_adverb = word.len() > 4 && word.ends_with("ly");
    let mut lowered = [0_u8; LONGEST];
    let lower = if may_be_known { lower_into(word, &mut lowered) } else { None };
    match lower.and_then(|lower| WORDS.get(lower)) {
        Some(class) => *class,
        None if is_adverb => Class::ADVERB,
        None => Class::NONE,
    }
}

const ADJECTIVE_ENDINGS: [&str; 11] =
    ["ive", "ous", "al", "ful", "able", "ible", "ic", "less", "ary", "ed", "ern"];
/// Nouns with such an ending.
const NOUNS: &str = "capital initiative traffic approval arrival withdrawal survival proposal \
    fabric music need metal rehearsal dispersal coal goal hospital material terminal festival \
    signal public clinic topic logic epidemic pandemic academic republic speed seed breed feed \
    bed vegetable library salary seminary rental deal meal trial referral renewal disposal appeal \
    journal potential professional official national diary summary perspective directive objective";
/// Adjectives without one.
const ADJECTIVES: &str = "safe stable free open fair just strong close closer sincere frank equal \
    green clean new clear honest deep deeper broad sound healthy secure greater better rich diverse \
    transparent efficient resilient independent important relevant modern equitable friendly early \
    timely orderly smart large small big high low warm long short great good bad major minor weak \
    wide rapid swift smooth robust solid firm true real full poor young old multipolar further \
    harmonious permanent urgent consistent concrete complete basic simple humane inhumane";

static NOT_ADJECTIVES: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| NOUNS.split_whitespace().collect());
static MORE_ADJECTIVES: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| ADJECTIVES.split_whitespace().collect());

/// Whether a word looks like an adjective ("economic", "open"), for want of a tagger.
pub(super) fn is_adjectival(word: &str) -> bool {
    let ends = |end: &&str| word.len() > end.len() + 1 && word.ends_with(*end);
    MORE_ADJECTIVES.contains(word)
        || (ADJECTIVE_ENDINGS.iter().any(ends) && !NOT_ADJECTIVES.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_known_in_every_form() {
        for word in [
            "promote",
            "promotes",
            "promoted",
            "Promoting",
            "studies",
            "studied",
            "pursuing",
            "convey",
            "conveys",
            "conveyed",
            "discusses",
            "sought",
            "building",
        ] {
            assert!(class(word).is(Class::VERB), "{word}");
        }
        assert!(class("support").is(Class::DOUBTFUL));
        assert!(!class("promote").is(Class::DOUBTFUL));
        assert!(!class("railway").is(Class::VERB));
    }

    #[test]
    fn adjectives_are_told_by_shape() {
        assert!(["economic", "cultural", "frank", "balanced"].iter().all(|w| is_adjectival(w)));
        assert!(["trade", "investment", "capital", "energy"].iter().all(|w| !is_adjectival(w)));
    }

    #[test]
    fn every_word_fits_the_buffer() {
        assert!(WORDS.keys().all(|word| word.len() <= LONGEST));
    }
}
