//! Claiming, signing in, sessions, people. Attacks 8, 9, 17 and 18 of the protocol's list.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mtor::clock::Clock;
use mtor_shared::{
    identity::{Me, Person, Role, Scope, SessionInfo, SignIn, SignedIn},
    ledger::Balance,
    problem::ProblemCode,
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    harness::{Settings, answer, refused, run_id, weather_plan},
    people::{Device, cookie, key},
    process::Process,
    provider::Provider,
};

/// A clock that stands until it is set.
pub(crate) struct Standing(pub(crate) AtomicU64);

impl Clock for Standing {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The last chunk of a run that went well.
const FINISHED: &str = "\"type\":\"finished\"";
const START_MS: u64 = 1_790_000_000_000;

#[tokio::test]
async fn the_person_at_the_machine_owns_a_realm_that_nobody_has_claimed() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let me: Me = realm.read("/api/identity").await;
    assert_eq!((me.claimed, me.role), (false, Some(Role::Sysop)));
    assert!(me.person.is_some_and(|person| person.is_local()));
    let balance: Balance = realm.read("/api/ledger").await;
    assert_eq!(balance.spendable.to_string(), "9000");
}

#[tokio::test]
async fn attack_18_a_realm_that_others_reach_belongs_to_nobody_until_it_is_claimed() {
    for (name, value) in [
        ("REALM_HTTPS", "true"),
        ("REALM_ALLOWED_HOSTS", "realm.example"),
        ("IDENTITY_MACHINE_OWNER", "false"),
    ] {
        let data = tempfile::tempdir().expect("a folder");
        let realm = Settings::new(data.path()).set(name, value).start().await;
        let (status, problem) = refused(realm.get("/api/catalogue")).await;
        assert_eq!((status, problem.code), (401, ProblemCode::Unauthorized), "{name}");
        // The first to come with a key of their own gets nothing by that.
        let proof = realm.proof(&Device::new(1)).await;
        assert_eq!(refused(realm.signing_in(&proof)).await.0, 403, "{name}");
        let me: Me = realm.read("/api/identity").await;
        assert_eq!((me.claimed, me.person, me.role), (false, None, None));
    }
}

#[tokio::test]
async fn attack_18_the_console_s_token_claims_the_realm_once() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let token = realm.server.claim_token().expect("not claimed");
    let (first, second) = (Device::new(1), Device::new(2));
    for wrong in ["", "x", &token[..token.len() - 1], &format!("{}x", *token)] {
        let (status, problem) = refused(realm.claiming(wrong, &realm.proof(&first).await)).await;
        assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{wrong}");
    }
    // Who has the token but not the key has nothing.
    let stolen = SignIn { person: first.id.clone(), ..realm.proof(&second).await };
    assert_eq!(refused(realm.claiming(&token, &stolen)).await.0, 401);
    assert!(realm.server.claim_token().is_some());

    let sysop = realm.claim(&first).await;
    let me: Me = answer(sysop.get("/api/identity")).await;
    assert_eq!((me.claimed, me.role, me.person.as_ref()), (true, Some(Role::Sysop), Some(&first.id)));
    assert!(realm.server.claim_token().is_none());
    assert_eq!(refused(realm.claiming(&token, &realm.proof(&second).await)).await.0, 409);
    // The machine alone is nobody now, and what was its owner's is the sysop's.
    assert_eq!(refused(realm.get("/api/catalogue")).await.0, 401);
    let balance: Balance = answer(sysop.get("/api/ledger")).await;
    assert_eq!(balance.spendable.to_string(), "9000");
}

