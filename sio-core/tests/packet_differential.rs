//! Random arguments, read and written the quick way and by the JSON library alone: both say the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking, and random numbers may be cut"
)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::num::NonZeroU8;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sio_core::packet::{ArgCursor, ArgError, MAX_DEPTH, encode_args, encode_event};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "00",
    "01",
    "-01",
    "+1",
    "1",
    "-1",
    "7",
    "127",
    "128",
    "-128",
    "-129",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740993",
    "16777217",
    "99999999999999999",
    "999999999999999999",
    "1000000000000000000",
    "-999999999999999999",
    "-1000000000000000000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211455",
    "340282366920938463463374607431768211456",
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "1.0",
    "1.",
    ".1",
    "1.5e300",
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "0.1",
    "-0.0",
    "0e0",
    "3.4028236e38",
    "1e",
    "1e+",
    "-",
    "--1",
    "0x1",
    "1_0",
    "Infinity",
    "NaN",
    "-Infinity",
    "0 ",
    " 0",
    "1\n",
    "1\u{b}",
    "1\u{a0}",
];

const WORDS: &[&str] = &[
    "true",
    "false",
    "null",
    "tru",
    "truee",
    "fals",
    "nul",
    "nulll",
    "True",
    "undefined",
    "true ",
    " null",
    "",
    " ",
    "\"Plain\"",
    "\"Holds\"",
    "{\"Holds\":3}",
    "{\"Plain\":null}",
    "\"127.0.0.1\"",
    "\"a\"",
    "\"é\"",
    "\"\u{10ffff}\"",
    "\"a\u{301}\"",
    "\"\\u00e9\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\\ud83d\"",
    "\"\\u12\"",
    "\"\\x\"",
    "\"\\",
    "\"\\\"",
    "\"",
    "\"a",
    "\"a\u{1}\"",
    "\"a\u{7f}\"",
    "\"a\tb\"",
    "\"a\\tb\"",
    "\"\u{2028}\"",
    "[]",
    "[1,2]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{}",
    "{\"a\":1}",
    "{\"a\":1,}",
    "{\"a\"}",
    "{a:1}",
    "{\"a\":1,\"a\":2}",
    "{\"kind\":\"a\",\"x\":1}",
    "[255,0]",
    "[[[[]]]]",
    "[\"]\"]",
    "{\"]\":\"}\"}",
    "{\"_placeholder\":true,\"num\":0}",
    "\"_placeholder\"",
    "1]",
    "1]]",
    "\"a\"]",
    "1,2",
    "\"a\",",
    "\"a\"b",
    "\"a\" \"b\"",
    "/**/1",
    "'a'",
    "\u{feff}1",
];

fn token(random: &mut Random) -> String {
    match random.below(8) {
        0..2 => random.of(NUMBERS).to_owned(),
        2..4 => random.of(WORDS).to_owned(),
        // Digits of any length, and whatever may stand in a number.
        4 => (0..random.below(24)).map(|_| random.of(&b"0123456789"[..]) as char).collect(),
        5 => (0..random.below(12)).map(|_| random.of(&b"0019-+.eE "[..]) as char).collect(),
        6 => {
            let len = random.below(90);
            let inner: String = (0..len)
                .map(|_| random.of(&["a", "b", " ", "é", "€", "\u{10ffff}", "z", "0"]))
                .collect();
            let special = if random.below(3) == 0 {
                random.of(&[
                    "\\n", "\\\"", "\"", "\\", "\n", "\u{0}", "\\u0000", "\\/", "\\ud800", "]", ",",
                ])
            } else {
                ""
            };
            let mut at = random.below(inner.len() + 1);
            while !inner.is_char_boundary(at) {
                at -= 1;
            }
            format!("\"{}{special}{}\"", &inner[..at], &inner[at..])
        }
        _ => {
            // A value that was changed at one place.
            let texts = if random.below(2) == 0 { WORDS } else { NUMBERS };
            let text = random.of(texts);
            let mut chars: Vec<char> = text.chars().collect();
            if !chars.is_empty() {
                let at = random.below(chars.len());
                match random.below(3) {
                    0 => drop(chars.remove(at)),
                    1 => chars.insert(at, random.of(&['0', '"', '\\', ' ', ']', ',', '-', 'e'])),
                    _ => chars[at] = random.of(&['0', '"', '\\', ' ', ']', ',', '-', '\u{1f}']),
                }
            }
            chars.into_iter().collect()
        }
    }
}

fn is_malformed<T>(result: &Result<T, ArgError>) -> bool {
    matches!(result, Err(error) if error.is_malformed())
}

