//! Groups 1 to 5: lengths, pings, reserved bits, opcodes, fragments.

use integration::masked;

use crate::echo::{
    BINARY, BINARY_BEGINS, CLOSE, Case, ENDS, GOES_ON, PING, PONG, TEXT, TEXT_BEGINS, WHOLE, play,
    play_cut,
};

/// All lengths at which the head changes its form.
const LENGTHS: [usize; 7] = [0, 125, 126, 127, 128, 65_535, 65_536];

fn cases_of(head: u8, group: &str) -> Vec<Case> {
    let numbered = LENGTHS.into_iter().enumerate();
    numbered
        .map(|(n, len)| Case::new(format!("{group}.{}", n + 1)).echoed(head, vec![b'*'; len]))
        .collect()
}

#[test]
fn group_1_messages_of_every_length_are_echoed() {
    let cases: Vec<Case> =
        [cases_of(TEXT, "1.1"), cases_of(BINARY, "1.2")].into_iter().flatten().collect();
    play_cut(&cases, &[WHOLE, 997]);
}

#[test]
fn group_2_pings_are_answered_and_pongs_are_not() {
    play(&[
        Case::new("2.1").send(PING, "").gives(PONG, ""),
        Case::new("2.2").send(PING, "Hello, world!").gives(PONG, "Hello, world!"),
        Case::new("2.3")
            .send(PING, [0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff])
            .gives(PONG, [0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff]),
        Case::new("2.4").send(PING, [0xfe; 125]).gives(PONG, [0xfe; 125]),
        Case::new("2.5").send(PING, [0xfe; 126]).fails(1002),
        Case::new("2.7").send(PONG, ""),
        Case::new("2.8").send(PONG, "unsolicited"),
        Case::new("2.9").send(PONG, "unsolicited").send(PING, "ping").gives(PONG, "ping"),
    ]);
}

#[test]
fn group_2_ten_pings_get_ten_pongs() {
    let mut case = Case::new("2.10");
    for n in 0..10 {
        let payload = format!("payload-{n}");
        case = case.send(PING, &payload).gives(PONG, payload);
    }
    play(&[case]);
}

#[test]
fn group_3_reserved_bits_fail() {
    let rsv = |n: u8| n << 4;
    let mut cases = vec![
        Case::new("3.1").send(TEXT | rsv(4), "Hello, world!").fails(1002),
        Case::new("3.5").send(BINARY | rsv(5), [0, 1]).fails(1002),
        Case::new("3.6").send(PING | rsv(6), "Hello, world!").fails(1002),
        Case::new("3.7").send(CLOSE | rsv(7), "").fails(1002),
    ];
    for n in 1..=3 {
        cases.push(
            Case::new(format!("3.{}", n + 1))
                .echoed(TEXT, "first")
                .send(TEXT | rsv(n), "second")
                .fails(1002)
                .send(PING, ""),
        );
    }
    play(&cases);
}

#[test]
fn group_4_unknown_opcodes_fail() {
    let mut cases = Vec::new();
    for opcode in (3..=7).chain(11..=15) {
        let id = |kind| format!("4.{opcode}{kind}");
        cases.push(Case::new(id("a")).send(0x80 | opcode, "").fails(1002));
        cases.push(Case::new(id("b")).send(0x80 | opcode, "payload").fails(1002));
        let after = Case::new(id("c")).echoed(TEXT, "first");
        cases.push(after.send(0x80 | opcode, "").fails(1002).send(PING, ""));
    }
    play(&cases);
}

#[test]
fn group_5_control_frames_are_whole() {
    play(&[
        Case::new("5.1").send(0x09, "first").send(ENDS, "second").fails(1002),
        Case::new("5.2").send(0x0a, "first").send(ENDS, "second").fails(1002),
    ]);
}

#[test]
fn group_5_fragments_make_messages() {
    let two = |id: &str| Case::new(id).send(TEXT_BEGINS, "fragment1");
    play(&[
        two("5.3").send(ENDS, "fragment2").gives(TEXT, "fragment1fragment2"),
        Case::new("5.3b")
            .send(BINARY_BEGINS, [0])
            .send(GOES_ON, [])
            .send(GOES_ON, [1, 2])
            .send(ENDS, [0xff])
            .gives(BINARY, [0, 1, 2, 0xff]),
    ]);
    let with_ping = two("5.6").send(PING, "ping").gives(PONG, "ping");
    play(&[with_ping.send(ENDS, "fragment2").gives(TEXT, "fragment1fragment2")]);
}

#[test]
fn group_5_continuations_belong_to_something() {
    let mut cases = Vec::new();
    for (id, head) in [("5.9", ENDS), ("5.12", GOES_ON)] {
        cases.push(
            Case::new(id).send(head, "non-continuation payload").fails(1002).send(TEXT, "next"),
        );
    }
    cases.push(
        Case::new("5.15")
            .send(TEXT_BEGINS, "fragment1")
            .send(ENDS, "fragment2")
            .gives(TEXT, "fragment1fragment2")
            .send(GOES_ON, "fragment3")
            .fails(1002)
            .send(TEXT, "fragment4"),
    );
    cases.push(Case::new("5.16").send(GOES_ON, "fragment1").fails(1002).send(TEXT_BEGINS, "x"));
    cases.push(Case::new("5.17").send(ENDS, "fragment1").fails(1002).send(TEXT_BEGINS, "x"));
    play(&cases);
}

#[test]
fn group_5_a_message_does_not_begin_inside_another() {
    for head in [TEXT, TEXT_BEGINS, BINARY, BINARY_BEGINS] {
        play(&[Case::new(format!("5.18 {head:#x}"))
            .send(TEXT_BEGINS, "fragment1")
            .send(head, "fragment2")
            .fails(1002)]);
    }
}

#[test]
fn group_5_pings_between_five_fragments() {
    let frames = |case: Case| {
        case.send(TEXT_BEGINS, "fragment1")
            .send(GOES_ON, "fragment2")
            .send(PING, "pongme 1!")
            .send(GOES_ON, "fragment3")
            .send(GOES_ON, "fragment4")
            .send(PING, "pongme 2!")
            .send(ENDS, "fragment5")
    };
    let text = "fragment1fragment2fragment3fragment4fragment5";
    let pongs = |case: Case| case.gives(PONG, "pongme 1!").gives(PONG, "pongme 2!");
    play(&[pongs(frames(Case::new("5.19"))).gives(TEXT, text)]);
}

#[test]
fn a_frame_without_a_mask_fails() {
    play(&[Case::new("5.1 of the RFC").raw(b"\x81\x05Hello").fails(1002)]);
}

#[test]
fn a_length_in_more_bytes_than_it_needs_fails() {
    let mask = [0; 4];
    let long = |head: &[u8]| [head, &mask, b"Hello"].concat();
    play(&[
        Case::new("7 bits in 16").raw(&long(&[TEXT, 0xfe, 0, 5])).fails(1002),
        Case::new("7 bits in 64").raw(&long(&[TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 5])).fails(1002),
        Case::new("top bit").raw(&long(&[TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 5])).fails(1002),
    ]);
    // The shortest ones that need them are taken.
    play_cut(
        &[Case::new("16 bits").raw(&masked(TEXT, [b'a'; 126])).gives(TEXT, [b'a'; 126])],
        &[1],
    );
}
