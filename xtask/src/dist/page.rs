//! Edits of the page. It is our own, perhaps through one known tool, so a scanner for the few tags that
//! matter is enough; it still minds comments, quoting and case.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};

use crate::hash::sha256;

/// A page without inline scripts, and the files that they became.
pub(super) struct Externalised {
    pub html: String,
    pub scripts: Vec<Script>,
}

/// A script that was inline.
pub(super) struct Script {
    pub name: String,
    pub text: String,
}

/// Moves every inline script into a file named by its hash.
pub(super) fn externalise_scripts(html: &str, public_url: &str) -> Externalised {
    let mut out = String::with_capacity(html.len());
    let mut scripts = Vec::new();
    let mut copied = 0;
    for element in script_elements(html) {
        let tag = &html[element.tag.clone()];
        let text = &html[element.text.clone()];
        if attribute(tag, "src").is_some() || !is_program(tag) || text.trim().is_empty() {
            continue;
        }
        let name = format!("script-{}.js", &sha256(text.as_bytes())[..16]);
        let integrity = integrity(text.as_bytes());
        let kind = if attribute(tag, "type").as_deref() == Some("module") { " type=\"module\"" } else { "" };
        out.push_str(&html[copied..element.tag.start]);
        out.push_str(&format!("<script{kind} src=\"{public_url}{name}\" integrity=\"{integrity}\">"));
        copied = element.text.end;
        scripts.push(Script { name, text: text.to_owned() });
    }
    out.push_str(&html[copied..]);
    Externalised { html: out, scripts }
}

/// What a browser compares a file's contents with (Subresource Integrity).
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", STANDARD.encode(Sha384::digest(bytes)))
}

/// Sets the content of a `meta` element, adding it to the head where it is missing.
pub(super) fn set_meta(html: &str, name: &str, content: &str) -> String {
    let element = format!("<meta name=\"{name}\" content=\"{content}\">");
    if let Some(tag) = find_meta(html, name) {
        return format!("{}{element}{}", &html[..tag.start], &html[tag.end..]);
    }
    match html.find("</head>") {
        Some(at) => format!("{}{element}{}", &html[..at], &html[at..]),
        None => format!("{element}{html}"),
    }
}

/// The content of a `meta` element.
#[cfg(test)]
pub(super) fn meta(html: &str, name: &str) -> Option<String> {
    attribute(&html[find_meta(html, name)?], "content")
}

fn find_meta(html: &str, name: &str) -> Option<Range<usize>> {
    tags(html, "meta").find(|tag| attribute(&html[tag.clone()], "name").as_deref() == Some(name))
}

struct Element {
    /// The opening tag, brackets included.
    tag: Range<usize>,
    /// What stands between the tags.
    text: Range<usize>,
}

fn script_elements(html: &str) -> Vec<Element> {
    let lower = html.to_ascii_lowercase();
    let mut elements: Vec<Element> = Vec::new();
    for tag in tags(html, "script") {
        // A script may mention scripts.
        if elements.last().is_some_and(|last| tag.start < last.text.end) {
            continue;
        }
        let Some(length) = lower[tag.end..].find("</script") else { continue };
        let text = tag.end..tag.end + length;
        elements.push(Element { tag, text });
    }
    elements
}

/// Opening tags of that name outside comments.
pub(crate) fn tags<'a>(html: &'a str, name: &str) -> impl Iterator<Item = Range<usize>> + 'a {
    let lower = html.to_ascii_lowercase();
    let opening = format!("<{name}");
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + lower[at..].find(['<'])?;
            if lower[start..].starts_with("<!--") {
                at = start + lower[start..].find("-->").map_or(lower.len() - start, |end| end + 3);
                continue;
            }
            let after = lower[start..].strip_prefix(opening.as_str()).and_then(|rest| rest.chars().next());
            if after.is_some_and(|next| next == '>' || next == '/' || next.is_ascii_whitespace()) {
                let end = start + tag_length(&lower[start..])?;
                at = end;
                return Some(start..end);
            }
            at = start + 1;
        }
    })
}

/// Length up to the closing bracket, which may not be one inside quotes.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(index + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

