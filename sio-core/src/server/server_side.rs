//! Events between the nodes of a cluster; one that stands alone has nobody to tell.

use serde::Serialize;

use crate::handler::EncodedArgs;
use crate::packet::{EncodeError, EventArg};

use super::ack::AckError;
use super::broadcast_ack::BroadcastAckError;
use super::hub::Hub;
use super::socket::EmitError;

/// Names of what a namespace itself tells.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

/// No handler hears an event of this name.
pub(super) fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

impl Hub {
    /// Tells the other nodes, of which there are none.
    pub(super) fn server_side_emit(
        &self,
        event: &str,
        args: &impl Serialize,
    ) -> Result<(), EmitError> {
        if let Some(name) = RESERVED.into_iter().find(|name| *name == event) {
            return Err(EncodeError::ReservedEvent(name).into());
        }
        EncodedArgs::encode(args)?;
        if self.stands_alone() {
            tracing::warn!(
                "the in-memory adapter has no other nodes; server-side events reach nobody"
            );
        }
        Ok(())
    }

    /// Asks the other nodes.
    pub(super) fn server_side_ask<T: EventArg>(
        &self,
        event: &str,
        args: &impl Serialize,
    ) -> Result<Vec<T>, BroadcastAckError<T>> {
        match self.server_side_emit(event, args) {
            Ok(()) => Ok(Vec::new()),
            Err(error) => {
                Err(BroadcastAckError { reason: AckError::Emit(error), responses: Vec::new() })
            }
        }
    }
}
