//! What a client of the simulator sees, over HTTP.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod embeddings;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod models;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod structured;
#[cfg(test)]
mod support;
#[cfg(test)]
mod whole;