#[tokio::test]
async fn attack_18_the_token_is_on_the_console_and_in_no_log() {
    let data = tempfile::tempdir().expect("a folder");
    let log = data.path().join("log");
    let settings = Settings::new(data.path()).set("LOG_FILTER", "trace");
    let file = std::fs::File::create(&log).expect("a file");
    let (process, token) = Process::with_token(&settings, file);
    let device = Device::new(1);
    let client = crate::harness::client();
    let host = process.base.strip_prefix("http://").expect("http");
    let url = |path: &str| format!("{}{path}", process.base);
    let send = |path: &str, body: &Value| {
        client.post(url(path)).header(header::CONTENT_TYPE, "application/json").body(body.to_string())
    };
    let challenge: Value = answer(send("/api/identity/challenges", &json!({}))).await;
    let proof = device.sign(host, challenge["challenge"].as_str().expect("text"));
    let signed: SignedIn =
        answer(send("/api/identity/claim", &json!({"token": token, "sign-in": proof}))).await;
    let minted: Value = answer(send("/api/keys", &key(&[Scope::Ledger])).bearer_auth(&signed.token)).await;
    let secret = minted["secret"].as_str().expect("text");
    answer::<Value>(client.get(url("/api/ledger")).header("x-api-key", secret)).await;
    assert_eq!(refused(client.get(url("/api/keys")).bearer_auth(secret)).await.0, 403);
    assert_eq!(refused(client.get(url("/api/keys")).bearer_auth("mtor_key_wrong-secret")).await.0, 401);
    process.kill();
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.contains("the realm was claimed"), "{text}");
    for secret in [&token, &signed.token, secret, "wrong-secret", &proof.signature] {
        assert!(!text.contains(secret), "the log holds {secret}");
    }
    // Nor does the database hold one.
    for entry in std::fs::read_dir(data.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        for secret in [&token, &signed.token, secret] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

#[tokio::test]
async fn a_signature_counts_for_one_realm_one_person_and_one_time() {
    let data = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Standing(AtomicU64::new(START_MS)));
    let given = Arc::clone(&clock);
    let realm = Settings::new(data.path()).start_with(move |outside| outside.clock = given).await;
    let (sysop, other) = (Device::new(1), Device::new(2));
    realm.claim(&sysop).await;

    let proof = realm.proof(&sysop).await;
    answer::<SignedIn>(realm.signing_in(&proof)).await;
    let (status, problem) = refused(realm.signing_in(&proof)).await;
    assert_eq!((status, problem.code), (401, ProblemCode::Unauthorized));
    assert!(problem.title.contains("used before"), "{problem}");

    let challenge = realm.challenge().await;
    let relayed = sysop.sign("evil.example:9000", &challenge);
    let in_other_name = SignIn { person: sysop.id.clone(), ..other.sign(realm.host(), &challenge) };
    let made_up = sysop.sign(realm.host(), "AAAA");
    let cut = SignIn { signature: "AAAA".into(), ..sysop.sign(realm.host(), &challenge) };
    for wrong in [&relayed, &in_other_name, &made_up, &cut] {
        assert_eq!(refused(realm.signing_in(wrong)).await.0, 401, "{wrong:?}");
    }
    let late = sysop.sign(realm.host(), &challenge);
    clock.0.store(START_MS + 2 * 60 * 1_000, Ordering::SeqCst);
    assert_eq!(refused(realm.signing_in(&late)).await.0, 401);
    // A stranger with a good signature is told that the realm does not know them.
    assert_eq!(refused(realm.signing_in(&realm.proof(&other).await)).await.0, 403);
}

#[tokio::test]
async fn a_session_is_rotated_ended_and_runs_out() {
    let data = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Standing(AtomicU64::new(START_MS)));
    let given = Arc::clone(&clock);
    let settings = Settings::new(data.path()).set("IDENTITY_SESSION_DAYS", "2");
    let realm = settings.start_with(move |outside| outside.clock = given).await;
    let device = Device::new(1);
    let first = realm.claim(&device).await;
    let second = realm.sign_in(&device).await;
    let sessions: Vec<SessionInfo> = answer(first.get("/api/identity/sessions")).await;
    assert_eq!(sessions.iter().filter(|session| session.current).count(), 1);
    assert_eq!(sessions.len(), 2);

    let rotated: SignedIn =
        answer(first.send(Method::POST, "/api/identity/sessions/rotate", &json!({}))).await;
    assert_eq!(refused(first.get("/api/ledger")).await.0, 401);
    answer::<Value>(realm.get("/api/ledger").bearer_auth(&rotated.token)).await;

    let response = second.delete("/api/identity/sessions/current").send().await.expect("an answer");
    assert_eq!(response.status(), 204);
    assert!(cookie(&response).1.contains("Max-Age=0"));
    assert_eq!(refused(second.get("/api/ledger")).await.0, 401);

    clock.0.store(START_MS + 2 * 24 * 3_600_000 - 1, Ordering::SeqCst);
    answer::<Value>(realm.get("/api/ledger").bearer_auth(&rotated.token)).await;
    clock.0.store(START_MS + 2 * 24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(refused(realm.get("/api/ledger").bearer_auth(&rotated.token)).await.0, 401);
}

