//! What handlers need, checked when the server is built and not when the first event comes.

use std::any::{TypeId, type_name};

use crate::server::Namespace;

use super::cx::Phase;

/// A mistake in what was registered; a server with one is not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An event has two handlers in one namespace.
    #[error("event `{event}` of `{namespace}` has two handlers: {first} and {second}")]
    TwoHandlers {
        /// Namespace.
        namespace: String,
        /// Event.
        event: String,
        /// Who handles it already.
        first: String,
        /// Who wants to handle it too.
        second: String,
    },
    /// An event name that never reaches a handler.
    #[error("`{event}` is a reserved event name and never reaches a handler ({handler})")]
    Reserved {
        /// Event.
        event: String,
        /// Who wants to handle it.
        handler: String,
    },
    /// A handler takes application data that was not given to the builder.
    #[error("`{data}` is used by {handler} but was not given to the builder's `data`")]
    MissingData {
        /// Type of the data.
        data: &'static str,
        /// Who takes it.
        handler: String,
    },
    /// A handler takes a parameter of its namespace's name, which has none.
    #[error("{handler} takes a namespace parameter, but `{namespace}` has none")]
    NoParameter {
        /// Namespace.
        namespace: String,
        /// Who takes it.
        handler: String,
    },
    /// A parameter that has no meaning for this kind of handler.
    #[error("{handler} takes `{parameter}`, which is only there in {wanted}")]
    WrongPhase {
        /// Type of the parameter.
        parameter: &'static str,
        /// Who takes it.
        handler: String,
        /// Where it could be taken.
        wanted: &'static str,
    },
    /// A newer event cannot replace one that it has to wait for.
    #[error("{handler} is `latest`, but its events wait for each other: it is `ordered`")]
    LatestOrdered {
        /// Whose events they are.
        handler: String,
    },
    /// A namespace that belongs to a tool, such as the Admin UI, was registered by somebody else as well.
    #[error(
        "`{namespace}` is to be a namespace apart: it needs a name, and nothing else can be registered on it"
    )]
    Apart {
        /// Namespace.
        namespace: String,
    },
    /// A namespace pattern that cannot be used.
    #[error("namespace pattern `{pattern}`: {message}")]
    Pattern {
        /// Pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Says whether a namespace's name fits a parameter type.
pub(crate) type FitsNamespace = fn(&Namespace) -> bool;

/// What the parameters of one handler ask of the server.
///
/// Context types declare it in [`FromContext::requirements`](super::FromContext::requirements).
#[derive(Debug)]
pub struct Requirements {
    handler: String,
    phase: Phase,
    pub(crate) data: Vec<(TypeId, &'static str)>,
    pub(crate) params: Vec<FitsNamespace>,
    pub(crate) faults: Vec<Fault>,
}

impl Requirements {
    pub(crate) const fn new(handler: String, phase: Phase) -> Self {
        Self { handler, phase, data: Vec::new(), params: Vec::new(), faults: Vec::new() }
    }

    /// A value of this type must be given to the builder's `data`.
    pub fn data<T: 'static>(&mut self) {
        self.data.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// The namespace's name must fit; one that does not is an invalid namespace to clients.
    pub(crate) fn namespace_param(&mut self, fits: FitsNamespace) {
        self.params.push(fits);
    }

    /// The parameter is only there in handlers of these phases.
    pub(crate) fn only_in(
        &mut self,
        phases: &[Phase],
        parameter: &'static str,
        wanted: &'static str,
    ) {
        if !phases.contains(&self.phase) {
            self.faults.push(Fault::WrongPhase {
                parameter,
                handler: self.handler.clone(),
                wanted,
            });
        }
    }

    pub(crate) fn handler(&self) -> &str {
        &self.handler
    }
}
