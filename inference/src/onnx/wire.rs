//! The wire format of protocol buffers, as far as ONNX uses it: numbered fields, one after the other.

use crate::graph::Fault;

/// The value of one field, not yet interpreted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// An integer of any kind.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn integer(self) -> Result<i64, Fault> {
        match self {
            Self::Varint(value) => Ok(value as i64),
            other => Err(damaged(format!("{other:?} stands where an integer belongs"))),
        }
    }

    pub(super) fn float(self) -> Result<f32, Fault> {
        match self {
            Self::Fixed32(value) => Ok(f32::from_bits(value)),
            _ => Err(damaged("something else stands where a number belongs")),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(damaged("a number stands where bytes belong")),
        }
    }

    pub(super) fn text(self) -> Result<String, Fault> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged("a name is no UTF-8"))
    }

    /// Appends a repeated integer field, packed or not.
    pub(super) fn integers(self, into: &mut Vec<i64>) -> Result<(), Fault> {
        match self {
            Self::Varint(value) => into.push(value as i64),
            Self::Bytes(bytes) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    into.push(varint(&mut rest)? as i64);
                }
            }
            _ => return Err(damaged("something else stands where integers belong")),
        }
        Ok(())
    }

    /// Appends a repeated field of 32-bit floats, packed or not.
    pub(super) fn floats(self, into: &mut Vec<f32>) -> Result<(), Fault> {
        match self {
            Self::Fixed32(value) => into.push(f32::from_bits(value)),
            Self::Bytes(bytes) => {
                let (values, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(damaged("packed numbers do not fill their field"));
                }
                into.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
            }
            _ => return Err(damaged("something else stands where numbers belong")),
        }
        Ok(())
    }
}

/// The fields of one message, in the order in which they stand.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = field(&mut self.0);
        if field.is_err() {
            // What follows a damaged field means nothing.
            self.0 = &[];
        }
        Some(field)
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>), Fault> {
    let tag = varint(rest)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(take(rest, 8)?.try_into().map_err(|_| short())?)),
        2 => {
            let length = varint(rest)?;
            let length = usize::try_from(length).map_err(|_| short())?;
            Value::Bytes(take(rest, length)?)
        }
        5 => Value::Fixed32(u32::from_le_bytes(take(rest, 4)?.try_into().map_err(|_| short())?)),
        kind => return Err(damaged(format!("there is no wire type {kind}"))),
    };
    Ok((tag >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(damaged("an integer has more than 64 bits"))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    let (taken, left) = rest.split_at_checked(count).ok_or_else(short)?;
    *rest = left;
    Ok(taken)
}

fn short() -> Fault {
    damaged("it ends in the middle of a field")
}

pub(super) fn damaged(what: impl std::fmt::Display) -> Fault {
    Fault::new(format!("the ONNX file is damaged ({what})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_read() {
        // 1: varint 300, 2: "ab", 3: 1.0f32, 4: eight bytes. Encoded by hand after the specification.
        let bytes =
            [0x08, 0xac, 0x02, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 1, 0, 0, 0, 0, 0, 0, 0];
        let fields: Vec<_> = Fields(&bytes).map(|field| field.expect("it is whole")).collect();
        assert_eq!(
            fields,
            [
                (1, Value::Varint(300)),
                (2, Value::Bytes(b"ab")),
                (3, Value::Fixed32(0x3f80_0000)),
                (4, Value::Fixed64(1))
            ]
        );
        for end in 1..bytes.len() {
            // A prefix is either a whole number of fields or an error, and never endless.
            assert!(Fields(&bytes[..end]).count() <= 4);
        }
        assert!(Fields(&bytes[..4]).any(|field| field.is_err()));
        assert!(
            Fields(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
                .any(|f| f.is_err())
        );
    }
}
