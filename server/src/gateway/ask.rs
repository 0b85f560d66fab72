//! One request: admitted, answered from what is kept or by somebody, paid for, and its reasons kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt};
use mtor_shared::{
    capability::Residency,
    gateway::{
        Attempt, CacheUse, Choice, Decision, Exclusion, Features, LeftOut, Needs, Outcome, Placed, Price,
        Role,
    },
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    AnswerStream, Gateway, GatewayError, Inner,
    cache::{self, Kept},
    error::Unanswered,
    health::Operation,
    meter::{Admission, Asker, Settlement, Spent},
    ms, nearer,
    race::{Call, Won, race},
    registry::Route,
    stream::Going,
    wanders,
};
use crate::providers::{
    Chunks, Fault, ProviderError,
    chat::{ChatRequest, ChatResponse, Chunk, Format, Message, Part, Usage},
    media::{
        EmbedRequest, Embeddings, Image, ImageRequest, Speech, SpeechRequest, TranscribeRequest, Transcript,
    },
};

/// Who asks for what, besides the request itself.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub asker: Asker,
    /// The model; none for the usual one.
    pub model: Option<String>,
    /// Requests of one conversation stay with one upstream, where several are as good.
    pub conversation: Option<String>,
    /// How far the words may travel.
    pub residency: Residency,
    /// Whether a kept answer will do, and this one may be kept.
    pub cache: bool,
}

/// An answer, and where the reasons for it are.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The id of the decision.
    pub decision: String,
    /// The model that was asked for.
    pub model: String,
    /// Who answered: `provider/model`.
    pub target: String,
}

/// A request on its way.
pub(super) struct Asking {
    pub(super) asker: Asker,
    pub(super) route: Arc<Route>,
    pub(super) operation: Operation,
    pub(super) needs: Needs,
    pub(super) id: String,
    seed: u64,
    pub(super) began: Instant,
    at_ms: u64,
    conversation: Option<[u8; 32]>,
    choice: Choice,
    pub(super) attempts: Vec<Attempt>,
}

/// Before everybody is asked again.
const PAUSE: Duration = Duration::from_millis(50);

impl Inner {
    fn begin(&self, ask: &Ask, operation: Operation, mut needs: Needs) -> Result<Asking, GatewayError> {
        let route = self.registry.find(ask.model.as_deref());
        let route = route.ok_or_else(|| GatewayError::NoModel(ask.model.clone()))?;
        ask.asker
            .caller
            .allow_model(&route.name)
            .map_err(|error| GatewayError::Refused(error.into_parts().1))?;
        needs.residency = nearer(nearer(needs.residency, ask.residency), route.residency);
        let bytes = self.draw()?;
        let (_, low) = bytes.split_at(8);
        let conversation = ask.conversation.as_ref().filter(|_| wanders(route.policy)).map(|name| {
            let mut hash = Sha256::new();
            for part in [&ask.asker.person, &route.name, name] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            hash.finalize().into()
        });
        Ok(Asking {
            asker: ask.asker.clone(),
            route,
            operation,
            needs,
            id: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            seed: low.iter().fold(0, |seed, byte| (seed << 8) | u64::from(*byte)),
            began: Instant::now(),
            at_ms: self.clock.now_ms(),
            conversation,
            choice: Choice::default(),
            attempts: Vec::new(),
        })
    }

    async fn admit(&self, asking: &Asking, pieces: u64) -> Result<Settlement, GatewayError> {
        let (input, output) = asking.needs.tokens;
        // The estimate is of the usual: text may be denser, and an answer as long as it may be.
        let most = |price: &Price| price.of(input.saturating_mul(2), output.saturating_mul(2), pieces);
        let prices = asking.route.members.iter().map(|member| most(&member.target.price));
        let first = asking.route.members.first().map_or("", |member| member.target.id.as_str());
        let admission = Admission {
            operation: asking.operation.name(),
            model: &asking.route.name,
            provider: first.split('/').next().unwrap_or_default(),
            most_micro: prices.max().unwrap_or(0),
        };
        let ticket = self.meter.admit(&asking.asker, &admission).await.map_err(GatewayError::Refused)?;
        Ok(Settlement::new(ticket))
    }

