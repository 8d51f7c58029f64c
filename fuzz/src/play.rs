//! A server without I/O and its clients, driven by the fuzzer's choices.
//!
//! What is promised is checked on the way: numbered events arrive once and in order in both directions, also across
//! an upgrade, each socket that connected disconnects once, and nothing of a client that is gone remains.

mod client;
mod server;

use std::time::Duration;

use crate::Choices;
use client::Client;
use server::Server;

/// Clients at one time.
const CLIENTS: usize = 4;

/// The event that carries a client's numbers.
const NUMBERED: &str = "numbered by its client";

/// What clients say that speak the protocol, more or less.
const PACKETS: &[&str] = &[
    "40",
    "40/n,",
    "41",
    "41/n,",
    "42[\"echo\",1]",
    "421[\"echo\",{\"a\":[1,2]}]",
    "42[\"later\"]",
    "427[\"later\"]",
    "42[\"ordered\"]",
    "42/n,3[\"echo\"]",
    "42[\"join\",\"r\"]",
    "42[\"room\",\"r\"]",
    "42[\"leave\",\"r\"]",
    "42[\"end\"]",
    "42[\"close\"]",
    "42[\"ask\"]",
    "431[]",
    "432[1]",
    "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]",
    "452-2[\"echo\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]",
    "2",
    "3",
    "2probe",
    "5",
    "6",
    "1",
    "0",
    "bAQI=",
    "b4AQI=",
    "4",
    "44",
    "47",
    "42[\"panic\"]",
];

const STEPS: &[Duration] = &[
    Duration::from_millis(1),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(25),
    Duration::from_secs(45),
];

/// A text of a client: one that makes sense, a numbered one, or anything.
fn text(choices: &mut Choices<'_>, client: &mut Client) -> String {
    match choices.below(4) {
        // Only the client itself knows what its next number is.
        0 => String::from_utf8_lossy(choices.chunk()).replace(NUMBERED, ""),
        1 => client.numbered(),
        _ => PACKETS[choices.below(PACKETS.len())].to_owned(),
    }
}

/// Plays what the bytes say, to its end.
///
/// # Panics
///
/// A promise was broken.
pub fn play(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let server = Server::start();
    let mut clients: Vec<Client> = Vec::new();
    let mut opened = 0;
    while !choices.is_empty() {
        let choice = choices.byte();
        let index = usize::from(choice >> 5) % CLIENTS;
        if clients.len() <= index {
            clients.push(Client::open(&server, opened, choices.byte()));
            opened += 1;
            continue;
        }
        let client = &mut clients[index];
        match choice & 0x1f {
            0..=4 => client.poll(),
            5..=9 => {
                let packets: Vec<String> =
                    (0..=choices.below(4)).map(|_| text(&mut choices, client)).collect();
                client.push(&packets);
            }
            10..=14 => {
                let text = text(&mut choices, client);
                client.frame(client::Input::Text(text));
            }
            15 => client.frame(client::Input::Binary(choices.chunk().to_vec())),
            16 => client.probe(),
            17 => client.frame(client::Input::Text("2probe".to_owned())),
            18 => client.frame(client::Input::Text("5".to_owned())),
            19 => client.close_websocket(),
            20 => client.lose_poll(choices.byte() & 1 == 1),
            21 => server.advance(STEPS[choices.below(STEPS.len())]),
            22 | 23 => server.emit_to_all(),
            24 | 25 => server.emit_to_one(usize::from(choices.byte())),
            26 => server.emit_much(usize::from(choices.byte()), usize::from(choices.byte())),
            27 => server.disconnect(usize::from(choices.byte()), choices.byte() & 1 == 1),
            28 => drop(server.open_gates()),
            29 => server.ask(usize::from(choices.byte())),
            30 => client.turn(),
            _ => {
                clients.swap_remove(index).go();
            }
        }
        server.run();
        server.check();
    }
    server.open_gates();
    server.run();
    for client in &mut clients {
        client.expect_everything();
    }
    server.check();
    for client in clients {
        client.go();
    }
    server.finish();
}
