//! `cargo xtask bench ledger`: how long holding and settling take, and how many settlements a second are stored for
//! good, with the realm's own database on this machine's disk.

use std::{error::Error, io::Write as _, sync::Arc, time::Instant};

use mtor::{
    clock::SystemClock,
    config::{Config, Flags},
    identity::Caller,
    ledger::{Ledger, Work},
    random::SystemRandom,
    storage::{Sqlite, Storage},
};
use mtor_shared::ledger::{Amount, ProviderId, Text, Usage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("mtor-bench-ledger-{}", std::process::id()));
    let outcome = measure(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let config = Config::load(&Flags::default(), [])?;
    let storage: Arc<dyn Storage> = Arc::new(Sqlite::open(folder).await?);
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let ledger =
        Ledger::open(config.ledger.clone(), Arc::clone(&storage), clock.clone(), random.clone(), |_| {
            Vec::new()
        });
    let ledger = ledger.await?;
    ledger.begin().await?;
    let provider = ProviderId::try_from("provider".to_owned())?;
    let capability = Text::try_from("shop/list".to_owned())?;
    for together in [1_usize, 64, 1_000] {
        let began = Instant::now();
        let each = 20_000 / together.max(20);
        let tasks: Vec<_> = (0..together)
            .map(|_| {
                let (ledger, provider, capability) = (ledger.clone(), provider.clone(), capability.clone());
                tokio::spawn(async move {
                    let mut took = Vec::new();
                    for _ in 0..each {
                        let most = Amount::from_micro(10).unwrap_or_default();
                        let work = Work::of(&Caller::machine(), provider.clone(), capability.clone(), most);
                        let began = Instant::now();
                        let Ok(held) = ledger.reserve(work) else { continue };
                        let after_hold = began.elapsed();
                        let settled = held.settle(most, Usage::default()).await;
                        if settled.is_ok() {
                            took.push((after_hold, began.elapsed()));
                        }
                    }
                    took
                })
            })
            .collect();
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await?);
        }
        let seconds = began.elapsed().as_secs_f64();
        let n = took.len();
        let mut line = |what: &str, mut values: Vec<f64>, unit: &str| {
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values.get((share * (values.len().saturating_sub(1)) as f64) as usize);
            let line = serde_json::json!({
                "bench": "ledger", "variant": format!("{what}, {together} at once"), "median": at(0.5),
                "p95": at(0.95), "unit": unit, "n": n});
            writeln!(out, "{line}")
        };
        line("hold", took.iter().map(|(hold, _)| hold.as_secs_f64() * 1e6).collect(), "us")?;
        line(
            "hold and settle, stored for good",
            took.iter().map(|(_, all)| all.as_secs_f64() * 1e3).collect(),
            "ms",
        )?;
        line("settled", vec![n as f64 / seconds], "a second")?;
    }
    ledger.close().await;
    let began = Instant::now();
    let again = Ledger::open(config.ledger, Arc::clone(&storage), clock, random, |_| Vec::new()).await?;
    let entries = again.head().await?.seq;
    let line = serde_json::json!({
        "bench": "ledger", "variant": "reading and checking all entries at the start",
        "median": began.elapsed().as_secs_f64(), "p95": began.elapsed().as_secs_f64(), "unit": "s", "n": entries});
    writeln!(out, "{line}")?;
    again.close().await;
    storage.close().await;
    Ok(())
}
