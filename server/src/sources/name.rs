//! A name for a source that nobody named: from where it comes, or what it calls itself.

use url::Url;

/// The longest name that is made, before a number is added.
const LONGEST: usize = 48;
/// How much of a text is searched for its title.
const HEAD_BYTES: usize = 64 * 1024;

/// Whether a text may name a source.
pub fn is_valid(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(fits) && id.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// A name for what is at an address: its host without what says nothing, or the file's name where the host is a
/// store of everybody's files.
pub fn of_url(url: &Url) -> String {
    const STORES: [&str; 5] = [
        "raw.githubusercontent.com",
        "github.com",
        "gitlab.com",
        "gist.githubusercontent.com",
        "api.apis.guru",
    ];
    let host = url.host_str().unwrap_or_default();
    if STORES.contains(&host) {
        return of_file(url.path().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default());
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() || host.starts_with('[') {
        return slug(host);
    }
    let parts: Vec<&str> = host.split('.').collect();
    let kept = parts.iter().take(parts.len().saturating_sub(1).max(1));
    let kept: Vec<&str> = kept
        .copied()
        .filter(|part| !matches!(*part, "www" | "api" | "apis" | "docs" | "developer"))
        .collect();
    slug(if kept.is_empty() { host } else { kept.last().unwrap_or(&host) })
}

/// A name for a file: without what every description's file is called.
pub fn of_file(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or_default();
    match slug(stem).as_str() {
        "" | "openapi" | "swagger" | "schema" | "api" | "index" => "api".to_owned(),
        stem => stem.to_owned(),
    }
}

/// A name by the first `title` that is near the beginning of a text.
pub fn of_text(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= HEAD_BYTES).last().unwrap_or(0);
    let head = &text[..end];
    let head = &head[head.find("info").unwrap_or(head.len())..];
    let title = head.match_indices("title").find_map(|(at, word)| {
        let rest = head[at + word.len()..].trim_start_matches(['"', '\'']).trim_start();
        let line = rest.strip_prefix(':')?.trim_start().lines().next()?;
        let title = match line.chars().next()? {
            quote @ ('"' | '\'') => line[1..].split(quote).next()?,
            _ => line,
        };
        Some(slug(title)).filter(|title| !title.is_empty())
    });
    title.unwrap_or_else(|| "api".to_owned())
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if slug.len() == LONGEST || (c == '-' && (slug.is_empty() || slug.ends_with('-'))) {
            continue;
        }
        slug.push(c);
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_person_would() {
        for (url, name) in [
            ("https://api.example.com/openapi.json", "example"),
            ("https://petstore3.swagger.io/api/v3/openapi.json", "swagger"),
            ("https://raw.githubusercontent.com/a/b/main/stripe.yaml", "stripe"),
            ("http://127.0.0.1:8080/x", "127-0-0-1"),
            ("https://api.com/", "api-com"),
            ("http://localhost:1/openapi.json", "localhost"),
        ] {
            let made = of_url(&Url::parse(url).expect(url));
            assert_eq!(made, name, "{url}");
            assert!(is_valid(&made));
        }
        assert_eq!(of_file("openapi.json"), "api");
        assert_eq!(of_file("Pet Store.yaml"), "pet-store");
        assert_eq!(of_text("{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"My Café API\"}}"), "my-caf-api");
        assert_eq!(of_text("openapi: 3.0.0\ninfo:\n  title: Pets, all of them\n"), "pets-all-of-them");
        assert_eq!(of_text("type Query { title: String }"), "api");
        assert_eq!(of_text(""), "api");
    }
}
