use serde_json::{Value, json};

use crate::{
    Body, BodyKind, CompileError, Compiled, Location, Operation, PathPart, SchemeKind, Style, compile,
    compile_at,
};

fn document(paths: Value) -> Value {
    json!({"openapi": "3.0.3", "info": {"title": "T"}, "servers": [{"url": "https://api.test/v1/"}], "paths": paths})
}

fn compiled(document: &Value) -> Compiled {
    compile("t", &document.to_string(), None).expect("compiles")
}

/// How many bytes all schemas have together.
fn schema_bytes(compiled: &Compiled) -> usize {
    let operations = compiled.operations.iter();
    operations.map(|o| o.capability.input.to_string().len() + o.capability.output.to_string().len()).sum()
}

fn only(paths: Value) -> Operation {
    let mut compiled = compiled(&document(paths));
    assert_eq!(compiled.skipped, []);
    assert_eq!(compiled.operations.len(), 1);
    compiled.operations.remove(0)
}

#[test]
fn an_operation_becomes_a_capability() {
    let operation = only(json!({"/pets/{id}": {"get": {
        "operationId": "getPet", "summary": "One pet",
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
        "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}
    }}}));
    let capability = &operation.capability;
    assert_eq!(capability.id.0, "t/getPet");
    assert_eq!((capability.title.as_str(), operation.server.as_str()), ("One pet", "https://api.test/v1"));
    assert_eq!(capability.provider.hosts, ["api.test"]);
    assert_eq!(
        capability.input,
        json!({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "additionalProperties": false})
    );
    assert_eq!(capability.output, json!({"type": "object"}));
    assert_eq!(operation.path, [PathPart::Literal("/pets/".into()), PathPart::Parameter(0)]);
}

#[test]
fn a_broken_operation_costs_only_itself() {
    let compiled = compiled(&document(json!({
        "/a": {"get": {"requestBody": {"$ref": "#/components/requestBodies/Gone"}}, "post": {"operationId": "fine"}},
        "/b": {"get": {"parameters": [{"in": "query"}]}},
        "/c": {"get": 7},
        "/d": {"$ref": "https://elsewhere.test/d.yaml"},
        "/e/../f": {"get": {}},
        "/g": null
    })));
    assert_eq!(compiled.operations.len(), 1);
    let skipped: Vec<(&str, &str)> =
        compiled.skipped.iter().map(|s| (s.operation.as_str(), s.pointer.as_str())).collect();
    assert_eq!(
        skipped,
        [
            ("/d", "/paths/~1d"),
            ("/g", "/paths/~1g"),
            ("GET /a", "/paths/~1a/get/requestBody"),
            ("GET /b", "/paths/~1b/get/parameters/0"),
            ("GET /c", "/paths/~1c/get"),
            ("GET /e/../f", "/paths/~1e~1..~1f/get"),
        ]
    );
    assert_eq!(compiled.skipped[2].reason, "`$ref` to `#/components/requestBodies/Gone` leads nowhere");
    assert!(compiled.skipped[0].reason.contains("https://elsewhere.test/d.yaml"));
}

#[test]
fn missing_and_repeated_operation_ids_get_names() {
    let compiled = compiled(&document(json!({
        "/a": {"get": {"operationId": "x"}, "post": {"operationId": "x"}}, "/b/{id}": {"get": {}}
    })));
    let ids: Vec<&str> = compiled.operations.iter().map(|o| o.capability.id.0.as_str()).collect();
    assert_eq!(ids, ["t/x", "t/post-a", "t/get-b-id"]);
    assert!(compiled.warnings.iter().any(|warning| warning.contains("{id}")));
    assert_eq!(compiled.find("x").map(|o| o.method.as_str()), Some("GET"));
    assert_eq!(compiled.find("t/post-a").map(|o| o.method.as_str()), Some("POST"));
}

#[test]
fn parameters_of_the_path_item_are_shared_and_overridden() {
    let operation = only(json!({"/a": {
        "parameters": [
            {"name": "p", "in": "query", "schema": {"type": "string"}},
            {"name": "q", "in": "query", "required": true, "schema": {"type": "string"}}],
        "get": {"parameters": [{"name": "p", "in": "query", "schema": {"type": "integer"}}]}
    }}));
    let input = &operation.capability.input;
    assert_eq!(input["properties"], json!({"p": {"type": "integer"}, "q": {"type": "string"}}));
    assert_eq!(input["required"], json!(["q"]));
}

