//! Reads a Wikimedia page summary.

use serde_json::Value;

/// An article's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// What it is about, in a few words.
    pub description: Option<String>,
    /// Its first lines.
    pub extract: Option<String>,
    /// Its picture.
    pub picture: Option<Picture>,
    /// Where the whole article is.
    pub page: Option<String>,
    /// Whether the title means several things.
    pub is_ambiguous: bool,
}

/// A picture at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// HTTPS address.
    pub url: String,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
}

/// Reads a summary; none when it has no title.
pub fn read(value: &Value) -> Option<Article> {
    let text = |name: &str| {
        let text = value.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let https = |pointer: &str| value.pointer(pointer)?.as_str().filter(|url| url.starts_with("https://"));
    let pixels = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64).filter(|count| *count > 0);
    // The realm fetches it, and its guard decides what may be fetched.
    let source =
        value.pointer("/thumbnail/source").and_then(Value::as_str).filter(|url| url.starts_with("http"));
    let picture = source.map(|url| Picture {
        url: url.to_owned(),
        width: pixels("/thumbnail/width").unwrap_or(320),
        height: pixels("/thumbnail/height").unwrap_or(320),
    });
    Some(Article {
        title: text("title")?,
        description: text("description"),
        extract: text("extract"),
        picture,
        page: https("/content_urls/desktop/page").map(str::to_owned),
        is_ambiguous: value.get("type").and_then(Value::as_str) == Some("disambiguation"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_is_read() {
        let value = json!({
            "type": "standard", "title": "Ada Lovelace", "description": "English mathematician", "extract": "Augusta Ada King…",
            "thumbnail": {"source": "https://upload.wikimedia.org/a.jpg", "width": 200, "height": 300},
            "content_urls": {"desktop": {"page": "https://en.wikipedia.org/wiki/Ada_Lovelace"}}
        });
        let article = read(&value).expect("an article");
        assert_eq!(article.picture.map(|picture| (picture.width, picture.height)), Some((200, 300)));
        assert_eq!(article.page.as_deref(), Some("https://en.wikipedia.org/wiki/Ada_Lovelace"));
        assert!(!article.is_ambiguous);
    }

    #[test]
    fn addresses_that_are_not_https_are_left_out() {
        let value = json!({
            "title": "A", "thumbnail": {"source": "data:image/png;base64,AA"},
            "content_urls": {"desktop": {"page": "javascript:alert(1)"}}
        });
        let article = read(&value).expect("an article");
        assert_eq!((article.picture, article.page), (None, None));
    }

    #[test]
    fn without_a_title_it_is_no_article() {
        assert_eq!(read(&json!({"extract": "words"})), None);
        assert_eq!(read(&json!({"title": 7})), None);
    }
}
