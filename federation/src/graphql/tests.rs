use serde_json::{Map, Value, json};

use crate::{CompileError, Compiled, ResponseError, compile, compile_at, request, response};
use mtor_shared::capability::SideEffect;

const AT: Option<&str> = Some("https://api.test/graphql");

const PETS: &str = r#"
"""A shelter."""
schema { query: Root mutation: Changes subscription: Events }
"What is there"
type Root {
  "One pet, by its `id`."
  pet(id: ID!): Pet
  pets(first: Int = 10, filter: PetFilter, order: [Order!] = [NAME]): PetConnection!
  found(text: String!): [Found!]!
  now: DateTime
  old: Int @deprecated(reason: "use now")
}
type Changes {
  addPet(input: PetInput!): Pet!
  choose(by: Key!): Pet
}
type Events { petAdded: Pet }
interface Named { name: String! }
type Pet implements Named & Thing {
  tag: String
  id: ID!
  name: String!
  owner: Person
  friends: [Pet!]
  visits(first: Int): [Visit!]
  photo(size: Int!): String
  kind: Kind!
}
type Person implements Named { id: ID! name: String! pets: [Pet!]! born: Date }
type Visit { id: ID! at: DateTime }
type PetConnection { edges: [PetEdge] pageInfo: PageInfo! totalCount: Int! }
type PetEdge { node: Pet cursor: String! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
union Found = Pet | Stone
type Stone { name: String weight: Float }
enum Kind { CAT DOG }
enum Order { NAME AGE }
input PetFilter { and: [PetFilter!] name: String kind: Kind = CAT }
input PetInput { name: String! born: Date tags: [String!] }
input Key @oneOf { id: ID name: String }
scalar DateTime @specifiedBy(url: "https://scalars.test/date-time")
scalar Date
directive @cost(value: Int = 1) repeatable on FIELD_DEFINITION | OBJECT
"#;

fn compiled(sdl: &str) -> Compiled {
    compile_at("pets", sdl, None, AT).expect("compiles")
}

fn query<'c>(compiled: &'c Compiled, name: &str) -> &'c str {
    &compiled.find(name).expect(name).graphql.as_ref().expect("a call").query
}

