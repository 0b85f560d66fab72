//! The automaton: a stack of what is open, moved on by one byte.

use super::{
    grammar::{Field, Grammar, NEVER, Rule, RuleId},
    number::NumberState,
    text::{TextState, TextStep},
};

/// One way to understand the bytes so far: what is open, the innermost last. Empty once the answer is complete.
pub(super) type State = Vec<Frame>;

/// Something open.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame {
    /// A value is to begin.
    Value(RuleId),
    /// The `at`th byte of one of the rule's texts comes next.
    Literal { rule: RuleId, index: usize, at: usize },
    /// Within a string.
    Text { rule: RuleId, state: TextState },
    /// Within a number.
    Number { rule: RuleId, state: NumberState },
    /// Within an array that has `count` items.
    List { rule: RuleId, count: usize, place: Place },
    /// Within an object; `next` is the first property that can still come.
    Record { rule: RuleId, next: usize, place: Place },
    /// The `at`th byte of a property's name comes next; the value follows.
    Key { rule: RuleId, field: usize, at: usize },
    /// Within an object with any names.
    Map { rule: RuleId, count: usize, place: Place },
    /// Within a name.
    Name { state: TextState },
    /// The colon after a name.
    Colon,
    /// One space may come before what follows.
    Space,
}

/// Where in an array or object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// After the bracket.
    Open,
    /// After an item.
    After,
    /// After a comma.
    Comma,
}

/// Before the first byte.
pub(super) fn start(_: &Grammar) -> State {
    vec![Frame::Value(0)]
}

