//! The pilots: they compile whole, and make the requests that their providers document.

use std::collections::{BTreeMap, BTreeSet};

use mtor_federation::{Compiled, ResponseError, compile, pilots, request, response};
use mtor_shared::{capability::SideEffect, plan::StepId, slots::Part};
use serde_json::{Map, Value, json};

fn compiled(id: &str) -> Compiled {
    let pilot = pilots::all().into_iter().find(|pilot| pilot.id == id).expect("a pilot");
    compile(pilot.id, pilot.document, Some(pilot.overlay)).expect("compiles")
}

/// The addresses that a composition's steps call, given its arguments and the outputs that come in between.
fn addresses(compiled: &Compiled, id: &str, args: Value, outputs: Value) -> Vec<String> {
    let composition = compiled.compositions.iter().find(|c| c.id.0 == id).expect("a composition");
    let inputs = args.as_object().cloned().unwrap_or_default();
    let outputs: BTreeMap<StepId, Value> = outputs
        .as_object()
        .into_iter()
        .flatten()
        .map(|(step, value)| (StepId(step.clone()), value.clone()))
        .collect();
    let plan = composition.plan.as_ref().expect("a plan");
    plan.steps
        .iter()
        .map(|step| {
            let operation = compiled.operation(&step.capability).expect("an operation");
            let bound: Map<String, Value> = step.bind(&inputs, &outputs).expect("bound");
            request(operation, &bound).expect("a request").url
        })
        .collect()
}

#[test]
fn every_pilot_compiles_whole() {
    for pilot in pilots::all() {
        let compiled = compiled(pilot.id);
        assert_eq!(compiled.skipped, [], "{}", pilot.id);
        assert_eq!(compiled.warnings, Vec::<String>::new(), "{}", pilot.id);
        assert!(!compiled.operations.is_empty() && compiled.compositions.len() == 1, "{}", pilot.id);
        for capability in compiled.capabilities() {
            assert_eq!(capability.side_effect, SideEffect::Read);
            assert!(
                capability.provider.attribution.is_some() && capability.objective_ms.is_some(),
                "{}",
                capability.id
            );
        }
        for operation in &compiled.operations {
            assert!(operation.capability.examples.is_empty(), "only compositions are asked for in words");
            assert!(operation.server.starts_with("https://"));
        }
    }
}

#[test]
fn every_composition_has_a_sound_plan_and_examples_of_its_slots() {
    for pilot in pilots::all() {
        for composition in compiled(pilot.id).compositions {
            composition.plan.as_ref().expect("a plan").check().expect("well formed");
            assert!((10..=16).contains(&composition.examples.len()), "{}", composition.id);
            let required: Vec<&str> = composition.required().collect();
            assert_eq!(required.len(), 1);
            let slots: BTreeSet<&str> = composition
                .examples
                .iter()
                .flat_map(|example| example.parts())
                .filter_map(|part| match part {
                    Part::Slot { name, .. } => Some(name.as_str()),
                    Part::Words(_) => None,
                })
                .collect();
            assert_eq!(slots, BTreeSet::from([required[0]]), "{}", composition.id);
            assert_ne!(composition.argument_title(required[0]), required[0], "people read a title");
        }
    }
}

#[test]
fn the_background_is_answered_by_no_example() {
    let mut background = BTreeSet::new();
    let mut examples = BTreeSet::new();
    for pilot in pilots::all() {
        let compiled = compiled(pilot.id);
        background.extend(compiled.background.clone());
        examples.extend(compiled.capabilities().flat_map(|c| &c.examples).map(|example| example.sentence()));
    }
    assert!(background.len() >= 30, "{}", background.len());
    assert_eq!(background.intersection(&examples).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn weather_asks_for_the_place_and_then_for_its_forecast() {
    let place = json!({"place": {"results": [{"latitude": 38.71667, "longitude": -9.13333}]}});
    let urls = addresses(&compiled("open-meteo"), "open-meteo/weather", json!({"place": "São Paulo"}), place);
    assert_eq!(
        urls,
        [
            "https://geocoding-api.open-meteo.com/v1/search?name=S%C3%A3o%20Paulo&count=1&language=en&format=json",
            "https://api.open-meteo.com/v1/forecast?latitude=38.71667&longitude=-9.13333\
             &current=temperature_2m,relative_humidity_2m,apparent_temperature,is_day,weather_code,wind_speed_10m,precipitation\
             &hourly=temperature_2m,precipitation_probability,weather_code\
             &daily=weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,sunrise,sunset\
             &timezone=auto&forecast_days=7"
        ]
    );
}

#[test]
fn weather_reaches_two_hosts_and_says_so() {
    let hosts = compiled("open-meteo").compositions[0].provider.hosts.clone();
    assert_eq!(hosts, ["api.open-meteo.com", "geocoding-api.open-meteo.com"]);
}

#[test]
fn an_article_is_searched_and_then_summarised() {
    let found = json!({"search": {"pages": [{"key": "AC/DC", "title": "AC/DC"}]}});
    let urls = addresses(&compiled("wikipedia"), "wikipedia/article", json!({"topic": "ac dc?"}), found);
    assert_eq!(
        urls,
        [
            "https://en.wikipedia.org/w/rest.php/v1/search/page?q=ac%20dc%3F&limit=1",
            "https://en.wikipedia.org/api/rest_v1/page/summary/AC%2FDC"
        ]
    );
}

#[test]
fn books_are_one_search() {
    let urls =
        addresses(&compiled("open-library"), "open-library/books", json!({"q": "deep sea"}), json!({}));
    assert_eq!(
        urls,
        ["https://openlibrary.org/search.json?q=deep%20sea\
          &fields=key,title,author_name,first_publish_year,edition_count,cover_i&limit=10"]
    );
}

#[test]
fn a_word_is_one_entry() {
    let urls = addresses(
        &compiled("free-dictionary"),
        "free-dictionary/define",
        json!({"word": "ice cream"}),
        json!({}),
    );
    assert_eq!(urls, ["https://api.dictionaryapi.dev/api/v2/entries/en/ice%20cream"]);
}

#[test]
fn an_unknown_word_is_no_result_in_the_providers_words() {
    let compiled = compiled("free-dictionary");
    let answer = json!({"title": "No Definitions Found", "message": "Sorry pal, we couldn't find definitions for the word.", "resolution": ""});
    let error =
        response(&compiled.operations[0], 404, Some("application/json"), answer.to_string().as_bytes());
    let reason = Some("Sorry pal, we couldn't find definitions for the word.".to_owned());
    assert_eq!(error, Err(ResponseError::NoResult { reason }));
}

#[test]
fn an_operation_survives_storage() {
    for pilot in pilots::all() {
        let compiled = compiled(pilot.id);
        let stored = serde_json::to_string(&compiled).expect("serialises");
        assert_eq!(serde_json::from_str::<Compiled>(&stored).expect("parses"), compiled);
    }
}
