//! Why an answer has said nothing yet.

use crate::texts::answers as texts;

/// As far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nobody has it. So many are before it, at most.
    Queued(Option<u64>),
    /// Nobody is there who could take it.
    NoWorker,
    /// A model has it.
    Starting,
    /// A model has it, and its thoughts are heard.
    Thinking,
    /// Who had it is gone.
    Retrying,
}

impl Waiting {
    /// In a word, for the script: what is of another kind is news.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Queued(_) => "queued",
            Self::NoWorker => "no_worker",
            Self::Starting => "starting",
            Self::Thinking => "thinking",
            Self::Retrying => "retrying",
        }
    }

    /// For people.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Queued(None | Some(0)) => texts::WAITING.to_owned(),
            Self::Queued(Some(ahead)) => texts::waiting_behind(ahead),
            Self::NoWorker => texts::NO_WORKER.to_owned(),
            Self::Starting => texts::READING.to_owned(),
            Self::Thinking => texts::THINKING.to_owned(),
            Self::Retrying => texts::RETRYING.to_owned(),
        }
    }

    /// Whether a page that cannot take anything back says so behind `before`: another reason, or
    /// the first time that it is known how many are before it.
    pub(crate) fn is_news_behind(self, before: Self) -> bool {
        let known = |waits| matches!(waits, Self::Queued(Some(1..)));
        self.kind() != before.kind() || (known(self) && !known(before))
    }
}