#[tokio::test]
async fn sessions_and_keys_survive_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let (_, bearer) = sysop.mint(&key(&[Scope::Ledger])).await;
    let (session, secret) = (sysop.token.clone(), bearer.token.clone());
    realm.server.shutdown().await;
    let realm = Settings::new(data.path()).start().await;
    for token in [session, secret] {
        answer::<Value>(realm.get("/api/ledger").bearer_auth(token)).await;
    }
    assert!(realm.server.claim_token().is_none());
}

#[tokio::test]
async fn attack_9_a_cookie_is_for_the_realm_s_own_page() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let device = Device::new(1);
    realm.claim(&device).await;
    let response = realm.signing_in(&realm.proof(&device).await).send().await.expect("an answer");
    let (pair, rest) = cookie(&response);
    assert!(pair.starts_with(&format!("mtor_session_{}=", realm.server.address().port())), "{pair}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(rest.contains(part), "{rest}");
    }
    assert!(!rest.contains("Domain"));
    answer::<Value>(realm.get("/api/ledger").header(header::COOKIE, &pair)).await;
    let mint = || realm.send(Method::POST, "/api/keys", &key(&[Scope::Ledger])).header(header::COOKIE, &pair);
    // No browser leaves both headers out; whoever does has the cookie from somewhere else.
    assert_eq!(refused(mint()).await.0, 403);
    assert_eq!(refused(mint().header("origin", "https://evil.example")).await.0, 403);
    assert_eq!(refused(mint().header("sec-fetch-site", "cross-site")).await.0, 403);
    answer::<Value>(mint().header("origin", &realm.base)).await;
    // A socket is opened by a GET that no browser keeps another site from.
    let socket = realm.get("/api/ledger").header(header::COOKIE, &pair).header("upgrade", "websocket");
    assert_eq!(refused(socket.header("origin", "https://evil.example")).await.0, 403);
    // A cookie of a realm that is gone says nothing; it is no error.
    let stale = format!("{}=mtor_session_gone", pair.split_once('=').expect("a pair").0);
    assert_eq!(refused(realm.get("/api/ledger").header(header::COOKIE, stale)).await.0, 401);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("REALM_HTTPS", "true").start().await;
    let device = Device::new(1);
    let token = realm.server.claim_token().expect("not claimed");
    let response = realm.claiming(&token, &realm.proof(&device).await).send().await.expect("an answer");
    let (pair, rest) = cookie(&response);
    assert!(pair.starts_with("__Host-mtor_session=") && rest.contains("; Secure"), "{pair}; {rest}");
}

#[tokio::test]
async fn every_form_of_key_passes_the_same_check() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let (minted, _) = sysop.mint(&key(&[Scope::Ledger])).await;
    let forms = |secret: &str| {
        [
            ("authorization", format!("Bearer {secret}")),
            ("x-api-key", secret.to_owned()),
            ("api-key", secret.to_owned()),
            ("x-goog-api-key", secret.to_owned()),
        ]
    };
    for (name, value) in forms(&minted.secret) {
        answer::<Value>(realm.get("/api/ledger").header(name, &value)).await;
        assert_eq!(refused(realm.get("/api/keys").header(name, &value)).await.0, 403, "{name}");
    }
    let last = minted.secret.chars().last().expect("a character");
    let other =
        format!("{}{}", &minted.secret[..minted.secret.len() - 1], if last == 'A' { 'B' } else { 'A' });
    for wrong in [other.as_str(), "sk-anything", "mtor_key_", "mtor_session_", "x"] {
        for (name, value) in forms(wrong) {
            assert_eq!(
                refused(realm.get("/api/ledger").header(name, &value)).await.0,
                401,
                "{name}: {value}"
            );
        }
    }
    let both = realm.get("/api/ledger").header("x-api-key", &minted.secret).bearer_auth(&sysop.token);
    assert_eq!(refused(both).await.0, 400);
    // In an address a key would be in logs and histories; there it counts for nothing.
    assert_eq!(refused(realm.get(&format!("/api/ledger?api_key={}", minted.secret))).await.0, 401);
}

