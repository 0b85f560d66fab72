//! Text to words, by spaCy's rules for English: special cases first, then punctuation is peeled off both ends, then
//! what is left is cut at hyphens and the like, and pieces that make a special case are joined again.

use std::collections::HashMap;

use fancy_regex::Regex;
use mtor_shared::problem::Problem;

use super::{escape_all, pattern};

const LETTER: &str = r"[^\W\d_]";
const LOWER: &str = "a-zß-öø-ÿ";
const UPPER: &str = "A-ZÀ-ÖØ-Þ";
const QUOTES: &str = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉";
const PUNCTUATION: &str = "…,:;!?¿¡()[]{}<>_#*&。？！，、；：～·";
const ICONS: &str = "™®©°§¶†‡•";
const CURRENCY: &str = r"\$|£|€|¥|฿|US\$|C\$|A\$|₽|₹|₩|₪|₺|₴|₦|₫|₱|₲|₵|₸|₼|₾|₿";
const UNITS: &str = "km|km²|km³|m|m²|m³|dm|dm²|dm³|cm|cm²|cm³|mm|mm²|mm³|ha|µm|nm|yd|in|ft|kg|g|mg|µg|t|lb|oz|m/s|\
    km/h|kmh|mph|hPa|Pa|mbar|mb|MB|kb|KB|gb|GB|tb|TB|T|G|M|K|%";
const ADDRESS: &str = r"(?i)^(?:(?:https?|ftp)://|www\.)\S+$|^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$|^(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|co|uk|de|fr|info|biz|us|ca|au|tv|me|ly|ai)(?:/\S*)?$";

pub(super) struct Tokenizer {
    special: HashMap<String, Vec<String>>,
    prefix: Regex,
    suffix: Regex,
    infix: Regex,
    address: Regex,
}

impl Tokenizer {
    pub(super) fn new(special: HashMap<String, Vec<String>>) -> Result<Self, Problem> {
        let each =
            |characters: &str| characters.chars().map(|c| escape_all(&c.to_string())).collect::<Vec<_>>();
        let icons = format!("[{}]", escape_all(ICONS));
        let (quotes, punctuation) = (escape_all(QUOTES), escape_all(PUNCTUATION));
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let prefixes = [
            texts(&["§", "%", "=", "—", "–", r"\+(?![0-9])", "…", "……"]),
            each(PUNCTUATION),
            texts(&[r"\.\.+", "…"]),
            each(QUOTES),
            texts(&[CURRENCY]),
            vec![icons.clone()],
        ]
        .concat();
        let suffixes = [
            texts(&["…", "……"]),
            each(PUNCTUATION),
            texts(&[r"\.\.+", "…"]),
            each(QUOTES),
            vec![icons.clone()],
            texts(&["'s", "'S", "’s", "’S", "—", "–", r"(?<=[0-9])\+", r"(?<=°[FfCcKk])\."]),
            vec![
                format!("(?<=[0-9])(?:{CURRENCY})"),
                format!("(?<=[0-9])(?:{UNITS})"),
                format!(r"(?<=[0-9{LOWER}%²\-\+{punctuation}{quotes}])\."),
                format!(r"(?<=[{UPPER}][{UPPER}])\."),
            ],
        ]
        .concat();
        let infixes = [
            texts(&[r"\.\.+", "…"]),
            vec![
                icons,
                r"(?<=[0-9])[+\-\*^](?=[0-9-])".to_owned(),
                format!(r"(?<=[{LOWER}{quotes}])\.(?=[{UPPER}{quotes}])"),
                format!("(?<={LETTER}),(?={LETTER})"),
                format!(r"(?<=[^\W_])(?:-|–|—|--|---|——|~)(?={LETTER})"),
                format!(r"(?<=[^\W_])[:<>=/](?={LETTER})"),
            ],
        ]
        .concat();
        let any = |list: &[String], before: &str, after: &str| {
            let list: Vec<String> = list.iter().map(|one| format!("{before}(?:{one}){after}")).collect();
            pattern(&list.join("|"))
        };
        Ok(Self {
            special,
            prefix: any(&prefixes, "^", "")?,
            suffix: any(&suffixes, "", "$")?,
            infix: any(&infixes, "", "")?,
            address: pattern(ADDRESS)?,
        })
    }

