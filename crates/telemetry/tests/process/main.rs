//! Whole processes: what `init` does to one, and what leaves it over OTLP.
//!
//! A subscriber is installed once in a process and the SDK reads its environment, so each test runs
//! this binary again, with only itself, and there does what is to be observed.

#[cfg(test)]
mod exporting;
#[cfg(test)]
mod once;
#[cfg(test)]
mod support;
