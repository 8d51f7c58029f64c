//! The cheat sheet, line by line: who hears it, and who does not.
//!
//! A line that a returned value can say as well is tried in both forms.

#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

/// Ada sends; Bob and Cleo are there as well.
struct Cast {
    srv: TestServer,
    ada: TestClient,
    bob: TestClient,
    cleo: TestClient,
}

impl Cast {
    async fn meet() -> Result<Self, ClientError> {
        let srv = TestServer::memory(midway::io()).await;
        let ada = TestClient::connect(&srv, "/").await?;
        let bob = TestClient::connect(&srv, "/").await?;
        let cleo = TestClient::connect(&srv, "/").await?;
        Ok(Self { srv, ada, bob, cleo })
    }

    /// Ada sends `line`; Ada, Bob and Cleo hear `event` that many times, and nothing else.
    async fn hear(
        &self,
        line: &str,
        event: &str,
        args: Value,
        times: [usize; 3],
    ) -> Result<(), ClientError> {
        self.ada.emit(line, ()).await?;
        for (client, times) in [&self.ada, &self.bob, &self.cleo].into_iter().zip(times) {
            let expected = vec![(event.to_owned(), args.clone()); times];
            assert_eq!(heard(client).await?, expected, "{line}");
        }
        Ok(())
    }
}

/// Everything a client was told since it was welcomed.
async fn heard(client: &TestClient) -> Result<Vec<(String, Value)>, ClientError> {
    // What was sent before has arrived when the answer is here, so no time has to pass.
    client.emit_with_ack::<()>("leave", "nowhere").await?;
    let received = client.received().into_iter().filter(|event| event.event != "welcome");
    let read = |args| serde_json::to_value(args).unwrap();
    Ok(received.map(|event| (event.event, read(event.args))).collect())
}

async fn join(rooms: &[&str], clients: &[&TestClient]) -> Result<(), ClientError> {
    for client in clients {
        for room in rooms {
            client.emit_with_ack::<()>("join", room).await?;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn a_message_reaches_the_client_alone() -> Result<(), ClientError> {
    for line in ["toClient", "returnToClient"] {
        let cast = Cast::meet().await?;
        let args = json!(["can you hear me?", 1, 2, "abc"]);
        cast.hear(line, "hello", args, [1, 0, 0]).await?;
    }
    Ok(())
}

#[actix_web::test]
async fn a_broadcast_reaches_all_but_the_sender() -> Result<(), ClientError> {
    for line in ["toOthers", "returnToOthers"] {
        let cast = Cast::meet().await?;
        cast.hear(line, "broadcast", json!(["hello friends!"]), [0, 1, 1]).await?;
    }
    Ok(())
}

#[actix_web::test]
async fn a_room_hears_all_but_its_sender() -> Result<(), ClientError> {
    for line in ["toRoom", "returnToRoom"] {
        let cast = Cast::meet().await?;
        join(&["game"], &[&cast.ada, &cast.bob]).await?;
        cast.hear(line, "nice game", json!(["let's play a game"]), [0, 1, 0]).await?;
    }
    Ok(())
}

#[actix_web::test]
async fn who_left_a_room_does_not_hear_it() -> Result<(), ClientError> {
    let cast = Cast::meet().await?;
    join(&["game"], &[&cast.bob, &cast.cleo]).await?;
    cast.bob.emit_with_ack::<()>("leave", "game").await?;
    cast.hear("toRoom", "nice game", json!(["let's play a game"]), [0, 0, 1]).await
}

#[actix_web::test]
async fn a_member_of_both_rooms_hears_it_once() -> Result<(), ClientError> {
    for line in ["toTwoRooms", "returnToTwoRooms"] {
        let cast = Cast::meet().await?;
        join(&["game1", "game2"], &[&cast.ada, &cast.bob]).await?;
        join(&["game2"], &[&cast.cleo]).await?;
        cast.hear(line, "nice game", json!(["let's play a game (too)"]), [0, 1, 1]).await?;
    }
    Ok(())
}

#[actix_web::test]
async fn the_whole_room_includes_the_sender() -> Result<(), ClientError> {
    for line in ["toWholeRoom", "returnToWholeRoom"] {
        let cast = Cast::meet().await?;
        join(&["game"], &[&cast.ada, &cast.bob]).await?;
        let args = json!(["the game will start soon"]);
        cast.hear(line, "big-announcement", args, [1, 1, 0]).await?;
    }
    Ok(())
}

#[actix_web::test]
async fn another_namespace_hears_it_and_the_own_does_not() -> Result<(), ClientError> {
    let cast = Cast::meet().await?;
    let dora = TestClient::connect(&cast.srv, "/myNamespace").await?;
    // Over the connection that Ada has already.
    let ada_there = cast.ada.join("/myNamespace").await?;
    cast.hear("toNamespace", "", json!([]), [0, 0, 0]).await?;
    for client in [&dora, &ada_there] {
        assert_eq!(heard(client).await?, [tournament()]);
    }
    Ok(())
}

#[actix_web::test]
async fn the_own_namespace_includes_the_sender() -> Result<(), ClientError> {
    for line in ["toNamespace", "returnToNamespace"] {
        let cast = Cast::meet().await?;
        let dora = TestClient::connect(&cast.srv, "/myNamespace").await?;
        let emil = TestClient::connect(&cast.srv, "/myNamespace").await?;
        dora.emit(line, ()).await?;
        for client in [&dora, &emil] {
            assert_eq!(heard(client).await?, [tournament()], "{line}");
        }
        assert_eq!(heard(&cast.ada).await?, []);
    }
    Ok(())
}

fn tournament() -> (String, Value) {
    ("bigger-announcement".to_owned(), json!(["the tournament will start soon"]))
}

#[actix_web::test]
async fn a_room_of_another_namespace_hears_it_alone() -> Result<(), ClientError> {
    let cast = Cast::meet().await?;
    let dora = TestClient::connect(&cast.srv, "/myNamespace").await?;
    let emil = TestClient::connect(&cast.srv, "/myNamespace").await?;
    // A room of the same name in `/` is another room.
    join(&["room"], &[&cast.bob, &dora]).await?;
    cast.hear("toRoomOfNamespace", "", json!([]), [0, 0, 0]).await?;
    assert_eq!(heard(&dora).await?, [("event".to_owned(), json!(["message"]))]);
    assert_eq!(heard(&emil).await?, []);
    Ok(())
}

#[actix_web::test]
async fn this_node_is_everybody_where_there_is_one() -> Result<(), ClientError> {
    for line in ["toNode", "returnToNode"] {
        let cast = Cast::meet().await?;
        cast.hear(line, "hi", json!(["my lovely babies"]), [1, 1, 1]).await?;
    }
    Ok(())
}
