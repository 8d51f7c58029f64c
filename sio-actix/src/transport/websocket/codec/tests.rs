//! The codec against literal bytes: refusals, limits, cuts, then what works.

use bytes::BytesMut;

use super::*;

const LIMIT: usize = 200_000;
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Kind and payload of a message, or the close code of a violation.
type Seen = Result<(Opcode, Vec<u8>), u16>;

fn seen(opcode: Opcode, payload: impl AsRef<[u8]>) -> Seen {
    Ok((opcode, payload.as_ref().to_vec()))
}

/// Masked frame from a client, built without the code under test.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = announce(first, payload.len() as u64);
    bytes.extend(payload.iter().enumerate().map(|(i, b)| b ^ MASK[i % 4]));
    bytes
}

/// Text message in two fragments.
fn halves(front: &[u8], back: &[u8]) -> Vec<u8> {
    [frame(0x01, front), frame(0x80, back)].concat()
}

/// Head of a masked frame from a client.
fn announce(first: u8, len: u64) -> Vec<u8> {
    let bytes = len.to_be_bytes();
    let (short, long) = match len {
        0..126 => (bytes[7], &[][..]),
        126..65536 => (126, &bytes[6..]),
        _ => (127, &bytes[..]),
    };
    [&[first, 0x80 | short], long, &MASK].concat()
}

/// Feeds the chunks, checks what must hold after each call, and returns all messages.
fn feed<'a>(parser: &mut Parser, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut all = Vec::new();
    feed_with(parser, &mut Vec::new(), chunks, &mut all);
    all
}

fn feed_with<'a>(
    parser: &mut Parser,
    scratch: &mut Vec<u8>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    all: &mut Vec<Seen>,
) {
    for mut chunk in chunks {
        loop {
            let next = parser.next(&mut chunk, scratch);
            let bound = parser.max_message.saturating_add(64 * 1024);
            assert!(parser.gathered.capacity() <= bound);
            all.push(match next {
                Ok(None) => break,
                Ok(Some(Message::Text(text))) => seen(Opcode::Text, text),
                Ok(Some(Message::Binary(bytes))) => seen(Opcode::Binary, bytes),
                Ok(Some(Message::Ping(bytes))) => seen(Opcode::Ping, bytes),
                Ok(Some(Message::Pong)) => seen(Opcode::Pong, b""),
                Ok(Some(Message::Close(None))) => seen(Opcode::Close, b""),
                Ok(Some(Message::Close(Some(CloseFrame { code, reason })))) => {
                    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
                    seen(Opcode::Close, payload)
                }
                Err(violation) => Err(violation.close_code()),
            });
        }
        assert!(chunk.is_empty(), "input left behind: {chunk:?}");
    }
}

fn parse(stream: &[u8]) -> Vec<Seen> {
    feed(&mut Parser::new(LIMIT, false), [stream])
}

fn assert_idle(parser: &Parser) {
    assert!(matches!(parser.stage, Stage::Head));
    assert_eq!((parser.head_len, parser.gathered.capacity()), (0, 0));
    assert_eq!((parser.open, parser.announced), (None, 0));
}

