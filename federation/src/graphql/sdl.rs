//! The schema definition language (<https://spec.graphql.org/October2021/#sec-Type-System>) to a schema.
//!
//! The tokens come from a kept lexer; the definitions are put together here, because a fault in one of them must cost
//! only that one, and because the descriptions of large services have to be read in a moment.

use apollo_parser::{Lexer, TokenKind};
use serde_json::{Map, Number, Value};

use super::types::{Argument, Fault, Field, Kind, Schema, Text, Type, TypeRef, string};

/// Levels of lists in types and values.
const MAX_DEPTH: usize = 32;
/// Faults beyond these are not kept.
const MAX_FAULTS: usize = 1000;
const DEFINITIONS: [&str; 9] =
    ["schema", "type", "interface", "union", "enum", "input", "scalar", "directive", "extend"];
const EXECUTABLE: [&str; 4] = ["query", "mutation", "subscription", "fragment"];

/// Whether a text begins like a schema: YAML and JSON do not.
pub(super) fn is_sdl(text: &str) -> bool {
    let mut reader = Reader::new(text);
    if reader.peek_kind() == Some(TokenKind::StringValue) {
        reader.next();
    }
    let Some(first) = reader.next() else { return false };
    let second = reader.peek().map(|token| token.kind);
    match first.data {
        "schema" => matches!(second, Some(Some(TokenKind::LCurly | TokenKind::At))),
        "directive" => second == Some(Some(TokenKind::At)),
        word if first.kind == Some(TokenKind::Name) && DEFINITIONS.contains(&word) => {
            second == Some(Some(TokenKind::Name))
        }
        _ => false,
    }
}

pub(super) fn read(text: &str) -> Schema<'_> {
    let mut reader = Reader::new(text);
    let mut stated = false;
    while reader.peek().is_some() {
        if let Err(wrong) = reader.definition(&mut stated) {
            reader.fault(None, None, wrong);
            reader.skip_to_definition();
        }
    }
    let mut schema = reader.schema;
    // Also where the schema names a root that is not there: these are the specification's own names.
    for (root, usual) in [
        (&mut schema.query, "Query"),
        (&mut schema.mutation, "Mutation"),
        (&mut schema.subscription, "Subscription"),
    ] {
        let gone = root.is_some_and(|name| !schema.types.contains_key(name));
        if (gone || (root.is_none() && !stated)) && schema.types.contains_key(usual) {
            *root = Some(usual);
        }
    }
    schema
}

/// A value as SDL writes it, as in the `defaultValue`s of introspection; what is none becomes text.
pub(super) fn value(text: &str) -> Value {
    let mut reader = Reader::new(text);
    match reader.value(0) {
        Ok(value) if reader.peek().is_none() => value,
        _ => Value::String(text.to_owned()),
    }
}

#[derive(Clone, Copy)]
struct Token<'d> {
    /// None for what is no token at all.
    kind: Option<TokenKind>,
    data: &'d str,
    at: usize,
    starts_line: bool,
}

/// What is wrong, and the byte that it is found at.
struct Wrong {
    at: usize,
    what: String,
}

type Read<T> = Result<T, Wrong>;

#[derive(Default)]
struct Directives {
    deprecated: bool,
    one_of: bool,
    specified_by: Option<String>,
}

struct Reader<'d> {
    text: &'d str,
    lexer: Lexer<'d>,
    peeked: Option<Token<'d>>,
    schema: Schema<'d>,
    /// A byte whose line is known, and that line.
    line: (usize, usize),
}

impl<'d> Reader<'d> {
    fn new(text: &'d str) -> Self {
        let mut reader =
            Self { text, lexer: Lexer::new(text), peeked: None, schema: Schema::default(), line: (0, 1) };
        reader.advance();
        reader
    }

    fn advance(&mut self) {
        let mut starts_line = self.peeked.is_none();
        self.peeked = loop {
            match self.lexer.next() {
                None => break None,
                Some(Ok(token)) => match token.kind() {
                    TokenKind::Whitespace => starts_line |= token.data().contains('\n'),
                    TokenKind::Comment => starts_line = true,
                    TokenKind::Comma => {}
                    TokenKind::Eof => break None,
                    kind => {
                        let (data, at) = (token.data(), token.index());
                        break Some(Token { kind: Some(kind), data, at, starts_line });
                    }
                },
                Some(Err(error)) => {
                    let at = error.index().min(self.text.len());
                    break Some(Token { kind: None, data: "", at, starts_line });
                }
            }
        };
    }

