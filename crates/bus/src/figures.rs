//! What gateways ask each other: what have you counted? Not stored; whoever wants to know asks again.

use bytes::Bytes;
use contract::figures::ToldFigures;
use contract::subjects;
use futures::{Stream, StreamExt as _};

use crate::mail::ReplyTo;
use crate::{Bus, BusError};

impl Bus {
    /// Asks every gateway, itself included, what it has counted. Their answers come as they were
    /// sent, in any order and without an end: who asks knows how many to expect, and for how long.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn ask_figures(
        &self,
    ) -> Result<impl Stream<Item = Bytes> + Send + Unpin + use<>, BusError> {
        let inbox = self.client.new_inbox();
        let answers = self.subscribe(inbox.clone()).await?;
        let ask = subjects::ASK_FIGURES;
        let asked = self.client.publish_with_reply(ask, inbox, Bytes::new()).await;
        asked.map_err(BusError::unavailable)?;
        // When nobody hears it the server says so, without a payload.
        Ok(answers.filter_map(|answer| {
            std::future::ready(Some(answer.payload).filter(|payload| !payload.is_empty()))
        }))
    }

    /// Where those want to be answered who ask.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn figures_asked(
        &self,
    ) -> Result<impl Stream<Item = ReplyTo> + Send + Unpin + use<>, BusError> {
        let questions = self.subscribe(subjects::ASK_FIGURES.to_owned()).await?;
        Ok(questions.filter_map(|question| std::future::ready(question.reply.map(ReplyTo))))
    }

    /// Answers one of them.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn tell_figures(
        &self,
        to: ReplyTo,
        figures: &ToldFigures<'_>,
    ) -> Result<(), BusError> {
        self.send(to.0.to_string(), figures).await
    }
}
