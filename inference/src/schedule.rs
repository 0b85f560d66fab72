//! Whose turn it is on the device: jobs wait by priority and run one step at a time.
//!
//! A job is taken, does one step somewhere else, and is put back in front of its queue or finished. Between two steps
//! whatever is more urgent goes first. Within a priority the first come is served to its end, because the memory of a
//! language model holds one conversation: two that took turns would read each other's prompts again and again.

use std::collections::VecDeque;

use mtor_shared::engine::JobId;

/// What waits longest for whom; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person types, and the shell looks for what fits.
    Embed,
    /// A person reads along.
    Generate,
    /// Nobody waits for it word by word.
    Measure,
}

const PRIORITIES: usize = 3;

/// Jobs of any kind `J`.
pub struct Scheduler<J> {
    queues: [VecDeque<(JobId, J)>; PRIORITIES],
    running: Option<Running>,
}

struct Running {
    id: JobId,
    priority: Priority,
    cancelled: bool,
}

/// What became of a job that is to be cancelled.
#[derive(Debug, PartialEq, Eq)]
pub enum Cancelled<J> {
    /// It was waiting, perhaps half done, and is out of the queue: whoever cancels answers it.
    Taken(J),
    /// Its step is running; [`Scheduler::put_back`] will give it back.
    Running,
    /// It is unknown or was answered.
    Unknown,
}

impl<J> Default for Scheduler<J> {
    fn default() -> Self {
        Self { queues: std::array::from_fn(|_| VecDeque::new()), running: None }
    }
}

impl<J> Scheduler<J> {
    /// Adds a job behind those of its priority.
    pub fn push(&mut self, id: JobId, priority: Priority, job: J) {
        self.queues[priority as usize].push_back((id, job));
    }

    /// Takes the most urgent job that is `ready`; none where there is none, or while another one is out.
    pub fn take(&mut self, ready: impl Fn(&J) -> bool) -> Option<(JobId, J)> {
        if self.running.is_some() {
            return None;
        }
        for (priority, queue) in
            [Priority::Embed, Priority::Generate, Priority::Measure].into_iter().zip(&mut self.queues)
        {
            let Some(position) = queue.iter().position(|(_, job)| ready(job)) else { continue };
            let (id, job) = queue.remove(position)?;
            self.running = Some(Running { id, priority, cancelled: false });
            return Some((id, job));
        }
        None
    }

    /// The job that was taken has more to do, and is the next one of its priority.
    ///
    /// # Errors
    ///
    /// Gives the job back when it was cancelled meanwhile.
    pub fn put_back(&mut self, job: J) -> Result<(), J> {
        match self.running.take() {
            Some(Running { id, priority, cancelled: false }) => {
                self.queues[priority as usize].push_front((id, job));
                Ok(())
            }
            _ => Err(job),
        }
    }

    /// The job that was taken is answered.
    pub fn finish(&mut self) {
        self.running = None;
    }

    /// Whether the job that was taken is to end.
    pub fn is_cancelled(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.cancelled)
    }

    /// Ends a job.
    pub fn cancel(&mut self, id: JobId) -> Cancelled<J> {
        if let Some(running) = self.running.as_mut().filter(|running| running.id == id) {
            running.cancelled = true;
            return Cancelled::Running;
        }
        for queue in &mut self.queues {
            if let Some(position) = queue.iter().position(|(other, _)| *other == id)
                && let Some((_, job)) = queue.remove(position)
            {
                return Cancelled::Taken(job);
            }
        }
        Cancelled::Unknown
    }

    /// Jobs that wait.
    pub fn waiting(&self) -> impl Iterator<Item = &J> {
        self.queues.iter().flatten().map(|(_, job)| job)
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.queues.iter().all(VecDeque::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any(_: &&str) -> bool {
        true
    }

    #[test]
    fn the_urgent_goes_between_two_steps_and_the_first_come_is_served_to_its_end() {
        let mut jobs = Scheduler::default();
        jobs.push(JobId(1), Priority::Generate, "first");
        jobs.push(JobId(2), Priority::Generate, "second");
        assert_eq!(jobs.take(any), Some((JobId(1), "first")));
        assert_eq!(jobs.take(any), None, "one step at a time");
        jobs.push(JobId(3), Priority::Embed, "words");
        assert_eq!(jobs.put_back("first"), Ok(()));
        assert_eq!(jobs.take(any), Some((JobId(3), "words")));
        jobs.finish();
        assert_eq!(jobs.take(any), Some((JobId(1), "first")));
        jobs.finish();
        assert_eq!(jobs.take(any), Some((JobId(2), "second")));
        jobs.finish();
        assert!(jobs.is_idle());
    }

    #[test]
    fn what_is_not_ready_waits_and_holds_up_nobody() {
        let mut jobs = Scheduler::default();
        jobs.push(JobId(1), Priority::Embed, "model is loading");
        jobs.push(JobId(2), Priority::Generate, "ready");
        let ready = |job: &&str| *job == "ready";
        assert_eq!(jobs.take(ready), Some((JobId(2), "ready")));
        jobs.finish();
        assert_eq!(jobs.take(ready), None);
        assert_eq!(jobs.waiting().collect::<Vec<_>>(), [&"model is loading"]);
    }

    #[test]
    fn a_waiting_job_is_taken_out_and_a_running_one_is_given_back_after_its_step() {
        let mut jobs = Scheduler::default();
        jobs.push(JobId(1), Priority::Generate, "running");
        jobs.push(JobId(2), Priority::Generate, "waiting");
        jobs.take(any);
        assert_eq!(jobs.cancel(JobId(2)), Cancelled::Taken("waiting"));
        assert_eq!(jobs.cancel(JobId(1)), Cancelled::Running);
        assert!(jobs.is_cancelled());
        assert_eq!(jobs.put_back("running"), Err("running"));
        assert_eq!(jobs.cancel(JobId(1)), Cancelled::Unknown);
        assert!(jobs.is_idle() && !jobs.is_cancelled());
    }

    proptest! {
        /// Whatever comes in whatever order, every job ends exactly once, and steps of one priority are never mixed.
        #[test]
        fn every_job_ends_once_and_nothing_overtakes_its_equals(
            actions in prop::collection::vec((0u8..4, 0usize..3, 1u32..4), 1..60)
        ) {
            let priorities = [Priority::Embed, Priority::Generate, Priority::Measure];
            let mut jobs = Scheduler::default();
            let (mut next, mut ended, mut pushed) = (0, Vec::new(), Vec::new());
            let step = |jobs: &mut Scheduler<(usize, u32)>, ended: &mut Vec<(usize, JobId)>| {
                let Some((id, (priority, left))) = jobs.take(|_| true) else { return false };
                if left > 1 {
                    assert!(jobs.put_back((priority, left - 1)).is_ok());
                } else {
                    jobs.finish();
                    ended.push((priority, id));
                }
                true
            };
            for (action, priority, steps) in actions {
                if action < 2 {
                    next += 1;
                    jobs.push(JobId(next), priorities[priority], (priority, steps));
                    pushed.push((priority, JobId(next)));
                } else {
                    step(&mut jobs, &mut ended);
                }
            }
            while step(&mut jobs, &mut ended) {}
            prop_assert!(jobs.is_idle());
            for priority in 0..3 {
                let of = |all: &[(usize, JobId)]| -> Vec<JobId> {
                    all.iter().filter(|(p, _)| *p == priority).map(|(_, id)| *id).collect()
                };
                prop_assert_eq!(of(&ended), of(&pushed));
            }
        }
    }
}
