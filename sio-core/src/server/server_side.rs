//! Events for the nodes of a cluster themselves; a server that stands alone has nobody to tell.

use serde::Serialize;

use crate::cluster::{Message, Response};
use crate::handler::EncodedArgs;
use crate::packet::{EncodeError, EventArg};

use super::ack::{AckArgs, AckError};
use super::broadcast::BroadcastOperator;
use super::broadcast_ack::{BroadcastAckError, Outcome, read};
use super::cluster::{ask_each, event_data};
use super::socket::EmitError;

/// Names of what a namespace itself tells.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

/// No handler hears an event of this name.
pub(super) fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

impl BroadcastOperator {
    /// Tells the other nodes that have the namespace.
    pub(super) fn server_side_emit(
        &self,
        event: &str,
        args: &impl Serialize,
    ) -> Result<(), EmitError> {
        let args = encode(event, args)?;
        self.warn_if_alone();
        self.tell_others(|_everybody| Message::ServerSide {
            data: event_data(event, &args),
            request: None,
        });
        Ok(())
    }

    /// Asks the other nodes that have the namespace.
    pub(super) async fn server_side_ask<T: EventArg>(
        &self,
        event: &str,
        args: Result<EncodedArgs, EmitError>,
    ) -> Result<Vec<T>, BroadcastAckError<T>> {
        let args = args.map_err(|error| BroadcastAckError {
            reason: AckError::Emit(error),
            responses: Vec::new(),
        })?;
        self.warn_if_alone();
        let mut outcome = Outcome { answers: Vec::new(), reason: None, asked: true };
        if self.hub().joined_cluster().is_some()
            && let Some(namespace) = self.namespace()
        {
            let ask = |request| Message::ServerSide {
                data: event_data(event, &args),
                request: Some(request),
            };
            let answers = &mut outcome.answers;
            let asked = ask_each(self.hub(), namespace.path_arc(), None, ask, |response| {
                if let Response::ServerSide { value, .. } = response {
                    answers.push(AckArgs::of_data(value));
                }
            });
            outcome.reason = asked.await.err().map(AckError::Cluster);
        }
        read(outcome)
    }

    fn warn_if_alone(&self) {
        if self.hub().cluster.is_none() && self.hub().stands_alone() {
            tracing::warn!("there is no adapter; server-side events reach nobody");
        }
    }
}

/// The arguments of an event for nodes.
pub(super) fn encode(event: &str, args: &impl Serialize) -> Result<EncodedArgs, EmitError> {
    match RESERVED.into_iter().find(|name| *name == event) {
        Some(name) => Err(EncodeError::ReservedEvent(name).into()),
        None => Ok(EncodedArgs::encode(args)?),
    }
}
