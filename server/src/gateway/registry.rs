//! Who there is: providers, their models, and the names under which clients ask for them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use mtor_shared::{
    capability::Residency,
    gateway::{Features, Measured, Policy, Price, Seen, Standing, Target},
};
use reqwest::header::HeaderName;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::health::{Health, Operation};
use crate::{
    config::{self, KeySource, Kind, ProviderSettings},
    providers::{
        KeyHeader, Phases, Provider, ProviderError, Upstream, a1111::A1111, anthropic::Anthropic,
        comfyui::ComfyUi, hugging_face::HuggingFace, ollama::Ollama, openai::OpenAi, upstream_client,
        worker::Worker,
    },
};

/// A provider of the realm itself.
pub struct Extra {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Who answers.
    pub provider: Arc<dyn Provider>,
    /// Its models; each can be asked for by this name alone too.
    pub models: Vec<String>,
    /// Whether every other name behind its own is a model of it as well.
    pub any: bool,
}

/// One model of one provider.
pub(super) struct Member {
    /// For the policy.
    pub(super) target: Target,
    /// The provider's language.
    pub(super) kind: Kind,
    /// Who answers.
    pub(super) provider: Arc<dyn Provider>,
    /// The model's name there.
    pub(super) model: String,
    /// How it does.
    pub(super) health: Arc<Health>,
    limit: u32,
}

impl Member {
    pub(super) fn seen(&self, operation: Operation, now_ms: u64) -> Seen {
        let (standing, resting_until_ms, measured) = self.health.seen(operation, now_ms);
        Seen { standing, in_flight: self.health.in_flight(), limit: self.limit, resting_until_ms, measured }
    }

    pub(super) fn measured(&self, operation: Operation, now_ms: u64) -> Measured {
        self.health.measured(operation, now_ms)
    }

    pub(super) fn view(&self, now_ms: u64) -> TargetView {
        let seen = self.seen(Operation::Chat, now_ms);
        TargetView {
            id: self.target.id.clone(),
            kind: self.kind.name().to_owned(),
            residency: self.target.residency,
            features: self.target.features,
            price: self.target.price,
            standing: seen.standing,
            in_flight: seen.in_flight,
            limit: seen.limit,
            whole: seen.measured,
            first_piece: self.measured(Operation::ChatStream, now_ms),
        }
    }
}

/// An upstream as it is shown.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TargetView {
    /// `provider/model`
    pub id: String,
    /// The provider's language.
    pub kind: String,
    /// Where words go that are sent there.
    pub residency: Residency,
    /// What it can do.
    pub features: Features,
    /// What it costs.
    pub price: Price,
    /// Whether it is down; times are milliseconds since the gateway began.
    pub standing: Standing,
    /// Requests under way at its provider.
    pub in_flight: u32,
    /// Such requests at most.
    pub limit: u32,
    /// Of whole answers.
    pub whole: Measured,
    /// Of the first pieces of streamed ones.
    pub first_piece: Measured,
}

/// A model as clients ask for it.
pub(super) struct Route {
    pub(super) name: String,
    pub(super) members: Vec<Arc<Member>>,
    pub(super) policy: Policy,
    pub(super) residency: Residency,
    pub(super) cache: Duration,
    pub(super) hedge: Option<Duration>,
    /// The hash of all that is set about it.
    pub(super) generation: [u8; 32],
}

/// A model as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCard {
    /// Its name.
    pub id: String,
    /// Who answers, in order.
    pub targets: Vec<String>,
}

/// See the module.
pub(super) struct Registry {
    routes: HashMap<String, Arc<Route>>,
    members: BTreeMap<String, Arc<Member>>,
    /// Providers of which any name is a model, by theirs.
    open: HashMap<&'static str, Arc<Member>>,
    default_model: Option<String>,
}

