//! The bus over a real nats-server, also one that is killed.

#[cfg(test)]
mod support;

mod claims;
mod declare;
mod jobs;
mod outage;
