//! Attachments in and out, at any depth.

use std::collections::{BTreeMap, HashMap};

use serde::de::IgnoredAny;
use serde_json::json;

use super::*;
use crate::packet::{ArgCursor, ArgError, DecodeError, Value, encode_event};

fn bins() -> Vec<Bytes> {
    vec![Bytes::from(vec![1, 2]), Bytes::from(vec![3; 5])]
}

fn read<'de, T: Deserialize<'de>>(text: &'de str, bins: &'de [Bytes]) -> Result<T, ArgError> {
    let mut cur = ArgCursor::new(text, bins);
    let value = cur.require()?;
    cur.finish()?;
    Ok(value)
}

fn is_shared(one: &Bytes, other: &Bytes) -> bool {
    one == other && one.as_ptr() == other.as_ptr()
}

#[test]
fn wrong_index_is_malformed() {
    let bins = bins();
    for num in ["2", "-1", "\"0\"", "0.0", "null", "[0]", "99999999999999999999"] {
        let text = format!(",{{\"_placeholder\":true,\"num\":{num}}}]");
        let error = ArgError::Malformed(DecodeError::IllegalAttachments);
        assert_eq!(read::<Binary>(&text, &bins), Err(error), "{num}");
    }
    let error = ArgError::Malformed(DecodeError::IllegalAttachments);
    assert_eq!(read::<Value>(",{\"_placeholder\":true}]", &bins), Err(error));
}

#[test]
fn placeholder_without_attachments_is_a_map() {
    let text = ",{\"_placeholder\":true,\"num\":0}]";
    assert!(matches!(read::<Binary>(text, &[]), Err(ArgError::Invalid { .. })));
    let value: Value = read(text, &[]).unwrap();
    assert_eq!(value.get("num").and_then(Value::as_u64), Some(0));
}

#[test]
fn text_is_not_an_attachment() {
    for bins in [vec![], bins()] {
        assert!(matches!(read::<Binary>(",\"ab\"]", &bins), Err(ArgError::Invalid { .. })));
        assert!(matches!(read::<Binary>(",7]", &bins), Err(ArgError::Invalid { .. })));
    }
}

#[test]
fn attachment_is_neither_map_nor_text() {
    let (text, bins) = (",{\"_placeholder\":true,\"num\":0}]", bins());
    assert!(matches!(read::<String>(text, &bins), Err(ArgError::Invalid { .. })));
    assert!(matches!(read::<HashMap<String, Value>>(text, &bins), Err(ArgError::Invalid { .. })));
}

#[test]
fn placeholder_check_covers_depth_order_and_escapes() {
    for good in [
        "[]",
        "\"_placeholder\"",
        r#"[{"_placeholder":true,"num":1}]"#,
        r#"{"num":1,"x":[],"_placeholder":true}"#,
        r#"{"_placeholder":false,"num":9}"#,
        r#"{"_placeholder":"true"}"#,
        r#"{"_placeholder":{"num":9}}"#,
        r#"{"num":9}"#,
        r#"["_placeholder",true,"num",9]"#,
        r#"{"_placeholder" : true , "num" : 0 }"#,
    ] {
        assert_eq!(check_placeholders(good, 2), Ok(()), "{good}");
    }
    for bad in [
        r#"[{"_placeholder":true,"num":2}]"#,
        r#"{"num":2,"x":[],"_placeholder":true}"#,
        r#"{"_placeholder":false,"_placeholder":true}"#,
        r#"{"a":[[{"b":{"_placeholder":true}}]]}"#,
        r#"{"_placeholder":true,"num":0,"num":7}"#,
        r#"{"\u005fplaceholder":true,"n\u0075m":3}"#,
        r#"{"_placeholder":true,"num":{"num":0}}"#,
    ] {
        assert_eq!(check_placeholders(bad, 2), Err(DecodeError::IllegalAttachments), "{bad}");
    }
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    assert_eq!(check_placeholders(&deep, 1), Err(DecodeError::NestingTooDeep));
    assert_eq!(check_placeholders(deep.get(1..257).unwrap(), 1), Ok(()));
}