#[test]
fn arguments_of_one_name_are_told_apart() {
    let operation = only(json!({"/a/{id}": {"post": {
        "parameters": [
            {"name": "id", "in": "path", "required": true, "schema": {}}, {"name": "id", "in": "query", "schema": {}},
            {"name": "body", "in": "query", "schema": {}}],
        "requestBody": {"content": {"application/json": {}}}
    }}}));
    let names: Vec<&str> = operation.parameters.iter().map(|p| p.argument.as_str()).collect();
    assert_eq!(names, ["id", "query_id", "body"]);
    assert_eq!(operation.body.map(|body| body.argument), Some("request_body".into()));
}

#[test]
fn styles_are_read_and_unknown_ones_named() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    let mut compiled = compiled(&document(json!({"/a": {"get": {"parameters": [
        {"name": "a", "in": "query", "schema": list},
        {"name": "b", "in": "query", "style": "pipeDelimited", "schema": list},
        {"name": "c", "in": "query", "style": "tabular", "schema": list},
        {"name": "d", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
        {"name": "e", "in": "header", "schema": list},
        {"name": "Host", "in": "header", "schema": {"type": "string"}},
        {"name": "Authorization", "in": "header", "required": true, "schema": {"type": "string"}}
    ]}}})));
    let operation = compiled.operations.remove(0);
    let styles: Vec<_> = operation.parameters.iter().map(|p| (p.name.as_str(), p.style, p.explode)).collect();
    assert_eq!(
        styles,
        [
            ("a", Style::Form, true),
            ("b", Style::PipeDelimited, false),
            ("c", Style::Form, true),
            ("d", Style::Json, false),
            ("e", Style::Simple, false),
            ("Authorization", Style::Simple, false)
        ]
    );
    assert_eq!(operation.capability.input["properties"]["Authorization"]["format"], "password");
    assert_eq!(compiled.warnings.len(), 2, "{:?}", compiled.warnings);
}

#[test]
fn the_nearest_servers_count_and_variables_have_their_defaults() {
    let mut root = document(json!({"/a": {
        "servers": [{"url": "https://{region}.test:{port}/x", "variables": {"region": {"default": "eu"}, "port": {"enum": ["8443"]}}}],
        "get": {}, "post": {"servers": [{"url": "http://own.test"}]}
    }}));
    let servers =
        |root: &Value| -> Vec<String> { compiled(root).operations.into_iter().map(|o| o.server).collect() };
    assert_eq!(servers(&root), ["https://eu.test:8443/x", "http://own.test"]);
    root["paths"] = json!({"/a": {"get": {}}});
    assert_eq!(servers(&root), ["https://api.test/v1"]);
}

#[test]
fn a_server_that_cannot_be_used_is_named() {
    let mut root = document(json!({"/a": {"get": {}}}));
    for (server, named) in [
        ("/v2", "relative"),
        ("ftp://a.test", "HTTP"),
        ("https://u:p@a.test", "user name"),
        ("https://{host", "closed"),
    ] {
        root["servers"] = json!([{"url": server}]);
        let skipped = compiled(&root).skipped;
        assert_eq!(skipped[0].pointer, "/servers");
        assert!(skipped[0].reason.contains(named), "{}", skipped[0].reason);
    }
}

#[test]
fn relative_servers_are_resolved_against_where_the_description_came_from() {
    let base = Some("https://docs.test/api/openapi.json");
    let mut root = document(json!({"/a": {"get": {}}}));
    root["servers"] = json!([{"url": "./v2"}]);
    let server = |root: &Value| {
        compile_at("t", &root.to_string(), None, base).expect("compiles").operations[0].server.clone()
    };
    assert_eq!(server(&root), "https://docs.test/api/v2");
    root.as_object_mut().expect("object").remove("servers");
    assert_eq!(server(&root), "https://docs.test");
}

