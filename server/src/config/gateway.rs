//! Which models the gateway offers, who answers for them, and how long anybody is waited for.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use mtor_shared::{
    capability::Residency,
    gateway::{BreakerSettings, Features, Policy, Price},
};
use url::Url;
use zeroize::Zeroizing;

use super::{Reader, SecretText, limits::size};

/// What language a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OpenAI's, which llama.cpp, vLLM, LM Studio and many others speak too.
    OpenAi,
    /// Ollama's own.
    Ollama,
    /// Anthropic's Messages API.
    Anthropic,
    /// Hugging Face's router and inference.
    HuggingFace,
    /// The web UI of Automatic1111 for Stable Diffusion.
    A1111,
    /// ComfyUI's queue.
    ComfyUi,
    /// A worker of the first MTOR: `POST /predict`.
    Worker,
    /// This realm's own engine.
    Native,
    /// This realm's compiled capabilities.
    Capabilities,
}

impl Kind {
    const ALL: [(&'static str, Self); 9] = [
        ("openai", Self::OpenAi),
        ("ollama", Self::Ollama),
        ("anthropic", Self::Anthropic),
        ("hugging-face", Self::HuggingFace),
        ("a1111", Self::A1111),
        ("comfyui", Self::ComfyUi),
        ("worker", Self::Worker),
        ("native", Self::Native),
        ("capabilities", Self::Capabilities),
    ];

    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    fn usual_base(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Ollama => "http://127.0.0.1:11434",
            Self::Anthropic => "https://api.anthropic.com",
            Self::HuggingFace => "https://router.huggingface.co",
            Self::A1111 => "http://127.0.0.1:7860",
            Self::ComfyUi => "http://127.0.0.1:8188",
            Self::Worker => "http://127.0.0.1:8000",
            // Not called over the network.
            Self::Native | Self::Capabilities => "http://localhost",
        }
    }

    fn usual_features(self) -> Features {
        match self {
            Self::OpenAi | Self::Anthropic | Self::HuggingFace | Self::Ollama => {
                Features { tools: true, vision: true, json: true }
            }
            Self::Worker => Features { tools: false, vision: true, json: false },
            Self::Native => Features { tools: false, vision: false, json: true },
            Self::Capabilities => Features { tools: false, vision: false, json: true },
            Self::A1111 | Self::ComfyUi => Features { tools: false, vision: false, json: false },
        }
    }
}

/// Where a provider's key is. The key itself never stands in a configuration file.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// It was in the environment.
    Given(SecretText),
    /// The environment variable of that name is not set.
    Unset(String),
    /// A file, read when the realm starts.
    File(PathBuf),
}

/// One upstream.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name here; the first half of a target.
    pub name: String,
    /// Its language.
    pub kind: Kind,
    /// Where it is; paths are put behind it.
    pub base: Url,
    /// Its key.
    pub key: Option<KeySource>,
    /// Where words go that are sent there.
    pub residency: Residency,
    /// Requests under way there at most.
    pub limit: u32,
    /// Models that it offers, for the list of models.
    pub models: Vec<String>,
    /// ComfyUI only: the workflow in its API format, with `{{prompt}}`, `{{negative}}`, `{{width}}`, `{{height}}` and
    /// `{{seed}}` in it.
    pub workflow: Option<PathBuf>,
}

/// What is known of one model of one provider.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// `provider/model`
    pub id: String,
    /// See [`mtor_shared::gateway::Target::weight`].
    pub weight: u32,
    /// What it costs.
    pub price: Price,
    /// What it can do; none for what its kind usually can.
    pub features: Option<Features>,
}

/// A model as clients ask for it.
#[derive(Clone, Debug)]
pub struct ModelRoute {
    /// Its name.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// `provider/model`, in order.
    pub targets: Vec<String>,
    /// How they are ordered.
    pub policy: Policy,
    /// How far words may travel.
    pub residency: Residency,
    /// How long answers are kept; zero for not at all.
    pub cache: Duration,
    /// Another one is asked after this time instead of the measured one.
    pub hedge: Option<Duration>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Upstreams.
    pub providers: Vec<ProviderSettings>,
    /// Details of some of their models.
    pub targets: Vec<TargetSettings>,
    /// What is offered.
    pub models: Vec<ModelRoute>,
    /// What answers where no model is named.
    pub default_model: Option<String>,
    /// How long an upstream is waited for before the next one is asked too, until it has been measured.
    pub patience: Duration,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// From sending to the first byte.
    pub first_byte_timeout: Duration,
    /// Between two pieces of a streamed answer.
    pub idle_timeout: Duration,
    /// For the whole of one call.
    pub total_timeout: Duration,
    /// Largest answer of an upstream.
    pub response_bytes: usize,
    /// Largest request.
    pub body_bytes: usize,
    /// How often the same upstreams are asked again after all have failed.
    pub retries: u32,
    /// Such repetitions for a hundred requests.
    pub retry_percent: u32,
    /// When an upstream counts as down.
    pub breaker: BreakerSettings,
    /// Memory for kept answers.
    pub cache_bytes: u64,
    /// Decisions that are kept.
    pub decisions: u64,
    /// Whether a broken stream goes on with another upstream.
    pub resume_streams: bool,
    /// Whether `invoke` of MCP may call what changes something.
    pub mcp_writes: bool,
}

