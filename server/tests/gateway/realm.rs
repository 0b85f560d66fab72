//! A realm with a configuration file, and what tests ask it.

use std::time::{Duration, Instant};

use mtor::{
    config::{Config, Flags},
    server::{self, Outside, Server},
};
use mtor_shared::{
    gateway::Decision,
    problem::{Problem, ProblemCode},
};
use reqwest::{Client, RequestBuilder, Response, header};
use serde_json::{Value, json};

use crate::model_server::ModelServer;

pub(crate) struct Realm {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) base: String,
    _folder: tempfile::TempDir,
}

/// What came back, and how long that took.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) decision: String,
    pub(crate) target: String,
    pub(crate) took: Duration,
}

pub(crate) async fn upstream(name: &str) -> ModelServer {
    ModelServer::start(name).await.expect("a stand-in")
}

/// Two upstreams, `a` before `b`, as the model `m`; `more` is put behind.
pub(crate) fn two(a: &ModelServer, b: &ModelServer, more: &str) -> String {
    format!(
        "[gateway.providers.a]\nbase = \"{}\"\n[gateway.providers.b]\nbase = \"{}\"\n\
         [gateway.models.m]\ntargets = [\"a/x\", \"b/x\"]\n{more}\n",
        a.base(),
        b.base()
    )
}

/// One upstream as the model `m`.
pub(crate) fn one(a: &ModelServer, more: &str) -> String {
    format!(
        "[gateway.providers.a]\nbase = \"{}\"\n[gateway.models.m]\ntargets = [\"a/x\"]\n{more}\n",
        a.base()
    )
}

/// A client that follows nothing and uses no proxy.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}

impl Realm {
    pub(crate) async fn start(file: &str) -> Self {
        Self::with(file, &[]).await
    }

    /// With more of the environment.
    pub(crate) async fn with(file: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mtor.toml");
        std::fs::write(&path, file).expect("written");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut values = vec![
            ("MTOR_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("MTOR_DATA".to_owned(), at("data")),
            ("MTOR_DIST".to_owned(), at("dist")),
            ("MTOR_MODELS".to_owned(), at("models")),
        ];
        values.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let flags = Flags { config: Some(path), ..Flags::default() };
        let config = Config::load(&flags, values).unwrap_or_else(|error| panic!("{error}"));
        let embedder = Err(Problem::new(ProblemCode::Unsupported, "No weights in this test.", ""));
        let outside = Outside { embedder, ..Outside::real(&config) };
        let server = server::start(config, outside).await.expect("the realm starts");
        let base = format!("http://{}", server.address());
        Self { server, client: client(), base, _folder: folder }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.base));
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
    }

    /// One message to the model `m`.
    pub(crate) async fn say(&self, words: &str) -> Reply {
        Reply::of(self.post("/v1/chat/completions", &message(words, false))).await
    }

    /// The same, streamed, read to its end.
    pub(crate) async fn stream(&self, words: &str) -> Reply {
        Reply::of(self.post("/v1/chat/completions", &message(words, true))).await
    }

    /// A key of the realm's owner, for a part of what they may do: `grant` is its JSON.
    pub(crate) async fn key(&self, grant: Value) -> String {
        let reply = Reply::of(self.post("/api/keys", &json!({"name": "a key", "grant": grant}))).await;
        reply.body["secret"].as_str().unwrap_or_else(|| panic!("{}", reply.text)).to_owned()
    }

    pub(crate) async fn decision(&self, id: &str) -> Decision {
        let answer = self.get(&format!("/api/gateway/decisions/{id}")).send().await.expect("an answer");
        let text = answer.text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

pub(crate) fn message(words: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": words}]})
}

fn header_of(response: &Response, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

impl Reply {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let began = Instant::now();
        let response = request.send().await.expect("an answer");
        let (decision, target) =
            (header_of(&response, "x-mtor-decision"), header_of(&response, "x-mtor-target"));
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, body, text, decision, target, took: began.elapsed() }
    }

    /// The words of a whole answer.
    pub(crate) fn words(&self) -> &str {
        self.body["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: {}", self.status, self.text))
    }

    /// The data of the events.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
            .collect()
    }

    /// The words of a streamed answer.
    pub(crate) fn streamed(&self) -> String {
        let events = self.events();
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// Whether a streamed answer came to its end.
    pub(crate) fn is_whole(&self) -> bool {
        let finished = self.events().iter().any(|event| event["choices"][0]["finish_reason"].is_string());
        finished && self.text.trim_end().ends_with("data: [DONE]")
    }
}
