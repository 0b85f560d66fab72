//! Credits over HTTP and under load. Attack 13 of the protocol's list.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mtor::{
    clock::SystemClock,
    config::{Config, Flags},
    identity::Caller,
    ledger::{Ledger, LedgerError, Reservation, Reserved, Work, verify::verify},
    random::SystemRandom,
    storage::{Sqlite, Storage, ledger::LedgerStorage},
};
use mtor_shared::{
    identity::{PersonId, Role, Scope},
    ledger::{
        Account, Amount, Balance, Budget, EntryPage, Head, LimitRefusal, Limits, Month, Rate, Refusal,
        Released, Subject, Text, Usage, Window,
    },
    problem::ProblemCode,
    stream::RunStatus,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Events, Realm, Settings, answer, client, fold, problem_of, refused, run_id, weather_plan},
    identity::Standing,
    people::{Device, Somebody, key},
    process::Process,
    provider::Provider,
};

fn micro(micro: u64) -> Amount {
    Amount::from_micro(micro).expect("small")
}

fn text(text: &str) -> Text {
    text.to_owned().try_into().expect("valid")
}

fn work(most: u64) -> Work {
    let provider = "provider".to_owned().try_into().expect("valid");
    Work::of(&Caller::machine(), provider, text("shop/list"), micro(most))
}

async fn open(folder: &std::path::Path, change: impl FnOnce(&mut Config)) -> (Ledger, Arc<dyn Storage>) {
    let mut config = Config::load(&Flags::default(), []).expect("valid");
    config.ledger.owner = micro(1_000_000);
    change(&mut config);
    let storage: Arc<dyn Storage> = Arc::new(Sqlite::open(folder).await.expect("opens"));
    let ledger = Ledger::open(
        config.ledger,
        Arc::clone(&storage),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        |_| Vec::new(),
    );
    let ledger = ledger.await.expect("opens");
    ledger.begin().await.expect("begins");
    (ledger, storage)
}

fn own() -> Account {
    Account::Person(PersonId::local())
}

fn earned() -> Account {
    Account::Provider("provider".to_owned().try_into().expect("valid"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_at_once_spend_a_budget_to_the_last_millionth_and_not_beyond() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, storage) = open(data.path(), |_| {}).await;
    // 1,000 ask for 7 each; the budget has room for 300 and a rest.
    let limits = Limits { budget: Some(Budget { amount: micro(2_104), per: Window::Day }), rate: None };
    ledger.set_limits(Subject::Person(PersonId::local()), limits).await.expect("set");
    let asked: Vec<_> = (0..1_000)
        .map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let reservation = ledger.reserve(work(7))?;
                tokio::task::yield_now().await;
                // A third fails, a third costs less than was held.
                match number % 3 {
                    0 => {
                        reservation.release(Released::Failed);
                        Ok(micro(0))
                    }
                    1 => reservation.settle(micro(3), Usage::default()).await.map(|settled| settled.charged),
                    _ => reservation.settle(micro(7), Usage::default()).await.map(|settled| settled.charged),
                }
            })
        })
        .collect();
    let (mut charged, mut refused) = (0, 0);
    for asked in asked {
        match asked.await.expect("no panic") {
            Ok(amount) => charged += amount.micro(),
            Err(LedgerError::Limit(LimitRefusal::Budget { .. })) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0 && charged <= 2_104, "{charged} charged, {refused} refused");
    let (_, spent) = ledger.limits(&Subject::Person(PersonId::local()));
    assert_eq!(spent, micro(charged));
    // What is left is spent exactly.
    let mut all: Vec<Reservation> = Vec::new();
    while let Ok(reservation) = ledger.reserve(work(1)) {
        all.push(reservation);
    }
    assert_eq!(u64::try_from(all.len()).expect("few"), 2_104 - charged);
    assert_eq!(ledger.balance(&own()), micro(1_000_000 - 2_104));
    drop(all);
    assert_eq!(ledger.balance(&own()), micro(1_000_000 - charged));
    let fee = ledger.balance(&Account::Realm).micro();
    assert_eq!(ledger.balance(&earned()), micro(charged - fee));
    ledger.close().await;
    let found = verify(&*storage, None).await.expect("whole");
    assert_eq!((found.issued_micro, found.held), (1_000_000, 0));
    assert_eq!(found.balances_micro["person:local"], 1_000_000 - charged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_at_once_are_let_in_as_often_as_the_rate_says() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, _storage) = open(data.path(), |config| config.ledger.credits = false).await;
    let provider = "provider".to_owned().try_into().expect("valid");
    let limits = Limits { budget: None, rate: Rate::new(137, 3_600) };
    ledger.set_limits(Subject::Provider(provider), limits).await.expect("set");
    let asked: Vec<_> = (0..1_000)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.reserve(work(7)).map(|held| held.release(Released::Failed)) })
        })
        .collect();
    let mut let_in = 0;
    for asked in asked {
        match asked.await.expect("no panic") {
            Ok(()) => let_in += 1,
            Err(LedgerError::Limit(LimitRefusal::Rate { retry_after_ms, .. })) => {
                assert!((1..=3_600_000).contains(&retry_after_ms));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(let_in, 137);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_13_credits_are_spent_once_however_many_ask_for_them() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, _storage) = open(data.path(), |_| {}).await;
    let asked: Vec<_> = (0..200)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                match ledger.reserve(work(9_999)) {
                    Ok(held) => held.settle(micro(9_999), Usage::default()).await.map(|_| true),
                    Err(LedgerError::Refused(Refusal::NotEnough { .. })) => Ok(false),
                    Err(error) => Err(error),
                }
            })
        })
        .collect();
    let mut paid = 0;
    for asked in asked {
        paid += u64::from(asked.await.expect("no panic").expect("paid or refused"));
    }
    assert_eq!(paid, 100);
    assert_eq!(ledger.balance(&own()), micro(1_000_000 - 100 * 9_999));
}

