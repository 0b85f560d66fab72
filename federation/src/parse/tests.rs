use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Result<Value, CompileError> {
    document(&clean(text)).map(|node| node.to_value())
}

#[test]
fn json_and_yaml_give_the_same_value() {
    let expected = json!({"a": [1, 2.5, "x", null, true], "200": {"b": "2020-01-01"}});
    let text = expected.to_string();
    assert_eq!(read(&text), Ok(expected.clone()));
    let yaml = "a: [1, 2.5, x, ~, true]\n200:\n  b: 2020-01-01\n";
    assert_eq!(read(yaml), Ok(expected));
}

#[test]
fn a_byte_order_mark_is_dropped() {
    assert_eq!(read("\u{feff}{\"a\": 1}"), Ok(json!({"a": 1})));
    assert_eq!(read("\u{feff}a: 1"), Ok(json!({"a": 1})));
}

#[test]
fn carriage_returns_are_line_breaks() {
    assert_eq!(read("a: 1\r\nb: |\r\n  x\r\n  y\r\n"), Ok(json!({"a": 1, "b": "x\ny\n"})));
}

#[test]
fn anchors_and_merge_keys_are_expanded() {
    let yaml = "base: &b {x: 1, z: 3}\nother: &c\n  w: 0\n  x: 9\nuse:\n  <<: [*b, *c]\n  z: 2\nagain: *b\n";
    let base = json!({"x": 1, "z": 3});
    let expected =
        json!({"base": base, "other": {"w": 0, "x": 9}, "use": {"x": 1, "z": 2, "w": 0}, "again": base});
    assert_eq!(read(yaml), Ok(expected));
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    assert_eq!(read("a: 1\na: 2\n"), Ok(json!({"a": 2})));
    assert_eq!(read("{\"a\": 1, \"a\": 2}"), Ok(json!({"a": 2})));
}

#[test]
fn what_descriptions_write_oddly_is_read() {
    for (yaml, expected) in [
        ("a: =\n", json!({"a": "="})),
        ("=: 1\n", json!({"=": 1})),
        ("404: {true: x}\n", json!({"404": {"true": "x"}})),
        ("n: 123456789012345678901234567890\n", json!({"n": 1.2345678901234568e29})),
        ("n: 18446744073709551615\n", json!({"n": u64::MAX})),
        ("n: 0x1F\nm: +5\nf: .5\ni: .inf\n", json!({"n": 31, "m": 5, "f": 0.5, "i": ".inf"})),
        ("v: 1.2.3\nd: 2020-01-01\ne: 12e03\n", json!({"v": "1.2.3", "d": "2020-01-01", "e": 12e3})),
        ("a:\n\tb: 1\n\tc: 2\n", json!({"a": {"b": 1, "c": 2}})),
        ("a:\tb\n", json!({"a": "b"})),
        ("? [a, b]\n: 1\n", json!({"[\"a\",\"b\"]": 1})),
        ("a: !!str 12\nb: ! x\n", json!({"a": "12", "b": "x"})),
        ("%YAML 1.2\n---\na: 1\n...\n", json!({"a": 1})),
        ("---\na: 1\n---\nb: 2\n", json!({"a": 1})),
        ("{\"a\": [1, 2,],}", json!({"a": [1, 2]})),
        ("", json!(null)),
        ("# nothing\n", json!(null)),
    ] {
        assert_eq!(read(yaml), Ok(expected), "{yaml}");
    }
}

#[test]
fn a_yaml_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(matches!(read(&bomb), Err(CompileError::Syntax(_))));
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(20_000), format!("a: {}", "[".repeat(20_000)), "- ".repeat(20_000)] {
        assert!(matches!(read(&text), Err(CompileError::Syntax(_))));
    }
}

#[test]
fn what_is_neither_is_refused_with_a_bounded_message() {
    let Err(CompileError::Syntax(message)) = read("{\"a\": ") else { panic!("accepted") };
    assert!(message.contains("line 1") && message.len() < 1000, "{message}");
}

/// What the plain reader reads, the other one reads alike.
fn agree(text: &str) {
    if let Some(node) = plain::read(text) {
        match yaml::read(text) {
            Ok(other) => assert_eq!(node, other, "{text}"),
            Err(error) => panic!("the plain reader takes what the other refuses: {error}\n{text}"),
        }
    }
}

#[test]
fn the_two_readers_agree_on_scalars() {
    for text in [
        "a: b\n",
        "a:\n  b\n",
        "a: b c\n  d\n\n  e\n",
        "a: b # c\n",
        "a: 'it''s'\nb: \"x\\ty\\u00e9\\\"\"\n",
        "a: \"one\n  two\n\n  three \\\n  four\"\n",
        "a: 'one\n  two'\n",
        "a: |\n  x\n   y\n\n  z\n\nb: 1\n",
        "a: |-\n  x\n\nb: >\n  x\n  y\n\n  z\n   w\n  v\n",
        "a: >+\n  x\n\n\nb: |+\n  x\n\n",
        "a: >-\n\n  x\n  y\n",
        "a: |\nb: >-\n",
        "a: []\nb: {}\nc: [1, 'x, y', \"z\", {d: e}]\nf: {g: h i, j: [k]}\n",
        "a: [\n  b,\n  c\n]\n",
        "a:\n- b\n-\n  c: d\n  e: f\n- g: h\n  i: j\n- - k\n  - l\n-\n",
        "a:\n  - b\n  -\n    - c\nd:\ne: ~\n",
        "- a\n- b: c\n",
        "'q': 1\n\"r\" : 2\ns t: 3\n",
        "a: http://x.test/y#z\nb: c#d\n",
        "a: b\n# c\nd: e\n  # f\ng:\n  # h\n  i: j\n",
        "a: -1\nb: - \n",
        "a: b: c\n",
        "a: 'b' c\n",
        "a\n",
        "a: *b\n",
        "a: - b\n",
        "a: b\n c: d\n",
        "a:\n    b: c\n  d: e\n",
        "a: |2\n    x\n",
        "a: |\n x\n  y\nb: 2",
        "a: |\n  x",
        "a: \"b\nc\"\n",
        "a: @b\n",
        "a: b\t# c\n",
        "a: {b: }\n",
        "a: [a b, c]\n",
        "a: {b, c}\n",
        "a: [b: c]\n",
        "--- a\n",
        "a: b\n---\nc: d\n",
        "a: ?b\n",
        "? a\n: b\n",
        "a: >\n  x\n    y\n  z\n",
        "a: |\n\n  x\n",
        "a: |\n    \n  x\n",
        "a: 'x\n\n\n  y'\n",
        "a:\n  'b': |\n    c\n  d: e\n",
        "a: \"x \\\n   y\"\n",
        "a: \"x\\  \n  y\"\n",
    ] {
        agree(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_two_readers_agree(lines in prop::collection::vec(
        "( |  |   |    )?(- )?(a|b|'c'|\"d\"|e f|=)?(: |:|)(x|1|'y z'|\"w\\\\n\"|\\||>|>-|\\|\\+|\\[a, b\\]|\\{c: d\\}|\\[|\\]|#c|- x|\\*y|&z|)( # n)?", 0..8)
    ) {
        agree(&format!("{}\n", lines.join("\n")));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ \\-\\n:#'\"\\[\\]{},|>&*!?%@`a-c\\t\\\\0-9]{0,60}") {
        agree(&text);
        let _ = read(&text);
    }
}
