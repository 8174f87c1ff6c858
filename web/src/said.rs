//! What is said in an answer, piece by piece, and how it ends.

use crate::receipt::Receipt;

/// One thing that is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A worker has it.
    Begun,
    /// Part of the answer.
    Text(String),
    /// Part of the thoughts before it.
    Reasoning(String),
    /// Part of why it does not answer.
    Refusal(String),
    /// A call of a tool begins.
    Tool(String),
    /// More of the arguments of the call that began last.
    Arguments(String),
    /// What was said so far is not gone on with: if anything follows, another worker has begun anew.
    CutShort,
    /// What was said so far is not kept: another worker had begun anew, and said nothing.
    NothingLeft,
    /// What it took; the gateway says this, not the model.
    Receipt(Box<Receipt>),
    /// It is over.
    End(Ending),
}

impl Said {
    /// The beginning of it, of at most so many bytes.
    pub(crate) fn cut(&self, most: usize) -> Self {
        let cut = |text: &String| text[..text.floor_char_boundary(most)].to_owned();
        match self {
            Self::Text(text) => Self::Text(cut(text)),
            Self::Reasoning(text) => Self::Reasoning(cut(text)),
            Self::Refusal(text) => Self::Refusal(cut(text)),
            Self::Tool(text) => Self::Tool(cut(text)),
            Self::Arguments(text) => Self::Arguments(cut(text)),
            other => other.clone(),
        }
    }

    /// How much of it is said by the model.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text)
            | Self::Reasoning(text)
            | Self::Refusal(text)
            | Self::Tool(text)
            | Self::Arguments(text) => text.len(),
            Self::Begun | Self::CutShort | Self::NothingLeft | Self::Receipt(_) | Self::End(_) => 0,
        }
    }
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model has said what it says.
    Complete,
    /// The model may not say more.
    Length,
    /// Somebody filters what the model says.
    Filtered,
    /// Somebody has heard enough.
    Stopped,
    /// There is no more of it.
    Failed {
        /// For a program.
        code: Option<String>,
        /// For a person.
        message: Option<String>,
    },
    /// It is longer than we show.
    TooLong,
    /// It cannot be read any further here; it may go on.
    Lost(Why),
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is none, or it is somebody else's.
    Gone,
    /// Its conversation was deleted while it was read.
    Deleted,
    /// The gateway does not let us in.
    Key,
    /// No gateway can be reached.
    Gateway,
}
