//! Attack 7: every route with every kind of caller, generated from the realm's own description.

use std::cell::RefCell;

use mtor::{
    identity::policy::{Access, TABLE, described},
    router::openapi_document,
};
use mtor_shared::identity::{Role, Scope};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    harness::{Settings, answer},
    people::{Device, Somebody, key},
};

#[test]
fn every_route_is_in_the_table_and_the_table_holds_nothing_else() {
    let mut routes = described(&openapi_document());
    let mut table: Vec<(String, String)> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    routes.sort();
    table.sort();
    for route in &routes {
        assert!(
            table.contains(route),
            "nobody has declared who may come to {route:?}: see identity/policy.rs"
        );
    }
    assert_eq!(routes, table);
}

#[test]
fn the_description_says_who_may_come() {
    let document = serde_json::to_value(openapi_document()).expect("JSON");
    for (method, path, access) in TABLE {
        let operation = &document["paths"][path][method.to_ascii_lowercase()];
        let expected = match access {
            Access::Everybody => json!([]),
            Access::SignedIn => json!([{"session": []}]),
            Access::To(role, scope) => {
                let wanted = json!([role.name(), scope.name()]);
                json!([{"session": wanted}, {"bearer": wanted}])
            }
        };
        assert_eq!(operation["security"], expected, "{method} {path}");
    }
    assert!(document["components"]["securitySchemes"]["bearer"].is_object());
}

/// Who asks, and what the table says of them.
struct Asker<'a> {
    what: String,
    /// Changes when a session is rotated, which is one of the routes.
    token: RefCell<Option<String>>,
    role: Option<Role>,
    scopes: Vec<Scope>,
    key: bool,
    realm: &'a crate::harness::Realm,
}

impl Asker<'_> {
    fn may(&self, access: Access) -> bool {
        match (access, self.role) {
            (Access::Everybody, _) => true,
            (_, None) => false,
            (Access::SignedIn, Some(_)) => !self.key,
            (Access::To(role, scope), Some(own)) => own >= role && self.scopes.contains(&scope),
        }
    }

    /// The answer to a request without sense: whether it came as far as the handler.
    async fn comes(&self, method: &str, path: &str) -> bool {
        let path = path.replace("{hash}", "x").replace("{id}", "x").replace("{source}", "x");
        let path = path.replace("{operation}", "x");
        let method: Method = method.parse().expect("a method");
        let url = format!("{}{path}", self.realm.base);
        let mut request = self.realm.client.request(method.clone(), url);
        let token = self.token.borrow().clone();
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !matches!(method, Method::GET | Method::HEAD | Method::DELETE) {
            request = request.header(header::CONTENT_TYPE, "application/json").body("[]");
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let refused = text.contains("You may not do this here.") || text.contains("does not know who asks");
        assert_eq!(refused, matches!(status, 401 | 403) && refused, "{method} {path}: {status} {text}");
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(token) = answer["token"].as_str() {
            self.token.replace(Some(token.to_owned()));
        }
        !(status == 401 || refused)
    }
}

fn asker<'a>(somebody: &Somebody<'a>, role: Role) -> Asker<'a> {
    Asker {
        what: role.to_string(),
        token: RefCell::new(Some(somebody.token.clone())),
        role: Some(role),
        scopes: Scope::ALL.to_vec(),
        key: false,
        realm: somebody.realm,
    }
}

#[tokio::test]
async fn attack_7_each_kind_of_caller_comes_where_the_table_says_and_nowhere_else() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let nobody = Asker {
        what: "nobody".into(),
        token: RefCell::new(None),
        role: None,
        scopes: Vec::new(),
        key: false,
        realm: &realm,
    };
    let mut askers = vec![nobody, asker(&sysop, Role::Sysop)];
    for (number, role) in [(2, Role::Person), (3, Role::Provider), (4, Role::Operator)] {
        let somebody = sysop.let_in(&Device::new(number), role).await;
        askers.push(asker(&somebody, role));
    }
    for scopes in Scope::ALL.into_iter().map(|scope| vec![scope]).chain([Vec::new(), Scope::ALL.to_vec()]) {
        let (_, bearer) = sysop.mint(&key(&scopes)).await;
        let what = format!("a sysop's key for {scopes:?}");
        askers.push(Asker { what, scopes, key: true, ..asker(&bearer, Role::Sysop) });
    }
    let person = sysop.let_in(&Device::new(5), Role::Person).await;
    let (_, bearer) = person.mint(&key(&Scope::ALL)).await;
    askers.push(Asker { what: "a person's key for all".into(), key: true, ..asker(&bearer, Role::Person) });

    let mut tried = 0;
    for (method, path) in described(&openapi_document()) {
        let access = TABLE.iter().find(|(at_method, at, _)| *at_method == method && *at == path);
        let (_, _, access) = access.expect("it is in the table");
        for asker in &askers {
            assert_eq!(
                asker.comes(&method, &path).await,
                asker.may(*access),
                "{method} {path}: {}",
                asker.what
            );
            if method == "GET" {
                let head = asker.comes("HEAD", &path).await;
                assert!(head || !asker.may(*access), "HEAD {path}: {}", asker.what);
            }
            tried += 1;
        }
    }
    assert!(tried > 800, "{tried}");
}

#[tokio::test]
async fn what_is_not_in_the_table_is_answered_to_nobody() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    // A method that an address does not take is not a way round the table.
    for (method, path, status) in [
        (Method::PUT, "/api/catalogue", 405),
        (Method::OPTIONS, "/api/keys", 405),
        (Method::TRACE, "/healthz", 405),
        (Method::GET, "/api/nothing", 404),
        (Method::GET, "/API/keys", 404),
        (Method::GET, "/api/keys/", 404),
        (Method::GET, "//api/keys", 404),
    ] {
        let url = format!("{}{path}", realm.base);
        let response = realm.client.request(method.clone(), url).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
    }
    let _: Value = answer(realm.get("/api/keys")).await;
}
