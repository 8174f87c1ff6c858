//! What a generated value promises.

use super::*;

fn make(schema: &Value) -> Value {
    value_for(schema, "the prompt", &mut Random::new(7))
}

#[test]
fn every_kind_of_member_gets_a_value_that_fits() {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "minimum": 3, "maximum": 5},
            "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "even": {"type": "integer", "minimum": 7, "multipleOf": 4},
            "sure": {"type": "boolean"},
            "version": {"const": 2},
            "when": {"type": "string", "format": "date"},
            "code": {"type": "string", "minLength": 12, "maxLength": 14},
            "nothing": {"type": ["null", "string"]},
            "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": true},
            "pair": {"prefixItems": [{"type": "string"}, {"type": "boolean"}]}
        },
        "required": ["city", "undescribed"]
    });

    let value = make(&schema);

    assert!(value["city"].is_string() && value["undescribed"].is_string());
    assert!(["celsius", "fahrenheit"].contains(&value["unit"].as_str().unwrap()));
    assert!((3..=5).contains(&value["days"].as_i64().unwrap()));
    assert!((0.0..1.0).contains(&value["share"].as_f64().unwrap()));
    assert_eq!((value["even"].as_i64(), &value["version"]), (Some(8), &json!(2)));
    assert!(value["sure"].is_boolean() && value["nothing"].is_string());
    assert_eq!(value["when"], "2026-03-14");
    assert!((12..=14).contains(&value["code"].as_str().unwrap().chars().count()));
    let mut tags: Vec<_> = value["tags"].as_array().unwrap().iter().map(Value::to_string).collect();
    tags.sort();
    assert_eq!(tags, ["\"a\"", "\"b\"", "\"c\""]);
    assert!(value["pair"][0].is_string() && value["pair"][1].is_boolean());
}

#[test]
fn references_and_combinations_are_followed() {
    let schema = json!({
        "$defs": {"id": {"type": "integer"}, "named": {"properties": {"name": {"type": "string"}}}},
        "allOf": [{"$ref": "#/$defs/named"}, {"properties": {"id": {"$ref": "#/$defs/id"}}}],
        "properties": {"either": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}}
    });

    let value = make(&schema);

    assert!(value["id"].is_i64() && value["name"].is_string() && value["either"].is_boolean());
}

#[test]
fn a_schema_that_contains_itself_has_an_end() {
    let list = json!({
        "type": "object",
        "properties": {
            "value": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#"}}
        },
        "required": ["value", "next", "children"]
    });
    let endless = json!({"properties": {"again": {"$ref": "#"}}, "required": ["again"]});

    let mut value = &make(&list);
    while value["next"].is_object() {
        value = &value["next"];
    }
    assert!(value["next"].is_null() && value["value"].is_string());
    assert!(make(&endless).is_object());
}
