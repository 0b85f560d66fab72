//! The stand-in answers as the pilots' descriptions promise, and fails when it is told to.

#![allow(missing_docs, reason = "a test")]

#[path = "support/upstream.rs"]
mod upstream;

use std::{net::SocketAddr, time::Duration};

use mtor_federation::{Compiled, ResponseError, compile, pilots, response};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// 2026-05-01, 12:34 UTC.
const NOW: u64 = 1_777_638_840;

const ORIGINS: [(&str, &str); 5] = [
    ("https://api.open-meteo.com", "open-meteo"),
    ("https://geocoding-api.open-meteo.com", "open-meteo-geocoding"),
    ("https://en.wikipedia.org", "wikipedia"),
    ("https://openlibrary.org", "open-library"),
    ("https://api.dictionaryapi.dev", "free-dictionary"),
];

struct StandIn {
    address: SocketAddr,
    client: reqwest::Client,
}

impl StandIn {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(upstream::serve(listener, NOW));
        // Only the first of several tests installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { address, client }
    }

    fn pilot(&self, id: &str) -> Compiled {
        let pilot = pilots::all().into_iter().find(|pilot| pilot.id == id).expect("a pilot");
        let mut compiled = compile(pilot.id, pilot.document, Some(pilot.overlay)).expect("compiles");
        for (origin, prefix) in ORIGINS {
            compiled.move_origin(origin, &format!("http://{}/{prefix}", self.address)).expect("addresses");
        }
        compiled
    }

    async fn call(&self, id: &str, operation: &str, args: Value) -> Result<Value, ResponseError> {
        let compiled = self.pilot(id);
        let operation = compiled.find(operation).expect("an operation");
        let args = args.as_object().cloned().unwrap_or_default();
        let request = mtor_federation::request(operation, &args).expect("a request");
        let answer = self.client.get(&request.url).send().await.expect("an answer");
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text").to_owned());
        let status = answer.status().as_u16();
        response(operation, status, kind.as_deref(), &answer.bytes().await.expect("a body"))
    }

    /// Carries out a pilot's composition; the last step's output.
    async fn run(&self, id: &str, inputs: Value) -> Value {
        let compiled = self.pilot(id);
        let plan = compiled.compositions[0].plan.clone().expect("a plan");
        let inputs: Map<String, Value> = inputs.as_object().cloned().unwrap_or_default();
        let mut outputs = std::collections::BTreeMap::new();
        let mut last = Value::Null;
        for step in &plan.steps {
            let args = Value::Object(step.bind(&inputs, &outputs).expect("bound"));
            last = self.call(id, &step.capability.0, args).await.expect("a result");
            outputs.insert(step.id.clone(), last.clone());
        }
        last
    }

    async fn order(&self, order: Value) -> u16 {
        let url = format!("http://{}/control", self.address);
        let sent =
            self.client.post(url).header("content-type", "application/json").body(order.to_string()).send();
        sent.await.expect("an answer").status().as_u16()
    }

    fn forecast(&self) -> reqwest::RequestBuilder {
        self.client.get(format!("http://{}/open-meteo/v1/forecast?latitude=1&longitude=2", self.address))
    }
}

#[tokio::test]
async fn weather_has_a_believable_shape() {
    let forecast = StandIn::start().await.run("open-meteo", json!({"place": "Lisbon"})).await;
    assert_eq!(forecast["timezone"], "Europe/Lisbon");
    assert_eq!(forecast["current"]["time"], "2026-05-01T12:30");
    assert_eq!(forecast["hourly"]["time"][13], "2026-05-01T13:00");
    assert_eq!(forecast["hourly"]["temperature_2m"].as_array().map(Vec::len), Some(7 * 24));
    assert_eq!(forecast["daily"]["time"].as_array().map(Vec::len), Some(7));
    for day in 0..7 {
        let low = forecast["daily"]["temperature_2m_min"][day].as_f64().expect("a number");
        let high = forecast["daily"]["temperature_2m_max"][day].as_f64().expect("a number");
        assert!(low < high && low > -10.0 && high < 40.0, "{low} to {high}");
        let (rise, set) =
            (forecast["daily"]["sunrise"][day].as_str(), forecast["daily"]["sunset"][day].as_str());
        assert!(rise < set, "{rise:?} to {set:?}");
    }
    assert_eq!(forecast["current"]["is_day"], 1);
}