#[tokio::test]
async fn attack_8_what_is_somebody_else_s_is_not_there() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let owner = sysop.let_in(&Device::new(2), Role::Person).await;
    let other = sysop.let_in(&Device::new(3), Role::Person).await;
    let run = json!({"id": run_id(1), "plan": weather_plan()});
    let text = owner.send(Method::POST, "/api/runs", &run).send().await.expect("an answer").text().await;
    assert!(text.expect("a body").contains(FINISHED));
    let (minted, _) = owner.mint(&key(&[Scope::Ledger])).await;
    let sessions: Vec<SessionInfo> = answer(owner.get("/api/identity/sessions")).await;

    let (run_path, key_path) = (format!("/api/runs/{}", run_id(1)), format!("/api/keys/{}", minted.key.id));
    // The sysop too: running the realm is no reason to read what people ask.
    for stranger in [&other, &sysop] {
        for request in [
            stranger.get(&format!("{run_path}/events")),
            stranger.delete(&run_path),
            stranger.get(&format!("/api/media?run={}&url=https://a.example/x.png", run_id(1))),
            stranger.delete(&key_path),
            stranger.send(Method::POST, &format!("{key_path}/rotate"), &json!({})),
            stranger.send(Method::PUT, &format!("{key_path}/limits"), &json!({"limits": {}})),
            stranger.delete(&format!("/api/identity/sessions/{}", sessions[0].id.0)),
        ] {
            let (status, problem) = refused(request).await;
            assert_eq!((status, problem.code), (404, ProblemCode::NotFound), "{problem}");
        }
        // Nor is it there to be taken over by its id.
        assert_eq!(refused(stranger.send(Method::POST, "/api/runs", &run)).await.0, 409);
        let keys: Value = answer(stranger.get("/api/keys")).await;
        assert_eq!(keys, json!([]));
    }
    let steal = json!({"from": format!("person:{}", owner.id), "to": "realm", "amount": 1, "reason": "x",
        "idempotency": "x"});
    for thief in [&other, &sysop] {
        assert_eq!(refused(thief.send(Method::POST, "/api/ledger/transfers", &steal)).await.0, 403);
    }
    assert_eq!(refused(other.get("/api/ledger/export?all=true")).await.0, 403);
    answer::<Value>(owner.get("/api/ledger")).await;
    let again = owner.get(&format!("{run_path}/events")).send().await.expect("an answer");
    assert_eq!(again.status(), 200);
}

#[tokio::test]
async fn attack_8_a_stream_ends_with_the_right_to_it() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, gate) = crate::recovery::gated().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let person = sysop.let_in(&Device::new(2), Role::Person).await;
    let (minted, bearer) = person.mint(&key(&[Scope::Runs])).await;
    let begin = |who: &crate::people::Somebody<'_>, id| {
        who.send(Method::POST, "/api/runs", &json!({"id": run_id(id), "plan": weather_plan()})).send()
    };
    let by_key = begin(&bearer, 1).await.expect("an answer");
    let by_session = begin(&person, 2).await.expect("an answer");
    assert_eq!((by_key.status(), by_session.status()), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    assert_eq!(
        person.delete(&format!("/api/keys/{}", minted.key.id)).send().await.expect("an answer").status(),
        204
    );
    let text = by_key.text().await.expect("the stream ends");
    assert!(!text.contains(FINISHED), "{text}");
    let ban = json!({"banned": true});
    let path = format!("/api/identity/people/{}", person.id);
    let banned: Person = answer(sysop.send(Method::PATCH, &path, &ban)).await;
    assert!(banned.banned);
    let text = by_session.text().await.expect("the stream ends");
    assert!(!text.contains(FINISHED), "{text}");
    assert_eq!(refused(person.get("/api/ledger")).await.0, 401);
    assert_eq!(refused(realm.signing_in(&realm.proof(&Device::new(2)).await)).await.0, 403);
    gate.add_permits(10);
}

