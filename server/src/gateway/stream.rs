//! A streamed answer after its first piece: when the stream breaks, another upstream goes on where it stopped.

use std::{sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use mtor_shared::gateway::CacheUse;

use super::{
    GatewayError, Inner,
    ask::{Asking, open, used},
    cache::{Kept, Key},
    health::Under,
    meter::{Settlement, Spent},
    race::{Won, failed},
    registry::Member,
};
use crate::providers::{
    Chunks, Fault, ProviderError,
    chat::{ChatRequest, ChatResponse, Chunk, Format},
};

/// Pieces in order, the last one a [`Chunk::End`]; nothing follows an error.
pub type AnswerStream = BoxStream<'static, Result<Chunk, Arc<GatewayError>>>;

/// How often a stream goes on with another upstream.
const RESUMES: u32 = 2;

/// A stream on its way. Dropped in the middle, because the asker went away, it pays for what was said.
pub(super) struct Going {
    inner: Arc<Inner>,
    asking: Asking,
    request: Arc<ChatRequest>,
    first: Option<Chunk>,
    upstream: Chunks,
    member: Arc<Member>,
    place: usize,
    _under: Under,
    said: ChatResponse,
    settlement: Option<Settlement>,
    keep: Option<(Key, Duration)>,
    cache: CacheUse,
    resumed: u32,
    over: bool,
}

impl Going {
    pub(super) fn new(
        inner: Arc<Inner>,
        asking: Asking,
        request: Arc<ChatRequest>,
        won: Won<(Chunk, Chunks)>,
        settlement: Settlement,
        keep: Option<(Key, Duration)>,
        cache: CacheUse,
    ) -> Self {
        let Won { value: (first, upstream), place, member, under } = won;
        Self {
            inner,
            asking,
            request,
            first: Some(first),
            upstream,
            member,
            place,
            _under: under,
            said: ChatResponse::default(),
            settlement: Some(settlement),
            keep,
            cache,
            resumed: 0,
            over: false,
        }
    }

    pub(super) fn stream(self) -> AnswerStream {
        stream::unfold(self, |mut going| async move { going.next().await.map(|piece| (piece, going)) })
            .boxed()
    }

    async fn next(&mut self) -> Option<Result<Chunk, Arc<GatewayError>>> {
        loop {
            if self.over {
                return None;
            }
            let piece = match self.first.take() {
                Some(first) => Some(Ok(first)),
                None => self.upstream.next().await,
            };
            let error = match piece {
                Some(Ok(chunk)) => {
                    self.said.fold(&chunk);
                    if matches!(chunk, Chunk::End { .. }) {
                        self.end().await;
                    }
                    return Some(Ok(chunk));
                }
                Some(Err(error)) => error,
                None => ProviderError::Broken("the stream ended in the middle".to_owned()),
            };
            if error.fault() != Fault::Unfit {
                failed(&self.inner, &self.member, self.asking.operation, &error.to_string());
            }
            if let Err(error) = self.resume(error).await {
                self.over = true;
                self.pay();
                return Some(Err(Arc::new(error)));
            }
        }
    }

    /// Goes on with another upstream, where that makes one answer: words can be gone on with, calls and JSON cannot.
    async fn resume(&mut self, error: ProviderError) -> Result<(), GatewayError> {
        let words = self.said.calls.is_empty() && self.request.format == Format::Text;
        let fresh = self.said == ChatResponse::default();
        let allowed = self.inner.settings.resume_streams && self.resumed < RESUMES && (words || fresh);
        if !allowed {
            return Err(GatewayError::Failed { target: self.member.target.id.clone(), error });
        }
        self.resumed += 1;
        let mut request = (*self.request).clone();
        request.resume = (!self.said.text.is_empty()).then(|| self.said.text.clone());
        let inner = Arc::clone(&self.inner);
        let call = open(Arc::new(request));
        let Won { value: (first, upstream), place, member, under } =
            inner.run(&mut self.asking, &call, Some(self.place)).await?;
        inner.keep(&self.asking, Some(&member.target.id), self.cache);
        (self.first, self.upstream, self.place) = (Some(first), upstream, place);
        (self.member, self._under) = (member, under);
        Ok(())
    }

    async fn end(&mut self) {
        self.over = true;
        self.member.health.answered();
        self.owe();
        if let Some(settlement) = self.settlement.take() {
            settlement.settle().await;
        }
        if let Some((key, ttl)) = self.keep.take() {
            let answer = Arc::new(std::mem::take(&mut self.said));
            self.inner.answers.put(key, Kept::Chat(answer), &self.member.target.id, ttl).await;
        }
    }

    fn owe(&mut self) {
        // What an upstream says covers only its own part of an answer that several gave.
        let usage = self.said.usage.filter(|_| self.resumed == 0);
        let (input, output) = used(usage, self.asking.needs.tokens.0, &self.said);
        let target = &self.member.target;
        if let Some(settlement) = &mut self.settlement {
            settlement.owe(Spent::new(&target.id, &target.price, input, output, 0));
        }
    }

    /// Pays without waiting for it.
    fn pay(&mut self) {
        self.owe();
        self.settlement = None;
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        if self.settlement.is_some() {
            self.pay();
        }
    }
}
