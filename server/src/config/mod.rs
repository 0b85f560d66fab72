//! What can be set, one typed struct a concern. Defaults < file < environment < flags.

mod federation;
mod gateway;
mod identity;
mod ledger;
mod limits;
mod log;
mod reader;
mod realm;
mod runs;
mod sources;

use std::path::PathBuf;

pub use federation::{BaseOverride, Federation, HostPort};
pub use gateway::{Gateway, KeySource, Kind, ModelRoute, ProviderSettings, TargetSettings};
pub use identity::IdentitySettings;
pub use ledger::LedgerSettings;
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use reader::{ConfigError, Mistake, Origin, Reader, SecretText};
pub use realm::Realm;
pub use runs::Runs;
pub use sources::Sources;

/// Everything that a realm can be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens, what it is called, where its files are.
    pub realm: Realm,
    /// What one client may ask for.
    pub limits: Limits,
    /// How calls to providers are made.
    pub federation: Federation,
    /// How descriptions are taken in.
    pub sources: Sources,
    /// Which models answer, and how.
    pub gateway: Gateway,
    /// How long runs are kept.
    pub runs: Runs,
    /// Who may come in.
    pub identity: IdentitySettings,
    /// What work costs.
    pub ledger: LedgerSettings,
    /// What is written while it works.
    pub log: Log,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--data`
    pub data: Option<String>,
    /// `--dist`
    pub dist: Option<String>,
    /// `--config`
    pub config: Option<PathBuf>,
}

/// Tables whose keys are names that a person chooses.
const FREE_TABLES: [&str; 1] = ["federation.base"];
/// Tables of tables with such names.
const COLLECTIONS: [&str; 3] = ["gateway.providers", "gateway.targets", "gateway.models"];

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// Every mistake at once, each with where it stands and what would be valid.
    pub fn load(
        flags: &Flags,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let folder = |wanted: &str| {
            environment.iter().find(|(name, _)| name == wanted).map(|(_, folder)| PathBuf::from(folder))
        };
        let home = folder("HOME").or_else(|| folder("USERPROFILE"));
        let cache = folder("XDG_CACHE_HOME").or_else(|| home.as_ref().map(|home| home.join(".cache")));
        // Keys of providers are named by whoever sets them up, for example OPENAI_API_KEY.
        let secrets = environment.clone().into_iter().collect();
        let mut reader = Reader::new(environment);
        if let Some(path) = &flags.config {
            let shown = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => reader.file(&shown, &text, &FREE_TABLES, &COLLECTIONS),
                Err(error) => {
                    let origin = Origin::Flag("--config");
                    let what = format!("{shown} cannot be read: {error}");
                    return Err(ConfigError(vec![Mistake { origin, what }]));
                }
            }
        }
        for (key, name, value) in [
            ("listen", "--listen", &flags.listen),
            ("data", "--data", &flags.data),
            ("dist", "--dist", &flags.dist),
        ] {
            if let Some(value) = value {
                reader.flag(key, name, value.clone());
            }
        }
        let config = Self {
            realm: Realm::read(&mut reader, home.as_deref(), cache.unwrap_or_default()),
            limits: Limits::read(&mut reader),
            federation: Federation::read(&mut reader),
            sources: Sources::read(&mut reader),
            gateway: Gateway::read(&mut reader, &secrets),
            runs: Runs::read(&mut reader),
            identity: IdentitySettings::read(&mut reader),
            ledger: LedgerSettings::read(&mut reader),
            log: Log::read(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, Flags) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mtor.toml");
        std::fs::write(&path, text).expect("written");
        (folder, Flags { config: Some(path), ..Flags::default() })
    }

    #[test]
    fn later_layers_win() {
        let (_folder, mut flags) =
            file("listen = \"127.0.0.1:1\"\ndata = \"from-file\"\n[realm]\nname = \"File\"");
        flags.listen = Some("127.0.0.1:3".into());
        let env = environment(&[("MTOR_LISTEN", "127.0.0.1:2"), ("MTOR_DATA", "from-env")]);
        let config = Config::load(&flags, env).expect("valid");
        assert_eq!(config.realm.listen.to_string(), "127.0.0.1:3");
        assert_eq!(config.realm.data, PathBuf::from("from-env"));
        assert_eq!(config.realm.name, "File");
    }

    #[test]
    fn every_mistake_is_named_at_once_with_its_place() {
        let (_folder, flags) = file(
            "listen = \"nowhere\"\n\n[limits]\nbody_bytes = -5\nbodi_bytes = 7\n[log]\nformat = \"xml\"\n",
        );
        let env = environment(&[("MTOR_LIMITS_CONCURRENT_RUNS", "many"), ("MTOR_LISTN", "x")]);
        let error = Config::load(&flags, env).expect_err("wrong").to_string();
        for part in [
            "6 mistakes",
            "line 1: listen = \"nowhere\" is not valid",
            "line 4: limits.body_bytes = -5 is not valid",
            "line 5: limits.bodi_bytes is not a setting; did you mean limits.body_bytes?",
            "environment variable MTOR_LIMITS_CONCURRENT_RUNS: limits.concurrent_runs = \"many\"",
            "MTOR_LISTN: there is no such setting; did you mean MTOR_LISTEN?",
            "line 7: log.format = \"xml\" is not valid; it must be pretty or json",
        ] {
            assert!(error.contains(part), "`{part}` is not in\n{error}");
        }
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        let (_folder, flags) = file("listen = \"127.0.0.1:1\"\nthis is not toml\n");
        let error = Config::load(&flags, []).expect_err("wrong").to_string();
        assert!(error.contains("line 2: this is not TOML"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let flags = Flags { config: Some("/nowhere/mtor.toml".into()), ..Flags::default() };
        let error = Config::load(&flags, []).expect_err("wrong").to_string();
        assert!(error.contains("flag --config: /nowhere/mtor.toml cannot be read"), "{error}");
    }

    #[test]
    fn a_wrong_key_is_named_and_not_shown() {
        let env = environment(&[("MTOR_REALM_CREDENTIALS_KEY", "correct horse")]);
        let error = Config::load(&Flags::default(), env).expect_err("wrong").to_string();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("horse"), "{error}");
        let env = environment(&[("MTOR_REALM_CREDENTIALS_KEY", &"ab".repeat(32))]);
        let config = Config::load(&Flags::default(), env).expect("valid");
        assert!(!format!("{config:?}").contains("abab"));
    }

    #[test]
    fn providers_and_models_are_read_and_mistakes_in_them_have_a_place() {
        let good = "[gateway.providers.near]\nkind = \"ollama\"\nkey = \"env:THE_KEY\"\n\
                    [gateway.models.\"gpt-4.1\"]\ntargets = [\"near/qwen3:8b\"]\npolicy = \"fastest\"";
        let (_folder, flags) = file(good);
        let config = Config::load(&flags, environment(&[("THE_KEY", "sk-1")])).expect("valid");
        let provider = &config.gateway.providers[0];
        assert_eq!((provider.kind, provider.base.as_str()), (Kind::Ollama, "http://127.0.0.1:11434/"));
        assert_eq!(config.gateway.models[0].name, "gpt-4.1");
        assert!(!format!("{config:?}").contains("sk-1"));
        let wrong = "[gateway.providers.near]\nkind = \"olama\"\nkee = \"env:X\"\n\
                     [gateway.models.m]\ntargets = [\"nobody/x\"]\n[gateway.models.empty]\n";
        let (_folder, flags) = file(wrong);
        let error = Config::load(&flags, []).expect_err("wrong").to_string();
        for part in [
            "line 2: gateway.providers.near.kind = \"olama\" is not valid",
            "line 3: gateway.providers.near.kee is not a setting; did you mean key?",
            "gateway.models.m: nobody/x names no provider",
            "line 6: gateway.models.empty.targets is missing",
        ] {
            assert!(error.contains(part), "`{part}` is not in\n{error}");
        }
    }

    #[test]
    fn a_key_or_a_password_in_a_file_is_refused_and_not_shown() {
        let (_folder, flags) = file(
            "[gateway.providers.a]\nkey = \"sk-very-secret\"\nbase = \"https://me:very-secret@api.example/v1\"",
        );
        let error = Config::load(&flags, []).expect_err("wrong").to_string();
        assert!(error.contains("env:NAME or file:PATH") && error.contains("without a user name"), "{error}");
        assert!(!error.contains("very-secret"), "{error}");
    }

    #[test]
    fn bases_and_private_addresses_are_read() {
        let (_folder, flags) = file(
            "[federation.base]\n\"https://api.open-meteo.com\" = \"http://127.0.0.1:9101/open-meteo\"\n\
             [egress]\nallow_private = [\"127.0.0.1:9101\"]",
        );
        let config = Config::load(&flags, []).expect("valid");
        assert_eq!(config.federation.base[0].to.as_str(), "http://127.0.0.1:9101/open-meteo");
        assert_eq!(config.federation.allow_private[0].to_string(), "127.0.0.1:9101");
    }
}
