//! A session that moves takes its decoder along, with what that has not finished.

use sio_core::packet::{DecodeError, EncodeError, PacketType};
use sio_core::parser::{Decoder, DecoderLimits, Incoming, Message, Outgoing, Parser};

use crate::threads::Thread;
use crate::world::{A, B, World, config};

/// The default encoding, but that an event comes as its name and its argument, in two messages.
struct Halves;

struct HalfDecoder(Option<String>);

impl Parser for Halves {
    fn encode(&self, packet: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError> {
        let (kind, payload) = (char::from(packet.kind().digit()), packet.payload());
        Ok(vec![Message::Text(format!("{kind}{payload}"))])
    }

    fn decoder(&self, _: &DecoderLimits) -> Box<dyn Decoder> {
        Box::new(HalfDecoder(None))
    }
}

impl Decoder for HalfDecoder {
    fn decode(&mut self, message: Message) -> Result<Option<Incoming>, DecodeError> {
        let Message::Text(text) = message else { return Err(DecodeError::Malformed) };
        if text == "0" {
            return Ok(Some(Incoming::new(PacketType::Connect, "/".to_owned())));
        }
        let Some(name) = self.0.take() else {
            self.0 = Some(text);
            return Ok(None);
        };
        let mut event = Incoming::new(PacketType::Event, "/".to_owned());
        event.payload = Some(format!("[\"{name}\",\"{text}\"]"));
        Ok(Some(event))
    }
}

#[test]
fn half_a_packet_moves_with_its_session() {
    let threads = vec![Thread::spawn(), Thread::spawn(), Thread::spawn()];
    let mut world = World::with(|shared| config(shared).parser(Halves), threads);
    world.start_push(A, "4up");
    world.settle();
    assert_eq!(world.take_push_answer(), Some("ok"));
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    world.upgrade(B);
    world.turn(Some("4hello".to_owned()));
    assert_eq!(world.collect(), ["hello"]);
    assert_eq!(world.shared.take_notes(), ["hello"]);
}
