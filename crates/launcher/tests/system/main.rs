//! The whole system: the release programs as separate processes, a real nats-server.

#[cfg(all(test, target_os = "linux"))]
mod core_dumps;
#[cfg(test)]
mod https;
#[cfg(test)]
mod one_trace;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod secrets;
