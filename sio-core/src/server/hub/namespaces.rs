//! The namespaces of a server: those with a name, and the patterns that clients make others by.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use futures_util::FutureExt as _;

use crate::handler::Fault;
use crate::limits::Limit;
use crate::shown::Shown;

use super::super::cluster::Change;
use super::super::namespace::{Handlers, Namespace, Parent};
use super::super::pattern::{Params, Pattern};
use super::super::registration::NamespaceBuilder;
use super::super::spans::SOCKET;
use super::Hub;

/// Namespaces made by clients from which on the log warns, once.
const MANY: usize = 1_000;

/// Namespaces that exist, and those that clients can make.
#[derive(Default)]
pub(super) struct Namespaces {
    named: HashMap<Arc<str>, Arc<Namespace>, ahash::RandomState>,
    dynamic: Vec<Arc<Dynamic>>,
    /// What patterns have made, by the ids of pattern and namespace.
    children: HashMap<u64, HashMap<u64, Arc<Namespace>>, ahash::RandomState>,
    /// How many of the named clients have made.
    made: usize,
}

/// A pattern with the handlers of the namespaces it makes.
#[derive(Debug)]
pub(crate) struct Dynamic {
    id: u64,
    /// How the pattern is written.
    source: Arc<str>,
    pattern: Pattern,
    handlers: Arc<Handlers>,
}

/// A namespace that a pattern would make.
#[derive(Debug)]
pub(crate) struct Candidate(Arc<Namespace>);

/// What becomes of a CONNECT to a name.
pub(crate) enum Entrance {
    /// The namespace, which counts the socket from now on.
    Found(Arc<Namespace>),
    /// These have to be asked, one after another.
    Asked(Vec<Arc<Dynamic>>),
    /// There is none.
    Unknown,
}

impl Namespaces {
    fn enter(&self, path: &str) -> Option<Arc<Namespace>> {
        let known = self.named.get(path)?;
        known.enter();
        Some(Arc::clone(known))
    }

    /// Clients have made as many as they may; 0 is no limit.
    const fn are_too_many(&self, max: usize) -> bool {
        max > 0 && self.made >= max
    }

    fn insert(&mut self, namespace: &Arc<Namespace>) {
        self.named.insert(Arc::clone(namespace.path_arc()), Arc::clone(namespace));
        if let Some(parent) = namespace.parent() {
            let children = self.children.entry(parent).or_default();
            children.insert(namespace.id(), Arc::clone(namespace));
        }
    }

    fn remove(&mut self, namespace: &Namespace) {
        self.named.remove(namespace.path());
        self.made = self.made.saturating_sub(1);
        if let Some(parent) = namespace.parent()
            && let Some(children) = self.children.get_mut(&parent)
        {
            children.remove(&namespace.id());
        }
    }
}

impl Hub {
    pub(crate) fn namespace(&self, path: &str) -> Option<Arc<Namespace>> {
        self.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.get(path).cloned()
    }

    fn next_namespace_id(&self) -> u64 {
        self.next_namespace.fetch_add(1, Ordering::Relaxed)
    }

