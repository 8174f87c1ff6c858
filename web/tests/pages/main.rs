//! The chat page as a browser's requests see it, with the model simulator as its gateway.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hardening;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod log;
#[cfg(test)]
mod operate;
#[cfg(test)]
mod operators_keys;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
