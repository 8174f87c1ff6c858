//! The whole system: the release programs as separate processes, a real nats-server.

mod one_trace;
