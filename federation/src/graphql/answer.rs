//! What goes to a GraphQL service and what comes back (<https://graphql.github.io/graphql-over-http/draft/>).

use serde_json::{Map, Value, json};

use crate::{model::GraphQlCall, response::ResponseError};

/// The body of a call; the arguments are its variables.
pub(crate) fn body(call: &GraphQlCall, args: &Map<String, Value>) -> Vec<u8> {
    json!({"query": call.query, "operationName": call.operation_name, "variables": args})
        .to_string()
        .into_bytes()
}

/// The result in an answer. What a service could not fill in is `null` in it and told in `errors`; only when nothing
/// of the result is there is that a failure.
///
/// # Errors
/// [`ResponseError::Refused`] with what the service says, [`ResponseError::Unexpected`] when it is no answer.
pub(crate) fn answer(call: &GraphQlCall, mut value: Value) -> Result<Value, ResponseError> {
    let first = value.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()).cloned();
    let data = value.get_mut("data").and_then(|data| data.get_mut(&call.field)).map(Value::take);
    match (data, first) {
        (Some(Value::Null) | None, Some(error)) => Err(ResponseError::Refused {
            code: error
                .pointer("/extensions/code")
                .or_else(|| error.get("type"))
                .and_then(Value::as_str)
                .map(|code| code.chars().filter(char::is_ascii_graphic).take(60).collect()),
            reason: error.get("message").and_then(Value::as_str).and_then(crate::response::plain),
        }),
        (Some(data), _) => Ok(data),
        (None, None) => Err(ResponseError::Unexpected {
            what: format!("it has neither `data.{}` nor `errors`", call.field),
        }),
    }
}
