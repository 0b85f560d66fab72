//! Readings that no rule for single words gives: times, dates, units, abbreviations, money, numerals.

use std::collections::{BTreeMap, HashMap};

use fancy_regex::{Captures, Regex};
use mtor_shared::problem::Problem;
use serde::Deserialize;

use super::{numbers, pattern};

const NUMBER: &str = r"\d+(?:,\d{3})*(?:\.\d+)?";
const NUMERAL: &str = "((?=[IVXLC])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))";
const FRACTIONS: [&str; 9] =
    ["half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
const MONTHS: [(&str, &str); 12] = [
    ("Jan", "January"),
    ("Feb", "February"),
    ("Mar", "March"),
    ("Apr", "April"),
    ("May", "May"),
    ("Jun", "June"),
    ("Jul", "July"),
    ("Aug", "August"),
    ("Sep", "September"),
    ("Oct", "October"),
    ("Nov", "November"),
    ("Dec", "December"),
];

/// Words of the package's `normalize.json`. Signs keep the file's order, for one may hold another.
#[derive(Deserialize)]
pub(super) struct Tables {
    abbreviations: HashMap<String, String>,
    titles: HashMap<String, String>,
    units: HashMap<String, [String; 2]>,
    symbols: Ordered,
    currency: HashMap<String, [String; 2]>,
    roman_cardinal: Vec<String>,
    roman_ordinal: Vec<String>,
}

/// Pairs of an object in the order of the file.
struct Ordered(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Ordered;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

pub(super) struct Normalizer {
    tables: Tables,
    patterns: BTreeMap<&'static str, Regex>,
    signs: Vec<(String, Regex, String)>,
}

/// Words as alternatives, the longest first.
fn any<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let mut words: Vec<&String> = words.collect();
    words.sort_by(|a, b| b.chars().count().cmp(&a.chars().count()).then_with(|| a.cmp(b)));
    words.iter().map(|word| fancy_regex::escape(word).into_owned()).collect::<Vec<_>>().join("|")
}

impl Normalizer {
    pub(super) fn new(tables: Tables) -> Result<Self, Problem> {
        let mut months: Vec<String> =
            MONTHS.iter().flat_map(|(short, long)| [(*short).to_owned(), (*long).to_owned()]).collect();
        months.push("Sept".to_owned());
        let months = any(months.iter());
        let units = any(tables.units.keys());
        let titles = any(tables.titles.keys());
        let abbreviations = any(tables.abbreviations.keys());
        let cardinal = any(tables.roman_cardinal.iter());
        let ordinal = any(tables.roman_ordinal.iter());
        let list: Vec<(&'static str, String)> = vec![
            ("space", r"\s+".into()),
            ("time", r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AaPp])\.?[Mm]\.?(?![A-Za-z]))?(?!\d)".into()),
            ("date iso", r"\b(\d{4})-(\d{2})-(\d{2})\b".into()),
            ("date us", r"\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b".into()),
            (
                "big money",
                format!(r"([$£€])({NUMBER})\s?(hundred|thousand|million|billion|trillion|[kKmMbB]\b)"),
            ),
            ("cents", format!(r"(?<![\w.])({NUMBER})\s?¢")),
            (
                "currency",
                format!(
                    r"(?<![\w])([¥₹₩]|Rs\.?|USD|EUR|GBP)\s?({NUMBER})(?:\s?(hundred|thousand|million|billion|trillion|[kKmMbB]\b))?"
                ),
            ),
            ("degrees", format!(r"(?<![\w.])(-?{NUMBER})\s?°\s?([CF])?(?![\w])")),
            ("unit", format!(r"(?<![\w.])(-?{NUMBER})\s?({units})(?![\w])")),
            ("month day", format!(r"\b({months})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?![\d:%])(,? \d{{4}}\b)?")),
            ("day month", format!(r"\b(the )?(\d{{1,2}}) (?:of )?({months})\b\.?")),
            ("title", format!(r"\b({titles})\.? (?=[A-Z])")),
            ("abbreviation", format!(r"(?<![\w.])({abbreviations})(?![\w])")),
            ("number", r"\b(No|Nos)\. ?(?=\d)".into()),
            ("hash", r"(?<![\w&])#(?=\d)".into()),
            ("roman cardinal", format!(r"\b({cardinal}) {NUMERAL}\b(?![.'’]\w)")),
            ("roman ordinal", format!(r"\b({ordinal}) {NUMERAL}\b(?![.'’]\w)")),
            ("phone", r"(?<![\w.\-])(?:\d{3}-)?\d{3}-\d{4}(?![\w.\-])".into()),
            ("fraction", r"(?<![\w./])(\d{1,2})/(\d{1,2})(?![\w./])".into()),
            ("range", r"(?<![\w.\-])(\d{1,4})\s?[-–]\s?(\d{1,4})(?![\w.\-%])".into()),
            ("plus", r"(?<![\w+])\+(?=\d)".into()),
            ("space before", r" +([,.;:!?])".into()),
        ];
        let patterns = list
            .into_iter()
            .map(|(name, text)| Ok((name, pattern(&text)?)))
            .collect::<Result<_, Problem>>()?;
        let mut signs = Vec::new();
        for (sign, word) in &tables.symbols.0 {
            let escaped = fancy_regex::escape(sign);
            let text = if "=<>~".contains(sign.as_str()) {
                format!(r"(?<=\S) ?{escaped} ?(?=\S)")
            } else {
                escaped.into_owned()
            };
            let word = if word.is_empty() { " ".to_owned() } else { format!(" {word} ") };
            signs.push((sign.clone(), pattern(&text)?, word));
        }
        Ok(Self { tables, patterns, signs })
    }

    /// Whether a word is a title, as Dr.
    pub(super) fn is_title(&self, word: &str) -> bool {
        self.tables.titles.contains_key(word)
    }

    fn replace(&self, name: &str, text: &str, each: impl Fn(&Captures<'_>) -> String) -> String {
        match self.patterns.get(name) {
            Some(pattern) => replace(pattern, text, each),
            None => text.to_owned(),
        }
    }

    pub(super) fn normalize(&self, text: &str) -> String {
        let tables = &self.tables;
        let mut text = self.replace("space", text, |_| " ".to_owned()).trim().to_owned();
        if text.is_empty() {
            return text;
        }
        text = text.replace('\u{a0}', " ").replace('’', "'").replace('‒', "-").replace('―', "—");
        text = self.replace("time", &text, |found| {
            let dot = text[end(found)..].starts_with('.');
            time(found, dot).unwrap_or_else(|| group(found, 0).to_owned())
        });
        text = self.replace("date iso", &text, |found| {
            date(Some(group(found, 1)), number(found, 2), number(found, 3))
                .unwrap_or_else(|| group(found, 0).to_owned())
        });
        text = self.replace("date us", &text, |found| {
            let (a, b, year) = (number(found, 1), number(found, 2), group(found, 3));
            let century = if year.len() > 2 {
                ""
            } else if number(found, 3) > 30 {
                "19"
            } else {
                "20"
            };
            let (month, day) = if a <= 12 { (a, b) } else { (b, a) };
            date(Some(&format!("{century}{year}")), month, day).unwrap_or_else(|| group(found, 0).to_owned())
        });
        text = self.replace("big money", &text, |found| {
            let unit = tables.currency.get(group(found, 1)).map_or("", |names| names[1].as_str());
            format!("{} {} {unit}", group(found, 2), magnitude(group(found, 3)))
        });
        text = self.replace("cents", &text, |found| counted(group(found, 1), tables.currency.get("¢")));
        text = self.replace("currency", &text, |found| {
            let (names, amount) =
                (tables.currency.get(group(found, 1).trim_end_matches('.')), group(found, 2));
            match found.get(3) {
                Some(big) => {
                    let unit = names.map_or("", |names| names[1].as_str());
                    format!("{amount} {} {unit}", magnitude(big.as_str()))
                }
                None => counted(amount, names),
            }
        });
        text = self.replace("degrees", &text, |found| {
            let amount = group(found, 1);
            let unit = if is_one(amount) { "degree" } else { "degrees" };
            let scale = match group(found, 2) {
                "C" => " Celsius",
                "F" => " Fahrenheit",
                _ => "",
            };
            format!("{amount} {unit}{scale}")
        });
        text =
            self.replace("unit", &text, |found| counted(group(found, 1), tables.units.get(group(found, 2))));
        text = self.replace("month day", &text, |found| match (month(group(found, 1)), number(found, 2)) {
            (Some(month), day @ 1..=31) => {
                format!("{month} {}{}", numbers::ordinal(day.into()), group(found, 3))
            }
            _ => group(found, 0).to_owned(),
        });
        text = self.replace("day month", &text, |found| match (month(group(found, 3)), number(found, 2)) {
            (Some(month), day @ 1..=31) => format!("the {} of {month}", numbers::ordinal(day.into())),
            _ => group(found, 0).to_owned(),
        });
        text = self.replace("title", &text, |found| {
            format!("{} ", tables.titles.get(group(found, 1)).map_or("", String::as_str))
        });
        text = self.replace("abbreviation", &text, |found| {
            let short = group(found, 1);
            let dot = if end(found) == text.len() && short.ends_with('.') { "." } else { "" };
            format!("{}{dot}", tables.abbreviations.get(short).map_or("", String::as_str))
        });
        text = self.replace("number", &text, |found| {
            if group(found, 1) == "No" { "Number " } else { "Numbers " }.to_owned()
        });
        text = self.replace("hash", &text, |_| "number ".to_owned());
        text = self.replace("roman cardinal", &text, |found| {
            format!("{} {}", group(found, 1), roman(group(found, 2)))
        });
        text = self.replace("roman ordinal", &text, |found| {
            format!("{} the {}", group(found, 1), numbers::ordinal(roman(group(found, 2)).into()))
        });
        text = self.replace("phone", &text, |found| {
            let spelled = group(found, 0).replace('-', ", ");
            spelled.chars().map(String::from).collect::<Vec<_>>().join(" ")
        });
        text = self.replace("fraction", &text, fraction);
        text = self.replace("range", &text, |found| format!("{} to {}", group(found, 1), group(found, 2)));
        text = self.replace("plus", &text, |_| "plus ".to_owned());
        for (sign, pattern, word) in &self.signs {
            if text.contains(sign) {
                text = replace(pattern, &text, |_| word.clone());
            }
        }
        text = self.replace("space", &text, |_| " ".to_owned());
        self.replace("space before", &text, |found| group(found, 1).to_owned()).trim().to_owned()
    }
}

