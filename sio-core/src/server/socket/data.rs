//! The application's data of a socket, as JSON: what others may see of it.

use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::packet::message_for_client;

use super::super::listeners::{Listeners, heed};
use super::{Inner, Socket, lock};

/// What few sockets have; made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) listeners: Listeners,
    data: Option<Value>,
    /// When the socket is to be disconnected.
    pub(super) expiry: Option<Instant>,
}

impl Inner {
    /// Tells by bits what there is; to be called with the extras locked.
    pub(super) fn note_heeds(&self, extras: &Extras) {
        let expiry = if extras.expiry.is_some() { heed::EXPIRY } else { 0 };
        self.heeds.store(extras.listeners.heeds() | expiry, Ordering::Release);
    }
}

impl Socket {
    /// Stores the socket's data (the reference's `socket.data`) in place of what was stored before.
    ///
    /// In contrast to [`Self::set_state`] this is one value, which is shown to others: remote sockets have
    /// a copy of it. Guards, handlers and disconnect handlers see what is stored when they look.
    ///
    /// # Errors
    ///
    /// The value has no form in JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde_json::json;
    /// use sio_core::server::{Io, Socket};
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.on("name", |socket: Socket, name: String| socket.set_data(json!({ "name": name })).is_ok());
    ///     ns.on("names", async |io: Io| {
    ///         let sockets = io.fetch_sockets().await.unwrap_or_default();
    ///         let data = |socket: &sio_core::server::RemoteSocket| socket.data::<serde_json::Value>();
    ///         sockets.iter().filter_map(|socket| data(socket).ok()).collect::<Vec<_>>()
    ///     });
    /// });
    /// # drop(server);
    /// ```
    pub fn set_data(&self, data: impl Serialize) -> serde_json::Result<()> {
        // The value's own `Serialize` may come back to the socket.
        let data = serde_json::to_value(data)?;
        self.replace_data(Some(data));
        self.0.hub.watch.tell(|observer| observer.socket_data_changed(self));
        Ok(())
    }

    /// Reads the socket's data; what was never stored reads as `{}`.
    ///
    /// # Errors
    ///
    /// The data does not fit `T`.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        read(self.stored_data())
    }

    /// A copy of the data; `None` where nothing was stored.
    pub(crate) fn stored_data(&self) -> Option<Value> {
        lock(&self.0.extras).as_ref()?.data.clone()
    }

    pub(crate) fn replace_data(&self, data: Option<Value>) {
        lock(&self.0.extras).get_or_insert_default().data = data;
    }
}

pub(crate) fn read<T: DeserializeOwned>(data: Option<Value>) -> serde_json::Result<T> {
    let data = data.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    serde_json::from_value(data).map_err(|error| without_input(&error))
}

/// An error that quotes nothing of what was read: errors end up in logs.
pub(crate) fn without_input(error: &serde_json::Error) -> serde_json::Error {
    serde::de::Error::custom(message_for_client(error.to_string()))
}
