//! MCP and A2A.

use reqwest::header;
use serde_json::{Value, json};

use crate::realm::{Realm, Reply, one, upstream};

/// A call of MCP, as a client without a session makes it.
async fn mcp(realm: &Realm, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = realm.post("/mcp", &body).header(header::ACCEPT, "application/json, text/event-stream");
    let reply = Reply::of(request.header("mcp-protocol-version", "2025-06-18")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    match reply.body {
        Value::Null => reply.events().pop().unwrap_or_else(|| panic!("no answer: {}", reply.text)),
        body => body,
    }
}

async fn tool(realm: &Realm, name: &str, arguments: Value) -> Value {
    mcp(realm, "tools/call", json!({"name": name, "arguments": arguments})).await["result"].clone()
}

#[tokio::test]
async fn a_model_is_shown_three_tools_however_many_capabilities_there_are() {
    let realm = Realm::start("").await;
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    let hello = mcp(&realm, "initialize", hello).await;
    assert_eq!(hello["result"]["serverInfo"]["name"], "mtor", "{hello}");
    let tools = mcp(&realm, "tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["search", "describe", "invoke"]);
    assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"));
}

#[tokio::test]
async fn what_is_found_can_be_described() {
    let realm = Realm::start("").await;
    let found = tool(&realm, "search", json!({"query": "weather forecast"})).await;
    let capabilities = found["structuredContent"]["capabilities"].as_array().expect("a list").clone();
    assert!((1..=8).contains(&capabilities.len()));
    let id = capabilities[0]["id"].as_str().expect("an id");
    let described = tool(&realm, "describe", json!({"id": id})).await;
    assert_eq!(described["structuredContent"]["id"], id);
    assert_eq!(described["structuredContent"]["input"]["type"], "object");
}

#[tokio::test]
async fn mistakes_come_back_as_words_that_a_model_can_act_on() {
    let realm = Realm::start("").await;
    let refused = tool(&realm, "describe", json!({"id": "nobody/nothing"})).await;
    assert_eq!(refused["isError"], true);
    assert!(refused["content"][0]["text"].as_str().expect("words").contains("nobody/nothing"));
    let refused = tool(&realm, "invoke", json!({"id": "open-meteo/weather", "arguments": {}})).await;
    assert_eq!(refused["isError"], true, "{refused}");
    let unknown = mcp(&realm, "tools/call", json!({"name": "delete_everything", "arguments": {}})).await;
    assert!(unknown["error"]["message"].as_str().expect("words").contains("search, describe and invoke"));
}

#[tokio::test]
async fn another_sites_page_cannot_call_tools() {
    let realm = Realm::start("").await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    let request = realm.post("/mcp", &body).header(header::ORIGIN, "https://evil.example");
    assert_eq!(Reply::of(request).await.status, 403);
}

#[tokio::test]
async fn the_agent_card_leads_to_messages_that_are_answered() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let card = Reply::of(realm.get("/.well-known/agent-card.json")).await.body;
    assert_eq!(card["supportedInterfaces"][0]["url"], format!("{}/a2a", realm.base));
    assert!(card["skills"].as_array().expect("skills").iter().any(|skill| skill["id"] == "chat"));
    for skill in card["skills"].as_array().expect("skills") {
        for field in ["id", "name", "description", "tags"] {
            assert!(skill.get(field).is_some_and(|value| !value.is_null()), "{skill}");
        }
    }
    let send = |method: &str| {
        realm.post(
            "/a2a",
            &json!({"jsonrpc": "2.0", "id": "7", "method": method,
            "params": {"message": {"messageId": "1", "role": "user", "parts": [{"text": "qwertz"}]}}}),
        )
    };
    let one = Reply::of(send("SendMessage")).await.body;
    assert_eq!(one["id"], "7");
    assert_eq!(one["result"]["message"]["parts"], json!([{"text": "a heard: qwertz"}]));
    let zero3 = Reply::of(send("message/send")).await.body;
    assert_eq!(zero3["result"]["parts"], json!([{"kind": "text", "text": "a heard: qwertz"}]));
    assert_eq!(Reply::of(send("DeleteEverything")).await.body["error"]["code"], -32601);
}
