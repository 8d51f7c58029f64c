//! The part of the builder that concerns the log.

use sio_core::server::Handshake;

use super::IoBuilder;

impl IoBuilder {
    /// Is shown the span of each session that is opened, before anything runs in it, if somebody listens to such
    /// spans: level `debug`, target `sio::engine`.
    ///
    /// What connects it with the trace that its client has begun goes here; the feature `opentelemetry` brings a
    /// hook that does so, which one that is given here replaces. A hook must not wait.
    ///
    /// ```
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder()
    ///     .on_session_span(|_span, handshake| {
    ///         if let Some(context) = handshake.trace_context() {
    ///             println!("a session of trace {:032x}", context.trace_id());
    ///         }
    ///     })
    ///     .build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn on_session_span(
        mut self,
        hook: impl Fn(&tracing::Span, &Handshake) + Send + Sync + 'static,
    ) -> Self {
        self.core = self.core.on_session_span(hook);
        self
    }
}
