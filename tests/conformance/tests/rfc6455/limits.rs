//! Groups 9 and 10: large messages, many of them, in any pieces.

use integration::masked;

use crate::echo::{
    BINARY, BINARY_BEGINS, Case, ENDS, Echo, GOES_ON, TEXT, TEXT_BEGINS, WHOLE, play_cut,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn fragmented(id: String, head: u8, len: usize, fragment: usize) -> Case {
    let payload = vec![b'*'; len];
    let pieces: Vec<&[u8]> = payload.chunks(fragment).collect();
    let begins = if head == TEXT { TEXT_BEGINS } else { BINARY_BEGINS };
    let mut case = Case::new(id);
    for (n, piece) in pieces.iter().enumerate() {
        let head = match (n == 0, n + 1 == pieces.len()) {
            (true, true) => head,
            (true, false) => begins,
            (false, true) => ENDS,
            (false, false) => GOES_ON,
        };
        case = case.send(head, piece);
    }
    case.gives(head, payload)
}

#[test]
fn group_9_large_messages_are_echoed() {
    let mut cases = Vec::new();
    for (n, len) in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB].into_iter().enumerate() {
        for (group, head) in [(1, TEXT), (2, BINARY)] {
            cases.push(Case::new(format!("9.{group}.{n}")).echoed(head, vec![b'*'; len]));
        }
    }
    play_cut(&cases, &[WHOLE]);
}

#[test]
fn group_9_messages_of_many_fragments_are_echoed() {
    let mut cases = Vec::new();
    for fragment in [64, KIB, 16 * KIB, 256 * KIB, MIB] {
        for (group, head) in [(3, TEXT), (4, BINARY)] {
            cases.push(fragmented(format!("9.{group} {fragment}"), head, MIB, fragment));
        }
    }
    play_cut(&cases, &[WHOLE]);
}

#[test]
fn group_9_messages_in_small_writes_are_echoed() {
    for head in [TEXT, BINARY] {
        let case = Case::new("9.5").echoed(head, vec![b'*'; 256 * KIB]);
        play_cut(&[case], &[64, 2_048]);
    }
}

#[test]
fn group_9_one_message_after_another() {
    for echo in Echo::both() {
        for len in [0, 16, 64, 256, KIB, 4 * KIB] {
            let mut ws = echo.connect();
            for head in [TEXT, BINARY].repeat(50) {
                let payload = vec![b'*'; len];
                ws.wire().write(masked(head, &payload));
                let frame = ws.next_frame();
                assert!(frame.head == head && frame.payload == payload, "{len} on {}", echo.name);
            }
        }
    }
}

#[test]
fn group_10_a_message_that_is_sent_in_its_own_pieces() {
    play_cut(&[fragmented("10.1.1".to_owned(), TEXT, 65_536, 1_300)], &[WHOLE, 1_300]);
}
