//! What a model writes, read as Markdown into a tree of plain data. Markup in it stays text: there is nothing here that
//! could become an element which is not one of these.

use std::hash::{DefaultHasher, Hash, Hasher};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// What stands on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Block {
    /// Words.
    Paragraph(Vec<Inline>),
    /// A heading of that level, from 1.
    Heading(u8, Vec<Inline>),
    /// Source code with the name of its language.
    Code {
        /// What the fence says; may be empty.
        language: String,
        /// As it is, without the last line break.
        text: String,
    },
    /// What somebody else said.
    Quote(Vec<Block>),
    /// Items, numbered from there where there is a number.
    List(Option<u64>, Vec<Vec<Block>>),
    /// A table: the head and the rows, each a list of cells.
    Table {
        /// The names of the columns.
        head: Vec<Vec<Inline>>,
        /// The rest.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A line.
    Rule,
}

/// What stands within a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Inline {
    /// Words as they are.
    Text(String),
    /// Code within words.
    Code(String),
    /// Stressed.
    Emphasis(Vec<Inline>),
    /// Stressed more.
    Strong(Vec<Inline>),
    /// Taken back.
    Struck(Vec<Inline>),
    /// Leads to an address; only to `https`, `http` and `mailto`.
    Link(String, Vec<Inline>),
    /// A new line.
    Break,
}

/// Lists and quotes in each other, at most; what is deeper is left where it is.
const DEEPEST: usize = 16;

/// Reads it.
pub fn read(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader { events: Parser::new_ext(text, options), depth: 0 };
    reader.blocks(None)
}

/// What tells a block from others, so that one that has not changed is not drawn again.
pub fn fingerprint(block: &Block) -> u64 {
    let mut hasher = DefaultHasher::new();
    block.hash(&mut hasher);
    hasher.finish()
}

struct Reader<'a> {
    events: Parser<'a>,
    depth: usize,
}

impl Reader<'_> {
    /// Blocks up to the end of what surrounds them. Words that stand between blocks are paragraphs of their own: so are
    /// the items of a tight list.
    fn blocks(&mut self, until: Option<TagEnd>) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut loose: Vec<Inline> = Vec::new();
        self.depth += 1;
        while let Some(event) = self.events.next() {
            match event {
                Event::End(end) if Some(end) == until => break,
                Event::Start(tag) if is_block(&tag) => {
                    flush(&mut loose, &mut blocks);
                    self.block(tag, &mut blocks);
                }
                Event::Rule => {
                    flush(&mut loose, &mut blocks);
                    blocks.push(Block::Rule);
                }
                other => self.inline(other, &mut loose),
            }
        }
        self.depth -= 1;
        flush(&mut loose, &mut blocks);
        blocks
    }

    fn block(&mut self, tag: Tag<'_>, into: &mut Vec<Block>) {
        let end = tag.to_end();
        match tag {
            Tag::Heading { level, .. } => {
                let words = self.inlines(end);
                into.push(Block::Heading(level_of(level), words));
            }
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(says) => {
                        says.split([' ', ',', '{']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                let mut text = self.plain();
                if text.ends_with('\n') {
                    text.pop();
                }
                into.push(Block::Code { language, text });
            }
            // Markup is shown as what it is: text.
            Tag::HtmlBlock => {
                let text = self.plain().trim_end().to_owned();
                into.push(Block::Paragraph(lines(&text)));
            }
            Tag::BlockQuote(_) | Tag::List(_) if self.depth > DEEPEST => {
                let text = self.plain();
                into.push(Block::Paragraph(lines(&text)));
            }
            Tag::BlockQuote(_) => {
                let inside = self.blocks(Some(end));
                into.push(Block::Quote(inside));
            }
            Tag::List(from) => {
                let items = self.items(end);
                into.push(Block::List(from, items));
            }
            Tag::Table(_) => {
                let table = self.table(end);
                into.push(table);
            }
            _ => {
                let words = self.inlines(end);
                if !words.is_empty() {
                    into.push(Block::Paragraph(words));
                }
            }
        }
    }

    fn items(&mut self, end: TagEnd) -> Vec<Vec<Block>> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.blocks(Some(TagEnd::Item))),
                Event::End(seen) if seen == end => break,
                _ => {}
            }
        }
        items
    }

    fn table(&mut self, end: TagEnd) -> Block {
        let (mut head, mut rows) = (Vec::new(), Vec::new());
        let mut row = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::TableCell) => row.push(self.inlines(TagEnd::TableCell)),
                Event::End(TagEnd::TableHead) => head = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => rows.push(std::mem::take(&mut row)),
                Event::End(seen) if seen == end => break,
                _ => {}
            }
        }
        Block::Table { head, rows }
    }

    fn inlines(&mut self, end: TagEnd) -> Vec<Inline> {
        let mut inlines = Vec::new();
        while let Some(event) = self.events.next() {
            if matches!(&event, Event::End(seen) if *seen == end) {
                break;
            }
            self.inline(event, &mut inlines);
        }
        inlines
    }

    fn inline(&mut self, event: Event<'_>, into: &mut Vec<Inline>) {
        match event {
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => words(&text, into),
            Event::Code(text) => into.push(Inline::Code(text.into_string())),
            Event::SoftBreak => words(" ", into),
            Event::HardBreak => into.push(Inline::Break),
            Event::Start(tag) => {
                if self.depth > DEEPEST {
                    return words(&self.plain(), into);
                }
                self.depth += 1;
                let inside = self.inlines(tag.to_end());
                self.depth -= 1;
                match tag {
                    Tag::Emphasis => into.push(Inline::Emphasis(inside)),
                    Tag::Strong => into.push(Inline::Strong(inside)),
                    Tag::Strikethrough => into.push(Inline::Struck(inside)),
                    Tag::Link { dest_url, .. } if is_safe(&dest_url) => {
                        into.push(Inline::Link(dest_url.into_string(), inside));
                    }
                    // A picture would tell somebody that it is looked at: its words stand for it.
                    _ => into.extend(inside),
                }
            }
            _ => {}
        }
    }

    /// The words up to the end of what has begun, whatever is in it.
    fn plain(&mut self) -> String {
        let (mut text, mut open) = (String::new(), 1);
        for event in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) if open == 1 => break,
                Event::End(_) => open -= 1,
                Event::Text(piece) | Event::Html(piece) | Event::InlineHtml(piece) => text.push_str(&piece),
                _ => {}
            }
        }
        text
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
}

