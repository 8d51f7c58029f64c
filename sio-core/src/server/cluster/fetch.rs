//! Sockets and rooms of all nodes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures_util::future::join;

use crate::adapter::Room;
use crate::cluster::{ClusterError, Message, Response};
use crate::sid::Sid;

use super::super::broadcast::BroadcastOperator;
use super::super::remote::RemoteSocket;
use super::super::socket::Socket;
use super::waiting::ask_each;

/// Not all nodes have told which sockets they have.
///
/// # Examples
///
/// ```
/// use sio_core::server::NamespaceRef;
///
/// async fn how_many(players: NamespaceRef) -> usize {
///     match players.fetch_sockets().await {
///         Ok(sockets) => sockets.len(),
///         // Those that are known.
///         Err(error) => error.sockets.len(),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FetchError {
    /// What was wrong, and with which nodes.
    pub reason: ClusterError,
    /// The sockets of this node and of those that have answered.
    pub sockets: Vec<RemoteSocket>,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}

impl BroadcastOperator {
    /// Copies of the selected sockets of all nodes: who they are, their rooms, their data (the reference's
    /// `fetchSockets`). Live handles of this node's are had with [`Self::sockets`].
    ///
    /// The other nodes have the time that [`Self::timeout`] gives, otherwise that of the adapter, 5 s.
    ///
    /// # Errors
    ///
    /// Not all nodes have answered in time; the error has those sockets that are known.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, FetchError> {
        let mut others = Vec::new();
        let ask = self.ask_for_sockets(|sockets| others.extend(sockets));
        let (own, asked) = join(self.sockets(), ask).await;
        let mut sockets: Vec<_> = own.iter().map(RemoteSocket::of).collect();
        sockets.append(&mut others);
        match asked {
            Ok(()) => Ok(sockets),
            Err(reason) => Err(FetchError { reason, sockets }),
        }
    }

    /// The ids of the selected sockets of all nodes.
    ///
    /// # Errors
    ///
    /// As [`Self::fetch_sockets`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn all_sockets(&self) -> Result<Vec<Sid>, FetchError> {
        let sockets = self.fetch_sockets().await?;
        Ok(sockets.into_iter().map(|socket| socket.id().clone()).collect())
    }

    /// The rooms of all nodes that have members among the selected sockets.
    pub(in crate::server) async fn all_rooms(&self) -> Result<BTreeSet<Room>, ClusterError> {
        let own = self.sockets().await;
        let mut rooms: BTreeSet<Room> = own.iter().flat_map(Socket::rooms).collect();
        if let Some(cluster) = self.hub().joined_cluster()
            && let Some(namespace) = self.namespace()
        {
            let asks = cluster.call(|adapter| adapter.can_ask_for_rooms()).unwrap_or_default();
            if asks && !self.options().flags.local {
                let ask = |request| Message::AllRooms { request };
                let timeout = self.options().flags.timeout;
                ask_each(self.hub(), namespace.path_arc(), timeout, ask, |response| {
                    if let Response::Rooms { rooms: theirs, .. } = response {
                        rooms.extend(theirs);
                    }
                })
                .await?;
            } else {
                let read = |sockets: Vec<RemoteSocket>| {
                    rooms.extend(sockets.iter().flat_map(RemoteSocket::rooms).cloned());
                };
                self.ask_for_sockets(read).await?;
            }
        }
        Ok(rooms)
    }

    async fn ask_for_sockets(
        &self,
        mut take: impl FnMut(Vec<RemoteSocket>),
    ) -> Result<(), ClusterError> {
        let options = self.options();
        let (Some(cluster), Some(namespace)) = (self.hub().joined_cluster(), self.namespace())
        else {
            return Ok(());
        };
        if options.flags.local {
            return Ok(());
        }
        let ask = |request| Message::FetchSockets { options: options.clone(), request };
        ask_each(self.hub(), namespace.path_arc(), options.flags.timeout, ask, |response| {
            let Response::Sockets { sockets, .. } = response else { return };
            let everybody = Self::new(Arc::clone(self.hub()), Some(Arc::clone(namespace)));
            let known = sockets.into_iter().filter_map(|description| {
                let socket = RemoteSocket::described(&everybody, description);
                if socket.is_none() {
                    cluster.count_garbage(namespace.path(), &"the id of a socket is none");
                }
                socket
            });
            take(known.collect());
        })
        .await
    }
}
