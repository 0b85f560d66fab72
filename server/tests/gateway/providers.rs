//! Each provider against a stand-in that answers as the provider's documentation says: Ollama's API documentation,
//! Anthropic's API reference (2023-06-01), Hugging Face's Inference Providers, the API page of Automatic1111's web UI,
//! ComfyUI's server routes, and the worker interface of the first MTOR. One test runs a real server, on demand.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    model_server::PIXEL,
    realm::{Realm, Reply, message},
};

/// A request as it came.
#[derive(Clone, Debug)]
struct Seen {
    target: String,
    headers: HeaderMap,
    body: Value,
}

struct StandIn {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    /// Answers by path and body.
    async fn start(answer: fn(&str, &Value) -> Response) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let log = Arc::clone(&log);
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                let target = head.uri.to_string();
                let response = answer(&target, &body);
                log.lock().expect("a lock").push(Seen { target, headers: head.headers, body });
                response
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { address, seen }
    }

    fn last(&self, path: &str) -> Seen {
        let seen = self.seen.lock().expect("a lock");
        seen.iter().rev().find(|seen| seen.target.starts_with(path)).cloned().expect("it was asked")
    }

    async fn realm(&self, kind: &str) -> Realm {
        let file = format!(
            "[gateway.providers.p]\nkind = \"{kind}\"\nbase = \"http://{}\"\nkey = \"env:THE_KEY\"\n\
             [gateway.models.m]\ntargets = [\"p/the-model\"]\n[gateway]\nretries = 0\n",
            self.address
        );
        Realm::with(&file, &[("THE_KEY", "k-1")]).await
    }
}

fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// In pieces that do not end where lines end.
fn pieces(kind: &'static str, text: &str) -> Response {
    let pieces: Vec<_> =
        text.as_bytes().chunks(7).map(Bytes::copy_from_slice).map(Ok::<_, Infallible>).collect();
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(stream::iter(pieces))).into_response()
}

fn ollama(target: &str, body: &Value) -> Response {
    match target {
        "/api/chat" if body["stream"] == true => {
            let line = |content: &str| json!({"model": "x", "message": {"role": "assistant", "content": content}, "done": false});
            let last = json!({"model": "x", "message": {"role": "assistant", "content": ""}, "done": true,
                "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 3});
            pieces("application/x-ndjson", &format!("{}\n{}\n{last}\n", line("Hel"), line("lo ö")))
        }
        "/api/chat" => {
            let message = if body["tools"].is_array() {
                json!({"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": "weather", "arguments": {"place": "Lisbon"}}}]})
            } else {
                json!({"role": "assistant", "content": "Hello ö"})
            };
            Json(json!({"model": "x", "message": message, "done": true, "done_reason": "stop",
                "prompt_eval_count": 11, "eval_count": 3}))
            .into_response()
        }
        "/api/embed" => {
            Json(json!({"model": "x", "embeddings": [[0.5, 1.0], [2.0, 3.0]], "prompt_eval_count": 4}))
                .into_response()
        }
        _ => not_found(),
    }
}