#[test]
fn the_body_that_is_best_understood_is_chosen() {
    let body = |content: Value| {
        only(json!({"/a": {"post": {"requestBody": {"required": true, "content": content}}}})).body
    };
    let expected = |media_type: &str, kind| {
        Some(Body {
            argument: "body".into(),
            media_type: media_type.into(),
            kind,
            required: true,
            parts: Vec::new(),
            root: String::new(),
        })
    };
    assert_eq!(
        body(
            json!({"multipart/form-data": {}, "application/x-www-form-urlencoded": {}, "application/json; charset=utf-8": {}})
        ),
        expected("application/json", BodyKind::Json)
    );
    assert_eq!(
        body(json!({"application/merge-patch+json": {}})),
        expected("application/merge-patch+json", BodyKind::Json)
    );
    assert_eq!(
        body(json!({"application/x-www-form-urlencoded": {}})),
        expected("application/x-www-form-urlencoded", BodyKind::Form)
    );
    for (media_type, sent, kind) in [
        ("multipart/form-data", "multipart/form-data", BodyKind::Multipart),
        ("text/csv", "text/csv", BodyKind::Text),
        ("application/xml", "application/xml", BodyKind::Xml),
        ("application/octet-stream", "application/octet-stream", BodyKind::Binary),
        ("image/*", "image/png", BodyKind::Binary),
        ("", "application/json", BodyKind::Json),
    ] {
        assert_eq!(body(json!({media_type: {}})), expected(sent, kind));
    }
    let compiled = compiled(&document(json!({"/a": {"post": {"requestBody": {
        "required": true, "content": {"a b": {}}}}}})));
    assert_eq!(compiled.skipped[0].reason, "the body is only taken as a b");
}

#[test]
fn the_answer_is_the_first_success_in_json() {
    let output = |responses: Value| {
        let operation = only(json!({"/a": {"get": {"responses": responses}}}));
        (operation.capability.output, operation.empty_answer)
    };
    let schema = |name: &str| json!({"content": {"application/hal+json": {"schema": {"title": name}}}});
    assert_eq!(
        output(json!({"404": schema("no"), "201": schema("yes"), "202": schema("later")})),
        (json!({"title": "yes"}), false)
    );
    assert_eq!(output(json!({"204": {"description": ""}})), (json!({}), true));
    assert_eq!(output(json!({"default": schema("d")})), (json!({"title": "d"}), false));
}

#[test]
fn security_is_listed() {
    let mut root = document(json!({"/a": {"get": {}, "post": {"security": []}}}));
    root["security"] = json!([{"key": []}, {"oauth": ["read"], "gone": []}]);
    root["components"] = json!({"securitySchemes": {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "oauth": {"type": "oauth2", "flows": {}}}});
    let operations = compiled(&root).operations;
    let kinds: Vec<Vec<&SchemeKind>> =
        operations[0].security.iter().map(|r| r.schemes.iter().map(|s| &s.kind).collect()).collect();
    let key = SchemeKind::ApiKey { location: Location::Header, parameter: "X-Key".into() };
    assert_eq!(kinds, [vec![&key], vec![&SchemeKind::Unknown, &SchemeKind::Oauth2 { flows: vec![] }]]);
    assert_eq!(operations[1].security, []);
}

#[test]
fn path_items_by_reference_are_followed() {
    let mut root =
        document(json!({"/a": {"$ref": "#/components/pathItems/A"}, "/b": {"$ref": "#/paths/~1b"}}));
    root["components"] = json!({"pathItems": {"A": {"get": {"operationId": "a"}}}});
    let compiled = compiled(&root);
    assert_eq!(compiled.operations[0].capability.id.0, "t/a");
    assert_eq!(compiled.skipped[0].reason, "`$ref`s lead around in a circle");
}

#[test]
fn fragments_and_queries_in_paths_are_kept_apart() {
    let compiled = compiled(&document(json!({
        "/#Action=List": {"get": {}}, "/a?kind=b c": {"get": {}}, "no-slash": {"get": {}}
    })));
    let paths: Vec<_> = compiled.operations.iter().map(|o| o.path.clone()).collect();
    let literal = |text: &str| vec![PathPart::Literal(text.into())];
    assert_eq!(paths, [literal("/"), literal("/a?kind=b%20c"), literal("/no-slash")]);
}