#[test]
fn attachments_are_shared_at_any_depth() {
    #[derive(Deserialize)]
    struct Inner {
        data: Binary,
        list: Vec<Option<Binary>>,
    }
    #[derive(Deserialize)]
    struct Outer {
        name: String,
        #[serde(flatten)]
        inner: Inner,
        map: BTreeMap<u8, Binary>,
    }
    let bins = bins();
    let text = r#",{"name":"n","data":{"_placeholder":true,"num":1},
        "list":[null,{"num":0,"_placeholder":true}],"map":{"7":{"_placeholder":true,"num":1}}}]"#;
    let outer: Outer = read(text, &bins).unwrap();
    assert_eq!(outer.name, "n");
    assert!(is_shared(&outer.inner.data.0, &bins[1]));
    assert!(is_shared(&outer.inner.list[1].as_ref().unwrap().0, &bins[0]));
    assert!(is_shared(&outer.map[&7].0, &bins[1]));
    assert!(outer.inner.list[0].is_none());
}

#[test]
fn attachments_are_found_in_enums_of_every_kind() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum External {
        New(Binary),
        Tuple(u8, Binary),
        Struct { data: Binary },
        Unit,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        A(Binary),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "t")]
    enum Internal {
        A { data: Binary },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
        Data(Binary),
    }
    const P: &str = r#"{"_placeholder":true,"num":0}"#;
    let (bins, data) = (bins(), Binary(bins()[0].clone()));
    let text = format!(
        r#",[{{"New":{P}}},{{"Tuple":[1,{P}]}},{{"Struct":{{"data":{P}}}}},"Unit"],
            {{"t":"A","c":{P}}},{{"t":"A","data":{P}}},[{P},3]]"#
    );
    let mut cur = ArgCursor::new(&text, &bins);
    let external: Vec<External> = cur.require().unwrap();
    assert_eq!(
        external,
        [
            External::New(data.clone()),
            External::Tuple(1, data.clone()),
            External::Struct { data: data.clone() },
            External::Unit
        ]
    );
    assert_eq!(cur.require(), Ok(Adjacent::A(data.clone())));
    assert_eq!(cur.require(), Ok(Internal::A { data }));
    let untagged: [Untagged; 2] = cur.require().unwrap();
    let [Untagged::Data(found), Untagged::Number(3)] = untagged else { panic!("{untagged:?}") };
    assert!(is_shared(&found.0, &bins[0]));
    assert_eq!(cur.finish(), Ok(()));
}

#[test]
fn repeated_placeholder_shares_one_attachment() {
    let bins = bins();
    let text = r#",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]]"#;
    let all: Vec<Binary> = read(text, &bins).unwrap();
    assert!(all.iter().all(|one| is_shared(&one.0, &bins[0])));
}

#[test]
fn byte_vectors_read_attachments_and_numbers() {
    let bins = bins();
    let text = r#",[{"_placeholder":true,"num":0},[9,8]]]"#;
    assert_eq!(read::<Vec<Vec<u8>>>(text, &bins), Ok(vec![vec![1, 2], vec![9, 8]]));
    let all: Vec<Binary> = read(text, &bins).unwrap();
    assert_eq!(all[1].as_ref(), [9, 8]);
}

#[test]
fn maps_that_look_like_placeholders_are_replayed() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Like {
        num: i64,
        #[serde(default)]
        _placeholder: Option<String>,
        #[serde(default)]
        data: Vec<Option<u8>>,
    }
    let bins = bins();
    let like: Like = read(r#",{"num":-3,"data":[1,null]}]"#, &bins).unwrap();
    assert_eq!(like, Like { num: -3, _placeholder: None, data: vec![Some(1), None] });
    let like: Like = read(r#",{"_placeholder":"x","num":4}]"#, &bins).unwrap();
    assert_eq!(like, Like { num: 4, _placeholder: Some("x".to_owned()), data: vec![] });
    for text in [
        r#"{"_placeholder":false,"num":9}"#,
        r#"{"num":{"a":1},"_placeholder":[1]}"#,
        r#"{"num":1,"num":2}"#,
        r#"{"a":1,"_placeholder":true,"num":0}"#,
        "{}",
    ] {
        let argument = format!(",{text}]");
        let value: Value = read(&argument, &bins).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap(), "{text}");
    }
    let value: Value = read(r#",{"num":[{"_placeholder":true,"num":1}]}]"#, &bins).unwrap();
    let inner = value.get("num").unwrap().as_array().unwrap()[0].as_bytes().unwrap().clone();
    assert!(is_shared(&inner, &bins[1]));
}

#[test]
fn maps_nested_in_their_first_value_take_linear_time() {
    // Each level is looked at and replayed; replaying must not rebuild what is inside.
    let bins = bins();
    let inner = "1,".repeat(100_000);
    let text = format!(",{}[{inner}1]{}]", "{\"num\":".repeat(120), "}".repeat(120));
    let start = std::time::Instant::now();
    let value: Value = read(&text, &bins).unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    let mut level = &value;
    while let Some(inner) = level.get("num") {
        level = inner;
    }
    assert_eq!(level.as_array().map(<[Value]>::len), Some(100_001));
}

#[test]
fn attachment_is_found_at_the_deepest_level() {
    let bins = bins();
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let text = format!(",{}{placeholder}{}]", "[".repeat(126), "]".repeat(126));
    let mut value: Value = read(&text, &bins).unwrap();
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap();
    }
    assert!(is_shared(value.as_bytes().unwrap(), &bins[0]));
    let text = format!(",{}{placeholder}{}]", "[".repeat(127), "]".repeat(127));
    let error = ArgError::Malformed(DecodeError::NestingTooDeep);
    assert_eq!(read::<Value>(&text, &bins), Err(error));
}

