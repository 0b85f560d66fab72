//! Some words in the shape of the Free Dictionary.

use serde_json::{Value, json};

use super::plain;

/// Word, sound, part of speech, meaning, example, synonyms, antonyms.
type Word = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const WORDS: &[Word] = &[
    (
        "serendipity",
        "/ˌsɛ.ɹən.ˈdɪ.pɪ.ti/",
        "noun",
        "A combination of events that come together by chance to make a happy \
        outcome.",
        "They met by serendipity.",
        &["chance", "luck", "happy accident"],
        &["misfortune"],
    ),
    (
        "ubiquitous",
        "/juːˈbɪk.wɪ.təs/",
        "adjective",
        "Being everywhere at once.",
        "Telephones are ubiquitous.",
        &["omnipresent", "pervasive"],
        &["rare", "scarce"],
    ),
    (
        "ephemeral",
        "/ɪˈfɛm.ə.ɹəl/",
        "adjective",
        "Lasting for a short time.",
        "Fame is ephemeral.",
        &["fleeting", "transient"],
        &["eternal", "lasting"],
    ),
    (
        "gregarious",
        "/ɡɹɪˈɡɛə.ɹi.əs/",
        "adjective",
        "Fond of the company of others.",
        "She is gregarious and seldom alone.",
        &["outgoing", "sociable"],
        &["solitary"],
    ),
    (
        "lucid",
        "/ˈluː.sɪd/",
        "adjective",
        "Clear and easy to understand.",
        "A lucid account of a hard matter.",
        &["clear", "plain"],
        &["obscure"],
    ),
    (
        "happy",
        "/ˈhæ.pi/",
        "adjective",
        "Having a feeling of well-being or joy.",
        "A happy child.",
        &["cheerful", "content", "glad"],
        &["sad", "unhappy"],
    ),
    (
        "oxymoron",
        "/ˌɒk.sɪˈmɔː.ɹɒn/",
        "noun",
        "A figure of speech in which opposite words stand together.",
        "A deafening silence is an oxymoron.",
        &["contradiction"],
        &[],
    ),
    (
        "quay",
        "/kiː/",
        "noun",
        "A stone structure beside water where ships are loaded.",
        "The ship lies at the quay.",
        &["wharf", "pier"],
        &[],
    ),
    (
        "brave",
        "/bɹeɪv/",
        "adjective",
        "Strong in the face of fear.",
        "A brave deed.",
        &["bold", "courageous"],
        &["cowardly"],
    ),
    (
        "petrichor",
        "/ˈpɛt.ɹɪ.kɔː/",
        "noun",
        "The smell of rain on dry ground.",
        "Petrichor rose from the warm stones.",
        &[],
        &[],
    ),
    (
        "verbose",
        "/vɜːˈbəʊs/",
        "adjective",
        "Using more words than are needed.",
        "A verbose letter.",
        &["wordy", "long-winded"],
        &["concise", "terse"],
    ),
    (
        "scarce",
        "/skɛəs/",
        "adjective",
        "Not easy to find or get.",
        "Water is scarce here.",
        &["rare"],
        &["plentiful"],
    ),
    (
        "sea",
        "/siː/",
        "noun",
        "The salt water that covers most of the earth.",
        "The sea is calm today.",
        &["ocean"],
        &["land"],
    ),
    ("lens", "/lɛnz/", "noun", "A piece of glass that bends light.", "The lens of a camera.", &[], &[]),
];

/// `GET /entries/en/{word}`.
pub(super) fn entries(word: &str) -> Option<Value> {
    let wanted = plain(word);
    let (word, sound, part, meaning, example, synonyms, antonyms) =
        WORDS.iter().find(|entry| entry.0 == wanted.trim())?;
    let license = json!({"name": "CC BY-SA 3.0", "url": "https://creativecommons.org/licenses/by-sa/3.0"});
    Some(json!([{
        "word": word, "phonetic": sound, "phonetics": [{"text": sound, "audio": ""}],
        "meanings": [{
            "partOfSpeech": part,
            "definitions": [{"definition": meaning, "synonyms": [], "antonyms": [], "example": example}],
            "synonyms": synonyms, "antonyms": antonyms
        }],
        "license": license, "sourceUrls": [format!("https://en.wiktionary.org/wiki/{word}")]
    }]))
}
