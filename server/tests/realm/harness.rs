//! A realm in this process on a free port, and a reader of its event streams.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use mtor::{
    config::{Config, Flags},
    server::{self, Outside, Server},
};
use mtor_shared::{
    plan::Plan,
    problem::{Problem, ProblemCode},
    run::RunId,
    source::Source,
    stream::{Chunk, ChunkBody, Delta, Folded, RunView},
};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::provider::Provider;

/// The addresses of the descriptions that come with MTOR.
const BASES: [&str; 5] = [
    "https://api.open-meteo.com",
    "https://geocoding-api.open-meteo.com",
    "https://en.wikipedia.org",
    "https://openlibrary.org",
    "https://api.dictionaryapi.dev",
];

pub(crate) struct Realm {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) base: String,
}

/// How a test's realm differs from the default one.
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// A realm that keeps its data in a folder and may call nobody.
    pub(crate) fn new(data: &Path) -> Self {
        let values = BTreeMap::from([
            ("MTOR_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("MTOR_DATA".to_owned(), data.display().to_string()),
            ("MTOR_DIST".to_owned(), data.join("dist").display().to_string()),
            ("MTOR_MODELS".to_owned(), data.join("models").display().to_string()),
            ("MTOR_FEDERATION_RETRY_DELAY_MS".to_owned(), "1".to_owned()),
        ]);
        Self { values }
    }

    /// Every call goes to this provider.
    pub(crate) fn provider(self, provider: &Provider) -> Self {
        self.provider_at(provider.address)
    }

    pub(crate) fn provider_at(self, address: SocketAddr) -> Self {
        let base: Vec<String> = BASES.iter().map(|from| format!("{from}=http://{address}")).collect();
        self.set("FEDERATION_BASE", &base.join(",")).set("EGRESS_ALLOW_PRIVATE", &address.to_string())
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.values.insert(format!("MTOR_{name}"), value.to_owned());
        self
    }

    /// As environment variables, for a realm in another process.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    pub(crate) fn config(&self) -> Config {
        Config::load(&Flags::default(), self.values.clone()).expect("a valid configuration")
    }

    pub(crate) async fn start(self) -> Realm {
        self.start_with(|_| {}).await
    }

    /// With something else from outside than the real things.
    pub(crate) async fn start_with(self, change: impl FnOnce(&mut Outside)) -> Realm {
        let config = self.config();
        let embedder = Err(Problem::new(ProblemCode::Unsupported, "No weights in this test.", ""));
        let mut outside = Outside { embedder, ..Outside::real(&config) };
        change(&mut outside);
        let server = server::start(config, outside).await.expect("the realm starts");
        Realm::at(server)
    }
}

impl Realm {
    fn at(server: Server) -> Self {
        let base = format!("http://{}", server.address());
        Self { server, client: client(), base }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// A request with a JSON body.
    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
    }

    /// A request that succeeds, and its JSON answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: &Value) -> T {
        answer(self.send(method, path, body)).await
    }

    /// A GET that succeeds, and its JSON answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        answer(self.get(path)).await
    }

    /// Adds a source and waits until it is settled.
    pub(crate) async fn add(&self, source: Value) -> Source {
        let added: Source = self.ask(Method::POST, "/api/catalogue/sources", &source).await;
        self.settled(&added.id.0).await
    }

    /// Follows a source until nothing is being done with it.
    pub(crate) async fn settled(&self, id: &str) -> Source {
        settled(&self.client, &self.base, id).await.pop().expect("a snapshot")
    }

    pub(crate) async fn change(&self, id: &str, change: Value) -> Source {
        self.ask(Method::PATCH, &format!("/api/catalogue/sources/{id}"), &change).await
    }

    pub(crate) fn post_run(&self, id: &RunId, plan: &Plan) -> RequestBuilder {
        post_run(&self.client, &self.base, id, plan)
    }

    /// Starts a run and reads it to its end.
    pub(crate) async fn run(&self, id: u8, plan: &Plan) -> Vec<Chunk> {
        let response = self.post_run(&run_id(id), plan).send().await.expect("an answer");
        Events::of(response).await.rest().await
    }
}

/// A client that follows nothing and uses no proxy.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

pub(crate) fn post_run(client: &Client, base: &str, id: &RunId, plan: &Plan) -> RequestBuilder {
    let body = json!({"id": id, "plan": plan}).to_string();
    client.post(format!("{base}/api/runs")).header(header::CONTENT_TYPE, "application/json").body(body)
}

pub(crate) fn run_id(number: u8) -> RunId {
    RunId::from_bytes([number; 16])
}

/// The plan of one call.
pub(crate) fn call(capability: &str, args: Value) -> Plan {
    let Value::Object(args) = args else { panic!("arguments are an object") };
    Plan::call(capability.into(), args)
}

pub(crate) fn weather_plan() -> Plan {
    call("open-meteo/weather", json!({"place": "Lisbon"}))
}

/// A stream of server-sent events.
pub(crate) struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    pub(crate) async fn of(response: Response) -> Self {
        let status = response.status();
        if status != 200 {
            panic!("{status}: {}", response.text().await.unwrap_or_default());
        }
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// The next chunk; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Chunk> {
        loop {
            while let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.buffer = rest;
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let Some(data) = field("data:") {
                    let chunk: Chunk = serde_json::from_str(data).expect("a chunk");
                    assert_eq!(field("id:"), Some(chunk.seq.to_string().as_str()), "the id is the number");
                    return Some(chunk);
                }
            }
            let piece = self.response.chunk().await.ok().flatten()?;
            self.buffer.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }

    pub(crate) async fn rest(mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.next().await {
            chunks.push(chunk);
        }
        chunks
    }

    /// Reads until a step begins.
    pub(crate) async fn until_started(&mut self, step: &str) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        loop {
            let chunk = self.next().await.expect("the step begins");
            let found = matches!(&chunk.body, ChunkBody::Delta { delta: Delta::StepStarted { step: s } } if s.0 == step);
            chunks.push(chunk);
            if found {
                return chunks;
            }
        }
    }
}

/// Folds chunks as the shell does; panics when one is missing or there twice.
pub(crate) fn fold(chunks: &[Chunk]) -> RunView {
    let mut view = RunView::new(chunks.first().expect("chunks").run.clone());
    for chunk in chunks {
        assert_eq!(view.fold(chunk.clone()), Folded::Applied, "{chunk:?}");
    }
    view
}

/// The problem that a run ended with.
pub(crate) fn problem_of(chunks: &[Chunk]) -> Problem {
    match &chunks.last().expect("chunks").body {
        ChunkBody::Failed { problem, .. } => problem.clone(),
        other => panic!("the run did not fail: {other:?}"),
    }
}

/// Every snapshot of a source until nothing is being done with it.
pub(crate) async fn settled(client: &Client, base: &str, id: &str) -> Vec<Source> {
    let response =
        client.get(format!("{base}/api/catalogue/sources/{id}/events")).send().await.expect("an answer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let text = response.text().await.expect("the stream ends");
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data).expect("a source")).collect()
}

/// The JSON answer of a request that succeeds.
pub(crate) async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Status, problem of a failed request.
pub(crate) async fn refused(request: RequestBuilder) -> (u16, Problem) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let text = response.text().await.expect("a body");
    assert_eq!(kind.expect("a type"), "application/problem+json", "{text}");
    (status, serde_json::from_str(&text).expect("a problem"))
}
