//! What a changed description changes for those who agreed to the one before.

use mtor_federation::Operation;
use mtor_shared::{
    capability::{Capability, CapabilityId},
    source::Change,
};

use super::version::Version;

/// The difference between what was agreed to and what is there now.
pub(super) fn between(agreed: &Version, now: &Version) -> Change {
    let ids = |version: &Version| -> Vec<CapabilityId> {
        version.capabilities().map(|capability| capability.id.clone()).collect()
    };
    let altered = now.capabilities().filter_map(|new| {
        let old = agreed.capability(&new.id)?;
        let operations = (agreed.operation(&new.id), now.operation(&new.id));
        let what = match operations {
            (Some(before), Some(after)) => operation(before, after),
            (None, None) => capability(old, new),
            _ => vec!["how it is made up"],
        };
        (!what.is_empty()).then(|| (new.id.clone(), what.join(", ")))
    });
    Change {
        sha256: now.sha256.clone(),
        added: ids(now).into_iter().filter(|id| agreed.number(id).is_none()).collect(),
        removed: ids(agreed).into_iter().filter(|id| now.number(id).is_none()).collect(),
        altered: altered.collect(),
        new_hosts: now.hosts.iter().filter(|host| !agreed.hosts.contains(host)).cloned().collect(),
    }
}

fn operation(before: &Operation, after: &Operation) -> Vec<&'static str> {
    let mut what = capability(&before.capability, &after.capability);
    let address = |operation: &Operation| {
        (
            operation.server.clone(),
            operation.method.clone(),
            operation.template.clone(),
            operation.path.clone(),
        )
    };
    for (differs, word) in
        [(address(before) != address(after), "address"), (before.security != after.security, "credentials")]
    {
        if differs {
            what.push(word);
        }
    }
    let written = (before.parameters != after.parameters || before.body != after.body)
        && before.capability.input == after.capability.input;
    if written {
        what.push("how inputs are written");
    }
    what
}

fn capability(before: &Capability, after: &Capability) -> Vec<&'static str> {
    [
        (before.input != after.input, "inputs"),
        (before.output != after.output, "outputs"),
        (before.side_effect != after.side_effect, "effect"),
        (before.price_micro != after.price_micro, "price"),
        (before.plan != after.plan, "steps"),
    ]
    .into_iter()
    .filter_map(|(differs, word)| differs.then_some(word))
    .collect()
}
