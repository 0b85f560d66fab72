//! `cargo xtask bench search`: how long the realm takes to search ten thousand operations, over HTTP, while nothing
//! else is done and while meanings are still being computed.

#![allow(
    clippy::disallowed_methods,
    reason = "it is a client of the realm; the guard is for what the realm calls"
)]

use std::{
    error::Error,
    io::Write as _,
    time::{Duration, Instant},
};

use mtor::{
    config::{Config, Flags},
    server::{self, Outside},
};
use mtor_shared::source::{OperationPage, Source, Stage};
use reqwest::{Client, Method, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const VERBS: [&str; 20] = [
    "List", "Create", "Read", "Update", "Delete", "Cancel", "Approve", "Archive", "Export", "Import",
    "Search", "Share", "Refund", "Schedule", "Publish", "Verify", "Merge", "Restore", "Assign", "Count",
];
const NOUNS: [&str; 25] = [
    "invoices",
    "customers",
    "shipments",
    "subscriptions",
    "tickets",
    "repositories",
    "containers",
    "payments",
    "calendars",
    "messages",
    "devices",
    "policies",
    "reports",
    "users",
    "images",
    "recipes",
    "flights",
    "hotels",
    "contracts",
    "sensors",
    "playlists",
    "courses",
    "vehicles",
    "orders",
    "datasets",
];
const PLACES: [&str; 20] = [
    "Atlas", "Borealis", "Cobalt", "Dune", "Ember", "Fjord", "Garnet", "Harbor", "Iris", "Juniper",
    "Kestrel", "Lumen", "Mistral", "Nimbus", "Onyx", "Prairie", "Quartz", "Ridge", "Sierra", "Tundra",
];
const QUERIES: [&str; 20] = [
    "cancel a subscription",
    "give the money back",
    "list invoices",
    "who are my customers",
    "book a flight",
    "create a calendar entry",
    "send a message",
    "delete old images",
    "what do the sensors say",
    "export reports",
    "find a hotel",
    "approve a contract",
    "merge repositories",
    "restart container",
    "share a playlist",
    "temperature of the device",
    "cooking instructions",
    "enrol in a course",
    "track my parcel",
    "count users",
];
/// Operations of one description: with all verbs and nouns there are ten thousand.
const OPERATIONS: usize = VERBS.len() * NOUNS.len();
const ROUNDS: usize = 15;

/// A description of 500 operations.
fn description(place: &str) -> Value {
    let operation = |verb: &str, noun: &str| {
        let one = noun.trim_end_matches('s');
        json!({
            "operationId": format!("{}{}", verb.to_lowercase(), noun),
            "summary": format!("{verb} {noun}"),
            "description": format!("{verb} {noun} of {place}. Needs the {one}'s number and says what became of it."),
            "parameters": [{"name": "number", "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}
        })
    };
    let paths: serde_json::Map<String, Value> = VERBS
        .iter()
        .flat_map(|verb| NOUNS.iter().map(move |noun| (*verb, *noun)))
        .map(|(verb, noun)| {
            let path = format!("/{}/{noun}", verb.to_lowercase());
            (path, json!({"post": operation(verb, noun)}))
        })
        .collect();
    let server = format!("https://{}.example", place.to_lowercase());
    json!({"openapi": "3.1.0", "info": {"title": place, "version": "1"}, "servers": [{"url": server}], "paths": paths})
}

struct Realm {
    client: Client,
    base: String,
}

impl Realm {
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<T, Box<dyn Error>> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            return Err(format!("{path}: {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn add(&self, place: &str) -> Result<u32, Box<dyn Error>> {
        let text = description(place).to_string();
        let from = json!({"from": {"kind": "text", "text": text}});
        let added: Source = self.ask(Method::POST, "/api/catalogue/sources", from).await?;
        let path = format!("/api/catalogue/sources/{}", added.id);
        self.client.get(format!("{}{path}/events", self.base)).send().await?.text().await?;
        let source: Source = self.ask(Method::PATCH, &path, json!({"enabled": true})).await?;
        match source.stage {
            Stage::Enabled => Ok(source.capabilities),
            other => Err(format!("{place}: {other:?}").into()),
        }
    }

    /// How many operations' meanings are known.
    async fn meanings(&self) -> Result<f64, Box<dyn Error>> {
        let text = self.client.get(format!("{}/metrics", self.base)).send().await?.text().await?;
        let line = text.lines().find_map(|line| line.strip_prefix("mtor_search_meanings "));
        Ok(line.map_or(Ok(0.0), str::parse)?)
    }

    async fn search(&self, query: &str) -> Result<(OperationPage, f64), Box<dyn Error>> {
        let query: String = query.split(' ').collect::<Vec<_>>().join("+");
        let began = Instant::now();
        let path = format!("/api/catalogue/search?q={query}&limit=50");
        let page = self.ask(Method::GET, &path, Value::Null).await?;
        Ok((page, began.elapsed().as_secs_f64() * 1e3))
    }
}

fn report(variant: &str, unit: &str, mut samples: Vec<f64>) -> std::io::Result<()> {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples.get((share * (samples.len().saturating_sub(1)) as f64) as usize).copied();
    let line = json!({
        "bench": "search", "variant": variant, "median": at(0.5), "p95": at(0.95), "unit": unit, "n": samples.len()});
    writeln!(std::io::stdout(), "{line}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::temp_dir().join(format!("mtor-bench-search-{}", std::process::id()));
    let outcome = measure(&data).await;
    std::fs::remove_dir_all(&data)?;
    outcome
}

async fn measure(data: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let own = [("MTOR_LISTEN", "127.0.0.1:0".to_owned()), ("MTOR_DATA", data.display().to_string())];
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !name.starts_with("MTOR_") || name == "MTOR_MODELS")
        .chain(own.map(|(name, value)| (name.to_owned(), value)));
    let config = Config::load(&Flags::default(), environment)?;
    let outside = Outside::real(&config);
    let server = server::start(config, outside).await?;
    let realm =
        Realm { client: Client::builder().no_proxy().build()?, base: format!("http://{}", server.address()) };
    let began = Instant::now();
    let mut operations = 0;
    let mut added = Vec::new();
    for place in PLACES {
        let each = Instant::now();
        operations += realm.add(place).await?;
        added.push(each.elapsed().as_secs_f64() * 1e3);
    }
    report(&format!("adding and enabling {OPERATIONS} operations"), "ms", added)?;

    let mut early = Vec::new();
    for query in QUERIES {
        let (page, _) = realm.search(query).await?;
        early.push(f64::from(page.elapsed_ms));
    }
    report(&format!("{operations} operations, meanings being computed"), "ms", early)?;
    while realm.meanings().await? < f64::from(operations) {
        if began.elapsed() > Duration::from_secs(1800) {
            return Err(
                "meanings are not computed after half an hour; `cargo xtask models` fetches the weights"
                    .into(),
            );
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    report("computing all meanings", "s", vec![began.elapsed().as_secs_f64()])?;

    let (mut inside, mut outside, mut meant) = (Vec::new(), Vec::new(), 0);
    for query in QUERIES.iter().cycle().take(QUERIES.len() * ROUNDS) {
        let (page, elapsed) = realm.search(query).await?;
        meant += u32::from(page.by_meaning);
        inside.push(f64::from(page.elapsed_ms));
        outside.push(elapsed);
    }
    let share = f64::from(meant) / inside.len() as f64;
    report(&format!("{operations} operations, in the realm"), "ms", inside)?;
    report(&format!("{operations} operations, over HTTP"), "ms", outside)?;
    report("searches that compared meanings", "share", vec![share])?;
    server.shutdown().await;
    Ok(())
}
