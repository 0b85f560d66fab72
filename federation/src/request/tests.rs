use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::compile;

const BASE: &str = "https://api.test:8443/v1";

/// An operation with the given path and parameters.
fn operation(path: &str, parameters: Value) -> Operation {
    with_body(path, parameters, Value::Null)
}

fn with_body(path: &str, parameters: Value, body: Value) -> Operation {
    let document = json!({
        "openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": BASE}],
        "paths": {path: {"post": {"parameters": parameters, "requestBody": body}}}
    });
    let mut compiled = compile("t", &document.to_string(), None).expect("compiles");
    assert_eq!(compiled.skipped, []);
    compiled.operations.remove(0)
}

fn args(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// What follows the server's address.
fn sent(operation: &Operation, given: Value) -> String {
    let url = request(operation, &args(given)).expect("a request").url;
    url.strip_prefix(BASE).expect("the server's address").to_owned()
}

fn refused(operation: &Operation, given: Value) -> ArgumentError {
    request(operation, &args(given)).expect_err("refused")
}

/// The three kinds of values of the specification's table of styles.
fn values() -> [Value; 3] {
    [json!("blue"), json!(["blue", "black", "brown"]), json!({"B": 150, "G": 200, "R": 100})]
}

#[test]
fn path_styles_follow_the_specification() {
    let cases = [
        ("simple", false, ["blue", "blue,black,brown", "B,150,G,200,R,100"]),
        ("simple", true, ["blue", "blue,black,brown", "B=150,G=200,R=100"]),
        ("label", false, [".blue", ".blue,black,brown", ".B,150,G,200,R,100"]),
        ("label", true, [".blue", ".blue.black.brown", ".B=150.G=200.R=100"]),
        ("matrix", false, [";color=blue", ";color=blue,black,brown", ";color=B,150,G,200,R,100"]),
        ("matrix", true, [";color=blue", ";color=blue;color=black;color=brown", ";B=150;G=200;R=100"]),
    ];
    for (style, explode, expected) in cases {
        let parameter = json!([{"name": "color", "in": "path", "required": true, "style": style, "explode": explode, "schema": {}}]);
        let operation = operation("/x/{color}/y", parameter);
        for (value, expected) in values().into_iter().zip(expected) {
            assert_eq!(
                sent(&operation, json!({"color": value})),
                format!("/x/{expected}/y"),
                "{style} {explode}"
            );
        }
    }
}

#[test]
fn query_styles_follow_the_specification() {
    let cases = [
        ("form", false, ["color=blue", "color=blue,black,brown", "color=B,150,G,200,R,100"]),
        ("form", true, ["color=blue", "color=blue&color=black&color=brown", "B=150&G=200&R=100"]),
        (
            "spaceDelimited",
            false,
            ["color=blue", "color=blue%20black%20brown", "color=B%20150%20G%20200%20R%20100"],
        ),
        (
            "pipeDelimited",
            false,
            ["color=blue", "color=blue%7Cblack%7Cbrown", "color=B%7C150%7CG%7C200%7CR%7C100"],
        ),
        (
            "deepObject",
            true,
            [
                "color=blue",
                "color=blue&color=black&color=brown",
                "color%5BB%5D=150&color%5BG%5D=200&color%5BR%5D=100",
            ],
        ),
    ];
    for (style, explode, expected) in cases {
        let parameter =
            json!([{"name": "color", "in": "query", "style": style, "explode": explode, "schema": {}}]);
        let operation = operation("/x", parameter);
        for (value, expected) in values().into_iter().zip(expected) {
            assert_eq!(
                sent(&operation, json!({"color": value})),
                format!("/x?{expected}"),
                "{style} {explode}"
            );
        }
        assert_eq!(sent(&operation, json!({})), "/x");
        assert_eq!(sent(&operation, json!({"color": null})), "/x");
    }
}

#[test]
fn deep_objects_may_hold_objects_and_lists() {
    let operation =
        operation("/x", json!([{"name": "f", "in": "query", "style": "deepObject", "schema": {}}]));
    assert_eq!(
        sent(&operation, json!({"f": {"a": {"b": 1}, "c": [1, 2], "d": null}})),
        "/x?f%5Ba%5D%5Bb%5D=1&f%5Bc%5D=1&f%5Bc%5D=2"
    );
}

#[test]
fn headers_and_cookies_are_written() {
    let operation = operation(
        "/x",
        json!([
            {"name": "X-List", "in": "header", "schema": {}}, {"name": "X-Map", "in": "header", "explode": true, "schema": {}},
            {"name": "a", "in": "cookie", "schema": {}}, {"name": "b", "in": "cookie", "schema": {}}
        ]),
    );
    let given = json!({"X-List": [1, 2], "X-Map": {"k": "v"}, "a": "x; y=z", "b": 2});
    let headers = request(&operation, &args(given)).expect("a request").headers;
    let expected = [
        ("Accept", "application/json"),
        ("X-List", "1,2"),
        ("X-Map", "k=v"),
        ("Cookie", "a=x%3B%20y%3Dz; b=2"),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn described_headers_of_negotiation_are_sent_and_can_be_overridden() {
    let media = json!({"type": "string", "enum": ["text/csv", "text/plain"]});
    let operation = operation(
        "/x",
        json!([
            {"name": "accept", "in": "header", "required": true, "schema": media},
            {"name": "Content-Type", "in": "header", "required": true, "schema": {"type": "string"}},
            {"name": "Authorization", "in": "header", "schema": {"type": "string"}}
        ]),
    );
    let headers = |given: Value| request(&operation, &args(given)).expect("a request").headers;
    let pairs = |list: &[(&str, &str)]| {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(headers(json!({})), pairs(&[("Accept", "text/csv"), ("Content-Type", "application/json")]));
    let given = json!({"accept": "text/plain", "Content-Type": "a/b", "Authorization": "Bearer x"});
    assert_eq!(
        headers(given),
        pairs(&[("Accept", "text/plain"), ("Content-Type", "a/b"), ("Authorization", "Bearer x")])
    );
}

#[test]
fn parameters_with_content_are_json_text() {
    let operation =
        operation("/x", json!([{"name": "f", "in": "query", "content": {"application/json": {}}}]));
    assert_eq!(sent(&operation, json!({"f": {"a": [1]}})), "/x?f=%7B%22a%22%3A%5B1%5D%7D");
}

#[test]
fn bodies_are_written_by_their_kind() {
    let body = |content: Value, value: Value| {
        let operation = with_body("/x", json!([]), json!({"content": content}));
        let request = request(&operation, &args(json!({"body": value}))).expect("a request");
        let kind =
            request.headers.iter().find(|(name, _)| name == "Content-Type").map(|(_, value)| value.clone());
        (kind.expect("a type"), String::from_utf8(request.body.expect("a body")).expect("text"))
    };
    assert_eq!(
        body(json!({"application/json": {}}), json!({"a": [1, "ü"]})),
        ("application/json".into(), "{\"a\":[1,\"ü\"]}".into())
    );
    assert_eq!(
        body(
            json!({"application/x-www-form-urlencoded": {}}),
            json!({"a": "x y&z", "b": [1, 2], "c": {"d": 1}, "e": null})
        ),
        ("application/x-www-form-urlencoded".into(), "a=x+y%26z&b=1&b=2&c=%7B%22d%22%3A1%7D".into())
    );
    assert_eq!(body(json!({"text/plain": {}}), json!("hi")), ("text/plain".into(), "hi".into()));
}

/// The body of a request, and its type.
fn posted(content: Value, value: Value) -> (String, String) {
    let operation = with_body("/x", json!([]), json!({"content": content}));
    let request = request(&operation, &args(json!({"body": value}))).expect("a request");
    let kind = request.headers.into_iter().find(|(name, _)| name == "Content-Type").map(|(_, value)| value);
    (kind.expect("a type"), String::from_utf8(request.body.expect("a body")).expect("text"))
}

#[test]
fn multipart_bodies_have_a_part_for_each_field() {
    let properties = json!({
        "file": {"type": "string", "format": "binary"}, "note": {"type": "string"}, "list": {"type": "array", "items": {"type": "string"}},
        "meta": {"type": "object"}, "typed": {"type": "string"}});
    let content = json!({"multipart/form-data": {
        "schema": {"type": "object", "properties": properties}, "encoding": {"typed": {"contentType": "text/csv"}, "file": {"contentType": "image/png, image/jpeg"}}}});
    let value = json!({"file": "aGk=", "note": "n", "list": ["a", "b"], "meta": {"k": 1}, "typed": "1,2", "un\"known\r\n": true});
    let (kind, body) = posted(content.clone(), value.clone());
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary").to_owned();
    let part = |head: &str, content: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let expected = [
        part("name=\"file\"; filename=\"file\"\r\nContent-Type: image/png", "hi"),
        part("name=\"list\"", "a"),
        part("name=\"list\"", "b"),
        part("name=\"meta\"\r\nContent-Type: application/json", "{\"k\":1}"),
        part("name=\"note\"", "n"),
        part("name=\"typed\"\r\nContent-Type: text/csv", "1,2"),
        part("name=\"un%22known%0D%0A\"", "true"),
    ];
    assert_eq!(body, format!("{}--{boundary}--\r\n", expected.concat()));
    assert_eq!(posted(content, value).0, kind, "the same parts have the same boundary");
}

#[test]
fn a_boundary_occurs_in_no_part() {
    let content = json!({"multipart/form-data": {}});
    let (kind, _) = posted(content.clone(), json!({"a": "x"}));
    let boundary = kind.split('=').nth(1).expect("a boundary").to_owned();
    // Parts that hold whatever boundary they would get: it is taken from their own text.
    let mut text = boundary;
    for _ in 0..4 {
        let (kind, body) = posted(content.clone(), json!({"a": text}));
        let boundary = kind.split('=').nth(1).expect("a boundary");
        assert_eq!(body.matches(boundary).count(), 2, "{body}");
        text = format!("{text} {boundary}");
    }
}

#[test]
fn files_that_are_no_base64_are_named() {
    let schema = json!({"properties": {"f": {"type": "string", "format": "binary"}}});
    let operation =
        with_body("/x", json!([]), json!({"content": {"multipart/form-data": {"schema": schema}}}));
    let error = refused(&operation, json!({"body": {"f": "*"}}));
    assert_eq!((error.pointer.as_str(), error.reason.as_str()), ("/body/f", "it is not base64"));
    let operation = with_body("/x", json!([]), json!({"content": {"application/pdf": {}}}));
    assert_eq!(refused(&operation, json!({"body": "*"})).pointer, "/body");
}

#[test]
fn bytes_are_taken_in_every_kind_of_base64() {
    for text in ["-_8", "+/8=", "data:image/png;base64,+/8=", "+/\n8"] {
        let operation = with_body("/x", json!([]), json!({"content": {"image/png": {}}}));
        let request = request(&operation, &args(json!({"body": text}))).expect("a request");
        assert_eq!(request.body, Some(vec![0xfb, 0xff]), "{text}");
    }
}

#[test]
fn fields_of_forms_follow_their_encoding() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    let schema =
        json!({"properties": {"a": list, "b": list, "c": {"type": "object"}, "d": {"type": "object"}}});
    let encoding = json!({"b": {"style": "spaceDelimited", "explode": false}, "c": {"style": "deepObject", "explode": true}});
    let content = json!({"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}});
    let value = json!({"a": ["x", "y z"], "b": ["x", "y"], "c": {"k": "v"}, "d": {"k": 1}});
    assert_eq!(posted(content, value).1, "a=x&a=y+z&b=x+y&c%5Bk%5D=v&d=%7B%22k%22%3A1%7D");
}

#[test]
fn objects_are_written_as_xml() {
    let root =
        json!({"content": {"application/xml": {"schema": {"type": "object", "xml": {"name": "pet"}}}}});
    let operation = with_body("/x", json!([]), root);
    let given = args(json!({"body": {"name": "a<b", "tag": ["x", "y"], "owner": {"id": 1}, "none": null}}));
    let body = request(&operation, &given).expect("a request").body.expect("a body");
    assert_eq!(
        String::from_utf8(body).expect("text"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><pet><name>a&lt;b</name><owner><id>1</id></owner><tag>x</tag><tag>y</tag></pet>"
    );
    let error = refused(&operation, json!({"body": {"a b": 1}}));
    assert!(error.reason.contains("`a b`"), "{error}");
}

#[test]
fn reserved_characters_stay_only_where_they_are_harmless() {
    let parameter =
        |reserved: bool| json!([{"name": "q", "in": "query", "allowReserved": reserved, "schema": {}}]);
    let value = json!({"q": "a/b:c?d&e=f#g+h%i[j]'"});
    assert_eq!(
        sent(&operation("/x", parameter(true)), value.clone()),
        "/x?q=a/b:c?d%26e%3Df%23g%2Bh%25i%5Bj%5D%27"
    );
    assert_eq!(
        sent(&operation("/x", parameter(false)), value),
        "/x?q=a%2Fb%3Ac%3Fd%26e%3Df%23g%2Bh%25i%5Bj%5D%27"
    );
}

#[test]
fn a_path_argument_cannot_leave_its_segment() {
    let operation =
        operation("/users/{id}/data", json!([{"name": "id", "in": "path", "required": true, "schema": {}}]));
    for (value, expected) in [
        ("../admin", "..%2Fadmin"),
        ("..\\admin", "..%5Cadmin"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("%2e%2e", "%252e%252e"),
        ("@evil.test", "%40evil.test"),
        ("a\r\nHost: evil.test", "a%0D%0AHost%3A%20evil.test"),
        ("...", "..."),
        ("\u{0}", "%00"),
    ] {
        assert_eq!(sent(&operation, json!({"id": value})), format!("/users/{expected}/data"));
    }
    for value in [json!("."), json!(".."), json!(""), json!([])] {
        let error = refused(&operation, json!({"id": value}));
        assert_eq!(error.pointer, "/id", "{value}");
    }
}

#[test]
fn dots_that_only_together_make_a_dot_segment_are_refused() {
    let path = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {}});
    let two = operation("/x/{a}{b}", json!([path("a"), path("b")]));
    assert_eq!(refused(&two, json!({"a": ".", "b": "."})).pointer, "/a");
    let label = json!([{"name": "a", "in": "path", "required": true, "style": "label", "schema": {}}]);
    assert_eq!(refused(&operation("/x/{a}", label), json!({"a": "."})).pointer, "/a");
    assert_eq!(sent(&operation("/x/{a}.json", json!([path("a")])), json!({"a": ".."})), "/x/...json");
}

#[test]
fn header_fields_carry_no_line_breaks() {
    let operation = operation("/x", json!([{"name": "X-A", "in": "header", "schema": {}}]));
    for value in ["a\r\nHost: evil.test", "a\nb", "\u{0}", "ü", "\u{7f}"] {
        assert_eq!(refused(&operation, json!({"X-A": value})).pointer, "/X-A");
    }
}

#[test]
fn faults_of_arguments_are_named_with_what_to_give() {
    let operation = operation(
        "/x/{id}",
        json!([
            {"name": "id", "in": "path", "required": true, "description": "Number of a pet.", "schema": {"type": "integer"}},
            {"name": "kind", "in": "query", "schema": {"enum": ["cat", "dog"]}},
            {"name": "n", "in": "query", "schema": {"type": "number", "minimum": 2}},
            {"name": "t", "in": "query", "schema": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3}}
        ]),
    );
    for (given, expected) in [
        (json!({}), "/id: it is missing; give Number of a pet"),
        (json!({"id": "seven"}), "/id: \"seven\" is not of type integer; give a value of type integer"),
        (
            json!({"id": 1, "kind": "cow"}),
            "/kind: \"cow\" is not among the choices; give one of [\"cat\",\"dog\"]",
        ),
        (json!({"id": 1, "n": 1}), "/n: 1 is too small; give at least 2"),
        (json!({"id": 1, "t": "abcd"}), "/t: it is too long; give at most 3 characters"),
        (
            json!({"id": 1, "t": "A"}),
            "/t: \"A\" has not the right form; give a text that matches \"^[a-z]+$\"",
        ),
        (
            json!({"id": 1, "z": 1}),
            "/z: nothing of that name is taken; leave it out; the arguments are id, kind, n, t",
        ),
    ] {
        assert_eq!(refused(&operation, given).to_string(), expected);
    }
}

#[test]
fn a_recursive_argument_is_checked() {
    let document = json!({
        "openapi": "3.0.0", "info": {"title": "T"}, "servers": [{"url": BASE}],
        "paths": {"/x": {"post": {"requestBody": {"required": true, "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Tree"}}}}}}},
        "components": {"schemas": {"Tree": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Tree"}}}}}
    });
    let operation = compile("t", &document.to_string(), None).expect("compiles").operations.remove(0);
    request(&operation, &args(json!({"body": {"name": "a", "next": {"name": "b"}}}))).expect("fits");
    assert_eq!(refused(&operation, json!({"body": {"name": "a", "next": {}}})).pointer, "/body/next/name");
}

#[test]
fn a_slow_regular_expression_is_quick() {
    let operation = operation(
        "/x",
        json!([{"name": "t", "in": "query", "schema": {"type": "string", "pattern": "^(a+)+$"}}]),
    );
    assert_eq!(refused(&operation, json!({"t": format!("{}!", "a".repeat(5000))})).pointer, "/t");
}

#[test]
fn a_pattern_that_cannot_be_used_does_not_stop_a_call() {
    let operation =
        operation("/x", json!([{"name": "t", "in": "query", "schema": {"type": "string", "pattern": "(["}}]));
    assert_eq!(sent(&operation, json!({"t": "a"})), "/x?t=a");
}

#[test]
fn an_endless_address_is_refused() {
    let operation = operation("/x", json!([{"name": "t", "in": "query", "schema": {}}]));
    assert!(refused(&operation, json!({"t": "a".repeat(100_000)})).reason.contains("KB"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let text =
        prop_oneof![any::<String>(), "[./\\\\%#?&=;:@ \r\n\u{0}-\u{7f}]{0,12}", "(\\.|%2e|%2f|/){1,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let path = prop::sample::select(vec!["simple", "label", "matrix"]);
    let query = prop::sample::select(vec!["form", "spaceDelimited", "pipeDelimited", "deepObject"]);
    let template =
        prop::sample::select(vec!["/{p}", "/a/{p}/b", "/{p}{p}", "/x.{p}", "/a?k={p}", "/a/{p}#f"]);
    (path, query, template, any::<bool>(), any::<bool>()).prop_map(|(path, query, template, explode, reserved)| {
        operation(template, json!([
            {"name": "p", "in": "path", "required": true, "style": path, "explode": explode, "schema": {}},
            {"name": "q", "in": "query", "style": query, "explode": explode, "allowReserved": reserved, "schema": {}},
            {"name": "X-H", "in": "header", "explode": explode, "schema": {}},
            {"name": "c", "in": "cookie", "explode": explode, "schema": {}}
        ]))
    })
}

proptest! {
    #[test]
    fn no_argument_moves_a_request(
        operation in any_operation(), p in any_json(), q in any_json(), h in any_json(), c in any_json()
    ) {
        let given = args(json!({"p": p, "q": q, "X-H": h, "c": c}));
        if let Ok(request) = request(&operation, &given) {
            let url = Url::parse(&request.url).expect("an address");
            prop_assert_eq!(url.origin(), Url::parse(BASE).expect("an address").origin());
            prop_assert!(url.path().starts_with("/v1/"), "{}", url);
            prop_assert!(url.username().is_empty() && url.fragment().is_none());
            let slashes = |path: &str| path.matches('/').count();
            let literal: usize = operation.path.iter().map(|part| match part {
                PathPart::Literal(text) => slashes(text),
                PathPart::Parameter(_) => 0,
            }).sum();
            prop_assert_eq!(slashes(url.path()), slashes("/v1") + literal);
            prop_assert!(request.headers.iter().all(|(_, value)| !value.contains(['\r', '\n', '\0'])));
        }
    }

    #[test]
    fn any_text_compiles_or_is_refused(text in any::<String>()) {
        let _ = compile("t", &text, Some(&text));
    }

    #[test]
    fn any_object_in_place_of_an_operation_is_survived(operation in any_json(), item in any_json(), shared in any_json()) {
        let document = json!({
            "openapi": "3.0.0", "info": shared, "servers": [{"url": BASE}], "components": shared, "security": shared,
            "paths": {"/a": {"get": operation, "parameters": shared}, "/b": item, "/c": {"get": {
                "parameters": [operation, {"name": "x", "in": "query", "schema": item}], "requestBody": {"content": item},
                "responses": {"200": operation, "2xx": {"content": item}}, "x-mtor": shared}}}
        });
        let text = document.to_string();
        let compiled = compile("t", &text, None);
        let mut swagger = document;
        swagger.as_object_mut().expect("an object").remove("openapi");
        swagger["swagger"] = json!("2.0");
        swagger["host"] = json!("api.test");
        let old = compile("t", &swagger.to_string(), None);
        for compiled in [compiled, old].into_iter().flatten() {
            let mut bytes = 0;
            for operation in &compiled.operations {
                let capability = &operation.capability;
                bytes += capability.input.to_string().len() + capability.output.to_string().len();
                for schema in [&capability.input, &capability.output] {
                    prop_assert!(jsonschema::draft202012::meta::is_valid(schema), "{}", schema);
                }
            }
            prop_assert!(bytes <= 4 * text.len(), "{} of {}", bytes, text.len());
        }
    }

    #[test]
    fn any_body_is_written_or_refused(value in any_json(), media_type in prop::sample::select(vec![
        "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "text/plain",
        "application/octet-stream"]))
    {
        let operation = with_body("/x", json!([]), json!({"content": {media_type: {"schema": {}}}}));
        if let Ok(request) = request(&operation, &args(json!({"body": value}))) {
            prop_assert!(request.headers.iter().all(|(_, value)| !value.contains(['\r', '\n', '\0'])));
            if media_type == "application/json" {
                let sent = request.body.as_ref().map(|body| serde_json::from_slice::<Value>(body).expect("JSON"));
                prop_assert_eq!(sent, Some(value).filter(|value| !value.is_null()));
            }
        }
    }
}

#[test]
fn lines_of_json_are_written_line_by_line() {
    let body = |media_type: &str| json!({"content": {media_type: {"schema": {"type": "array", "items": {"type": "object"}}}}});
    let given = json!({"body": [{"index": {}}, {"a": "x\ny"}]});
    for media_type in ["application/x-ndjson", "application/jsonl"] {
        let operation = with_body("/bulk", json!([]), body(media_type));
        let request = request(&operation, &args(given.clone())).expect("a request");
        let text = String::from_utf8(request.body.expect("a body")).expect("text");
        assert_eq!(text, "{\"index\":{}}\n{\"a\":\"x\\ny\"}\n");
    }
    let operation = with_body("/bulk", json!([]), body("application/json"));
    let request = request(&operation, &args(given)).expect("a request");
    assert!(request.body.expect("a body").starts_with(b"["));
}