fn level_of(level: HeadingLevel) -> u8 {
    level as u8
}

fn flush(loose: &mut Vec<Inline>, into: &mut Vec<Block>) {
    if !loose.is_empty() {
        into.push(Block::Paragraph(std::mem::take(loose)));
    }
}

fn words(text: &str, into: &mut Vec<Inline>) {
    match into.last_mut() {
        Some(Inline::Text(before)) => before.push_str(text),
        _ => into.push(Inline::Text(text.to_owned())),
    }
}

fn lines(text: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            inlines.push(Inline::Break);
        }
        words(line, &mut inlines);
    }
    inlines
}

/// Whether a link may be followed: nothing that runs, nothing that is not an address.
fn is_safe(url: &str) -> bool {
    let lower: String = url.chars().take(8).collect::<String>().to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Inline {
        Inline::Text(words.to_owned())
    }

    fn paragraph(words: &str) -> Block {
        Block::Paragraph(vec![text(words)])
    }

    #[test]
    fn the_usual_things_are_read() {
        assert_eq!(
            read("## Title\n\nSome *words*, **more** and `code`.\nSame line\\\nnext\n\n---"),
            [
                Block::Heading(2, vec![text("Title")]),
                Block::Paragraph(vec![
                    text("Some "),
                    Inline::Emphasis(vec![text("words")]),
                    text(", "),
                    Inline::Strong(vec![text("more")]),
                    text(" and "),
                    Inline::Code("code".into()),
                    text(". Same line"),
                    Inline::Break,
                    text("next"),
                ]),
                Block::Rule,
            ]
        );
    }

    #[test]
    fn lists_nest_and_keep_their_numbers() {
        assert_eq!(
            read("3. three\n4. four\n   - a\n   - b\n"),
            [Block::List(
                Some(3),
                vec![
                    vec![paragraph("three")],
                    vec![
                        paragraph("four"),
                        Block::List(None, vec![vec![paragraph("a")], vec![paragraph("b")]])
                    ],
                ]
            )]
        );
    }

    #[test]
    fn a_fence_that_is_not_closed_yet_is_code_already() {
        let code = |text: &str| Block::Code { language: "rust".into(), text: text.into() };
        assert_eq!(read("```rust,ignore\nfn main() {\n"), [code("fn main() {")]);
        assert_eq!(read("```rust\nlet a = \"<b>\";\n\n```\n"), [code("let a = \"<b>\";\n")]);
    }

    #[test]
    fn a_table_has_a_head_and_rows() {
        let cell = |words: &str| vec![text(words)];
        assert_eq!(
            read("| a | b |\n|---|--:|\n| 1 | 2 |\n"),
            [Block::Table { head: vec![cell("a"), cell("b")], rows: vec![vec![cell("1"), cell("2")]] }]
        );
    }

    #[test]
    fn markup_stays_text() {
        assert_eq!(
            read("<script>alert(1)</script>\n\nHi <img src=x onerror=alert(1)> there"),
            [paragraph("<script>alert(1)</script>"), paragraph("Hi <img src=x onerror=alert(1)> there")]
        );
    }

    #[test]
    fn only_addresses_become_links_and_pictures_are_words() {
        let link =
            |url: &str, words: &str| Block::Paragraph(vec![Inline::Link(url.into(), vec![text(words)])]);
        assert_eq!(read("[a](https://a.example/x)"), [link("https://a.example/x", "a")]);
        assert_eq!(read("<https://a.example>"), [link("https://a.example", "https://a.example")]);
        for url in
            ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "#/federation", "//a.example"]
        {
            assert_eq!(read(&format!("[a]({url})")), [paragraph("a")], "{url}");
        }
        assert_eq!(read("![a cat](https://a.example/cat.png)"), [paragraph("a cat")]);
    }

    #[test]
    fn what_does_not_change_keeps_its_fingerprint_while_text_grows() {
        let prints = |text: &str| read(text).iter().map(fingerprint).collect::<Vec<_>>();
        let (short, long) = (prints("One.\n\nTwo"), prints("One.\n\nTwo and more"));
        assert_eq!(short[0], long[0]);
        assert_ne!(short[1], long[1]);
    }

    #[test]
    fn whatever_comes_is_read_to_its_end() {
        let deep = "> ".repeat(3000) + "x";
        assert!(!read(&deep).is_empty());
        let list: String = (0..200).map(|depth| format!("{}- x\n", " ".repeat(depth * 2))).collect();
        assert!(!read(&list).is_empty());
        for text in ["", "\n", "```", "| a |\n|--", "[", "**", "- ", "1.", "<", "&amp; &copy; \u{0}"] {
            read(text);
        }
    }
}
