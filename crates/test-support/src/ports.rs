//! Ports for programs that must know theirs before they start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take ports for outgoing connections.
const FIRST: u16 = 18_000;
const COUNT: u16 = 12_000;

/// A port on loopback that is free now and that no other caller in this process gets.
///
/// # Panics
///
/// When all are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run side by side: each begins somewhere else.
    let offset = u16::try_from(std::process::id() * 97 % u32::from(COUNT)).unwrap_or(0);
    for _try in 0..COUNT {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (offset.wrapping_add(number)) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
}
