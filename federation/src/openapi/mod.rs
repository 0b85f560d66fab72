//! Swagger 2.0, OpenAPI 3.0 and 3.1 to the model. What is wrong with one operation costs that operation, never the
//! document.
//!
//! Two rounds: the first converts everything in full and measures it. Where all schemas together are more than
//! [`budget`] allows, the second leaves out what is for people first, and then the inner parts of what is largest.

mod body;
mod budget;
pub(crate) mod names;
mod operation;
mod parameters;
pub(crate) mod security;
mod servers;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use memchr::memmem;
use url::Url;

use crate::{
    annotate,
    document::{Members, Node},
    documents::{Documents, token},
    model::{CompileError, Compiled, Operation, Skipped},
    schema::{Definitions, Dialect, Purpose, Rules, View},
};

use budget::Allowance;
pub(crate) use budget::level;
use names::Names;
use operation::Draft;

/// Warnings beyond these are counted, not kept.
const MAX_WARNINGS: usize = 200;
/// Bytes of schemas that the first round keeps, however small the description is.
const SPARED_BYTES: usize = 8 * 1024 * 1024;
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// How a path item may be made of others.
const MAX_ITEM_HOPS: usize = 8;

/// What every operation of a document shares.
pub(crate) struct Source<'a, 'd> {
    pub(crate) id: &'a str,
    pub(crate) documents: &'a Documents<'d>,
    pub(crate) root: &'d Node<'d>,
    pub(crate) dialect: Dialect,
    pub(crate) base: Option<Url>,
    pub(crate) notes: annotate::DocumentNotes,
    pub(crate) title: String,
}

/// A fault that costs one operation.
pub(crate) struct Fault {
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

/// Definitions by direction. Where nothing says `readOnly` or `writeOnly`, both directions have the same.
pub(crate) struct Tables<'d> {
    pub(crate) input: Definitions<'d>,
    pub(crate) output: Option<Definitions<'d>>,
}

impl<'d> Tables<'d> {
    pub(crate) fn output(&mut self) -> &mut Definitions<'d> {
        self.output.as_mut().unwrap_or(&mut self.input)
    }
}

/// An operation without its schemas, and these.
pub(crate) type Each<'e> = dyn FnMut(Operation, &View<'_, '_>, &View<'_, '_>) + 'e;

/// Compiles a description of `text`. Operations go to `each`, one after another; the rest is returned, without
/// operations and compositions.
pub(crate) fn compile<'d>(
    source: &Source<'_, 'd>,
    text: &str,
    mut warnings: Vec<String>,
    each: &mut Each<'_>,
) -> Compiled {
    if source.root["paths"].as_object().is_none() && source.root.get("webhooks").is_none() {
        warnings.push("/paths: there are no paths".into());
    }
    let has = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let directed = has("readOnly") || has("writeOnly");
    let mut run = Run {
        source,
        tables: Tables { input: Definitions::default(), output: directed.then(Definitions::default) },
        allowance: Allowance::full(),
        skipped: Vec::new(),
        warnings: Vec::new(),
        cut: 0,
    };
    run.everything(text.len(), each);
    let Run { tables, skipped, warnings: mut found, cut, .. } = run;
    let dropped: BTreeSet<String> =
        tables.input.warnings.into_iter().chain(tables.output.into_iter().flat_map(|t| t.warnings)).collect();
    found.extend(dropped);
    if cut > 0 {
        found.push(format!(
            "the schemas of {cut} operations are cut: together they are too large to be kept whole"
        ));
    }
    let (kept, more) = found.split_at(found.len().min(MAX_WARNINGS));
    warnings.extend_from_slice(kept);
    if !more.is_empty() {
        warnings.push(format!("{} more warnings", more.len()));
    }
    let format = match source.dialect {
        Dialect::V20 => "swagger-2.0",
        Dialect::V30 => "openapi-3.0",
        Dialect::V31 => "openapi-3.1",
    };
    Compiled {
        title: source.title.clone(),
        format: format.to_owned(),
        operations: Vec::new(),
        compositions: Vec::new(),
        skipped,
        incoming: incoming(source),
        missing: Vec::new(),
        warnings,
        background: source.notes.background.clone(),
    }
}

struct Run<'a, 'r, 'd> {
    source: &'r Source<'a, 'd>,
    tables: Tables<'d>,
    allowance: Allowance,
    skipped: Vec<Skipped>,
    warnings: Vec<String>,
    /// How many operations have schemas that are not whole.
    cut: usize,
}