#[test]
fn versions_are_read_in_every_spelling() {
    for version in [json!("3.0"), json!(3.0), json!("3.1.0"), json!(3.1), json!("3.0.4-rc1"), json!("3.2.0")]
    {
        let mut root = document(json!({"/a": {"get": {}}}));
        root["openapi"] = version.clone();
        assert_eq!(compiled(&root).operations.len(), 1, "{version}");
    }
    let mut swagger = document(json!({"/a": {"get": {}}}));
    swagger.as_object_mut().expect("object").remove("openapi");
    for version in [json!("2.0"), json!(2.0), json!(2), json!("2.0.0")] {
        swagger["swagger"] = version.clone();
        let compiled =
            compile_at("t", &swagger.to_string(), None, Some("http://localhost/")).expect("compiles");
        assert_eq!(compiled.operations.len(), 1, "{version}");
    }
    for (text, named) in [
        ("swaggerVersion: '1.2'", "Swagger 1.2"),
        ("openapi: 4.0.0", "OpenAPI 4.0.0"),
        ("asyncapi: 2.0.0", "AsyncAPI"),
        ("[]", "no object"),
        ("just words", "no object"),
        ("{}", "without `openapi`"),
    ] {
        let Err(CompileError::Format(what)) = compile("t", text, None) else { panic!("{text} accepted") };
        assert!(what.contains(named), "{what}");
    }
}

#[test]
fn schemas_together_stay_bounded() {
    let properties: serde_json::Map<String, Value> = (0..300)
        .map(|n| (format!("p{n}"), json!({"type": "string", "description": "d".repeat(100)})))
        .collect();
    let mut paths = serde_json::Map::new();
    for n in 0..600 {
        let answer = json!({"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Big"}}}}});
        paths.insert(format!("/p{n}"), json!({"get": {"responses": answer}}));
    }
    let mut root = document(Value::Object(paths));
    root["components"] = json!({"schemas": {"Big": {"type": "object", "properties": properties}}});
    let text = root.to_string();
    let compiled = compile("t", &text, None).expect("compiles");
    assert_eq!(compiled.operations.len(), 600);
    assert!(schema_bytes(&compiled) <= 4 * text.len());
    // The names and types of as many members as there is room for are still there.
    let kept = compiled.operations[0].capability.output["$defs"]["Big"]["properties"]
        .as_object()
        .map_or(0, |p| p.len());
    assert!(kept > 10, "{kept}");
}

#[test]
fn compositions_are_checked_against_their_operations() {
    let overlay = |plan: Value| {
        let composition = json!({"id": "c", "title": "C", "summary": "", "plan": plan, "input": {
            "type": "object", "properties": {"q": {}}}});
        json!({"overlay": "1.0.0", "actions": [{"target": "$", "update": {"x-mtor": {"compositions": [composition]}}}]})
            .to_string()
    };
    let root = document(json!({"/a": {"get": {"operationId": "a", "parameters": [
        {"name": "p", "in": "query", "required": true, "schema": {}}]}}}));
    let compile = |plan: Value| compile("t", &root.to_string(), Some(&overlay(plan))).expect("compiles");
    let fine = compile(json!([{"id": "s", "capability": "a", "args": {"p": {"input": "q"}}}]));
    assert_eq!(fine.compositions[0].provider.hosts, ["api.test"]);
    for (plan, named) in [
        (json!([]), "no steps"),
        (json!([{"id": "s", "capability": "b"}]), "t/b, which is not there"),
        (json!([{"id": "s", "capability": "a"}]), "does not bind p"),
        (json!([{"id": "s", "capability": "a", "args": {"p": {"input": "r"}}}]), "input r"),
        (
            json!([{"id": "s", "capability": "a", "args": {"p": {"input": "q"}, "z": {"input": "q"}}}]),
            "binds z",
        ),
    ] {
        let compiled = compile(plan);
        assert_eq!(compiled.skipped[0].pointer, "/x-mtor/compositions/0");
        assert!(compiled.skipped[0].reason.contains(named), "{}", compiled.skipped[0].reason);
    }
}

#[test]
fn an_origin_can_be_moved() {
    let mut compiled = compiled(&document(
        json!({"/a": {"get": {}}, "/b": {"get": {"servers": [{"url": "https://b.test"}]}}}),
    ));
    assert_eq!(compiled.move_origin("https://api.test", "http://127.0.0.1:9101/mirror/"), Ok(1));
    assert_eq!(compiled.operations[0].server, "http://127.0.0.1:9101/mirror/v1");
    assert_eq!(compiled.operations[0].capability.provider.hosts, ["127.0.0.1:9101"]);
    assert_eq!(compiled.operations[1].server, "https://b.test");
}

