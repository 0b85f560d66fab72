//! A few articles in the shapes of Wikipedia's search and page summary.

use serde_json::{Value, json};

use super::{keywords, picture, plain};

struct Article {
    title: &'static str,
    description: &'static str,
    extract: &'static str,
}

const ARTICLES: &[Article] = &[
    Article {
        title: "Ada Lovelace",
        description: "English mathematician (1815–1852)",
        extract: "Augusta Ada King, Countess of Lovelace, was an English mathematician and writer, known for her work on \
            Charles Babbage's proposed mechanical general-purpose computer, the Analytical Engine. She saw that the machine \
            had uses beyond calculation, and her notes hold what many call the first published program.",
    },
    Article {
        title: "Marie Curie",
        description: "Polish-French physicist and chemist (1867–1934)",
        extract: "Maria Salomea Skłodowska-Curie was a Polish and naturalised-French physicist and chemist who did pioneering \
            research on radioactivity. She was the first woman to win a Nobel Prize, and the first person to win two.",
    },
    Article {
        title: "Alan Turing",
        description: "English computer scientist (1912–1954)",
        extract: "Alan Mathison Turing was an English mathematician, computer scientist, logician and cryptanalyst. He gave the \
            notions of algorithm and computation a formal shape with the Turing machine.",
    },
    Article {
        title: "Nikola Tesla",
        description: "Serbian-American engineer and inventor (1856–1943)",
        extract: "Nikola Tesla was a Serbian-American engineer, futurist and inventor. He is known for his contributions to the \
            design of the modern alternating current electricity supply system.",
    },
    Article {
        title: "French Revolution",
        description: "1789–1799 period of upheaval in France",
        extract: "The French Revolution was a period of political and societal change in France that began with the Estates \
            General of 1789 and ended with the coup of 18 Brumaire in 1799.",
    },
    Article {
        title: "Roman Empire",
        description: "State of ancient Rome from 27 BC",
        extract: "The Roman Empire was the state that ruled the Mediterranean and much of Europe, Western Asia and North Africa \
            from the time of Augustus.",
    },
    Article {
        title: "Photosynthesis",
        description: "Biological process that turns light into chemical energy",
        extract: "Photosynthesis is a system of biological processes by which plants, algae and cyanobacteria turn light energy \
            into the chemical energy that they need to live.",
    },
    Article {
        title: "Black hole",
        description: "Region of space from which nothing escapes",
        extract: "A black hole is an astronomical body so compact that its gravity prevents anything from escaping, even light.",
    },
    Article {
        title: "Machu Picchu",
        description: "Inca citadel in the Andes of Peru",
        extract: "Machu Picchu is a 15th-century Inca citadel in the Eastern Cordillera of southern Peru, on a mountain ridge at \
            2,430 metres.",
    },
    Article {
        title: "Octopus",
        description: "Order of soft-bodied, eight-limbed molluscs",
        extract: "An octopus is a soft-bodied, eight-limbed mollusc of the order Octopoda. Octopuses inhabit many regions of the \
            ocean and are among the most intelligent of all invertebrates.",
    },
];

fn key(article: &Article) -> String {
    article.title.replace(' ', "_")
}

fn thumb(article: &Article, own: &str) -> String {
    format!("{own}/wikipedia/thumb/{}.png", key(article))
}

/// `GET /search/page`: articles that have every word of the question in title or description, titles first.
pub(super) fn search(q: &str, limit: usize, own: &str) -> Value {
    let wanted = keywords(q);
    let has = |text: &str| {
        let text = plain(text);
        !wanted.is_empty() && wanted.iter().all(|word| text.contains(word.trim_end_matches('s')))
    };
    let by_title = ARTICLES.iter().filter(|article| has(article.title));
    let by_text = ARTICLES.iter().filter(|article| !has(article.title) && has(article.extract));
    let page = |article: &Article| {
        json!({
            "id": 900 + article.title.len(), "key": key(article), "title": article.title, "excerpt": article.description,
            "matched_title": null, "description": article.description,
            "thumbnail": {"mimetype": "image/png", "width": 60, "height": 75, "duration": null, "url": thumb(article, own)}
        })
    };
    json!({"pages": by_title.chain(by_text).take(limit).map(page).collect::<Vec<_>>()})
}

/// `GET /page/summary/{title}`.
pub(super) fn summary(title: &str, own: &str) -> Option<Value> {
    let wanted = plain(title).replace('_', " ");
    let article = ARTICLES.iter().find(|article| plain(article.title) == wanted)?;
    let page = |host: &str| json!({"page": format!("https://{host}/wiki/{}", key(article))});
    let image = json!({"source": thumb(article, own), "width": picture::WIDTH, "height": picture::HEIGHT});
    Some(json!({
        "type": "standard", "title": article.title, "displaytitle": article.title, "pageid": 900 + article.title.len(),
        "namespace": {"id": 0, "text": ""}, "lang": "en", "dir": "ltr", "timestamp": "2026-01-01T00:00:00Z",
        "titles": {"canonical": key(article), "normalized": article.title, "display": article.title},
        "description": article.description, "extract": article.extract,
        "extract_html": format!("<p>{}</p>", article.extract), "thumbnail": image, "originalimage": image,
        "content_urls": {"desktop": page("en.wikipedia.org"), "mobile": page("en.m.wikipedia.org")}
    }))
}
