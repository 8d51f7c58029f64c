//! Controllers and clients that come back (connection state recovery).

use std::time::Duration;

use actix_web::web;
use controllers_tests::{Back, Journal, OnDrop, TestResult, ack, end, fence};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder, Recovery};
use sio_client::Reconnection;

struct Seat {
    heard: usize,
    _dropped: OnDrop,
}

#[ws_controller("/", scope = connection)]
impl Seat {
    #[connect_guard]
    fn admitted(socket: Socket, journal: web::Data<Journal>) {
        journal.note(format!("guard {}", socket.is_recovered()));
    }

    #[create]
    fn create(journal: web::Data<Journal>) -> Self {
        journal.note("create");
        Self { heard: 0, _dropped: journal.on_drop("dropped") }
    }

    #[on_connection]
    fn joined(&mut self, socket: Socket, journal: web::Data<Journal>) {
        journal.note(format!("joined {}", socket.is_recovered()));
        if !socket.is_recovered() {
            socket.join("seats");
        }
    }

    #[on_message("hear")]
    fn hear(&mut self) -> usize {
        self.heard += 1;
        self.heard
    }

    #[on_message("rooms")]
    fn rooms(&self, socket: Socket) -> usize {
        socket.rooms().len()
    }

    #[on_message("cut me")]
    fn cut(&self, socket: Socket) {
        socket.close_session();
    }
}

fn io(journal: &Journal, skip_guards: bool) -> IoBuilder {
    let mut recovery = Recovery::default();
    recovery.skip_guards = skip_guards;
    Io::builder().data(journal.data()).connection_state_recovery(recovery).mount_scoped::<Seat>()
}

#[actix_web::test]
async fn the_controller_of_a_connection_is_made_again_and_the_socket_is_the_same() -> TestResult {
    for (back, skips) in Back::ALL.into_iter().flat_map(|back| [(back, true), (back, false)]) {
        let journal = Journal::default();
        let srv = back.start(io(&journal, skips)).await;
        let soon = Reconnection::within(Duration::from_millis(5), Duration::from_millis(20));
        let client = srv.client().reconnection(soon).connect().await?;
        let id = client.id();
        assert_eq!(ack(&client, "hear", ()).await?, json!([1]));
        srv.io().to("seats").emit("news", 1)?;
        assert_eq!(client.next::<usize>("news").await?, 1);
        assert!(!client.socket().is_recovered());

        for turn in 2..4 {
            client.emit("cut me", ()).await?;
            // Wherever the client is when these are said, it gets them once.
            for n in 0..20 {
                srv.io().to("seats").emit("news", turn * 100 + n)?;
                tokio::task::yield_now().await;
            }
            for n in 0..20 {
                assert_eq!(client.next::<usize>("news").await?, turn * 100 + n);
            }
            let again = |lines: &[String]| {
                lines.iter().filter(|line| *line == "joined true").count() == turn - 1
            };
            journal.until("the client comes back", again).await;
            client.connected().await?;
            assert!(client.socket().is_recovered());
            assert_eq!(client.id(), id);
            // Made anew, where values that are stored on the socket stay.
            assert_eq!(ack(&client, "hear", ()).await?, json!([1]));
            assert_eq!(ack(&client, "rooms", ()).await?, json!([2]));
            journal
                .until("the old one goes", |l| {
                    l.iter().filter(|l| *l == "dropped").count() == turn - 1
                })
                .await;
            assert_eq!(journal.count("create"), turn);
            assert_eq!(journal.count("guard true"), if skips { 0 } else { turn - 1 });
            assert_eq!(journal.count("joined true"), turn - 1);
        }
        fence(&client).await?;
        end(srv, client).await;
    }
    Ok(())
}

/// What is kept for clients that may come back is no leak: `end` finds the server empty.
#[actix_web::test]
async fn what_is_kept_for_clients_does_not_count_as_left_behind() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal, true)).await;
        let client = srv.client().reconnect(false).connect().await?;
        client.emit("cut me", ()).await?;
        client.disconnected().await?;
        srv.io().emit("news", 1)?;
        end(srv, client).await;
        assert_eq!(journal.count("dropped"), 1);
    }
    Ok(())
}
