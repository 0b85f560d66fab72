//! Reads Playwright's JSON report.

use anyhow::Result;
use serde::Deserialize;

use super::Tally;

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    suites: Vec<Suite>,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Suite {
    #[serde(default)]
    suites: Vec<Suite>,
    #[serde(default)]
    specs: Vec<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    title: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    status: Outcome,
    #[serde(default)]
    project_name: String,
    #[serde(default)]
    annotations: Vec<Annotation>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Expected,
    Unexpected,
    /// Failed first and passed when repeated.
    Flaky,
    Skipped,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(rename = "type")]
    kind: String,
    description: Option<String>,
}

/// Sums a report up. An error outside of any test (a server that does not start) is a failure too.
pub(super) fn read(text: &str) -> Result<Tally> {
    let report: Report = serde_json::from_str(text)?;
    let mut tally = Tally::default();
    let mut suites: Vec<&Suite> = report.suites.iter().collect();
    while let Some(suite) = suites.pop() {
        suites.extend(&suite.suites);
        for spec in &suite.specs {
            for test in &spec.tests {
                count(&mut tally, spec, test);
            }
        }
    }
    for error in &report.errors {
        let message = error.get("message").and_then(serde_json::Value::as_str).unwrap_or("unknown");
        tally.failed += 1;
        tally.failures.push(format!("Playwright: {}", message.lines().next().unwrap_or_default()));
    }
    Ok(tally)
}

fn count(tally: &mut Tally, spec: &Spec, test: &Test) {
    let name = match test.project_name.as_str() {
        "" => format!("{}: {}", spec.file, spec.title),
        project => format!("{} [{project}]: {}", spec.file, spec.title),
    };
    match test.status {
        Outcome::Expected => tally.passed += 1,
        // A test that only sometimes passes is not one that can be relied on.
        Outcome::Flaky => {
            tally.failed += 1;
            tally.failures.push(format!("{name} (passed only when repeated)"));
        }
        Outcome::Unexpected => {
            tally.failed += 1;
            tally.failures.push(name);
        }
        Outcome::Skipped => {
            let reason = test
                .annotations
                .iter()
                .filter(|annotation| matches!(annotation.kind.as_str(), "skip" | "fixme"))
                .find_map(|annotation| annotation.description.as_deref())
                .unwrap_or("no reason given");
            tally.skipped.push(format!("{name}: {reason}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_suites_are_counted_with_names_and_reasons() {
        let report = r#"{"suites":[{"specs":[
              {"title":"opens","file":"a.spec.ts","tests":[{"status":"expected","projectName":"","annotations":[]}]}],
            "suites":[{"specs":[
              {"title":"asks","file":"a.spec.ts","tests":[{"status":"unexpected","projectName":"gpu"},{"status":"flaky"}]},
              {"title":"speaks","file":"a.spec.ts","tests":[
                {"status":"skipped","annotations":[{"type":"skip","description":"no sound card"}]}]}]}]}],
            "errors":[],"stats":{"expected":1}}"#;
        let tally = read(report).unwrap();
        assert_eq!((tally.passed, tally.failed), (1, 2));
        assert_eq!(tally.failures, ["a.spec.ts [gpu]: asks", "a.spec.ts: asks (passed only when repeated)"]);
        assert_eq!(tally.skipped, ["a.spec.ts: speaks: no sound card"]);
    }

    #[test]
    fn an_error_outside_of_tests_is_a_failure() {
        let tally = read(r#"{"suites":[],"errors":[{"message":"the server did not start\nat x"}]}"#).unwrap();
        assert_eq!((tally.passed, tally.failed), (0, 1));
        assert_eq!(tally.failures, ["Playwright: the server did not start"]);
    }
}
