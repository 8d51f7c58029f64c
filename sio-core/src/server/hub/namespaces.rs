//! The namespaces of a server: those with a name, and the patterns that clients make others by.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

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
    handlers: RwLock<Arc<Handlers>>,
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
            let handlers =
                Arc::clone(&dynamic.handlers.read().unwrap_or_else(PoisonError::into_inner));
            let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
            let made = Namespace::dynamic(path.into(), id, params, Arc::clone(&handlers));
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

    /// Adds a namespace or a pattern, or handlers to one that exists; gives what is wrong with it.
    pub(crate) fn add_namespace(&self, pattern: &Pattern, builder: NamespaceBuilder) -> Vec<Fault> {
        let added = builder.finish(&self.global);
        let has = |id| self.data.contains_key(&id);
        if let Some(message) = pattern.error() {
            let (pattern, message) = (pattern.source().to_owned(), message.to_owned());
            return vec![Fault::Pattern { pattern, message }];
        }
        let Some(path) = pattern.name() else {
            let dynamic = self.dynamic(pattern);
            let mut current = dynamic.handlers.write().unwrap_or_else(PoisonError::into_inner);
            let mut changed = Handlers::clone(&current);
            let faults = changed.add(added, pattern, has);
            *current = Arc::new(changed);
            return faults;
        };
        let (namespace, created) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            match namespaces.named.get(path) {
                Some(known) => {
                    known.keep();
                    (Arc::clone(known), false)
                }
                None => {
                    let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
                    let namespace = Arc::new(Namespace::new(path.into(), id));
                    namespaces.named.insert(path.into(), Arc::clone(&namespace));
                    (namespace, true)
                }
            }
        };
        let faults = namespace.change_handlers(|handlers| handlers.add(added, pattern, has));
        if created {
            self.announce(&namespace);
        }
        faults
    }

    fn dynamic(&self, pattern: &Pattern) -> Arc<Dynamic> {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let known = namespaces.dynamic.iter().find(|known| known.pattern.is_same(pattern));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let dynamic = Arc::new(Dynamic { pattern: pattern.clone(), handlers: RwLock::default() });
        namespaces.dynamic.push(Arc::clone(&dynamic));
        dynamic
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
}