#[tokio::test]
async fn attack_13_a_reservation_is_paid_once_and_never_more_than_was_held() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, _storage) = open(data.path(), |_| {}).await;
    let held = ledger.reserve(work(100)).expect("held");
    let id = held.id();
    let settled = held.settle(micro(250), Usage::default()).await.expect("settled");
    assert_eq!((settled.charged, settled.beyond), (micro(100), micro(150)));
    for _ in 0..3 {
        let again = ledger.settle(&id, micro(100), Usage::default()).await.expect("answered the same");
        assert_eq!(again.charged, micro(100));
    }
    ledger.release(&id, Released::Failed);
    assert_eq!(ledger.balance(&own()), micro(999_900));

    let held = ledger.reserve(work(100)).expect("held");
    let id = held.id();
    held.release(Released::Failed);
    let late = ledger.settle(&id, micro(100), Usage::default()).await;
    assert_eq!(late, Err(LedgerError::Released(id)));
    // Whoever lets go without a word holds nothing.
    drop(ledger.reserve(work(100)).expect("held"));
    assert_eq!(ledger.balance(&own()), micro(999_900));
    let unknown = mtor_shared::ledger::ReservationId::from_bytes([1; 16]);
    let never = ledger.settle(&unknown, micro(1), Usage::default()).await;
    assert_eq!(never, Err(LedgerError::Unknown(unknown)));
}

#[tokio::test]
async fn attack_13_what_was_paid_is_not_paid_again_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, storage) = open(data.path(), |_| {}).await;
    let Reserved::New(held) = ledger.reserve_named(text("a"), work(100)).await.expect("held") else {
        panic!("new")
    };
    let paid = held.id();
    assert!(
        matches!(ledger.reserve_named(text("a"), work(100)).await, Ok(Reserved::AtWork(id)) if id == paid)
    );
    held.settle(micro(60), Usage::default()).await.expect("settled");
    let Reserved::New(left) = ledger.reserve_named(text("b"), work(500)).await.expect("held") else {
        panic!("new")
    };
    let left_id = left.id();
    // The process ends without a word: what is on the disk then is all that the next one has.
    ledger.close().await;
    storage.close().await;
    let after = tempfile::tempdir().expect("a folder");
    std::fs::copy(data.path().join("realm.sqlite"), after.path().join("realm.sqlite")).expect("copied");
    let (ledger, _storage) = open(after.path(), |_| {}).await;
    assert_eq!(ledger.balance(&own()), micro(1_000_000 - 60));
    let again = ledger.settle(&paid, micro(100), Usage::default()).await.expect("answered the same");
    assert_eq!(again.charged, micro(60));
    assert_eq!(
        ledger.settle(&left_id, micro(500), Usage::default()).await,
        Err(LedgerError::Released(left_id))
    );
    let done = ledger.reserve_named(text("a"), work(100)).await.expect("known");
    assert!(matches!(done, Reserved::Done(id, settled) if id == paid && settled.charged == micro(60)));
    let other = Work { capability: text("shop/buy"), ..work(100) };
    assert!(matches!(ledger.reserve_named(text("a"), other).await, Err(LedgerError::NameTaken)));
    // What was given back may be tried again under its name.
    assert!(matches!(ledger.reserve_named(text("b"), work(500)).await, Ok(Reserved::New(_))));
}

