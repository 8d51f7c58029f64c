//! Values of any shape, through the wire and back.

use super::*;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn large_objects_with_duplicates_take_linear_time() {
    let entries: Vec<String> = (0..100_000).map(|n| format!("\"k{}\":{n}", n % 50_000)).collect();
    let value = parse(&format!("{{{}}}", entries.join(",")));
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), 50_000);
    assert_eq!(
        object.iter().next().map(|(key, value)| (key, value.as_u64())),
        Some(("k0", Some(50_000)))
    );
}

#[test]
fn last_duplicate_wins_in_the_place_of_the_first() {
    let value = parse(r#"{"b":1,"a":2,"b":3}"#);
    assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"b":3,"a":2}"#);
}

#[test]
fn order_and_numbers_survive() {
    for text in [
        r#"{"z":1,"a":[null,true,false,""],"":{}}"#,
        "18446744073709551615",
        "-9223372036854775808",
        "1.5",
        "-0.25",
        r#""\u0000\n😀""#,
    ] {
        assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
    }
}

#[test]
fn accessors_answer_for_their_own_type_only() {
    let value = parse(r#"{"s":"x","n":-1,"f":1.5,"b":true,"l":[1],"z":null}"#);
    assert_eq!(value.get("s").and_then(Value::as_str), Some("x"));
    assert_eq!(value.get("n").and_then(Value::as_i64), Some(-1));
    assert_eq!(value.get("n").and_then(Value::as_u64), None);
    assert_eq!(value.get("f").and_then(Value::as_f64), Some(1.5));
    assert_eq!(value.get("b").and_then(Value::as_bool), Some(true));
    assert_eq!(value.get("l").and_then(Value::as_array).map(<[Value]>::len), Some(1));
    assert!(value.get("z").unwrap().is_null());
    assert_eq!(value.get("missing"), None);
    assert_eq!(value.as_str(), None);
    assert_eq!(Value::from(f64::NAN), Value::Null);
    assert_eq!(Value::from(None::<i32>), Value::Null);
}
