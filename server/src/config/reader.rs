//! Reads settings from layers and collects every mistake, so that a person mends a file in one go.
//!
//! Later layers win: defaults, file, environment, flags. An own small reader on `toml` instead of a
//! configuration crate, because those stop at the first error and do not say on which line it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use toml::{Spanned, de::DeTable, de::DeValue};

/// Variables of the project's other programs, which may be set in the same shell.
const OTHERS: [&str; 4] = ["MTOR_CHROMIUM", "MTOR_SERVER", "MTOR_SHARED", "MTOR_TARGET"];

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file.
    File {
        /// Its path as it was given.
        path: String,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag("") => write!(f, "the settings together"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {what}")]
pub struct Mistake {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong and what would be right.
    pub what: String,
}

/// Every mistake of all layers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "The configuration has a mistake:")?,
            n => write!(f, "The configuration has {n} mistakes:")?,
        }
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

/// A value of any layer before it is understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    List(Vec<String>),
    Table(BTreeMap<String, String>),
    Other(&'static str),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Integer(number) => write!(f, "{number}"),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Table(_) => write!(f, "a table"),
            Self::Other(kind) => write!(f, "{kind}"),
        }
    }
}

/// A setting that is shown to nobody and wiped when it is dropped.
#[derive(Clone)]
pub struct SecretText(pub(super) zeroize::Zeroizing<String>);

impl SecretText {
    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(•••)")
    }
}

/// A table among others of its kind: its name, and its settings.
type Section = (String, Origin, BTreeMap<String, (Origin, Raw)>);

