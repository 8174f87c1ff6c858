//! The one HTTP client for what we call: upstreams, and later callbacks.
//!
//! Everything has a limit: the connection, the wait for the head, the silence between two pieces
//! of a body, the size of a body. Redirects are not followed, and proxies of the environment are
//! not used: an upstream is called at the address that the operator wrote down.
//!
//! Dropping a [`Response`] closes its connection, so that a model stops when nobody listens.

mod client;
mod error;
mod response;

pub use client::{Client, Post};
pub use error::{CallError, Phase};
pub use response::Response;
