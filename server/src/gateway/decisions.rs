//! The reasons of the newest requests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mtor_shared::gateway::Decision;

use super::meter::Asker;

struct Kept {
    asker: Asker,
    decision: Decision,
}

#[derive(Default)]
struct Ring {
    order: VecDeque<String>,
    kept: HashMap<String, Arc<Kept>>,
}

/// See the module.
pub struct Decisions {
    ring: Mutex<Ring>,
    most: usize,
}

impl Decisions {
    pub(super) fn new(most: u64) -> Self {
        Self { ring: Mutex::default(), most: usize::try_from(most).unwrap_or(usize::MAX).max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one; the same id takes the place of what was there.
    pub(super) fn keep(&self, asker: &Asker, decision: Decision) {
        let mut ring = self.lock();
        let id = decision.id.clone();
        let kept = Arc::new(Kept { asker: asker.clone(), decision });
        if ring.kept.insert(id.clone(), kept).is_none() {
            ring.order.push_back(id);
        }
        while ring.order.len() > self.most {
            if let Some(oldest) = ring.order.pop_front() {
                ring.kept.remove(&oldest);
            }
        }
    }

    /// One by its id: whoever knows the 128 random bits may read it.
    pub fn get(&self, id: &str) -> Option<Decision> {
        self.lock().kept.get(id).map(|kept| kept.decision.clone())
    }

    /// An asker's own, the newest first.
    pub fn of(&self, asker: &Asker, most: usize) -> Vec<Decision> {
        let ring = self.lock();
        let kept = ring.order.iter().rev().filter_map(|id| ring.kept.get(id));
        kept.filter(|kept| kept.asker.person == asker.person)
            .take(most)
            .map(|kept| kept.decision.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use mtor_shared::gateway::{CacheUse, Policy};

    use super::*;
    use crate::identity::Caller;

    fn decision(id: &str) -> Decision {
        Decision {
            id: id.into(),
            at_ms: 0,
            operation: "chat".into(),
            model: "m".into(),
            policy: Policy::Priority,
            placed: vec![],
            left_out: vec![],
            attempts: vec![],
            chosen: None,
            cache: CacheUse::Off,
            elapsed_ms: 0.0,
            why: String::new(),
        }
    }

    #[test]
    fn the_newest_are_kept_and_an_asker_lists_only_its_own() {
        let decisions = Decisions::new(3);
        let named = |name: &str| Asker { person: name.into(), caller: Caller::machine() };
        let (ann, bob) = (named("ann"), named("bob"));
        for (asker, id) in [(&ann, "1"), (&bob, "2"), (&ann, "3"), (&ann, "3"), (&bob, "4")] {
            decisions.keep(asker, decision(id));
        }
        assert_eq!(decisions.get("1"), None);
        assert!(decisions.get("3").is_some());
        let ids = |asker| decisions.of(asker, 9).into_iter().map(|decision| decision.id).collect::<Vec<_>>();
        assert_eq!((ids(&ann), ids(&bob)), (vec!["3".to_owned()], vec!["4".to_owned(), "2".to_owned()]));
    }
}
