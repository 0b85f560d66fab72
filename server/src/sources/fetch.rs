//! Reading descriptions from addresses that a person gave, through the egress guard and within limits.

use std::{collections::BTreeMap, sync::Arc};

use mtor_shared::problem::{Problem, ProblemCode};
use url::Url;

use crate::{
    config::Sources,
    federated::{
        egress::{Call, Egress, Progress},
        execute::egress_problem,
    },
};

const ACCEPT: &str = "application/vnd.oai.openapi+json, application/vnd.oai.openapi, application/json, application/yaml, text/*, */*;q=0.5";

/// A text and where it was in the end.
pub(super) struct Fetched {
    /// What was read.
    pub(super) text: String,
    /// After redirects.
    pub(super) url: Url,
}

/// An address as a person gives it.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn address(text: &str) -> Result<Url, Problem> {
    let wrong = |why: String| {
        Problem::new(ProblemCode::BadRequest, why, "Give an address like https://api.example/openapi.json.")
    };
    let url = Url::parse(text.trim()).map_err(|error| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        wrong(format!("`{shown}` is no address: {error}."))
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("The address is not one of the web.".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("The address holds a user name; credentials do not belong there.".to_owned()));
    }
    Ok(url)
}

/// Reads one document of at most `limit` bytes.
///
/// # Errors
/// Why there is none, in words.
pub(super) async fn document(
    egress: &Egress,
    settings: &Sources,
    url: Url,
    limit: usize,
    progress: Option<Progress>,
) -> Result<Fetched, Problem> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut call = Call::get(url, limit).with_headers([("accept".to_owned(), ACCEPT.to_owned())]);
    // Nothing is sent along and what comes is only read, so any public host may answer.
    call.roams = true;
    call.total = Some(settings.fetch_timeout);
    call.progress = progress;
    let answer = egress.call(call, &mut Vec::new()).await.map_err(|error| egress_problem(&host, &error))?;
    if !(200..300).contains(&answer.status) {
        let status = answer.status;
        let title = format!("{host} does not give the description (status {status}).");
        let advice = match status {
            401 | 403 => "Download the description and drop the file instead.",
            404 | 410 => "Check the address.",
            _ => "Try again in a moment.",
        };
        let problem =
            Problem { retryable: status >= 500, ..Problem::new(ProblemCode::UpstreamError, title, advice) };
        return Err(problem);
    }
    Ok(Fetched { text: sniffed(answer.body, &host)?, url: answer.url })
}

/// The text, whatever the server calls it. Web pages and pictures are named, since they are what people give by
/// mistake; everything else is for the compiler to judge.
fn sniffed(body: Vec<u8>, host: &str) -> Result<String, Problem> {
    let garbage = |title: String, advice: &str| Problem::new(ProblemCode::UpstreamGarbage, title, advice);
    let text = String::from_utf8(body).map_err(|_| {
        garbage(
            format!("{host} answers with something that is not text."),
            "Give the address of the JSON, YAML or GraphQL file.",
        )
    })?;
    let head: String = text.trim_start_matches('\u{feff}').trim_start().chars().take(32).collect();
    let head = head.to_ascii_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        let title = format!("{host} answers with a web page, not with a description.");
        return Err(garbage(
            title,
            "Look for a link to the JSON or YAML file on that page, and give its address.",
        ));
    }
    if text.trim().is_empty() {
        return Err(garbage(format!("{host} answers with an empty file."), "Check the address."));
    }
    Ok(text)
}

/// Reads the documents that a description refers to, those that are not read yet. Returns what could not be read,
/// with the reason.
///
/// # Errors
/// There are too many of them, or they are too large.
pub(super) async fn others(
    egress: &Arc<Egress>,
    settings: &Sources,
    own_bytes: usize,
    wanted: &[String],
    known: &mut BTreeMap<String, String>,
) -> Result<Vec<String>, Problem> {
    let mut failed = Vec::new();
    for address in wanted {
        if known.len() >= settings.documents {
            let title =
                format!("The description refers to more than {} other documents.", settings.documents);
            return Err(Problem::new(ProblemCode::TooLarge, title, "Bundle it into one file and give that."));
        }
        let used = own_bytes + known.values().map(String::len).sum::<usize>();
        let room = settings.bytes.saturating_sub(used);
        let read = match self::address(address) {
            Ok(url) => document(egress, settings, url, room, None).await,
            Err(problem) => Err(problem),
        };
        match read {
            Ok(fetched) => {
                known.insert(address.clone(), fetched.text);
            }
            Err(problem) if problem.code == ProblemCode::TooLarge => {
                let title = format!(
                    "The description and what it refers to are larger than {} MB.",
                    settings.bytes >> 20
                );
                return Err(Problem::new(ProblemCode::TooLarge, title, "Give a smaller part of it."));
            }
            Err(problem) => failed.push(format!("{address}: {problem}")),
        }
    }
    Ok(failed)
}
