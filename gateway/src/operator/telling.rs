//! Tells whoever asks what this gateway has counted.
//!
//! Figures are asked for when somebody looks, and not told every few seconds to whoever may be there:
//! while nobody looks that costs nothing, and what is shown is no older than the question. Who must
//! answer is known from the beats, so a question ends with the last answer; only a gateway that beats
//! and does not answer makes it wait for its time.

use std::sync::Arc;

use bus::{Bus, BusError};
use contract::GatewayId;
use contract::figures::{FIGURES_FORM, GatewayFigures, MOST_FIGURES_BYTES, ToldFigures};
use futures::{Stream, StreamExt as _};
use serde_json::value::RawValue;
use service_runtime::Shutdown;

use crate::measures::Measures;

/// Room for what stands beside the figures.
const ENVELOPE_BYTES: usize = 1024;

/// Who tells.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) gateway: GatewayId,
    pub(crate) bus: Bus,
    pub(crate) measures: Arc<Measures>,
}

impl Teller {
    /// Begins to listen; questions are answered while what this gives is run.
    pub(crate) async fn listen(
        self,
        until: Shutdown,
    ) -> Result<impl Future<Output = ()> + Send + 'static, BusError> {
        let questions = self.bus.figures_asked().await?;
        Ok(async move { self.answer(questions, until).await })
    }

    async fn answer(
        &self,
        mut questions: impl Stream<Item = bus::ReplyTo> + Unpin,
        until: Shutdown,
    ) {
        loop {
            let question = tokio::select! {
                question = questions.next() => question,
                () = until.requested() => return,
            };
            let Some(question) = question else { return };
            let most = MOST_FIGURES_BYTES.min(self.bus.max_payload());
            let most = most.saturating_sub(ENVELOPE_BYTES);
            let Some(figures) = written(self.measures.windows().figures(), most) else {
                tracing::warn!("the figures for operators are too large to be told");
                continue;
            };
            let told = ToldFigures {
                form: FIGURES_FORM,
                gateway: self.gateway,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                figures: &figures,
            };
            if let Err(error) = self.bus.tell_figures(question, &told).await {
                tracing::debug!(%error, "figures were not told: {error}");
            }
        }
    }
}

/// As JSON of at most so many bytes: where there is too much, the older half of the history is left
/// out, and again.
fn written(mut figures: GatewayFigures, most: usize) -> Option<Box<RawValue>> {
    loop {
        let json = serde_json::value::to_raw_value(&figures).ok()?;
        if json.get().len() <= most {
            return Some(json);
        }
        if figures.steps.is_empty() {
            return None;
        }
        figures.steps.drain(..figures.steps.len().div_ceil(2));
    }
}

#[cfg(test)]
mod tests {
    use contract::figures::{Histogram, StepFigures};

    use super::*;

    /// A step in which everything took a different time.
    fn full(at: u64) -> StepFigures {
        let mut to_first_token = Histogram::default();
        (0..230).for_each(|bucket| to_first_token.record(0.000_1 * 1.08_f64.powi(bucket)));
        StepFigures { at, to_first_token, ..StepFigures::default() }
    }

    #[test]
    fn where_there_is_too_much_the_oldest_is_left_out() {
        let steps: Vec<StepFigures> = (0..90).map(full).collect();
        let figures = GatewayFigures { steps, ..GatewayFigures::default() };
        let whole = serde_json::to_string(&figures).unwrap().len();

        let told = written(figures.clone(), whole / 2).unwrap();

        assert!(told.get().len() <= whole / 2);
        let read: GatewayFigures = serde_json::from_str(told.get()).unwrap();
        assert_eq!(read.steps, figures.steps[68..]);
        assert!(written(figures, 10).is_none());
    }
}