    fn peek(&self) -> Option<Token<'d>> {
        self.peeked
    }

    fn peek_kind(&self) -> Option<TokenKind> {
        self.peeked.and_then(|token| token.kind)
    }

    fn next(&mut self) -> Option<Token<'d>> {
        let token = self.peeked;
        if token.is_some() {
            self.advance();
        }
        token
    }

    fn take(&mut self, kind: TokenKind) -> bool {
        let found = self.peek_kind() == Some(kind);
        if found {
            self.advance();
        }
        found
    }

    fn wrong(&self, wanted: &str) -> Wrong {
        match self.peeked {
            Some(Token { kind: Some(_), data, at, .. }) => {
                let found: String = data.chars().take(40).collect();
                Wrong { at, what: format!("there is `{found}` where {wanted} belongs") }
            }
            Some(token) => Wrong {
                at: token.at,
                what: format!("there is something that is no GraphQL where {wanted} belongs"),
            },
            None => Wrong { at: self.text.len(), what: format!("it ends where {wanted} belongs") },
        }
    }

    fn expect(&mut self, kind: TokenKind, wanted: &str) -> Read<()> {
        if self.take(kind) { Ok(()) } else { Err(self.wrong(wanted)) }
    }

    fn name(&mut self) -> Read<&'d str> {
        match self.peeked {
            Some(Token { kind: Some(TokenKind::Name), data, .. }) => {
                self.advance();
                Ok(data)
            }
            _ => Err(self.wrong("a name")),
        }
    }

    fn description(&mut self) -> Option<Text<'d>> {
        let literal = self.peeked.filter(|token| token.kind == Some(TokenKind::StringValue))?.data;
        self.advance();
        Some(Text::Literal(literal))
    }

    fn fault(&mut self, type_name: Option<&'d str>, field: Option<&'d str>, wrong: Wrong) {
        if self.schema.faults.len() < MAX_FAULTS {
            let (from, line) = if wrong.at >= self.line.0 { self.line } else { (0, 1) };
            let between = self.text.as_bytes().get(from..wrong.at).unwrap_or_default();
            let line = line + between.iter().filter(|byte| **byte == b'\n').count();
            self.line = (wrong.at, line);
            let reason = format!("line {line}: {}", wrong.what);
            self.schema.faults.push(Fault { type_name, field, reason });
        }
    }

    /// Skips to what looks like the next definition; at least one token.
    fn skip_to_definition(&mut self) {
        let mut depth = 0_usize;
        let mut first = true;
        while let Some(token) = self.peeked {
            let begins = token.starts_line
                && depth == 0
                && match token.kind {
                    Some(TokenKind::Name) => DEFINITIONS.contains(&token.data),
                    kind => kind == Some(TokenKind::StringValue),
                };
            if begins && !first {
                return;
            }
            match token.kind {
                Some(TokenKind::LCurly) => depth += 1,
                Some(TokenKind::RCurly) => depth = depth.saturating_sub(1),
                _ => {}
            }
            first = false;
            self.advance();
        }
    }

    /// Skips to what looks like the next field, or to the end of the fields; at least one token unless at the end.
    fn skip_to_field(&mut self) {
        let mut depth = 0_usize;
        let mut first = true;
        while let Some(token) = self.peeked {
            match token.kind {
                Some(TokenKind::LCurly | TokenKind::LParen | TokenKind::LBracket) => depth += 1,
                Some(TokenKind::RCurly) if depth == 0 => return,
                Some(TokenKind::RCurly | TokenKind::RParen | TokenKind::RBracket) => {
                    depth = depth.saturating_sub(1);
                }
                Some(TokenKind::Name | TokenKind::StringValue)
                    if depth == 0 && token.starts_line && !first =>
                {
                    return;
                }
                _ => {}
            }
            first = false;
            self.advance();
        }
    }

    fn definition(&mut self, stated: &mut bool) -> Read<()> {
        let description = self.description();
        let mut word = self.name().map_err(|_| self.wrong("a definition"))?;
        if word == "extend" {
            word = self.name()?;
        }
        match word {
            "schema" => {
                *stated = true;
                self.roots()
            }
            "directive" => self.directive_definition(),
            "type" | "interface" => self.object(word == "type", description),
            "scalar" | "union" | "enum" | "input" => {
                let name = self.name()?;
                let directives = self.directives()?;
                let kind = match word {
                    "scalar" => Kind::Scalar { specified_by: directives.specified_by },
                    "union" => Kind::Union { members: self.members()? },
                    "enum" => Kind::Enum { values: self.enum_values(name)? },
                    _ => Kind::Input { fields: self.input_fields(name)?, one_of: directives.one_of },
                };
                self.schema.add(name, Type { description, kind });
                Ok(())
            }
            _ if EXECUTABLE.contains(&word) => {
                Err(Wrong { at: self.at(), what: format!("a {word} is no part of a schema") })
            }
            _ => {
                let word: String = word.chars().take(40).collect();
                Err(Wrong { at: self.at(), what: format!("`{word}` begins no definition") })
            }
        }
    }

    fn at(&self) -> usize {
        self.peeked.map_or(self.text.len(), |token| token.at)
    }

    fn roots(&mut self) -> Read<()> {
        self.directives()?;
        if !self.take(TokenKind::LCurly) {
            return Ok(());
        }
        while !self.take(TokenKind::RCurly) {
            self.description();
            let operation = self.name()?;
            self.expect(TokenKind::Colon, "`:`")?;
            let name = self.name()?;
            match operation {
                "query" => self.schema.query = Some(name),
                "mutation" => self.schema.mutation = Some(name),
                "subscription" => self.schema.subscription = Some(name),
                _ => {}
            }
        }
        Ok(())
    }

    fn directive_definition(&mut self) -> Read<()> {
        self.expect(TokenKind::At, "`@`")?;
        self.name()?;
        self.arguments("")?;
        while self.name()? != "on" {}
        self.take(TokenKind::Pipe);
        self.name()?;
        while self.take(TokenKind::Pipe) {
            self.name()?;
        }
        Ok(())
    }

    fn object(&mut self, is_object: bool, description: Option<Text<'d>>) -> Read<()> {
        let name = self.name()?;
        let mut interfaces = Vec::new();
        if self.peeked.is_some_and(|token| token.data == "implements" && !token.starts_line) {
            self.advance();
            loop {
                let and = self.take(TokenKind::Amp);
                match self.peeked {
                    // Old schemas put nothing between the names.
                    Some(Token { kind: Some(TokenKind::Name), data, starts_line, .. })
                        if and || !(starts_line && DEFINITIONS.contains(&data)) =>
                    {
                        interfaces.push(data);
                        self.advance();
                    }
                    _ if and => return Err(self.wrong("the name of an interface")),
                    _ => break,
                }
            }
        }
        self.directives()?;
        let mut fields = Vec::new();
        if self.take(TokenKind::LCurly) {
            while !self.end_of_fields()? {
                let mut field_name = None;
                match self.field(&mut field_name) {
                    Ok(field) => fields.push(field),
                    Err(wrong) => {
                        self.fault(Some(name), field_name, wrong);
                        self.skip_to_field();
                    }
                }
            }
        }
        let kind = if is_object { Kind::Object { fields, interfaces } } else { Kind::Interface { fields } };
        self.schema.add(name, Type { description, kind });
        Ok(())
    }

    fn end_of_fields(&mut self) -> Read<bool> {
        match self.peeked {
            None => Ok(true),
            Some(_) => Ok(self.take(TokenKind::RCurly)),
        }
    }

    fn field(&mut self, read: &mut Option<&'d str>) -> Read<Field<'d>> {
        let description = self.description();
        let name = self.name()?;
        *read = Some(name);
        let arguments = self.arguments(name)?;
        self.expect(TokenKind::Colon, "`:`")?;
        let of = self.type_ref(0)?;
        let directives = self.directives()?;
        Ok(Field { name, description, arguments, of, deprecated: directives.deprecated })
    }

    fn arguments(&mut self, _field: &str) -> Read<Vec<Argument<'d>>> {
        let mut arguments = Vec::new();
        if self.take(TokenKind::LParen) {
            while !self.take(TokenKind::RParen) {
                arguments.push(self.argument(&mut None)?);
            }
        }
        Ok(arguments)
    }

    fn input_fields(&mut self, type_name: &'d str) -> Read<Vec<Argument<'d>>> {
        let mut fields = Vec::new();
        if self.take(TokenKind::LCurly) {
            while !self.end_of_fields()? {
                let mut field_name = None;
                match self.argument(&mut field_name) {
                    Ok(field) => fields.push(field),
                    Err(wrong) => {
                        self.fault(Some(type_name), field_name, wrong);
                        self.skip_to_field();
                    }
                }
            }
        }
        Ok(fields)
    }

    fn argument(&mut self, read: &mut Option<&'d str>) -> Read<Argument<'d>> {
        let description = self.description();
        let name = self.name()?;
        *read = Some(name);
        self.expect(TokenKind::Colon, "`:`")?;
        let of = self.type_ref(0)?;
        let default = if self.take(TokenKind::Eq) { Some(self.value(0)?) } else { None };
        let directives = self.directives()?;
        Ok(Argument { name, description, of, default, deprecated: directives.deprecated })
    }

    fn members(&mut self) -> Read<Vec<&'d str>> {
        let mut members = Vec::new();
        if self.take(TokenKind::Eq) {
            self.take(TokenKind::Pipe);
            members.push(self.name()?);
            while self.take(TokenKind::Pipe) {
                members.push(self.name()?);
            }
        }
        Ok(members)
    }

    fn enum_values(&mut self, type_name: &'d str) -> Read<Vec<&'d str>> {
        let mut values = Vec::new();
        if self.take(TokenKind::LCurly) {
            while !self.end_of_fields()? {
                self.description();
                match self.name().and_then(|name| self.directives().map(|_| name)) {
                    Ok(name) => values.push(name),
                    Err(wrong) => {
                        self.fault(Some(type_name), None, wrong);
                        self.skip_to_field();
                    }
                }
            }
        }
        Ok(values)
    }

    fn directives(&mut self) -> Read<Directives> {
        let mut found = Directives::default();
        while self.take(TokenKind::At) {
            let name = self.name()?;
            let mut url = None;
            if self.take(TokenKind::LParen) {
                while !self.take(TokenKind::RParen) {
                    let argument = self.name()?;
                    self.expect(TokenKind::Colon, "`:`")?;
                    let value = self.value(0)?;
                    if argument == "url" {
                        url = value.as_str().map(str::to_owned);
                    }
                }
            }
            match name {
                "deprecated" => found.deprecated = true,
                "oneOf" => found.one_of = true,
                "specifiedBy" => found.specified_by = url,
                _ => {}
            }
        }
        Ok(found)
    }

    fn type_ref(&mut self, depth: usize) -> Read<TypeRef<'d>> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("a type with fewer lists around it"));
        }
        let of = if self.take(TokenKind::LBracket) {
            let inner = self.type_ref(depth + 1)?;
            self.expect(TokenKind::RBracket, "`]`")?;
            TypeRef::List(Box::new(inner))
        } else {
            TypeRef::Named(self.name().map_err(|_| self.wrong("a type"))?)
        };
        Ok(if self.take(TokenKind::Bang) { TypeRef::NonNull(Box::new(of)) } else { of })
    }

    /// Names that are no literals are values of enums, which are texts in JSON.
    fn value(&mut self, depth: usize) -> Read<Value> {
        let Some(token) = self.peeked.filter(|_| depth <= MAX_DEPTH) else {
            return Err(self.wrong("a value"));
        };
        let value = match token.kind {
            Some(TokenKind::Name) => match token.data {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                name => Value::String(name.to_owned()),
            },
            Some(TokenKind::StringValue) => Value::String(string(token.data)),
            Some(TokenKind::Int | TokenKind::Float) => token
                .data
                .parse::<Number>()
                .map_or_else(|_| Value::String(token.data.to_owned()), Value::Number),
            Some(TokenKind::LBracket) => {
                self.advance();
                let mut items = Vec::new();
                while !self.take(TokenKind::RBracket) {
                    items.push(self.value(depth + 1)?);
                }
                return Ok(Value::Array(items));
            }
            Some(TokenKind::LCurly) => {
                self.advance();
                let mut members = Map::new();
                while !self.take(TokenKind::RCurly) {
                    let name = self.name()?;
                    self.expect(TokenKind::Colon, "`:`")?;
                    members.insert(name.to_owned(), self.value(depth + 1)?);
                }
                return Ok(Value::Object(members));
            }
            _ => return Err(self.wrong("a value")),
        };
        self.advance();
        Ok(value)
    }
}
