//! Puts upstreams in the order in which they are asked.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Measured, Standing};
use crate::capability::Residency;

/// How upstreams of one model are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// As they are listed.
    #[default]
    Priority,
    /// By chance, in proportion to their weights.
    Weighted,
    /// The one with the fewest requests under way, for its weight, first.
    LeastLoaded,
    /// The one that was measured fastest, failures counted in, first.
    Fastest,
    /// The one that costs least first.
    Cheapest,
}

/// What an upstream can do. A chat with words alone needs none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Features {
    /// Calls of tools.
    pub tools: bool,
    /// Images in what is asked.
    pub vision: bool,
    /// Answers that are JSON.
    pub json: bool,
}

/// In millionths of a $9000 credit for a million tokens; images and recordings by the piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Price {
    /// A million tokens of what is asked.
    pub input_micro: u64,
    /// A million tokens of what is answered.
    pub output_micro: u64,
    /// One image or recording.
    pub piece_micro: u64,
}

const MILLION: u128 = 1_000_000;

impl Price {
    /// What so much costs, rounded up.
    pub fn of(&self, input_tokens: u64, output_tokens: u64, pieces: u64) -> u64 {
        let all = self.exact(input_tokens, output_tokens, pieces).div_ceil(MILLION);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// The same a million times finer: what is compared must not be equal by rounding.
    fn exact(&self, input_tokens: u64, output_tokens: u64, pieces: u64) -> u128 {
        let parts = [
            (u128::from(self.input_micro), u128::from(input_tokens)),
            (u128::from(self.output_micro), u128::from(output_tokens)),
            (u128::from(self.piece_micro) * MILLION, u128::from(pieces)),
        ];
        parts.into_iter().fold(0, |sum, (price, count)| sum.saturating_add(price.saturating_mul(count)))
    }
}

/// An upstream as it was set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `provider/model`
    pub id: String,
    /// How much of the whole it gets; at least 1.
    pub weight: u32,
    /// What it costs.
    pub price: Price,
    /// Where the words go.
    pub residency: Residency,
    /// What it can do.
    pub features: Features,
}

/// An upstream as it is at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// What its breaker says.
    pub standing: Standing,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests under way at most.
    pub limit: u32,
    /// It asked not to be called before this time.
    pub resting_until_ms: u64,
    /// What was measured.
    pub measured: Measured,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Besides words.
    pub features: Features,
    /// How far the words may travel.
    pub residency: Residency,
    /// Tokens that it will probably take: asked and answered.
    pub tokens: (u64, u64),
}

/// Which part an upstream has in answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is asked when those before it have failed or are late.
    Live,
    /// It gets a copy at once, to find out whether it is back. Nobody waits for it.
    Trial,
}

/// Why an upstream stands where it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// It answered this conversation before.
    Sticky,
    /// Its place in the list, from 0.
    Listed(usize),
    /// Chance, in proportion to this weight.
    Weight(u32),
    /// Requests under way.
    Load(u32),
    /// Nothing is known about it yet, and asking it is how that changes.
    Unmeasured,
    /// Half of its answers took at most this long, and this share failed.
    Measured {
        /// In milliseconds.
        p50_ms: f32,
        /// 0 to 1.
        error_rate: f32,
    },
    /// What this request probably costs there, in millionths of a credit.
    Price(u64),
    /// It was down, and may be back.
    Trial,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sticky => write!(f, "it answered this conversation before"),
            Self::Listed(place) => write!(f, "number {} of the list", place + 1),
            Self::Weight(weight) => write!(f, "drawn with weight {weight}"),
            Self::Load(count) => write!(f, "{count} requests under way"),
            Self::Unmeasured => write!(f, "not measured yet"),
            Self::Measured { p50_ms, error_rate } => {
                write!(f, "p50 {p50_ms:.0} ms, {:.0} % failed", error_rate * 100.0)
            }
            Self::Price(micro) => write!(f, "about {micro} millionths of a credit"),
            Self::Trial => write!(f, "it was down and may be back"),
        }
    }
}

/// Why an upstream is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// It is down.
    Open {
        /// Nobody is sent there before.
        until_ms: u64,
    },
    /// It is down, and somebody is finding out whether it still is.
    OnTrial,
    /// It asked not to be called for a while.
    Resting {
        /// Until then.
        until_ms: u64,
    },
    /// As many requests as it takes are under way.
    Full(u32),
    /// The words may not travel so far.
    Residency(Residency),
    /// It cannot do this.
    Lacks(&'static str),
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { .. } => write!(f, "it is down"),
            Self::OnTrial => write!(f, "it was down and is being tried"),
            Self::Resting { .. } => write!(f, "it asked for a pause"),
            Self::Full(limit) => write!(f, "{limit} requests are under way there, and it takes no more"),
            Self::Residency(_) => write!(f, "the words may not go there"),
            Self::Lacks(what) => write!(f, "it has no {what}"),
        }
    }
}