/// Adds every way to go on from `state` with `byte`.
pub(super) fn advance(grammar: &Grammar, state: &State, byte: u8, into: &mut Vec<State>) {
    let Some((top, below)) = state.split_last() else { return };
    let mut on = |frames: &[Frame]| {
        let mut next = Vec::with_capacity(below.len() + frames.len() + 2);
        next.extend_from_slice(below);
        next.extend_from_slice(frames);
        if !into.contains(&next) {
            into.push(next);
        }
    };
    match top {
        Frame::Value(rule) => begin(grammar, *rule, below, byte, into, 0),
        Frame::Literal { rule, index, at } => {
            if let Rule::Literals(texts) = &grammar.rules[*rule]
                && texts[*index][*at] == byte
            {
                if at + 1 == texts[*index].len() {
                    on(&[]);
                } else {
                    on(&[Frame::Literal { rule: *rule, index: *index, at: at + 1 }]);
                }
            }
        }
        Frame::Text { rule, state } => {
            if let Rule::Text(text) = &grammar.rules[*rule] {
                match state.step(text, byte) {
                    TextStep::On(state) => on(&[Frame::Text { rule: *rule, state }]),
                    TextStep::Closed => on(&[]),
                    TextStep::No => {}
                }
            }
        }
        Frame::Number { rule, state } => {
            if let Rule::Number(number) = &grammar.rules[*rule] {
                if let Some(state) = state.step(number, byte) {
                    on(&[Frame::Number { rule: *rule, state }]);
                }
                // A number ends where something else begins.
                if state.is_complete(number) && matches!(byte, b',' | b']' | b'}') {
                    advance(grammar, &below.to_vec(), byte, into);
                }
            }
        }
        Frame::List { rule, count, place } => {
            let Rule::List { item, least, most } = &grammar.rules[*rule] else { return };
            let after = Frame::List { rule: *rule, count: count + 1, place: Place::After };
            match (place, byte) {
                (Place::Open | Place::After, b']') if count >= least => on(&[]),
                (Place::After, b',') if count < most => {
                    on(&[Frame::List { rule: *rule, count: *count, place: Place::Comma }, Frame::Space]);
                }
                (Place::Open | Place::Comma, _) if count < most => {
                    let below: State = below.iter().cloned().chain([after]).collect();
                    begin(grammar, *item, &below, byte, into, 0);
                }
                _ => {}
            }
        }
        Frame::Record { rule, next, place } => {
            let Rule::Record(fields) = &grammar.rules[*rule] else { return };
            let rest = || fields.iter().enumerate().skip(*next);
            match (place, byte) {
                (Place::Open | Place::After, b'}') if !rest().any(|(_, field)| field.required) => on(&[]),
                (Place::After, b',') if *next < fields.len() => {
                    on(&[Frame::Record { rule: *rule, next: *next, place: Place::Comma }, Frame::Space]);
                }
                (Place::Open | Place::Comma, b'"') => {
                    // Any property up to the first that must come.
                    for (index, field) in rest() {
                        if grammar.shortest[field.value] < NEVER {
                            on(&[
                                Frame::Record { rule: *rule, next: index + 1, place: Place::After },
                                Frame::Key { rule: *rule, field: index, at: 1 },
                            ]);
                        }
                        if field.required {
                            break;
                        }
                    }
                }
                _ => {}
            }
        }
        Frame::Key { rule, field, at } => {
            let Rule::Record(fields) = &grammar.rules[*rule] else { return };
            let Field { key, value, .. } = &fields[*field];
            if key[*at] == byte {
                if at + 1 == key.len() {
                    on(&[Frame::Value(*value), Frame::Space]);
                } else {
                    on(&[Frame::Key { rule: *rule, field: *field, at: at + 1 }]);
                }
            }
        }
        Frame::Map { rule, count, place } => {
            let Rule::Map { value, least, most } = &grammar.rules[*rule] else { return };
            match (place, byte) {
                (Place::Open | Place::After, b'}') if count >= least => on(&[]),
                (Place::After, b',') if count < most => {
                    on(&[Frame::Map { rule: *rule, count: *count, place: Place::Comma }, Frame::Space]);
                }
                (Place::Open | Place::Comma, b'"') if count < most => on(&[
                    Frame::Map { rule: *rule, count: count + 1, place: Place::After },
                    Frame::Value(*value),
                    Frame::Colon,
                    Frame::Name { state: TextState::START },
                ]),
                _ => {}
            }
        }
        Frame::Name { state } => match state.step(&grammar.names, byte) {
            TextStep::On(state) => on(&[Frame::Name { state }]),
            TextStep::Closed => on(&[]),
            TextStep::No => {}
        },
        Frame::Colon => {
            if byte == b':' {
                on(&[Frame::Space]);
            }
        }
        Frame::Space => {
            if byte == b' ' {
                on(&[]);
            } else {
                advance(grammar, &below.to_vec(), byte, into);
            }
        }
    }
}

/// Adds every way in which a value of `rule` begins with `byte`.
fn begin(grammar: &Grammar, rule: RuleId, below: &[Frame], byte: u8, into: &mut Vec<State>, depth: usize) {
    let mut on = |frame: Option<Frame>| {
        let next: State = below.iter().cloned().chain(frame).collect();
        if !into.contains(&next) {
            into.push(next);
        }
    };
    match &grammar.rules[rule] {
        // A rule that only names itself has no instance.
        Rule::Any(rules) if depth < 64 => {
            for rule in rules {
                begin(grammar, *rule, below, byte, into, depth + 1);
            }
        }
        Rule::Any(_) => {}
        Rule::Literals(texts) => {
            for (index, text) in texts.iter().enumerate().filter(|(_, text)| text.first() == Some(&byte)) {
                on((text.len() > 1).then_some(Frame::Literal { rule, index, at: 1 }));
            }
        }
        Rule::Text(_) if byte == b'"' && grammar.shortest[rule] < NEVER => {
            on(Some(Frame::Text { rule, state: TextState::START }));
        }
        Rule::Number(number) => {
            if let Some(state) = NumberState::START.step(number, byte) {
                on(Some(Frame::Number { rule, state }));
            }
        }
        Rule::List { .. } if byte == b'[' => on(Some(Frame::List { rule, count: 0, place: Place::Open })),
        Rule::Record(_) if byte == b'{' => on(Some(Frame::Record { rule, next: 0, place: Place::Open })),
        Rule::Map { .. } if byte == b'{' => on(Some(Frame::Map { rule, count: 0, place: Place::Open })),
        _ => {}
    }
}