#[tokio::test]
async fn a_hold_moves_to_the_provider_who_answers() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, _storage) = open(data.path(), |config| config.ledger.fee_basis_points = 1_000).await;
    let named =
        |name: &str| -> mtor_shared::ledger::ProviderId { name.to_owned().try_into().expect("valid") };
    let limits = Limits { budget: Some(Budget { amount: micro(50), per: Window::Total }), rate: None };
    ledger.set_limits(Subject::Provider(named("small")), limits).await.expect("set");
    let held = ledger.reserve(work(100)).expect("held");
    assert!(matches!(held.redirect(named("small")), Err(LedgerError::Limit(LimitRefusal::Budget { .. }))));
    held.redirect(named("other")).expect("there is room");
    held.settle(micro(80), Usage::default()).await.expect("settled");
    assert_eq!(ledger.balance(&Account::Provider(named("other"))), micro(72));
    assert_eq!(ledger.balance(&Account::Realm), micro(8));
    assert_eq!(ledger.limits(&Subject::Provider(named("provider"))).1, Amount::ZERO);
    assert_eq!(ledger.limits(&Subject::Provider(named("other"))).1, micro(80));
}

#[tokio::test]
async fn without_credits_nothing_is_held_and_nothing_is_written() {
    let data = tempfile::tempdir().expect("a folder");
    let (ledger, _storage) = open(data.path(), |config| config.ledger.credits = false).await;
    let held = ledger.reserve(work(u64::MAX >> 20)).expect("free");
    assert_eq!(held.held(), Amount::ZERO);
    let settled = held.settle(micro(5), Usage::default()).await.expect("free");
    assert_eq!((settled.charged, settled.beyond), (Amount::ZERO, Amount::ZERO));
    assert_eq!(ledger.head().await.expect("read"), Head::default());
}

/// A realm whose weather costs 2 credits a forecast, and somebody with some.
async fn priced<'a>(realm: &'a Realm, credits: u64) -> (Somebody<'a>, Somebody<'a>) {
    let sysop = realm.claim(&Device::new(1)).await;
    let price = json!({"of": "open-meteo/forecast", "price": {"per_call": 2_000_000}});
    let set = sysop.send(Method::PUT, "/api/ledger/prices", &price).send().await.expect("an answer");
    assert_eq!(set.status(), 204);
    let person = sysop.let_in(&Device::new(2), Role::Person).await;
    if credits > 0 {
        sysop.issue(&format!("person:{}", person.id), credits, "start").await;
    }
    (sysop, person)
}

async fn run(who: &Somebody<'_>, id: u8) -> Vec<mtor_shared::stream::Chunk> {
    let body = json!({"id": run_id(id), "plan": weather_plan()});
    Events::of(who.send(Method::POST, "/api/runs", &body).send().await.expect("an answer")).await.rest().await
}

#[tokio::test]
async fn a_run_is_paid_when_it_ends_well_and_its_receipt_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let (sysop, person) = priced(&realm, 5).await;
    let RunStatus::Finished { receipt } = fold(&run(&person, 1).await).status else { panic!("finished") };
    assert_eq!(receipt.cost_micro, 2_000_000);
    // Asked for again it is the same run, and paid once.
    run(&person, 1).await;
    let balance: Balance = answer(person.get("/api/ledger")).await;
    assert_eq!((balance.spendable, balance.held), (micro(3_000_000), Amount::ZERO));
    assert_eq!(balance.remaining_queries, Some(1));
    run(&person, 2).await;
    let body = json!({"id": run_id(3), "plan": weather_plan()});
    let (status, problem) = refused(person.send(Method::POST, "/api/runs", &body)).await;
    assert_eq!((status, problem.code), (402, ProblemCode::NotEnoughCredits), "{problem}");

    let months: Vec<Month> = answer(person.get("/api/ledger/months")).await;
    assert_eq!(
        (months[0].settled, months[0].spent, months[0].received),
        (2, micro(4_000_000), micro(5_000_000))
    );
    let page: EntryPage = answer(person.get("/api/ledger/entries?limit=2")).await;
    assert_eq!(page.entries.len(), 2);
    let older: EntryPage =
        answer(person.get(&format!("/api/ledger/entries?before={}", page.next.expect("more")))).await;
    assert_eq!((older.entries.len(), older.next), (3, None));
    let csv = person.get("/api/ledger/export?format=csv").send().await.expect("an answer");
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.expect("a body");
    assert!(csv.starts_with("seq,at_ms,kind,from,to,amount_micro"), "{csv}");
    let sum = |from: &str| -> u64 {
        let lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        lines.filter(|line| line[3] == from).map(|line| line[5].parse::<u64>().expect("a number")).sum()
    };
    assert_eq!(sum(&format!("held:{}", person.id)), 4_000_000);
    let all = sysop
        .get("/api/ledger/export?all=true")
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let numbers: Vec<u64> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_u64().expect("a number"))
        .collect();
    assert!(numbers.iter().copied().eq(1..=u64::try_from(numbers.len()).expect("few")));
    let accounts: Value = answer(sysop.get("/api/ledger/accounts")).await;
    let list = accounts.as_array().expect("a list");
    let of = |name: &str| list.iter().find(|one| one["account"] == name).expect(name)["amount"].as_u64();
    assert_eq!(of("provider:open-meteo").expect("a number") + of("realm").expect("a number"), 4_000_000);
}