impl Registry {
    pub(super) fn new(settings: &config::Gateway, extra: Vec<Extra>) -> Result<Self, String> {
        let phases = Phases {
            connect: settings.connect_timeout,
            first_byte: settings.first_byte_timeout,
            idle: settings.idle_timeout,
            total: settings.total_timeout,
            bytes: settings.response_bytes,
        };
        let client = upstream_client(&phases)?;
        let mut builder = Builder { settings, members: BTreeMap::new(), providers: HashMap::new() };
        let mut registry = Self {
            routes: HashMap::new(),
            members: BTreeMap::new(),
            open: HashMap::new(),
            default_model: settings.default_model.clone(),
        };
        let mut alone = Vec::new();
        let mut last_resort = None;
        for extra in extra {
            let known = Known {
                kind: extra.kind,
                provider: extra.provider,
                residency: Residency::Realm,
                limit: u32::MAX,
                in_flight: Arc::default(),
            };
            if extra.any {
                registry.open.insert(extra.name, Arc::new(known.member(extra.name, "", settings)));
            }
            builder.providers.insert(extra.name.to_owned(), known);
            for model in extra.models {
                let id = format!("{}/{model}", extra.name);
                if last_resort.is_none() && extra.kind == Kind::Native {
                    last_resort = Some(id.clone());
                }
                alone.push((model, id.clone()));
                alone.push((id.clone(), id));
            }
        }
        for provider in &settings.providers {
            let known = Known {
                kind: provider.kind,
                provider: connect(provider, &client, phases),
                residency: provider.residency,
                limit: provider.limit,
                in_flight: Arc::default(),
            };
            builder.providers.insert(provider.name.clone(), known);
            for model in &provider.models {
                let id = format!("{}/{model}", provider.name);
                alone.push((id.clone(), id));
            }
        }
        for target in &settings.targets {
            alone.push((target.id.clone(), target.id.clone()));
        }
        for model in &settings.models {
            let members = model.targets.iter().filter_map(|id| builder.member(id)).collect();
            let mut hash = Sha256::new();
            hash.update(format!("{model:?}"));
            let details = settings.targets.iter().filter(|target| model.targets.contains(&target.id));
            details.for_each(|target| hash.update(format!("{target:?}")));
            let route = Arc::new(Route {
                name: model.name.clone(),
                members,
                policy: model.policy,
                residency: model.residency,
                cache: model.cache,
                hedge: model.hedge,
                generation: hash.finalize().into(),
            });
            for name in std::iter::once(&model.name).chain(&model.aliases) {
                registry.routes.insert(name.clone(), Arc::clone(&route));
            }
            for target in &model.targets {
                alone.push((target.clone(), target.clone()));
            }
        }
        for (name, id) in alone {
            let Some(member) = builder.member(&id) else { continue };
            registry.routes.entry(name).or_insert_with_key(|name| Arc::new(single(name, member)));
        }
        if registry.default_model.is_none() {
            registry.default_model = match settings.models.as_slice() {
                [only] => Some(only.name.clone()),
                _ => last_resort,
            };
        }
        registry.members = builder.members;
        Ok(registry)
    }

    /// The route of a model; the usual one where none is named.
    pub(super) fn find(&self, name: Option<&str>) -> Option<Arc<Route>> {
        let name = name.or(self.default_model.as_deref())?;
        if let Some(route) = self.routes.get(name) {
            return Some(Arc::clone(route));
        }
        let (provider, model) = name.split_once('/')?;
        let open = self.open.get(provider).filter(|_| !model.is_empty())?;
        let member = Member {
            target: Target { id: name.to_owned(), ..open.target.clone() },
            kind: open.kind,
            provider: Arc::clone(&open.provider),
            model: model.to_owned(),
            health: Arc::clone(&open.health),
            limit: open.limit,
        };
        Some(Arc::new(single(name, Arc::new(member))))
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    pub(super) fn cards(&self) -> Vec<ModelCard> {
        let card = |(name, route): (&String, &Arc<Route>)| ModelCard {
            id: name.clone(),
            targets: route.members.iter().map(|member| member.target.id.clone()).collect(),
        };
        let mut cards: Vec<ModelCard> = self.routes.iter().map(card).collect();
        cards.sort_by(|a, b| a.id.cmp(&b.id));
        cards
    }
}

fn single(name: &str, member: Arc<Member>) -> Route {
    Route {
        name: name.to_owned(),
        residency: Residency::Provider,
        members: vec![member],
        policy: Policy::Priority,
        cache: Duration::ZERO,
        hedge: None,
        generation: [0; 32],
    }
}

struct Known {
    kind: Kind,
    provider: Arc<dyn Provider>,
    residency: Residency,
    limit: u32,
    in_flight: Arc<AtomicU32>,
}

impl Known {
    fn member(&self, name: &str, model: &str, settings: &config::Gateway) -> Member {
        let id = format!("{name}/{model}");
        let details = settings.targets.iter().find(|target| target.id == id);
        Member {
            target: Target {
                weight: details.map_or(1, |details| details.weight),
                price: details.map(|details| details.price).unwrap_or_default(),
                residency: self.residency,
                features: details
                    .and_then(|details| details.features)
                    .unwrap_or_else(|| self.kind.features()),
                id,
            },
            kind: self.kind,
            provider: Arc::clone(&self.provider),
            model: model.to_owned(),
            health: Arc::new(Health::new(settings.breaker, Arc::clone(&self.in_flight))),
            limit: self.limit,
        }
    }
}

struct Builder<'a> {
    settings: &'a config::Gateway,
    members: BTreeMap<String, Arc<Member>>,
    providers: HashMap<String, Known>,
}