/// Whether the answer may end here.
pub(super) fn is_complete(grammar: &Grammar, state: &State) -> bool {
    match state.as_slice() {
        [] => true,
        [Frame::Number { rule, state }] => {
            matches!(&grammar.rules[*rule], Rule::Number(number) if state.is_complete(number))
        }
        _ => false,
    }
}

/// Bytes of the shortest way to the end.
pub(super) fn missing(grammar: &Grammar, state: &State) -> usize {
    state.iter().map(|frame| missing_of(grammar, frame)).fold(0, usize::saturating_add)
}

fn missing_of(grammar: &Grammar, frame: &Frame) -> usize {
    match frame {
        Frame::Value(rule) => grammar.shortest[*rule],
        Frame::Literal { rule, index, at } => match &grammar.rules[*rule] {
            Rule::Literals(texts) => texts[*index].len() - at,
            _ => NEVER,
        },
        Frame::Text { rule, state } => match &grammar.rules[*rule] {
            Rule::Text(text) => state.missing(text),
            _ => NEVER,
        },
        Frame::Number { rule, state } => match &grammar.rules[*rule] {
            Rule::Number(number) => state.missing(number).unwrap_or(NEVER),
            _ => NEVER,
        },
        Frame::List { rule, count, place } => match &grammar.rules[*rule] {
            Rule::List { item, least, .. } => {
                // After a comma an item must come, and one that is enough needs no further comma.
                let items = least.saturating_sub(*count).max(usize::from(*place == Place::Comma));
                let commas = if *place == Place::After { items } else { items.saturating_sub(1) };
                items.saturating_mul(grammar.shortest[*item]).saturating_add(commas + 1)
            }
            _ => NEVER,
        },
        Frame::Record { rule, next, place } => match &grammar.rules[*rule] {
            Rule::Record(fields) => {
                missing_of_record(grammar, fields.get(*next..).unwrap_or_default(), *place)
            }
            _ => NEVER,
        },
        Frame::Key { rule, field, at } => match &grammar.rules[*rule] {
            Rule::Record(fields) => {
                (fields[*field].key.len() - at).saturating_add(grammar.shortest[fields[*field].value])
            }
            _ => NEVER,
        },
        Frame::Map { rule, count, place } => match &grammar.rules[*rule] {
            Rule::Map { value, least, .. } => {
                let items = least.saturating_sub(*count).max(usize::from(*place == Place::Comma));
                let commas = if *place == Place::After { items } else { items.saturating_sub(1) };
                // `"x":` and the value.
                items.saturating_mul(4 + grammar.shortest[*value]).saturating_add(commas + 1)
            }
            _ => NEVER,
        },
        Frame::Name { state } => state.missing(&grammar.names),
        Frame::Colon => 1,
        Frame::Space => 0,
    }
}

fn missing_of_record(grammar: &Grammar, rest: &[Field], place: Place) -> usize {
    let of = |field: &Field| field.key.len().saturating_add(grammar.shortest[field.value]);
    let required = rest.iter().filter(|field| field.required);
    let (count, bytes) =
        required.fold((0usize, 0usize), |(count, bytes), field| (count + 1, bytes.saturating_add(of(field))));
    match place {
        Place::After => bytes.saturating_add(count + 1),
        Place::Open => bytes.saturating_add(count.saturating_sub(1) + 1),
        Place::Comma if count > 0 => bytes.saturating_add(count),
        // A comma was written although nothing must follow: the shortest of what can.
        Place::Comma => rest.iter().map(of).min().unwrap_or(NEVER).saturating_add(1),
    }
}