#[test]
fn first_key_may_be_of_any_key_type() {
    #[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Key {
        One,
    }
    let bins = bins();
    assert_eq!(read::<HashMap<i32, u8>>(",{\"-5\":1}]", &bins).unwrap()[&-5], 1);
    assert_eq!(read::<HashMap<bool, u8>>(",{\"true\":1}]", &bins).unwrap()[&true], 1);
    assert_eq!(read::<HashMap<Key, u8>>(",{\"one\":1}]", &bins).unwrap()[&Key::One], 1);
    assert_eq!(read::<HashMap<char, u8>>(",{\"\\u0061\":1}]", &bins).unwrap()[&'a'], 1);
    assert!(matches!(
        read::<HashMap<i32, u8>>(",{\"x\":1}]", &bins),
        Err(ArgError::Invalid { .. })
    ));
}

#[test]
fn nothing_is_kept_after_an_argument_was_read() {
    let bins = vec![Bytes::from(vec![5; 9])];
    drop(read::<Value>(r#",{"_placeholder":true,"num":0}]"#, &bins).unwrap());
    let mut out = Vec::new();
    encode_event(&mut out, &mut Vec::new(), "/", None, "a", &Binary(bins[0].clone())).unwrap();
    let [only] = <[Bytes; 1]>::try_from(bins).unwrap();
    assert!(only.is_unique());
}

#[test]
fn binary_is_an_array_of_numbers_in_plain_json() {
    let text = serde_json::to_value(Binary::from(vec![1, 2])).unwrap();
    assert_eq!(text, json!([1, 2]));
    assert_eq!(serde_json::from_value::<Binary>(text).unwrap().as_ref(), [1, 2]);
}

/// The same placeholder as clients write it, and as only the parser reads it.
fn both_ways<T: serde::de::DeserializeOwned + PartialEq + fmt::Debug>(num: usize) {
    let bins = bins();
    let plain = format!(",{{\"_placeholder\":true,\"num\":{num}}}]");
    let parsed = format!(",{{\"_placeholder\":true,\"num\": {num} }}]");
    let (plain, parsed) = (read::<T>(&plain, &bins), read::<T>(&parsed, &bins));
    assert_eq!(plain, parsed, "{}", std::any::type_name::<T>());
}

#[test]
fn a_placeholder_as_clients_write_it_is_what_the_parser_makes_of_it() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Binary);
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Text(String),
        Bytes(Binary),
    }
    for num in [0, 1, 2, 10, 9999, 10_000] {
        both_ways::<Binary>(num);
        both_ways::<Value>(num);
        both_ways::<Bytes>(num);
        both_ways::<Option<Binary>>(num);
        both_ways::<Option<Value>>(num);
        both_ways::<Wrapped>(num);
        both_ways::<Any>(num);
        both_ways::<Vec<u8>>(num);
        both_ways::<(u8, u8)>(num);
        both_ways::<String>(num);
        both_ways::<u8>(num);
        both_ways::<()>(num);
        both_ways::<serde_json::Value>(num);
        both_ways::<BTreeMap<String, Value>>(num);
        both_ways::<IgnoredAny>(num);
    }
    let bins = bins();
    let text = ",{\"_placeholder\":true,\"num\":1}]";
    assert!(is_shared(&read::<Binary>(text, &bins).unwrap(), &bins[1]));
    assert_eq!(read::<Value>(text, &bins), Ok(Value::Binary(bins[1].clone())));
}
