//! An answer before it is sent: a list of tokens for each choice. No pace, no wire format.

use crate::tokens;

/// Everything that will be said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) prompt_tokens: u64,
}

/// One of the alternatives that were asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) said: Said,
    pub(crate) finish: Finish,
}

/// The tokens of a choice.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    /// `t0 t1 …`, so many of them, written when they are sent.
    Counted(u64),
    /// Any others.
    Pieces(Vec<Piece>),
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Reasoning(String),
    Text(String),
    CallStart { call: usize, id: String, name: String },
    CallArguments { call: usize, json: String },
}

/// Why a choice is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    ToolCalls,
}

impl Finish {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
        }
    }
}

impl Choice {
    /// How many tokens it has.
    pub(crate) fn tokens(&self) -> u64 {
        match &self.said {
            Said::Counted(tokens) => *tokens,
            Said::Pieces(pieces) => pieces.len() as u64,
        }
    }

    /// Says no more than `most` tokens.
    pub(crate) fn limit(&mut self, most: u64) {
        if self.tokens() <= most {
            return;
        }
        self.finish = Finish::Length;
        match &mut self.said {
            Said::Counted(tokens) => *tokens = most,
            Said::Pieces(pieces) => pieces.truncate(usize::try_from(most).unwrap_or(usize::MAX)),
        }
    }

    fn reasoning_tokens(&self) -> u64 {
        let Said::Pieces(pieces) = &self.said else { return 0 };
        pieces.iter().filter(|piece| matches!(piece, Piece::Reasoning(_))).count() as u64
    }
}

impl Answer {
    /// How many tokens the longest choice has.
    pub(crate) fn longest(&self) -> u64 {
        self.choices.iter().map(Choice::tokens).max().unwrap_or(0)
    }

    /// The `usage` member, as JSON text.
    pub(crate) fn usage(&self) -> String {
        let prompt = self.prompt_tokens;
        let completion: u64 = self.choices.iter().map(Choice::tokens).sum();
        let reasoning: u64 = self.choices.iter().map(Choice::reasoning_tokens).sum();
        let total = prompt + completion;
        format!(
            "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\
             \"total_tokens\":{total},\"prompt_tokens_details\":{{\"cached_tokens\":0}},\
             \"completion_tokens_details\":{{\"reasoning_tokens\":{reasoning}}}}}"
        )
    }
}

/// The text that counts to `tokens`.
pub(crate) fn counted(tokens: u64) -> String {
    (0..tokens).map(|token| format!("t{token} ")).collect()
}

/// Text as tokens.
pub(crate) fn text_pieces(text: &str) -> Vec<Piece> {
    tokens::split(text).map(|token| Piece::Text(token.to_owned())).collect()
}