#[tokio::test]
async fn ollama_chats_streams_calls_tools_and_embeds() {
    let stand_in = StandIn::start(ollama).await;
    let realm = stand_in.realm("ollama").await;
    let mut body = message("Hi", false);
    body["messages"] = json!([{"role": "user", "content": [{"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]);
    body["max_tokens"] = 9.into();
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!((reply.words(), &reply.body["usage"]["total_tokens"]), ("Hello ö", &json!(14)));
    let asked = stand_in.last("/api/chat").body;
    assert_eq!(asked["model"], "the-model");
    assert_eq!(asked["messages"], json!([{"role": "user", "content": "Hi", "images": ["AAAA"]}]));
    assert_eq!((&asked["options"]["num_predict"], &asked["format"]), (&json!(9), &json!({"type": "object"})));
    let reply = realm.stream("Hi").await;
    assert_eq!((reply.streamed().as_str(), reply.is_whole()), ("Hello ö", true));
    let mut body = message("weather?", false);
    body["tools"] =
        json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    let call = &reply.body["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "weather", "arguments": "{\"place\":\"Lisbon\"}"}));
    let body = json!({"model": "m", "input": ["a", "b"]});
    let reply = Reply::of(realm.post("/v1/embeddings", &body)).await;
    assert_eq!(
        (&reply.body["data"][1]["embedding"], &reply.body["usage"]["prompt_tokens"]),
        (&json!([2.0, 3.0]), &json!(4))
    );
}

fn anthropic(target: &str, body: &Value) -> Response {
    if target != "/v1/messages" {
        return not_found();
    }
    if body["stream"] == true {
        let text = [
            (
                "message_start",
                json!({"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 11, "output_tokens": 1}}}),
            ),
            (
                "content_block_start",
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ),
            ("ping", json!({"type": "ping"})),
            (
                "content_block_delta",
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
            ),
            (
                "content_block_delta",
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " ö"}}),
            ),
            ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            (
                "message_delta",
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
            ),
            ("message_stop", json!({"type": "message_stop"})),
        ];
        let text: String =
            text.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect();
        return pieces("text/event-stream", &text);
    }
    Json(json!({"id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "max_tokens",
        "content": [{"type": "text", "text": "Hello ö"}], "usage": {"input_tokens": 11, "output_tokens": 3}}))
    .into_response()
}

#[tokio::test]
async fn anthropic_chats_and_streams_with_its_key_and_version() {
    let stand_in = StandIn::start(anthropic).await;
    let realm = stand_in.realm("anthropic").await;
    let reply = realm.say("Hi").await;
    assert_eq!((reply.words(), &reply.body["choices"][0]["finish_reason"]), ("Hello ö", &json!("length")));
    let seen = stand_in.last("/v1/messages");
    assert_eq!(
        (&seen.headers["x-api-key"], &seen.headers["anthropic-version"]),
        (&"k-1".parse().expect("a value"), &"2023-06-01".parse().expect("a value"))
    );
    assert!(seen.headers.get("authorization").is_none());
    let mut body = message("Hi", true);
    body["stream_options"] = json!({"include_usage": true});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!((reply.streamed().as_str(), reply.is_whole()), ("Hello ö", true));
    assert_eq!(reply.events().pop().expect("events")["usage"]["total_tokens"], 14);
}

fn hugging_face(target: &str, body: &Value) -> Response {
    match target {
        "/v1/chat/completions" => Json(json!({"choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello ö"}}]}))
        .into_response(),
        "/hf-inference/models/the-model/pipeline/feature-extraction" => {
            let count = body["inputs"].as_array().map_or(0, Vec::len);
            Json(vec![json!([[1.0, 2.0], [3.0, 4.0]]); count]).into_response()
        }
        "/hf-inference/models/the-model" => ([(header::CONTENT_TYPE, "image/jpeg")], "JPEG").into_response(),
        _ => not_found(),
    }
}

#[tokio::test]
async fn hugging_face_chats_embeds_and_paints() {
    let stand_in = StandIn::start(hugging_face).await;
    let realm = stand_in.realm("hugging-face").await;
    assert_eq!(realm.say("Hi").await.words(), "Hello ö");
    assert_eq!(stand_in.last("/v1/chat").headers["authorization"], "Bearer k-1");
    let reply = Reply::of(realm.post("/v1/embeddings", &json!({"model": "m", "input": ["a", "b"]}))).await;
    assert_eq!(reply.body["data"][1]["embedding"], json!([2.0, 3.0]));
    let body = json!({"model": "m", "prompt": "a cat", "size": "256x256"});
    let reply = Reply::of(realm.post("/v1/images/generations", &body)).await;
    assert_eq!(reply.body["data"], json!([{"b64_json": "SlBFRw=="}]));
    assert_eq!(stand_in.last("/hf-inference/models/the-model").body["parameters"]["width"], 256);
}

