//! Numbers as English words.

const ONES: [&str; 20] = [
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
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [&str; 12] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];
const IRREGULAR: [(&str, &str); 7] = [
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("five", "fifth"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("twelve", "twelfth"),
];
/// Numbers below this have a name.
pub(super) const LIMIT: u128 = 10u128.pow(36);

fn below_thousand(n: usize) -> String {
    let mut words = Vec::new();
    let mut rest = n;
    if n >= 100 {
        words.extend([ONES[n / 100].to_owned(), "hundred".to_owned()]);
        rest %= 100;
        if rest > 0 {
            words.push("and".to_owned());
        }
    }
    if rest >= 20 {
        let ones = if rest.is_multiple_of(10) { String::new() } else { format!("-{}", ONES[rest % 10]) };
        words.push(format!("{}{ones}", TENS[rest / 10]));
    } else if rest > 0 || words.is_empty() {
        words.push(ONES[rest].to_owned());
    }
    words.join(" ")
}

/// "one thousand, two hundred and thirty-four".
pub(super) fn cardinal(n: u128) -> String {
    if n < 1000 {
        return below_thousand(n as usize);
    }
    let mut groups = Vec::new();
    let mut rest = n;
    for scale in SCALES {
        let group = (rest % 1000) as usize;
        if group > 0 {
            let name = if scale.is_empty() { String::new() } else { format!(" {scale}") };
            groups.push(below_thousand(group) + &name);
        }
        rest /= 1000;
    }
    groups.reverse();
    match groups.split_last() {
        Some((last, before)) if !before.is_empty() => {
            let small = last.rsplit(" and ").next().unwrap_or_default();
            let joint = if !small.contains(' ') && !last.contains("hundred") { " and " } else { ", " };
            before.join(", ") + joint + last
        }
        _ => groups.concat(),
    }
}

/// "twenty-third", "one hundred and first".
pub(super) fn ordinal(n: u128) -> String {
    let words = cardinal(n);
    let at = words.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (head, last) = words.split_at(at);
    let last = match IRREGULAR.iter().find(|(word, _)| *word == last) {
        Some((_, ordinal)) => (*ordinal).to_owned(),
        None => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    head.to_owned() + &last
}

/// "nineteen oh-five", "two thousand and five", "twenty ten".
pub(super) fn year(n: u128) -> String {
    let (high, low) = (n / 100, n % 100);
    if high == 0 || (high.is_multiple_of(10) && low < 10) || high >= 100 {
        return cardinal(n);
    }
    let low = match low {
        0 => "hundred".to_owned(),
        1..10 => format!("oh-{}", cardinal(low)),
        _ => cardinal(low),
    };
    format!("{} {low}", cardinal(high))
}

/// "three point one four".
pub(super) fn decimal(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = if whole.is_empty() { 0 } else { parse(whole)? };
    let digits: Vec<&str> = fraction
        .trim_end_matches('0')
        .chars()
        .map(|c| c.to_digit(10).map(|d| ONES[d as usize]))
        .collect::<Option<_>>()?;
    let mut words = cardinal(whole);
    if !digits.is_empty() {
        words += " point ";
        words += &digits.join(" ");
    }
    Some(words)
}

/// Digits as a number that has a name.
pub(super) fn parse(digits: &str) -> Option<u128> {
    digits.parse().ok().filter(|n| *n < LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_do() {
        for (n, want) in [
            (0, "zero"),
            (21, "twenty-one"),
            (100, "one hundred"),
            (342, "three hundred and forty-two"),
            (1_001, "one thousand and one"),
            (1_234, "one thousand, two hundred and thirty-four"),
            (1_000_000, "one million"),
        ] {
            assert_eq!(cardinal(n), want);
        }
        assert_eq!(
            [ordinal(1), ordinal(20), ordinal(123)].join(" "),
            "first twentieth one hundred and twenty-third"
        );
        assert_eq!(
            [year(1905), year(2005), year(2010), year(1900)].join("; "),
            "nineteen oh-five; two thousand and five; twenty ten; nineteen hundred"
        );
        assert_eq!(decimal("3.140").as_deref(), Some("three point one four"));
        assert_eq!(decimal(".5").as_deref(), Some("zero point five"));
    }
}
