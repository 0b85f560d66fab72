//! Names for operations and arguments: readable, stable, unique.

use std::collections::{BTreeMap, BTreeSet};

/// The most characters of the second half of a capability id, before a number is added.
const MAX_NAME: usize = 96;

/// Whether it can be the first half of a capability id.
pub(crate) fn is_source_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(fits) && id.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// Gives each operation of a document a name of its own.
#[derive(Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// The next number for a name that is taken.
    numbers: BTreeMap<String, u32>,
}

impl Names {
    /// The `operationId` where it is there and free, else a name made of method and path, else that with a number.
    pub(crate) fn operation(&mut self, operation_id: Option<&str>, method: &str, template: &str) -> String {
        let given = operation_id.map(slug).filter(|name| !name.is_empty());
        let made = slug(&format!("{}-{template}", method.to_ascii_lowercase()));
        let free = given.into_iter().chain([made.clone()]).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_else(|| self.numbered(&made));
        self.taken.insert(name.clone());
        name
    }

    fn numbered(&mut self, made: &str) -> String {
        let number = self.numbers.entry(made.to_owned()).or_insert(1);
        loop {
            *number += 1;
            let name = format!("{made}-{number}");
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

/// Letters, digits, `-`, `_` and `.` stay; whatever stands between them becomes one `-`.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        let kept = c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let c = if kept { c } else { '-' };
        if c == '-' && (slug.is_empty() || slug.ends_with('-')) {
            continue;
        }
        if slug.len() == MAX_NAME {
            break;
        }
        slug.push(c);
    }
    slug.trim_end_matches('-').to_owned()
}

/// `getCurrentWeather` and `get-current-weather` to `Get current weather`; `getURL` to `Get URL`.
pub(crate) fn humanise(name: &str) -> String {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut start = 0;
        let mut before_lower = false;
        for (at, c) in part.char_indices() {
            if c.is_uppercase() && before_lower {
                words.push(word(&part[start..at]));
                start = at;
            }
            before_lower = c.is_lowercase();
        }
        words.push(word(&part[start..]));
    }
    let sentence = words.join(" ");
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// In small letters, unless it is an abbreviation.
fn word(text: &str) -> String {
    if text.chars().count() > 1 && !text.chars().any(char::is_lowercase) {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_id_is_kept_where_it_can_be() {
        let mut names = Names::default();
        assert_eq!(names.operation(Some("getPet"), "GET", "/pets/{id}"), "getPet");
        assert_eq!(names.operation(Some("pets/get by id"), "GET", "/pets/{id}"), "pets-get-by-id");
    }

    #[test]
    fn missing_and_repeated_ids_give_names_of_method_and_path() {
        let mut names = Names::default();
        assert_eq!(names.operation(None, "GET", "/pets/{petId}/toys"), "get-pets-petId-toys");
        assert_eq!(names.operation(Some("x"), "GET", "/a"), "x");
        assert_eq!(names.operation(Some("x"), "POST", "/a"), "post-a");
        assert_eq!(names.operation(Some("x"), "POST", "/a/"), "post-a-2");
        assert_eq!(names.operation(Some("漢字"), "GET", "/"), "get");
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(slug(&"a".repeat(5000)).len(), MAX_NAME);
    }

    #[test]
    fn ids_read_like_words() {
        assert_eq!(humanise("getCurrentWeather"), "Get current weather");
        assert_eq!(humanise("list_all-pets.v2"), "List all pets v2");
        assert_eq!(humanise("getURL"), "Get URL");
    }

    #[test]
    fn a_source_is_named_plainly() {
        assert!(is_source_id("open-meteo"));
        for wrong in ["", "-", "A", "a/b", "..", "a b"] {
            assert!(!is_source_id(wrong), "{wrong}");
        }
    }
}