#[test]
fn broken_frames_are_refused() {
    let too_large = LIMIT as u64 + 1;
    let protocol = [
        ("rsv1", frame(0xC1, b"a")),
        ("rsv2", frame(0xA1, b"a")),
        ("rsv3", frame(0x91, b"a")),
        ("rsv1 on control", frame(0xC9, b"")),
        ("not masked", b"\x81\x01a".to_vec()),
        ("opcode 3", frame(0x83, b"a")),
        ("opcode 11", frame(0x8B, b"")),
        ("opcode 15", frame(0x8F, b"")),
        ("fragmented ping", frame(0x09, b"a")),
        ("fragmented pong", frame(0x0A, b"a")),
        ("fragmented close", frame(0x08, b"")),
        ("ping of 126 bytes", frame(0x89, &[0; 126])),
        ("pong of 65536 bytes", frame(0x8A, &[0; 65536])),
        ("close of 126 bytes", frame(0x88, &[0; 126])),
        ("top bit of length", announce(0x82, 1 << 63)),
        ("125 in two bytes", b"\x82\xFE\0\x7D".to_vec()),
        ("125 in eight bytes", b"\x82\xFF\0\0\0\0\0\0\0\x7D".to_vec()),
        ("65535 in eight", b"\x82\xFF\0\0\0\0\0\0\xFF\xFF".to_vec()),
        ("continuation first", frame(0x80, b"a")),
        ("continuation, not last", frame(0x00, b"")),
        ("text in text", frame(0x01, b"a").repeat(2)),
        ("binary in text", [frame(0x01, b""), frame(0x02, b"")].concat()),
        ("close with one byte", frame(0x88, &[3])),
    ];
    let not_utf8 = [
        ("latin-1", frame(0x81, b"caf\xE9")),
        ("surrogate", frame(0x81, b"\xED\xA0\x80")),
        ("overlong slash", frame(0x81, b"\xC0\xAF")),
        ("above U+10FFFF", frame(0x81, b"\xF4\x90\x80\x80")),
        ("cut short", frame(0x81, b"\xE2\x82")),
        ("cut short over fragments", halves(b"\xE2", b"\x82")),
        ("surrogate over fragments", halves(b"\xED", b"\xA0\x80")),
        ("close reason", frame(0x88, b"\x03\xE8\xFF")),
    ];
    let oversized = [
        ("one byte too many", announce(0x81, too_large)),
        ("2^63 - 1 bytes", announce(0x82, u64::MAX >> 1)),
        ("first fragment", announce(0x02, too_large)),
    ];
    let classes = [(1002, &protocol[..]), (1007, &not_utf8), (1009, &oversized)];
    for (code, cases) in classes {
        for (name, stream) in cases {
            assert_eq!(parse(stream), [Err(code)], "{name}");
            let cut = feed(&mut Parser::new(LIMIT, false), stream.chunks(1));
            assert_eq!(cut, [Err(code)], "{name}, byte by byte");
        }
    }
}

#[test]
fn continuation_after_the_end_is_refused() {
    let stream = [halves(b"a", b"b"), frame(0x80, b"c")].concat();
    assert_eq!(parse(&stream), [seen(Opcode::Text, "ab"), Err(1002)]);
}

#[test]
fn close_codes_follow_the_registry() {
    let allowed = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    for edge in [1000, 1004, 1005, 1006, 1007, 1015, 1016, 3000, 5000] {
        for code in [edge - 1, edge, edge ^ 0x8000, edge & 0xFF] {
            let payload = [&u16::to_be_bytes(code), "caf\u{E9}".as_bytes()].concat();
            let stream = frame(0x88, &payload);
            let expected = seen(Opcode::Close, payload);
            let expected = expected.and_then(|close| allowed(code).then_some(close).ok_or(1002));
            assert_eq!(parse(&stream), [expected], "{code}");
        }
    }
    assert_eq!(parse(&frame(0x88, b"")), [seen(Opcode::Close, b"")]);
}

#[test]
fn nothing_is_read_after_close_or_violation() {
    for last in [frame(0x88, b""), frame(0x83, b"")] {
        let mut parser = Parser::new(LIMIT, false);
        let stream = [frame(0x01, b"open"), last, frame(0x80, b"late")].concat();
        assert_eq!(feed(&mut parser, [&stream[..]]).len(), 1);
        assert_eq!(feed(&mut parser, [&frame(0x81, b"later")[..]]), []);
        assert_eq!(parser.gathered.capacity(), 0);
    }
}

#[test]
fn limit_counts_the_whole_message() {
    for limit in [0, 1, 10, 125, 126, 70_000] {
        for (first, opcode) in [(0x81, Opcode::Text), (0x82, Opcode::Binary)] {
            let run = |stream: &[u8]| feed(&mut Parser::new(limit, false), [stream]);
            let fits = vec![b'x'; limit];
            let whole = [seen(opcode, &fits)];
            assert_eq!(run(&frame(first, &fits)), whole);
            assert_eq!(run(&announce(first, limit as u64 + 1)), [Err(1009)]);

            let (front, back) = fits.split_at(limit / 3);
            let start = [frame(first & 0x0F, front), frame(0x00, b"")].concat();
            let exact = [&start[..], &frame(0x80, back)].concat();
            assert_eq!(run(&exact), whole);
            let over = [start, announce(0x80, back.len() as u64 + 1)].concat();
            assert_eq!(run(&over), [Err(1009)]);
        }
    }
}

