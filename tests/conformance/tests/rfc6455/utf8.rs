//! Group 6: text is UTF-8, whole and in fragments.

use crate::echo::{
    BINARY, Case, ENDS, GOES_ON, PING, PONG, TEXT, TEXT_BEGINS, WHOLE, play, play_cut,
};

const VALID: &str = "Hello-µ@ßöäüàá-UTF-8!!";
/// "κόσμε", a surrogate, "edited".
const INVALID: &[u8] =
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64";

#[test]
fn group_6_empty_messages_in_any_number_of_fragments() {
    play(&[
        Case::new("6.1.1").echoed(TEXT, ""),
        Case::new("6.1.2").send(TEXT_BEGINS, "").send(GOES_ON, "").send(ENDS, "").gives(TEXT, ""),
        Case::new("6.1.3")
            .send(TEXT_BEGINS, "")
            .send(GOES_ON, "middle frame payload")
            .send(ENDS, "")
            .gives(TEXT, "middle frame payload"),
    ]);
}

#[test]
fn group_6_valid_text_may_be_cut_anywhere() {
    let bytes = VALID.as_bytes();
    let mut cases = vec![Case::new("6.2.1").echoed(TEXT, bytes)];
    for at in 0..=bytes.len() {
        let (front, back) = bytes.split_at(at);
        let case = Case::new(format!("6.2.2 at {at}")).send(TEXT_BEGINS, front).send(ENDS, back);
        cases.push(case.gives(TEXT, bytes));
    }
    let (last, front) = bytes.split_last().unwrap();
    let mut single = Case::new("6.2.3").send(TEXT_BEGINS, &front[..1]);
    for byte in &front[1..] {
        single = single.send(GOES_ON, [*byte]);
    }
    cases.push(single.send(ENDS, [*last]).gives(TEXT, bytes));
    play_cut(&cases, &[WHOLE]);
}

#[test]
fn group_6_invalid_text_fails_at_the_latest_when_it_ends() {
    let mut single = Case::new("6.3.2").send(TEXT_BEGINS, "");
    for byte in INVALID {
        single = single.send(GOES_ON, [*byte]);
    }
    play(&[
        Case::new("6.3.1").send(TEXT, INVALID).fails(1007),
        single.send(ENDS, "").fails(1007),
        Case::new("6.4.1")
            .send(TEXT_BEGINS, "κόσμε")
            .send(GOES_ON, [0xf4, 0x90, 0x80, 0x80])
            .send(ENDS, "edited")
            .fails(1007),
        Case::new("6.4.2")
            .send(TEXT_BEGINS, b"\xce\xba\xf4")
            .send(GOES_ON, b"\x90")
            .send(ENDS, b"\x80\x80")
            .fails(1007),
    ]);
}

#[test]
fn group_6_binary_messages_may_be_anything() {
    play(&[Case::new("6.3.1 as binary").echoed(BINARY, INVALID)]);
}

/// Sequences after the well-known stress test of decoders.
#[test]
fn group_6_valid_sequences_are_echoed() {
    let valid: &[&[u8]] = &[
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
        b"\x00",
        b"\xc2\x80",
        b"\xe0\xa0\x80",
        b"\xf0\x90\x80\x80",
        b"\x7f",
        b"\xdf\xbf",
        b"\xef\xbf\xbf",
        b"\xf4\x8f\xbf\xbf",
        b"\xed\x9f\xbf",
        b"\xee\x80\x80",
        b"\xef\xbf\xbd",
        b"\xef\xbf\xbe",
        b"\xf0\x9f\xbf\xbe",
        b"\xf3\xaf\xbf\xbf",
        b"\xef\xbb\xbf",
    ];
    let cases: Vec<Case> =
        valid.iter().map(|text| Case::new(format!("6.x {text:x?}")).echoed(TEXT, text)).collect();
    play(&cases);
}

#[test]
fn group_6_invalid_sequences_fail() {
    let invalid: &[&[u8]] = &[
        // Cut off in the middle.
        b"\xce",
        b"\xe1\xbd",
        b"\xf0\x90\x80",
        b"\xce\xba\xe1",
        // Five and six bytes, and code points above the last one.
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xf7\xbf\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xfb\xbf\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf\xbf",
        // Bytes that continue nothing.
        b"\x80",
        b"\xbf",
        b"\x80\xbf\x80\xbf\x80\xbf\x80",
        // Beginnings that are not continued.
        b"\xc3 \xc4 ",
        b"\xe0 \xef ",
        b"\xf0 \xf7 ",
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        // Bytes that no text has.
        b"\xfe",
        b"\xff",
        b"\xfe\xfe\xff\xff",
        // More bytes than needed.
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        // Surrogates, single and in pairs.
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xae\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xed\xaf\xbf\xed\xbf\xbf",
    ];
    let cases: Vec<Case> = invalid
        .iter()
        .flat_map(|text| {
            let (front, back) = text.split_at(text.len() / 2);
            [
                Case::new(format!("6.x {text:x?}")).send(TEXT, text).fails(1007),
                Case::new(format!("6.x {text:x?} in two"))
                    .send(TEXT_BEGINS, front)
                    .send(ENDS, back)
                    .fails(1007),
                Case::new(format!("6.x {text:x?} in the middle"))
                    .send(TEXT, [b"before ", *text, b" behind"].concat())
                    .fails(1007),
            ]
        })
        .collect();
    play_cut(&cases, &[WHOLE]);
}

#[test]
fn a_ping_is_no_text() {
    play(&[Case::new("6.3.1 as ping").send(PING, INVALID).gives(PONG, INVALID)]);
}