#[tokio::test]
async fn a_run_that_fails_or_is_stopped_costs_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| {
        use axum::response::IntoResponse;
        Box::pin(async { axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response() })
    })
    .await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let (_, person) = priced(&realm, 5).await;
    assert_eq!(problem_of(&run(&person, 1).await).code, ProblemCode::UpstreamError);
    let balance: Balance = answer(person.get("/api/ledger")).await;
    assert_eq!((balance.spendable, balance.held), (micro(5_000_000), Amount::ZERO));
    let page: EntryPage = answer(person.get("/api/ledger/entries")).await;
    assert_eq!(page.entries[0].entry.body.kind(), "release");
}

#[tokio::test]
async fn a_key_s_budget_and_those_above_it_hold_over_http() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let (_, person) = priced(&realm, 100).await;
    let mut wanted = key(&[Scope::Runs, Scope::Keys]);
    wanted["limits"] = json!({"budget": {"amount": 10_000_000, "per": "total"}});
    let (_, parent) = person.mint(&wanted).await;
    // A child with a larger budget has no more than what its parent has left.
    wanted["limits"] = json!({"budget": {"amount": 90_000_000, "per": "total"}});
    let (_, child) = parent.mint(&wanted).await;
    let mut paid = 0;
    for id in 1..=8 {
        let who = if id % 2 == 0 { &parent } else { &child };
        let body = json!({"id": run_id(id), "plan": weather_plan()});
        let response = who.send(Method::POST, "/api/runs", &body).send().await.expect("an answer");
        match response.status().as_u16() {
            200 => {
                Events::of(response).await.rest().await;
                paid += 1;
            }
            402 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(paid, 5);
    let keys: Value = answer(person.get("/api/keys")).await;
    let spent: Vec<u64> =
        keys.as_array().expect("a list").iter().filter_map(|key| key["spent"].as_u64()).collect();
    assert!(spent.contains(&10_000_000), "{keys}");
}

#[tokio::test]
async fn a_rate_says_when_to_come_again() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let clock = Arc::new(Standing(AtomicU64::new(1_790_000_000_000)));
    let given = Arc::clone(&clock);
    let settings = Settings::new(data.path()).provider(&provider);
    let realm = settings.start_with(move |outside| outside.clock = given).await;
    let (_, person) = priced(&realm, 100).await;
    let mut wanted = key(&[Scope::Runs]);
    wanted["limits"] = json!({"rate": {"requests": 2, "per_s": 60}});
    let (_, bearer) = person.mint(&wanted).await;
    run(&bearer, 1).await;
    clock.0.fetch_add(20_000, Ordering::SeqCst);
    run(&bearer, 2).await;
    let body = json!({"id": run_id(3), "plan": weather_plan()});
    let response = bearer.send(Method::POST, "/api/runs", &body).send().await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"40".parse().expect("valid"))
    );
    clock.0.fetch_add(40_000, Ordering::SeqCst);
    run(&bearer, 3).await;
}

