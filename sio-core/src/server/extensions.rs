//! Values that a carrier's request carries into its session: one per type, shared by all its sockets.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// Values that belong to the request which opened a session, one per type; see
/// [`Handshake::extension`](super::Handshake::extension).
///
/// Without values it takes a pointer's place and no memory.
#[derive(Clone, Default)]
pub struct Extensions(Option<Arc<Values>>);

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions")
            .field("values", &self.0.as_ref().map_or(0, |v| v.len()))
            .finish()
    }
}

impl Extensions {
    /// Adds a value, in place of one of its type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let values = Arc::make_mut(self.0.get_or_insert_default());
        values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// Adds all values of another one, in place of those of their types.
    pub fn extend(&mut self, more: Self) {
        if let Some(more) = more.0 {
            let values = Arc::make_mut(self.0.get_or_insert_default());
            values.extend(more.iter().map(|(id, value)| (*id, Arc::clone(value))));
        }
    }

    /// The value of a type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.0.as_ref()?.get(&TypeId::of::<T>())?;
        Arc::clone(value).downcast().ok()
    }

    /// How the absence of a value is told in the log.
    pub(crate) fn missing<T>() -> String {
        format!("no value of type {} came with the handshake", type_name::<T>())
    }
}