impl<'a, 'd> Run<'a, '_, 'd> {
    fn rules(&self, purpose: Purpose) -> Rules<'a, 'd> {
        let purpose = if self.tables.output.is_some() { purpose } else { Purpose::Input };
        let detail = match purpose {
            Purpose::Input => self.allowance.input.detail,
            Purpose::Output => self.allowance.output.detail,
        };
        Rules { documents: self.source.documents, dialect: self.source.dialect, purpose, detail }
    }

    fn settle(&mut self) {
        let (input, output) = (self.rules(Purpose::Input), self.rules(Purpose::Output));
        self.tables.input.settle(input);
        if let Some(table) = &mut self.tables.output {
            table.settle(output);
        }
    }

    fn everything(&mut self, bytes: usize, each: &mut Each<'_>) {
        let sites = self.sites();
        let budget = budget::of(bytes);
        // First round: everything in full, measured.
        let mut drafts: Option<Vec<Draft<'d>>> = Some(Vec::new());
        let mut measured = Vec::new();
        let mut total = 0;
        for site in &sites {
            if total > 16 * bytes + SPARED_BYTES {
                let share = (budget / sites.len().max(1)).max(512);
                (self.allowance.input.bytes, self.allowance.output.bytes) = (share, share);
            }
            let Some(draft) = self.draft(site) else { continue };
            total += draft.input.bytes + draft.output.bytes;
            measured.push(budget::Measured::new(&draft));
            if total > 8 * bytes + SPARED_BYTES {
                drafts = None;
            }
            if let Some(drafts) = &mut drafts {
                drafts.push(draft);
            }
        }
        self.settle();
        for measured in &mut measured {
            measured.close(&mut self.tables);
        }
        let (allowance, whole) = budget::plan(&measured, budget);
        drop(measured);
        let mut left = budget;
        if let (true, Some(drafts)) = (whole, drafts) {
            for draft in drafts {
                self.finish(draft, &mut left, each);
            }
            return;
        }
        // Second round: less of it.
        let output = self.tables.output().again();
        self.tables = Tables { input: self.tables.input.again(), output: Some(output) };
        self.allowance = allowance;
        self.settle();
        let skipped = std::mem::take(&mut self.skipped);
        let warnings = std::mem::take(&mut self.warnings);
        for site in &sites {
            if let Some(draft) = self.draft(site) {
                // With less room other things may be reached.
                self.settle();
                self.finish(draft, &mut left, each);
            }
        }
        (self.skipped, self.warnings) = (skipped, warnings);
    }

    /// Every operation of the paths, named.
    fn sites(&mut self) -> Vec<Site<'d>> {
        let mut names = Names::default();
        let mut sites = Vec::new();
        for (template, item) in path_items(self.source.root) {
            let pointer = format!("/paths/{}", token(template));
            let levels = match path_item(self.source.documents, item) {
                Ok(levels) => levels,
                Err(reason) => {
                    self.skipped.push(Skipped { operation: template.to_owned(), pointer, reason });
                    continue;
                }
            };
            for method in METHODS {
                let Some(value) = levels.iter().find_map(|level| level.get(method)) else { continue };
                let upper = method.to_ascii_uppercase();
                let name = names.operation(value.get("operationId").and_then(Node::as_str), &upper, template);
                let pointer = format!("{pointer}/{method}");
                sites.push(Site { template, method: upper, name, levels: levels.clone(), value, pointer });
            }
        }
        sites
    }

    fn draft(&mut self, site: &Site<'d>) -> Option<Draft<'d>> {
        let label = || format!("{} {}", site.method, site.template);
        let (input, output) = (self.rules(Purpose::Input), self.rules(Purpose::Output));
        match operation::draft(self.source, site, &mut self.tables, &self.allowance, input, output) {
            Ok(mut draft) => {
                self.warnings
                    .extend(draft.warnings.drain(..).map(|warning| format!("{}: {warning}", label())));
                Some(draft)
            }
            Err(Fault { pointer, reason }) => {
                self.skipped.push(Skipped { operation: label(), pointer, reason });
                None
            }
        }
    }

    fn finish(&mut self, draft: Draft<'d>, left: &mut usize, each: &mut Each<'_>) {
        let (input_rules, output_rules) = (self.rules(Purpose::Input), self.rules(Purpose::Output));
        let Draft { operation, input, output, .. } = draft;
        // A request is checked against the parameters as well, so these arguments can still be used.
        let anything = Node::object(vec![("type".into(), Node::text("object"))]);
        let nothing = Node::empty();
        let allowance = self.allowance;
        let cut = input.cut || output.cut;
        // Both may look at one table, so the parts that each takes are chosen first.
        let first =
            self.tables.input.choose(input_rules, input.bytes, &input.references, allowance.input.bytes);
        let second = self.tables.output().choose(
            output_rules,
            output.bytes,
            &output.references,
            allowance.output.bytes,
        );
        let mut given = self.tables.input.look(&input.schema, &first);
        let mut answered =
            self.tables.output.as_ref().unwrap_or(&self.tables.input).look(&output.schema, &second);
        let cut = cut | fit(&mut given, &anything, left) | fit(&mut answered, &nothing, left);
        each(operation, &given, &answered);
        self.cut += usize::from(cut);
    }
}

/// The last word on the size of all schemas together. Whether anything is missing.
fn fit<'v, 'd>(view: &mut View<'v, 'd>, least: &'v Node<'d>, left: &mut usize) -> bool {
    let bytes = view.json_len();
    if bytes <= *left {
        *left -= bytes;
        return view.cut;
    }
    *view = View::of(least);
    *left = left.saturating_sub(view.json_len());
    true
}

