//! Every word that people read on the pages of the chat, room by room. English is what there is.
//!
//! A text is a constant; where a number or a name stands in it, it is a function, and that is where
//! plural rules live. Everything here is text, which Maud escapes: no markup, and no format of the
//! page. What the script says comes from here as well, in the page ([`script`]).
//!
//! Not here: logs, and the pages for operators.

pub(crate) mod answers;
pub(crate) mod chat;
pub(crate) mod chats;
pub(crate) mod composer;
pub(crate) mod errors;
pub(crate) mod figures;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod receipts;
pub(crate) mod script;
pub(crate) mod settings;
pub(crate) mod shell;

#[cfg(test)]
mod tests;

/// The language of all of it, as HTML names it.
pub(crate) const LANGUAGE: &str = "en";
