//! Reading arguments: what is refused, then what fits.

use serde::Deserialize;

use super::*;
use crate::packet::Value;

const BROKEN: ArgError = ArgError::Malformed(DecodeError::InvalidPayload);

fn cursor(text: &str) -> ArgCursor<'_> {
    ArgCursor::new(text, &[])
}

#[test]
fn broken_json_is_malformed_wherever_it_is() {
    for text in [
        "",
        ",",
        ",]",
        ",1",
        ",1,]",
        ",1 2]",
        ",1]]",
        ",1],",
        ",[1]",
        ",\"a]",
        ",{\"a\":1]",
        ",tru]",
        ",01]",
        ",\"\u{1}\"]",
    ] {
        assert_eq!(cursor(text).finish(), Err(BROKEN), "{text}");
        assert_eq!(cursor(text).rest(), Err(BROKEN), "{text}");
    }
}

#[test]
fn wrong_type_before_broken_json_is_malformed() {
    for text in [",\"a\",{]", ",\"a\"", ",\"a\"]x", ",{\"a\":}]", ",[1,2"] {
        assert_eq!(cursor(text).next::<u32>(), Err(BROKEN), "{text}");
    }
}

#[test]
fn wrong_type_is_invalid_and_skipped() {
    let mut cur = cursor(",\"a\",2]");
    let error = cur.next::<u32>().unwrap_err();
    assert_eq!(error.to_string(), "argument 0 is invalid: invalid type: string, expected u32");
    assert_eq!(cur.index(), 1);
    assert_eq!(cur.next::<u32>(), Ok(Some(2)));
    assert_eq!(cur.finish(), Ok(()));
}

#[test]
fn message_has_what_the_type_says_and_nothing_of_the_input() {
    for (input, expected) in [
        (
            "invalid type: string \"a, expected b\", expected u8",
            "invalid type: string, expected u8",
        ),
        ("invalid value: integer `-7`, expected u8", "invalid value: integer, expected u8"),
        ("invalid type: map, expected u8 at line 1 column 2", "invalid type: map, expected u8"),
        ("unknown variant `x`, expected `A` or `B`", "unknown variant, expected `A` or `B`"),
        ("unknown variant `x`, there are no variants", "unknown variant, there are no variants"),
        ("unknown field ``, expected `a`", "unknown field, expected `a`"),
        ("missing field `a`", "missing field `a`"),
        ("a text of the `user`", "a text of the `user`"),
    ] {
        assert_eq!(message_for_client(input.to_owned()), expected);
    }
}

#[test]
fn sound_json_that_rust_cannot_hold_is_invalid() {
    assert!(matches!(cursor(",1e999]").next::<f64>(), Err(ArgError::Invalid { .. })));
    assert!(matches!(cursor(",\"\\ud800\"]").next::<String>(), Err(ArgError::Invalid { .. })));
    assert!(matches!(cursor(",[1,2,3]]").next::<(u8, u8)>(), Err(ArgError::Invalid { .. })));
}

#[test]
fn message_is_cut_at_a_character() {
    for text in ["é".repeat(400), format!("x{}", "é".repeat(400))] {
        assert!((199..=200).contains(&message_for_client(text).len()));
    }
}

#[test]
fn missing_argument_is_an_error_unless_absence_is_a_value() {
    let mut cur = cursor(",1]");
    assert_eq!(cur.require::<u8>(), Ok(1));
    assert_eq!(cur.require::<u8>(), Err(ArgError::Missing { index: 1 }));
    assert_eq!(cur.require::<Value>(), Err(ArgError::Missing { index: 1 }));
    assert_eq!(cur.require::<Option<u8>>(), Ok(None));
    assert_eq!(cur.require::<()>(), Ok(()));
    assert!(cur.require::<IgnoredAny>().is_ok());
    assert_eq!(cursor(",null]").require::<Option<u8>>(), Ok(None));
}

