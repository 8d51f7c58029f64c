//! What `#[ws_controller]` implements.

use std::sync::Arc;

use crate::server::NamespaceBuilder;

/// A type whose methods handle the events of a namespace; implemented by `#[ws_controller]`.
///
/// One value serves all connections at the same time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a controller",
    label = "not a controller",
    note = "put `#[ws_controller(\"/namespace\")]` on its `impl` block",
    note = "one with `scope = connection` is mounted with `.mount_scoped::<{Self}>()`"
)]
pub trait Controller: Send + Sync + 'static {
    /// The namespace, or the pattern of dynamic namespaces.
    const NAMESPACE: &'static str;

    /// Registers the methods.
    fn register(self: Arc<Self>, ns: &mut NamespaceBuilder);
}

/// A controller of which each connection has its own; implemented by
/// `#[ws_controller(.., scope = connection)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a controller of one connection",
    label = "not a controller with `scope = connection`",
    note = "put `#[ws_controller(\"/namespace\", scope = connection)]` on its `impl` block, or mount its value with `.mount(..)`"
)]
pub trait ConnectionController: Send + 'static {
    /// The namespace, or the pattern of dynamic namespaces.
    const NAMESPACE: &'static str;

    /// Registers the methods.
    fn register(ns: &mut NamespaceBuilder);
}

/// The namespace of a controller whose attribute stands on the struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no namespace",
    label = "no namespace",
    note = "put `#[ws_controller(\"/namespace\")]` on the struct, or use `#[ws_controller(\"/namespace\")]` instead of `#[ws_handlers]` here"
)]
pub trait ControllerPath {
    /// The namespace, or the pattern of dynamic namespaces.
    const PATH: &'static str;
}
