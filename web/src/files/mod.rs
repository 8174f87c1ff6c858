//! Files of a question: what may be sent, as the gateway takes it, and what is shown of it.
//!
//! Nothing here trusts a name or what a browser says of a file: an image is what begins like one,
//! and everything else is text or is refused.

mod attached;
mod image;
mod name;
mod upload;

pub(crate) use attached::{Attached, What, attached, data_of, parts};
pub(crate) use image::ImageType;
pub(crate) use upload::{Unfit, Upload, take};

/// Most files of one question.
pub(crate) const MOST: usize = 10;
/// Largest image, in MiB.
pub(crate) const IMAGE_MIB: usize = 4;
/// Largest file of text, in MiB.
pub(crate) const TEXT_MIB: usize = 1;
/// Largest all together, in MiB. In base64 they are a third more, and a gateway takes no question
/// that is over 8 MiB with the conversation before it.
pub(crate) const TOGETHER_MIB: usize = 5;

/// One MiB.
pub(crate) const MIB: usize = 1024 * 1024;
