//! Single values, as the encoders of the Node.js packages write them.

use bytes::Bytes;
use serde_json::Value;
use sio_core::parser::msgpack::{Writer, read_value};

use super::vectors::{files, unhex};

/// What a value reads as, and as what it is written to get the bytes of the first encoder; nothing if that one
/// destroys it, or it is no value of ours.
fn meaning(value: &str) -> (String, Option<String>) {
    let same = |json: &str| (json.to_owned(), Some(json.to_owned()));
    let read = |json: &str| (json.to_owned(), None);
    let power = |exponent: u32| 2_u128.pow(exponent);
    match value {
        "-0" => ("0".to_owned(), Some("-0".to_owned())),
        "2^53-1" => same(&(power(53) - 1).to_string()),
        "2^53" => same(&power(53).to_string()),
        "2^63" => same(&power(63).to_string()),
        "1e19" => same("10000000000000000000"),
        "-(2^53-1)" => same(&format!("-{}", power(53) - 1)),
        "-(2^53)" => same(&format!("-{}", power(53))),
        "NaN" | "Infinity" | "-Infinity" => read("null"),
        "31 x 'x'" => same(&format!("\"{}\"", "x".repeat(31))),
        "32 x 'x'" => same(&format!("\"{}\"", "x".repeat(32))),
        "256 x 'x'" => same(&format!("\"{}\"", "x".repeat(256))),
        "undefined" => same("null"),
        "[undefined]" => same("[null]"),
        "16 x 0 array" => same(&format!("[{}0]", "0,".repeat(15))),
        "{f: function, b: 1}" => same(r#"{"b":1}"#),
        "16-key map" => {
            let keys: Vec<_> = (0..16).map(|key| format!("\"k{key}\":{key}")).collect();
            same(&format!("{{{}}}", keys.join(",")))
        }
        "Map{1=>2}" | "Set{1}" => same("{}"),
        "object with toJSON returning 7" => same("7"),
        _ => match value.strip_prefix("Date ") {
            Some(date) => read(&format!("\"{date}\"")),
            None => same(value),
        },
    }
}

fn encoded(json: &str) -> Vec<u8> {
    let mut out = Writer::new();
    out.json(json, &[]).unwrap();
    out.finish()
}

#[test]
fn values_are_read_from_all_encoders_and_written_as_the_first_does() {
    let (mut read, mut written) = (0, 0);
    let files = files();
    let file = files.iter().find(|file| file.name == "msgpack-values").unwrap();
    for entry in file.content["values"].as_array().unwrap() {
        let value = entry["value"].as_str().unwrap();
        for encoder in ["notepack3_hex", "msgpack2_hex", "notepack2_hex"] {
            let hex = entry[encoder].as_str().unwrap();
            if hex.starts_with("throws") {
                continue;
            }
            let data = read_value(&Bytes::from(unhex(hex)), 10, 128).unwrap();
            read += 1;
            let is_bytes = ["Buffer", "Uint", "ArrayBuffer", "256-byte"]
                .iter()
                .any(|start| value.starts_with(start));
            if is_bytes && hex != "80" {
                assert_eq!(&*data.json, r#"{"_placeholder":true,"num":0}"#, "{value}");
                let mut out = Writer::new();
                out.json(&data.json, &data.attachments).unwrap();
                assert_eq!(read_value(&out.finish().into(), 1, 0).unwrap(), data);
                continue;
            }
            // Numbers that an encoder has destroyed.
            if matches!(value, "2^64" | "1e300") || is_bytes {
                continue;
            }
            let (mut meaning, write) = meaning(value);
            if value == "{a:undefined,b:1}" {
                meaning = match encoder {
                    "msgpack2_hex" => r#"{"a":null,"b":1}"#.to_owned(),
                    _ => r#"{"b":1}"#.to_owned(),
                };
            }
            let (is, should): (Value, Value) = (
                serde_json::from_str(&data.json).unwrap(),
                serde_json::from_str(&meaning).unwrap(),
            );
            let is_equal =
                is == should || is.as_f64().is_some_and(|is| should.as_f64() == Some(is));
            assert!(is_equal, "{value}: {is} {should}");
            if let (Some(write), "notepack3_hex") = (write, encoder)
                && value != "{a:undefined,b:1}"
            {
                let hex: String =
                    encoded(&write).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(hex, entry[encoder].as_str().unwrap(), "{value}");
                written += 1;
            }
        }
    }
    assert_eq!((read, written), (187, 47));
}

#[test]
fn large_numbers_are_not_destroyed() {
    assert_eq!(encoded("18446744073709551616"), b"\xcb\x43\xf0\0\0\0\0\0\0");
    assert_eq!(encoded("1e300"), b"\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c");
    assert_eq!(encoded("18446744073709551615"), b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(encoded("-9223372036854775808"), b"\xd3\x80\0\0\0\0\0\0\0");
}

#[test]
fn dates_beyond_what_javascript_has_are_null() {
    for bytes in [
        &b"\xc7\x0c\xff\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xc7\x0c\xff\xff\xff\xff\xff\x80\0\0\0\0\0\0\0",
    ] {
        assert_eq!(&*read_value(&Bytes::from_static(bytes), 0, 0).unwrap().json, "null");
    }
}
