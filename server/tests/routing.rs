//! Routing is right often enough, measured on sentences that nobody tuned it on.

#[path = "support/routing.rs"]
mod routing;

use std::collections::BTreeSet;

use mtor_shared::{route::Method, slots::Example};
use routing::{Router, Utterances};

#[tokio::test]
async fn nine_in_ten_intents_find_their_capability() {
    let utterances = Utterances::load().expect("the fixture is valid");
    let mut router = Router::load().await.expect("the weights are there; `cargo xtask models` fetches them");
    let outcome = router.route(Method::Meaning, &utterances.evaluation).await.expect("the model answers");
    assert!(outcome.total >= 60);
    assert!(
        outcome.right * 10 >= outcome.total * 9,
        "{} of {} right; wrong: {:#?}",
        outcome.right,
        outcome.total,
        outcome.wrong
    );
}

#[tokio::test]
async fn no_evaluated_sentence_is_an_example() {
    let utterances = Utterances::load().expect("the fixture is valid");
    let router = Router::load().await.expect("the weights are there; `cargo xtask models` fetches them");
    let folded = |text: &str| mtor_shared::words::folded(text).join(" ");
    let known: BTreeSet<String> = router
        .catalogue
        .capabilities
        .iter()
        .flat_map(|capability| capability.examples.iter().map(Example::sentence))
        .chain(router.catalogue.background.iter().cloned())
        .map(|sentence| folded(&sentence))
        .collect();
    for (text, _) in utterances.evaluation.iter().chain(&utterances.development) {
        assert!(!known.contains(&folded(text)), "{text}");
    }
}
