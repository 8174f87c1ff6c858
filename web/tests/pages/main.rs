//! The chat page as a browser's requests see it, before a gateway that is played by a test.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod branches;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod exporting;
#[cfg(test)]
mod files;
#[cfg(test)]
mod files_refused;
#[cfg(test)]
mod first_question;
#[cfg(test)]
mod followed;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod gallery;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hardening;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod multipart;
#[cfg(test)]
mod operate;
#[cfg(test)]
mod operators_keys;
#[cfg(test)]
mod rating;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod waiting;
