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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::handshake::{Handshake, HandshakeObject, HandshakeParts};
    use super::*;

    fn of<T: Send + Sync + 'static>(value: T) -> Extensions {
        let mut extensions = Extensions::default();
        extensions.insert(value);
        extensions
    }

    #[test]
    fn what_was_not_inserted_is_absent() {
        assert_eq!(Extensions::default().get::<u8>(), None);
        assert_eq!(of(1_u8).get::<u16>(), None);
    }

    #[test]
    fn the_last_value_of_a_type_counts() {
        let mut values = of(1_u8);
        values.insert("kept");
        values.insert(2_u8);
        assert_eq!(values.get::<u8>().as_deref(), Some(&2));
        values.extend(of(3_u8));
        values.extend(Extensions::default());
        assert_eq!(values.get::<u8>().as_deref(), Some(&3));
        assert_eq!(values.get::<&str>().as_deref(), Some(&"kept"));
    }

    #[test]
    fn a_copy_is_not_changed_by_what_comes_later() {
        let mut values = of(1_u8);
        let copy = values.clone();
        values.insert(2_u8);
        values.extend(of("more"));
        assert_eq!(copy.get::<u8>().as_deref(), Some(&1));
        assert_eq!(copy.get::<&str>(), None);
    }

    #[test]
    fn neither_logs_nor_other_nodes_see_a_value() {
        let plain = || {
            Handshake::new(&HandshakeParts {
                headers: &[("host", "a")],
                url: "/socket.io/?EIO=4",
                address: None,
                secure: false,
                time: SystemTime::UNIX_EPOCH,
            })
        };
        let written = |handshake: Handshake| {
            let handshake = Arc::new(handshake);
            let object = HandshakeObject { handshake: Arc::clone(&handshake), auth: "{}".into() };
            (serde_json::to_value(object).unwrap(), format!("{handshake:?}"))
        };
        let values = of(String::from("secret"));
        assert!(!format!("{values:?}").contains("secret"));
        let (object, shown) = written(plain().with_extensions(values));
        assert_eq!(object, written(plain()).0);
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(Handshake::of_object(&object).extension::<String>(), None);
    }
}
