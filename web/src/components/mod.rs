//! Pieces of pages: plain values in, markup out. All text is escaped by Maud; HTML comes only from
//! `markdown`, which makes nothing but what it knows.

mod chart;
mod composer;
mod figures;
mod message;
mod notice;
mod receipt;
mod slots;
mod text;
mod waterfall;

pub(crate) use chart::{Chart, Shape, chart};
pub(crate) use composer::{Composer, composer, stop_form};
pub(crate) use figures::{ago, clock, count, optional, rate, seconds, when};
pub(crate) use message::{
    answer, answer_begin, answer_end, question, templates, thoughts_begin, thoughts_end,
};
pub(crate) use notice::{mark, welcome};
pub(crate) use receipt::receipt;
pub(crate) use slots::slots;
pub(crate) use text::{alert, alert_region, interrupted, note, remark, tool_call};
pub(crate) use waterfall::{key_to_stages, waterfall};
