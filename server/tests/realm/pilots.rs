//! Every capability that can be asked for in a sentence, end to end, with the providers' stand-in.

use mtor_shared::{
    capability::CardKind,
    problem::ProblemCode,
    stream::{RunStatus, RunView},
};
use reqwest::header;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    harness::{Realm, Settings, call, fold, problem_of, run_id},
    upstream,
};

/// 2026-05-01, 12:34 UTC.
const NOW: u64 = 1_777_638_840;

const PATHS: [(&str, &str); 5] = [
    ("https://api.open-meteo.com", "open-meteo"),
    ("https://geocoding-api.open-meteo.com", "open-meteo-geocoding"),
    ("https://en.wikipedia.org", "wikipedia"),
    ("https://openlibrary.org", "open-library"),
    ("https://api.dictionaryapi.dev", "free-dictionary"),
];

async fn realm(data: &std::path::Path) -> Realm {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(upstream::serve(listener, NOW));
    let base: Vec<String> =
        PATHS.iter().map(|(from, path)| format!("{from}=http://{address}/{path}")).collect();
    let settings = Settings::new(data).set("FEDERATION_BASE", &base.join(","));
    settings.set("EGRESS_ALLOW_PRIVATE", &address.to_string()).start().await
}

fn result(view: &RunView) -> (&Value, CardKind) {
    assert!(matches!(view.status, RunStatus::Finished { .. }), "{:?}", view.status);
    view.result().expect("a result")
}

#[tokio::test]
async fn each_pilot_answers_in_its_own_shape() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    for (id, (capability, args, card, pointer)) in [
        ("open-meteo/weather", json!({"place": "Lisbon"}), CardKind::Weather, "/daily/temperature_2m_max/6"),
        ("wikipedia/article", json!({"topic": "Ada Lovelace"}), CardKind::Article, "/extract"),
        ("open-library/books", json!({"q": "gardening"}), CardKind::Books, "/docs/0/title"),
        ("free-dictionary/define", json!({"word": "serendipity"}), CardKind::Definition, "/0/meanings/0"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = u8::try_from(id).expect("few");
        let view = fold(&realm.run(number, &call(capability, args)).await);
        let (value, shown) = result(&view);
        assert_eq!(shown, card, "{capability}");
        assert!(value.pointer(pointer).is_some_and(|found| !found.is_null()), "{capability}: {value}");
    }
    let nothing = realm.run(9, &call("wikipedia/article", json!({"topic": "qqxyzzy"}))).await;
    assert_eq!(problem_of(&nothing).code, ProblemCode::NoResult);
}

#[tokio::test]
async fn an_articles_picture_comes_through_the_realm() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    let view = fold(&realm.run(1, &call("wikipedia/article", json!({"topic": "Ada Lovelace"}))).await);
    let source = result(&view).0["thumbnail"]["source"].as_str().expect("a picture").to_owned();
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("run", run_id(1).as_str())
        .append_pair("url", &source)
        .finish();
    let picture = realm.get(&format!("/api/media?{query}")).send().await.expect("an answer");
    assert_eq!(picture.status(), 200);
    assert_eq!(picture.headers()[header::CONTENT_TYPE], "image/png");
}
