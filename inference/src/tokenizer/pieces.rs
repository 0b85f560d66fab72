//! SentencePiece's way: neighbouring pieces are joined as long as the vocabulary has the result, best score first;
//! characters that it lacks become bytes.

use std::{cmp::Ordering, collections::BinaryHeap};

use crate::weights::Strings;

/// What a space is written as.
pub(super) const SPACE: char = '\u{2581}';

pub(super) struct Pieces {
    scores: Vec<f32>,
    /// Ids in the order of their texts.
    order: Vec<u32>,
    /// The id of each byte.
    bytes: Vec<Option<u32>>,
    unknown: u32,
    space_first: bool,
}

/// Two neighbours that may be joined.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    length: usize,
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Pair {}
impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

/// A stretch of the text, linked with its neighbours; an empty one was joined to the one before.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    length: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

impl Pieces {
    pub(super) fn new(words: &Strings, scores: Vec<f32>, unknown: u32, space_first: bool) -> Self {
        let mut order: Vec<u32> = (0..words.len() as u32).collect();
        order.sort_by_key(|id| words.get(*id as usize));
        let mut pieces = Self { scores, order, bytes: Vec::new(), unknown, space_first };
        pieces.bytes = (0..=255u8).map(|byte| pieces.find(words, &format!("<0x{byte:02X}>"))).collect();
        pieces
    }

    fn find(&self, words: &Strings, text: &str) -> Option<u32> {
        let at = self.order.binary_search_by_key(&Some(text), |id| words.get(*id as usize)).ok()?;
        self.order.get(at).copied()
    }

    /// Adds the ids of a text without special tokens; `first` tells that the text begins here or after one.
    pub(super) fn encode(&self, words: &Strings, text: &str, first: bool, ids: &mut Vec<u32>) {
        let mut escaped = String::with_capacity(text.len() + 8);
        if self.space_first && first && !text.is_empty() {
            escaped.push(SPACE);
        }
        escaped.extend(text.chars().map(|c| if c == ' ' { SPACE } else { c }));

        let mut pieces: Vec<Piece> = Vec::new();
        for (start, c) in escaped.char_indices() {
            let index = pieces.len();
            pieces.push(Piece {
                start,
                length: c.len_utf8(),
                previous: index.checked_sub(1),
                next: Some(index + 1),
            });
        }
        if let Some(last) = pieces.last_mut() {
            last.next = None;
        }
        let mut heap = BinaryHeap::new();
        let pair = |pieces: &[Piece], left: Option<usize>, right: Option<usize>| -> Option<Pair> {
            let (left, right) = (left?, right?);
            let start = pieces[left].start;
            let length = pieces[left].length + pieces[right].length;
            let id = self.find(words, &escaped[start..start + length])?;
            Some(Pair { score: self.scores.get(id as usize).copied()?, left, right, length })
        };
        for right in 1..pieces.len() {
            heap.extend(pair(&pieces, Some(right - 1), Some(right)));
        }
        while let Some(Pair { left, right, length, .. }) = heap.pop() {
            // One of the two was joined with another meanwhile.
            if pieces[left].length == 0
                || pieces[right].length == 0
                || pieces[left].length + pieces[right].length != length
            {
                continue;
            }
            pieces[left].length = length;
            pieces[right].length = 0;
            let next = pieces[right].next;
            pieces[left].next = next;
            if let Some(next) = next {
                pieces[next].previous = Some(left);
            }
            heap.extend(pair(&pieces, pieces[left].previous, Some(left)));
            heap.extend(pair(&pieces, Some(left), next));
        }
        for piece in pieces.iter().filter(|piece| piece.length > 0) {
            let text = &escaped[piece.start..piece.start + piece.length];
            match self.find(words, text) {
                Some(id) => ids.push(id),
                None => {
                    ids.extend(text.bytes().map(|byte| self.bytes[usize::from(byte)].unwrap_or(self.unknown)))
                }
            }
        }
    }
}

/// The byte that `<0x41>` stands for.
pub(super) fn byte_of(piece: &str) -> Option<u8> {
    u8::from_str_radix(piece.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_score_is_joined_first_and_unknown_characters_become_bytes() {
        let mut words = Strings::default();
        let entries = [
            ("<unk>", 0.0),
            ("a", -1.0),
            ("b", -1.0),
            ("c", -1.0),
            ("ab", -5.0),
            ("bc", -2.0),
            ("abc", -9.0),
            ("▁", -1.0),
        ];
        entries.iter().for_each(|(word, _)| words.push(word));
        (0..=255).for_each(|byte| words.push(&format!("<0x{byte:02X}>")));
        let mut scores: Vec<f32> = entries.iter().map(|(_, score)| *score).collect();
        scores.resize(words.len(), 0.0);
        let encode = |text: &str, space_first| {
            let mut ids = Vec::new();
            Pieces::new(&words, scores.clone(), 0, space_first).encode(&words, text, true, &mut ids);
            ids
        };
        assert_eq!(encode("abc", false), [6]);
        assert_eq!(encode("abbc", false), [4, 5]);
        assert_eq!(encode("a c", true), [7, 1, 7, 3]);
        assert_eq!(encode("aé", false), [1, 8 + 0xc3, 8 + 0xa9]);
        assert_eq!(encode("", true), [0u32; 0]);
        assert_eq!((byte_of("<0x0A>"), byte_of("<0xZZ>"), byte_of("x")), (Some(10), None, None));
    }
}