    /// Asks, and asks again while that is worth it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        asking: &mut Asking,
        call: &Call<T>,
        not: Option<usize>,
    ) -> Result<Won<T>, GatewayError> {
        self.earn();
        let mut lost: Option<GatewayError> = None;
        for round in 0.. {
            let sticky = match &asking.conversation {
                Some(key) => self.conversations.get(key).await,
                None => None,
            };
            let seed = asking.seed.wrapping_add(round);
            let mut choice = self.choose(&asking.route, asking.operation, &asking.needs, sticky, seed);
            if choice.order.iter().any(|ranked| Some(ranked.index) != not && ranked.role == Role::Live) {
                choice.order.retain(|ranked| Some(ranked.index) != not);
            }
            asking.choice = choice;
            let order = &asking.choice.order;
            let result = match order.is_empty() {
                true => None,
                false => {
                    race(
                        self,
                        &asking.route,
                        order,
                        asking.operation,
                        call,
                        asking.began,
                        &mut asking.attempts,
                    )
                    .await
                }
            };
            match result {
                Some(Ok(won)) => {
                    if let Some(key) = asking.conversation {
                        self.conversations.insert(key, won.place).await;
                    }
                    return Ok(won);
                }
                Some(Err(failed)) => {
                    let again = failed.error.fault() == Fault::Upstream
                        && round < u64::from(self.settings.retries)
                        && self.may_repeat();
                    let target = failed.member.target.id.clone();
                    lost = Some(GatewayError::Failed { target, error: failed.error });
                    if !again {
                        break;
                    }
                }
                None => break,
            }
            // Not all at once: whoever failed together comes back apart.
            let jitter = u32::try_from(seed % 8).unwrap_or(0);
            tokio::time::sleep(PAUSE * 2_u32.pow(u32::try_from(round).unwrap_or(0)) + PAUSE / 8 * jitter)
                .await;
        }
        Err(lost.unwrap_or_else(|| self.nobody(asking)))
    }

    fn nobody(&self, asking: &Asking) -> GatewayError {
        let now_ms = self.now_ms();
        let left_out = &asking.choice.left_out;
        let back = left_out.iter().filter_map(|(_, why)| match why {
            Exclusion::Open { until_ms } | Exclusion::Resting { until_ms } => {
                Some(until_ms.saturating_sub(now_ms))
            }
            Exclusion::OnTrial | Exclusion::Full(_) => Some(1_000),
            Exclusion::Residency(_) | Exclusion::Lacks(_) => None,
        });
        let back = back.min();
        GatewayError::NobodyFits {
            model: asking.route.name.clone(),
            left_out: asking.left_out(),
            never: back.is_none(),
            retry_after: back.map(Duration::from_millis),
        }
    }

    /// Keeps the reasons.
    pub(super) fn keep(&self, asking: &Asking, chosen: Option<&str>, cache: CacheUse) {
        let elapsed_ms = ms(asking.began.elapsed());
        let outcome = if chosen.is_some() { "answered" } else { "failed" };
        let labels = [
            ("model", asking.route.name.clone()),
            ("operation", asking.operation.name().to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        metrics::counter!("mtor_gateway_requests_total", &labels).increment(1);
        metrics::histogram!("mtor_gateway_request_seconds", &labels[..2]).record(f64::from(elapsed_ms) / 1e3);
        tracing::debug!(decision = asking.id, chosen, elapsed_ms, "decided");
        self.decisions.keep(&asking.asker, asking.decision(chosen, cache, elapsed_ms));
    }
}

impl Asking {
    fn left_out(&self) -> Vec<LeftOut> {
        let members = &self.route.members;
        let left = |(index, why): &(usize, Exclusion)| LeftOut {
            target: members[*index].target.id.clone(),
            why: why.to_string(),
        };
        self.choice.left_out.iter().map(left).collect()
    }

    fn decision(&self, chosen: Option<&str>, cache: CacheUse, elapsed_ms: f32) -> Decision {
        let placed: Vec<Placed> = self
            .choice
            .order
            .iter()
            .map(|ranked| Placed {
                target: self.route.members[ranked.index].target.id.clone(),
                why: ranked.reason.to_string(),
                trial: ranked.role == Role::Trial,
            })
            .collect();
        let left_out = self.left_out();
        Decision {
            id: self.id.clone(),
            at_ms: self.at_ms,
            operation: self.operation.name().to_owned(),
            model: self.route.name.clone(),
            policy: self.route.policy,
            why: why(chosen, cache, &placed, &left_out, &self.attempts),
            placed,
            left_out,
            attempts: self.attempts.clone(),
            chosen: chosen.map(str::to_owned),
            cache,
            elapsed_ms,
        }
    }
}

/// All of it in a sentence.
fn why(
    chosen: Option<&str>,
    cache: CacheUse,
    placed: &[Placed],
    left_out: &[LeftOut],
    attempts: &[Attempt],
) -> String {
    let failed = attempts.iter().filter_map(|attempt| match &attempt.outcome {
        Outcome::Failed { why, .. } => Some(format!("{} failed: {why}", attempt.target)),
        Outcome::Answered { .. } | Outcome::Overtaken => None,
    });
    let left = left_out.iter().map(|left| format!("{} was left out: {}", left.target, left.why));
    let mut parts: Vec<String> = left.chain(failed).collect();
    parts.push(match chosen {
        Some(target) if cache == CacheUse::Hit => format!("the kept answer of {target} was given"),
        Some(target) => {
            let place = placed.iter().find(|placed| placed.target == target && !placed.trial);
            place.map_or_else(
                || format!("{target} answered"),
                |place| format!("{target} answered ({})", place.why),
            )
        }
        None => "nobody answered".to_owned(),
    });
    parts.join("; ")
}

fn needs(features: Features, tokens: (u64, u64)) -> Needs {
    Needs { features, residency: Residency::Provider, tokens }
}

fn chat_needs(request: &ChatRequest) -> Needs {
    let vision = request.messages.iter().any(|message| match message {
        Message::User(parts) => parts.iter().any(|part| matches!(part, Part::Image(_))),
        Message::System(_) | Message::Assistant { .. } | Message::Tool { .. } => false,
    });
    let features =
        Features { tools: !request.tools.is_empty(), vision, json: !matches!(request.format, Format::Text) };
    needs(features, request.estimated_tokens())
}

const PLAIN: Features = Features { tools: false, vision: false, json: false };

/// Tokens that were used: as the provider says, else as they are estimated.
pub(super) fn used(usage: Option<Usage>, asked: u64, answer: &ChatResponse) -> (u64, u64) {
    match usage {
        Some(usage) => (usage.input, usage.output),
        None => {
            let calls: usize = answer.calls.iter().map(|call| call.arguments.len()).sum();
            (asked, ((answer.text.len() + answer.reasoning.len() + calls) as u64).div_ceil(4))
        }
    }
}

/// Opens a stream and waits for its first piece, so that an upstream counts only when it has said something.
pub(super) fn open(request: Arc<ChatRequest>) -> Call<(Chunk, Chunks)> {
    Arc::new(move |member| {
        let request = Arc::clone(&request);
        async move {
            let mut chunks = member.provider.chat_stream(&member.model, &request).await?;
            let first = chunks.next().await;
            let first =
                first.ok_or_else(|| ProviderError::Broken("it ended before it began".to_owned()))??;
            Ok((first, chunks))
        }
        .boxed()
    })
}

impl Gateway {
    /// A whole answer.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn chat(
        &self,
        ask: &Ask,
        mut request: ChatRequest,
    ) -> Result<Answered<Arc<ChatResponse>>, Unanswered> {
        request.behalf = Some(ask.asker.caller.clone());
        let mut asking = self.inner.begin(ask, Operation::Chat, chat_needs(&request))?;
        let request = Arc::new(request);
        let asked = Arc::clone(&request);
        let call: Call<ChatResponse> = Arc::new(move |member| {
            let request = Arc::clone(&asked);
            async move { member.provider.chat(&member.model, &request).await }.boxed()
        });
        let spent = |answer: &ChatResponse, asked| (used(answer.usage, asked, answer), 0);
        let Some((key, ttl)) = keeps(ask, &asking, "chat", &*request) else {
            let result = self.paid(&mut asking, &call, 0, spent).await;
            let result = result.map(|(answer, target)| (Arc::new(answer), target));
            return self.finish(&asking, result.map_err(Arc::new), CacheUse::Off);
        };
        let compute = async {
            let (answer, target) = self.paid(&mut asking, &call, 0, spent).await?;
            Ok((Kept::Chat(Arc::new(answer)), target))
        };
        let kept = self.inner.answers.get_or(key, ttl, compute).await;
        let (result, cache) = match kept {
            Ok((Kept::Chat(answer), target, there)) => (Ok((answer, target.to_string())), used_cache(there)),
            // Keys of another operation are other keys.
            Ok((Kept::Embeddings(_), ..)) => (Err(Arc::new(GatewayError::NoModel(None))), CacheUse::Off),
            Err(error) => (Err(error), CacheUse::Miss),
        };
        self.finish(&asking, result, cache)
    }

    /// An answer in pieces. It returns with the first one; when the stream breaks later another upstream goes on.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn chat_stream(
        &self,
        ask: &Ask,
        mut request: ChatRequest,
    ) -> Result<Answered<AnswerStream>, Unanswered> {
        request.behalf = Some(ask.asker.caller.clone());
        let inner = &self.inner;
        let mut asking = inner.begin(ask, Operation::ChatStream, chat_needs(&request))?;
        let keep = keeps(ask, &asking, "chat", &request);
        if let Some((key, _)) = &keep
            && let Some((Kept::Chat(answer), target)) = inner.answers.get(key).await
        {
            let chunks = futures_util::stream::iter(answer.chunks().into_iter().map(Ok)).boxed();
            return self.finish(&asking, Ok((chunks, target.to_string())), CacheUse::Hit);
        }
        let cache = if keep.is_some() { CacheUse::Miss } else { CacheUse::Off };
        let request = Arc::new(request);
        let begun = async {
            let settlement = inner.admit(&asking, 0).await?;
            let won = inner.run(&mut asking, &open(Arc::clone(&request)), None).await?;
            Ok((settlement, won))
        };
        let (settlement, won) = match begun.await {
            Ok(begun) => begun,
            Err(error) => return self.finish(&asking, Err(Arc::new(error)), cache),
        };
        let target = won.member.target.id.clone();
        let (id, model) = (asking.id.clone(), asking.route.name.clone());
        inner.keep(&asking, Some(&target), cache);
        let going = Going::new(Arc::clone(inner), asking, request, won, settlement, keep, cache);
        Ok(Answered { value: going.stream(), decision: id, model, target })
    }

    /// A vector for each text.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn embed(
        &self,
        ask: &Ask,
        request: EmbedRequest,
    ) -> Result<Answered<Arc<Embeddings>>, Unanswered> {
        let estimated = request.texts.iter().map(|text| text.len() as u64 / 4 + 1).sum();
        let mut asking = self.inner.begin(ask, Operation::Embed, needs(PLAIN, (estimated, 0)))?;
        let request = Arc::new(request);
        let asked = Arc::clone(&request);
        let call: Call<Embeddings> = Arc::new(move |member| {
            let request = Arc::clone(&asked);
            async move { member.provider.embed(&member.model, &request).await }.boxed()
        });
        let spent = |answer: &Embeddings, asked| ((answer.input.unwrap_or(asked), 0), 0);
        let Some((key, ttl)) = keeps(ask, &asking, "embed", &*request) else {
            let result = self.paid(&mut asking, &call, 0, spent).await;
            let result = result.map(|(answer, target)| (Arc::new(answer), target));
            return self.finish(&asking, result.map_err(Arc::new), CacheUse::Off);
        };
        let compute = async {
            let (answer, target) = self.paid(&mut asking, &call, 0, spent).await?;
            Ok((Kept::Embeddings(Arc::new(answer)), target))
        };
        let kept = self.inner.answers.get_or(key, ttl, compute).await;
        let (result, cache) = match kept {
            Ok((Kept::Embeddings(answer), target, there)) => {
                (Ok((answer, target.to_string())), used_cache(there))
            }
            // Keys of another operation are other keys.
            Ok((Kept::Chat(_), ..)) => (Err(Arc::new(GatewayError::NoModel(None))), CacheUse::Off),
            Err(error) => (Err(error), CacheUse::Miss),
        };
        self.finish(&asking, result, cache)
    }

    /// Images of a text.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn image(&self, ask: &Ask, request: ImageRequest) -> Result<Answered<Vec<Image>>, Unanswered> {
        let pieces = u64::from(request.count);
        let request = Arc::new(request);
        let call: Call<Vec<Image>> = Arc::new(move |member| {
            let request = Arc::clone(&request);
            async move { member.provider.image(&member.model, &request).await }.boxed()
        });
        self.piece(ask, Operation::Image, call, pieces).await
    }

    /// The words of a recording.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn transcribe(
        &self,
        ask: &Ask,
        request: TranscribeRequest,
    ) -> Result<Answered<Transcript>, Unanswered> {
        let request = Arc::new(request);
        let call: Call<Transcript> = Arc::new(move |member| {
            let request = Arc::clone(&request);
            async move { member.provider.transcribe(&member.model, &request).await }.boxed()
        });
        self.piece(ask, Operation::Transcribe, call, 1).await
    }

    /// A text as a recording.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn speak(&self, ask: &Ask, request: SpeechRequest) -> Result<Answered<Speech>, Unanswered> {
        let request = Arc::new(request);
        let call: Call<Speech> = Arc::new(move |member| {
            let request = Arc::clone(&request);
            async move { member.provider.speak(&member.model, &request).await }.boxed()
        });
        self.piece(ask, Operation::Speak, call, 1).await
    }

    /// What is counted by the piece.
    async fn piece<T: Send + 'static>(
        &self,
        ask: &Ask,
        operation: Operation,
        call: Call<T>,
        pieces: u64,
    ) -> Result<Answered<T>, Unanswered> {
        let mut asking = self.inner.begin(ask, operation, needs(PLAIN, (0, 0)))?;
        let result = self.paid(&mut asking, &call, pieces, |_, _| ((0, 0), pieces)).await;
        self.finish(&asking, result.map_err(Arc::new), CacheUse::Off)
    }

    /// Admits, asks and pays. `spent` says how many tokens, asked and answered, and pieces an answer was; it is told
    /// how many are asked by estimate.
    async fn paid<T: Send + 'static>(
        &self,
        asking: &mut Asking,
        call: &Call<T>,
        pieces: u64,
        spent: impl FnOnce(&T, u64) -> ((u64, u64), u64),
    ) -> Result<(T, String), GatewayError> {
        let mut settlement = self.inner.admit(asking, pieces).await?;
        let won = self.inner.run(asking, call, None).await?;
        let ((input, output), pieces) = spent(&won.value, asking.needs.tokens.0);
        let target = &won.member.target;
        settlement.owe(Spent::new(&target.id, &target.price, input, output, pieces));
        settlement.settle().await;
        Ok((won.value, target.id.clone()))
    }

    /// Keeps the reasons of a request that is over.
    fn finish<T>(
        &self,
        asking: &Asking,
        result: Result<(T, String), Arc<GatewayError>>,
        cache: CacheUse,
    ) -> Result<Answered<T>, Unanswered> {
        let decision = asking.id.clone();
        match result {
            Ok((value, target)) => {
                self.inner.keep(asking, Some(&target), cache);
                Ok(Answered { value, decision, model: asking.route.name.clone(), target })
            }
            Err(error) => {
                self.inner.keep(asking, None, cache);
                Err(Unanswered { error, decision: Some(decision) })
            }
        }
    }
}

fn used_cache(there: bool) -> CacheUse {
    if there { CacheUse::Hit } else { CacheUse::Miss }
}

/// Under which key and for how long an answer is kept; none when it is not.
fn keeps(
    ask: &Ask,
    asking: &Asking,
    operation: &str,
    request: &impl Serialize,
) -> Option<(cache::Key, Duration)> {
    let route = &asking.route;
    let kept = ask.cache && !route.cache.is_zero();
    // How far the words may travel decides who answers, so it is a part of what is asked.
    let operation = format!("{operation} {:?}", asking.needs.residency);
    let key = || cache::key(&ask.asker, &route.name, &route.generation, &operation, request);
    kept.then(|| (key(), route.cache))
}
