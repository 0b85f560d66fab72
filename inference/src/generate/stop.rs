//! Strings that end an answer. What may be the beginning of one is held back.

/// Watches text as it comes.
#[derive(Clone, Debug, Default)]
pub struct StopStrings {
    strings: Vec<String>,
    held: String,
}

impl StopStrings {
    /// Watches for these; empty ones are left out.
    pub fn new(strings: Vec<String>) -> Self {
        Self {
            strings: strings.into_iter().filter(|string| !string.is_empty()).collect(),
            held: String::new(),
        }
    }

    /// Adds text: what can be given out, and whether a stop string was found, which is not given out.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let found = self.strings.iter().filter_map(|string| self.held.find(string)).min();
        if let Some(at) = found {
            let mut out = std::mem::take(&mut self.held);
            out.truncate(at);
            return (out, true);
        }
        let held = &self.held;
        // The longest end of the text that begins a stop string.
        let keep = self
            .strings
            .iter()
            .flat_map(|string| string.char_indices().skip(1).map(|(at, _)| &string[..at]))
            .filter(|beginning| held.ends_with(beginning))
            .map(str::len)
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, when nothing comes any more.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_string_is_found_across_pieces_and_not_given_out() {
        let mut stop = StopStrings::new(vec!["</s>".into(), "END".into()]);
        assert_eq!(stop.push("a<"), ("a".into(), false));
        assert_eq!(stop.push("/b<"), ("</b".into(), false));
        assert_eq!(stop.push("/s"), (String::new(), false));
        assert_eq!(stop.push("> more END"), (String::new(), true));
    }

    #[test]
    fn what_was_no_stop_string_comes_out_in_the_end() {
        let mut stop = StopStrings::new(vec!["ENDE".into(), String::new()]);
        assert_eq!(stop.push("the ENDENEND"), ("the ".into(), true));
        let mut stop = StopStrings::new(vec!["ßß".into()]);
        assert_eq!(stop.push("aß"), ("a".into(), false));
        assert_eq!(stop.finish(), "ß");
    }
}
