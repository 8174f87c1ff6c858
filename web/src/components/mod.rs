//! Pieces of pages: plain values in, markup out. All text is escaped by Maud; HTML comes only from
//! `markdown`, which makes nothing but what it knows.

mod actions;
mod asked;
mod chart;
mod composer;
mod figures;
mod files;
mod history;
mod message;
mod notice;
mod receipt;
mod script;
mod slots;
mod text;
mod waterfall;

pub(crate) use actions::{Actions, actions};
pub(crate) use asked::{LONGEST_TITLE, ask_for_name, ask_to_delete, ask_to_delete_all};
pub(crate) use chart::{Chart, Shape, chart};
pub(crate) use composer::{Composer, composer, editor, stop_form};
pub(crate) use figures::{ago, clock, count, optional, rate, seconds, when};
pub(crate) use files::{chosen_file, name_of as name_of_file};
pub(crate) use history::{find_form, history, link};
pub(crate) use message::{
    BODY, BODY_ENDS, Standing, answer_begin, answer_end, question, thoughts, thoughts_begin,
    thoughts_end, waiting,
};
pub(crate) use notice::{about, keys, mark, welcome};
pub(crate) use receipt::receipt;
pub(crate) use script::words_of_the_script;
pub(crate) use slots::slots;
pub(crate) use text::{alert, alert_region, interrupted, note, tool_call, unreadable};
pub(crate) use waterfall::{key_to_stages, waterfall};