    /// The namespaces that a pattern has made.
    pub(crate) fn children(&self, pattern: &Pattern) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        let parent = namespaces.dynamic.iter().find(|known| known.pattern.is_same(pattern));
        let children = parent.and_then(|parent| namespaces.children.get(&parent.id));
        children.into_iter().flat_map(HashMap::values).cloned().collect()
    }

    /// Namespaces can be made by a pattern that is written like this.
    pub(crate) fn has_pattern(&self, source: &str) -> bool {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.dynamic.iter().any(|known| known.pattern.source() == source)
    }

    /// Where a socket is while patterns decide about its namespace.
    pub(crate) fn nowhere(&self, path: &str) -> Arc<Namespace> {
        let nowhere = Namespace::dynamic(
            path.into(),
            self.next_namespace_id(),
            None,
            Params::default(),
            Arc::default(),
            None,
        );
        nowhere.enter();
        Arc::new(nowhere)
    }

    /// The namespace a socket wants to join; one that a pattern fits is made.
    pub(crate) fn enter(&self, path: &str) -> Entrance {
        let dynamic = {
            let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.enter(path) {
                return Entrance::Found(known);
            }
            if namespaces.are_too_many(self.config.limits.max_dynamic_namespaces) {
                self.count_limit(Limit::MaxDynamicNamespaces);
                tracing::debug!("clients have made as many namespaces as they may");
                return Entrance::Unknown;
            }
            namespaces.dynamic.clone()
        };
        // Patterns and parameter types may be the user's code: no lock is held.
        for (index, candidate) in dynamic.iter().enumerate() {
            if candidate.pattern.has_to_be_asked() {
                return Entrance::Asked(dynamic.iter().skip(index).cloned().collect());
            }
            if let Some(candidate) = self.candidate(candidate, path) {
                let entered = self.enter_named(path, Some(candidate));
                return entered.map_or(Entrance::Unknown, Entrance::Found);
            }
        }
        Entrance::Unknown
    }

    /// What a pattern makes of a name that fits it and its handlers.
    fn candidate(&self, dynamic: &Dynamic, path: &str) -> Option<Candidate> {
        self.make(dynamic, path, dynamic.pattern.params(path)?)
    }

    fn make(&self, dynamic: &Dynamic, path: &str, params: Params) -> Option<Candidate> {
        let handlers = Arc::clone(&dynamic.handlers);
        let parent = Some(Parent { id: dynamic.id, source: Arc::clone(&dynamic.source) });
        let id = self.next_namespace_id();
        let log = self.new_log();
        let made = Namespace::dynamic(path.into(), id, parent, params, Arc::clone(&handlers), log);
        handlers.fit(&made).then(|| Candidate(Arc::new(made)))
    }

    /// Asks patterns about a name, one after another; one that panics has refused.
    pub(crate) async fn ask(
        &self,
        patterns: &[Arc<Dynamic>],
        path: &str,
        auth: &serde_json::Value,
    ) -> Option<Candidate> {
        for dynamic in patterns {
            let decided = AssertUnwindSafe(async {
                let params = dynamic.pattern.decide(path, auth).await?;
                self.make(dynamic, path, params)
            });
            match decided.catch_unwind().await {
                Ok(Some(candidate)) => return Some(candidate),
                Ok(None) => {}
                Err(_panic) => tracing::error!("a namespace pattern panicked"),
            }
        }
        None
    }

    /// The namespace of a name, which counts a socket from now on: the one that exists, or the candidate.
    pub(crate) fn enter_named(
        &self,
        path: &str,
        candidate: Option<Candidate>,
    ) -> Option<Arc<Namespace>> {
        let (Candidate(made), count) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.enter(path) {
                return Some(known);
            }
            let candidate = candidate?;
            if namespaces.are_too_many(self.config.limits.max_dynamic_namespaces) {
                self.count_limit(Limit::MaxDynamicNamespaces);
                return None;
            }
            candidate.0.enter();
            namespaces.insert(&candidate.0);
            self.note_change(Change::Open(Arc::clone(candidate.0.path_arc())));
            namespaces.made += 1;
            (candidate, namespaces.made)
        };
        if count == MANY && !self.many_namespaces.swap(true, Ordering::Relaxed) {
            tracing::warn!("clients have made {MANY} namespaces");
        }
        self.announce(&made);
        Some(made)
    }

    /// A socket has left; a dynamic namespace goes with its last, unless it is to stay.
    ///
    /// Differs from the reference: `cleanupEmptyChildNamespaces` is on by default, because clients choose
    /// the names.
    pub(crate) fn leave(&self, namespace: &Arc<Namespace>) {
        let stays = !self.config.cleanup_empty_namespaces;
        if !namespace.leave() || !namespace.is_dynamic() || stays {
            return;
        }
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let is_this = |known: &Arc<Namespace>| Arc::ptr_eq(known, namespace);
        // Meanwhile it may have been entered again, or registered by its name.
        let goes = namespace.is_empty()
            && namespace.is_dynamic()
            && namespaces.named.get(namespace.path()).is_some_and(is_this);
        if goes {
            namespaces.remove(namespace);
            self.note_change(Change::Close(Arc::clone(namespace.path_arc())));
        }
        drop(namespaces);
        if goes {
            self.tell_cluster();
        }
    }

    /// What the first pattern that fits makes of a name, if it need not be asked.
    fn child(&self, path: &str) -> Option<Arc<Namespace>> {
        let dynamic = {
            let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            namespaces.dynamic.clone()
        };
        let mut candidates = dynamic.iter().filter_map(|dynamic| self.candidate(dynamic, path));
        candidates.next().map(|Candidate(made)| made)
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
        let apart = added.apart;
        let refused = || vec![Fault::Apart { namespace: pattern.source().to_owned() }];
        let Some(path) = pattern.name() else {
            if apart {
                return refused();
            }
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            let dynamic = &mut namespaces.dynamic;
            let known = dynamic.iter().position(|known| known.pattern.is_same(pattern));
            let current = known.and_then(|index| dynamic.get(index));
            let mut handlers =
                current.map_or_else(Handlers::default, |known| Handlers::clone(&known.handlers));
            let faults = handlers.add(added, pattern, has);
            if faults.is_empty() || collect {
                let id = current.map_or_else(|| self.next_namespace_id(), |known| known.id);
                let handlers = Arc::new(handlers);
                let source = pattern.source().into();
                let changed = Arc::new(Dynamic { id, source, pattern: pattern.clone(), handlers });
                match known.and_then(|index| dynamic.get_mut(index)) {
                    Some(known) => *known = changed,
                    None => dynamic.push(changed),
                }
            }
            return faults;
        };
        // At run time a name that fits a pattern is one of its children.
        let child = if collect { None } else { self.child(path) };
        let (namespace, faults) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            let known = namespaces.named.get(path).cloned();
            if apart && known.is_some() {
                return refused();
            }
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
            if created || known.as_ref().is_some_and(|known| known.is_dynamic()) {
                if let Some(child) = child.as_ref().filter(|_| !apart) {
                    handlers.inherit(&child.handlers());
                }
                if !created {
                    namespaces.made = namespaces.made.saturating_sub(1);
                }
            }
            let namespace = known.or(child).unwrap_or_else(|| {
                let id = self.next_namespace_id();
                Arc::new(Namespace::new(path.into(), id, self.new_log()))
            });
            namespace.keep(handlers);
            if created {
                namespaces.insert(&namespace);
                self.note_change(Change::Open(Arc::clone(namespace.path_arc())));
            }
            (created.then_some(namespace), faults)
        };
        if let Some(created) = namespace {
            self.announce(&created);
        }
        faults
    }

    fn announce(&self, namespace: &Namespace) {
        self.tell_cluster();
        if let Some(hook) = &self.new_namespace
            && namespace.path() != "/"
            && catch_unwind(AssertUnwindSafe(|| hook(namespace.path()))).is_err()
        {
            tracing::error!("the hook for new namespaces panicked");
        }
    }

    pub(crate) fn namespace_count(&self) -> usize {
        self.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.len()
    }

    pub(crate) fn namespaces(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.named.values().cloned().collect()
    }

    /// Says in the log that a namespace does not exist, and to developers which one may have been meant.
    pub(crate) fn tell_unknown(&self, path: &str) {
        let shown = Shown(path);
        tracing::debug!(target: SOCKET, namespace = %shown, "no such namespace");
        if cfg!(debug_assertions) {
            let registered = self.registered();
            let known = registered.iter().map(|known| known.pattern.source());
            if let Some(nearest) = self.hints.nearest("", path, known) {
                tracing::warn!(namespace = %shown, nearest, "no such namespace; was another one meant?");
            }
        }
    }

    /// What the application has registered: namespaces by name, then patterns in their order.
    pub(crate) fn registered(&self) -> Vec<Known> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        let named = namespaces.named.values().filter(|namespace| !namespace.is_dynamic());
        let named = named.map(|namespace| Known {
            pattern: Pattern::from(namespace.path()),
            handlers: namespace.handlers(),
        });
        let mut known: Vec<_> = named.collect();
        known.sort_by(|a, b| a.pattern.source().cmp(b.pattern.source()));
        known.extend(namespaces.dynamic.iter().map(|dynamic| Known {
            pattern: dynamic.pattern.clone(),
            handlers: Arc::clone(&dynamic.handlers),
        }));
        known
    }
}

/// A namespace, or as many as a pattern makes, that the application has registered.
pub(crate) struct Known {
    pub(crate) pattern: Pattern,
    pub(crate) handlers: Arc<Handlers>,
}