#[test]
fn hostile_repetition_ends_soon() {
    let many = |n: usize| (0..n).map(|i| json!({"name": format!("p{i}"), "in": "query"})).collect::<Vec<_>>();
    let compiled_many = compiled(&document(json!({"/a": {"get": {"parameters": many(20_000)}}})));
    assert_eq!(compiled_many.skipped[0].reason, "there are more than 1000 parameters");

    // One large answer that thousands of operations share is not written out thousands of times.
    let properties: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect();
    let paths: serde_json::Map<String, Value> = (0..1000)
        .map(|n| {
            (format!("/p{n}"), json!({"get": {"responses": {"200": {"$ref": "#/components/responses/Big"}}}}))
        })
        .collect();
    let mut root = document(Value::Object(paths));
    root["components"] = json!({"responses": {"Big": {"content": {"application/json": {"schema": {"properties": properties}}}}}});
    let text = root.to_string();
    let compiled = compile("t", &text, None).expect("compiles");
    let kept: usize = compiled
        .operations
        .iter()
        .map(|o| o.capability.output["properties"].as_object().map_or(0, |p| p.len()))
        .sum();
    assert!(kept < 1000 * 20_000 / 4, "{kept}");
}

#[test]
fn a_server_with_a_variable_that_only_the_caller_knows_leads_nowhere() {
    let mut root = document(json!({"/a": {"get": {}}}));
    root["servers"] = json!([{"url": "https://{account}.test/v1"}]);
    let compiled = compiled(&root);
    assert_eq!(compiled.operations[0].server, "https://server-variable.invalid/v1");
    assert!(compiled.warnings[0].contains("`account`"), "{:?}", compiled.warnings);
}

fn swagger(paths: Value) -> Value {
    json!({"swagger": "2.0", "info": {"title": "T"}, "host": "api.test", "basePath": "/v1", "schemes": ["http", "https"],
        "paths": paths})
}

#[test]
fn swagger_2_parameters_are_as_complete_as_those_of_openapi_3() {
    let mut root = swagger(json!({"/pets/{id}": {"put": {"parameters": [
        {"name": "id", "in": "path", "required": true, "type": "integer", "format": "int64", "description": "Which", "x-example": 7},
        {"name": "tags", "in": "query", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "collectionFormat": "multi"},
        {"name": "csv", "in": "query", "type": "array", "items": {"type": "string"}},
        {"name": "tsv", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "tsv"},
        {"name": "bar", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"},
        {"name": "gap", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "ssv"},
        {"name": "n", "in": "query", "type": "integer", "default": 3, "minimum": 1, "exclusiveMinimum": true},
        {"$ref": "#/parameters/Trace"},
        {"name": "pet", "in": "body", "required": true, "description": "The pet", "schema": {"$ref": "#/definitions/Pet"}}
    ], "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Pet"}}}}}}));
    root["parameters"] = json!({"Trace": {"name": "X-Trace", "in": "header", "type": "string"}});
    root["definitions"] = json!({"Pet": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "owner": {"type": "string", "x-nullable": true}, "children": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}}});
    let compiled = compiled(&root);
    assert_eq!(compiled.skipped, []);
    let operation = &compiled.operations[0];
    assert_eq!(operation.server, "https://api.test/v1");
    let input = &operation.capability.input;
    assert_eq!(
        input["properties"]["id"],
        json!({"type": "integer", "format": "int64", "description": "Which", "examples": [7]})
    );
    assert_eq!(input["properties"]["tags"]["items"], json!({"type": "string", "enum": ["a", "b"]}));
    assert_eq!(input["properties"]["n"], json!({"type": "integer", "default": 3, "exclusiveMinimum": 1}));
    assert_eq!(input["properties"]["X-Trace"], json!({"type": "string"}));
    assert_eq!(input["properties"]["body"]["$ref"], "#/$defs/Pet");
    assert_eq!(input["$defs"]["Pet"]["properties"]["owner"]["type"], json!(["string", "null"]));
    assert_eq!(input["required"], json!(["body", "id"]));
    assert_eq!(operation.capability.output["$ref"], "#/$defs/Pet");
    let styles: Vec<_> = operation.parameters.iter().map(|p| (p.name.as_str(), p.style, p.explode)).collect();
    assert_eq!(
        styles,
        [
            ("id", Style::Simple, false),
            ("tags", Style::Form, true),
            ("csv", Style::Form, false),
            ("tsv", Style::TabDelimited, false),
            ("bar", Style::PipeDelimited, false),
            ("gap", Style::SpaceDelimited, false),
            ("n", Style::Form, false),
            ("X-Trace", Style::Simple, false)
        ]
    );
}

