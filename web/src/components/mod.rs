//! Pieces of pages: plain values in, markup out. All text is escaped by Maud; HTML comes only from
//! `markdown`, which makes nothing but what it knows.

mod composer;
mod message;
mod notice;
mod text;

pub(crate) use composer::{Composer, composer, stop_form};
pub(crate) use message::{
    answer, answer_begin, answer_end, question, templates, thoughts_begin, thoughts_end,
};
pub(crate) use notice::{mark, welcome};
pub(crate) use text::{alert, alert_region, interrupted, note, remark, tool_call};
