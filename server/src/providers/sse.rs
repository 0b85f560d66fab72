//! Server-sent events out of bytes, and lines of JSON: both in pieces of any size. What is buffered is bounded by
//! whoever pushes.

/// Splits bytes into events (HTML standard, "Server-sent events").
#[derive(Default)]
pub(super) struct Events {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    done: usize,
    data: String,
    name: String,
    any: bool,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its type; empty where none was given.
    pub(super) name: String,
    /// Its lines of data.
    pub(super) data: String,
}

impl Events {
    /// Takes more bytes in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.done);
        self.done = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event that is whole. Comments and events without data are passed over.
    pub(super) fn next(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            let (from, to) = line;
            if from == to {
                let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
                if std::mem::take(&mut self.any) {
                    return Some(Event { name, data });
                }
                continue;
            }
            let line = String::from_utf8_lossy(&self.buffer[from..to]);
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => {
                    if std::mem::replace(&mut self.any, true) {
                        self.data.push('\n');
                    }
                    self.data.push_str(value);
                }
                "event" => value.clone_into(&mut self.name),
                _ => {}
            }
        }
        None
    }

    /// The next whole line without its end, as a range of the buffer.
    fn line(&mut self) -> Option<(usize, usize)> {
        let from = self.done;
        let at = from + self.buffer[from..].iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let next = match (self.buffer[at], self.buffer.get(at + 1)) {
            (b'\r', Some(b'\n')) => at + 2,
            // A line feed that belongs to it may be about to come.
            (b'\r', None) => return None,
            _ => at + 1,
        };
        self.done = next;
        Some((from, at))
    }
}

/// Splits bytes into lines.
#[derive(Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    done: usize,
}

impl Lines {
    /// Takes more bytes in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.done);
        self.done = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line that is whole and not empty.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        loop {
            let from = self.done;
            let at = from + self.buffer[from..].iter().position(|byte| *byte == b'\n')?;
            self.done = at + 1;
            if !self.buffer[from..at].trim_ascii().is_empty() {
                return Some(self.buffer[from..at].trim_ascii());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            events.push(piece);
            while let Some(event) = events.next() {
                found.push((event.name, event.data));
            }
        }
        found
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = b": hello\n\ndata: {\"a\":\ndata: 1}\r\n\r\nevent: ping\ndata:x\n\nid: 7\n\ndata: \xc3\xa4\n\ndata: cut";
        let whole = events(&[text]);
        let expected: Vec<(String, String)> =
            [("", "{\"a\":\n1}"), ("ping", "x"), ("", "ä")].map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(whole, expected);
        for size in 1..text.len() {
            assert_eq!(events(&text.chunks(size).collect::<Vec<_>>()), expected, "pieces of {size}");
        }
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = b"{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"cut";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next() {
                    found.push(line.to_vec());
                }
            }
            assert_eq!(found, [b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec()], "pieces of {size}");
        }
    }
}
