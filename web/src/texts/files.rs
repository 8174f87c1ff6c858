//! Files of a question.

use crate::files::{IMAGE_MIB, MIB, MOST, TEXT_MIB, TOGETHER_MIB};

pub(crate) const FILES: &str = "Files";
pub(crate) const CHOOSE: &str = "Images and text files";
pub(crate) const CHOSEN: &str = "Chosen files";
/// Of a chosen file; its name follows for whoever does not see it.
pub(crate) const REMOVE: &str = "Remove";
/// Files of the question that is written anew.
pub(crate) const SENT_AGAIN: &str = "Sent with it again";
/// To be followed by an address.
pub(crate) const ELSEWHERE: &str = "Image elsewhere:";
/// To follow a name.
pub(crate) const NOT_SHOWN: &str = "which is not shown";
/// What stands for a name.
pub(crate) const IMAGE: &str = "image";
pub(crate) const FILE: &str = "file";

// Why they were not sent, and what to do.
pub(crate) const TOO_LONG_WITH_FILES: &str =
    "With these files the conversation is too long to be sent.";
pub(crate) const SEND_FEWER: &str = "Send fewer or smaller ones, or begin anew.";
/// Where nothing was said before it.
pub(crate) const MESSAGE_TOO_LONG_WITH_FILES: &str =
    "With these files the message is too long to be sent.";
pub(crate) const SEND_LESS: &str = "Send fewer or smaller ones.";
pub(crate) const GO_BACK: &str = "Go back: what you wrote may still be there.";
pub(crate) const NO_SUCH_FILE: &str = "There is no such file.";
pub(crate) const WHY_NO_FILE: &str =
    "Its chat was deleted, is older than 30 days, or belongs to another browser.";

/// What can be chosen.
pub(crate) fn limits() -> String {
    format!(
        "Up to {MOST} files, {TOGETHER_MIB} MiB together: images (PNG, JPEG, WebP, GIF) of up to \
         {IMAGE_MIB} MiB, and text of up to {TEXT_MIB} MiB."
    )
}

/// Leads to the whole of a text of which the beginning is shown.
pub(crate) fn all_of(name: &str) -> String {
    format!("All of {}", isolated(name))
}

/// A file in one line.
pub(crate) fn named(name: &str, bytes: usize) -> String {
    format!("{}, {}", isolated(name), size(bytes))
}

pub(crate) fn too_many() -> String {
    format!("A message can have {MOST} files.")
}

pub(crate) fn too_large_together() -> String {
    format!("The files of a message can have {TOGETHER_MIB} MiB together.")
}

pub(crate) fn empty(name: &str) -> String {
    format!("The file {} is empty.", quoted(name))
}

pub(crate) fn image_too_large(name: &str) -> String {
    format!("The image {} is too large: it can have {IMAGE_MIB} MiB.", quoted(name))
}

pub(crate) fn text_too_large(name: &str) -> String {
    format!("The file {} is too large: text can have {TEXT_MIB} MiB.", quoted(name))
}

pub(crate) fn neither(name: &str) -> String {
    format!("The file {} is no image (PNG, JPEG, WebP or GIF) and no text in UTF-8.", quoted(name))
}

/// No page can give files back to a form.
pub(crate) fn choose_again(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().take(MOST).map(|name| quoted(name)).collect();
    format!("Choose your files again: {}.", names.join(", "))
}

/// A form of which nothing was read.
pub(crate) fn form_too_large() -> String {
    format!("This is too long to be sent: files can have {TOGETHER_MIB} MiB together.")
}

/// How large a file is.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        1024..MIB => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

fn quoted(name: &str) -> String {
    format!("“{}”", isolated(name))
}

/// A name in a sentence, whichever way each of them is read.
fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1025, "2 KiB"),
            (MIB * 3 / 2, "1.5 MiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
