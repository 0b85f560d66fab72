//! `cargo xtask bench arguments`: how many arguments of 60 sentences over 20 capabilities are read exactly right, by types
//! and examples alone and with the language model of the device; and whether all of them fit their schemas.

use std::{error::Error, io::Write as _, time::Instant};

use mtor_inference::{
    clock,
    generate::{Step, TextModel},
    models_folder, text_model,
};
use mtor_shared::{
    capability::{Capability, CapabilityId, CardKind, Provider, Residency, SideEffect},
    engine::BackendPreference,
    generation::Request,
    model::CHAT,
    slots,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Date, Month};

#[derive(Deserialize)]
struct Set {
    capabilities: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    title: String,
    summary: String,
    input: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    arguments: Map<String, Value>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let set: Set = serde_json::from_str(include_str!("../tests/fixtures/arguments.json"))?;
    let mut out = std::io::stdout().lock();
    // The day that the expected dates are seen from.
    let today = Date::from_calendar_date(2026, Month::November, 22)?;
    let mut model = pollster::block_on(text_model(&models_folder(), CHAT, BackendPreference::Cpu))?;
    let (mut total, mut alone, mut together, mut invalid) = (0, 0, 0, 0);
    let mut times = Vec::new();
    for entry in set.capabilities {
        let capability = capability(&entry);
        let validator = jsonschema::validator_for(&as_optional(&entry.input))?;
        for case in entry.cases {
            total += 1;
            let found = slots::extract(&capability, &case.text, today);
            alone += usize::from(found == case.arguments);
            let began = Instant::now();
            let filled = match slots::ask(&capability, &case.text, today, &found) {
                None => found,
                Some(request) => {
                    let answer = pollster::block_on(answer(&mut model, &request))?;
                    slots::accept(&capability, &case.text, today, found, &answer)
                }
            };
            times.push(began.elapsed().as_secs_f64() * 1e3);
            let filled_value = Value::Object(filled.clone());
            invalid += usize::from(!validator.is_valid(&filled_value));
            if filled == case.arguments {
                together += 1;
            } else {
                writeln!(
                    out,
                    "{}: {} instead of {}",
                    case.text,
                    filled_value,
                    Value::Object(case.arguments)
                )?;
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
    let share = |count: usize| count as f64 / f64::from(total);
    for (variant, value) in [
        ("right without a model", share(alone)),
        ("right with the model", share(together)),
        ("against the schema", share(invalid)),
    ] {
        let line = json!({
            "bench": "arguments", "variant": variant, "median": value, "p95": value, "unit": "share", "n": total});
        writeln!(out, "{line}")?;
    }
    let line = json!({
        "bench": "arguments", "variant": "asking the model", "median": at(0.5), "p95": at(0.95), "unit": "ms",
        "n": times.len()});
    writeln!(out, "{line}")?;
    Ok(())
}

async fn answer(model: &mut TextModel, request: &Request) -> Result<String, Box<dyn Error>> {
    let mut generation = model.begin(request, clock)?;
    let mut text = String::new();
    loop {
        match model.step(&mut generation).await? {
            Step::Reading { .. } => {}
            Step::Token { text: more, .. } => text.push_str(&more),
            Step::Ended(answer) => return Ok(text + &answer.text),
        }
    }
}

/// What a sentence does not say is asked in a form: only what was read has to fit.
fn as_optional(input: &Value) -> Value {
    let mut input = input.clone();
    if let Some(input) = input.as_object_mut() {
        input.remove("required");
    }
    input
}

fn capability(entry: &Entry) -> Capability {
    Capability {
        id: CapabilityId(entry.id.clone()),
        title: entry.title.clone(),
        summary: entry.summary.clone(),
        provider: Provider { name: String::new(), hosts: Vec::new(), home: None, attribution: None },
        input: entry.input.clone(),
        output: json!({}),
        side_effect: SideEffect::Read,
        residency: Residency::Provider,
        examples: Vec::new(),
        card: CardKind::Data,
        objective_ms: None,
        price_micro: 0,
        plan: None,
    }
}
