//! Steps, and the data that flows between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::capability::CapabilityId;

/// Names a step within its plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct StepId(pub String);

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Steps in the order in which they run; the last one's output is the result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Plan {
    /// At least one; a step may use the outputs of those before it.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Its name here.
    pub id: StepId,
    /// What is called.
    pub capability: CapabilityId,
    /// Where each argument comes from.
    #[serde(default)]
    pub args: BTreeMap<String, Binding>,
    /// What to say when an earlier output has nothing at a pointer that this step needs, for example
    /// `No place of that name was found.`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_missing: Option<String>,
}

/// Where an argument comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// The value itself.
    Literal(Value),
    /// An argument of the whole capability; left out when it was not given.
    Input(String),
    /// Something in the output of an earlier step.
    Output {
        /// The step.
        step: StepId,
        /// JSON Pointer (RFC 6901) into its output.
        pointer: String,
    },
}

/// Why a plan cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No steps.
    #[error("the plan has no steps")]
    Empty,
    /// Two steps of one name.
    #[error("two steps are named {0}")]
    DuplicateStep(StepId),
    /// A step uses the output of one that does not come before it.
    #[error("step {step} uses the output of {uses}, which does not come before it")]
    NotBefore {
        /// The step.
        step: StepId,
        /// What it uses.
        uses: StepId,
    },
    /// An earlier output has nothing there.
    #[error("the output of {step} has nothing at {pointer}")]
    Missing {
        /// The earlier step.
        step: StepId,
        /// Where nothing was.
        pointer: String,
    },
}

impl Plan {
    /// The plan of one call with given arguments.
    pub fn call(capability: CapabilityId, args: Map<String, Value>) -> Self {
        let args = args.into_iter().map(|(name, value)| (name, Binding::Literal(value))).collect();
        Self { steps: vec![Step { id: StepId("call".into()), capability, args, when_missing: None }] }
    }

    /// Checks that steps have names of their own and use only what comes before them.
    ///
    /// # Errors
    /// The first [`PlanError`] found.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.steps.is_empty() {
            return Err(PlanError::Empty);
        }
        let mut before: Vec<&StepId> = Vec::new();
        for step in &self.steps {
            if before.contains(&&step.id) {
                return Err(PlanError::DuplicateStep(step.id.clone()));
            }
            for binding in step.args.values() {
                if let Binding::Output { step: uses, .. } = binding
                    && !before.contains(&uses)
                {
                    return Err(PlanError::NotBefore { step: step.id.clone(), uses: uses.clone() });
                }
            }
            before.push(&step.id);
        }
        Ok(())
    }
}

impl Step {
    /// The arguments of this step, given the inputs of the whole and the outputs so far.
    ///
    /// # Errors
    /// [`PlanError::Missing`] when an earlier output lacks what this step needs.
    pub fn bind(
        &self,
        inputs: &Map<String, Value>,
        outputs: &BTreeMap<StepId, Value>,
    ) -> Result<Map<String, Value>, PlanError> {
        let mut bound = Map::new();
        for (name, binding) in &self.args {
            match binding {
                Binding::Literal(value) => {
                    bound.insert(name.clone(), value.clone());
                }
                Binding::Input(input) => {
                    if let Some(value) = inputs.get(input) {
                        bound.insert(name.clone(), value.clone());
                    }
                }
                Binding::Output { step, pointer } => {
                    let value = outputs
                        .get(step)
                        .and_then(|output| output.pointer(pointer))
                        .ok_or_else(|| PlanError::Missing { step: step.clone(), pointer: pointer.clone() })?;
                    bound.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn weather() -> Plan {
        serde_json::from_value(json!([
            {"id": "place", "capability": "geo/search", "args": {"name": {"input": "place"}, "count": {"literal": 1}}},
            {"id": "forecast", "capability": "meteo/forecast", "args": {
                "latitude": {"output": {"step": "place", "pointer": "/results/0/latitude"}}}}
        ]))
        .expect("valid plan")
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn outputs_flow_into_later_steps() {
        let plan = weather();
        plan.check().expect("well formed");
        let first = plan.steps[0].bind(&object(json!({"place": "Lisbon"})), &BTreeMap::new()).expect("bound");
        assert_eq!(Value::Object(first), json!({"name": "Lisbon", "count": 1}));
        let outputs = BTreeMap::from([(StepId("place".into()), json!({"results": [{"latitude": 38.7}]}))]);
        let second = plan.steps[1].bind(&Map::new(), &outputs).expect("bound");
        assert_eq!(Value::Object(second), json!({"latitude": 38.7}));
    }

    #[test]
    fn an_output_without_the_needed_part_is_named() {
        let outputs = BTreeMap::from([(StepId("place".into()), json!({"results": []}))]);
        let error = weather().steps[1].bind(&Map::new(), &outputs).expect_err("nothing there");
        assert_eq!(error.to_string(), "the output of place has nothing at /results/0/latitude");
    }

    #[test]
    fn an_absent_optional_input_is_left_out() {
        let bound = weather().steps[0].bind(&Map::new(), &BTreeMap::new()).expect("bound");
        assert_eq!(Value::Object(bound), json!({"count": 1}));
    }

    #[test]
    fn a_step_cannot_use_what_comes_later() {
        let mut plan = weather();
        plan.steps.swap(0, 1);
        assert!(matches!(plan.check(), Err(PlanError::NotBefore { .. })));
    }

    #[test]
    fn two_steps_of_one_name_are_refused() {
        let mut plan = weather();
        plan.steps[1].id = StepId("place".into());
        assert!(matches!(plan.check(), Err(PlanError::DuplicateStep(_))));
    }
}
