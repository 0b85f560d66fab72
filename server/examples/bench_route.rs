//! `cargo xtask bench route`: how often intents find their capability, and how long that takes.

#[path = "../tests/support/routing.rs"]
mod routing;

use std::{error::Error, io::Write as _, time::Instant};

use mtor_shared::route::{Method, rank_lexical};
use routing::{Outcome, Router, Utterances};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let utterances = Utterances::load()?;
    let mut router = Router::load().await?;
    for (set, sentences) in [("development", &utterances.development), ("evaluation", &utterances.evaluation)]
    {
        for (name, method) in [("meaning", Method::Meaning), ("lexical", Method::Lexical)] {
            let Outcome { total, right, asked, confusion, wrong } = router.route(method, sentences).await?;
            let share = |count: usize| count as f64 / total as f64;
            for (variant, value) in [("right", share(right)), ("asked with the right one", share(asked))] {
                let variant = format!("{set}, {name}: {variant}");
                let line = serde_json::json!({
                    "bench": "route", "variant": variant, "median": value, "p95": value, "unit": "share", "n": total});
                writeln!(out, "{line}")?;
            }
            if set == "evaluation" {
                writeln!(out, "\n{name}: expected -> decided")?;
                for ((expected, decided), count) in confusion {
                    writeln!(out, "  {expected:24} -> {decided:24} {count}")?;
                }
                for (text, decided) in wrong {
                    writeln!(out, "  wrong ({decided}): {text}")?;
                }
                writeln!(out)?;
            }
        }
    }
    let mut samples: Vec<f64> = utterances
        .evaluation
        .iter()
        .cycle()
        .take(600)
        .map(|(text, _)| {
            let began = Instant::now();
            std::hint::black_box(rank_lexical(text, &router.catalogue));
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[(share * (samples.len() - 1) as f64) as usize];
    let line = serde_json::json!({
        "bench": "route", "variant": "lexical ranking", "median": at(0.5), "p95": at(0.95), "unit": "ms",
        "n": samples.len()});
    writeln!(out, "{line}")?;
    Ok(())
}