    /// Words, and whether something follows after a space.
    pub(super) fn tokens(&self, text: &str) -> Vec<(String, bool)> {
        let mut out = Vec::new();
        let chunks: Vec<&str> = text.split_whitespace().collect();
        let ends_open = text.ends_with(char::is_whitespace);
        for (index, chunk) in chunks.iter().enumerate() {
            let words = self.split(chunk);
            let space = index + 1 < chunks.len() || ends_open;
            let last = words.len().saturating_sub(1);
            out.extend(words.into_iter().enumerate().map(|(at, word)| (word, at == last && space)));
        }
        out
    }

    fn split(&self, chunk: &str) -> Vec<String> {
        if let Some(words) = self.special.get(chunk) {
            return words.clone();
        }
        let (mut before, mut after): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut rest = chunk;
        let mut last = usize::MAX;
        while !rest.is_empty() && rest.len() != last && !self.special.contains_key(rest) {
            last = rest.len();
            let prefix = found(&self.prefix, rest).map_or(0, |(_, end)| end);
            if prefix > 0 && self.special.contains_key(&rest[prefix..]) {
                before.push(rest[..prefix].to_owned());
                rest = &rest[prefix..];
                break;
            }
            let suffix = found(&self.suffix, &rest[prefix..]).map_or(0, |(start, end)| end - start);
            let without = &rest[..rest.len() - suffix];
            if suffix > 0 && self.special.contains_key(without) {
                after.push(rest[without.len()..].to_owned());
                rest = without;
                break;
            }
            if prefix > 0 {
                before.push(rest[..prefix].to_owned());
            }
            if suffix > 0 && prefix + suffix <= rest.len() {
                after.push(rest[without.len()..].to_owned());
                rest = &without[prefix..];
            } else {
                rest = &rest[prefix..];
            }
        }
        let mut words = before;
        if let Some(special) = self.special.get(rest) {
            words.extend(special.iter().cloned());
        } else if self.address.is_match(rest).unwrap_or(false) {
            words.push(rest.to_owned());
        } else if !rest.is_empty() {
            let mut start = 0;
            for infix in self.infix.find_iter(rest).map_while(Result::ok) {
                if infix.start() == 0 || infix.start() == infix.end() {
                    continue;
                }
                if infix.start() > start {
                    words.push(rest[start..infix.start()].to_owned());
                }
                words.push(infix.as_str().to_owned());
                start = infix.end();
            }
            if start < rest.len() {
                words.push(rest[start..].to_owned());
            }
        }
        words.extend(after.into_iter().rev());
        if words.len() > 1 { self.rejoin(words) } else { words }
    }

    fn rejoin(&self, words: Vec<String>) -> Vec<String> {
        let mut out = Vec::with_capacity(words.len());
        let mut at = 0;
        'next: while at < words.len() {
            for count in [3, 2] {
                let joined = words.get(at..at + count).map(<[String]>::concat);
                if let Some(special) = joined.and_then(|joined| self.special.get(&joined)) {
                    out.extend(special.iter().cloned());
                    at += count;
                    continue 'next;
                }
            }
            out.push(words[at].clone());
            at += 1;
        }
        out
    }
}

/// Where the first match begins and ends.
fn found(regex: &Regex, text: &str) -> Option<(usize, usize)> {
    regex.find(text).ok().flatten().map(|found| (found.start(), found.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_peeled_off_and_hyphens_cut() {
        let special = [("don't", vec!["do", "n't"]), ("Mr.", vec!["Mr."])]
            .into_iter()
            .map(|(text, words)| (text.to_owned(), words.into_iter().map(str::to_owned).collect()))
            .collect();
        let tokenizer = Tokenizer::new(special).unwrap();
        let words = |text: &str| -> Vec<String> {
            tokenizer
                .tokens(text)
                .into_iter()
                .map(|(word, space)| word + if space { "_" } else { "" })
                .collect()
        };
        assert_eq!(
            words("(\"don't,\" Mr. X said...)"),
            ["(", "\"", "do", "n't", ",", "\"_", "Mr._", "X_", "said", "...", ")"]
        );
        assert_eq!(
            words("well-known $5.50 10km U.S."),
            ["well", "-", "known_", "$", "5.50_", "10", "km_", "U.S."]
        );
        assert_eq!(words("see www.example.com/a-b now"), ["see_", "www.example.com/a-b_", "now"]);
    }
}
