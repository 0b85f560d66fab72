//! Attacks on the way out. The table of addresses is with `federated::address`.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use mtor::federated::egress::{Call, Egress, EgressError, Lookup, Refusal, Sent, SystemLookup};
use mtor_shared::problem::ProblemCode;
use url::Url;

use crate::{
    harness::{Settings, problem_of, weather_plan},
    provider::{Provider, weather},
};

fn egress(settings: &Settings, lookup: impl Lookup + 'static) -> Egress {
    Egress::new(&settings.config().federation, Arc::new(lookup)).expect("set up")
}

async fn get(egress: &Egress, url: &str) -> (Result<u16, EgressError>, Vec<Sent>) {
    let mut sent = Vec::new();
    let call = Call::get(Url::parse(url).expect(url), 1 << 20);
    (egress.call(call, &mut sent).await.map(|answer| answer.status), sent)
}

/// Answers with one address after the other.
struct Changing(Mutex<Vec<IpAddr>>, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Lookup for Changing {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut addresses = self.0.lock().expect("a lock");
        Ok(vec![if addresses.len() > 1 { addresses.remove(0) } else { addresses[0] }])
    }
}

#[tokio::test]
async fn every_way_to_write_an_inner_address_is_refused_before_dialling() {
    let data = tempfile::tempdir().expect("a folder");
    let egress = egress(&Settings::new(data.path()), SystemLookup);
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://0/",
        "https://10.1.2.3:8443/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
        "https://１２７.０.０.１/",
        "https://127。0。0。1/",
    ] {
        let (result, sent) = get(&egress, url).await;
        assert!(matches!(result, Err(EgressError::Refused(Refusal::NotPublic(_)))), "{url}: {result:?}");
        assert_eq!(sent, [], "{url}");
    }
}

#[tokio::test]
async fn plain_http_and_user_names_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let egress = egress(&Settings::new(data.path()), SystemLookup);
    let (result, _) = get(&egress, "http://example.org/").await;
    assert!(matches!(result, Err(EgressError::Refused(Refusal::Scheme(_)))), "{result:?}");
    for url in ["ftp://example.org/", "file:///etc/passwd"] {
        let (result, _) = get(&egress, url).await;
        assert!(matches!(result, Err(EgressError::Refused(_))), "{url}: {result:?}");
    }
    let (result, _) = get(&egress, "https://example.org@127.0.0.1/").await;
    assert_eq!(result, Err(EgressError::Refused(Refusal::UserInfo)));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_the_dial() {
    let data = tempfile::tempdir().expect("a folder");
    let asked = Arc::new(AtomicUsize::new(0));
    let inside = Changing(Mutex::new(vec!["127.0.0.1".parse().expect("valid")]), Arc::clone(&asked));
    let (result, _) = get(&egress(&Settings::new(data.path()), inside), "https://rebound.example/").await;
    assert_eq!(result, Err(EgressError::Refused(Refusal::NotPublic("rebound.example".into()))));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_is_resolved_and_judged_again_for_each_call() {
    let data = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(data.path()).set("FEDERATION_CONNECT_TIMEOUT_MS", "1");
    // First a public address (where this test may or may not get through), then the metadata service's.
    let addresses = vec!["192.31.196.1".parse().expect("valid"), "169.254.169.254".parse().expect("valid")];
    let asked = Arc::new(AtomicUsize::new(0));
    let egress = egress(&settings, Changing(Mutex::new(addresses), Arc::clone(&asked)));
    let (first, _) = get(&egress, "https://rebound.example/").await;
    assert!(!matches!(first, Ok(_) | Err(EgressError::Refused(_))), "{first:?}");
    let (second, _) = get(&egress, "https://rebound.example/").await;
    assert_eq!(second, Err(EgressError::Refused(Refusal::NotPublic("rebound.example".into()))));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_private_address_is_allowed_on_its_own_port_only() {
    let data = tempfile::tempdir().expect("a folder");
    let (one, other) = (Provider::weather().await, Provider::weather().await);
    let egress = egress(&Settings::new(data.path()).provider(&one), SystemLookup);
    let path = "/v1/forecast";
    assert_eq!(get(&egress, &format!("http://{}{path}", one.address)).await.0, Ok(200));
    let (result, _) = get(&egress, &format!("http://{}{path}", other.address)).await;
    assert!(matches!(result, Err(EgressError::Refused(Refusal::Scheme(_)))), "{result:?}");
    let (result, _) = get(&egress, &format!("https://{}{path}", other.address)).await;
    assert!(matches!(result, Err(EgressError::Refused(Refusal::NotPublic(_)))), "{result:?}");
    assert_eq!(other.calls().len(), 0);
}

#[tokio::test]
async fn a_redirect_inside_its_own_host_is_followed_and_one_to_the_inside_is_not() {
    let victim = Provider::weather().await;
    let inner = victim.address;
    let provider = Provider::start(move |target| {
        Box::pin(async move {
            let to = |location: String| (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
            match target.as_str() {
                "/own" => to("/v1/forecast".to_owned()),
                "/loop" => to("/loop".to_owned()),
                "/nowhere" => to("http://[".to_owned()),
                target if target.starts_with("/v1/search") => to(format!("http://{inner}/v1/search")),
                target => weather(target),
            }
        })
    })
    .await;
    let data = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(data.path()).provider(&provider);
    let egress = egress(&settings, SystemLookup);
    let at = |path: &str| format!("http://{}{path}", provider.address);
    let (result, sent) = get(&egress, &at("/own")).await;
    assert_eq!((result, sent.len()), (Ok(200), 2));
    let (result, sent) = get(&egress, &at("/loop")).await;
    assert_eq!((result, sent.len()), (Err(EgressError::Refused(Refusal::TooManyRedirects)), 4));
    assert_eq!(get(&egress, &at("/nowhere")).await.0, Err(EgressError::Refused(Refusal::BadRedirect)));
    // And in a run the refusal is told, and not retried.
    let problem = problem_of(&settings.start().await.run(1, &weather_plan()).await);
    assert_eq!(problem.code, ProblemCode::EgressRefused, "{problem}");
    assert_eq!(victim.calls().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_foreign_public_host_is_refused_undialled() {
    let provider = Provider::start(|_| {
        Box::pin(async { (StatusCode::FOUND, [(header::LOCATION, "https://example.org/")]).into_response() })
    })
    .await;
    let data = tempfile::tempdir().expect("a folder");
    let asked = Arc::new(AtomicUsize::new(0));
    let lookup = Changing(Mutex::new(vec!["93.184.216.34".parse().expect("valid")]), Arc::clone(&asked));
    let egress = egress(&Settings::new(data.path()).provider(&provider), lookup);
    let (result, _) = get(&egress, &format!("http://{}/", provider.address)).await;
    assert_eq!(result, Err(EgressError::Refused(Refusal::ForeignRedirect("example.org".into()))));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