fn replace(pattern: &Regex, text: &str, each: impl Fn(&Captures<'_>) -> String) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for found in pattern.captures_iter(text).map_while(Result::ok) {
        if let Some(whole) = found.get(0) {
            out.push_str(&text[done..whole.start()]);
            out.push_str(&each(&found));
            done = whole.end();
        }
    }
    out + &text[done..]
}

fn group<'t>(found: &Captures<'t>, index: usize) -> &'t str {
    found.get(index).map_or("", |part| part.as_str())
}

fn number(found: &Captures<'_>, index: usize) -> u32 {
    group(found, index).parse().unwrap_or(0)
}

fn end(found: &Captures<'_>) -> usize {
    found.get(0).map_or(0, |whole| whole.end())
}

fn words(n: u32) -> String {
    numbers::cardinal(n.into())
}

fn is_one(amount: &str) -> bool {
    matches!(amount.replace(',', "").as_str(), "1" | "1.0" | "-1")
}

fn counted(amount: &str, names: Option<&[String; 2]>) -> String {
    let name = names.map_or("", |[one, many]| if is_one(amount) { one } else { many });
    format!("{amount} {name}")
}

fn magnitude(text: &str) -> &str {
    match text {
        "k" | "K" => "thousand",
        "m" | "M" => "million",
        "b" | "B" => "billion",
        other => other,
    }
}

