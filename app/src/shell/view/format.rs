//! Numbers with their units.

/// Bytes in a unit that keeps them short: `512 B`, `12.3 kB`, `90.9 MB`.
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        0.0..1e3 => format!("{count:.0} B"),
        1e3..1e6 => format!("{:.1} kB", count / 1e3),
        1e6..1e9 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}

/// Seconds as a person says them: `0.4 s`, `12 s`, `3 min`.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 9.95 => format!("{:.1} s", seconds.max(0.0)),
        _ if seconds < 119.5 => format!("{seconds:.0} s"),
        _ => format!("{:.0} min", seconds / 60.0),
    }
}

/// A share of one: `93 %`.
pub fn percent(share: f32) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 100.0))
}

/// Millionths of a $9000 credit.
pub fn credits(micro: u64) -> String {
    if micro == 0 {
        return "free".to_owned();
    }
    let text = format!("{:.6}", micro as f64 / 1e6);
    format!("{} credits", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit_that_keeps_them_short() {
        assert_eq!([0, 999, 12_345, 90_868_376].map(bytes), ["0 B", "999 B", "12.3 kB", "90.9 MB"]);
    }

    #[test]
    fn seconds_lose_their_tenths_when_there_are_many() {
        assert_eq!([0.44, 12.2, 119.0, 190.0].map(seconds), ["0.4 s", "12 s", "119 s", "3 min"]);
    }

    #[test]
    fn a_cost_is_exact_to_the_last_millionth() {
        assert_eq!(
            [0, 1, 250_000, 2_000_000].map(credits),
            ["free", "0.000001 credits", "0.25 credits", "2 credits"]
        );
    }
}