#[tokio::test]
async fn attack_13_amounts_that_are_none_and_requests_that_come_twice() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("LEDGER_SUPPLY_CAP", "9100").start().await;
    let (sysop, person) = priced(&realm, 5).await;
    let to_other = format!("person:{}", sysop.id);
    let send = |amount: &str, name: &str| {
        let body = format!(
            "{{\"to\":\"{to_other}\",\"amount\":{amount},\"reason\":\"x\",\"idempotency\":\"{name}\"}}"
        );
        let request = realm.client.post(format!("{}/api/ledger/transfers", realm.base));
        request.header("content-type", "application/json").bearer_auth(&person.token).body(body)
    };
    for wrong in
        ["-1", "1.5", "1.0", "1e3", "NaN", "Infinity", "null", "\"1\"", "9007199254740992", "1e400", "0"]
    {
        assert_eq!(refused(send(wrong, "x")).await.0, 400, "{wrong}");
    }
    assert_eq!(refused(send("5000001", "more than there is")).await.0, 402);
    let first: Value = answer(send("1000000", "once")).await;
    let replayed: Value = answer(send("1000000", "once")).await;
    assert_eq!(first, replayed);
    assert_eq!(refused(send("2000000", "once")).await.0, 409);
    let together = futures_util::future::join_all((0..20).map(|_| send("1000000", "burst").send())).await;
    assert!(together.into_iter().all(|answer| answer.is_ok_and(|answer| answer.status() == 201)));
    let balance: Balance = answer(person.get("/api/ledger")).await;
    assert_eq!(balance.spendable, micro(3_000_000));

    let issue = |credits: u64, name: &str| {
        let body = json!({"to": "realm", "amount": credits * 1_000_000, "reason": "x", "idempotency": name});
        sysop.send(Method::POST, "/api/ledger/issues", &body)
    };
    // 9,005 are issued.
    let (status, problem) = refused(issue(96, "too many")).await;
    assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{problem}");
    answer::<Value>(issue(95, "to the cap")).await;
    assert_eq!(refused(person.send(Method::POST, "/api/ledger/issues", &json!({}))).await.0, 403);
    for account in ["issue", "held:local"] {
        let body = json!({"to": account, "amount": 1, "reason": "x", "idempotency": account});
        assert_eq!(
            refused(person.send(Method::POST, "/api/ledger/transfers", &body)).await.0,
            400,
            "{account}"
        );
    }
}

#[tokio::test]
async fn attack_13_an_entry_that_was_changed_is_named_and_the_realm_does_not_go_on_with_it() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let (sysop, person) = priced(&realm, 5).await;
    sysop.issue("realm", 1, "another").await;
    let head: Head = realm.read("/api/ledger/head").await;
    drop(person);
    realm.server.shutdown().await;
    let kept = format!("{}:{}", head.seq, head.hash);
    let (code, line) = verified(data.path(), &["--head", &kept]);
    assert_eq!((code, line["ok"].as_bool()), (0, Some(true)), "{line}");
    assert_eq!(line["found"]["head"]["seq"], head.seq);

    let text: String = database(data.path(), |connection| {
        Box::pin(async move {
            sqlx::query_scalar("SELECT text FROM ledger WHERE seq = 3").fetch_one(connection).await
        })
    })
    .await;
    assert!(text.contains("5000000"), "{text}");
    // The database itself refuses, so whoever does this means to.
    let changed = text.replace("5000000", "6000000");
    let refused: Result<(), sqlx::Error> =
        change(data.path(), &["UPDATE ledger SET text = 'x' WHERE seq = 3"]).await;
    assert!(refused.is_err());
    change(
        data.path(),
        &[
            "DROP TRIGGER ledger_is_not_changed",
            &format!("UPDATE ledger SET text = '{changed}' WHERE seq = 3"),
        ],
    )
    .await
    .expect("changed");
    let (code, line) = verified(data.path(), &[]);
    assert_eq!((code, line["ok"].as_bool(), line["entry"].as_u64()), (1, Some(false), Some(3)), "{line}");
    let config = Settings::new(data.path()).config();
    let outside = mtor::server::Outside::real(&config);
    let started = mtor::server::start(config, outside).await;
    let Err(error) = started else { panic!("it starts with a broken ledger") };
    assert!(error.to_string().contains("entry 3 is broken"), "{error}");
    // Put back, and then cut off: the chain is whole, but not the one whose head was kept.
    change(
        data.path(),
        &[
            &format!("UPDATE ledger SET text = '{text}' WHERE seq = 3"),
            "DROP TRIGGER ledger_is_not_shortened",
            &format!("DELETE FROM ledger WHERE seq = {}", head.seq),
        ],
    )
    .await
    .expect("changed");
    assert_eq!(verified(data.path(), &[]).0, 0);
    assert_eq!(verified(data.path(), &["--head", &kept]).0, 1);
}