/// One argument as `T`, before what follows it.
fn same<'a, T: Deserialize<'a> + Debug>(arg: &'a str, args: &'a str, packet: &str) {
    let sound = serde_json::from_str::<Vec<IgnoredAny>>(packet).is_ok();
    let mut cursor = ArgCursor::new(args, &[]);
    let read = cursor.next::<T>();
    let name = std::any::type_name::<T>();
    if !sound {
        let broken = is_malformed(&read)
            || loop {
                match cursor.next::<IgnoredAny>() {
                    Ok(Some(_)) => {}
                    Ok(None) => break is_malformed(&cursor.finish()),
                    Err(error) => break error.is_malformed(),
                }
            };
        assert!(broken, "{name}: {packet} is taken");
        let mut cursor = ArgCursor::new(args, &[]);
        let broken = is_malformed(&cursor.next::<T>()) || is_malformed(&cursor.finish());
        assert!(broken, "{name}: {packet} is taken by finish");
        return;
    }
    // The argument by itself may be no value: `1,2`.
    if serde_json::from_str::<IgnoredAny>(arg).is_err() {
        assert!(!is_malformed(&read), "{name}: {packet}");
        return;
    }
    match (serde_json::from_str::<T>(arg), read) {
        (Ok(expected), Ok(Some(value))) => {
            assert_eq!(format!("{value:?}"), format!("{expected:?}"), "{name}: {packet}");
        }
        (Err(_), Err(ArgError::Invalid { index: 0, .. })) => {}
        (expected, read) => panic!("{name}: {packet}: {expected:?}, but {read:?}"),
    }
    assert_eq!(cursor.index(), 1, "{name}: {packet}");
    assert_eq!(cursor.finish(), Ok(()), "{name}: {packet}");
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
enum Named {
    Plain,
    Holds(u8),
    Fields { a: u8 },
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
struct Wrapped(i64);

#[derive(Debug, Deserialize)]
struct Unit;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
struct Fields {
    a: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "shown by Debug")]
enum Any<'a> {
    Number(f64),
    Borrowed(&'a str),
    Text(String),
    Nothing(()),
    List(Vec<u8>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "shown by Debug")]
enum Tagged {
    A { x: u8 },
    B,
}

macro_rules! all_types {
    ($arg:expr, $args:expr, $packet:expr; $($ty:ty),* $(,)?) => {$(same::<$ty>($arg, $args, $packet);)*};
}

#[test]
fn every_type_takes_and_refuses_what_the_json_library_does() {
    let mut random = Random(0x5eed);
    let behind = ["", "", "", " ", ",1", ", \"x\" ", ",[]", ",\"", ",", ",tru", "]", "}"];
    for _ in 0..10_000 {
        let (arg, behind) = (token(&mut random), random.of(&behind));
        let lead = random.of(&[",", ",", ", ", " ,\n"]);
        let args = format!("{lead}{arg}{behind}]");
        let packet = format!("[\"e\"{args}");
        all_types!(&arg, &args, &packet;
            bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, String, &str,
            Cow<'_, str>, Box<str>, (), Unit, Option<()>, Option<u8>, Option<Option<i64>>, Option<String>,
            Option<f64>, Named, Option<Named>, Wrapped, Fields, Any<'_>, Tagged, Vec<u8>, Vec<String>, [u8; 2],
            (u8, u8), (u8,), BTreeMap<String, u8>, BTreeMap<String, Option<u8>>, serde_json::Value,
            serde_json::Number, NonZeroU8, std::net::IpAddr, std::num::Wrapping<u8>, IgnoredAny,
            Result<u8, u8>,
        );
    }
}

#[test]
fn nesting_is_refused_at_the_same_depth_whoever_reads() {
    for depth in [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 5000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let args = format!(",{}1{}]", open.repeat(depth), close.repeat(depth));
            let fits = depth < MAX_DEPTH;
            assert_eq!(ArgCursor::new(&args, &[]).finish().is_ok(), fits, "{depth}");
            let mut cursor = ArgCursor::new(&args, &[]);
            assert_eq!(is_malformed(&cursor.next::<u8>()), !fits, "{depth}");
            let args = format!(",1,\"x\",{}1{}]", open.repeat(depth), close.repeat(depth));
            let mut cursor = ArgCursor::new(&args, &[]);
            assert_eq!(cursor.next::<u8>(), Ok(Some(1)));
            assert_eq!(cursor.next::<String>(), Ok(Some("x".to_owned())));
            assert_eq!(cursor.finish().is_ok(), fits, "{depth}");
        }
    }
}

