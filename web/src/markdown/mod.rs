//! What a model says, as HTML: rendered once, whichever way it travels.
//!
//! Text comes in any pieces. What can no longer change is sealed and handed out once; the rest is
//! the tail, at most a few kilobytes, which may be shown and replaced. Where text is cut into
//! blocks depends on the text alone and never on the pieces it came in, so an answer has the same
//! HTML streamed, reloaded, with JavaScript and without.
//!
//! # What never happens here
//!
//! * Nothing a model says becomes HTML of its own, an image, or a link other than http, https and
//!   mailto.
//! * No piece of text is parsed again once it is sealed.

mod blocks;
mod code;
mod html;
mod links;
mod tail;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

pub(crate) use blocks::Renderer;

/// HTML that will not change, in the order in which it is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// Elements that are complete.
    Block(String),
    /// The beginning of a block of code, up to and including `<code>`.
    CodeBegins(String),
    /// More of the code, with every element in it closed.
    Code(String),
    /// The end of the block of code.
    CodeEnds,
}

impl Sealed {
    /// The HTML to be written after what came before.
    pub(crate) fn as_html(&self) -> &str {
        match self {
            Self::Block(html) | Self::CodeBegins(html) | Self::Code(html) => html,
            Self::CodeEnds => code::END,
        }
    }
}

/// Whether code has colours. They cost more than everything else together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Colours {
    /// It has.
    #[default]
    On,
    /// It has not.
    Off,
}

/// A text that is complete.
pub(crate) fn whole(text: &str, colours: Colours) -> String {
    let mut renderer = Renderer::new(colours);
    renderer.push(text);
    renderer.finish();
    renderer.take().iter().map(Sealed::as_html).collect()
}

/// Text with everything escaped that HTML would understand, also within an attribute's quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    // Writing to memory cannot fail.
    let _infallible = maud::Escaper::new(&mut out).write_str(text);
    out
}