/// The layers, and what was found wrong in them so far.
pub struct Reader {
    layers: BTreeMap<String, (Origin, Raw)>,
    /// Tables of tables whose names a person chooses, by key.
    collections: BTreeMap<String, Vec<Section>>,
    /// Put before keys in messages: the name of the section that is read.
    prefix: String,
    environment: BTreeMap<String, String>,
    known: BTreeSet<&'static str>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    /// Starts with the environment: `(name, value)` pairs, of which those that begin with `MTOR_` count.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            layers: BTreeMap::new(),
            collections: BTreeMap::new(),
            prefix: String::new(),
            environment: environment
                .into_iter()
                .filter(|(name, _)| name.starts_with("MTOR_") && !OTHERS.contains(&name.as_str()))
                .collect(),
            known: BTreeSet::new(),
            mistakes: Vec::new(),
        }
    }

    /// Adds a TOML file's text. Dotted keys below `tables` are one value each; those below `collections` are tables
    /// with names of their own.
    pub fn file(&mut self, path: &str, text: &str, tables: &[&str], collections: &[&str]) {
        let line =
            |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count();
        match DeTable::parse(text) {
            Ok(table) => {
                let mut found = Vec::new();
                let whole: Vec<&str> = tables.iter().chain(collections).copied().collect();
                flatten("", table.get_ref(), &whole, &mut found);
                let origin = |at| Origin::File { path: path.to_owned(), line: line(at) };
                for (key, at, value) in found {
                    match value.get_ref() {
                        DeValue::Table(sections) if collections.contains(&key.as_str()) => {
                            let sections = sections.iter().map(|(name, section)| {
                                let fields = match section.get_ref() {
                                    DeValue::Table(fields) => fields
                                        .iter()
                                        .map(|(name, value)| {
                                            let origin = origin(name.span().start);
                                            (name.get_ref().to_string(), (origin, raw(value)))
                                        })
                                        .collect(),
                                    // Not a table: named as a setting that does not exist.
                                    _ => BTreeMap::from([(String::new(), (origin(at), raw(section)))]),
                                };
                                (name.get_ref().to_string(), origin(name.span().start), fields)
                            });
                            self.collections.insert(key, sections.collect());
                        }
                        _ => {
                            self.layers.insert(key, (origin(at), raw(value)));
                        }
                    }
                }
            }
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let origin = Origin::File { path: path.to_owned(), line: line(at) };
                self.mistakes
                    .push(Mistake { origin, what: format!("this is not TOML: {}", error.message()) });
            }
        }
    }

    /// Adds a flag that was given.
    pub fn flag(&mut self, key: &str, name: &'static str, value: String) {
        self.environment.remove(&variable(key));
        self.layers.insert(key.to_owned(), (Origin::Flag(name), Raw::Text(value)));
    }

    /// A table of tables whose names a person chooses. Each is read by `read`; what that leaves is a mistake.
    pub fn collection<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &mut Self) -> Option<T>,
    ) -> Vec<T> {
        self.known.insert(key);
        let sections = self.collections.remove(key).unwrap_or_default();
        let mut values = Vec::with_capacity(sections.len());
        for (name, origin, layers) in sections {
            let mut section = Self {
                layers,
                collections: BTreeMap::new(),
                prefix: format!("{key}.{name}."),
                environment: BTreeMap::new(),
                known: BTreeSet::new(),
                mistakes: Vec::new(),
            };
            values.extend(read(&name, &mut section));
            if let Err(ConfigError(mistakes)) = section.finish() {
                self.mistakes.extend(mistakes.into_iter().map(|mistake| match mistake.origin {
                    // A setting that is not there has no line of its own.
                    Origin::Flag("") => Mistake { origin: origin.clone(), ..mistake },
                    _ => mistake,
                }));
            }
        }
        values
    }

    /// Names something wrong that shows only when settings are seen together.
    pub fn wrong(&mut self, what: String) {
        self.mistakes.push(Mistake { origin: Origin::Flag(""), what: format!("{}{what}", self.prefix) });
    }

    fn take(&mut self, key: &'static str) -> Option<(Origin, Raw)> {
        self.known.insert(key);
        let name = variable(key);
        match self.environment.remove(&name) {
            Some(value) => {
                self.layers.remove(key);
                Some((Origin::Environment(name), Raw::Text(value)))
            }
            None => self.layers.remove(key),
        }
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        wanted: &str,
        parse: impl FnOnce(&Raw) -> Option<T>,
    ) -> T {
        let Some((origin, raw)) = self.take(key) else { return default };
        parse(&raw).unwrap_or_else(|| {
            self.mistakes.push(Mistake {
                origin,
                what: format!("{}{key} = {raw} is not valid; it must be {wanted}", self.prefix),
            });
            default
        })
    }

    /// A setting written as text; `wanted` says in words what is valid.
    pub fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.read(key, default, wanted, |raw| match raw {
            Raw::Text(text) => parse(text),
            _ => None,
        })
    }

    /// A setting that is a secret: a wrong one is named without showing it.
    pub fn secret(
        &mut self,
        key: &'static str,
        wanted: &str,
        valid: impl FnOnce(&str) -> bool,
    ) -> Option<SecretText> {
        let (origin, raw) = self.take(key)?;
        if let Raw::Text(text) = raw {
            let text = SecretText(zeroize::Zeroizing::new(text));
            if valid(text.expose()) {
                return Some(text);
            }
        }
        self.mistakes.push(Mistake {
            origin,
            what: format!("{}{key} is not valid; it must be {wanted}", self.prefix),
        });
        None
    }

    /// A whole number within bounds.
    pub fn number(&mut self, key: &'static str, default: u64, bounds: std::ops::RangeInclusive<u64>) -> u64 {
        let wanted = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.read(key, default, &wanted, |raw| {
            let number = match raw {
                Raw::Integer(number) => u64::try_from(*number).ok()?,
                Raw::Text(text) => text.parse().ok()?,
                _ => return None,
            };
            bounds.contains(&number).then_some(number)
        })
    }

    /// A list of texts; in the environment they are separated by commas.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.read(key, default, wanted, |raw| match raw {
            Raw::List(items) => items.iter().map(|item| parse(item)).collect(),
            Raw::Text(text) => text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(parse).collect(),
            _ => None,
        })
    }

    /// A table of texts; in the environment `name=value` pairs, separated by commas.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        parse: impl Fn(&str, &str) -> Option<T>,
    ) -> Vec<T> {
        self.read(key, Vec::new(), wanted, |raw| match raw {
            Raw::Table(pairs) => pairs.iter().map(|(name, value)| parse(name, value)).collect(),
            Raw::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').and_then(|(name, value)| parse(name.trim(), value.trim())))
                .collect(),
            _ => None,
        })
    }

    /// Names what nobody asked for, and everything that was wrong.
    ///
    /// # Errors
    /// Every mistake, in the order of discovery, unknown names last.
    pub fn finish(mut self) -> Result<(), ConfigError> {
        for (key, sections) in std::mem::take(&mut self.collections) {
            let what = format!("{key} is not a setting; {}", nearest(&key, self.known.iter().copied()));
            let origin =
                sections.into_iter().next().map_or(Origin::Flag("--config"), |(_, origin, _)| origin);
            self.mistakes.push(Mistake { origin, what });
        }
        for (key, (origin, _)) in std::mem::take(&mut self.layers) {
            let nearest = nearest(&key, self.known.iter().copied());
            let what = format!("{}{key} is not a setting; {nearest}", self.prefix);
            self.mistakes.push(Mistake { origin, what });
        }
        let variables: Vec<String> = self.known.iter().map(|key| variable(key)).collect();
        for (name, _) in std::mem::take(&mut self.environment) {
            let what =
                format!("there is no such setting; {}", nearest(&name, variables.iter().map(String::as_str)));
            self.mistakes.push(Mistake { origin: Origin::Environment(name), what });
        }
        if self.mistakes.is_empty() { Ok(()) } else { Err(ConfigError(self.mistakes)) }
    }
}

/// The environment variable of a setting: `limits.body_bytes` is `MTOR_LIMITS_BODY_BYTES`.
fn variable(key: &str) -> String {
    format!("MTOR_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn flatten<'a, 'de>(
    prefix: &str,
    table: &'a DeTable<'de>,
    tables: &[&str],
    found: &mut Vec<(String, usize, &'a Spanned<DeValue<'de>>)>,
) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) if !tables.contains(&key.as_str()) => flatten(&key, inner, tables, found),
            _ => found.push((key, name.span().start, value)),
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    let text = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("a number that is too large"),
        },
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Boolean(value) => Raw::Text(value.to_string()),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => match items.iter().map(text).collect() {
            Some(items) => Raw::List(items),
            None => Raw::Other("a list with something other than text"),
        },
        DeValue::Table(inner) => {
            match inner.iter().map(|(name, value)| Some((name.get_ref().to_string(), text(value)?))).collect()
            {
                Some(pairs) => Raw::Table(pairs),
                None => Raw::Other("a table with something other than text"),
            }
        }
    }
}

/// The closest of the names that exist, or all of them when none is close.
fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let best = names.iter().min_by_key(|name| distance(wrong, name));
    match best {
        Some(best) if distance(wrong, best) <= 3 => format!("did you mean {best}?"),
        _ => format!("there are {}", names.join(", ")),
    }
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
