//! The one HTTP client for what we call: upstreams, and later callbacks.
//!
//! Everything has a limit: the connection, the wait for the head, the silence between two pieces
//! of a body, the size of a body. Redirects are never followed: a `3xx` is an answer like others.
//! Proxies of the environment are not used, and nothing is decompressed.
//!
//! # Whose address it is
//!
//! * [`Client::to_configured`]: the operator wrote it down, as the upstreams of the catalogue. A
//!   model is often on loopback or in a private network, so it is called wherever it is.
//! * [`Client::to_untrusted`]: somebody else did, as with callbacks. Then only hosts on the internet
//!   are called, by `https://`, within a time for the whole call. What is private, loopback,
//!   link-local (where clouds keep their metadata), carrier-grade translated, multicast, reserved,
//!   unspecified, or an IPv4 address within an IPv6 one is [`CallError::Forbidden`], whether it is
//!   written out in any form (`http://2130706433/`) or what a name resolves to. One such address
//!   among others forbids all. The connection is made to the addresses that were checked, so that
//!   a name cannot mean one thing when it is checked and another when it is called.
//!
//! Nothing but its tests uses [`Client::to_untrusted`] yet: there are no callbacks. Not defended
//! against: a public address behind which a network forwards to private ones. Any port is called.
//!
//! Dropping a [`Response`] closes its connection, so that a model stops when nobody listens.

mod client;
mod error;
mod public_address;
mod response;
mod untrusted;

pub use client::{Client, Post};
pub use error::{CallError, Phase};
pub use response::Response;
pub use untrusted::{Addresses, Names, Plaintext, SystemNames, Untrusted};
