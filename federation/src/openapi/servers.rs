//! Which server an operation is sent to.

use serde_json::Value;
use url::Url;

use super::{Fault, Source, operation::Site, refs};

/// The first usable server of the operation, its path item or the document, without a slash at the end.
pub(super) fn choose(source: &Source<'_>, site: &Site<'_, '_>) -> Result<String, Fault> {
    let levels = [
        (site.value.get("servers"), format!("{}/servers", site.pointer)),
        (site.item.get("servers").copied(), format!("/paths/{}/servers", refs::token(site.template))),
        (source.root.get("servers"), "/servers".to_owned()),
    ];
    let given = levels.into_iter().find_map(|(servers, pointer)| {
        servers
            .and_then(Value::as_array)
            .filter(|servers| !servers.is_empty())
            .map(|servers| (servers, pointer))
    });
    let Some((servers, pointer)) = given else {
        // The specification's default: where the description came from.
        return absolute("/", source.base.as_ref())
            .map_err(|_| Fault::new("/servers", "no server is named; name one in an overlay's `servers`"));
    };
    let mut first = None;
    for server in servers {
        match expand(server).and_then(|url| absolute(&url, source.base.as_ref())) {
            Ok(url) => return Ok(url),
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    Err(Fault::new(pointer, first.unwrap_or_else(|| "no server is named".into())))
}

/// The address with its variables replaced by their defaults.
fn expand(server: &Value) -> Result<String, String> {
    let mut rest = server.get("url").and_then(Value::as_str).ok_or("a server has no `url`")?.trim();
    let mut url = String::new();
    while let Some(open) = rest.find('{') {
        let close = rest[open..]
            .find('}')
            .map(|at| open + at)
            .ok_or("a `{` of the server's address is not closed")?;
        let name = &rest[open + 1..close];
        let variable = &server["variables"][name];
        let value = match (&variable["default"], &variable["enum"][0]) {
            (Value::Null, Value::Null) => {
                return Err(format!("the server's variable `{name}` has no default"));
            }
            (Value::Null, value) | (value, _) => value,
        };
        url.push_str(&rest[..open]);
        url.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = &rest[close + 1..];
    }
    url.push_str(rest);
    Ok(url)
}

fn absolute(text: &str, base: Option<&Url>) -> Result<String, String> {
    let shown = || text.chars().take(120).collect::<String>();
    let url = match (Url::parse(text), base) {
        (Ok(url), _) => url,
        (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => {
            base.join(text).map_err(|error| format!("the server `{}` is no address: {error}", shown()))?
        }
        (Err(url::ParseError::RelativeUrlWithoutBase), None) => {
            return Err(format!(
                "the server `{}` is relative, and where the description came from is not known",
                shown()
            ));
        }
        (Err(error), _) => return Err(format!("the server `{}` is no address: {error}", shown())),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the server `{}` is not reached by HTTP", shown()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the server's address holds a user name; credentials do not belong there".into());
    }
    let mut url = url;
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