/// Where an operation stands in its document.
pub(crate) struct Site<'d> {
    /// Its path as written.
    template: &'d str,
    /// Its method in capitals.
    method: String,
    /// The second half of its id.
    name: String,
    /// The path item around it, and what that refers to.
    levels: Vec<&'d Members<'d>>,
    /// Itself.
    value: &'d Node<'d>,
    /// JSON Pointer to itself.
    pointer: String,
}

impl<'d> Site<'d> {
    /// A member of the path item.
    fn item(&self, name: &str) -> Option<&'d Node<'d>> {
        self.levels.iter().find_map(|level| level.get(name))
    }
}

/// The dialect by the version that the document states, also where YAML reads it as a number.
pub(crate) fn dialect(root: &Node<'_>, warnings: &mut Vec<String>) -> Result<Dialect, CompileError> {
    let stated = |value: &Node<'_>| {
        value.as_text().map_or_else(|| value.to_value().to_string(), |text| text.into_owned())
    };
    if let Some(version) = root.get("swagger").filter(|_| root.get("openapi").is_none()) {
        let version = stated(version);
        return match version.trim() {
            v if v == "2" || v.starts_with("2.") => Ok(Dialect::V20),
            // Written by hand: what it holds says what it is.
            v if v.starts_with('3') && root.get("paths").is_some() => {
                warnings.push("/swagger: version 3 is read as OpenAPI 3.0".into());
                Ok(Dialect::V30)
            }
            v => Err(CompileError::Format(format!("Swagger {}", annotate::line(v, 12)))),
        };
    }
    let Some(version) = root.get("openapi") else {
        let what = match root {
            Node::Object(members) if members.contains("swaggerVersion") => {
                format!("Swagger {}", annotate::line(&stated(&root["swaggerVersion"]), 12))
            }
            Node::Object(members) if members.contains("asyncapi") => "AsyncAPI".into(),
            Node::Object(_) => "an object without `openapi` or `swagger`".into(),
            _ => "no object".into(),
        };
        return Err(CompileError::Format(what));
    };
    let version = stated(version);
    match version.trim() {
        v if v == "3" || v.starts_with("3.0") => Ok(Dialect::V30),
        v if v.starts_with("3.1") => Ok(Dialect::V31),
        v if v.starts_with("3.") => {
            warnings.push(format!("/openapi: version {} is read as 3.1", annotate::line(v, 12)));
            Ok(Dialect::V31)
        }
        v if v.starts_with("2.") => Ok(Dialect::V20),
        v => Err(CompileError::Format(format!("OpenAPI {}", annotate::line(v, 12)))),
    }
}

fn path_items<'d>(root: &'d Node<'d>) -> impl Iterator<Item = (&'d str, &'d Node<'d>)> {
    root["paths"].as_object().into_iter().flat_map(Members::iter).filter(|(path, _)| !path.starts_with("x-"))
}

/// A path item and, behind it, what its `$ref` leads to.
fn path_item<'d>(documents: &Documents<'d>, item: &'d Node<'d>) -> Result<Vec<&'d Members<'d>>, String> {
    let mut levels = Vec::new();
    let mut at = item;
    loop {
        let members = at.as_object().ok_or("the path item is no object")?;
        levels.push(members);
        match members.get("$ref").and_then(Node::as_str) {
            Some(_) if levels.len() > MAX_ITEM_HOPS => return Err("`$ref`s lead around in a circle".into()),
            Some(reference) => at = documents.lookup(reference)?,
            None => return Ok(levels),
        }
    }
}

/// What the provider calls, not the other way round: webhooks and callbacks.
fn incoming(source: &Source<'_, '_>) -> Vec<Skipped> {
    let mut found = Vec::new();
    let mut add = |kind: &str, name: &str, item: &Node<'_>, pointer: &str| {
        for method in METHODS.iter().filter(|method| item.get(method).is_some()) {
            if found.len() < MAX_WARNINGS {
                found.push(Skipped {
                    operation: format!("{} {}", method.to_ascii_uppercase(), annotate::line(name, 120)),
                    pointer: format!("{pointer}/{}/{method}", token(name)),
                    reason: format!("{kind}: the provider calls you"),
                });
            }
        }
    };
    for key in ["webhooks", "x-webhooks"] {
        for (name, item) in source.root[key].as_object().into_iter().flat_map(Members::iter) {
            if let Ok(item) = source.documents.resolve(item) {
                add("webhook", name, item, &format!("/{key}"));
            }
        }
    }
    for (template, item) in path_items(source.root) {
        let Ok(levels) = path_item(source.documents, item) else { continue };
        for method in METHODS {
            let Some(value) = levels.iter().find_map(|level| level.get(method)) else { continue };
            for (event, callback) in value["callbacks"].as_object().into_iter().flat_map(Members::iter) {
                let pointer = format!("/paths/{}/{method}/callbacks/{}", token(template), token(event));
                let Ok(callback) = source.documents.resolve(callback) else { continue };
                for (expression, item) in callback.as_object().into_iter().flat_map(Members::iter) {
                    add("callback", expression, item, &pointer);
                }
            }
        }
    }
    found
}