/// One upstream in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Its place in what was passed in.
    pub index: usize,
    /// Its part.
    pub role: Role,
    /// Why here.
    pub reason: Reason,
}

/// Everything that was passed in, once each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Who is asked, in this order; a trial first, where there is one.
    pub order: Vec<Ranked>,
    /// Who is not.
    pub left_out: Vec<(usize, Exclusion)>,
}

/// Results below which an upstream counts as not measured.
const FEW: u32 = 3;

/// Orders the upstreams of a model. `sticky` is the place of the one that answered the conversation before; `seed`
/// is all the chance there is.
pub fn choose(
    policy: Policy,
    targets: &[(&Target, Seen)],
    needs: &Needs,
    sticky: Option<usize>,
    seed: u64,
    now_ms: u64,
) -> Choice {
    let mut choice = Choice::default();
    let mut ready = Vec::with_capacity(targets.len());
    let mut trials = Vec::new();
    for (index, (target, seen)) in targets.iter().enumerate() {
        match exclusion(target, seen, needs, now_ms) {
            Some(why) => choice.left_out.push((index, why)),
            None if seen.standing == Standing::Trial => trials.push(index),
            None => ready.push(index),
        }
    }
    let mut ranked: Vec<(f64, Ranked)> = ready
        .into_iter()
        .map(|index| {
            let (target, seen) = &targets[index];
            let (score, reason) = score(policy, index, target, seen, needs, seed);
            (score, Ranked { index, role: Role::Live, reason })
        })
        .collect();
    // A stable sort: equals stay as they are listed, except for a fair choice among the equally loaded.
    ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if policy != Policy::Priority
        && let Some(place) = ranked.iter().position(|(_, ranked)| Some(ranked.index) == sticky)
    {
        let (_, mut first) = ranked.remove(place);
        first.reason = Reason::Sticky;
        ranked.insert(0, (0.0, first));
    }
    // With nobody else to ask, who was down is asked in earnest; a copy needs somebody who answers.
    let role = if ranked.is_empty() { Role::Live } else { Role::Trial };
    choice.order = trials.into_iter().map(|index| Ranked { index, role, reason: Reason::Trial }).collect();
    choice.order.extend(ranked.into_iter().map(|(_, ranked)| ranked));
    choice
}

fn exclusion(target: &Target, seen: &Seen, needs: &Needs, now_ms: u64) -> Option<Exclusion> {
    let travels = |residency| match residency {
        Residency::Device => 0,
        Residency::Realm => 1,
        Residency::Provider => 2,
    };
    if travels(target.residency) > travels(needs.residency) {
        return Some(Exclusion::Residency(target.residency));
    }
    let (has, wants) = (target.features, needs.features);
    for (has, wants, what) in [
        (has.tools, wants.tools, "tools"),
        (has.vision, wants.vision, "eyes for images"),
        (has.json, wants.json, "way to be held to JSON"),
    ] {
        if wants && !has {
            return Some(Exclusion::Lacks(what));
        }
    }
    match seen.standing {
        Standing::Open { until_ms } => return Some(Exclusion::Open { until_ms }),
        Standing::OnTrial => return Some(Exclusion::OnTrial),
        Standing::Closed | Standing::Trial => {}
    }
    if now_ms < seen.resting_until_ms {
        return Some(Exclusion::Resting { until_ms: seen.resting_until_ms });
    }
    (seen.in_flight >= seen.limit).then_some(Exclusion::Full(seen.limit))
}

/// The lower the earlier.
fn score(
    policy: Policy,
    index: usize,
    target: &Target,
    seen: &Seen,
    needs: &Needs,
    seed: u64,
) -> (f64, Reason) {
    let weight = f64::from(target.weight.max(1));
    match policy {
        Policy::Priority => (index as f64, Reason::Listed(index)),
        // The order of exponential draws is a weighted draw without putting back (Efraimidis and Spirakis, 2006).
        Policy::Weighted => (-unit(seed, index).ln() / weight, Reason::Weight(target.weight.max(1))),
        Policy::LeastLoaded => {
            // Less than one request apart, so that equals are drawn and the first is not always the one.
            let draw = unit(seed, index) * 0.5;
            ((f64::from(seen.in_flight) + 1.0) / weight * (1.0 + 1e-9 * draw), Reason::Load(seen.in_flight))
        }
        Policy::Fastest => match seen.measured {
            Measured { count, p50_ms: Some(p50_ms), error_rate, .. } if count >= FEW => {
                // A failure costs what the answer of somebody else takes, so it counts as more waiting.
                let score = f64::from(p50_ms.max(0.0)) * (1.0 + 4.0 * f64::from(error_rate)) + 1.0;
                (score, Reason::Measured { p50_ms, error_rate })
            }
            Measured { count, error_rate, p50_ms: None, .. } if count >= FEW => {
                (f64::MAX, Reason::Measured { p50_ms: f32::INFINITY, error_rate })
            }
            _ => (unit(seed, index) * 0.5, Reason::Unmeasured),
        },
        Policy::Cheapest => {
            let (input, output) = needs.tokens;
            let exact = target.price.exact(input, output, 1);
            (exact as f64, Reason::Price(target.price.of(input, output, 1)))
        }
    }
}

