//! A description and the documents beside it, and the references between their parts.
//!
//! Nothing is fetched here: who may do I/O hands the other documents in, and learns which ones are missing.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use memchr::memmem;
use url::Url;

use crate::{document::Node, parse};

/// The most references that are followed from one to the next.
const MAX_HOPS: usize = 16;
/// Levels of nesting that are searched.
const MAX_LEVELS: usize = 200;
/// The most other documents that are read.
const MAX_DOCUMENTS: usize = 256;
/// The most bytes of them together.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Objects with more members than this are indexed when something in them is looked up.
const LARGE: usize = 24;
/// Begins a reference into another document; no address holds it.
const ELSEWHERE: char = '\u{1}';
/// Where a reference by name alone (`Pet`) may lead to: Swagger 1.2's way, still written.
const NAMED: [&str; 2] = ["/definitions/", "/components/schemas/"];

/// Why a reference leads nowhere; the text names it.
pub(crate) type Broken = String;

/// The documents as they were read, linked with each other.
#[derive(Default)]
pub(crate) struct Library<'s> {
    /// The description itself first.
    roots: Vec<Node<'s>>,
    /// What is referred to and was not handed in, as absolute addresses where the description's own is known.
    pub(crate) missing: BTreeSet<String>,
    /// What was handed in and cannot be used.
    pub(crate) warnings: Vec<String>,
}

impl<'s> Library<'s> {
    /// Links a description with the `others` (text by absolute address) that it refers to. `location` is its own
    /// address.
    pub(crate) fn link(
        root: Node<'s>,
        text: &str,
        location: Option<&str>,
        others: &'s BTreeMap<String, String>,
    ) -> Self {
        let mut library = Self { roots: vec![root], ..Self::default() };
        if !leads_elsewhere(text) {
            return library;
        }
        let ids = identified(&library.roots[0], text);
        let mut addresses = vec![location.and_then(|location| Url::parse(location).ok())];
        let mut numbers: HashMap<String, usize> = HashMap::new();
        numbers.extend(addresses[0].iter().map(|url| (url.as_str().to_owned(), 0)));
        let mut bytes = 0;
        let mut at = 0;
        while at < library.roots.len() {
            let mut root = std::mem::take(&mut library.roots[at]);
            let mut links = Links {
                own: at,
                ids: &ids,
                address: addresses[at].as_ref(),
                numbers: &mut numbers,
                new: Vec::new(),
                others,
                missing: &mut library.missing,
            };
            links.visit(&mut root, 0);
            let new = std::mem::take(&mut links.new);
            library.roots[at] = root;
            for address in new {
                let read = match others.get(&address) {
                    Some(text) if bytes + text.len() <= MAX_BYTES && library.roots.len() < MAX_DOCUMENTS => {
                        bytes += text.len();
                        // Carriage returns cost only what they would in a text block.
                        parse::document(text.strip_prefix('\u{feff}').unwrap_or(text))
                            .map_err(|error| error.to_string())
                    }
                    _ => Err("there are too many other documents, or they are too large".to_owned()),
                };
                library.roots.push(read.unwrap_or_else(|error| {
                    library.warnings.push(format!("{}: {error}", shown(&address)));
                    Node::Null
                }));
                addresses.push(Url::parse(&address).ok());
            }
            at += 1;
        }
        library
    }

