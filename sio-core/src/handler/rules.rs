//! What applies to a handler besides its own code.

use std::fmt;
use std::sync::Arc;

use super::emission::Emission;
use super::error::ErrorHook;
use super::guard::ErasedGuard;
use super::middleware::Middleware;

/// Guards, middleware, error hooks, emissions and options of one handler.
///
/// Lists are in the order in which they apply: global ones first, then those of the controller, then the
/// handler's own; error hooks the other way round.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    pub(crate) guards: Vec<Arc<ErasedGuard>>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) hooks: Vec<Arc<dyn ErrorHook>>,
    pub(crate) emissions: Vec<Emission>,
    /// The socket's next event waits for this handler.
    pub(crate) ordered: bool,
    /// The handler's next event of the socket drops this one.
    pub(crate) latest: bool,
    /// The end of the socket drops the handler.
    pub(crate) cancel_on_disconnect: bool,
    /// Other handlers of the same event are expected.
    pub(crate) multi: bool,
    /// Type of the controller.
    pub(crate) owner: Option<&'static str>,
    pub(crate) method: &'static str,
}

impl Rules {
    /// These, inside of `outer`.
    pub(crate) fn within(mut self, outer: &Self) -> Self {
        self.guards.splice(0..0, outer.guards.iter().cloned());
        self.middleware.splice(0..0, outer.middleware.iter().cloned());
        self.hooks.extend(outer.hooks.iter().cloned());
        self.ordered |= outer.ordered;
        self.cancel_on_disconnect |= outer.cancel_on_disconnect;
        self
    }

    /// The handler's name, `Chat::say`; empty for a closure.
    pub(crate) fn name(&self) -> String {
        match self.owner {
            Some(owner) => format!("{owner}::{}", self.method),
            None => self.method.to_owned(),
        }
    }

    /// As [`Self::name`], with words for a closure.
    pub(crate) fn name_or_closure(&self) -> String {
        let name = self.name();
        if name.is_empty() { "a closure".to_owned() } else { name }
    }

    /// Tells the handlers of a namespace apart.
    pub(crate) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Something has to wait before the handler may be called.
    pub(crate) fn must_wait(&self) -> bool {
        !self.middleware.is_empty() || self.guards.iter().any(|guard| guard.is_async())
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("handler", &self.name())
            .field("guards", &self.guards.len())
            .field("middleware", &self.middleware.len())
            .field("emissions", &self.emissions)
            .finish_non_exhaustive()
    }
}