impl Gateway {
    pub(super) fn read(reader: &mut Reader, environment: &BTreeMap<String, String>) -> Self {
        let ms = Duration::from_millis;
        let providers =
            reader.collection("gateway.providers", |name, section| provider(name, section, environment));
        let targets = reader.collection("gateway.targets", target);
        let models = reader.collection("gateway.models", model);
        let usual = BreakerSettings::default();
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let gateway = Self {
            default_model: reader.text("gateway.default_model", None, "the name of a model", |text| {
                Some(Some(text.to_owned()))
            }),
            patience: ms(reader.number("gateway.patience_ms", 800, 1..=600_000)),
            connect_timeout: ms(reader.number("gateway.connect_timeout_ms", 2_000, 1..=600_000)),
            first_byte_timeout: ms(reader.number("gateway.first_byte_timeout_ms", 120_000, 1..=3_600_000)),
            idle_timeout: ms(reader.number("gateway.idle_timeout_ms", 5_000, 1..=3_600_000)),
            total_timeout: ms(reader.number("gateway.total_timeout_ms", 600_000, 1..=3_600_000)),
            response_bytes: size(reader.number("gateway.response_bytes", 64 << 20, 1024..=1 << 30)),
            body_bytes: size(reader.number("gateway.body_bytes", 20 << 20, 1024..=1 << 30)),
            retries: count(reader.number("gateway.retries", 2, 0..=10)),
            retry_percent: count(reader.number("gateway.retry_percent", 20, 0..=100)),
            breaker: BreakerSettings {
                failures: count(reader.number(
                    "gateway.breaker_failures",
                    u64::from(usual.failures),
                    0..=1_000,
                )),
                cooldown_ms: reader.number("gateway.breaker_cooldown_ms", usual.cooldown_ms, 1..=3_600_000),
                longest_ms: reader.number("gateway.breaker_longest_ms", usual.longest_ms, 1..=3_600_000),
            },
            cache_bytes: reader.number("gateway.cache_bytes", 64 << 20, 0..=1 << 40),
            decisions: reader.number("gateway.decisions", 10_000, 1..=10_000_000),
            resume_streams: reader
                .text("gateway.resume_streams", true, "true or false", |text| text.parse().ok()),
            mcp_writes: reader.text("gateway.mcp_writes", false, "true or false", |text| text.parse().ok()),
            providers,
            targets,
            models,
        };
        gateway.check(reader);
        gateway
    }

    /// What shows only when all of it is seen.
    fn check(&self, reader: &mut Reader) {
        let known = |target: &str| {
            target
                .split_once('/')
                .is_some_and(|(provider, model)| !model.is_empty() && self.knows_provider(provider))
        };
        for model in &self.models {
            for target in model.targets.iter().filter(|target| !known(target)) {
                reader.wrong(format!(
                    "gateway.models.{}: {target} names no provider; a target is provider/model, and the providers \
                     are {}",
                    model.name,
                    self.provider_names()
                ));
            }
        }
        for target in self.targets.iter().filter(|target| !known(&target.id)) {
            reader.wrong(format!(
                "gateway.targets.{} names no provider; the providers are {}",
                target.id,
                self.provider_names()
            ));
        }
        let mut names = BTreeMap::new();
        for model in &self.models {
            for name in std::iter::once(&model.name).chain(&model.aliases) {
                if let Some(other) = names.insert(name, &model.name) {
                    reader.wrong(format!("gateway.models.{}: {other} has the name {name} too", model.name));
                }
            }
        }
    }

    fn knows_provider(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || self.providers.iter().any(|provider| provider.name == name)
    }

    fn provider_names(&self) -> String {
        let own = self.providers.iter().map(|provider| provider.name.as_str());
        own.chain(BUILT_IN).collect::<Vec<_>>().join(", ")
    }
}

/// Providers that are there without being set up.
const BUILT_IN: [&str; 2] = ["native", "capabilities"];