#[test]
fn swagger_2_forms_are_objects_with_their_fields() {
    let field = |name: &str, kind: &str| json!({"name": name, "in": "formData", "type": kind, "required": name == "a"});
    let compiled = compiled(&swagger(json!({
        "/a-form": {"post": {"parameters": [field("a", "string"), field("b", "integer")]}},
        "/b-file": {"post": {"parameters": [field("a", "string"), field("f", "file")]}},
        "/c-multi": {"post": {"consumes": ["multipart/form-data"], "parameters": [field("b", "string")]}}
    })));
    let bodies: Vec<_> = compiled.operations.iter().map(|o| o.body.as_ref().expect("a body")).collect();
    assert_eq!((bodies[0].kind, bodies[0].required), (BodyKind::Form, true));
    assert_eq!((bodies[1].kind, bodies[1].parts[1].binary), (BodyKind::Multipart, true));
    assert_eq!((bodies[2].kind, bodies[2].required), (BodyKind::Multipart, false));
    let body = &compiled.operations[1].capability.input["properties"]["body"];
    assert_eq!(
        *body,
        json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"}, "f": {"type": "string", "contentEncoding": "base64"}}})
    );
}

#[test]
fn swagger_2_says_where_it_is_and_what_it_needs_in_its_own_way() {
    let mut root =
        swagger(json!({"/a": {"get": {"schemes": ["http"]}, "post": {"security": [{"b": []}, {"k": []}]}}}));
    root["securityDefinitions"] =
        json!({"b": {"type": "basic"}, "k": {"type": "apiKey", "in": "query", "name": "key"}});
    let first = compiled(&root);
    assert_eq!(first.operations[0].server, "http://api.test/v1");
    let kinds: Vec<_> = first.operations[1].security.iter().map(|r| r.schemes[0].kind.clone()).collect();
    let key = SchemeKind::ApiKey { location: Location::Query, parameter: "key".into() };
    assert_eq!(kinds, [SchemeKind::Http { scheme: "basic".into() }, key]);
    root.as_object_mut().expect("object").remove("host");
    assert_eq!(compiled(&root).skipped[0].pointer, "/host");
    let based = compile_at("t", &root.to_string(), None, Some("http://localhost:9000/docs/x.json"))
        .expect("compiles");
    assert_eq!(based.operations[1].server, "http://localhost:9000/v1");
}