    pub(crate) fn documents<'d>(&'d self) -> Documents<'d>
    where
        's: 'd,
    {
        Documents {
            roots: self.roots.iter().collect(),
            large: RefCell::default(),
            found: RefCell::default(),
            anchors: RefCell::default(),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// Whether any `$ref` does not begin with `#`: told from the text, for most descriptions have none.
fn leads_elsewhere(text: &str) -> bool {
    memmem::find_iter(text.as_bytes(), "$ref").any(|at| {
        let rest = text[at + "$ref".len()..].trim_start_matches(['"', '\'']).trim_start();
        let Some(rest) = rest.strip_prefix(':') else { return true };
        !rest.trim_start().trim_start_matches(['"', '\'']).starts_with('#')
    })
}

/// Schemas of a description that name themselves by `$id` (JSON Schema 2020-12, 8.2.1), with where they are.
fn identified(root: &Node<'_>, text: &str) -> HashMap<String, String> {
    fn collect(node: &Node<'_>, pointer: &mut String, ids: &mut HashMap<String, String>, depth: usize) {
        if depth > MAX_LEVELS {
            return;
        }
        let mut inside = |name: &str, value: &Node<'_>, ids: &mut HashMap<String, String>| {
            if matches!(value, Node::Array(_) | Node::Object(_)) {
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&token(name));
                collect(value, pointer, ids, depth + 1);
                pointer.truncate(length);
            }
        };
        match node {
            Node::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    inside(&at.to_string(), item, ids);
                }
            }
            Node::Object(members) => {
                for (name, value) in members.iter() {
                    inside(name, value, ids);
                }
                if let Some(id) = members.get("$id").and_then(Node::as_str).filter(|_| depth > 0) {
                    ids.entry(id.trim_end_matches('#').to_owned()).or_insert_with(|| pointer.clone());
                }
            }
            _ => {}
        }
    }
    let mut ids = HashMap::new();
    if memmem::find(text.as_bytes(), b"$id").is_some() {
        collect(root, &mut String::new(), &mut ids, 0);
    }
    ids
}

struct Links<'a> {
    own: usize,
    /// JSON Pointers to the schemas of the description that name themselves by `$id`.
    ids: &'a HashMap<String, String>,
    address: Option<&'a Url>,
    numbers: &'a mut HashMap<String, usize>,
    new: Vec<String>,
    others: &'a BTreeMap<String, String>,
    missing: &'a mut BTreeSet<String>,
}

impl Links<'_> {
    fn visit(&mut self, node: &mut Node<'_>, depth: usize) {
        if depth > MAX_LEVELS {
            return;
        }
        match node {
            Node::Array(items) => items.iter_mut().for_each(|item| self.visit(item, depth + 1)),
            Node::Object(members) => {
                for (name, value) in members.iter_mut() {
                    match value {
                        Node::String(text) if name == "$ref" => {
                            if let Some(target) = self.target(text) {
                                *text = Cow::Owned(target);
                            }
                        }
                        other => self.visit(other, depth + 1),
                    }
                }
            }
            _ => {}
        }
    }

    /// How the reference is written once it is linked; none where it stays.
    fn target(&mut self, reference: &str) -> Option<String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if file.is_empty() {
            return (self.own > 0).then(|| format!("{ELSEWHERE}{}#{fragment}", self.own));
        }
        if let Some(pointer) = self.ids.get(file).filter(|_| self.own == 0)
            && (fragment.is_empty() || fragment.starts_with('/'))
        {
            return Some(format!("#{pointer}{fragment}"));
        }
        // A bare name is one of this document, unless there is a file of that name.
        let bare = fragment.is_empty() && !file.contains(['/', '.', ':']);
        let address = match self.address {
            Some(own) => own.join(&file.replace('\\', "/")).map(|mut url| {
                url.set_fragment(None);
                url.to_string()
            }),
            None => Url::parse(file).map(|url| url.to_string()),
        };
        let Ok(address) = address else {
            if !bare && self.missing.len() < MAX_DOCUMENTS {
                self.missing.insert(shown(file));
            }
            return None;
        };
        let number = match self.numbers.get(&address) {
            Some(number) => *number,
            None if self.others.contains_key(&address) => {
                let number = self.numbers.values().max().map_or(1, |last| last + 1).max(1);
                self.new.push(address.clone());
                self.numbers.insert(address, number);
                number
            }
            None => {
                if !bare && self.missing.len() < MAX_DOCUMENTS {
                    self.missing.insert(address);
                }
                return None;
            }
        };
        Some(if number == 0 { format!("#{fragment}") } else { format!("{ELSEWHERE}{number}#{fragment}") })
    }
}

/// Linked documents, looked up in.
pub(crate) struct Documents<'d> {
    roots: Vec<&'d Node<'d>>,
    /// Members of large objects by name; the key is where the object lies.
    large: RefCell<HashMap<usize, HashMap<&'d str, &'d Node<'d>>>>,
    found: RefCell<HashMap<String, Option<&'d Node<'d>>>>,
    /// Named schemas by name; the key is where their document lies.
    anchors: RefCell<HashMap<usize, HashMap<&'d str, &'d Node<'d>>>>,
}

static NULL: Node<'static> = Node::Null;

impl<'d> Documents<'d> {
    /// The description itself.
    pub(crate) fn root(&self) -> &'d Node<'d> {
        self.roots.first().copied().unwrap_or(&NULL)
    }

