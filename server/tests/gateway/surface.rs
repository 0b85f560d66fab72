//! OpenAI's interface as its clients see it. The official clients themselves are run by `e2e/gateway`.

use serde_json::{Value, json};

use crate::{
    model_server::{Behaviour, PIXEL},
    realm::{Realm, Reply, message, one, upstream},
};

#[tokio::test]
async fn a_completion_has_the_form_that_clients_know() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let reply = realm.say("hi").await;
    let body = &reply.body;
    assert_eq!((body["object"].as_str(), body["model"].as_str()), (Some("chat.completion"), Some("m")));
    assert!(body["id"].as_str().expect("an id").starts_with("chatcmpl-"));
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["total_tokens"], 12);
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 2);
    assert_eq!(reply.target, "a/x");
}

#[tokio::test]
async fn a_stream_begins_with_the_role_and_ends_with_done() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let mut body = message("one two", true);
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    let events = reply.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(events[0]["object"], "chat.completion.chunk");
    assert!(reply.is_whole() && reply.streamed() == "a heard: one two");
    assert!(events.iter().all(|event| event.get("usage").is_none()));
    body["stream_options"] = json!({"include_usage": true});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    let last = reply.events().pop().expect("events");
    assert_eq!((&last["choices"], &last["usage"]["completion_tokens"]), (&json!([]), &json!(5)));
}

#[tokio::test]
async fn tools_are_called_whole_and_in_pieces() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let mut body = message("weather?", false);
    body["tools"] =
        json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let whole = Reply::of(realm.post("/v1/chat/completions", &body)).await.body;
    let choice = &whole["choices"][0];
    assert_eq!(
        (choice["finish_reason"].as_str(), &choice["message"]["content"]),
        (Some("tool_calls"), &Value::Null)
    );
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"place\":\"Lisbon\"}");
    body["stream"] = true.into();
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    let events = reply.events();
    let calls: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .filter(|c| c.is_object())
        .collect();
    assert_eq!(
        (calls[0]["id"].as_str(), calls[0]["function"]["name"].as_str()),
        (Some("call_1"), Some("weather"))
    );
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, "{\"place\":\"Lisbon\"}");
    // The result goes back.
    body["stream"] = false.into();
    body["messages"] = json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": null, "tool_calls": choice["message"]["tool_calls"]},
        {"role": "tool", "tool_call_id": "call_1", "content": "18 °C"}]);
    assert_eq!(Reply::of(realm.post("/v1/chat/completions", &body)).await.words(), "a heard: 18 °C");
}

#[tokio::test]
async fn json_is_asked_for_and_unknown_fields_go_on() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let mut body = message("x", false);
    body["response_format"] = json!({"type": "json_object"});
    body["top_k"] = json!(4);
    body["max_completion_tokens"] = json!(9);
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!(reply.words(), "{\"heard\":\"x\"}");
    let asked = a.seen().pop().expect("asked").body;
    assert_eq!((&asked["top_k"], &asked["max_tokens"], &asked["model"]), (&json!(4), &json!(9), &json!("x")));
}

#[tokio::test]
async fn vectors_images_and_sound_pass() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let body = json!({"model": "m", "input": "four", "encoding_format": "base64"});
    let reply = Reply::of(realm.post("/v1/embeddings", &body)).await;
    assert_eq!(reply.body["data"][0]["embedding"], "AACAQAAAgD8AAAA/");
    let body = json!({"model": "m", "prompt": "a cat", "n": 2, "size": "256x256"});
    let reply = Reply::of(realm.post("/v1/images/generations", &body)).await;
    assert_eq!(reply.body["data"], json!([{"b64_json": PIXEL}, {"b64_json": PIXEL}]));
    let body = json!({"model": "m", "input": "Hello", "voice": "alloy"});
    let reply = Reply::of(realm.post("/v1/audio/speech", &body)).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "spoken: Hello"));
    let form = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\nContent-Disposition: form-data; \
                name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--B--\r\n";
    for verb in ["transcriptions", "translations"] {
        let request = realm.client.post(format!("{}/v1/audio/{verb}", realm.base));
        let request = request.header("content-type", "multipart/form-data; boundary=B").body(form);
        let reply = Reply::of(request).await;
        let text = reply.body["text"].as_str().unwrap_or_else(|| panic!("{}", reply.text)).to_owned();
        assert!(text.starts_with(verb) && text.ends_with("whole: true"), "{text}");
    }
}

#[tokio::test]
async fn mistakes_are_named_in_the_form_that_clients_know() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    for (path, body, status, part) in [
        ("/v1/chat/completions", json!({"model": "m"}), 400, "messages"),
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": [{"role": "cat", "content": "x"}]}),
            400,
            "cat",
        ),
        ("/v1/chat/completions", json!({"model": "m", "messages": [], "n": 1}), 400, "messages is empty"),
        ("/v1/embeddings", json!({"model": "m", "input": []}), 400, "input"),
        ("/v1/images/generations", json!({"model": "m", "prompt": "x", "size": "1x1"}), 400, "size"),
        ("/v1/nothing", json!({}), 404, "nothing at this address"),
    ] {
        let reply = Reply::of(realm.post(path, &body)).await;
        let error = &reply.body["error"];
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
        assert!(
            error["message"].as_str().is_some_and(|words| words.contains(part)),
            "{path}: {}",
            reply.text
        );
        assert!(error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some());
    }
    let request = realm.client.post(format!("{}/v1/chat/completions", realm.base)).body("{}");
    assert_eq!(Reply::of(request).await.body["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn a_stream_that_fails_for_good_says_so_and_has_no_end() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "[gateway]\nresume_streams = false")).await;
    a.behave(Behaviour::Cut(1));
    let reply = realm.stream("x").await;
    let last = reply.events().pop().expect("events");
    assert!(last["error"]["message"].as_str().expect("words").contains("a/x"), "{last}");
    assert!(!reply.is_whole());
}

#[tokio::test]
async fn a_question_from_curl_is_answered_in_three_forms() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let ask = |kind: &'static str, accept: &'static str, body: &'static str| {
        let request = realm.client.post(format!("{}/api/ask", realm.base));
        request.header("content-type", kind).header("accept", accept).body(body)
    };
    // What `curl -d` sends.
    let reply = Reply::of(ask("application/x-www-form-urlencoded", "*/*", "qwertz uiop?")).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "a heard: qwertz uiop?\n"));
    let reply =
        Reply::of(ask("application/json", "application/json", "{\"prompt\":\"qwertz\",\"model\":\"m\"}"))
            .await;
    assert_eq!(
        (reply.body["answer"].as_str(), reply.body["who"].as_str()),
        (Some("a heard: qwertz"), Some("a/x"))
    );
    let reply = Reply::of(ask("text/plain", "text/event-stream", "qwertz")).await;
    assert_eq!(reply.events().last().expect("events"), &json!({"done": true, "who": "a/x"}));
    assert_eq!(Reply::of(ask("text/plain", "*/*", "  ")).await.status, 400);
    assert_eq!(Reply::of(ask("application/json", "*/*", "{\"prompt\":1}")).await.status, 400);
}

#[tokio::test]
async fn without_any_model_the_answer_is_honest() {
    let realm = Realm::start("").await;
    let reply = Reply::of(
        realm.post("/v1/chat/completions", &json!({"messages": [{"role": "user", "content": "x"}]})),
    )
    .await;
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("Nothing that answers is set up"), "{}", reply.text);
}