/// The value of an attribute; empty for one without a value.
pub(crate) fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let inside = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let mut rest =
        inside.split_once(|c: char| c.is_ascii_whitespace()).map_or("", |(_, rest)| rest).trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            if let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                let (quoted, remaining) = after[1..].split_once(quote).unwrap_or((&after[1..], ""));
                value = quoted;
                rest = remaining.trim_start();
            } else {
                let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
                value = &after[..end];
                rest = after[end..].trim_start();
            }
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.to_owned());
        }
    }
    None
}

/// Whether a script element holds a program, and not data for one.
fn is_program(tag: &str) -> bool {
    attribute(tag, "type").is_none_or(|kind| {
        matches!(
            kind.to_ascii_lowercase().as_str(),
            "" | "module" | "text/javascript" | "application/javascript"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trunks_module_script_becomes_a_file_and_its_preloads_stay() {
        let html = "<head><link rel=\"modulepreload\" href=\"/app-1.js\" integrity=\"sha384-x\">\n\
            <script type=\"module\">\nimport init from '/app-1.js';\nif (1 < 2) await init();\n</script></head>";
        let done = externalise_scripts(html, "/");
        assert_eq!(done.scripts.len(), 1);
        assert_eq!(done.scripts[0].text, "\nimport init from '/app-1.js';\nif (1 < 2) await init();\n");
        assert!(done.html.contains("<link rel=\"modulepreload\" href=\"/app-1.js\" integrity=\"sha384-x\">"));
        let expected =
            format!("<script type=\"module\" src=\"/{}\" integrity=\"sha384-", done.scripts[0].name);
        assert!(done.html.contains(&expected), "{}", done.html);
        assert!(done.html.ends_with("\"></script></head>"), "{}", done.html);
    }

    #[test]
    fn the_integrity_is_the_sha384_of_the_text() {
        let done = externalise_scripts("<script>abc</script>", "/x/");
        assert!(done.html.contains(
            "integrity=\"sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn\""
        ));
        assert!(done.html.starts_with("<script src=\"/x/script-ba7816bf8f01cfea.js\""), "{}", done.html);
    }

    #[test]
    fn external_scripts_data_and_comments_are_left_alone() {
        for html in [
            "<script src=/a.js></script>",
            "<SCRIPT type='application/ld+json'>{}</SCRIPT>",
            "<!-- <script>x</script> -->",
            "<script type=\"module\"> </script>",
            "<scripture>x</scripture>",
        ] {
            let done = externalise_scripts(html, "/");
            assert_eq!(done.html, html);
            assert!(done.scripts.is_empty(), "{html}");
        }
    }

    #[test]
    fn a_script_that_mentions_a_script_is_one_script() {
        let done = externalise_scripts("<script>let a = '<script>';</script><p>", "/");
        assert_eq!(done.scripts.len(), 1);
        assert_eq!(done.scripts[0].text, "let a = '<script>';");
        assert!(done.html.ends_with("</script><p>"));
    }

    #[test]
    fn a_meta_element_is_replaced_or_added() {
        let added = set_meta("<head><title>x</title></head>", "mtor-engine", "/e/w.js");
        assert_eq!(added, "<head><title>x</title><meta name=\"mtor-engine\" content=\"/e/w.js\"></head>");
        let replaced = set_meta(&added, "mtor-engine", "/f/w.js");
        assert_eq!(meta(&replaced, "mtor-engine").as_deref(), Some("/f/w.js"));
        assert_eq!(replaced.matches("mtor-engine").count(), 1);
    }

    #[test]
    fn attributes_are_read_in_every_quoting() {
        let tag = "<meta name='a b' content=plain data-x = \"1>2\" hidden>";
        assert_eq!(attribute(tag, "name").as_deref(), Some("a b"));
        assert_eq!(attribute(tag, "CONTENT").as_deref(), Some("plain"));
        assert_eq!(attribute(tag, "data-x").as_deref(), Some("1>2"));
        assert_eq!(attribute(tag, "hidden").as_deref(), Some(""));
        assert_eq!(attribute(tag, "src"), None);
    }
}
