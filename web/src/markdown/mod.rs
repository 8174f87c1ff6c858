//! What a model says, as HTML: rendered once, whichever way it travels.
//!
//! Text comes in any pieces. What can no longer change is sealed and handed out once; the rest is
//! the tail, at most a few kilobytes, which may be shown and replaced. Where text is cut into
//! blocks depends on the text alone and never on the pieces it came in, so an answer has the same
//! HTML streamed, reloaded, with JavaScript and without.
//!
//! The sealed pieces are a function of the text as well: those of its beginning are the first of
//! those of the whole, so a number of pieces is a place in an answer that outlives the process.
//!
//! # What is read
//!
//! * GitHub's markdown; formulas ([`math`]); addresses that stand in the text as they are.
//! * Footnotes look like some, and are no links: what is sealed cannot know what will follow.
//!   Nor can it know a definition of a link that stands in a later block: both stay text.
//!
//! # What never happens here
//!
//! * Nothing a model says becomes HTML of its own, an image, or a link other than http, https and
//!   mailto.
//! * No piece of text is parsed again once it is sealed.
//! * No text changes the order of what is outside of its block: a browser isolates blocks, and ends
//!   with them what controls of direction began. In code those controls, and what nobody sees, are
//!   shown by their number.

mod blocks;
mod code;
mod html;
mod links;
mod math;
mod tail;
#[cfg(test)]
mod tests;
mod text;
pub mod written;

use std::fmt::Write as _;

pub(crate) use blocks::Renderer;
pub(crate) use links::start_tag as link_begins;
pub(crate) use text::turns_order;

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
#[cfg(test)]
pub(crate) fn whole(text: &str, colours: Colours) -> String {
    let mut renderer = Renderer::new(colours);
    renderer.push(text);
    renderer.finish();
    renderer.take().iter().map(Sealed::as_html).collect()
}

/// What is sealed of a text that comes in these pieces, and whose end has not come yet; what its
/// end seals. For whoever tests the renderer from outside.
pub fn sealed_of<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (Vec<String>, Vec<String>) {
    let mut renderer = Renderer::default();
    let taken = |renderer: &mut Renderer| -> Vec<String> {
        renderer.take().iter().map(|sealed| sealed.as_html().to_owned()).collect()
    };
    let mut sealed = Vec::new();
    for piece in pieces {
        renderer.push(piece);
        sealed.extend(taken(&mut renderer));
        // Looking at it changes nothing.
        let _tail = (renderer.tail(), renderer.settled());
    }
    renderer.finish();
    (sealed, taken(&mut renderer))
}

/// Text with everything escaped that HTML would understand, also within an attribute's quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    // Writing to memory cannot fail.
    let _infallible = maud::Escaper::new(&mut out).write_str(text);
    out
}
