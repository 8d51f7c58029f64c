use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A line to a Redis that can be cut or go dead, and that writes down the commands.
pub(crate) struct Line {
    pub(crate) port: u16,
    commands: Arc<Mutex<Vec<Vec<String>>>>,
    /// How it is, and how often it was cut.
    state: watch::Sender<(State, u32)>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    /// Commands go through, answers wait.
    Held,
    /// Bytes go nowhere, in both directions, and nobody is told.
    Dead,
    /// Connections are ended, and new ones too.
    Cut,
}

impl Line {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let commands = Arc::new(Mutex::new(Vec::new()));
        let state = watch::Sender::new((State::Up, 0));
        let (log, states) = (Arc::clone(&commands), state.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if states.borrow().0 == State::Cut {
                    continue;
                }
                let (log, state) = (Arc::clone(&log), states.subscribe());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        forward(client, server, log, state).await;
                    }
                });
            }
        });
        Self { port: own, commands, state, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| *state = (State::Cut, state.1 + 1));
    }

    pub(crate) fn go_dead(&self) {
        self.state.send_modify(|state| state.0 = State::Dead);
    }

    /// Keeps back what Redis says, or lets it go on.
    pub(crate) fn hold_answers(&self, hold: bool) {
        let held = if hold { State::Held } else { State::Up };
        self.state.send_modify(|state| state.0 = held);
    }

    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| state.0 = State::Up);
    }

    /// The commands so far; the handshake is left out, and so are signs of life.
    pub(crate) fn take_commands(&self) -> Vec<Vec<String>> {
        let mut commands = std::mem::take(&mut *self.commands.lock().unwrap());
        commands.retain(|command| !matches!(&*command[0], "HELLO" | "CLIENT" | "PING" | "UNWATCH"));
        commands
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    log: Arc<Mutex<Vec<Vec<String>>>>,
    mut state: watch::Receiver<(State, u32)>,
) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    let mut parser = Vec::new();
    let cuts = state.borrow().1;
    loop {
        let (now, cuts_now) = *state.borrow();
        if cuts != cuts_now {
            return;
        }
        let (hears, answers) = (matches!(now, State::Up | State::Held), now == State::Up);
        tokio::select! {
            biased;
            changed = state.changed() => if changed.is_err() { return },
            read = client.read(&mut up), if hears => {
                let Ok(count @ 1..) = read else { return };
                parser.extend_from_slice(&up[..count]);
                while let Some(command) = command(&mut parser) {
                    log.lock().unwrap().push(command);
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut down), if answers => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Takes one command from the front; bytes that are no text are shown as hexadecimal digits.
fn command(bytes: &mut Vec<u8>) -> Option<Vec<String>> {
    let mut at = 0;
    let count = number(bytes, &mut at, b'*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let len = number(bytes, &mut at, b'$')?;
        let word = bytes.get(at..at + len)?;
        at += len + 2;
        words.push(match std::str::from_utf8(word) {
            Ok(text) => text.to_owned(),
            Err(_) => word.iter().map(|byte| format!("{byte:02x}")).collect(),
        });
    }
    if bytes.len() < at {
        return None;
    }
    bytes.drain(..at);
    Some(words)
}

fn number(bytes: &[u8], at: &mut usize, mark: u8) -> Option<usize> {
    let rest = bytes.get(*at..)?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    assert_eq!(rest[0], mark, "not a command");
    *at += end + 2;
    Some(std::str::from_utf8(&rest[1..end]).unwrap().parse().unwrap())
}
