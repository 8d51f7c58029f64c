//! The dialect of Socket.IO 2 clients, which come with revision 3 of the engine.
//!
//! They are in `/` without asking, send what belongs to a CONNECT as a query behind the namespace, and
//! know no payload of CONNECT.

use std::rc::Rc;

use indexmap::IndexMap;
use serde::Serializer as _;

use crate::engine::Revision;
use crate::engine::handshake::query_pairs;
use crate::sid::Sid;

use super::connection::Connection;
use super::hub::SessionHandle;
use super::worker::Worker;

/// Query keys of a CONNECT that become its payload; clients write a handful.
const MAX_KEYS: usize = 1_000;

impl Worker {
    /// Joins `/` for a client of revision 3, once, after the open packet has left.
    pub(super) fn connect_implicitly(&self, connection: &Rc<Connection>) {
        if connection.handle.revision() == Revision::V3
            && self.hub.raw.is_none()
            && !connection.joined_implicitly.replace(true)
            && !connection.is_ending()
        {
            self.on_connect(connection, "/", "");
            self.settle(connection);
        }
    }

    /// A CONNECT whose payload, if there is one, is a query behind the namespace.
    pub(super) fn on_connect_v3(&self, connection: &Rc<Connection>, namespace: &str, auth: &str) {
        let Some((namespace, query)) = namespace.split_once('?') else {
            return self.on_connect(connection, namespace, auth);
        };
        // The multiplexer has looked for the name with the query.
        let vacant = connection.mux.borrow().check_vacant(namespace);
        match vacant {
            Ok(()) => self.on_connect(connection, namespace, &auth_of_query(query)),
            Err(violation) => self.on_violation(connection, violation),
        }
    }
}

/// The id of a socket: in revision 3 made of the session's, as those clients expect.
pub(super) fn socket_id(session: &SessionHandle, namespace: &str) -> Option<Sid> {
    match (session.revision(), namespace) {
        (Revision::V4, _) => None,
        (Revision::V3, "/") => Some(session.sid().clone()),
        (Revision::V3, _) => Some(Sid::of_namespace(session.sid(), namespace)),
    }
}

/// The query behind a namespace as the JSON object that newer clients send: keys in their order, of a
/// repeated one the last value.
fn auth_of_query(query: &str) -> String {
    let object: IndexMap<_, _> = query_pairs(query).take(MAX_KEYS).collect();
    let mut json = Vec::new();
    match serde_json::Serializer::new(&mut json).collect_map(&object) {
        Ok(()) => String::from_utf8(json).unwrap_or_default(),
        // Texts always serialise.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_an_object_of_texts() {
        assert_eq!(auth_of_query(""), "{}");
        assert_eq!(auth_of_query("token=x&a=b&n=1%26"), r#"{"token":"x","a":"b","n":"1&"}"#);
        assert_eq!(auth_of_query("n=1&a=b&n=2"), r#"{"n":"2","a":"b"}"#);
    }
}