#[test]
fn limit_starts_anew_and_ignores_control_frames() {
    let ping = frame(0x89, b"long ping");
    let message = [frame(0x01, b"12"), ping, frame(0x80, b"34")].concat();
    let all = feed(&mut Parser::new(4, false), message.repeat(2).chunks(5));
    let each = [seen(Opcode::Ping, "long ping"), seen(Opcode::Text, "1234")];
    assert_eq!(all, [each.clone(), each].concat());
}

#[test]
fn too_large_tells_both_sizes() {
    let mut scratch = Vec::new();
    let stream = [frame(0x01, b"1234"), announce(0x80, 7)].concat();
    let outcome = Parser::new(10, false).next(&mut &stream[..], &mut scratch);
    let message = outcome.unwrap_err().to_string();
    assert_eq!(message, "websocket message of 11 bytes, limit is 10");
}

#[test]
fn announced_length_takes_little_memory() {
    let mut parser = Parser::new(usize::MAX, false);
    feed(&mut parser, [&announce(0x82, u64::MAX >> 1)[..]]);
    assert_eq!(parser.gathered.capacity(), 0);
    feed(&mut parser, [&b"a"[..]]);
    assert!(parser.gathered.capacity() <= 64 * 1024);
}

#[test]
fn empty_fragments_store_nothing() {
    let mut parser = Parser::new(LIMIT, false);
    let empty = frame(0x00, b"").repeat(10_000);
    feed(&mut parser, [&frame(0x01, b"")[..], &empty]);
    assert_eq!(parser.gathered.capacity(), 0);
    let all = feed(&mut parser, [&frame(0x80, b"")[..]]);
    assert_eq!(all, [seen(Opcode::Text, "")]);
    assert_idle(&parser);
}

#[test]
fn tiny_fragments_cost_few_reallocations() {
    let mut parser = Parser::new(LIMIT, false);
    let (mut capacity, mut changes) = (0, 0);
    feed(&mut parser, [&frame(0x02, b"a")[..]]);
    for _ in 1..LIMIT {
        // The split ping must not spoil the growth of the message behind which it is kept.
        let pair = [frame(0x89, b"ping"), frame(0x00, b"a")].concat();
        feed(&mut parser, [&pair[..8], &pair[8..]]);
        changes += usize::from(capacity != parser.gathered.capacity());
        capacity = parser.gathered.capacity();
    }
    assert!(changes < 30, "{changes}");
    let all = feed(&mut parser, [&frame(0x80, b"")[..]]);
    assert_eq!(all, [seen(Opcode::Binary, [b'a'; LIMIT])]);
    assert_idle(&parser);
}

/// A stream of every kind of frame but close, and what it means.
fn mixed_stream() -> (Vec<u8>, Vec<Seen>) {
    let long: Vec<u8> = (0..150).collect();
    let euro = "4\u{20AC}".as_bytes();
    let table: [(u8, &[u8], Option<Seen>); 19] = [
        (0x81, b"2probe", Some(seen(Opcode::Text, "2probe"))),
        (0x82, &long, Some(seen(Opcode::Binary, &long))),
        (0x81, b"", Some(seen(Opcode::Text, ""))),
        (0x82, b"", Some(seen(Opcode::Binary, ""))),
        (0x8A, b"ignored", Some(seen(Opcode::Pong, ""))),
        (0x89, b"", Some(seen(Opcode::Ping, ""))),
        (0x01, &euro[..2], None),
        (0x89, b"between", Some(seen(Opcode::Ping, "between"))),
        (0x00, b"", None),
        (0x8A, b"", Some(seen(Opcode::Pong, ""))),
        (0x00, &euro[2..], None),
        (0x89, b"again", Some(seen(Opcode::Ping, "again"))),
        (0x80, b" tail", Some(seen(Opcode::Text, "4\u{20AC} tail"))),
        (0x02, &long[..7], None),
        (0x80, &long[7..], Some(seen(Opcode::Binary, &long))),
        (0x02, b"", None),
        (0x80, b"late", Some(seen(Opcode::Binary, "late"))),
        (0x01, b"early", None),
        (0x80, b"", Some(seen(Opcode::Text, "early"))),
    ];
    let stream = table.iter().flat_map(|row| frame(row.0, row.1)).collect();
    (stream, table.into_iter().filter_map(|row| row.2).collect())
}

