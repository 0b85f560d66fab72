//! Bytes to text as they come: a token may end in the middle of a character.

/// Holds back the bytes of a character that is not complete.
#[derive(Debug, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Adds bytes; the characters that are complete by now. What can be no character becomes U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut taken = 0;
        for chunk in self.pending.utf8_chunks() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            let open = taken + invalid.len() == self.pending.len() && is_open(invalid);
            if !invalid.is_empty() && !open {
                text.push(char::REPLACEMENT_CHARACTER);
                taken += invalid.len();
            }
        }
        self.pending.drain(..taken);
        text
    }

    /// What is left when nothing comes any more.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Whether more bytes can make a character of these.
fn is_open(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn half_a_character_waits_for_its_other_half() {
        let mut stream = Utf8Stream::default();
        let bytes = "a👩‍🚀é".as_bytes();
        assert_eq!(stream.push(&bytes[..3]), "a");
        assert_eq!(stream.push(&bytes[3..5]), "👩");
        assert_eq!(stream.push(&bytes[5..]), "\u{200d}🚀é");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_not_kept() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(stream.push(b"\xe2\x82"), "");
        assert_eq!(stream.push(b"z"), "\u{fffd}z");
        assert_eq!(stream.push(b"\xf0\x9f"), "");
        assert_eq!(stream.finish(), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_comes_out_whole_however_it_is_cut(text in ".{0,40}", cuts in prop::collection::vec(1usize..5, 0..60)) {
            let mut stream = Utf8Stream::default();
            let (mut bytes, mut out) = (text.as_bytes(), String::new());
            for cut in cuts {
                let (now, later) = bytes.split_at(cut.min(bytes.len()));
                out.push_str(&stream.push(now));
                bytes = later;
            }
            out.push_str(&stream.push(bytes));
            prop_assert_eq!(&out, &text);
            prop_assert_eq!(stream.finish(), "");
        }
    }
}
