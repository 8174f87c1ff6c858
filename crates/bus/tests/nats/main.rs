//! The bus over a real nats-server, also one that is killed.

#[cfg(test)]
mod support;

mod chores;
mod claims;
mod declare;
mod forget;
mod jobs;
mod keys;
mod log_reader;
mod log_writer;
mod logs;
mod outage;
#[cfg(test)]
mod permissions;
mod records;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod tls;
