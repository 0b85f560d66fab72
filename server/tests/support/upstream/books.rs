//! A shelf of books in the shape of Open Library's search.

use serde_json::{Map, Value, json};

use super::{keywords, plain};

/// Title, author, year of the first edition, what it is about.
const BOOKS: &[(&str, &str, u16, &str)] = &[
    ("Moby-Dick", "Herman Melville", 1851, "sea whaling ships novel fiction"),
    ("The Old Man and the Sea", "Ernest Hemingway", 1952, "sea fishing novel fiction"),
    ("The Sea Around Us", "Rachel Carson", 1951, "sea ocean biology science"),
    ("Under the Sea Wind", "Rachel Carson", 1941, "sea ocean birds nature"),
    (
        "Twenty Thousand Leagues Under the Seas",
        "Jules Verne",
        1870,
        "deep sea submarine adventure science fiction",
    ),
    ("The Soul of an Octopus", "Sy Montgomery", 2015, "octopus deep sea animals science"),
    ("Pride and Prejudice", "Jane Austen", 1813, "love england novel fiction"),
    ("Emma", "Jane Austen", 1815, "england novel fiction"),
    ("Persuasion", "Jane Austen", 1817, "love sea navy england novel fiction"),
    ("A Wizard of Earthsea", "Ursula K. Le Guin", 1968, "magic islands fantasy fiction"),
    ("The Left Hand of Darkness", "Ursula K. Le Guin", 1969, "science fiction planets"),
    ("The Dispossessed", "Ursula K. Le Guin", 1974, "science fiction utopia planets"),
    ("Dune", "Frank Herbert", 1965, "science fiction desert planets"),
    ("Neuromancer", "William Gibson", 1984, "science fiction computers"),
    ("The Colour of Magic", "Terry Pratchett", 1983, "fantasy magic humour fiction"),
    ("Small Gods", "Terry Pratchett", 1992, "fantasy religion humour fiction"),
    ("Guards! Guards!", "Terry Pratchett", 1989, "fantasy police humour fiction"),
    ("Murder on the Orient Express", "Agatha Christie", 1934, "crime trains detective fiction"),
    ("And Then There Were None", "Agatha Christie", 1939, "crime islands detective fiction"),
    ("Death on the Nile", "Agatha Christie", 1937, "crime egypt detective fiction"),
    ("Beloved", "Toni Morrison", 1987, "slavery history novel fiction"),
    ("Song of Solomon", "Toni Morrison", 1977, "family novel fiction"),
    ("The Well-Tempered Garden", "Christopher Lloyd", 1970, "gardening gardens plants"),
    ("Gardening for Beginners", "E. T. Cook", 1901, "gardening gardens plants"),
    ("The Gardener's Year", "Karel Čapek", 1929, "gardening gardens humour"),
    ("The ABC of Bee Culture", "A. I. Root", 1877, "beekeeping bees honey"),
    ("Honeybee Democracy", "Thomas D. Seeley", 2010, "beekeeping bees biology science"),
    ("The History of the Decline and Fall of the Roman Empire", "Edward Gibbon", 1776, "roman rome history"),
    ("SPQR", "Mary Beard", 2015, "roman rome history"),
    (
        "Pattern Recognition and Machine Learning",
        "Christopher M. Bishop",
        2006,
        "machine learning computers science",
    ),
    ("The Elements of Statistical Learning", "Trevor Hastie", 2001, "machine learning statistics science"),
    ("Into Thin Air", "Jon Krakauer", 1997, "mountaineering everest climbing"),
    ("Annapurna", "Maurice Herzog", 1951, "mountaineering himalaya climbing"),
    ("Organic Chemistry", "Jonathan Clayden", 2000, "organic chemistry science textbook"),
    ("Packing for Mars", "Mary Roach", 2010, "space travel science"),
    ("Cosmos", "Carl Sagan", 1980, "space astronomy science"),
];

/// `GET /search.json`: books that have every word of the question in title, author or subjects.
pub(super) fn search(q: &str, limit: usize, page: usize, fields: Option<&[&str]>) -> Value {
    let wanted = keywords(q);
    let found: Vec<_> = BOOKS
        .iter()
        .enumerate()
        .filter(|(_, (title, author, _, subjects))| {
            let text = plain(&format!("{title} {author} {subjects}"));
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            !wanted.is_empty() && wanted.iter().all(|word| words.iter().any(|known| same(known, word)))
        })
        .collect();
    let start = page.saturating_sub(1).saturating_mul(limit);
    let docs: Vec<Value> =
        found.iter().skip(start).take(limit).map(|(at, book)| work(*at, book, fields)).collect();
    json!({
        "numFound": found.len(), "num_found": found.len(), "start": start, "numFoundExact": true, "q": q, "offset": null,
        "documentation_url": "https://openlibrary.org/dev/docs/api/search", "docs": docs
    })
}

/// Whether two words are one but for a plural.
fn same(known: &str, word: &str) -> bool {
    known.trim_end_matches('s') == word.trim_end_matches('s')
}

fn work(at: usize, (title, author, year, _): &(&str, &str, u16, &str), fields: Option<&[&str]>) -> Value {
    let all = json!({
        "key": format!("/works/OL{}W", 100_000 + at), "title": title, "author_name": [author],
        "author_key": [format!("OL{}A", 20_000 + author.len())], "first_publish_year": year, "edition_count": 3 + at * 7 % 90,
        "cover_i": 8_000_000 + at, "language": ["eng"], "ebook_access": "public", "has_fulltext": true
    });
    let wanted = |name: &str| fields.is_none_or(|fields| fields.contains(&name));
    let members = all.as_object().into_iter().flatten().filter(|(name, _)| wanted(name));
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}
