//! Reads the client's address where axum puts it.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use memory_debug_tower::Connection;

/// Reads the client's address from axum's [`ConnectInfo`], for [`MemoryDebugLayer::connection`].
///
/// axum provides it if the service is made with
/// [`into_make_service_with_connect_info::<SocketAddr>`](axum::Router::into_make_service_with_connect_info). axum does
/// not say whether the connection uses TLS, so that stays unknown.
///
/// [`MemoryDebugLayer::connection`]: crate::MemoryDebugLayer::connection
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use memory_debug_axum::{Credentials, MemoryDebugLayer, connect_info, generate_password};
/// use std::net::SocketAddr;
///
/// let credentials = Credentials::new("ops", generate_password()?)?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(MemoryDebugLayer::new(credentials).connection(connect_info));
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// # let _ = service;
/// # Ok::<(), memory_debug_axum::CredentialsError>(())
/// ```
#[must_use]
pub fn connect_info(extensions: &Extensions) -> Connection {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    Connection { peer, tls: None }
}