#[test]
fn answers_that_are_no_json_are_texts_or_bytes() {
    let output = |content: Value| {
        let operation = only(json!({"/a": {"get": {"responses": {"200": {"content": content}}}}}));
        (operation.capability.output, operation.accept)
    };
    assert_eq!(
        output(json!({"text/csv": {"schema": {"type": "string"}}})),
        (json!({"type": "string", "contentMediaType": "text/csv"}), "text/csv".into())
    );
    let bytes = json!({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"});
    assert_eq!(output(json!({"image/png": {}})), (bytes, "image/png".into()));
    assert_eq!(output(json!({"text/csv": {}, "application/json": {}})), (json!({}), String::new()));
    let mut file = swagger(json!({"/a": {"get": {"responses": {"200": {"schema": {"type": "file"}}}}}}));
    file["produces"] = json!(["application/pdf"]);
    let operation = compiled(&file).operations.remove(0);
    assert_eq!(operation.capability.output["contentMediaType"], "application/pdf");
}

#[test]
fn what_the_provider_calls_is_listed_and_cannot_be_called() {
    let mut root = document(json!({"/a": {"post": {"operationId": "a", "callbacks": {"done": {
        "{$request.body#/url}": {"post": {}}}}}}}));
    root["webhooks"] = json!({"new": {"post": {"operationId": "hook"}}});
    let compiled = compiled(&root);
    assert_eq!(compiled.operations.len(), 1);
    let listed: Vec<_> =
        compiled.incoming.iter().map(|i| (i.operation.as_str(), i.reason.as_str())).collect();
    assert_eq!(
        listed,
        [
            ("POST new", "webhook: the provider calls you"),
            ("POST {$request.body#/url}", "callback: the provider calls you")
        ]
    );
}

#[test]
fn documents_beside_the_description_are_asked_for_and_read() {
    let root = document(json!({
        "/a": {"$ref": "paths/a.yaml"},
        "/b": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "./models.json#/Pet"}}}}}}}
    }));
    let text = root.to_string();
    let mut others = std::collections::BTreeMap::new();
    let run = |others: &std::collections::BTreeMap<String, String>| {
        crate::compile_input(&crate::Input {
            source_id: "t",
            document: &text,
            overlay: None,
            base: None,
            location: Some("file:///api/openapi.json"),
            others,
        })
        .expect("compiles")
    };
    let first = run(&others);
    assert_eq!(first.missing, ["file:///api/models.json", "file:///api/paths/a.yaml"]);
    assert_eq!((first.operations.len(), first.skipped[0].pointer.as_str()), (1, "/paths/~1a"));
    others.insert(
        "file:///api/models.json".into(),
        r##"{"Pet": {"properties": {"next": {"$ref": "#/Pet"}}}}"##.into(),
    );
    others.insert(
        "file:///api/paths/a.yaml".into(),
        "get:
  parameters:
    - $ref: '../common.yaml#/id'
  responses: {}
"
        .into(),
    );
    assert_eq!(run(&others).missing, ["file:///api/common.yaml"]);
    others.insert(
        "file:///api/common.yaml".into(),
        "id: {name: id, in: query, schema: {type: integer}}".into(),
    );
    let last = run(&others);
    assert_eq!((last.missing.len(), last.operations.len(), last.skipped.len()), (0, 2, 0));
    assert_eq!(last.operations[0].capability.input["properties"]["id"]["type"], "integer");
    let pet = &last.operations[1].capability.output["$defs"]["Pet"];
    assert_eq!(pet["properties"]["next"], json!({"$ref": "#/$defs/Pet"}));
}

#[test]
fn a_parameter_that_leads_nowhere_costs_only_itself() {
    let compiled = compiled(&document(json!({"/a/{id}": {"get": {"parameters": [
        {"$ref": "#/components/parameters/Gone"}, {"name": "q", "in": "query", "schema": {}}]}}})));
    let names: Vec<_> = compiled.operations[0].parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["q", "id"]);
    assert!(compiled.warnings[0].contains("Gone"), "{:?}", compiled.warnings);
}

#[test]
fn even_the_smallest_description_does_not_grow_beyond_its_bound() {
    for paths in [
        json!({"/a": {"get": {}}}),
        json!({"/a/{b}/{c}": {"get": {}, "put": {}, "post": {}, "delete": {}, "options": {}, "head": {}, "patch": {}, "trace": {}}}),
    ] {
        let text = json!({"openapi": "3.0.0", "servers": [{"url": "//a"}], "paths": paths}).to_string();
        let compiled = compile_at("t", &text, None, Some("http://a/")).expect("compiles");
        assert!(schema_bytes(&compiled) <= 4 * text.len(), "{} of {}", schema_bytes(&compiled), text.len());
        assert!(compiled.skipped.is_empty());
    }
}

#[test]
fn a_placeholder_behind_the_question_mark_is_the_parameter_of_that_name() {
    let operation = only(json!({"/find?kind=pet&q={q}": {"get": {"parameters": [
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "page", "in": "query", "schema": {"type": "integer"}}]}}}));
    assert_eq!(operation.capability.input["required"], json!(["q"]));
    let args = json!({"q": "a&b=c#d", "page": 2});
    let request = crate::request(&operation, args.as_object().expect("an object")).expect("a request");
    assert_eq!(request.url, "https://api.test/v1/find?kind=pet&q=a%26b%3Dc%23d&page=2");
}

#[test]
fn what_is_left_out_of_the_parameters_is_said() {
    let compiled = compiled(&document(json!({
        "/list": {"get": {"parameters": {"name": "x", "in": "query"}}},
        "/place": {"get": {"parameters": [{"name": "x", "in": "moon", "schema": {}}]}},
        "/body": {"post": {"parameters": [{"name": "x", "in": "body", "schema": {}}]}},
    })));
    assert_eq!(compiled.skipped, []);
    let said = |part: &str| compiled.warnings.iter().any(|warning| warning.contains(part));
    assert!(said("/paths/~1list/get/parameters is no list"), "{:?}", compiled.warnings);
    assert!(said("/paths/~1place/get/parameters/0"), "{:?}", compiled.warnings);
    assert!(
        said("/paths/~1body/post/parameters/0: a body is described in `requestBody`"),
        "{:?}",
        compiled.warnings
    );
}

