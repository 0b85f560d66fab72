//! Which models stay in memory: a budget, and those that were not used for longest give way.

use mtor_shared::model::ModelId;

/// A model in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which one.
    pub model: ModelId,
    /// What it takes.
    pub bytes: u64,
    /// When it was used last; later is greater.
    pub used: u64,
    /// Whether a job needs it now.
    pub busy: bool,
}

/// The models to take out of memory so that `needed` bytes more fit into `limit`, those unused for longest first; none
/// where even that does not help. Models that are busy stay.
pub fn make_room(limit: u64, held: &[Held], needed: u64) -> Option<Vec<ModelId>> {
    let mut total = held.iter().map(|held| held.bytes).sum::<u64>() + needed;
    let mut idle: Vec<&Held> = held.iter().filter(|held| !held.busy).collect();
    idle.sort_by_key(|held| held.used);
    let mut leaving = Vec::new();
    for held in idle {
        if total <= limit {
            break;
        }
        total -= held.bytes;
        leaving.push(held.model.clone());
    }
    (total <= limit).then_some(leaving)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, bytes: u64, used: u64, busy: bool) -> Held {
        Held { model: ModelId(name.into()), bytes, used, busy }
    }

    fn names(room: Option<Vec<ModelId>>) -> Option<Vec<String>> {
        room.map(|room| room.into_iter().map(|id| id.0).collect())
    }

    #[test]
    fn nobody_leaves_while_there_is_room() {
        assert_eq!(names(make_room(100, &[held("a", 40, 1, false)], 60)), Some(vec![]));
    }

    #[test]
    fn the_longest_unused_leave_first_and_no_more_than_needed() {
        let all = [held("new", 30, 9, false), held("old", 30, 2, false), held("older", 30, 1, false)];
        assert_eq!(names(make_room(100, &all, 30)), Some(vec!["older".into()]));
        assert_eq!(names(make_room(100, &all, 50)), Some(vec!["older".into(), "old".into()]));
    }

    #[test]
    fn what_is_busy_stays_and_what_cannot_fit_is_refused() {
        let all = [held("busy", 60, 1, true), held("idle", 30, 2, false)];
        assert_eq!(names(make_room(100, &all, 30)), Some(vec!["idle".into()]));
        assert_eq!(make_room(100, &all, 50), None);
        assert_eq!(make_room(100, &[], 101), None);
    }
}