#[test]
fn strict_end_names_the_first_argument_too_many() {
    let mut cur = cursor(",1,2]");
    assert_eq!(cur.next::<u8>(), Ok(Some(1)));
    assert_eq!(cur.finish_strict(), Err(ArgError::Unexpected { index: 1 }));
    assert_eq!(cursor("]").finish_strict(), Ok(()));
    assert_eq!(cursor(",1,{]").finish_strict(), Err(BROKEN));
}

#[test]
fn wrong_arguments_without_end_take_linear_time() {
    // 200,000 complaints about one packet; each must not scan the rest again.
    let text = format!(",{}\"a\"]", "\"a\",".repeat(200_000));
    let Rest(all) = Rest::<Try<u32>>::read(&mut cursor(&text)).unwrap();
    assert_eq!(all.len(), 200_001);
    assert!(all.iter().all(|one| matches!(one.0, Err(ArgError::Invalid { .. }))));
}

#[test]
fn ack_arguments_start_without_comma() {
    let mut cur = cursor(" 1 , [2] ] ");
    assert_eq!(cur.next::<u8>(), Ok(Some(1)));
    assert_eq!(cur.has_next(), Ok(true));
    assert_eq!(cur.next::<Vec<u8>>(), Ok(Some(vec![2])));
    assert_eq!(cur.next::<u8>(), Ok(None));
    assert_eq!(cur.finish(), Ok(()));
    assert_eq!(cur.finish(), Ok(()));
}

#[test]
fn rest_is_the_unread_text() {
    let mut cur = cursor(",1, \"a\",{ } ]");
    assert_eq!(cur.next::<u8>(), Ok(Some(1)));
    assert_eq!(cur.rest(), Ok("\"a\",{ }"));
    assert_eq!(cur.rest(), Ok(""));
    assert_eq!(cur.next::<u8>(), Ok(None));
}

#[test]
fn wrappers_read_what_is_left() {
    let mut cur = cursor(",1,\"x\",3,4]");
    assert_eq!(u8::read(&mut cur), Ok(1));
    let Try(second) = Try::<u8>::read(&mut cur).unwrap();
    assert!(matches!(second, Err(ArgError::Invalid { index: 1, .. })));
    assert_eq!(Rest::<u8>::read(&mut cur), Ok(Rest(vec![3, 4])));
    assert_eq!(Try::<u8>::read(&mut cur), Ok(Try(Err(ArgError::Missing { index: 4 }))));
    assert_eq!(Try::<u8>::read(&mut cursor(",{]")), Err(BROKEN));
}

#[test]
fn type_that_reads_nothing_does_not_stop_the_cursor() {
    #[derive(Debug, PartialEq)]
    struct Nothing;
    impl<'de> Deserialize<'de> for Nothing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    let mut cur = cursor(",[1],2]");
    assert_eq!(cur.next::<Nothing>(), Ok(Some(Nothing)));
    assert_eq!(cur.next::<u8>(), Ok(Some(2)));
}

#[test]
fn strings_are_read_as_the_json_library_reads_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Name(String);
    for len in [0, 1, 7, 8, 63, 64, 65, 1_000] {
        let plain = "ü".repeat(len);
        for inner in [plain.clone(), format!("{plain}\\n\\u00e9x"), format!("{plain}\\\\\"x")] {
            let text = format!(",\"{inner}\",\"{inner}\" , null,\"{inner}\" ]");
            let mut cur = cursor(&text);
            let Ok(expected) = serde_json::from_str::<String>(&format!("\"{inner}\"")) else {
                // The string ends before `x`, which is no argument.
                assert!(matches!(cur.next::<String>(), Ok(Some(_))));
                assert_eq!(cur.next::<String>(), Err(BROKEN));
                continue;
            };
            assert_eq!(cur.next(), Ok(Some(Name(expected.clone()))));
            assert_eq!(cur.next(), Ok(Some(Some(expected.clone()))));
            assert_eq!(cur.next::<Option<String>>(), Ok(Some(None)));
            assert_eq!(cur.next(), Ok(Some(Value::from(expected))));
            assert_eq!(cur.finish(), Ok(()));
        }
        assert_eq!(cursor(&format!(",\"{plain}\u{1}\"]")).next::<String>(), Err(BROKEN));
        assert_eq!(cursor(&format!(",\"{plain}")).next::<String>(), Err(BROKEN));
    }
}