fn a1111(target: &str, body: &Value) -> Response {
    match target {
        "/sdapi/v1/txt2img" => {
            let count = body["batch_size"].as_u64().unwrap_or(1);
            let images: Vec<&str> = (0..count).map(|_| PIXEL).collect();
            Json(json!({"images": images, "parameters": {}, "info": "{}"})).into_response()
        }
        _ => not_found(),
    }
}

#[tokio::test]
async fn automatic1111_paints() {
    let stand_in = StandIn::start(a1111).await;
    let realm = stand_in.realm("a1111").await;
    let body = json!({"model": "m", "prompt": "a cat", "negative_prompt": "dogs", "n": 2, "size": "512x768", "seed": 7,
        "steps": 12, "save_images": true});
    let reply = Reply::of(realm.post("/v1/images/generations", &body)).await;
    assert_eq!(reply.body["data"].as_array().map(Vec::len), Some(2), "{}", reply.text);
    let asked = stand_in.last("/sdapi").body;
    assert_eq!(asked["override_settings"], json!({"sd_model_checkpoint": "the-model"}));
    assert_eq!(
        (&asked["negative_prompt"], &asked["height"], &asked["steps"]),
        (&json!("dogs"), &json!(768), &json!(12))
    );
    assert!(asked.get("save_images").is_none(), "nothing that reaches files goes on");
    // It does not chat, and says so.
    let reply = realm.say("Hi").await;
    assert_eq!(reply.status, 400);
}

fn comfyui(target: &str, _: &Value) -> Response {
    match target {
        "/prompt" => Json(json!({"prompt_id": "12ab-34", "number": 1, "node_errors": {}})).into_response(),
        "/history/12ab-34" => Json(json!({"12ab-34": {
            "status": {"status_str": "success", "completed": true},
            "outputs": {"7": {"images": [{"filename": "mtor 1.png", "subfolder": "a&b", "type": "output"}]}}}}))
        .into_response(),
        "/view?filename=mtor+1.png&subfolder=a%26b&type=output" => {
            ([(header::CONTENT_TYPE, "image/png")], "PNG").into_response()
        }
        _ => not_found(),
    }
}

#[tokio::test]
async fn comfyui_queues_waits_and_gives_the_image() {
    let stand_in = StandIn::start(comfyui).await;
    let realm = stand_in.realm("comfyui").await;
    let body = json!({"model": "m", "prompt": "a \"cat\" {{seed}}", "size": "512x512", "seed": 7});
    let reply = Reply::of(realm.post("/v1/images/generations", &body)).await;
    assert_eq!(reply.body["data"], json!([{"b64_json": "UE5H"}]), "{}", reply.text);
    let workflow = stand_in.last("/prompt").body["prompt"].clone();
    assert_eq!(workflow["1"]["inputs"]["ckpt_name"], "the-model");
    assert_eq!(workflow["2"]["inputs"]["text"], "a \"cat\" {{seed}}");
    assert_eq!(
        (&workflow["5"]["inputs"]["seed"], &workflow["4"]["inputs"]["width"]),
        (&json!(7), &json!(512))
    );
}

fn worker(target: &str, body: &Value) -> Response {
    match (target, body["type"].as_str()) {
        ("/predict", Some("chat")) => {
            Json(json!({"response": format!("heard {}", body["prompt"])})).into_response()
        }
        ("/predict", Some("vision")) => {
            Json(json!({"response": format!("saw {}", body["image"])})).into_response()
        }
        ("/predict", Some("imagine")) => Json(json!({"response": PIXEL})).into_response(),
        ("/health", _) => Json(json!({"status": "healthy"})).into_response(),
        _ => not_found(),
    }
}

