//! Weights as `torch.save` wrote them before version 1.6: pickles that say what the tensors are, then their elements.
//!
//! A pickle is a small program that builds objects. Only the instructions that such files need are known, and nothing
//! is ever called: what would be a call is recognised as a tensor or an ordered dictionary, or refused.

use std::collections::HashMap;

use mtor_shared::problem::Problem;

use super::unreadable;

/// What the file begins with: torch's magic number, pickled.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// Objects that a pickle may make.
const OBJECT_LIMIT: usize = 1 << 20;

/// A tensor's shape and elements.
pub(crate) type Named = HashMap<String, (Vec<usize>, Vec<f32>)>;

/// Reads all tensors of a state dictionary whose elements are 32-bit floats; counters of other types are left out.
///
/// # Errors
///
/// When the bytes are something else.
pub(crate) fn read(bytes: &[u8]) -> Result<Named, Problem> {
    let rest =
        bytes.strip_prefix(MAGIC).ok_or_else(|| unreadable("they are no file of torch's older form"))?;
    let mut cursor = Cursor { rest };
    // The protocol's version and what machine wrote it: neither matters.
    cursor.object()?;
    cursor.object()?;
    let state = cursor.object()?;
    let keys = match cursor.object()? {
        Object::List(keys) => keys,
        _ => return Err(damaged("the list of storages is missing")),
    };
    let mut storages: HashMap<String, Vec<f32>> = HashMap::new();
    let mut kinds = HashMap::new();
    let Object::Dict(entries) = state else { return Err(damaged("it holds no dictionary of tensors")) };
    for (_, entry) in &entries {
        if let Object::Tensor(tensor) = entry {
            kinds.insert(tensor.storage.clone(), tensor.width);
        }
    }
    for key in keys {
        let Object::Text(key) = key else { return Err(damaged("a storage has no name")) };
        let count = u64::from_le_bytes(cursor.array()?);
        let width = *kinds.get(&key).ok_or_else(|| damaged(format!("nothing uses storage {key}")))?;
        let size = usize::try_from(count).ok().and_then(|count| count.checked_mul(width));
        let content = cursor.take(size.ok_or_else(|| damaged("a storage is too large"))?)?;
        if width == 4 {
            let values = content.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
            storages.insert(key, values.collect());
        }
    }
    let mut tensors = Named::new();
    for (name, entry) in entries {
        let (Object::Text(name), Object::Tensor(tensor)) = (name, entry) else {
            return Err(damaged("something in it is no tensor"));
        };
        if tensor.width != 4 {
            continue;
        }
        let elements = tensor.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let values = storages
            .get(&tensor.storage)
            .zip(elements)
            .and_then(|(values, elements)| values.get(tensor.offset..)?.get(..elements))
            .ok_or_else(|| damaged(format!("the elements of {name} are missing")))?;
        tensors.insert(name, (tensor.shape, values.to_vec()));
    }
    Ok(tensors)
}

fn damaged(what: impl std::fmt::Display) -> Problem {
    unreadable(format_args!("the file of torch is damaged, {what}"))
}

/// What a pickle's instructions make.
#[derive(Clone, Debug)]
enum Object {
    /// Where a group begins.
    Mark,
    Nothing,
    Integer(i64),
    Text(String),
    /// Module and name of something that could be called.
    Name(String),
    List(Vec<Object>),
    Tuple(Vec<Object>),
    Dict(Vec<(Object, Object)>),
    /// The name of a storage, and the width of its elements.
    Storage(String, usize),
    Tensor(Tensor),
}

#[derive(Clone, Debug)]
struct Tensor {
    storage: String,
    width: usize,
    offset: usize,
    shape: Vec<usize>,
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| damaged("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        self.take(N)?.try_into().map_err(|_| damaged("it ends too early"))
    }