#[test]
fn any_cut_gives_the_same_messages() {
    let (mut stream, mut expected) = mixed_stream();
    stream.extend(frame(0x88, b"\x03\xE9going"));
    expected.push(seen(Opcode::Close, b"\x03\xE9going"));
    for at in 0..=stream.len() {
        let (front, back) = stream.split_at(at);
        let all = feed(&mut Parser::new(LIMIT, false), [front, &[], back]);
        assert_eq!(all, expected, "cut at {at}");
    }
    for size in 1..40 {
        let all = feed(&mut Parser::new(LIMIT, false), stream.chunks(size));
        assert_eq!(all, expected, "chunks of {size}");
    }
}

#[test]
fn text_may_be_cut_inside_a_character() {
    let text = "\u{7FF}\u{20AC}\u{1F600}";
    for at in 0..=text.len() {
        let (front, back) = text.as_bytes().split_at(at);
        assert_eq!(parse(&halves(front, back)), [seen(Opcode::Text, text)]);
    }
}

#[test]
fn caller_may_stop_between_messages() {
    let stream = [frame(0x81, b"one"), frame(0x82, b"two")].concat();
    let (mut parser, mut scratch) = (Parser::new(LIMIT, false), Vec::new());
    let mut input = &stream[..];
    let first = parser.next(&mut input, &mut scratch);
    assert_eq!(first, Ok(Some(Message::Text("one"))));
    assert_eq!(input, frame(0x82, b"two"));
    assert_eq!(feed(&mut parser, [input]), [seen(Opcode::Binary, "two")]);
}

#[test]
fn mask_turns_with_the_offset() {
    let payload: Vec<u8> = (0..100).collect();
    let stream = frame(0x82, &payload);
    for first in 0..9 {
        for second in 0..40 {
            let (a, rest) = stream.split_at(6 + first);
            let (b, c) = rest.split_at(second);
            let all = feed(&mut Parser::new(LIMIT, false), [a, b, c]);
            assert_eq!(all, [seen(Opcode::Binary, &payload)], "{first}, {second}");
        }
    }
}

#[test]
fn lengths_at_the_boundaries_work_both_ways() {
    for len in [0, 125, 126, 127, 65_535, 65_536] {
        let payload: Vec<u8> = (0..128).cycle().take(len).collect();
        for (first, opcode) in [(0x81, Opcode::Text), (0x82, Opcode::Binary)] {
            let stream = frame(first, &payload);
            assert_eq!(parse(&stream), [seen(opcode, &payload)], "{len}");
        }
    }
}

#[test]
fn server_frames_are_literal_bytes() {
    let mut out = BytesMut::new();
    put_control(&mut out, Opcode::Ping, b"");
    put_control(&mut out, Opcode::Pong, b"ab");
    put_close(&mut out, None);
    put_close(&mut out, Some(1009));
    assert_eq!(&out[..], b"\x89\0\x8A\x02ab\x88\0\x88\x02\x03\xF1");
}

#[test]
fn large_text_over_chunks_leaves_no_large_buffer() {
    let body = "\u{20AC}".repeat(SCRATCH_KEPT);
    let stream = frame(0x81, body.as_bytes());
    let (mut parser, mut scratch) = (Parser::new(body.len(), false), Vec::new());
    let (mut front, mut back) = stream.split_at(50_000);
    assert_eq!(parser.next(&mut front, &mut scratch), Ok(None));
    let whole = parser.next(&mut back, &mut scratch);
    assert_eq!(whole, Ok(Some(Message::Text(&body))));
    assert_idle(&parser);
    assert_eq!(parser.next(&mut back, &mut scratch), Ok(None));
    assert!(scratch.capacity() <= 2 * SCRATCH_KEPT);
}

