//! Group 7: close frames.

use crate::echo::{CLOSE, Case, ENDS, PING, TEXT, TEXT_BEGINS, WHOLE, play, play_cut};

fn with_reason(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_ref()].concat()
}

#[test]
fn group_7_what_comes_behind_a_close_frame_is_not_heard() {
    let close = with_reason(1000, "");
    play(&[
        Case::new("7.1.1").echoed(TEXT, "Hello World!").send(CLOSE, &close).fails(1000),
        Case::new("7.1.2").send(CLOSE, &close).send(CLOSE, &close).fails(1000),
        Case::new("7.1.3").send(CLOSE, &close).send(PING, "").fails(1000),
        Case::new("7.1.4").send(CLOSE, &close).send(TEXT, "Hello World!").fails(1000),
        Case::new("7.1.5")
            .send(TEXT_BEGINS, "fragment1")
            .send(CLOSE, &close)
            .send(ENDS, "fragment2")
            .fails(1000),
    ]);
    let large = vec![b'B'; 256 * 1024];
    play_cut(
        &[Case::new("7.1.6").echoed(TEXT, large).send(CLOSE, &close).send(PING, "").fails(1000)],
        &[WHOLE],
    );
}

#[test]
fn group_7_a_close_frame_has_no_payload_or_a_code() {
    play(&[
        Case::new("7.3.1").send(CLOSE, "").closes(None),
        Case::new("7.3.2").send(CLOSE, "a").fails(1002),
        Case::new("7.3.3").send(CLOSE, with_reason(1000, "")).fails(1000),
        Case::new("7.3.4").send(CLOSE, with_reason(1000, "Hello World!")).fails(1000),
        Case::new("7.3.5").send(CLOSE, with_reason(1000, [b'*'; 123])).fails(1000),
        Case::new("7.3.6").send(CLOSE, with_reason(1000, [b'*'; 124])).fails(1002),
    ]);
}

#[test]
fn group_7_a_reason_is_utf8() {
    play(&[Case::new("7.5.1")
        .send(CLOSE, with_reason(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"))
        .fails(1007)]);
}

#[test]
fn group_7_codes_that_may_be_sent_are_echoed() {
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    play(&codes.map(|code| {
        Case::new(format!("7.7 {code}")).send(CLOSE, with_reason(code, "")).fails(code)
    }));
}

#[test]
fn group_7_codes_that_may_not_be_sent_fail() {
    let codes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
    play(&codes.map(|code| {
        Case::new(format!("7.9 {code}")).send(CLOSE, with_reason(code, "")).fails(1002)
    }));
}