    fn text(&mut self, count: usize) -> Result<String, Problem> {
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged("a name is no text"))
    }

    fn line(&mut self) -> Result<&'a str, Problem> {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it ends too early"))?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| damaged("a name is no text"))
    }

    /// Runs one pickle and gives what it leaves.
    fn object(&mut self) -> Result<Object, Problem> {
        let mut stack: Vec<Object> = Vec::new();
        let mut memo: HashMap<u32, Object> = HashMap::new();
        let mut steps = 0;
        loop {
            steps += 1;
            if steps > OBJECT_LIMIT {
                return Err(damaged("it makes too many objects"));
            }
            let [instruction] = self.array()?;
            // Names and numbers are those of Python's pickletools.
            match instruction {
                0x80 => drop(self.take(1)?),                                            // PROTO
                b'.' => return stack.pop().ok_or_else(|| damaged("it leaves nothing")), // STOP
                b'(' => stack.push(Object::Mark),                                       // MARK
                b'N' => stack.push(Object::Nothing),                                    // NONE
                0x88 => stack.push(Object::Integer(1)),                                 // NEWTRUE
                0x89 => stack.push(Object::Integer(0)),                                 // NEWFALSE
                b'K' => stack.push(Object::Integer(i64::from(self.array::<1>()?[0]))),  // BININT1
                b'M' => stack.push(Object::Integer(i64::from(u16::from_le_bytes(self.array()?)))), // BININT2
                b'J' => stack.push(Object::Integer(i64::from(i32::from_le_bytes(self.array()?)))), // BININT
                0x8a => {
                    // LONG1: little-endian, with sign.
                    let count = usize::from(self.array::<1>()?[0]);
                    let bytes = self.take(count)?;
                    let sign = if bytes.last().is_some_and(|byte| *byte > 127) { -1i64 } else { 0 };
                    let fold = |value: i64, byte: &u8| value << 8 | i64::from(*byte);
                    stack.push(Object::Integer(bytes.iter().rev().fold(sign, fold)));
                }
                b'X' => {
                    // BINUNICODE
                    let count = u32::from_le_bytes(self.array()?) as usize;
                    stack.push(Object::Text(self.text(count)?));
                }
                b'U' => {
                    // SHORT_BINSTRING
                    let count = usize::from(self.array::<1>()?[0]);
                    stack.push(Object::Text(self.text(count)?));
                }
                b'c' => {
                    // GLOBAL
                    let name = format!("{}.{}", self.line()?, self.line()?);
                    stack.push(Object::Name(name));
                }
                b'}' => stack.push(Object::Dict(Vec::new())), // EMPTY_DICT
                b']' => stack.push(Object::List(Vec::new())), // EMPTY_LIST
                b')' => stack.push(Object::Tuple(Vec::new())), // EMPTY_TUPLE
                b'q' => {
                    // BINPUT
                    let at = u32::from(self.array::<1>()?[0]);
                    memo.insert(at, top(&stack)?.clone());
                }
                b'r' => {
                    // LONG_BINPUT
                    let at = u32::from_le_bytes(self.array()?);
                    memo.insert(at, top(&stack)?.clone());
                }
                b'h' => {
                    // BINGET
                    let at = u32::from(self.array::<1>()?[0]);
                    stack.push(recall(&memo, at)?);
                }
                b'j' => {
                    // LONG_BINGET
                    let at = u32::from_le_bytes(self.array()?);
                    stack.push(recall(&memo, at)?);
                }
                b't' => {
                    // TUPLE
                    let items = group(&mut stack)?;
                    stack.push(Object::Tuple(items));
                }
                0x85..=0x87 => {
                    // TUPLE1, TUPLE2, TUPLE3
                    let at = stack.len().checked_sub(usize::from(instruction - 0x84));
                    let items = stack.split_off(at.ok_or_else(|| damaged("a tuple is too short"))?);
                    stack.push(Object::Tuple(items));
                }
                b'e' => {
                    // APPENDS
                    let items = group(&mut stack)?;
                    match stack.last_mut() {
                        Some(Object::List(list)) => list.extend(items),
                        _ => return Err(damaged("a list is missing")),
                    }
                }
                b'a' => {
                    // APPEND
                    let item = stack.pop();
                    match (stack.last_mut(), item) {
                        (Some(Object::List(list)), Some(item)) => list.push(item),
                        _ => return Err(damaged("a list is missing")),
                    }
                }
                b'u' | b's' => {
                    // SETITEMS, SETITEM
                    let items = if instruction == b'u' {
                        group(&mut stack)?
                    } else {
                        let at = stack.len().checked_sub(2).ok_or_else(|| damaged("an entry is missing"))?;
                        stack.split_off(at)
                    };
                    let Some(Object::Dict(entries)) = stack.last_mut() else {
                        return Err(damaged("a dictionary is missing"));
                    };
                    let mut items = items.into_iter();
                    while let (Some(key), Some(value)) = (items.next(), items.next()) {
                        entries.push((key, value));
                    }
                }
                b'Q' => {
                    // BINPERSID
                    let named = stack.pop().ok_or_else(|| damaged("a storage is missing"))?;
                    stack.push(storage(named)?);
                }
                b'R' => {
                    // REDUCE
                    let (arguments, name) = (stack.pop(), stack.pop());
                    stack.push(made(name, arguments)?);
                }
                b'b' => drop(stack.pop()), // BUILD: notes that a dictionary carries.
                other => return Err(damaged(format!("instruction {other:#04x} is not known"))),
            }
        }
    }
}

