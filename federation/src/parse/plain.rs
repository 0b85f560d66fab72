//! The plain part of YAML, in which nearly all descriptions are written: block mappings and lists, scalars of every
//! style, flow collections. Whatever else there is (anchors, tags, complex keys, tabs, faults) makes it give up, and
//! the reader for the whole language decides. It never reads a text differently from that reader.

use std::borrow::Cow;

use super::{MAX_DEPTH, yaml};
use crate::document::{Node, Unfinished};

/// Names longer than this are none to YAML.
const MAX_KEY_BYTES: usize = 1000;

/// None when the text is not plain.
pub(super) fn read(text: &str) -> Option<Node<'_>> {
    if memchr::memchr(b'\r', text.as_bytes()).is_some() {
        return None;
    }
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: 0, line: 0, unfinished: Unfinished::default() };
    if text.starts_with("---\n") {
        reader.at = 4;
        reader.line = 4;
    }
    let indent = reader.next_line()?;
    let node = reader.block(indent?, 0)?;
    matches!(reader.next_line(), Some(None)).then_some(node)
}

struct Reader<'s> {
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    /// Where the line begins that is being read.
    line: usize,
    unfinished: Unfinished<'s>,
}

impl<'s> Reader<'s> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b'\n')
    }

    fn is_space_at(&self, at: usize) -> bool {
        matches!(self.bytes.get(at), None | Some(b' ' | b'\n'))
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn end_of_line(&self, from: usize) -> usize {
        memchr::memchr(b'\n', &self.bytes[from..]).map_or(self.bytes.len(), |n| from + n)
    }

    /// Goes to the first character of the next line with content, from the beginning of a line. Its indentation;
    /// `Some(None)` at the end of the text, `None` at what is not plain.
    fn next_line(&mut self) -> Option<Option<usize>> {
        loop {
            if self.is_at_end() {
                return Some(None);
            }
            if self.at != self.line {
                // In the middle of a line: the first item of a list stands behind its dash.
                return Some(Some(self.at - self.line));
            }
            let spaces = self.bytes[self.at..].iter().take_while(|b| **b == b' ').count();
            match self.bytes.get(self.at + spaces) {
                None => {
                    self.at = self.bytes.len();
                    return Some(None);
                }
                Some(b'\n') => self.go_to(self.at + spaces + 1),
                Some(b'#') => self.go_to(self.end_of_line(self.at) + 1),
                Some(b'\t') => return None,
                Some(b'-' | b'.') if spaces == 0 && self.is_marker() => return None,
                Some(_) => {
                    self.at += spaces;
                    return Some(Some(spaces));
                }
            }
        }
    }

    fn is_marker(&self) -> bool {
        let rest = &self.text[self.at..];
        rest.starts_with("---") || rest.starts_with("...")
    }

    /// To the beginning of a line.
    fn go_to(&mut self, at: usize) {
        self.at = at.min(self.bytes.len());
        self.line = self.at;
    }

    /// Whether nothing but a comment is left of the line; goes to the next one then.
    fn finish_line(&mut self) -> Option<()> {
        let from = self.at;
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            None | Some(b'\n') => self.go_to(self.at + 1),
            Some(b'#') if self.at > from => self.go_to(self.end_of_line(self.at) + 1),
            _ => return None,
        }
        Some(())
    }

    /// What stands at `indent`, from its first character.
    fn block(&mut self, indent: usize, depth: usize) -> Option<Node<'s>> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.peek() == b'-' && self.is_space_at(self.at + 1) {
            return self.sequence(indent, depth);
        }
        let (start, line) = (self.at, self.line);
        match self.key()? {
            Some(key) => self.mapping(key, indent, depth),
            None => {
                (self.at, self.line) = (start, line);
                // A scalar by itself: in a list, or below its key.
                self.inline(indent as isize - 1, depth)
            }
        }
    }

    /// The key that the line begins with, with the place after its colon; `Some(None)` where there is none.
    fn key(&mut self) -> Option<Option<Cow<'s, str>>> {
        let start = self.at;
        let key = match self.peek() {
            b'"' | b'\'' => {
                let quote = self.peek();
                let end = self.end_of_line(start);
                let key = self.quoted(quote)?;
                // A scalar of several lines is no key.
                if self.at > end {
                    return Some(None);
                }
                while self.bytes.get(self.at) == Some(&b' ') {
                    self.at += 1;
                }
                if !(self.bytes.get(self.at) == Some(&b':') && self.is_space_at(self.at + 1)) {
                    return Some(None);
                }
                key
            }
            b'[' | b'{' | b'|' | b'>' => return Some(None),
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'#' | b'\t' => return None,
            b'?' | b':' if self.is_space_at(self.at + 1) => return None,
            _ => {
                let mut at = start;
                loop {
                    match self.bytes.get(at) {
                        None | Some(b'\n') => return Some(None),
                        Some(b':') if self.is_space_at(at + 1) => break,
                        Some(b':') if self.bytes.get(at + 1) == Some(&b'\t') => return None,
                        Some(b'#') if at > start && self.bytes[at - 1] == b' ' => return Some(None),
                        _ => at += 1,
                    }
                }
                let key = self.text[start..at].trim_end_matches(' ');
                if key.is_empty() || key == "<<" || key.contains('\t') {
                    return None;
                }
                self.at = at;
                Cow::Borrowed(key)
            }
        };
        if self.at - start > MAX_KEY_BYTES {
            return None;
        }
        self.at += 1;
        Some(Some(key))
    }

    fn mapping(&mut self, first: Cow<'s, str>, indent: usize, depth: usize) -> Option<Node<'s>> {
        let start = self.unfinished.members.len();
        let mut key = first;
        loop {
            let value = self.value(indent, depth)?;
            self.unfinished.members.push((key, value));
            match self.next_line()? {
                Some(next) if next == indent => {}
                Some(next) if next > indent => return None,
                _ => break,
            }
            if self.peek() == b'-' && self.is_space_at(self.at + 1) {
                return None;
            }
            key = self.key()??;
        }
        Some(self.unfinished.object(start))
    }

    /// What stands behind a colon.
    fn value(&mut self, indent: usize, depth: usize) -> Option<Node<'s>> {
        let from = self.at;
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            None | Some(b'\n') => {}
            Some(b'#') if self.at > from => {}
            _ => return self.inline(indent as isize, depth),
        }
        self.go_to(self.end_of_line(self.at) + 1);
        match self.next_line()? {
            Some(next) if next > indent => self.block(next, depth + 1),
            Some(next) if next == indent && self.peek() == b'-' && self.is_space_at(self.at + 1) => {
                self.sequence(indent, depth + 1)
            }
            _ => {
                // The line belongs to something further out, which reads it from its beginning.
                self.at = self.line;
                Some(Node::Null)
            }
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Option<Node<'s>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.unfinished.items.len();
        loop {
            // Behind the dash.
            self.at += 1;
            let from = self.at;
            while self.bytes.get(self.at) == Some(&b' ') {
                self.at += 1;
            }
            let item = match self.bytes.get(self.at) {
                Some(b'\t') => return None,
                Some(byte) if *byte != b'\n' && !(*byte == b'#' && self.at > from) => {
                    self.block(self.at - self.line, depth + 1)?
                }
                _ => {
                    self.go_to(self.end_of_line(self.at) + 1);
                    match self.next_line()? {
                        Some(next) if next > indent => self.block(next, depth + 1)?,
                        _ => {
                            self.at = self.line;
                            Node::Null
                        }
                    }
                }
            };
            self.unfinished.items.push(item);
            match self.next_line()? {
                Some(next) if next == indent && self.peek() == b'-' && self.is_space_at(self.at + 1) => {}
                Some(next) if next > indent => return None,
                _ => break,
            }
        }
        self.at = self.line;
        Some(self.unfinished.array(start))
    }

    /// A scalar or flow collection that begins here, inside of what stands at `parent`; the line after it is next.
    fn inline(&mut self, parent: isize, depth: usize) -> Option<Node<'s>> {
        match self.peek() {
            b'|' | b'>' => self.block_scalar(parent),
            quote @ (b'"' | b'\'') => {
                let start = self.line;
                let text = self.quoted(quote)?;
                if self.line != start && !self.is_inside(parent) {
                    return None;
                }
                self.finish_line()?;
                Some(Node::String(text))
            }
            b'[' | b'{' => {
                let start = self.line;
                let node = self.flow(depth + 1)?;
                if self.line != start && !self.is_inside(parent) {
                    return None;
                }
                self.finish_line()?;
                Some(node)
            }
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'#' | b'\t' => None,
            b'-' | b'?' | b':' if self.is_space_at(self.at + 1) => None,
            _ => self.plain_scalar(parent),
        }
    }

    /// Whether the line that has been come to is indented more than `parent`.
    fn is_inside(&self, parent: isize) -> bool {
        let spaces = self.bytes[self.line..].iter().take_while(|b| **b == b' ').count();
        spaces as isize > parent
    }

    /// One line of a plain scalar: where its text ends, and whether a comment follows.
    fn plain_line(&mut self) -> Option<(usize, bool)> {
        let start = self.at;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => break,
                Some(b'\t') => return None,
                Some(b':') if self.is_space_at(at + 1) || self.bytes.get(at + 1) == Some(&b'\t') => {
                    return None;
                }
                Some(b'#') if at > start && self.bytes[at - 1] == b' ' => break,
                _ => at += 1,
            }
        }
        let commented = self.bytes.get(at) == Some(&b'#');
        let mut end = at;
        while end > start && self.bytes[end - 1] == b' ' {
            end -= 1;
        }
        Some((end, commented))
    }

    fn plain_scalar(&mut self, parent: isize) -> Option<Node<'s>> {
        let start = self.at;
        let (end, commented) = self.plain_line()?;
        let first = &self.text[start..end];
        self.go_to(self.end_of_line(end) + 1);
        if commented {
            // A comment ends the scalar; a line that goes on after it is a fault.
            return match self.next_line()? {
                Some(next) if next as isize > parent => None,
                _ => {
                    self.at = self.line;
                    Some(yaml::plain(Cow::Borrowed(first)))
                }
            };
        }
        let mut text: Option<String> = None;
        loop {
            // Blank lines inside count as line breaks, behind the scalar as nothing.
            let mut blank = 0;
            let mut at = self.at;
            let next = loop {
                let spaces = self.bytes[at..].iter().take_while(|b| **b == b' ').count();
                match self.bytes.get(at + spaces) {
                    None => break None,
                    Some(b'\n') => {
                        blank += 1;
                        at += spaces + 1;
                    }
                    Some(b'\t') => return None,
                    Some(_) => break Some(spaces),
                }
            };
            let Some(spaces) = next.filter(|spaces| *spaces as isize > parent) else { break };
            if spaces == 0 && (self.text[at..].starts_with("---") || self.text[at..].starts_with("...")) {
                return None;
            }
            if self.bytes[at + spaces] == b'#' {
                // A comment between a scalar and what follows it: only something further out may follow.
                self.at = at;
                self.line = at;
                return match self.next_line()? {
                    Some(next) if next as isize > parent => None,
                    _ => {
                        self.at = self.line;
                        Some(text.map_or_else(
                            || yaml::plain(Cow::Borrowed(first)),
                            |text| Node::String(Cow::Owned(text)),
                        ))
                    }
                };
            }
            self.line = at;
            self.at = at + spaces;
            let from = self.at;
            let (end, commented) = self.plain_line()?;
            let text = text.get_or_insert_with(|| first.to_owned());
            if blank == 0 {
                text.push(' ');
            }
            text.extend(std::iter::repeat_n('\n', blank));
            text.push_str(&self.text[from..end]);
            self.go_to(self.end_of_line(end) + 1);
            if commented {
                if let Some(next) = self.next_line()?
                    && next as isize > parent
                {
                    return None;
                }
                self.at = self.line;
                break;
            }
        }
        Some(match text {
            None => yaml::plain(Cow::Borrowed(first)),
            Some(text) => Node::String(Cow::Owned(text)),
        })
    }

    /// A quoted scalar, from its first quotation mark to behind its last.
    fn quoted(&mut self, quote: u8) -> Option<Cow<'s, str>> {
        let start = self.at + 1;
        let rest = &self.bytes[start..];
        let end = rest.iter().position(|b| *b == quote || *b == b'\\' && quote == b'"' || *b == b'\n')?;
        let doubled = quote == b'\'' && rest.get(end + 1) == Some(&b'\'');
        if rest[end] == quote && !doubled {
            self.at = start + end + 1;
            return Some(Cow::Borrowed(&self.text[start..start + end]));
        }
        let mut text = String::new();
        let mut at = start;
        // What was escaped is not trimmed.
        let mut kept = 0;
        loop {
            let run = self.bytes[at..]
                .iter()
                .position(|b| *b == quote || *b == b'\\' && quote == b'"' || *b == b'\n')?;
            text.push_str(&self.text[at..at + run]);
            at += run;
            match self.bytes[at] {
                b'\n' => {
                    // White space around a line break goes; the break is a space, further ones are kept.
                    while text.len() > kept && text.ends_with([' ', '\t']) {
                        text.pop();
                    }
                    at = self.fold(at, &mut text)?;
                }
                b'\\' => {
                    at += 1;
                    if self.bytes.get(at) == Some(&b'\n') {
                        // A line break that is no space; what is blank after it is the other reader's.
                        self.line = at + 1;
                        let spaces = self.bytes[at + 1..].iter().take_while(|b| **b == b' ').count();
                        at += 1 + spaces;
                        if matches!(self.bytes.get(at), None | Some(b'\n' | b'\t')) {
                            return None;
                        }
                        continue;
                    }
                    at = self.escape(at, &mut text)?;
                    kept = text.len();
                }
                _ if quote == b'\'' && self.bytes.get(at + 1) == Some(&b'\'') => {
                    text.push('\'');
                    at += 2;
                }
                _ => {
                    self.at = at + 1;
                    return Some(Cow::Owned(text));
                }
            }
        }
    }

    /// Line breaks inside a quoted scalar.
    fn fold(&mut self, mut at: usize, text: &mut String) -> Option<usize> {
        let mut breaks = 0;
        while self.bytes.get(at) == Some(&b'\n') {
            breaks += 1;
            self.line = at + 1;
            at += 1;
            at += self.bytes[at..].iter().take_while(|b| **b == b' ').count();
        }
        if self.bytes.get(at).is_none_or(|b| *b == b'\t') {
            return None;
        }
        if at == self.line && (self.text[at..].starts_with("---") || self.text[at..].starts_with("...")) {
            return None;
        }
        if breaks == 1 {
            text.push(' ');
        } else {
            text.extend(std::iter::repeat_n('\n', breaks - 1));
        }
        Some(at)
    }

    fn escape(&mut self, at: usize, text: &mut String) -> Option<usize> {
        let hex = |digits: usize| {
            self.text.get(at + 1..at + 1 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok())
        };
        let (c, length) = match self.bytes.get(at)? {
            b'n' => ('\n', 1),
            b't' => ('\t', 1),
            b'r' => ('\r', 1),
            b'"' => ('"', 1),
            b'\\' => ('\\', 1),
            b'/' => ('/', 1),
            b' ' => (' ', 1),
            b'0' => ('\0', 1),
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'x' => (char::from_u32(hex(2)?)?, 3),
            // Halves of surrogate pairs are the other reader's.
            b'u' => (char::from_u32(hex(4)?)?, 5),
            b'U' => (char::from_u32(hex(8)?)?, 9),
            _ => return None,
        };
        text.push(c);
        Some(at + length)
    }

    fn block_scalar(&mut self, parent: isize) -> Option<Node<'s>> {
        let folded = self.peek() == b'>';
        self.at += 1;
        let chomping = match self.peek() {
            sign @ (b'-' | b'+') => {
                self.at += 1;
                Some(sign)
            }
            _ => None,
        };
        if self.peek().is_ascii_digit() {
            return None;
        }
        self.finish_line()?;
        // The first line with content says how far all are indented.
        let mut probe = self.at;
        let indent = loop {
            let spaces = self.bytes[probe..].iter().take_while(|b| **b == b' ').count();
            match self.bytes.get(probe + spaces) {
                None => break None,
                Some(b'\n') => probe += spaces + 1,
                Some(b'\t') => return None,
                Some(_) => break Some(spaces),
            }
        };
        let indent = match indent {
            Some(indent) if indent as isize > parent => indent,
            // Nothing in it.
            _ if chomping == Some(b'+') => return None,
            _ => {
                self.go_to(probe);
                return Some(Node::String(Cow::Borrowed("")));
            }
        };
        let mut text = String::new();
        let mut breaks = 0;
        let mut pending = false;
        let mut was_blank = false;
        loop {
            let spaces = self.bytes[self.at..].iter().take(indent).take_while(|b| **b == b' ').count();
            let start = self.at + spaces;
            match self.bytes.get(start) {
                None => break,
                Some(b'\n') => {
                    breaks += 1;
                    self.go_to(start + 1);
                    continue;
                }
                Some(_) if spaces < indent => {
                    if self.bytes[start] == b'\t' {
                        return None;
                    }
                    break;
                }
                Some(_) => {}
            }
            if indent == 0 && self.is_marker() {
                return None;
            }
            let is_blank = matches!(self.bytes[start], b' ' | b'\t');
            if !pending {
                // White space before the first line would have been its indentation.
                if is_blank {
                    return None;
                }
            } else if folded && !was_blank && !is_blank {
                if breaks == 0 {
                    text.push(' ');
                }
            } else {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n('\n', breaks));
            breaks = 0;
            let end = self.end_of_line(start);
            text.push_str(&self.text[start..end]);
            pending = true;
            was_blank = is_blank;
            if end == self.bytes.len() {
                // Without a last line break the readers differ in what they add.
                self.go_to(end);
                return (chomping == Some(b'-')).then_some(Node::String(Cow::Owned(text)));
            }
            self.go_to(end + 1);
        }
        if chomping != Some(b'-') {
            text.push('\n');
        }
        if chomping == Some(b'+') {
            text.extend(std::iter::repeat_n('\n', breaks));
        }
        Some(Node::String(Cow::Owned(text)))
    }

    /// White space and line breaks between the parts of a flow collection.
    fn flow_space(&mut self) -> Option<()> {
        loop {
            match self.bytes.get(self.at)? {
                b' ' => self.at += 1,
                b'\n' => self.go_to(self.at + 1),
                b'#' | b'\t' => return None,
                _ => return Some(()),
            }
        }
    }

    fn flow(&mut self, depth: usize) -> Option<Node<'s>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (close, is_map) = if self.peek() == b'[' { (b']', false) } else { (b'}', true) };
        self.at += 1;
        let (mut items, mut members) = (Vec::new(), Vec::new());
        loop {
            self.flow_space()?;
            if self.peek() == close {
                self.at += 1;
                break;
            }
            if is_map {
                let quoted = matches!(self.peek(), b'"' | b'\'');
                let name = match self.flow_value(depth)? {
                    Flow::Quoted(name) => name,
                    Flow::Plain(name) if !name.is_empty() && name != "<<" => Cow::Borrowed(name),
                    _ => return None,
                };
                self.flow_space()?;
                if self.peek() != b':' || !(quoted || self.is_space_at(self.at + 1)) {
                    return None;
                }
                self.at += 1;
                self.flow_space()?;
                if matches!(self.peek(), b',' | b'}') {
                    return None;
                }
                let value = self.flow_value(depth)?.node();
                members.push((name, value));
            } else {
                if self.peek() == b',' {
                    return None;
                }
                let value = self.flow_value(depth)?.node();
                items.push(value);
            }
            self.flow_space()?;
            match self.peek() {
                b',' => self.at += 1,
                byte if byte == close => {}
                _ => return None,
            }
        }
        Some(if is_map { Node::object(members) } else { Node::Array(items.into_boxed_slice()) })
    }

    fn flow_value(&mut self, depth: usize) -> Option<Flow<'s>> {
        match self.peek() {
            b'[' | b'{' => self.flow(depth + 1).map(Flow::Node),
            quote @ (b'"' | b'\'') => {
                let line = self.line;
                let text = self.quoted(quote)?;
                (self.line == line).then_some(Flow::Quoted(text))
            }
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'|' | b'>' | b'#' | b'?' | b':' | b'-' | b'\n'
                if !self.is_negative_number() =>
            {
                None
            }
            _ => {
                let start = self.at;
                let mut at = start;
                loop {
                    match self.bytes.get(at)? {
                        b',' | b'[' | b']' | b'{' | b'}' => break,
                        b':' if matches!(self.bytes.get(at + 1), Some(b' ' | b'\n' | b',' | b']' | b'}')) => {
                            break;
                        }
                        // It may go on in the next line.
                        b'\n' | b'\t' => return None,
                        b'#' if self.bytes[at - 1] == b' ' => return None,
                        _ => at += 1,
                    }
                }
                self.at = at;
                Some(Flow::Plain(self.text[start..at].trim_end_matches(' ')))
            }
        }
    }

    fn is_negative_number(&self) -> bool {
        self.peek() == b'-' && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
    }
}

enum Flow<'s> {
    Quoted(Cow<'s, str>),
    Plain(&'s str),
    Node(Node<'s>),
}

impl<'s> Flow<'s> {
    fn node(self) -> Node<'s> {
        match self {
            Self::Quoted(text) => Node::String(text),
            Self::Plain(text) => yaml::plain(Cow::Borrowed(text)),
            Self::Node(node) => node,
        }
    }
}