/// A number above 0 and up to 1 (SplitMix64).
fn unit(seed: u64, index: usize) -> f64 {
    let mut z = seed.wrapping_add((index as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    ((z >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: Features = Features { tools: false, vision: false, json: false };

    fn target(weight: u32, price: u64) -> Target {
        Target {
            id: String::new(),
            weight,
            price: Price { input_micro: price, output_micro: price, piece_micro: 0 },
            residency: Residency::Provider,
            features: Features { tools: true, vision: true, json: true },
        }
    }

    fn seen() -> Seen {
        Seen {
            standing: Standing::Closed,
            in_flight: 0,
            limit: 64,
            resting_until_ms: 0,
            measured: Measured::default(),
        }
    }

    fn needs() -> Needs {
        Needs { features: NONE, residency: Residency::Provider, tokens: (1000, 1000) }
    }

    fn order(policy: Policy, targets: &[(Target, Seen)], seed: u64) -> Vec<usize> {
        let targets: Vec<_> = targets.iter().map(|(target, seen)| (target, *seen)).collect();
        choose(policy, &targets, &needs(), None, seed, 0).order.iter().map(|ranked| ranked.index).collect()
    }

    fn measured(p50: f32, error_rate: f32) -> Seen {
        let measured = Measured { count: 10, p50_ms: Some(p50), p99_ms: Some(p50), error_rate };
        Seen { measured, ..seen() }
    }

    #[test]
    fn each_policy_orders_by_what_it_says() {
        let cheap = (target(1, 1), measured(900.0, 0.0));
        let fast = (target(1, 50), measured(100.0, 0.0));
        let flaky = (target(1, 9), measured(90.0, 0.5));
        let all = [cheap, fast, flaky];
        assert_eq!(order(Policy::Priority, &all, 7), [0, 1, 2]);
        assert_eq!(order(Policy::Cheapest, &all, 7), [0, 2, 1]);
        assert_eq!(order(Policy::Fastest, &all, 7), [1, 2, 0]);
        let busy = |in_flight| Seen { in_flight, ..seen() };
        let loads = [(target(1, 1), busy(3)), (target(4, 1), busy(7)), (target(1, 1), busy(1))];
        assert_eq!(order(Policy::LeastLoaded, &loads, 7), [1, 2, 0]);
    }

    #[test]
    fn the_unmeasured_is_asked_so_that_it_is_measured() {
        let all = [(target(1, 1), measured(1.0, 0.0)), (target(1, 1), seen())];
        assert_eq!(order(Policy::Fastest, &all, 3), [1, 0]);
    }

    #[test]
    fn weights_are_kept_over_many_draws() {
        let all = [(target(1, 1), seen()), (target(3, 1), seen()), (target(6, 1), seen())];
        let mut first = [0_u32; 3];
        for seed in 0..10_000 {
            first[order(Policy::Weighted, &all, seed)[0]] += 1;
        }
        for (count, share) in first.into_iter().zip([0.1, 0.3, 0.6]) {
            assert!((f64::from(count) / 1e4 - share).abs() < 0.02, "{first:?}");
        }
    }

    #[test]
    fn the_equally_loaded_are_taken_in_turns() {
        let all = [(target(1, 1), seen()), (target(1, 1), seen())];
        let first = (0..1000).filter(|seed| order(Policy::LeastLoaded, &all, *seed)[0] == 0).count();
        assert!((400..600).contains(&first), "{first}");
    }

    #[test]
    fn what_was_down_gets_a_copy_where_another_answers_and_the_request_where_none_does() {
        let (back, well) = (target(1, 1), target(1, 1));
        let trial = Seen { standing: Standing::Trial, ..seen() };
        let two = choose(Policy::Priority, &[(&back, trial), (&well, seen())], &needs(), None, 0, 0);
        assert_eq!(
            two.order.iter().map(|r| (r.index, r.role)).collect::<Vec<_>>(),
            [(0, Role::Trial), (1, Role::Live)]
        );
        let one = choose(Policy::Priority, &[(&back, trial)], &needs(), None, 0, 0);
        assert_eq!(one.order[0].role, Role::Live);
    }

    #[test]
    fn prices_round_up_and_do_not_overflow() {
        let price = Price { input_micro: 1, output_micro: u64::MAX, piece_micro: 5 };
        assert_eq!(price.of(1, 0, 0), 1);
        assert_eq!(price.of(0, 0, 2), 10);
        assert_eq!(price.of(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
    }

    fn any_seen() -> impl Strategy<Value = Seen> {
        let standing = prop_oneof![
            4 => Just(Standing::Closed),
            1 => Just(Standing::Open { until_ms: 500 }),
            1 => Just(Standing::Trial),
            1 => Just(Standing::OnTrial),
        ];
        (standing, 0..6_u32, 1..5_u32, 0..200_u64, 0..10_u32, 0.0..1e4_f32, 0.0..1.0_f32).prop_map(
            |(standing, in_flight, limit, resting_until_ms, count, p50, error_rate)| Seen {
                standing,
                in_flight,
                limit,
                resting_until_ms,
                measured: Measured { count, p50_ms: Some(p50), p99_ms: Some(p50), error_rate },
            },
        )
    }

    fn any_residency() -> impl Strategy<Value = Residency> {
        prop_oneof![Just(Residency::Device), Just(Residency::Realm), Just(Residency::Provider)]
    }

    fn any_features() -> impl Strategy<Value = Features> {
        any::<(bool, bool, bool)>().prop_map(|(tools, vision, json)| Features { tools, vision, json })
    }

    fn any_target() -> impl Strategy<Value = (Target, Seen)> {
        (1..9_u32, 0..100_u64, any_residency(), any_features(), any_seen()).prop_map(
            |(weight, price, residency, features, seen)| {
                (Target { residency, features, ..target(weight, price) }, seen)
            },
        )
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        prop_oneof![
            Just(Policy::Priority),
            Just(Policy::Weighted),
            Just(Policy::LeastLoaded),
            Just(Policy::Fastest),
            Just(Policy::Cheapest),
        ]
    }

    proptest! {
        #[test]
        fn every_upstream_is_accounted_for_once_and_only_the_fit_are_asked(
            policy in any_policy(),
            targets in prop::collection::vec(any_target(), 0..8),
            residency in any_residency(),
            features in any_features(),
            sticky in prop::option::of(0..8_usize),
            seed in any::<u64>(),
        ) {
            let passed: Vec<_> = targets.iter().map(|(target, seen)| (target, *seen)).collect();
            let needs = Needs { features, residency, tokens: (10, 10) };
            let choice = choose(policy, &passed, &needs, sticky, seed, 100);
            prop_assert_eq!(&choice, &choose(policy, &passed, &needs, sticky, seed, 100));
            let mut all: Vec<usize> = choice.order.iter().map(|ranked| ranked.index).collect();
            all.extend(choice.left_out.iter().map(|(index, _)| *index));
            all.sort_unstable();
            prop_assert_eq!(all, (0..targets.len()).collect::<Vec<_>>());
            for ranked in &choice.order {
                let (target, seen) = &targets[ranked.index];
                prop_assert!(matches!(seen.standing, Standing::Closed | Standing::Trial));
                prop_assert!(seen.in_flight < seen.limit && seen.resting_until_ms <= 100);
                prop_assert!(target.features.tools || !features.tools);
                prop_assert!(target.features.vision || !features.vision);
                prop_assert!(target.residency == residency || residency == Residency::Provider
                    || (residency == Residency::Realm && target.residency == Residency::Device));
                if seen.standing == Standing::Trial {
                    let another = choice.order.iter().any(|other| targets[other.index].1.standing == Standing::Closed);
                    prop_assert_eq!(ranked.role == Role::Trial, another);
                }
            }
            if !choice.order.is_empty() {
                prop_assert!(choice.order.iter().any(|ranked| ranked.role == Role::Live));
            }
            let live: Vec<&Ranked> = choice.order.iter().filter(|ranked| targets[ranked.index].1.standing == Standing::Closed).collect();
            if let Some(sticky) = sticky.filter(|sticky| policy != Policy::Priority && live.iter().any(|r| r.index == *sticky)) {
                prop_assert_eq!(live[0].index, sticky);
            } else if policy == Policy::Cheapest {
                let prices: Vec<u64> = live.iter().map(|ranked| targets[ranked.index].0.price.of(10, 10, 1)).collect();
                prop_assert!(prices.is_sorted());
            } else if policy == Policy::Priority {
                prop_assert!(live.iter().map(|ranked| ranked.index).is_sorted());
            }
        }
    }
}