fn provider(
    name: &str,
    section: &mut Reader,
    environment: &BTreeMap<String, String>,
) -> Option<ProviderSettings> {
    if name.is_empty() || name.contains('/') || BUILT_IN.contains(&name) {
        section.wrong("is no name for a provider; choose another, without a slash".to_owned());
    }
    let kinds: Vec<&str> = Kind::ALL[..7].iter().map(|(name, _)| *name).collect();
    let kind = section.text("kind", Kind::OpenAi, &kinds.join(", "), |text| {
        Kind::ALL[..7].iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind)
    });
    let usual = Url::parse(kind.usual_base()).ok()?;
    // Neither is shown when it is wrong: what is wrong with it may be that it holds a password or a key.
    let wanted = "an http(s) address without a user name";
    let base = section.secret("base", wanted, |text| address(text).is_some());
    let base = base.and_then(|text| address(text.expose())).unwrap_or(usual);
    let wanted = "env:NAME or file:PATH; the key itself does not belong into a configuration";
    let key = section.secret("key", wanted, |text| text.starts_with("env:") || text.starts_with("file:"));
    let key = key.and_then(|text| match text.expose().split_once(':') {
        Some(("env", name)) => Some(match environment.get(name) {
            Some(key) => KeySource::Given(SecretText(Zeroizing::new(key.trim().to_owned()))),
            None => KeySource::Unset(name.to_owned()),
        }),
        Some(("file", path)) => Some(KeySource::File(PathBuf::from(path))),
        _ => None,
    });
    let near = base.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
    let usual = if near { Residency::Realm } else { Residency::Provider };
    let model_list = "a list of names";
    Some(ProviderSettings {
        name: name.to_owned(),
        kind,
        base,
        key,
        residency: residency(section, usual),
        limit: u32::try_from(section.number("limit", 256, 1..=100_000)).unwrap_or(256),
        models: section.list("models", Vec::new(), model_list, |text| Some(text.to_owned())),
        workflow: section.text("workflow", None, "a file", |text| Some(Some(PathBuf::from(text)))),
    })
}

fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (matches!(url.scheme(), "http" | "https") && url.host().is_some() && plain).then_some(url)
}

fn residency(section: &mut Reader, usual: Residency) -> Residency {
    section.text("residency", usual, "realm or provider", |text| match text {
        "realm" => Some(Residency::Realm),
        "provider" => Some(Residency::Provider),
        _ => None,
    })
}

fn target(name: &str, section: &mut Reader) -> Option<TargetSettings> {
    let flag = |section: &mut Reader, key| {
        section.text(key, None, "true or false", |text| text.parse::<bool>().ok().map(Some))
    };
    let flags = (flag(section, "tools"), flag(section, "vision"), flag(section, "json"));
    let features = match flags {
        (None, None, None) => None,
        (tools, vision, json) => Some(Features {
            tools: tools.unwrap_or(true),
            vision: vision.unwrap_or(true),
            json: json.unwrap_or(true),
        }),
    };
    let most = 1_u64 << 50;
    Some(TargetSettings {
        id: name.to_owned(),
        weight: u32::try_from(section.number("weight", 1, 1..=1_000_000)).unwrap_or(1),
        price: Price {
            input_micro: section.number("input_micro", 0, 0..=most),
            output_micro: section.number("output_micro", 0, 0..=most),
            piece_micro: section.number("piece_micro", 0, 0..=most),
        },
        features,
    })
}

fn model(name: &str, section: &mut Reader) -> Option<ModelRoute> {
    let names = |section: &mut Reader, key| {
        section.list(key, Vec::new(), "a list of names", |text| (!text.is_empty()).then(|| text.to_owned()))
    };
    let route = ModelRoute {
        name: name.to_owned(),
        aliases: names(section, "aliases"),
        targets: names(section, "targets"),
        policy: section.text(
            "policy",
            Policy::Priority,
            "priority, weighted, least-loaded, fastest or cheapest",
            |text| match text {
                "priority" => Some(Policy::Priority),
                "weighted" => Some(Policy::Weighted),
                "least-loaded" => Some(Policy::LeastLoaded),
                "fastest" => Some(Policy::Fastest),
                "cheapest" => Some(Policy::Cheapest),
                _ => None,
            },
        ),
        residency: residency(section, Residency::Provider),
        cache: Duration::from_secs(section.number("cache_s", 0, 0..=31_536_000)),
        hedge: match section.number("hedge_ms", 0, 0..=600_000) {
            0 => None,
            ms => Some(Duration::from_millis(ms)),
        },
    };
    if route.targets.is_empty() {
        section.wrong("targets is missing; name at least one provider/model".to_owned());
        return None;
    }
    Some(route)
}

impl Kind {
    /// What models of this kind can do where nothing else is set.
    pub fn features(self) -> Features {
        self.usual_features()
    }
}