#[test]
fn text_that_is_kept_as_it_came_keeps_its_quotation_marks() {
    use serde_json::value::RawValue;
    let mut cur = cursor(",\"a\",[\"b\"]]");
    let raw = cur.next::<Box<RawValue>>().unwrap().unwrap();
    assert_eq!(raw.get(), "\"a\"");
    assert_eq!(cur.next::<Box<RawValue>>().unwrap().unwrap().get(), "[\"b\"]");
    assert_eq!(cur.finish(), Ok(()));
}

/// The parser reads its largest integers as far as their digits go.
#[test]
fn a_float_for_a_large_integer_is_invalid_and_not_malformed() {
    for json in ["1e5", "1.5", "-0.5", "1E+2"] {
        let args = format!(",{json},\"next\"]");
        let mut cur = ArgCursor::new(&args, &[]);
        let error = cur.next::<i128>().unwrap_err();
        assert_eq!(error.to_string(), "argument 0 is invalid: invalid number", "{json}");
        assert_eq!(cur.next::<&str>(), Ok(Some("next")));
        assert_eq!(cur.finish(), Ok(()));
    }
    assert_eq!(cursor(",1ex]").next::<u128>(), Err(BROKEN));
}

#[test]
fn what_is_not_plain_needs_the_checks_of_all_packets() {
    for args in [
        "",
        ",",
        ",1",
        ",1,]",
        "1]",
        "]]",
        ",1.5]",
        ",[1]]",
        ",{}]",
        ",\"\\n\"]",
        ", 1]",
        ",{\"_placeholder\":true,\"num\":2}]",
        ",{\"_placeholder\":true,\"num\":00}]",
        ",{\"_placeholder\":true,\"num\":}]",
        ",{\"_placeholder\":true,\"num\":-0}]",
        ",{\"_placeholder\":true,\"num\":0.0}]",
        ",{\"_placeholder\":true,\"num\":0,\"num\":5}]",
        ",{\"_placeholder\":true,\"num\":0}x]",
        ",{\"_placeholder\":true,\"num\":0}",
        ",{\"num\":0,\"_placeholder\":true}]",
        ",{\"_placeholder\":true, \"num\":0}]",
    ] {
        assert!(!are_plain(args, 2), "{args}");
    }
}

#[test]
fn what_is_plain_passes_the_checks_of_all_packets() {
    for args in [
        "]",
        ",1]",
        ",\"a\",-7,true,null]",
        ",{\"_placeholder\":true,\"num\":0}]",
        ",{\"_placeholder\":true,\"num\":1},\"a\",{\"_placeholder\":true,\"num\":0}]",
    ] {
        assert!(are_plain(args, 2), "{args}");
        let data = format!("[\"name\"{args}");
        assert_eq!(crate::packet::validate(&data), Ok(()), "{args}");
        assert_eq!(check_placeholders(&data, 2), Ok(()), "{args}");
    }
}

#[test]
fn raw_control_characters_are_malformed_for_types_that_take_bytes_too() {
    struct Raw(Vec<u8>);

    impl<'d> Deserialize<'d> for Raw {
        fn deserialize<X: Deserializer<'d>>(input: X) -> Result<Self, X::Error> {
            struct Bytes;
            impl Visitor<'_> for Bytes {
                type Value = Vec<u8>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }

                fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                    Ok(bytes.to_vec())
                }
            }
            input.deserialize_bytes(Bytes).map(Self)
        }
    }

    for text in [",\"a\u{1}b\"]", ",\"\\n\u{0}\"]", ",\"\n\"]"] {
        let read = ArgCursor::new(text, &[]).next::<Raw>();
        assert!(read.is_err_and(|error| error.is_malformed()), "{text:?}");
    }
    let read = ArgCursor::new(",\n\"\\u0001\"\t]", &[]).next::<Raw>().unwrap().unwrap();
    assert_eq!(read.0, [1]);
}