impl Builder<'_> {
    /// The one member of that id; models share it, so that one model learns from another's failures.
    fn member(&mut self, id: &str) -> Option<Arc<Member>> {
        if let Some(member) = self.members.get(id) {
            return Some(Arc::clone(member));
        }
        let (name, model) = id.split_once('/')?;
        let known = self.providers.get(name)?;
        let member = Arc::new(known.member(name, model, self.settings));
        self.members.insert(id.to_owned(), Arc::clone(&member));
        Some(member)
    }
}

/// Sets a provider up. One that cannot be is there all the same, and says so whenever it is asked: another one answers.
fn connect(settings: &ProviderSettings, client: &reqwest::Client, phases: Phases) -> Arc<dyn Provider> {
    match try_connect(settings, client, phases) {
        Ok(provider) => provider,
        Err(error) => {
            tracing::warn!(provider = settings.name, %error, "a provider is not set up");
            Arc::new(Absent(error))
        }
    }
}

fn try_connect(
    settings: &ProviderSettings,
    client: &reqwest::Client,
    phases: Phases,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let key = match &settings.key {
        None => None,
        Some(KeySource::Given(key)) => Some(zeroize::Zeroizing::new(key.expose().to_owned())),
        Some(KeySource::Unset(name)) => {
            return Err(ProviderError::NotSetUp(format!("the environment variable {name} is not set")));
        }
        Some(KeySource::File(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ProviderError::NotSetUp(format!("the key file {} cannot be read: {error}", path.display()))
            })?;
            let text = zeroize::Zeroizing::new(text);
            Some(zeroize::Zeroizing::new(text.trim().to_owned()))
        }
    };
    let how = match settings.kind {
        Kind::Anthropic => KeyHeader::Named(HeaderName::from_static("x-api-key")),
        _ => KeyHeader::Bearer,
    };
    let key = key.as_ref().map(|key| (how, key.as_str()));
    let upstream = Upstream::new(client.clone(), settings.base.clone(), key, phases)?;
    Ok(match settings.kind {
        Kind::OpenAi => Arc::new(OpenAi::new(upstream)),
        Kind::Ollama => Arc::new(Ollama::new(upstream)),
        Kind::Anthropic => Arc::new(Anthropic::new(upstream)),
        Kind::HuggingFace => Arc::new(HuggingFace::new(upstream)),
        Kind::A1111 => Arc::new(A1111::new(upstream)),
        Kind::ComfyUi => Arc::new(ComfyUi::new(upstream, settings.workflow.as_deref(), phases.total)?),
        Kind::Worker => Arc::new(Worker::new(upstream)),
        Kind::Native | Kind::Capabilities => {
            return Err(ProviderError::NotSetUp("it is the realm's own and needs no setting up".to_owned()));
        }
    })
}

/// A provider that could not be set up.
struct Absent(ProviderError);

#[async_trait::async_trait]
impl Provider for Absent {
    async fn chat(
        &self,
        _: &str,
        _: &crate::providers::chat::ChatRequest,
    ) -> Result<crate::providers::chat::ChatResponse, ProviderError> {
        Err(self.0.clone())
    }

    async fn chat_stream(
        &self,
        _: &str,
        _: &crate::providers::chat::ChatRequest,
    ) -> Result<crate::providers::Chunks, ProviderError> {
        Err(self.0.clone())
    }
}
