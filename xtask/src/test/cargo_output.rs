//! Reads what `cargo test` prints: the summary line of each test binary, and the tests that failed or were ignored.

use super::Tally;

/// Fed line by line.
#[derive(Default)]
pub(super) struct Reader(Tally);

impl Reader {
    pub(super) fn line(&mut self, line: &str) {
        if let Some(summary) = line.strip_prefix("test result: ") {
            self.0.passed += count(summary, "passed");
            self.0.failed += count(summary, "failed");
        } else if let Some((name, outcome)) =
            line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        {
            if outcome == "FAILED" {
                self.0.failures.push(name.to_owned());
            } else if let Some(reason) = outcome.strip_prefix("ignored") {
                let reason = reason.trim_start_matches([',', ' ']);
                let reason = if reason.is_empty() { "no reason given" } else { reason };
                self.0.skipped.push(format!("{name}: {reason}"));
            }
        }
    }

    pub(super) fn finish(self) -> Tally {
        self.0
    }
}

/// The number before a word, as in `ok. 12 passed; 0 failed`.
fn count(summary: &str, word: &str) -> usize {
    let words: Vec<&str> =
        summary.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 3 tests
test stream::tests::orders ... ok
test route::tests::ranks ... FAILED
test gpu::tests::adds ... ignored, needs a GPU
test slow ... ignored

failures:

---- route::tests::ranks stdout ----
test result: this is what a test printed

test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 4 tests
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    #[test]
    fn every_binarys_summary_is_added_up() {
        let mut reader = Reader::default();
        OUTPUT.lines().for_each(|line| reader.line(line));
        let tally = reader.finish();
        assert_eq!((tally.passed, tally.failed), (5, 1));
        assert_eq!(tally.failures, ["route::tests::ranks"]);
        assert_eq!(tally.skipped, ["gpu::tests::adds: needs a GPU", "slow: no reason given"]);
    }
}