/// A parser to which the front of a text of `len` bytes came, `taken` of them, with `kept` bytes of scratch.
fn begun(len: usize, taken: usize, kept: usize) -> (Parser, Vec<u8>, Vec<u8>) {
    let (mut parser, mut scratch) = (Parser::new(LIMIT, false), Vec::with_capacity(kept));
    let mut stream = frame(0x81, &vec![b'a'; len]);
    let back = stream.split_off(stream.len() - len + taken);
    assert_eq!(parser.next(&mut &stream[..], &mut scratch), Ok(None));
    (parser, scratch, back)
}

#[test]
fn the_buffer_of_all_is_not_taken_for_what_was_only_announced() {
    for taken in [1, 14_000] {
        let (parser, scratch, _) = begun(60_000, taken, 64_000);
        assert!(parser.gathered.capacity() <= UPFRONT);
        assert_eq!(scratch.capacity(), 64_000);
    }
}

#[test]
fn the_buffer_of_all_is_not_taken_where_it_is_too_small() {
    let (parser, scratch, _) = begun(60_000, 20_000, 50_000);
    assert!(parser.gathered.capacity() < 50_000);
    assert_eq!(scratch.capacity(), 50_000);
}

#[test]
fn a_large_text_over_chunks_is_gathered_in_the_buffer_of_all_and_gives_it_back() {
    let (mut parser, mut scratch, back) = begun(60_000, 20_000, 64_000);
    assert_eq!((parser.gathered.capacity(), scratch.capacity()), (64_000, 0));
    // Meanwhile others use another.
    let (mut other, small) = (Parser::new(LIMIT, false), frame(0x81, b"small"));
    assert_eq!(other.next(&mut &small[..], &mut scratch), Ok(Some(Message::Text("small"))));
    let text = "a".repeat(60_000);
    assert_eq!(parser.next(&mut &back[..], &mut scratch), Ok(Some(Message::Text(&text))));
    assert_eq!(scratch.capacity(), 64_000);
    assert_idle(&parser);
}

#[test]
fn connections_that_share_a_buffer_get_what_was_sent_to_each() {
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..150 {
        let mut scratch = Vec::new();
        let mut peers: Vec<_> = (0..3)
            .map(|_| {
                let (mut stream, mut expected) = (Vec::new(), Vec::new());
                for _ in 0..6 {
                    let len = [10, 200, 5_000, 60_000][random(4)];
                    let body: Vec<u8> = (0..random(len)).map(|_| b"abcdefgh"[random(8)]).collect();
                    let opcode = [Opcode::Text, Opcode::Binary][random(2)];
                    let mut first = if opcode == Opcode::Text { TEXT } else { BINARY };
                    let mut rest = &body[..];
                    while random(3) == 0 {
                        let (front, back) = rest.split_at(random(rest.len() + 1));
                        stream.extend(frame(first, front));
                        (first, rest) = (CONTINUATION, back);
                        if random(2) == 0 {
                            stream.extend(frame(FIN | 0x9, b"ping"));
                            expected.push(seen(Opcode::Ping, "ping"));
                        }
                    }
                    stream.extend(frame(FIN | first, rest));
                    expected.push(seen(opcode, body));
                }
                (Parser::new(LIMIT, false), stream, expected, Vec::new())
            })
            .collect();
        while peers.iter().any(|(_, stream, ..)| !stream.is_empty()) {
            let (parser, stream, _, all) = &mut peers[random(3)];
            let most = [20, 3_000, 70_000][random(3)];
            let cut = random(most).min(stream.len());
            let back = stream.split_off(cut);
            feed_with(parser, &mut scratch, [&stream[..]], all);
            *stream = back;
        }
        for (parser, _, expected, all) in &peers {
            assert_eq!(all, expected);
            assert_idle(parser);
        }
    }
}

#[test]
fn idle_parser_is_small() {
    assert!(size_of::<Parser>() <= 96, "{}", size_of::<Parser>());
    let mut parser = Parser::new(LIMIT, false);
    feed(&mut parser, mixed_stream().0.chunks(3));
    assert_idle(&parser);
}

