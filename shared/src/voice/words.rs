//! What a transcript means to the voice loop.

/// What stands for a person's wish while they speak a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// "computer": the request is complete.
    Submit,
    /// "backspace": the last thing said is taken back.
    Erase,
    /// "shut up", "stop stop": silence, at once.
    Stop,
}

/// A transcript taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Words before the command, as they were written.
    pub before: String,
    /// The first command in it.
    pub command: Option<Command>,
    /// Words after it.
    pub after: String,
}

/// The wake word, and the request that follows it in the same breath; none where it was not said.
///
/// It may follow two short words, as in "hey computer" and "OK, computer": further back it is a word like any other.
pub fn wake(text: &str) -> Option<String> {
    let words = Words::new(text);
    for at in 0..words.list.len().min(3) {
        if let Some(next) = words.computer(at) {
            return Some(words.rest(next));
        }
    }
    None
}

/// Looks for a command in what a person says while they make a request.
pub fn command(text: &str) -> Heard {
    let words = Words::new(text);
    for at in 0..words.list.len() {
        let found = words
            .stop(at)
            .map(|next| (Command::Stop, next))
            .or_else(|| words.erase(at).map(|next| (Command::Erase, next)))
            .or_else(|| words.submit(at).map(|next| (Command::Submit, next)));
        if let Some((command, next)) = found {
            return Heard { before: words.until(at), command: Some(command), after: words.rest(next) };
        }
    }
    Heard { before: text.trim().to_owned(), ..Heard::default() }
}

/// Whether a person wants silence. Asked of every guess while an answer is spoken, so that it takes effect at once.
pub fn is_stop(text: &str) -> bool {
    let words = Words::new(text);
    (0..words.list.len()).any(|at| words.stop(at).is_some())
}

/// A text and its words in small letters, with where they stand.
struct Words<'t> {
    text: &'t str,
    list: Vec<(usize, usize, String)>,
}

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Self {
        let mut list: Vec<(usize, usize, String)> = Vec::new();
        for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric() || *c == '\'') {
            let end = at + c.len_utf8();
            match list.last_mut() {
                Some((_, last, word)) if *last == at => {
                    *last = end;
                    word.extend(c.to_lowercase());
                }
                _ => list.push((at, end, c.to_lowercase().collect())),
            }
        }
        Self { text, list }
    }

    fn word(&self, at: usize) -> &str {
        self.list.get(at).map_or("", |(_, _, word)| word)
    }

    /// The text from the word at `at` on, without what stood between.
    fn rest(&self, at: usize) -> String {
        let start = self.list.get(at).map_or(self.text.len(), |(start, ..)| *start);
        self.text[start..].trim().to_owned()
    }

    fn until(&self, at: usize) -> String {
        let end = at.checked_sub(1).and_then(|before| self.list.get(before)).map_or(0, |(_, end, _)| *end);
        let start = self.list.first().map_or(0, |(start, ..)| *start);
        self.text.get(start..end).unwrap_or_default().to_owned()
    }

    /// The word after "computer", in any of the ways in which it is heard.
    fn computer(&self, at: usize) -> Option<usize> {
        let is = |text: &str| matches!(skeleton(text).as_str(), "kmptr" | "kmptrs" | "kmpt" | "kmptrz");
        // "compute" alone is a word of its own.
        if is(self.word(at))
            && !matches!(self.word(at), "compute" | "computed" | "compete" | "competed" | "compet")
        {
            return Some(at + 1);
        }
        // "come puter", "compute her", "com pewter".
        let parts = (self.word(at), self.word(at + 1));
        let joined = format!("{}{}", parts.0, parts.1);
        let begins = matches!(skeleton(parts.0).as_str(), "km" | "kmp" | "kmpt");
        let ends = matches!(skeleton(parts.1).as_str(), "ptr" | "tr" | "pt" | "r" | "hr");
        (begins && ends && is(&joined.replace('h', ""))).then_some(at + 2)
    }

    /// "computer" as the last word, or followed by nothing but itself: in the middle it belongs to the request.
    fn submit(&self, at: usize) -> Option<usize> {
        let next = self.computer(at)?;
        (next >= self.list.len()).then_some(next)
    }

    fn erase(&self, at: usize) -> Option<usize> {
        match (self.word(at), self.word(at + 1)) {
            ("backspace" | "backspaces", _) => Some(at + 1),
            ("back", "space" | "spaces") => Some(at + 2),
            _ => None,
        }
    }

    fn stop(&self, at: usize) -> Option<usize> {
        match (self.word(at), self.word(at + 1)) {
            ("shut" | "shot" | "shout", "up") | ("stop", "stop") | ("be", "quiet") => Some(at + 2),
            ("shutup", _) => Some(at + 1),
            _ => None,
        }
    }
}

/// The sounds that a word is recognised by: consonants, those that are confused as one, doubles once. The letter h and
/// the vowels carry nothing, but for parting two consonants that are the same.
fn skeleton(word: &str) -> String {
    let mut out = String::new();
    let mut before = None;
    for c in word.chars() {
        let sound = match c {
            'c' | 'k' | 'q' => Some('k'),
            'b' | 'p' => Some('p'),
            'd' | 't' => Some('t'),
            'm' | 'n' => Some('m'),
            'h' if !out.is_empty() => continue,
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w' | 'j' | '\'' => None,
            c => Some(c),
        };
        out.extend(sound.filter(|_| sound != before));
        before = sound;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wake_word_is_known_in_many_spellings() {
        for text in [
            "Computer.",
            "computer",
            "Computer!",
            "Hey, computer.",
            "OK computer",
            "Computers.",
            "Compuder.",
            "Computa",
            "Come puter.",
            "Kompjuter",
            "Com pewter",
            "Konputer",
        ] {
            assert_eq!(wake(text).as_deref(), Some(""), "{text}");
        }
        assert_eq!(wake("Computer, what's the weather?").as_deref(), Some("what's the weather?"));
        assert_eq!(wake("Hey computer: play music").as_deref(), Some("play music"));
    }

    #[test]
    fn other_words_do_not_wake() {
        for text in [
            "",
            "Commuter.",
            "The compost.",
            "Hey Jane, turn the lights off.",
            "Alexa.",
            "compute the sum",
            "I bought a new computer yesterday",
            "Come here.",
            "Company",
            "complete",
            "competitor",
            "count to ten",
        ] {
            assert_eq!(wake(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_ends_with_the_word_and_keeps_it_in_the_middle() {
        let heard = command("What is the weather in Berlin? Computer.");
        assert_eq!(
            (heard.before.as_str(), heard.command),
            ("What is the weather in Berlin", Some(Command::Submit))
        );
        let heard = command("which computer is the fastest");
        assert_eq!((heard.before.as_str(), heard.command), ("which computer is the fastest", None));
    }

    #[test]
    fn erasing_and_silence_are_heard_inside_of_other_words() {
        assert_eq!(
            command("no, back space, tomorrow"),
            Heard { before: "no".into(), command: Some(Command::Erase), after: "tomorrow".into() }
        );
        for text in ["Shut up!", "oh, stop. Stop.", "please shut up now", "Shutup"] {
            assert!(is_stop(text), "{text}");
            assert_eq!(command(text).command, Some(Command::Stop), "{text}");
        }
        assert!(!is_stop("don't stop") && !is_stop("the shop is shut"));
    }

    #[test]
    fn texts_of_any_script_are_taken_apart_without_a_panic() {
        for text in ["你好 computer", "ÀÉ'ß ''' -- 9", "\u{0}\u{feff}", "ǆ computer ǆ"] {
            let (_, _) = (wake(text), command(text));
        }
    }
}
