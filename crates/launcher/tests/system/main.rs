//! The whole system: the release programs as separate processes, a real nats-server.

#[cfg(test)]
mod https;
#[cfg(test)]
mod one_trace;
