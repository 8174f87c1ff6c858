//! The chat page: server-rendered, streamed, with JavaScript and without. A client of the gateway.
//!
//! # Where to look
//!
//! * [`Web`]: built, run, drained.
//! * `pages`: a handler and a view for each page; `paths`: their addresses; `layout`: their shell.
//! * `conversation`: questions and answers as the gateway keeps them; `said`: what is said in one.
//! * `files`: images and text that belong to a question: what is taken, and what is shown of it.
//! * `answer`: an answer while it comes: followed and rendered once, whoever reads it.
//! * `markdown`: what a model says, as HTML that is only ever added to.
//! * `components`: pieces of pages; pure functions.
//! * `gateway_client`: the only module that sends requests.
//! * `operate`: how everything is, for whoever runs it, and who of them has signed in.
//! * `receipt`: what an answer took.
//! * `texts`: every word that people read.
//! * `session`: whose browser it is, and on whose behalf the gateway is asked; `look`: how it likes
//!   its pages; `cookie`: what a browser keeps of both.
//! * `static/`: the style sheet and one small script, which needs nothing from elsewhere.
//!
//! Start reading at `pages::ask::ask` and `pages::chat::show`.
//!
//! # What never happens here
//!
//! * Nothing a model or a person writes becomes HTML of its own.
//! * Nothing that is said is kept: the gateway has it, and a page is a view of that.
//! * An operator's key asks for nothing but what operators see, and ours never for that.
//! * No answer ends because its reader has left.

mod answer;
mod assets;
mod components;
mod conversation;
mod cookie;
mod error;
mod files;
mod gateway_client;
mod headers;
mod ids;
mod layout;
mod look;
pub mod markdown;
mod observe;
mod operate;
mod pages;
mod parameters;
mod paths;
mod preset;
mod receipt;
mod said;
mod session;
mod settings;
mod texts;
mod unseen;
mod waiting;
mod web;

pub use settings::{CookieSecure, Gallery, Settings};
pub use web::Web;
