//! CONNECTs to names that patterns have to be asked about, and may have to wait for.
//!
//! Meanwhile a socket without a namespace keeps the client's place in its session, as one does whose
//! guards wait. If two clients ask for one name, whoever is decided first makes the namespace.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::handler::{LocalBoxFuture, Reply};

use super::cancelling::while_open;
use super::connection::Connection;
use super::hub::{Candidate, Dynamic};
use super::sessions::SessionOp;
use super::socket::Socket;
use super::tasks::Tasks;
use super::worker::Worker;

impl Worker {
    pub(super) fn ask_patterns(
        &self,
        connection: &Rc<Connection>,
        path: &str,
        auth: &str,
        patterns: Vec<Arc<Dynamic>>,
    ) {
        let namespace = self.hub.nowhere(path);
        let placeholder =
            Socket::new(&self.hub, Arc::clone(&namespace), &connection.handle, auth, None);
        let reserved = Arc::clone(namespace.path_arc());
        connection.mux.borrow_mut().reserve(reserved, placeholder.clone());
        let found: Rc<RefCell<Option<Candidate>>> = Rc::default();
        let (place, asking) = (Rc::clone(&found), placeholder.clone());
        let future: LocalBoxFuture<Reply> = Box::pin(async move {
            let hub = Arc::clone(asking.hub());
            let auth = asking.auth().unwrap_or_default();
            let candidate = hub.ask(&patterns, asking.namespace().path(), &auth).await;
            place.replace(candidate);
            Reply::Unit
        });
        match Tasks::first_poll(future) {
            Ok(_) => {
                let candidate = found.take();
                self.on_named(connection, &placeholder, candidate);
            }
            Err(future) => {
                let waiting = placeholder.clone();
                let future = while_open(&placeholder, future);
                self.keep_running(&placeholder, future, move |worker, _| {
                    let session = Arc::clone(waiting.session());
                    let candidate = found.take();
                    worker.route(&session, SessionOp::Named { placeholder: waiting, candidate });
                });
            }
        }
    }

    /// The patterns have decided.
    pub(super) fn on_named(
        &self,
        connection: &Rc<Connection>,
        placeholder: &Socket,
        candidate: Option<Candidate>,
    ) {
        let path = placeholder.namespace().path();
        placeholder.abandon();
        // The client may be gone.
        if !connection.mux.borrow_mut().withdraw(path, placeholder) {
            return;
        }
        match self.hub.enter_named(path, candidate) {
            Some(namespace) => {
                let auth = if placeholder.has_auth() { placeholder.auth_json() } else { "" };
                self.join_namespace(connection, &namespace, auth);
            }
            None => self.refuse_unknown(connection, path),
        }
    }
}