#[tokio::test]
async fn nobody_gives_or_takes_a_role_above_their_own() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let operator = sysop.let_in(&Device::new(2), Role::Operator).await;
    let person = operator.let_in(&Device::new(3), Role::Person).await;
    let change = |who: &crate::people::Somebody<'_>, whom: &crate::people::Somebody<'_>, change: Value| {
        who.send(Method::PATCH, &format!("/api/identity/people/{}", whom.id), &change)
    };
    for (who, whom, what) in [
        (&operator, &operator, json!({"role": "sysop"})),
        (&operator, &person, json!({"role": "sysop"})),
        (&operator, &sysop, json!({"role": "person"})),
        (&operator, &sysop, json!({"banned": true})),
        (&person, &person, json!({"role": "operator"})),
        // The realm keeps a sysop.
        (&sysop, &sysop, json!({"role": "person"})),
        (&sysop, &sysop, json!({"banned": true})),
    ] {
        let (status, problem) = refused(change(who, whom, what.clone())).await;
        assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{what}");
    }
    let body = json!({"id": Device::new(4).id, "role": "sysop"});
    assert_eq!(refused(operator.send(Method::POST, "/api/identity/people", &body)).await.0, 403);
    let promoted: Person = answer(change(&sysop, &person, json!({"role": "operator"}))).await;
    assert_eq!(promoted.role, Role::Operator);
    answer::<Value>(person.get("/api/identity/people")).await;
    // A role that is taken is gone at once, for keys that were minted with it too.
    let (_, admin) = person.mint(&key(&[Scope::Admin])).await;
    answer::<Value>(admin.get("/api/identity/people")).await;
    answer::<Person>(change(&operator, &person, json!({"role": "person"}))).await;
    for who in [&person, &admin] {
        assert_eq!(refused(who.get("/api/identity/people")).await.0, 403);
    }
}

#[tokio::test]
async fn attack_4_keys_of_json_that_two_readers_read_differently_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    for (path, body) in [
        ("/api/keys", r#"{"name":"a","grant":{"scopes":[]},"grant":{"scopes":["admin"]}}"#),
        ("/api/keys", r#"{"name":"a","grant":{"scopes":[],"Scopes":["admin"]}}"#),
        ("/api/keys", r#"{"name":"a","grant":{"scopes":[]},"Expires_at_ms":1}"#),
        ("/api/ledger/issues", r#"{"to":"realm","amount":1,"Amount":2,"reason":"x","idempotency":"x"}"#),
        (
            "/api/ledger/transfers",
            r#"{"to":"realm","amount":1,"\u0061mount":2,"reason":"x","idempotency":"x"}"#,
        ),
    ] {
        let request = realm.client.post(format!("{}{path}", realm.base));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        assert_eq!(refused(request).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn an_open_realm_lets_newcomers_in_with_some_credits_and_only_so_many_a_day() {
    let data = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(data.path()).set("IDENTITY_REGISTRATION", "open");
    let realm = settings.set("LEDGER_WELCOME", "7.5").set("LEDGER_WELCOMES_A_DAY", "2").start().await;
    realm.claim(&Device::new(1)).await;
    let mut had = Vec::new();
    for number in 2..6 {
        let newcomer = realm.sign_in(&Device::new(number)).await;
        let again = realm.sign_in(&Device::new(number)).await;
        let balance: Balance = answer(again.get("/api/ledger")).await;
        had.push(balance.spendable.to_string());
        assert_eq!(refused(newcomer.get("/api/identity/people")).await.0, 403);
    }
    assert_eq!(had, ["7.5", "7.5", "0", "0"]);
}
