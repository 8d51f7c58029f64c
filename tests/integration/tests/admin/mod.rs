//! What tests of the Admin UI share: a page that writes and reads literal frames.

#![allow(dead_code, reason = "each test uses its part")]

use integration::{Server, Ws};
use serde_json::Value as Json;

/// Of `changeit`, at the lowest cost there is.
pub(crate) const HASH: &str = "$2b$04$abcdefghijklmnopqrstuudwGrhhx5JklpO9.j/ckWDCf3exvs1/2";
pub(crate) const LOGIN: &str = r#"40/admin,{"username":"admin","password":"changeit"}"#;
pub(crate) const INVALID: &str = r#"44/admin,{"message":"invalid credentials"}"#;

/// The page, as far as the server sees it.
pub(crate) struct Page {
    ws: Ws,
    pub(crate) id: String,
}

/// Times are all alike.
pub(crate) fn timeless(frame: &str) -> String {
    let is_time =
        |text: &str| text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    let parts = frame.split('"').map(|part| if is_time(part) { "T" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

impl Page {
    /// Connects to `/admin` without credentials.
    #[track_caller]
    pub(crate) fn open(server: &Server) -> Self {
        let mut ws = Ws::open(server);
        ws.text("40/admin,");
        Self::connected(ws)
    }

    /// Whose CONNECT is on its way.
    #[track_caller]
    pub(crate) fn connected(ws: Ws) -> Self {
        let mut page = Self { ws, id: String::new() };
        let answer = page.next();
        let id =
            answer.strip_prefix(r#"40/admin,{"sid":""#).and_then(|rest| rest.split('"').next());
        page.id = id.unwrap_or_else(|| panic!("no answer to CONNECT: {answer}")).to_owned();
        page
    }

    /// The next frame that is no ping.
    #[track_caller]
    fn frame(&mut self) -> String {
        loop {
            match self.ws.next_text() {
                ping if ping == "2" => self.ws.text("3"),
                frame => return frame,
            }
        }
    }

    /// The next frame that has no numbers, without its times.
    #[track_caller]
    pub(crate) fn next(&mut self) -> String {
        loop {
            let frame = self.frame();
            if !frame.starts_with(r#"42/admin,["server_stats""#) {
                return timeless(&frame);
            }
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, frame: &str) {
        assert_eq!(self.next(), frame);
    }

    /// Reads on until this frame.
    #[track_caller]
    pub(crate) fn until(&mut self, frame: &str) {
        while self.next() != frame {}
    }

    /// The arguments of the next event, which has this name.
    #[track_caller]
    pub(crate) fn event(&mut self, name: &str) -> Vec<Json> {
        let frame = self.next();
        let json = frame.strip_prefix("42/admin,").unwrap_or_else(|| panic!("no event: {frame}"));
        let mut event: Vec<Json> = serde_json::from_str(json).unwrap();
        assert_eq!(event.remove(0), name, "{frame}");
        event
    }

    /// The next numbers, whatever comes before.
    #[track_caller]
    pub(crate) fn stats(&mut self) -> Json {
        loop {
            let frame = self.frame();
            if let Some(json) = frame.strip_prefix(r#"42/admin,["server_stats","#) {
                return serde_json::from_str(json.strip_suffix(']').unwrap()).unwrap();
            }
        }
    }

    pub(crate) const fn ws(&mut self) -> &mut Ws {
        &mut self.ws
    }

    /// Sends a command.
    #[track_caller]
    pub(crate) fn command(&mut self, json: &str) {
        self.ws.text(&format!("42/admin,{json}"));
    }
}