#[tokio::test]
async fn a_worker_of_the_first_mtor_chats_sees_and_paints() {
    let stand_in = StandIn::start(worker).await;
    let realm = stand_in.realm("worker").await;
    assert_eq!(realm.say("Hi").await.words(), "heard \"Hi\"");
    let asked = stand_in.last("/predict").body;
    assert_eq!(
        asked,
        json!({"prompt": "Hi", "type": "chat", "model_type": "worker_node", "model_name": "the-model"})
    );
    let reply = realm.stream("Hi").await;
    assert_eq!((reply.streamed().as_str(), reply.is_whole()), ("heard \"Hi\"", true));
    let mut body = message("", false);
    body["messages"] = json!([{"role": "user", "content": [{"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]);
    assert_eq!(Reply::of(realm.post("/v1/chat/completions", &body)).await.words(), "saw \"AAAA\"");
    let reply =
        Reply::of(realm.post("/v1/images/generations", &json!({"model": "m", "prompt": "a cat"}))).await;
    assert_eq!(reply.body["data"], json!([{"b64_json": PIXEL}]));
}

#[tokio::test]
async fn a_provider_without_its_key_says_so_and_another_one_answers() {
    let stand_in = StandIn::start(worker).await;
    let file = format!(
        "[gateway.providers.cloud]\nkind = \"anthropic\"\nkey = \"env:NOT_SET\"\n\
         [gateway.providers.near]\nkind = \"worker\"\nbase = \"http://{}\"\n\
         [gateway.models.m]\ntargets = [\"cloud/x\", \"near/y\"]\n",
        stand_in.address
    );
    let realm = Realm::start(&file).await;
    let reply = realm.say("Hi").await;
    assert_eq!(reply.words(), "heard \"Hi\"");
    let why = realm.decision(&reply.decision).await.why;
    assert!(why.contains("the environment variable NOT_SET is not set"), "{why}");
}

#[tokio::test]
async fn a_capability_answers_as_a_model() {
    let realm = Realm::start("").await;
    let body = json!({"model": "capabilities/open-meteo/weather", "messages": [{"role": "user", "content": "hello"}]});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    // The sentence names no place: it says what it needs instead of making one up.
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(reply.body["error"]["message"].as_str().expect("words").contains("needs"), "{}", reply.text);
    let body =
        json!({"model": "capabilities/nobody/nothing", "messages": [{"role": "user", "content": "{}"}]});
    assert_eq!(Reply::of(realm.post("/v1/chat/completions", &body)).await.status, 400);
}

/// A real server, where its address is given: for example that of `python -m llama_cpp.server --model FILE.gguf`.
#[tokio::test]
async fn a_real_server_of_llama_cpp_chats_and_streams() {
    let Ok(address) = std::env::var("LLAMA_SERVER") else {
        eprintln!("skipped: LLAMA_SERVER is not set; e2e/gateway/llama.sh sets it");
        return;
    };
    let file = format!(
        "[gateway.providers.p]\nbase = \"{address}/v1\"\n[gateway.models.m]\ntargets = [\"p/default\"]\n\
         [gateway]\npatience_ms = 60000\nidle_timeout_ms = 60000"
    );
    let realm = Realm::start(&file).await;
    let ask = |stream: bool| {
        json!({"model": "m", "stream": stream, "max_tokens": 12, "temperature": 0, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "Say hello."}]})
    };
    let whole = Reply::of(realm.post("/v1/chat/completions", &ask(false))).await;
    assert!(!whole.words().is_empty(), "{}", whole.text);
    assert!(
        whole.body["usage"]["completion_tokens"].as_u64().is_some_and(|count| count > 0),
        "{}",
        whole.text
    );
    let streamed = Reply::of(realm.post("/v1/chat/completions", &ask(true))).await;
    assert!(streamed.is_whole(), "{}", streamed.text);
    assert_eq!(streamed.streamed(), whole.words(), "greedy: the same words both ways");
}
