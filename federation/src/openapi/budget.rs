//! How much room each operation's schemas get, so that all together stay below four times the description.

use crate::schema::{DETAILS, Detail, Size};

use super::{Tables, operation::Draft};

/// All schemas together stay below this many times the description.
const GROWTH: usize = 4;
/// The schemas of one operation, in one direction, have at most about this many bytes.
pub(super) const SCHEMA_BYTES: usize = 512 * 1024;
/// Inputs leave answers this share of the budget, where these need it.
const OUTPUT_SHARE: usize = 4;

/// What one direction may take.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) detail: Detail,
    /// About how many bytes of JSON the schemas of one operation may become.
    pub(crate) bytes: usize,
}

/// What every operation may take.
#[derive(Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) input: Room,
    pub(crate) output: Room,
}

impl Allowance {
    pub(super) fn full() -> Self {
        let room = Room { detail: DETAILS[0], bytes: SCHEMA_BYTES };
        Self { input: room, output: room }
    }
}

/// What all schemas of a description of so many bytes may take together.
pub(super) fn of(bytes: usize) -> usize {
    bytes.saturating_mul(GROWTH)
}

/// What an operation's schemas take in full, and with less detail.
pub(super) struct Measured {
    input: Size,
    output: Size,
    roots: (Vec<u32>, Vec<u32>),
}

impl Measured {
    /// The schemas in the operation itself.
    pub(super) fn new(draft: &Draft<'_>) -> Self {
        let size = |bytes: usize, savings: Size| savings.map(|saving| bytes.saturating_sub(saving));
        Self {
            input: size(draft.input.bytes, draft.input.savings),
            output: size(draft.output.bytes, draft.output.savings),
            roots: (draft.input.references.clone(), draft.output.references.clone()),
        }
    }

    /// Adds what the schemas refer to.
    pub(super) fn close(&mut self, tables: &mut Tables<'_>) {
        let add = |size: &mut Size, more: Size| {
            size.iter_mut().zip(more).for_each(|(size, more)| *size = (*size + more).min(SCHEMA_BYTES));
        };
        add(&mut self.input, tables.input.closure(&self.roots.0, SCHEMA_BYTES));
        add(&mut self.output, tables.output().closure(&self.roots.1, SCHEMA_BYTES));
        self.roots = Default::default();
    }
}

/// What everybody may take, and whether that is everything.
pub(super) fn plan(measured: &[Measured], budget: usize) -> (Allowance, bool) {
    let sum =
        |size: fn(&Measured) -> &Size, level: usize| measured.iter().map(|m| size(m)[level]).sum::<usize>();
    let input: fn(&Measured) -> &Size = |measured| &measured.input;
    let output: fn(&Measured) -> &Size = |measured| &measured.output;
    if sum(input, 0) + sum(output, 0) <= budget {
        return (Allowance::full(), true);
    }
    // Sizes with less detail are estimates, and what is cut leaves traces.
    let budget = budget - budget / 32;
    let last = DETAILS.len() - 1;
    let room = |size: fn(&Measured) -> &Size, budget: usize| -> (Room, usize) {
        for (level, detail) in DETAILS.iter().enumerate() {
            let total = sum(size, level);
            if total <= budget {
                return (Room { detail: *detail, bytes: SCHEMA_BYTES }, total);
            }
        }
        let sizes = measured.iter().map(|m| size(m)[last]).collect();
        (Room { detail: DETAILS[last], bytes: level(sizes, budget) }, budget)
    };
    let reserved = sum(output, last).min(budget / OUTPUT_SHARE);
    let (input, taken) = room(input, budget - reserved);
    let (output, _) = room(output, budget.saturating_sub(taken));
    (Allowance { input, output }, false)
}

/// The greatest size to which those beyond it can be cut so that all fit into `budget`.
pub(crate) fn level(mut sizes: Vec<usize>, budget: usize) -> usize {
    sizes.sort_unstable();
    let mut left = budget;
    let mut count = sizes.len();
    for size in sizes {
        if size.saturating_mul(count) > left {
            return left / count.max(1);
        }
        left -= size;
        count -= 1;
    }
    SCHEMA_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_are_spared_when_the_large_are_cut() {
        assert_eq!(level(vec![10, 10, 1000, 2000], 420), 200);
        assert_eq!(level(vec![10, 10, 100, 2000], 420), 300);
        assert_eq!(level(vec![10; 4], 40), SCHEMA_BYTES);
        assert_eq!(level(vec![10; 4], 8), 2);
        assert_eq!(level(vec![], 8), SCHEMA_BYTES);
    }
}
