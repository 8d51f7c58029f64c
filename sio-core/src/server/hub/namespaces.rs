//! The namespaces of a server: those with a name, and the patterns that clients make others by.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::handler::Fault;

use super::super::namespace::{Handlers, Namespace};
use super::super::pattern::Pattern;
use super::super::registration::NamespaceBuilder;
use super::Hub;

/// Namespaces that exist, and those that clients can make.
#[derive(Default)]
pub(super) struct Namespaces {
    named: HashMap<Arc<str>, Arc<Namespace>, ahash::RandomState>,
    dynamic: Vec<Arc<Dynamic>>,
}

/// A pattern with the handlers of the namespaces it makes.
pub(super) struct Dynamic {
    pattern: Pattern,
    handlers: Arc<Handlers>,
}

impl Hub {
    pub(crate) fn namespace(&self, path: &str) -> Option<Arc<Namespace>> {
        self.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.get(path).cloned()
    }

    /// The namespace a socket wants to join, which counts it from now on; one that a pattern fits is made.
    pub(crate) fn enter(&self, path: &str) -> Option<Arc<Namespace>> {
        let dynamic = {
            let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.named.get(path) {
                known.enter();
                return Some(Arc::clone(known));
            }
            namespaces.dynamic.clone()
        };
        // Patterns and parameter types may be the user's code: no lock is held.
        let made = dynamic.iter().find_map(|dynamic| {
            let params = dynamic.pattern.params(path)?;
            let handlers = Arc::clone(&dynamic.handlers);
            let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
            let made =
                Namespace::dynamic(path.into(), id, params, Arc::clone(&handlers), self.new_log());
            handlers.fit(&made).then(|| Arc::new(made))
        })?;
        {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.named.get(path) {
                known.enter();
                return Some(Arc::clone(known));
            }
            made.enter();
            namespaces.named.insert(Arc::clone(made.path_arc()), Arc::clone(&made));
        }
        self.announce(&made);
        Some(made)
    }

    /// A socket has left; a dynamic namespace goes with its last.
    ///
    /// Differs from the reference: `cleanupEmptyChildNamespaces` is always on, because clients choose the
    /// names.
    pub(crate) fn leave(&self, namespace: &Arc<Namespace>) {
        if !namespace.leave() || !namespace.is_dynamic() {
            return;
        }
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let named = &mut namespaces.named;
        let is_this = |known: &Arc<Namespace>| Arc::ptr_eq(known, namespace);
        // Meanwhile it may have been entered again, or registered by its name.
        if namespace.is_empty()
            && namespace.is_dynamic()
            && named.get(namespace.path()).is_some_and(is_this)
        {
            named.remove(namespace.path());
        }
    }

    /// Adds a namespace or a pattern, or handlers to one that exists; gives what is wrong with it. Then
    /// nothing has changed, unless `collect` asks for all that may be wrong with what follows as well.
    pub(crate) fn add_namespace(
        &self,
        pattern: &Pattern,
        builder: NamespaceBuilder,
        collect: bool,
    ) -> Vec<Fault> {
        let added = builder.finish(&self.global);
        let has = |id| self.data.contains_key(&id);
        if let Some(message) = pattern.error() {
            let (pattern, message) = (pattern.source().to_owned(), message.to_owned());
            return vec![Fault::Pattern { pattern, message }];
        }
        let Some(path) = pattern.name() else {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            let dynamic = &mut namespaces.dynamic;
            let known = dynamic.iter().position(|known| known.pattern.is_same(pattern));
            let current = known.and_then(|index| dynamic.get(index));
            let mut handlers =
                current.map_or_else(Handlers::default, |known| Handlers::clone(&known.handlers));
            let faults = handlers.add(added, pattern, has);
            if faults.is_empty() || collect {
                let changed =
                    Arc::new(Dynamic { pattern: pattern.clone(), handlers: Arc::new(handlers) });
                match known.and_then(|index| dynamic.get_mut(index)) {
                    Some(known) => *known = changed,
                    None => dynamic.push(changed),
                }
            }
            return faults;
        };
        let (namespace, faults) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            let known = namespaces.named.get(path).cloned();
            // One that a client made has nothing that this registration could contradict.
            let mut handlers = match &known {
                Some(known) if !known.is_dynamic() => Handlers::clone(&known.handlers()),
                _ => Handlers::default(),
            };
            let faults = handlers.add(added, pattern, has);
            if !faults.is_empty() && !collect {
                return faults;
            }
            let created = known.is_none();
            let namespace = known.unwrap_or_else(|| {
                let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
                Arc::new(Namespace::new(path.into(), id, self.new_log()))
            });
            namespace.keep(handlers);
            if created {
                namespaces.named.insert(path.into(), Arc::clone(&namespace));
            }
            (created.then_some(namespace), faults)
        };
        if let Some(created) = namespace {
            self.announce(&created);
        }
        faults
    }

    fn announce(&self, namespace: &Namespace) {
        if let Some(hook) = &self.new_namespace
            && namespace.path() != "/"
            && catch_unwind(AssertUnwindSafe(|| hook(namespace.path()))).is_err()
        {
            tracing::error!("the hook for new namespaces panicked");
        }
    }

    pub(crate) fn namespaces(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.named.values().cloned().collect()
    }

    /// Says in the log which name an unknown one may have been meant to be; to developers only, because
    /// clients choose what is logged.
    pub(crate) fn tell_unknown(&self, path: &str) {
        if cfg!(debug_assertions) {
            let namespaces = self.namespaces();
            let names = namespaces.iter().map(|namespace| namespace.path());
            let nearest = names.min_by_key(|name| distance(name, path));
            tracing::debug!(path, nearest, "a client asked for a namespace that does not exist");
        }
    }
}

/// How many letters two names differ by, place by place.
fn distance(a: &str, b: &str) -> usize {
    let different = a.chars().zip(b.chars()).filter(|(a, b)| a != b).count();
    different + a.chars().count().abs_diff(b.chars().count())
}
