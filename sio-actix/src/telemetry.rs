//! OpenTelemetry: sessions as parts of the traces that their clients have begun.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use sio_core::server::{Handshake, TraceContext};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes a session's span the child of the span that its client names. Without a layer of `tracing-opentelemetry`
/// nothing happens.
pub(crate) fn adopt(span: &Span, handshake: &Handshake) {
    let Some(context) = handshake.trace_context() else { return };
    let remote = opentelemetry::Context::new().with_remote_span_context(span_context(&context));
    // Refused if there is no such layer: then nobody asks for parents.
    let _refused = span.set_parent(remote);
}

fn span_context(context: &TraceContext) -> SpanContext {
    // A state that makes no sense is of no use to anybody.
    let state = context.state().and_then(|state| state.parse::<TraceState>().ok());
    SpanContext::new(
        TraceId::from_bytes(context.trace_id().to_be_bytes()),
        SpanId::from_bytes(context.parent_span_id().to_be_bytes()),
        TraceFlags::new(context.flags()),
        true,
        state.unwrap_or_default(),
    )
}