    /// The value that a reference (`#/components/…`) points to.
    pub(crate) fn lookup(&self, reference: &str) -> Result<&'d Node<'d>, Broken> {
        if let Some(found) = self.found.borrow().get(reference) {
            return found.ok_or_else(|| broken(reference));
        }
        let found = self.find(reference);
        self.found.borrow_mut().insert(reference.to_owned(), found);
        found.ok_or_else(|| broken(reference))
    }

    fn find(&self, reference: &str) -> Option<&'d Node<'d>> {
        let (root, fragment) = match reference.strip_prefix(ELSEWHERE) {
            Some(rest) => {
                let (number, fragment) = rest.split_once('#')?;
                (*self.roots.get(number.parse::<usize>().ok()?)?, fragment)
            }
            None => match reference.strip_prefix('#') {
                Some(fragment) => (self.root(), fragment),
                None => {
                    return NAMED.iter().find_map(|place| {
                        self.pointer(self.root(), &format!("{place}{}", token(reference)))
                    });
                }
            },
        };
        if let Some(found) = self.pointer(root, fragment) {
            return Some(found);
        }
        if !fragment.starts_with('/') {
            return self.anchor(root, fragment);
        }
        if fragment.contains('%') {
            let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
            return self.pointer(root, &decoded);
        }
        None
    }

    /// The schema of that name: `$anchor` of JSON Schema 2020-12, or `$dynamicAnchor`.
    fn anchor(&self, root: &'d Node<'d>, name: &str) -> Option<&'d Node<'d>> {
        let mut anchors = self.anchors.borrow_mut();
        let place = std::ptr::from_ref(root).addr();
        let known = anchors.entry(place).or_insert_with(|| {
            let mut known = HashMap::new();
            collect_anchors(root, &mut known, 0);
            known
        });
        known.get(name).copied()
    }

    fn pointer(&self, root: &'d Node<'d>, pointer: &str) -> Option<&'d Node<'d>> {
        if pointer.is_empty() {
            return Some(root);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(root, |node, part| match node {
            Node::Object(members) => {
                let name = match part.contains('~') {
                    true => Cow::Owned(part.replace("~1", "/").replace("~0", "~")),
                    false => Cow::Borrowed(part),
                };
                if members.len() <= LARGE {
                    return members.get(&name);
                }
                let mut large = self.large.borrow_mut();
                let place = std::ptr::from_ref(members).addr();
                large.entry(place).or_insert_with(|| members.iter().collect()).get(name.as_ref()).copied()
            }
            Node::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Follows references until something that is none.
    pub(crate) fn resolve(&self, node: &'d Node<'d>) -> Result<&'d Node<'d>, Broken> {
        let mut at = node;
        for _ in 0..MAX_HOPS {
            match at.get("$ref").and_then(Node::as_str) {
                Some(reference) => at = self.lookup(reference)?,
                None => return Ok(at),
            }
        }
        Err("`$ref`s lead around in a circle".into())
    }
}

/// Names that schemas give themselves; of several alike the first one counts.
fn collect_anchors<'d>(node: &'d Node<'d>, known: &mut HashMap<&'d str, &'d Node<'d>>, depth: usize) {
    if depth > MAX_LEVELS {
        return;
    }
    match node {
        Node::Array(items) => items.iter().for_each(|item| collect_anchors(item, known, depth + 1)),
        Node::Object(members) => {
            for (name, value) in members.iter() {
                match (name, value) {
                    ("$anchor" | "$dynamicAnchor", Node::String(anchor)) => {
                        known.entry(anchor.as_ref()).or_insert(node);
                    }
                    _ => collect_anchors(value, known, depth + 1),
                }
            }
        }
        _ => {}
    }
}

fn broken(reference: &str) -> Broken {
    if let Some((_, fragment)) = reference.strip_prefix(ELSEWHERE).and_then(|rest| rest.split_once('#')) {
        format!("`$ref` to `#{}` of another document leads nowhere", shown(fragment))
    } else if reference.starts_with('#') {
        format!("`$ref` to `{}` leads nowhere", shown(reference))
    } else {
        format!("`$ref` to `{}` leads to another document, which is not there", shown(reference))
    }
}

/// One token of a JSON Pointer, escaped.
pub(crate) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