#[test]
fn random_bytes_neither_panic_nor_pass_the_bound() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    for _ in 0..20_000 {
        let mut stream = Vec::new();
        for _ in 0..random() % 8 {
            let firsts = [0x01, 0x02, 0x00, 0x00, 0x80, 0x81, 0x82, 0x89, 0x8A, 0x88];
            let payload: Vec<u8> = (0..random() % 200).map(|_| random() % 128).collect();
            stream.extend(frame(firsts[usize::from(random() % 10)], &payload));
        }
        // One wrong byte reaches states that pure noise, refused at once, never does.
        if !stream.is_empty() && random() % 2 == 0 {
            let at = usize::from(random()) % stream.len();
            stream[at] = random();
        }
        stream.extend((0..random() % 20).map(|_| random()));
        let limit = [0, 100, 300, LIMIT][usize::from(random() % 4)];
        let whole = feed(&mut Parser::new(limit, false), [&stream[..]]);
        let size = 1 + usize::from(random() % 30);
        let cut = feed(&mut Parser::new(limit, false), stream.chunks(size));
        assert_eq!(whole, cut, "{stream:?}");
    }
}

/// `LIMIT` bytes of text, compressed without its tail.
fn compressed(len: usize) -> Vec<u8> {
    let mut deflate = flate2::Compress::new(flate2::Compression::new(6), false);
    let mut out = Vec::with_capacity(len + 100);
    deflate.compress_vec(&vec![b'a'; len], &mut out, flate2::FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

fn parse_deflate(stream: &[u8]) -> Vec<Seen> {
    let whole = feed(&mut Parser::new(LIMIT, true), [stream]);
    let cut = feed(&mut Parser::new(LIMIT, true), stream.chunks(1));
    assert_eq!(whole, cut);
    whole
}

#[test]
fn broken_compressed_messages_are_refused() {
    let message = compressed(100);
    let (front, back) = message.split_at(2);
    for (name, stream) in [
        ("continuation", [frame(0x41, front), frame(0xC0, back)].concat()),
        ("ping", frame(0xC9, b"")),
        ("close", frame(0xC8, b"")),
        ("rsv2", frame(0xA1, &message)),
    ] {
        assert_eq!(parse_deflate(&stream), [Err(1002)], "{name}");
    }
    assert_eq!(parse_deflate(&frame(0xC1, b"\xff\xff")), [Err(1007)]);
    let bomb = compressed(LIMIT + 1);
    assert!(bomb.len() < LIMIT);
    assert_eq!(parse_deflate(&frame(0xC2, &bomb)), [Err(1009)]);
    let not_utf8 = b"\x00\x02\x00\xfd\xff\xe2\x82\x00";
    assert_eq!(parse_deflate(&frame(0xC1, not_utf8)), [Err(1007)]);
}

#[test]
fn compressed_messages_are_inflated_alone_and_in_fragments() {
    let message = compressed(LIMIT);
    let text = vec![b'a'; LIMIT];
    assert_eq!(parse_deflate(&frame(0xC1, &message)), [seen(Opcode::Text, &text)]);
    assert_eq!(parse_deflate(&frame(0xC2, &message)), [seen(Opcode::Binary, &text)]);
    assert_eq!(parse_deflate(&frame(0xC1, b"")), [seen(Opcode::Text, "")]);
    let (front, back) = message.split_at(3);
    let stream = [frame(0x41, front), frame(0x89, b"p"), frame(0x80, back), frame(0x81, b"plain")];
    assert_eq!(
        parse_deflate(&stream.concat()),
        [seen(Opcode::Ping, "p"), seen(Opcode::Text, &text), seen(Opcode::Text, "plain")]
    );
}

#[test]
fn a_small_inflated_message_takes_little_memory() {
    let stream = frame(0xC2, &compressed(10));
    let (mut parser, mut scratch) = (Parser::new(LIMIT, true), Vec::new());
    let Ok(Some(Message::Binary(bytes))) = parser.next(&mut &stream[..], &mut scratch) else {
        panic!("no message");
    };
    let capacity = bytes.try_into_mut().unwrap().capacity();
    assert!(capacity < 1_000, "{capacity}");
}
