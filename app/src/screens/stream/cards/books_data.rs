//! Reads Open Library's search.

use serde_json::Value;

/// Books drawn.
const SHOWN: usize = 12;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// How many there are altogether, where that is known.
    pub found: Option<u64>,
    /// The first of them.
    pub books: Vec<Book>,
}

/// One book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// When it first came out.
    pub year: Option<i64>,
    /// Where one reads about it.
    pub page: Option<String>,
}

/// Reads a search; none when it is no list.
pub fn read(value: &Value) -> Option<Books> {
    let docs = value.get("docs")?.as_array()?;
    let found = ["numFound", "num_found"].iter().find_map(|name| value.get(*name)?.as_u64());
    Some(Books { found, books: docs.iter().filter_map(book).take(SHOWN).collect() })
}

fn book(doc: &Value) -> Option<Book> {
    let authors = doc.get("author_name").and_then(Value::as_array);
    let key = doc.get("key").and_then(Value::as_str);
    // Only a plain path: it becomes part of an address.
    let is_plain = |key: &&str| {
        key.starts_with("/works/")
            && key[1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/')
    };
    Some(Book {
        title: doc.get("title")?.as_str()?.to_owned(),
        authors: authors.into_iter().flatten().filter_map(Value::as_str).take(4).map(str::to_owned).collect(),
        year: doc.get("first_publish_year").and_then(Value::as_i64),
        page: key.filter(is_plain).map(|key| format!("https://openlibrary.org{key}")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_is_read_and_what_has_no_title_left_out() {
        let value = json!({"numFound": 2, "docs": [
            {"title": "Moby Dick", "author_name": ["Herman Melville"], "first_publish_year": 1851, "key": "/works/OL1W"},
            {"author_name": ["Nobody"]},
            {"title": "The Sea", "key": "//evil.example/"}
        ]});
        let books = read(&value).expect("books");
        assert_eq!(books.found, Some(2));
        let titles: Vec<_> =
            books.books.iter().map(|book| (book.title.as_str(), book.page.is_some())).collect();
        assert_eq!(titles, [("Moby Dick", true), ("The Sea", false)]);
    }

    #[test]
    fn an_empty_search_is_a_list_without_books() {
        assert_eq!(read(&json!({"docs": []})), Some(Books { found: None, books: vec![] }));
        assert_eq!(read(&json!({"docs": "none"})), None);
    }
}