fn number(random: &mut Random) -> serde_json::Value {
    match random.below(5) {
        0 => random.next().into(),
        1 => random.next().cast_signed().into(),
        2 => (random.next() >> random.below(64)).into(),
        3 => f64::from_bits(random.next()).into(),
        _ => random
            .of(&[0.0, -0.0, 1.0, 1e5, 1e15, 1e16, 1e17, 1e21, 1e-7, 0.1, 5e-324, f64::MAX])
            .into(),
    }
}

fn text(random: &mut Random) -> String {
    let chars = [
        'a',
        'b',
        ' ',
        '"',
        '\\',
        '\n',
        '\u{0}',
        '\u{1f}',
        '\u{7f}',
        '/',
        'é',
        '€',
        '\u{2028}',
        '\u{10ffff}',
    ];
    let plain = random.below(2) == 0;
    (0..random.below(150))
        .map(|_| if plain { random.of(&['x', 'é', '\u{10ffff}']) } else { random.of(&chars) })
        .collect()
}

fn value(random: &mut Random, depth: usize) -> serde_json::Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => number(random),
        1 => text(random).into(),
        2 => (random.below(2) == 0).into(),
        3 => serde_json::Value::Null,
        4 => (0..random.below(4)).map(|_| value(random, depth - 1)).collect::<Vec<_>>().into(),
        _ => serde_json::Value::Object(
            (0..random.below(4)).map(|_| (text(random), value(random, depth - 1))).collect(),
        ),
    }
}

fn written<T: Serialize + ?Sized>(args: &T) -> String {
    let (mut out, mut attachments) = (Vec::new(), Vec::new());
    encode_args(&mut out, &mut attachments, args).unwrap();
    assert!(attachments.is_empty());
    let args_text = String::from_utf8(out).unwrap();
    let mut event = Vec::new();
    encode_event(&mut event, &mut attachments, "/", None, "e", args).unwrap();
    assert_eq!(String::from_utf8(event).unwrap(), format!("42[\"e\"{args_text}]"));
    args_text
}

fn one<T: Serialize>(arg: T) {
    let json = serde_json::to_string(&arg).unwrap();
    assert_eq!(written(&arg), format!(",{json}"));
    assert_eq!(written(&(&arg,)), format!(",{json}"));
    assert_eq!(written(&(&arg, 1_u8, &arg)), format!(",{json},1,{json}"));
    assert_eq!(written(&Some(&arg)), format!(",{json}"));
    assert_eq!(written(&vec![&arg]), format!(",[{json}]"));
    assert_eq!(written(&[&arg][..]), format!(",[{json}]"));
}

#[derive(Serialize)]
struct Shown<'a> {
    text: &'a str,
    number: f64,
    character: char,
    bytes: &'a [u8],
    nothing: Option<u8>,
    pair: (i128, u128),
    unit: (),
}

#[derive(Serialize)]
struct New<T>(T);

#[derive(Serialize)]
enum Variant<'a> {
    Unit,
    New(&'a str),
    Pair(u8, f32),
    Fields { a: &'a str },
}

#[test]
fn what_is_written_is_what_the_json_library_writes() {
    let mut random = Random(77);
    for _ in 0..1_000 {
        one(value(&mut random, 3));
        let text = text(&mut random);
        one(&text);
        one(New(&text));
        one(text.chars().next());
        let bits = random.next();
        one(bits);
        one(bits.cast_signed());
        one(bits as u8);
        one(bits as i16);
        one(f64::from_bits(bits));
        one(f32::from_bits(bits as u32));
        one(New(f64::from_bits(bits)));
        one(u128::from(bits) * 3_000_000_007);
        one(Shown {
            text: &text,
            number: f64::from_bits(bits),
            character: text.chars().last().unwrap_or('\u{0}'),
            bytes: &text.as_bytes()[..text.len().min(5)],
            nothing: (bits & 1 == 0).then_some(1),
            pair: (-i128::from(bits) * 5, u128::MAX),
            unit: (),
        });
        for variant in [
            Variant::Unit,
            Variant::New(&text),
            Variant::Pair(1, 0.5),
            Variant::Fields { a: &text },
        ] {
            one(variant);
        }
        one(HashMap::from([(bits, &text)]));
        one(HashMap::from([(bits & 1 == 0, f64::NAN)]));
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        one(number);
        one(number as f32);
    }
    for number in [i64::MIN, i64::MAX, 0, -1] {
        one(number);
        one(number.cast_unsigned());
    }
    assert_eq!(written(&()), "");
    assert_eq!(written(&((),)), ",null");
    assert_eq!(written(&None::<u8>), ",null");
}
