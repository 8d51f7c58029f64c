//! Configuring a server.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::EngineConfig;
use crate::limits::Limits;
use crate::sid::SidSource;

use super::hub::{Hub, NewNamespaceHook};
use super::io::Io;
use super::namespace::{NamespaceBuilder, normalize};
use super::raw::EngineHandler;

/// A configuration that no server can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Neither transport is offered.
    #[error("no transport is enabled: enable polling or websocket")]
    NoTransport,
    /// An interval or limit must be above zero.
    #[error("`{0}` must be above zero")]
    Zero(&'static str),
}

/// Everything a running server is configured with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The Engine.IO layer.
    pub engine: EngineConfig,
    /// Bounds on what a peer can cause.
    pub limits: Limits,
    /// Time a session has to join a namespace; 45 s.
    pub connect_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            engine: EngineConfig::default(),
            limits: Limits::default(),
            connect_timeout: Duration::from_secs(45),
        }
    }
}

/// Configures a server; option names and defaults are the reference's.
#[derive(Default)]
pub struct IoConfig {
    config: ServerConfig,
    namespaces: Vec<(String, NamespaceBuilder)>,
    new_namespace: Option<Box<NewNamespaceHook>>,
    raw: Option<Box<dyn EngineHandler>>,
}

impl std::fmt::Debug for IoConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoConfig").field("config", &self.config).finish_non_exhaustive()
    }
}

impl IoConfig {
    /// Registers handlers on a namespace; `chat` is `/chat`. Called twice for one namespace, both apply.
    ///
    /// # Panics
    ///
    /// As [`NamespaceBuilder::on`].
    #[must_use]
    pub fn namespace(mut self, path: &str, register: impl FnOnce(&mut NamespaceBuilder)) -> Self {
        let mut builder = NamespaceBuilder::default();
        register(&mut builder);
        self.namespaces.push((normalize(path).into_owned(), builder));
        self
    }

    /// Is called with the name of every namespace that is created, except `/`.
    #[must_use]
    pub fn on_new_namespace(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.new_namespace = Some(Box::new(hook));
        self
    }

    /// Makes this a bare Engine.IO server: messages go to `handler`, and there are no namespaces.
    #[must_use]
    pub fn engine_handler(mut self, handler: impl EngineHandler) -> Self {
        self.raw = Some(Box::new(handler));
        self
    }

    /// The options, to be changed in place.
    pub const fn config_mut(&mut self) -> &mut ServerConfig {
        &mut self.config
    }

    /// Builds the server; session and socket ids are drawn from `sids`.
    ///
    /// # Errors
    ///
    /// The options contradict each other.
    pub fn build(mut self, sids: Box<dyn SidSource>) -> Result<Io, BuildError> {
        let ServerConfig { engine, limits, connect_timeout } = &mut self.config;
        if !engine.polling && !engine.websocket {
            return Err(BuildError::NoTransport);
        }
        engine.max_payload = limits.max_payload;
        engine.close_timeout = limits.close_timeout;
        engine.send_buffer_high = limits.send_buffer_high;
        engine.send_buffer_max = limits.send_buffer_max;
        engine.send_buffer_max_frames = limits.send_buffer_max_frames;
        for (name, duration) in [
            ("ping_interval", engine.ping_interval),
            ("ping_timeout", engine.ping_timeout),
            ("upgrade_timeout", engine.upgrade_timeout),
            ("connect_timeout", *connect_timeout),
        ] {
            if duration.is_zero() {
                return Err(BuildError::Zero(name));
            }
        }
        if limits.max_payload == 0 {
            return Err(BuildError::Zero("max_payload"));
        }
        let hub = Arc::new(Hub::new(self.config, sids, self.new_namespace, self.raw));
        hub.add_namespace("/", NamespaceBuilder::default());
        for (path, builder) in self.namespaces {
            hub.add_namespace(&path, builder);
        }
        Ok(Io::from_hub(hub))
    }
}