fn month(name: &str) -> Option<&'static str> {
    MONTHS.iter().find(|(short, _)| name.starts_with(short)).map(|(_, long)| *long)
}

fn date(year: Option<&str>, month: u32, day: u32) -> Option<String> {
    let (_, name) = (1..=12).contains(&month).then(|| MONTHS.get(month as usize - 1)).flatten()?;
    let year = year.map_or_else(String::new, |year| format!(", {year}"));
    (1..=31).contains(&day).then(|| format!("{name} {}{year}", numbers::ordinal(day.into())))
}

fn time(found: &Captures<'_>, dot_follows: bool) -> Option<String> {
    let (hour, minute) = (number(found, 1), number(found, 2));
    let second = found.get(3).map(|_| number(found, 3));
    if hour > 24 || minute > 59 || second.is_some_and(|second| second > 59) {
        return None;
    }
    let half = found.get(4);
    let mut said = words(hour);
    said += &match minute {
        0 if half.is_some() || second.is_some_and(|_| true) => String::new(),
        0 => " o'clock".to_owned(),
        1..10 => format!(" oh {}", words(minute)),
        _ => format!(" {}", words(minute)),
    };
    if let Some(second) = second {
        said += &format!(" and {} second{}", words(second), if second == 1 { "" } else { "s" });
    }
    if let Some(half) = half {
        said += &format!(" {}.M{}", half.as_str().to_uppercase(), if dot_follows { "" } else { "." });
    }
    Some(said)
}

fn fraction(found: &Captures<'_>) -> String {
    let (a, b) = (number(found, 1), number(found, 2));
    if 0 < a && a < b && b <= 10 {
        return match (b, a) {
            (2, _) => "one half".to_owned(),
            (b, a) => format!("{a} {}{}", FRACTIONS[b as usize - 2], if a == 1 { "" } else { "s" }),
        };
    }
    date(None, a, b).unwrap_or_else(|| format!("{a} slash {b}"))
}

fn roman(text: &str) -> u32 {
    let value = |c| match c {
        'I' => 1,
        'V' => 5,
        'X' => 10,
        'L' => 50,
        'C' => 100,
        'D' => 500,
        'M' => 1000,
        _ => 0u32,
    };
    let values: Vec<u32> = text.chars().map(value).collect();
    let mut total = 0;
    for (i, v) in values.iter().enumerate() {
        if values.get(i + 1).is_some_and(|next| next > v) {
            total -= i64::from(*v);
        } else {
            total += i64::from(*v);
        }
    }
    total.unsigned_abs() as u32
}
