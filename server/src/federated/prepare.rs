//! From a plan to steps that can be called: composite capabilities are replaced by the steps that they consist of.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mtor_federation::Operation;
use mtor_shared::{
    capability::{Capability, CapabilityId, CardKind, SideEffect},
    plan::{Binding, Plan, PlanError, Step, StepId},
    problem::{Problem, ProblemCode},
    stream::StepInfo,
};

use crate::catalogue::{Absent, Snapshot};

/// Compositions within compositions.
const MAX_DEPTH: usize = 4;
/// Calls in one run.
const MAX_STEPS: usize = 16;

/// A call that is ready but for the outputs of those before it.
#[derive(Clone, Debug)]
pub struct PreparedStep {
    /// As it is shown.
    pub info: StepInfo,
    /// Its flattened id and where its arguments come from: literals and outputs only.
    pub step: Step,
    /// What is called.
    pub operation: Arc<Operation>,
    /// How its output is shown.
    pub card: CardKind,
}

/// A plan, ready to be carried out.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// In order; at least one.
    pub steps: Vec<PreparedStep>,
    /// Who answers, for a person.
    pub who: String,
    /// Words that the providers want shown.
    pub attribution: Option<String>,
}

impl Prepared {
    /// Whether all of it may be done again after a break.
    pub fn only_reads(&self) -> bool {
        self.steps.iter().all(|step| step.operation.capability.side_effect == SideEffect::Read)
    }
}

/// Why a plan cannot be carried out here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The plan contradicts itself.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing of that name is in the catalogue.
    #[error("this realm has no capability {0}")]
    Unknown(CapabilityId),
    /// Nobody enabled it, or somebody took it out.
    #[error("{0} is not enabled")]
    NotEnabled(CapabilityId),
    /// Compositions go too deep, which is what one that contains itself does.
    #[error("the plan nests deeper than {MAX_DEPTH}")]
    TooDeep,
    /// More calls than one run makes.
    #[error("the plan has more than {MAX_STEPS} steps")]
    TooLong,
    /// Something that has to be given is not.
    #[error("{capability} needs {argument}")]
    Missing {
        /// Its title.
        capability: String,
        /// The argument's title.
        argument: String,
    },
}

impl PrepareError {
    /// The same in words for a person.
    pub fn problem(&self) -> Problem {
        let (code, title, advice) = match self {
            Self::Plan(error) => (ProblemCode::BadRequest, format!("The plan does not work: {error}."), ""),
            Self::Unknown(id) => (
                ProblemCode::NotFound,
                format!("This realm has nothing named {id}."),
                "Reload the page to see what it has now.",
            ),
            Self::NotEnabled(id) => (
                ProblemCode::Forbidden,
                format!("{id} is not enabled, so it is not called."),
                "Enable it on the Federation screen, then try again. A dry run shows its request without sending it.",
            ),
            Self::TooDeep | Self::TooLong => {
                (ProblemCode::BadRequest, format!("The plan is too large: {self}."), "Ask for less at once.")
            }
            Self::Missing { .. } => (ProblemCode::BadArgument, format!("{self}."), "Add it and try again."),
        };
        Problem::new(code, title, advice)
    }
}

/// Makes a plan ready.
///
/// # Errors
/// [`PrepareError`] when it cannot be carried out with this catalogue.
pub fn prepare(plan: &Plan, catalogue: &Snapshot) -> Result<Prepared, PrepareError> {
    let mut flat = Vec::new();
    expand(plan, &Scope::default(), catalogue, 0, &mut flat)?;
    let distinct = |each: &dyn Fn(&Capability) -> Option<String>| {
        let found: Vec<String> = flat.iter().filter_map(|step| each(&step.operation.capability)).collect();
        let mut seen = BTreeSet::new();
        found.into_iter().filter(|text| seen.insert(text.clone())).collect::<Vec<_>>()
    };
    let who = distinct(&|capability| Some(capability.provider.name.clone())).join(" and ");
    let attribution = distinct(&|capability| capability.provider.attribution.clone());
    let attribution = (!attribution.is_empty()).then(|| attribution.join(" · "));
    Ok(Prepared { steps: flat, who, attribution })
}

/// What surrounds a nested plan.
#[derive(Default)]
struct Scope<'a> {
    /// Goes before the ids of its steps.
    prefix: String,
    /// The arguments of the whole.
    inputs: BTreeMap<String, Binding>,
    /// What to say when something is missing and the nested step says nothing itself.
    when_missing: Option<&'a str>,
}

fn expand(
    plan: &Plan,
    scope: &Scope<'_>,
    catalogue: &Snapshot,
    depth: usize,
    flat: &mut Vec<PreparedStep>,
) -> Result<(), PrepareError> {
    plan.check()?;
    if depth > MAX_DEPTH {
        return Err(PrepareError::TooDeep);
    }
    // The output of a composition is that of its last step.
    let mut outputs: BTreeMap<&StepId, StepId> = BTreeMap::new();
    for step in &plan.steps {
        let capability = catalogue.capability(&step.capability).map_err(|absent| match absent {
            Absent::Unknown => PrepareError::Unknown(step.capability.clone()),
            Absent::NotEnabled => PrepareError::NotEnabled(step.capability.clone()),
        })?;
        let id = StepId(format!("{}{}", scope.prefix, step.id));
        let args: BTreeMap<String, Binding> = step
            .args
            .iter()
            .filter_map(|(name, binding)| Some((name.clone(), resolve(binding, scope, &outputs)?)))
            .collect();
        if let Some(missing) = capability.required().find(|name| !args.contains_key(*name)) {
            let argument = capability.argument_title(missing).to_owned();
            return Err(PrepareError::Missing { capability: capability.title.clone(), argument });
        }
        let when_missing = step.when_missing.as_deref().or(scope.when_missing);
        if let Some(nested) = &capability.plan {
            let inner = Scope { prefix: format!("{id}/"), inputs: args, when_missing };
            expand(nested, &inner, catalogue, depth + 1, flat)?;
            if let Some(last) = flat.last_mut() {
                last.card = capability.card;
            }
        } else {
            let operation = catalogue
                .operation(&step.capability)
                .ok_or_else(|| PrepareError::Unknown(step.capability.clone()))?;
            if flat.len() == MAX_STEPS {
                return Err(PrepareError::TooLong);
            }
            flat.push(PreparedStep {
                info: StepInfo {
                    id: id.clone(),
                    title: capability.title.clone(),
                    provider: capability.provider.name.clone(),
                },
                step: Step {
                    id,
                    capability: step.capability.clone(),
                    args,
                    when_missing: when_missing.map(str::to_owned),
                },
                operation,
                card: capability.card,
            });
        }
        if let Some(last) = flat.last() {
            outputs.insert(&step.id, last.step.id.clone());
        }
    }
    Ok(())
}

/// A binding as seen from the outside; none for an input that was not given.
fn resolve(binding: &Binding, scope: &Scope<'_>, outputs: &BTreeMap<&StepId, StepId>) -> Option<Binding> {
    match binding {
        Binding::Literal(_) => Some(binding.clone()),
        Binding::Input(name) => scope.inputs.get(name).cloned(),
        Binding::Output { step, pointer } => {
            let step = outputs.get(step)?.clone();
            Some(Binding::Output { step, pointer: pointer.clone() })
        }
    }
}
