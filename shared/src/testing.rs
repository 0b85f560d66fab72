//! Small capabilities for tests.

use serde_json::json;

use crate::{
    capability::{Capability, CardKind, Provider, Residency, SideEffect},
    slots::Example,
};

/// A capability of one required string argument.
pub(crate) fn capability(id: &str, slot: &str, examples: &[&str]) -> Capability {
    Capability {
        id: id.into(),
        title: id.into(),
        summary: String::new(),
        provider: Provider {
            name: "P".into(),
            hosts: vec!["p.example".into()],
            home: None,
            attribution: None,
        },
        input: json!({"type": "object", "properties": {slot: {"type": "string"}}, "required": [slot]}),
        output: json!({}),
        side_effect: SideEffect::Read,
        residency: Residency::Provider,
        examples: examples
            .iter()
            .map(|example| Example::try_from((*example).to_owned()).expect("a valid example"))
            .collect(),
        card: CardKind::Data,
        objective_ms: None,
        price_micro: 0,
        plan: None,
    }
}
