//! Where the realm listens, what it is called and where its files are.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Reader, SecretText};

/// The default address; the one that `cargo xtask run` opens.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9000);

/// See the module.
#[derive(Clone, Debug)]
pub struct Realm {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the database; made when it is not there.
    pub data: PathBuf,
    /// Folder of the built shell; none serves the one inside the binary.
    pub dist: Option<PathBuf>,
    /// Folder of model weights, each file named by its SHA-256.
    pub models: PathBuf,
    /// The key that credentials are encrypted with: 64 hexadecimal digits. It comes before the key file.
    pub credentials_key: Option<SecretText>,
    /// The file with that key; none means `credentials.key` in the data folder, which is made when it is needed.
    pub credentials_key_file: Option<PathBuf>,
    /// For a person.
    pub name: String,
    /// `Host` headers that are answered besides the listening address and this machine's own names.
    pub allowed_hosts: Vec<String>,
    /// Whether people reach it by https, through a proxy in front of it: browsers are then told to keep to that.
    pub https: bool,
}

impl Realm {
    pub(super) fn read(reader: &mut Reader, home: Option<&Path>, cache: PathBuf) -> Self {
        let path = |text: &str| (!text.is_empty()).then(|| expand(text, home));
        Self {
            listen: reader.text(
                "listen",
                LISTEN,
                "an address and a port, for example 127.0.0.1:9000",
                |text| text.parse().ok(),
            ),
            data: reader.text("data", PathBuf::from("data"), "a folder", path),
            dist: reader.text("dist", None, "a folder", |text| path(text).map(Some)),
            models: reader.text("models", cache.join("mtor/models"), "a folder", path),
            credentials_key: reader.secret("realm.credentials_key", "64 hexadecimal digits", |text| {
                text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            }),
            credentials_key_file: reader
                .text("realm.credentials_key_file", None, "a file", |text| path(text).map(Some)),
            name: reader.text("realm.name", "This realm".to_owned(), "1 to 80 characters", |text| {
                (1..=80).contains(&text.chars().count()).then(|| text.to_owned())
            }),
            allowed_hosts: reader.list(
                "realm.allowed_hosts",
                Vec::new(),
                "a list of hosts with their port, for example [\"mtor.example:443\"]",
                |text| {
                    let plain = !text.is_empty() && !text.contains(['/', '@', ' ', '*']);
                    plain.then(|| text.to_ascii_lowercase())
                },
            ),
            https: reader.text("realm.https", false, "true or false", |text| text.parse().ok()),
        }
    }
}

/// `~/` is the home folder, as people expect who write it into a file.
fn expand(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}
