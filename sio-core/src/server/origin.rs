//! Where a socket comes from, as the Admin UI of Node.js servers tells it between nodes.
//!
//! They keep it in the socket's data, under a key of its own. Here it is added to what other nodes are told and
//! taken out of what they tell, so that applications do not meet it.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::sid::Sid;

use super::hub::Hub;
use super::socket::Socket;

/// The key in a socket's data.
const KEY: &str = "_admin";
/// Characters of the session id that name a client: the whole is a secret.
const CLIENT_ID_LEN: usize = 12;
/// Session ids of so many characters are still a secret then.
const SECRET_LEN: usize = 20;

/// The client that a socket belongs to, and its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client_id: Box<str>,
    pub(crate) transport: Cow<'static, str>,
}

impl Origin {
    pub(crate) fn of(socket: &Socket) -> Self {
        let session = socket.session();
        let transport = session.transport().as_str().into();
        Self { client_id: client_id(socket.hub(), session.sid()), transport }
    }

    /// Adds it to data for other nodes; data that is no object has no room for it.
    pub(crate) fn write_into(&self, data: &mut Value) {
        if let Some(data) = data.as_object_mut() {
            let origin = json!({ "clientId": self.client_id, "transport": self.transport });
            data.insert(KEY.to_owned(), origin);
        }
    }

    /// Takes it out of the data that another node told. What looks otherwise is the application's.
    pub(crate) fn take_from(data: &mut Value) -> Option<Self> {
        let data = data.as_object_mut()?;
        let origin = data.get(KEY)?.as_object()?;
        let text = |key| origin.get(key).and_then(Value::as_str);
        let (client_id, transport) = (text("clientId")?.into(), text("transport")?.to_owned());
        if origin.len() != 2 {
            return None;
        }
        data.remove(KEY);
        Some(Self { client_id, transport: transport.into() })
    }
}

/// A name for whoever has this session. Short ids, which the application makes, are not shown in part.
pub(crate) fn client_id(hub: &Hub, session: &Sid) -> Box<str> {
    let id = session.as_str();
    let alias = if id.len() < SECRET_LEN { hub.alias(id) } else { id.to_owned() };
    alias.chars().take(CLIENT_ID_LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_application_keeps_under_the_key_is_left_alone() {
        for mut data in [
            json!({ "_admin": true }),
            json!({ "_admin": { "clientId": 1, "transport": "polling" } }),
            json!({ "_admin": { "clientId": "a", "transport": "polling", "more": 1 } }),
            json!(["_admin"]),
            json!(null),
        ] {
            let before = data.clone();
            assert_eq!(Origin::take_from(&mut data), None);
            assert_eq!(data, before);
        }
    }

    #[test]
    fn what_was_added_is_taken_out_again() {
        let origin = Origin { client_id: "ViHMcQXV2tFW".into(), transport: "polling".into() };
        let mut data = json!({ "user": "bob" });
        origin.write_into(&mut data);
        let told = json!({ "_admin": { "clientId": "ViHMcQXV2tFW", "transport": "polling" }, "user": "bob" });
        assert_eq!(data, told);
        assert_eq!(Origin::take_from(&mut data), Some(origin));
        assert_eq!(data, json!({ "user": "bob" }));
    }
}