fn top(stack: &[Object]) -> Result<&Object, Problem> {
    stack.last().ok_or_else(|| damaged("there is nothing to remember"))
}

fn recall(memo: &HashMap<u32, Object>, at: u32) -> Result<Object, Problem> {
    memo.get(&at).cloned().ok_or_else(|| damaged("something is recalled that never was"))
}

/// What stands above the last mark.
fn group(stack: &mut Vec<Object>) -> Result<Vec<Object>, Problem> {
    let mark = stack.iter().rposition(|object| matches!(object, Object::Mark));
    let items = stack.split_off(mark.ok_or_else(|| damaged("a group has no beginning"))? + 1);
    stack.pop();
    Ok(items)
}

/// `("storage", type, key, device, elements, view)`.
fn storage(named: Object) -> Result<Object, Problem> {
    let Object::Tuple(parts) = named else { return Err(damaged("a storage is not named")) };
    match parts.as_slice() {
        [Object::Text(kind), Object::Name(class), Object::Text(key), ..] if kind == "storage" => {
            let width = match class.as_str() {
                "torch.FloatStorage" | "torch.IntStorage" => 4,
                "torch.LongStorage" | "torch.DoubleStorage" => 8,
                other => return Err(damaged(format!("elements of {other} are not read"))),
            };
            if class == "torch.IntStorage" {
                return Err(damaged("integers of 32 bits are not read"));
            }
            Ok(Object::Storage(key.clone(), width))
        }
        _ => Err(damaged("a storage is not named")),
    }
}

/// What a call would make.
fn made(name: Option<Object>, arguments: Option<Object>) -> Result<Object, Problem> {
    let (Some(Object::Name(name)), Some(Object::Tuple(arguments))) = (name, arguments) else {
        return Err(damaged("a call has no name"));
    };
    match (name.as_str(), arguments.as_slice()) {
        ("collections.OrderedDict", []) => Ok(Object::Dict(Vec::new())),
        (
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
            [
                Object::Storage(storage, width),
                Object::Integer(offset),
                Object::Tuple(shape),
                Object::Tuple(strides),
                ..,
            ],
        ) => {
            let sizes = |list: &[Object]| -> Option<Vec<usize>> {
                let size = |object: &Object| match object {
                    Object::Integer(value) => usize::try_from(*value).ok(),
                    _ => None,
                };
                list.iter().map(size).collect()
            };
            let parts = (sizes(shape), sizes(strides), usize::try_from(*offset));
            let (Some(shape), Some(strides), Ok(offset)) = parts else {
                return Err(damaged("a tensor has no size"));
            };
            let mut dense = 1usize;
            for (size, stride) in shape.iter().zip(&strides).rev() {
                if *size != 1 && *stride != dense {
                    return Err(damaged("a tensor does not lie row by row"));
                }
                dense = dense.checked_mul(*size).ok_or_else(|| damaged("a tensor is too large"))?;
            }
            Ok(Object::Tensor(Tensor { storage: storage.clone(), width: *width, offset, shape }))
        }
        _ => Err(damaged(format!("it wants to call {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `torch.save({"w": tensor([[1, 2], [3, 4]])}, _use_new_zipfile_serialization=False)` writes, assembled by hand.
    fn file() -> Vec<u8> {
        let text =
            |value: &str| [b"X".as_slice(), &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat();
        let mut file = MAGIC.to_vec();
        file.extend(b"\x80\x02M\xe9\x03.");
        file.extend(b"\x80\x02}q\x00.");
        let tensor = [
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text("77"),
            text("cpu"),
            b"K\x04NtQK\x00K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtR".to_vec(),
        ]
        .concat();
        file.extend(
            [b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec(), text("w"), tensor, b"u.".to_vec()].concat(),
        );
        file.extend([b"\x80\x02]q\x00(".to_vec(), text("77"), b"e.".to_vec()].concat());
        file.extend(4u64.to_le_bytes());
        file.extend([1f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()));
        file
    }

    #[test]
    fn tensors_are_found_by_name() {
        let tensors = read(&file()).unwrap();
        assert_eq!(tensors["w"], (vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn what_would_call_something_is_refused() {
        let mut file = MAGIC.to_vec();
        file.extend(b"\x80\x02cos\nsystem\n(X\x02\0\0\0lstR.");
        assert!(read(&file).unwrap_err().title.contains("os.system"));
    }

    #[test]
    fn a_shorter_file_is_refused() {
        let whole = file();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_never_panics(at in 0usize..400, with in any::<u8>()) {
            let mut damaged = file();
            let at = at % damaged.len();
            damaged[at] = with;
            let _ = read(&damaged);
        }
    }
}