#[test]
fn a_scheme_that_only_the_caller_knows_leads_nowhere_too() {
    let mut document = document(json!({"/a": {"get": {}}}));
    document["servers"] = json!([{"url": "{scheme}://{host}/v2"}]);
    let compiled = compiled(&document);
    assert_eq!(compiled.operations[0].server, "https://server-variable.invalid/v2");
    assert!(compiled.warnings[0].contains("scheme"), "{:?}", compiled.warnings);
}

#[test]
fn callbacks_behind_references_are_listed() {
    let mut document = document(json!({"/a": {"$ref": "#/components/pathItems/A"}}));
    document["components"] = json!({"pathItems": {"A": {"post": {"responses": {},
        "callbacks": {"done": {"{$request.body#/url}": {"post": {"responses": {}}}}}}}}});
    let compiled = compiled(&document);
    assert_eq!(compiled.incoming.len(), 1);
    assert!(compiled.incoming[0].operation.contains("{$request.body#/url}"), "{:?}", compiled.incoming);
}

#[test]
fn schemas_are_found_by_the_names_that_they_give_themselves() {
    let document = json!({"openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": "https://api.test"}],
    "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "properties": {
            "by_anchor": {"$ref": "#color"}, "by_id": {"$ref": "tree"},
            "inside_id": {"$ref": "https://schemas.test/size#/$defs/Unit"}}}}}}}}},
    "components": {"schemas": {
        "Color": {"$anchor": "color", "type": "string", "enum": ["red"]},
        "Tree": {"$id": "tree", "$dynamicAnchor": "node", "type": "object",
            "properties": {"kids": {"type": "array", "items": {"$dynamicRef": "#node"}}}},
        "Size": {"$id": "https://schemas.test/size", "$defs": {"Unit": {"type": "integer"}}}
    }}});
    let compiled = compiled(&document);
    assert_eq!((compiled.warnings.len(), compiled.missing.len()), (0, 0), "{:?}", compiled.warnings);
    let input = &compiled.operations[0].capability.input;
    assert!(jsonschema::validator_for(input).is_ok());
    let valid = |body: Value| jsonschema::is_valid(input, &json!({"body": body}));
    assert!(valid(json!({"by_anchor": "red", "by_id": {"kids": [{"kids": []}]}, "inside_id": 3})), "{input}");
    for wrong in
        [json!({"by_anchor": "blue"}), json!({"by_id": {"kids": [{"kids": 1}]}}), json!({"inside_id": "x"})]
    {
        assert!(!valid(wrong.clone()), "{wrong}: {input}");
    }
}

#[test]
fn what_the_service_makes_is_not_asked_for_wherever_it_is_described() {
    let document = json!({"swagger": "2.0", "info": {"title": "T"}, "host": "api.test",
        "definitions": {"Base": {"type": "object", "properties": {"id": {"type": "string", "readOnly": true}}},
            "Pet": {"allOf": [{"$ref": "#/definitions/Base"}], "required": ["id", "name"],
                "properties": {"name": {"type": "string"}}}},
        "paths": {"/a": {"post": {"parameters": [
            {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Pet"}}],
            "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Pet"}}}}}}});
    let capability = &compiled(&document).operations[0].capability;
    assert_eq!(capability.input["$defs"]["Pet"]["required"], json!(["name"]));
    assert_eq!(capability.output["$defs"]["Pet"]["required"], json!(["id", "name"]));
}

#[test]
fn what_a_placeholder_takes_is_no_part_of_its_name() {
    let parameter =
        |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    let operation = only(json!({"/{+a}/{b*}/{c:.*}/{d*}": {"get": {
        "parameters": [parameter("a"), parameter("b"), parameter("c"), parameter("d*")]}}}));
    assert_eq!(operation.capability.input["required"], json!(["a", "b", "c", "d*"]));
    let args = json!({"a": "1/2", "b": "3", "c": "4", "d*": "5"});
    let request = crate::request(&operation, args.as_object().expect("an object")).expect("a request");
    assert_eq!(request.url, "https://api.test/v1/1%2F2/3/4/5");
}
