//! Those who do not play by the rules, while the others go on.

use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const HANDSHAKE: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c29ha2luZyBpbiB3YXRlcg==\r\n\r\n";
const POLL: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /socket.io/?EIO=4&transport=polling&sid=nobody HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n42[\"echo\",1]";

/// A client's frame; the mask of zeros changes nothing.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match u16::try_from(payload.len()) {
        Ok(short @ ..126) => frame.push(0x80 | u8::try_from(short).unwrap_or(0)),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Until `end`, one broken connection after the other.
pub(crate) async fn vandal(address: SocketAddr, seed: u64, end: Instant) {
    let mut rng = Rng::with_seed(seed);
    while Instant::now() < end {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            // Whatever comes of it.
            let _broken = timeout(Duration::from_secs(5), harm(&mut stream, &mut rng)).await;
        }
        sleep(Duration::from_millis(rng.u64(20..200))).await;
    }
}

async fn harm(stream: &mut TcpStream, rng: &mut Rng) -> std::io::Result<()> {
    let mut noise = vec![0; rng.usize(1..4000)];
    rng.fill(&mut noise);
    match rng.u8(..6) {
        0 => stream.write_all(&noise).await?,
        1 => {
            let request = *rng.choice([HANDSHAKE, POLL, POST].iter()).unwrap_or(&POLL);
            let mut request = request.as_bytes().to_vec();
            for _ in 0..rng.usize(1..5) {
                let place = rng.usize(..request.len());
                if let Some(byte) = request.get_mut(place) {
                    *byte = rng.u8(..);
                }
            }
            stream.write_all(&request).await?;
        }
        2 => {
            stream.write_all(HANDSHAKE.as_bytes()).await?;
            stream.write_all(&noise).await?;
        }
        3 => {
            stream.write_all(HANDSHAKE.as_bytes()).await?;
            let head = rng.u8(..);
            stream.write_all(&frame(head, &noise)).await?;
        }
        4 => {
            stream.write_all(HANDSHAKE.as_bytes()).await?;
            stream.write_all(&frame(0x81, b"40")).await?;
            let texts: [&[u8]; 6] = [
                b"451-[\"a\",{\"_placeholder\":true,\"num\":7}]",
                b"42[",
                b"4",
                b"9",
                b"41",
                b"4399[]",
            ];
            let text = *rng.choice(texts.iter()).unwrap_or(&texts[0]);
            stream.write_all(&frame(0x81, text)).await?;
        }
        _ => return stream.write_all(POLL.as_bytes()).await,
    }
    let mut answer = [0; 4096];
    let _read = stream.read(&mut answer).await?;
    Ok(())
}

/// Until `end`, one connection after the other that asks for much and reads nothing.
pub(crate) async fn sleeper(address: SocketAddr, seed: u64, end: Instant) {
    let mut rng = Rng::with_seed(seed);
    let request = [b"421[\"echo\",\"".as_slice(), &vec![b'z'; 60_000], b"\"]"].concat();
    while Instant::now() < end {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let ask = async {
            stream.write_all(HANDSHAKE.as_bytes()).await?;
            stream.write_all(&frame(0x81, b"40")).await?;
            for room in 0..10 {
                stream.write_all(&frame(0x81, format!("42[\"join\",{room}]").as_bytes())).await?;
            }
            for _ in 0..200 {
                stream.write_all(&frame(0x81, &request)).await?;
            }
            std::io::Result::Ok(())
        };
        // The server stops reading after a while.
        let _stopped = timeout(Duration::from_secs(2), ask).await;
        sleep(Duration::from_secs(rng.u64(5..15))).await;
    }
}