#[tokio::test]
async fn every_pilot_is_answered_as_its_description_promises() {
    let stand_in = StandIn::start().await;
    for (id, operation, args) in [
        ("open-meteo", "geocode", json!({"name": "São Paulo", "count": 1})),
        (
            "open-meteo",
            "forecast",
            json!({"latitude": -23.5, "longitude": -46.6, "current": ["is_day"], "daily": ["sunset"]}),
        ),
        ("wikipedia", "search", json!({"q": "ada lovelace"})),
        ("wikipedia", "summary", json!({"title": "Ada_Lovelace"})),
        ("open-library", "search", json!({"q": "the sea", "limit": 3, "fields": ["key", "title"]})),
        ("free-dictionary", "entries", json!({"word": "serendipity"})),
    ] {
        let value = stand_in.call(id, operation, args).await.expect(operation);
        let schema = stand_in.pilot(id).find(operation).expect("an operation").capability.output.clone();
        let faults: Vec<String> = jsonschema::validator_for(&schema)
            .expect("a schema")
            .iter_errors(&value)
            .map(|fault| fault.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{operation}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_in_each_providers_way() {
    let stand_in = StandIn::start().await;
    let places =
        stand_in.call("open-meteo", "geocode", json!({"name": "Xqzzyvia"})).await.expect("an answer");
    assert_eq!(places.get("results"), None);
    let pages = stand_in.call("wikipedia", "search", json!({"q": "Xqzzyvia"})).await.expect("an answer");
    assert_eq!(pages, json!({"pages": []}));
    let books = stand_in.call("open-library", "search", json!({"q": "Xqzzyvia"})).await.expect("an answer");
    assert_eq!(books["numFound"], 0);
    for (id, operation, args) in [
        ("wikipedia", "summary", json!({"title": "Xqzzyvia"})),
        ("free-dictionary", "entries", json!({"word": "xqzzyvia"})),
    ] {
        let error = stand_in.call(id, operation, args).await.expect_err("nothing");
        assert!(matches!(error, ResponseError::NoResult { reason: Some(_) }), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_variable_is_refused_with_a_reason() {
    let stand_in = StandIn::start().await;
    let args = json!({"latitude": 1, "longitude": 2, "current": ["tempeture_2m"]});
    let error = stand_in.call("open-meteo", "forecast", args).await.expect_err("refused");
    let ResponseError::Status { status: 400, reason: Some(reason) } = error else { panic!("{error}") };
    assert!(reason.contains("tempeture_2m"), "{reason}");
}

#[tokio::test]
async fn an_articles_picture_is_a_picture() {
    let stand_in = StandIn::start().await;
    let article = stand_in.run("wikipedia", json!({"topic": "Ada Lovelace"})).await;
    let url = article["thumbnail"]["source"].as_str().expect("an address");
    let answer = stand_in.client.get(url).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert!(answer.bytes().await.expect("bytes").starts_with(b"\x89PNG\r\n\x1a\n"));
}

#[tokio::test]
async fn faults_come_as_ordered_and_go() {
    let stand_in = StandIn::start().await;
    assert_eq!(
        stand_in
            .order(json!({"provider": "open-meteo", "fault": {"kind": "status", "status": 503}, "times": 2}))
            .await,
        204
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(stand_in.forecast().send().await.expect("an answer").status().as_u16());
    }
    assert_eq!(statuses, [503, 503, 200]);

    assert_eq!(stand_in.order(json!({"provider": "open-meteo", "fault": {"kind": "reset"}})).await, 204);
    assert!(stand_in.forecast().send().await.is_err());
    let clear = stand_in
        .client
        .delete(format!("http://{}/control", stand_in.address))
        .send()
        .await
        .expect("an answer");
    assert_eq!(clear.status(), 204);
    assert!(stand_in.forecast().send().await.expect("an answer").status().is_success());

    let location = "http://127.0.0.1:1/";
    stand_in.order(json!({"provider": "open-meteo", "fault": {"kind": "redirect", "location": location}, "times": 1})).await;
    let answer = stand_in.forecast().send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().expect("text")),
        (302, location)
    );

    stand_in.order(json!({"provider": "open-meteo", "fault": {"kind": "garbage"}, "times": 1})).await;
    let answer = stand_in.forecast().send().await.expect("an answer").text().await.expect("text");
    assert!(serde_json::from_str::<Value>(&answer).is_err());

    stand_in.order(json!({"provider": "open-meteo", "fault": {"kind": "huge"}, "times": 1})).await;
    let answer = stand_in.forecast().send().await.expect("an answer").bytes().await.expect("bytes");
    assert_eq!(answer.len(), 64 << 20);

    stand_in.order(json!({"provider": "open-meteo", "fault": {"kind": "hang"}, "times": 1})).await;
    assert!(
        stand_in
            .forecast()
            .timeout(Duration::from_millis(50))
            .send()
            .await
            .expect_err("no answer")
            .is_timeout()
    );

    assert_eq!(stand_in.order(json!({"provider": "nobody", "fault": {"kind": "hang"}})).await, 422);
}

#[tokio::test]
async fn the_log_says_what_was_asked() {
    let stand_in = StandIn::start().await;
    stand_in.forecast().send().await.expect("an answer");
    let log = stand_in
        .client
        .get(format!("http://{}/control/log", stand_in.address))
        .send()
        .await
        .expect("an answer");
    let log: Value = serde_json::from_str(&log.text().await.expect("text")).expect("JSON");
    assert_eq!(
        log,
        json!([{"provider": "open-meteo", "method": "GET", "url": "/open-meteo/v1/forecast?latitude=1&longitude=2"}])
    );
}
