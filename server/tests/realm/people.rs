//! People with keys of their own, as their devices sign.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mtor_shared::identity::{
    Challenge, DidKey, Grant, MintedKey, PersonId, Role, Scope, SignIn, SignedIn, sign_in_message,
};
use reqwest::{Method, RequestBuilder, header};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::harness::{Realm, answer};

/// A device with a key.
pub(crate) struct Device {
    pair: Ed25519KeyPair,
    pub(crate) id: PersonId,
}

impl Device {
    pub(crate) fn new(number: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[number; 32]).expect("a key");
        let public: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
        Self { pair, id: PersonId::from(&DidKey::from_public_key(public)) }
    }

    pub(crate) fn sign(&self, host: &str, challenge: &str) -> SignIn {
        let message = sign_in_message(host, &self.id, challenge);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()).as_ref());
        SignIn { person: self.id.clone(), challenge: challenge.to_owned(), signature }
    }
}

/// Somebody who is signed in.
pub(crate) struct Somebody<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) id: PersonId,
    pub(crate) token: String,
}

impl Realm {
    pub(crate) fn host(&self) -> &str {
        self.base.strip_prefix("http://").expect("http")
    }

    pub(crate) async fn challenge(&self) -> String {
        let given: Challenge = self.ask(Method::POST, "/api/identity/challenges", &json!({})).await;
        given.challenge
    }

    /// What a device sends to sign in.
    pub(crate) async fn proof(&self, device: &Device) -> SignIn {
        device.sign(self.host(), &self.challenge().await)
    }

    pub(crate) fn claiming(&self, token: &str, proof: &SignIn) -> RequestBuilder {
        let body = json!({"token": token, "sign-in": proof});
        self.send(Method::POST, "/api/identity/claim", &body)
    }

    /// Claims the realm with the token of its console.
    pub(crate) async fn claim(&self, device: &Device) -> Somebody<'_> {
        let token = self.server.claim_token().expect("nobody has claimed it");
        let signed: SignedIn = answer(self.claiming(&token, &self.proof(device).await)).await;
        Somebody { realm: self, id: device.id.clone(), token: signed.token }
    }

    pub(crate) fn signing_in(&self, proof: &SignIn) -> RequestBuilder {
        self.send(Method::POST, "/api/identity/sessions", &json!(proof))
    }

    pub(crate) async fn sign_in(&self, device: &Device) -> Somebody<'_> {
        let signed: SignedIn = answer(self.signing_in(&self.proof(device).await)).await;
        Somebody { realm: self, id: device.id.clone(), token: signed.token }
    }
}

impl<'a> Somebody<'a> {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.realm.get(path).bearer_auth(&self.token)
    }

    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.realm.send(method, path, body).bearer_auth(&self.token)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.realm.client.delete(format!("{}{path}", self.realm.base)).bearer_auth(&self.token)
    }

    /// Lets a device in and signs it in.
    pub(crate) async fn let_in(&self, device: &Device, role: Role) -> Somebody<'a> {
        let body = json!({"id": device.id, "role": role});
        answer::<Value>(self.send(Method::POST, "/api/identity/people", &body)).await;
        self.realm.sign_in(device).await
    }

    /// Mints a key and takes its secret.
    pub(crate) async fn mint(&self, key: &Value) -> (MintedKey, Somebody<'a>) {
        let minted: MintedKey = answer(self.send(Method::POST, "/api/keys", key)).await;
        let bearer = Somebody { realm: self.realm, id: self.id.clone(), token: minted.secret.clone() };
        (minted, bearer)
    }

    pub(crate) async fn issue(&self, to: &str, credits: u64, name: &str) {
        let body =
            json!({"to": to, "amount": credits * 1_000_000, "reason": "for a test", "idempotency": name});
        answer::<Value>(self.send(Method::POST, "/api/ledger/issues", &body)).await;
    }
}

/// A key for some scopes.
pub(crate) fn key(scopes: &[Scope]) -> Value {
    let grant = Grant { scopes: scopes.iter().copied().collect(), ..Grant::everything() };
    json!({"name": "a key", "grant": grant})
}

/// The value of the cookie that an answer sets, and what stands beside it.
pub(crate) fn cookie(response: &reqwest::Response) -> (String, String) {
    let value = response.headers()[header::SET_COOKIE].to_str().expect("text");
    let (pair, rest) = value.split_once(';').expect("attributes");
    (pair.to_owned(), rest.trim().to_owned())
}