/// `mtor ledger verify`: its code and its line.
fn verified(data: &std::path::Path, more: &[&str]) -> (i32, Value) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mtor"))
        .args(["ledger", "verify", "--data"])
        .arg(data)
        .args(more)
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = serde_json::from_str(text.trim()).unwrap_or_else(|_| {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code().expect("a code"), line)
}

async fn connection(data: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("realm.sqlite"));
    options.connect().await.expect("a connection")
}

async fn database<T>(
    data: &std::path::Path,
    ask: impl FnOnce(&mut sqlx::SqliteConnection) -> futures_util::future::BoxFuture<'_, Result<T, sqlx::Error>>,
) -> T {
    let mut connection = connection(data).await;
    ask(&mut connection).await.expect("an answer")
}

async fn change(data: &std::path::Path, statements: &[&str]) -> Result<(), sqlx::Error> {
    let mut connection = connection(data).await;
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_13_what_was_answered_is_there_after_the_process_was_killed() {
    let data = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(data.path());
    let mut answered = HashSet::new();
    for round in 0..3 {
        let process = Process::start(&settings);
        let (client, base) = (client(), process.base.clone());
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        let senders: Vec<_> = (0..8)
            .map(|sender| {
                let (client, base, done) = (client.clone(), base.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    for number in 0.. {
                        let name = format!("{round}-{sender}-{number}");
                        let body = json!({"to": "realm", "amount": 1, "reason": "x", "idempotency": name});
                        let request = client.post(format!("{base}/api/ledger/transfers"));
                        let request =
                            request.header("content-type", "application/json").body(body.to_string());
                        match request.send().await {
                            Ok(response) if response.status() == 201 => {
                                done.lock().expect("no panic").push(name)
                            }
                            // The realm is gone.
                            _ => return,
                        }
                    }
                })
            })
            .collect();
        while done.lock().expect("no panic").len() < 60 {
            tokio::task::yield_now().await;
        }
        process.kill();
        for sender in senders {
            sender.await.expect("no panic");
        }
        answered.extend(done.lock().expect("no panic").drain(..));
    }
    let (code, line) = verified(data.path(), &[]);
    assert_eq!((code, line["ok"].as_bool()), (0, Some(true)), "{line}");
    let storage = Sqlite::open(data.path()).await.expect("opens");
    for name in &answered {
        let there = storage.ledger_named(&PersonId::local(), &format!("send/{name}")).await.expect("read");
        assert!(there.is_some(), "{name} was answered and is lost");
    }
    let moved = line["found"]["balances_micro"]["realm"].as_u64().expect("a number");
    assert!(moved >= u64::try_from(answered.len()).expect("few"), "{moved}");
    assert_eq!(
        moved + line["found"]["balances_micro"]["person:local"].as_u64().expect("a number"),
        9_000_000_000
    );
}

#[tokio::test]
async fn a_run_that_was_killed_in_the_middle_is_paid_once() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, gate) = crate::recovery::gated().await;
    let settings = Settings::new(data.path()).provider(&provider);
    let process = Process::start(&settings);
    let (client, base) = (client(), process.base.clone());
    let price = json!({"of": "open-meteo/forecast", "price": {"per_call": 2_000_000}}).to_string();
    let set = client
        .put(format!("{base}/api/ledger/prices"))
        .header("content-type", "application/json")
        .body(price);
    assert_eq!(set.send().await.expect("an answer").status(), 204);
    let started = crate::harness::post_run(&client, &base, &run_id(1), &weather_plan());
    let mut events = Events::of(started.send().await.expect("an answer")).await;
    events.until_started("call/forecast").await;
    let balance: Balance = answer(client.get(format!("{base}/api/ledger"))).await;
    assert_eq!(balance.held, micro(2_000_000));
    process.kill();

    gate.add_permits(10);
    let process = Process::start(&settings);
    let url = format!("{}/api/runs/{}/events", process.base, run_id(1));
    let chunks = Events::of(client.get(url).send().await.expect("an answer")).await.rest().await;
    let RunStatus::Finished { receipt } = fold(&chunks).status else { panic!("finished") };
    assert_eq!(receipt.cost_micro, 2_000_000);
    let balance: Balance = answer(client.get(format!("{}/api/ledger", process.base))).await;
    assert_eq!((balance.spendable.to_string(), balance.held), ("8998".to_owned(), Amount::ZERO));
}
