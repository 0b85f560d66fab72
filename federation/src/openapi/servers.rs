//! Which server an operation is sent to.

use url::Url;

use super::{Fault, Site, Source};
use crate::{document::Node, documents::token, schema::Dialect};

/// Stands for the part of an address that only the caller knows: by RFC 6761 such a name never leads anywhere.
const UNSET: &str = "server-variable.invalid";

/// The first usable server of the operation, its path item or the document, without a slash at the end.
pub(super) fn choose(
    source: &Source<'_, '_>,
    site: &Site<'_>,
    warnings: &mut Vec<String>,
) -> Result<String, Fault> {
    if source.dialect == Dialect::V20 {
        return of_version_2(source, site);
    }
    let levels = [site.value.get("servers"), site.item("servers"), source.root.get("servers")];
    let given = levels.into_iter().enumerate().find_map(|(level, servers)| {
        servers.and_then(Node::as_array).filter(|servers| !servers.is_empty()).map(|servers| (level, servers))
    });
    let Some((level, servers)) = given else {
        // The specification's default: where the description came from.
        return absolute("/", source.base.as_ref())
            .map_err(|_| Fault::new("/servers", "no server is named; name one in an overlay's `servers`"));
    };
    let mut first = None;
    let mut unset = None;
    for server in servers {
        let found = match expand(server) {
            // What the caller has to say may be any part of it, also the scheme.
            Ok((_, Some(name))) => {
                unset = unset.or(Some((server, name)));
                continue;
            }
            Ok((url, None)) => absolute(&url, source.base.as_ref()),
            Err(reason) => Err(reason),
        };
        match found {
            Ok(url) => return Ok(url),
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    if let Some((server, name)) = unset {
        let address = server.get("url").and_then(Node::as_str).unwrap_or_default();
        warnings.push(format!(
            "the server `{}` has a variable `{}` without a default; name the server in an overlay's `servers`",
            shown(address),
            shown(&name)
        ));
        return Ok(format!("https://{UNSET}{}", path_of(address)));
    }
    let pointer = match level {
        0 => format!("{}/servers", site.pointer),
        1 => format!("/paths/{}/servers", token(site.template)),
        _ => "/servers".to_owned(),
    };
    Err(Fault::new(pointer, first.unwrap_or_else(|| "no server is named".into())))
}

/// `host`, `basePath` and the best of `schemes`.
fn of_version_2(source: &Source<'_, '_>, site: &Site<'_>) -> Result<String, Fault> {
    let root = source.root;
    let base_path = root["basePath"].as_str().unwrap_or("/").trim();
    let base_path = if base_path.starts_with('/') { base_path.to_owned() } else { format!("/{base_path}") };
    let host = root["host"].as_str().map(str::trim).filter(|host| !host.is_empty());
    let Some(host) = host else {
        return absolute(&base_path, source.base.as_ref()).map_err(|_| {
            Fault::new("/host", "no host is named, and where the description came from is not known")
        });
    };
    // Written by mistake, and clear all the same.
    let (stated, host) = match host.split_once("://") {
        Some((scheme, host)) => (Some(scheme), host.trim_end_matches('/')),
        None => (None, host.trim_end_matches('/')),
    };
    let listed = site.value.get("schemes").or_else(|| root.get("schemes")).and_then(Node::as_array);
    let schemes: Vec<&str> = listed.into_iter().flatten().filter_map(Node::as_str).collect();
    let scheme = ["https", "http"].into_iter().find(|scheme| schemes.contains(scheme)).or(stated);
    let scheme = match scheme {
        Some(scheme) => scheme.to_owned(),
        None if !schemes.is_empty() => {
            return Err(Fault::new(
                "/schemes",
                format!("it is not reached by HTTP but by {}", schemes.join(", ")),
            ));
        }
        None => source.base.as_ref().map_or("https", |base| base.scheme()).to_owned(),
    };
    absolute(&format!("{scheme}://{host}{base_path}"), source.base.as_ref())
        .map_err(|reason| Fault::new("/host", reason))
}

fn shown(text: &str) -> String {
    text.chars().take(120).collect()
}

/// The path of an address that is no address yet.
fn path_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]).trim_end_matches('/');
    if path.contains(['{', '?', '#', ' ']) { "" } else { path }
}

/// The address with its variables replaced by their defaults, and the first variable that has none.
fn expand(server: &Node<'_>) -> Result<(String, Option<String>), String> {
    let mut rest = server.get("url").and_then(Node::as_str).ok_or("a server has no `url`")?.trim();
    let mut url = String::new();
    let mut missing = None;
    while let Some(open) = rest.find('{') {
        let close = rest[open..]
            .find('}')
            .map(|at| open + at)
            .ok_or("a `{` of the server's address is not closed")?;
        let name = &rest[open + 1..close];
        let variable = &server["variables"][name];
        let value = variable["default"]
            .as_text()
            .or_else(|| variable["enum"].as_array().and_then(<[Node<'_>]>::first).and_then(Node::as_text));
        url.push_str(&rest[..open]);
        match value {
            Some(value) => url.push_str(&value),
            None => {
                missing = missing.or_else(|| Some(name.to_owned()));
                url.push('x');
            }
        }
        rest = &rest[close + 1..];
    }
    url.push_str(rest);
    Ok((url, missing))
}

fn absolute(text: &str, base: Option<&Url>) -> Result<String, String> {
    let url = match (Url::parse(text), base) {
        (Ok(url), _) => url,
        (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => {
            base.join(text).map_err(|error| format!("the server `{}` is no address: {error}", shown(text)))?
        }
        (Err(url::ParseError::RelativeUrlWithoutBase), None) => {
            return Err(format!(
                "the server `{}` is relative, and where the description came from is not known",
                shown(text)
            ));
        }
        (Err(error), _) => return Err(format!("the server `{}` is no address: {error}", shown(text))),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the server `{}` is not reached by HTTP", shown(text)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the server's address holds a user name; credentials do not belong there".into());
    }
    let mut url = url;
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
