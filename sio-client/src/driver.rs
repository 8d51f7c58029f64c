//! The task of a client: opens sessions, carries them, and tries again when they are lost.
//!
//! It runs while a socket is active and holds the client's core, never a handle: dropped handles end it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::backoff::chance;
use crate::client::Core;
use crate::engine;
use crate::life::{DisconnectReason, LifeEvent};
use crate::mux::Mux;

/// How long a handshake may still take when nobody wants it any more.
const ABANDON_AFTER: Duration = Duration::from_secs(2);

/// Tells the sockets if the driver's task is dropped, with its runtime or by a panic.
pub(crate) struct Driving {
    core: Arc<Core>,
    /// The driver ended by itself; another one may be at work already.
    finished: bool,
}

impl Driving {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core, finished: false }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        if !self.finished {
            self.core.driver_lost();
        }
    }
}

/// See the module.
pub(crate) async fn drive(mut driving: Driving) {
    carry(&driving.core).await;
    driving.finished = true;
}

async fn carry(core: &Arc<Core>) {
    let mut attempt: u32 = 0;
    while core.goes_on() {
        let open = engine::open(core.config.dialer.clone(), core.config.settings.clone());
        let opened = tokio::select! {
            opened = open => opened,
            () = abandoned(core) => continue,
        };
        match opened {
            Err(error) => core.open_failed(&error),
            Ok(engine) => {
                attempt = 0;
                let wanted = core.opened(&engine);
                let mut mux = Mux::new(Arc::clone(core));
                let reason = tokio::select! {
                    reason = Box::pin(engine.run(&core.outbox, wanted, &mut mux)) => reason,
                    () = connect_overdue(core) => DisconnectReason::TransportError,
                };
                core.session_ended(reason);
                if reason == DisconnectReason::ClientDisconnect {
                    continue;
                }
            }
        }
        let Some(policy) = &core.config.reconnection else {
            continue;
        };
        attempt = attempt.saturating_add(1);
        if policy.max_attempts.is_some_and(|max| attempt > max) {
            core.give_up();
            attempt = 0;
            continue;
        }
        let delay = policy.delay_before(attempt, chance());
        core.announce(&LifeEvent::ReconnectAttempt { attempt, delay });
        tokio::select! {
            () = sleep(delay) => {}
            () = core.unwanted() => {}
        }
    }
}

/// Completes a while after the last socket left.
///
/// A handshake under way is worth waiting for: a session that nobody closes stays on the server until
/// its heartbeat fails.
async fn abandoned(core: &Core) {
    loop {
        core.unwanted().await;
        sleep(ABANDON_AFTER).await;
        if !core.is_wanted() {
            return;
        }
    }
}

/// Completes when a server that took a client back leaves a CONNECT unanswered for too long.
async fn connect_overdue(core: &Core) {
    // A socket that connects for the first time has its own timeout.
    sleep(core.config.connect_timeout).await;
    if !core.awaits_reconnect() {
        std::future::pending::<()>().await;
    }
}
