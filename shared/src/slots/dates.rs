//! Dates that a sentence names, seen from today.

use time::{Date, Duration, Month, Weekday};

use crate::words::{Word, words};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The day that it is at a moment, in milliseconds since 1970, where clocks are `ahead_min` minutes ahead of UTC. The
/// first day there is for a moment that no calendar holds.
pub fn day(at_ms: u64, ahead_min: i32) -> Date {
    let minutes = i64::try_from(at_ms / 60_000).unwrap_or(i64::MAX).saturating_add(i64::from(ahead_min));
    let days = i32::try_from(minutes.div_euclid(24 * 60)).ok();
    // 1970-01-01 in Julian days.
    days.and_then(|days| Date::from_julian_day(days.checked_add(2_440_588)?).ok()).unwrap_or(Date::MIN)
}

/// The dates that a sentence names, in its order: `2026-11-24`, `tomorrow`, `next friday`, `in three weeks`,
/// `two days ago`, `3rd of March`, `March 3, 2027`. A date without a year is the next one.
pub fn dates(text: &str, today: Date) -> Vec<Date> {
    let words = words(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match date(&words[at..], today) {
            Some((date, length)) => {
                found.push(date);
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// A number of at most three digits, in digits or in words.
pub(super) fn small_number(folded: &str) -> Option<i64> {
    const NAMES: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    if folded.len() <= 3 && folded.bytes().all(|byte| byte.is_ascii_digit()) {
        return folded.parse().ok();
    }
    NAMES.iter().position(|name| *name == folded).and_then(|number| i64::try_from(number).ok())
}

/// A date at the beginning of the words, and how many it takes.
fn date(words: &[Word<'_>], today: Date) -> Option<(Date, usize)> {
    let word = |index: usize| words.get(index).map_or("", |word| word.folded.as_str());
    if let Some(date) = iso(word(0)) {
        return Some((date, 1));
    }
    let days = |count: i64| today.checked_add(Duration::days(count));
    match (word(0), word(1), word(2), word(3)) {
        ("the", "day", "after", "tomorrow") => return Some((days(2)?, 4)),
        ("day", "after", "tomorrow", _) => return Some((days(2)?, 3)),
        ("the", "day", "before", "yesterday") => return Some((days(-2)?, 4)),
        ("today" | "tonight", ..) | ("this", "morning" | "afternoon" | "evening", ..) => {
            return Some((today, if word(0) == "this" { 2 } else { 1 }));
        }
        ("tomorrow", ..) => return Some((days(1)?, 1)),
        ("yesterday", ..) => return Some((days(-1)?, 1)),
        ("in", count, unit, _) => {
            if let (Some(count), Some(length)) = (small_number(count), unit_days(unit)) {
                return Some((days(count * length)?, 3));
            }
        }
        (count, unit, "ago", _) => {
            if let (Some(count), Some(length)) = (small_number(count), unit_days(unit)) {
                return Some((days(-count * length)?, 3));
            }
        }
        _ => {}
    }
    weekday(word(0), word(1), today).or_else(|| calendar(words, today))
}

fn unit_days(unit: &str) -> Option<i64> {
    match unit {
        "day" | "days" => Some(1),
        "week" | "weeks" => Some(7),
        _ => None,
    }
}

/// `2026-11-24`, also at the beginning of a timestamp.
fn iso(word: &str) -> Option<Date> {
    let (date, rest) = word.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || !(rest.is_empty() || rest.starts_with('t')) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

/// `friday`, `next friday`: the first one after today; `last friday`: the last one before it.
fn weekday(first: &str, second: &str, today: Date) -> Option<(Date, usize)> {
    let is_last = first == "last";
    let (name, length) =
        if matches!(first, "next" | "last" | "this" | "on") { (second, 2) } else { (first, 1) };
    let index = WEEKDAYS.iter().position(|known| *known == name.strip_suffix("'s").unwrap_or(name))?;
    let wanted = Weekday::Monday.nth_next(u8::try_from(index).ok()?);
    let date = if is_last { today.prev_occurrence(wanted) } else { today.next_occurrence(wanted) };
    Some((date, length))
}

/// `3 March`, `3rd of March 2027`, `March 3`, `March 3rd, 2027`.
fn calendar(words: &[Word<'_>], today: Date) -> Option<(Date, usize)> {
    let word = |index: usize| words.get(index).map_or("", |word| word.folded.as_str());
    let (day, month, length) = match (day_of_month(word(0)), month(word(0))) {
        (Some(day), _) => match (month(word(1)), word(1), month(word(2))) {
            (Some(month), ..) => (day, month, 2),
            (None, "of", Some(month)) => (day, month, 3),
            _ => return None,
        },
        (None, Some(month)) => (day_of_month(word(1))?, month, 2),
        (None, None) => return None,
    };
    let year = Some(word(length)).filter(|year| year.len() == 4).and_then(|year| year.parse::<i32>().ok());
    if let Some(year) = year {
        return Some((Date::from_calendar_date(year, month, day).ok()?, length + 1));
    }
    // The 29th of February may be some years off.
    let next = (today.year()..today.year().saturating_add(9))
        .filter_map(|year| Date::from_calendar_date(year, month, day).ok())
        .find(|date| *date >= today)?;
    Some((next, length))
}

/// `3`, `3rd`.
fn day_of_month(word: &str) -> Option<u8> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

/// `march`, `mar`, `sept`.
fn month(word: &str) -> Option<Month> {
    let index = MONTHS
        .iter()
        .position(|name| *name == word || word == &name[..3] || (word == "sept" && *name == "september"))?;
    Month::try_from(u8::try_from(index).ok()? + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Sunday.
    fn today() -> Date {
        Date::from_calendar_date(2026, Month::November, 22).unwrap()
    }

    #[test]
    fn the_day_is_that_of_the_persons_clock() {
        let noon = 1_795_348_800_000;
        assert_eq!(day(noon, 0), today());
        assert_eq!(day(noon, 13 * 60).to_string(), "2026-11-23");
        assert_eq!(day(noon, -13 * 60).to_string(), "2026-11-21");
        assert_eq!(day(0, 0).to_string(), "1970-01-01");
        day(u64::MAX, i32::MIN);
    }

    #[test]
    fn dates_are_found_as_people_say_them() {
        for (text, expected) in [
            ("from 2026-12-01 to 2026-12-24", &["2026-12-01", "2026-12-24"][..]),
            ("rain tomorrow?", &["2026-11-23"]),
            ("the day after tomorrow", &["2026-11-24"]),
            ("what did I do yesterday", &["2026-11-21"]),
            ("next Friday", &["2026-11-27"]),
            ("on Sunday", &["2026-11-29"]),
            ("last Monday", &["2026-11-16"]),
            ("Friday's flights", &["2026-11-27"]),
            ("in three weeks", &["2026-12-13"]),
            ("10 days ago", &["2026-11-12"]),
            ("the 3rd of March", &["2027-03-03"]),
            ("March 3, 2028", &["2028-03-03"]),
            ("24 Dec", &["2026-12-24"]),
            ("29 February", &["2028-02-29"]),
            ("between May 4 and 6 June", &["2027-05-04", "2027-06-06"]),
        ] {
            let found: Vec<String> = dates(text, today()).iter().map(Date::to_string).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["may I", "31 February", "2026-13-01", "three of them", "march on", "in 5 minutes", ""] {
            assert_eq!(dates(text, today()), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_sentence_makes_it_panic(text in "([a-z0-9\\-]{0,11} ?(in|ago|days|last|next|may|friday)? ?){0,8}") {
            dates(&text, today());
        }
    }
}