fn args(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

#[test]
fn every_root_field_is_an_operation_or_says_why_not() {
    let compiled = compiled(PETS);
    let names: Vec<&str> = compiled.operations.iter().map(|o| o.capability.id.0.as_str()).collect();
    assert_eq!(
        names,
        ["pets/pet", "pets/pets", "pets/found", "pets/now", "pets/old", "pets/addPet", "pets/choose"]
    );
    assert_eq!(compiled.skipped.len(), 1);
    assert_eq!(compiled.skipped[0].operation, "subscription petAdded");
    let effect = |name: &str| compiled.find(name).expect(name).capability.side_effect;
    assert_eq!((effect("pet"), effect("addPet")), (SideEffect::Read, SideEffect::Write));
    assert_eq!(compiled.find("pet").expect("pet").capability.summary, "One pet, by its `id`.");
    assert!(compiled.find("old").expect("old").capability.summary.starts_with("Deprecated."));
}

#[test]
fn arguments_become_a_schema() {
    let compiled = compiled(PETS);
    let pet = &compiled.find("pet").expect("pet").capability.input;
    assert_eq!(
        pet,
        &json!({"type": "object", "properties": {"id": {"type": ["string", "integer"]}}, "required": ["id"], "additionalProperties": false})
    );
    let pets = &compiled.find("pets").expect("pets").capability.input;
    assert_eq!(pets["properties"]["first"], json!({"type": "integer", "format": "int32", "default": 10}));
    assert_eq!(pets["properties"]["order"]["default"], json!(["NAME"]));
    assert_eq!(pets.get("required"), None);
    let filter = &pets["$defs"]["PetFilter"];
    assert_eq!(filter["properties"]["and"]["items"], json!({"$ref": "#/$defs/PetFilter"}));
    assert_eq!(filter["properties"]["and"]["type"], json!(["array", "null"]));
    assert_eq!(pets["$defs"]["Kind"], json!({"type": "string", "enum": ["CAT", "DOG"]}));
    let add = &compiled.find("addPet").expect("addPet").capability.input;
    assert_eq!(add["$defs"]["PetInput"]["required"], json!(["name"]));
    assert_eq!(add["$defs"]["Date"]["description"], "Scalar Date");
    let key = &compiled.find("choose").expect("choose").capability.input["$defs"]["Key"];
    assert_eq!((&key["minProperties"], &key["maxProperties"]), (&json!(1), &json!(1)));
}

#[test]
fn a_selection_is_bounded_and_asks_for_what_needs_no_arguments() {
    let compiled = compiled(PETS);
    assert_eq!(
        query(&compiled, "pet"),
        "query pet($id: ID!) { pet(id: $id) { id name kind tag owner { id name born pets { id name kind } } friends { id name kind } } }"
    );
    assert_eq!(query(&compiled, "now"), "query now { now }");
    let pets = query(&compiled, "pets");
    assert!(pets.starts_with(
        "query pets($first: Int, $filter: PetFilter, $order: [Order!]) { pets(first: $first, filter: $filter, order: $order) {"
    ));
    assert!(pets.contains("pageInfo {") && pets.contains("edges { cursor node { id name"), "{pets}");
    let output = &compiled.find("pet").expect("pet").capability.output;
    assert_eq!(output["type"], json!(["object", "null"]));
    assert_eq!(output["properties"]["kind"], json!({"type": "string", "enum": ["CAT", "DOG"]}));
    assert_eq!(output["required"], json!(["id", "name", "kind"]));
    assert_eq!(output["properties"].get("photo"), None);
}

#[test]
fn fragments_whose_fields_have_other_shapes_do_not_collide() {
    let compiled = compiled(PETS);
    assert_eq!(
        query(&compiled, "found"),
        "query found($text: String!) { found(text: $text) { __typename ... on Pet { id name kind tag } \
         ... on Stone { Stone_name: name weight } } }"
    );
    let output = &compiled.find("found").expect("found").capability.output["items"];
    assert_eq!(output["properties"]["Stone_name"], json!({"type": ["string", "null"]}));
}

#[test]
fn a_request_carries_its_arguments_as_variables() {
    let compiled = compiled(PETS);
    let operation = compiled.find("addPet").expect("addPet");
    let made =
        request(operation, &args(json!({"input": {"name": "x\" }", "tags": ["a"]}}))).expect("a request");
    assert_eq!((made.method.as_str(), made.url.as_str()), ("POST", "https://api.test/graphql"));
    assert!(made.headers.contains(&("Content-Type".to_owned(), "application/json".to_owned())));
    let body: Value = serde_json::from_slice(&made.body.expect("a body")).expect("JSON");
    assert_eq!(body["operationName"], "addPet");
    assert_eq!(body["variables"], json!({"input": {"name": "x\" }", "tags": ["a"]}}));
    assert!(body["query"].as_str().expect("text").starts_with("mutation addPet($input: PetInput!) {"));

    let wrong = request(operation, &args(json!({"input": {"born": "2020-01-01"}}))).expect_err("refused");
    assert_eq!(wrong.pointer, "/input/name");
    let both = json!({"by": {"id": 1, "name": "x"}});
    assert!(request(compiled.find("choose").expect("choose"), &args(both)).is_err());
}

#[test]
fn errors_of_an_answer_are_errors_and_data_is_the_result() {
    let compiled = compiled(PETS);
    let operation = compiled.find("pet").expect("pet");
    let answer =
        |body: Value| response(operation, 200, Some("application/json"), body.to_string().as_bytes());
    let pet = json!({"id": "1", "name": "Tom", "kind": "CAT"});
    assert_eq!(answer(json!({"data": {"pet": pet}})), Ok(pet.clone()));
    assert_eq!(answer(json!({"data": {"pet": null}})), Ok(Value::Null));
    let refused =
        ResponseError::Refused { code: Some("NOT_FOUND".into()), reason: Some("no such pet".into()) };
    let errors = json!([{"message": "no such pet", "extensions": {"code": "NOT_FOUND"}}]);
    assert_eq!(answer(json!({"data": {"pet": null}, "errors": errors})), Err(refused.clone()));
    assert_eq!(answer(json!({"errors": errors})), Err(refused));
    // What is there of a partial answer is an answer.
    assert_eq!(answer(json!({"data": {"pet": pet}, "errors": errors})), Ok(pet));
    assert!(matches!(answer(json!({"x": 1})), Err(ResponseError::Unexpected { .. })));
}

#[test]
fn introspection_and_sdl_say_the_same() {
    let scalar = |name: &str| json!({"kind": "SCALAR", "name": name, "ofType": null});
    let non_null = |of: Value| json!({"kind": "NON_NULL", "name": null, "ofType": of});
    let schema = json!({"__schema": {
        "queryType": {"name": "Query"}, "mutationType": null, "subscriptionType": null, "directives": [],
        "types": [
            {"kind": "OBJECT", "name": "Query", "interfaces": [], "fields": [
                {"name": "pet", "description": "One.", "isDeprecated": false,
                 "type": {"kind": "OBJECT", "name": "Pet", "ofType": null},
                 "args": [{"name": "id", "type": non_null(scalar("ID")), "defaultValue": null},
                          {"name": "sort", "type": {"kind": "ENUM", "name": "Sort"}, "defaultValue": "UP"}]},
                {"name": "broken", "type": {"kind": "LIST", "name": null, "ofType": null}, "args": []}
            ]},
            {"kind": "OBJECT", "name": "Pet", "interfaces": [], "fields": [
                {"name": "id", "type": non_null(scalar("ID")), "args": []}]},
            {"kind": "ENUM", "name": "Sort", "enumValues": [{"name": "UP"}, {"name": "DOWN"}]},
            {"kind": "SCALAR", "name": "ID"}
        ]
    }});
    let sdl = "type Query { \"One.\" pet(id: ID!, sort: Sort = UP): Pet }\ntype Pet { id: ID! }\nenum Sort { UP DOWN }";
    let from_sdl = compiled(sdl);
    for document in [schema.clone(), json!({"data": schema})] {
        let from_introspection = compiled(&document.to_string());
        assert_eq!(from_introspection.operations, from_sdl.operations);
        assert_eq!(from_introspection.skipped[0].pointer, "/Query/broken");
    }
}

#[test]
fn a_broken_type_costs_only_what_needs_it() {
    let compiled = compiled(
        "type Query {\n a(x: Gone!): Int\n b(x: Gone, y: Int): Int\n c: Gone\n d: D\n e(: Int\n f: Int\n g(x: In!): Int\n h(x: Type!): Int }\n\
         type D { x: Gone, ok: Int }\ntype 7 { }\ninput In { deep: In2! }\ninput In2 { gone: Gone! }\ntype Type { a: Int }\nscalar Last\ntype",
    );
    let names: Vec<&str> =
        compiled.operations.iter().map(|o| o.operation_id.as_deref().expect("named")).collect();
    assert_eq!(names, ["Query.b", "Query.d", "Query.f"]);
    assert_eq!(query(&compiled, "d"), "query d { d { ok } }");
    assert_eq!(query(&compiled, "b"), "query b($y: Int) { b(y: $y) }");
    let skipped: Vec<(&str, &str)> =
        compiled.skipped.iter().map(|s| (s.operation.as_str(), s.pointer.as_str())).collect();
    assert_eq!(
        skipped,
        [
            ("query a", "/Query/a/x"),
            ("query g", "/Query/g/x"),
            ("query h", "/Query/h/x"),
            ("query c", "/Query/c"),
            ("query e", "/Query/e"),
        ]
    );
    assert!(compiled.skipped[1].reason.contains("`In2.gone`: its type `Gone` is not described"));
    assert!(compiled.skipped[4].reason.contains("line 6"), "{}", compiled.skipped[4].reason);
    assert!(compiled.warnings.iter().any(|warning| warning.contains("line 11")), "{:?}", compiled.warnings);
}

#[test]
fn of_what_is_described_twice_the_first_counts() {
    let compiled = compiled(
        "type Query { a(x: Int, x: String!): T! a: Int b(y: E, z: I): Int }\ntype T { id: ID! id: Int! }\n\
         enum E { A A B }\ninput I { p: Int! p: String! }\ntype Query { a: String c: Int }\nenum Query { D }",
    );
    assert_eq!(query(&compiled, "a"), "query a($x: Int) { a(x: $x) { id } }");
    assert_eq!(compiled.find("a").expect("a").capability.output["required"], json!(["id"]));
    let b = &compiled.find("b").expect("b").capability.input["$defs"];
    assert_eq!((&b["E"]["enum"], &b["I"]["required"]), (&json!(["A", "B"]), &json!(["p"])));
    assert_eq!(compiled.operations.len(), 3);
    assert!(compiled.warnings.iter().any(|warning| warning.contains("described twice")));
}

#[test]
fn an_overlay_names_the_address_and_annotates_fields() {
    let overlay = json!({"overlay": "1.0.0", "actions": [
        {"target": "$", "update": {"servers": [{"url": "https://shelter.test/v1/graphql?x=1"}], "info": {"title": "Shelter"}}},
        {"target": "$.Query.pet", "update": {"x-mtor": {"title": "A pet", "side_effect": "write"}}}
    ]});
    let compiled = compile("pets", PETS, Some(&overlay.to_string())).expect("compiles");
    let pet = compiled.find("pet").expect("pet");
    assert_eq!((compiled.title.as_str(), pet.capability.title.as_str()), ("Shelter", "A pet"));
    assert_eq!(pet.capability.side_effect, SideEffect::Write);
    assert_eq!(pet.capability.provider.hosts, ["shelter.test"]);
    let made = request(pet, &args(json!({"id": 1}))).expect("a request");
    assert_eq!(made.url, "https://shelter.test/v1/graphql?x=1");
}

#[test]
fn the_address_of_a_document_is_not_that_of_the_service() {
    let url = |base: Option<&str>| {
        let compiled = compile_at("pets", PETS, None, base).expect("compiles");
        request(compiled.find("now").expect("now"), &Map::new()).expect("a request").url
    };
    assert_eq!(url(Some("https://api.test/")), "https://api.test/");
    assert_eq!(url(Some("https://raw.test/x/schema.graphql")), "https://raw.test/graphql");
    assert_eq!(url(Some("file:///schema.graphql")), "https://endpoint.invalid/graphql");
    assert_eq!(url(None), "https://endpoint.invalid/graphql");
    assert!(compile("pets", PETS, None).expect("compiles").warnings[0].contains("address"));
}

#[test]
fn only_schemas_are_taken_for_sdl() {
    for text in
        ["type: object", "openapi: 3.0.0", "schema: {}", "\"type\": x", "", "{ pet { id } }", "# nothing"]
    {
        assert!(!super::is_sdl(text), "{text}");
    }
    for text in [
        "type A { b: C }",
        "\u{feff}# x\nschema { query: Q }",
        "\"\"\"words\"\"\"\nscalar X",
        "extend type Query { a: Int }",
        "directive @a on FIELD",
    ] {
        assert!(super::is_sdl(text), "{text}");
    }
    assert!(matches!(
        compile("pets", "query { a }", None),
        Err(CompileError::Format(_) | CompileError::Syntax(_))
    ));
}

#[test]
fn hostile_schemas_end_soon() {
    let deep =
        format!("type Query {{ a(x: Int = {}): {}Int\n b: Int }}", "[".repeat(100_000), "[".repeat(100_000));
    assert!(compiled(&deep).operations.len() <= 1);

    // Every type leads to every other, and every input to every other.
    let mut dense = String::from("type Query {");
    for n in 0..60 {
        dense.push_str(&format!(" q{n}(x: I{n}): T{n}"));
    }
    dense.push('}');
    for n in 0..60 {
        let fields = |kind: char| (0..60).map(|m| format!(" f{m}: {kind}{m}")).collect::<String>();
        dense.push_str(&format!("\ntype T{n} {{ id: ID! {} }}\ninput I{n} {{{}}}", fields('T'), fields('I')));
    }
    let compiled = compiled(&dense);
    assert_eq!(compiled.operations.len(), 60);
    let bytes: usize = compiled
        .operations
        .iter()
        .map(|o| o.capability.input.to_string().len() + o.capability.output.to_string().len())
        .sum();
    assert!(bytes < 1024 * 1024 + 1024 * 1024 / 4, "{bytes}");
    assert!(compiled.operations.iter().all(|o| o.graphql.as_ref().is_some_and(|g| g.query.len() < 4000)));
}
