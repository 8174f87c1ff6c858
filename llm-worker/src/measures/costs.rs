//! What tokens cost, where the catalogue has their prices.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use contract::{Catalogue, ModelName, Price};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};
use telemetry::names::app;

/// Counts in whole millionths of a USD, and keeps what is left over: many small answers add up.
#[derive(Debug)]
pub(super) struct Costs {
    counter: Counter<u64>,
    purses: OnceLock<HashMap<ModelName, Purse>>,
}

#[derive(Debug)]
struct Purse {
    price: Price,
    label: [KeyValue; 1],
    /// Less than one, and not counted yet.
    left_over: Mutex<f64>,
}

impl Costs {
    pub(super) fn new(meter: &Meter) -> Self {
        Self { counter: app::GEN_AI_COST.counter(meter), purses: OnceLock::new() }
    }

    /// The prices of a catalogue. Said once; a model without a price has no cost, not even none.
    pub(super) fn price(&self, catalogue: &Catalogue) {
        self.purses.get_or_init(|| {
            let purse = |(model, price): (&ModelName, Price)| {
                let label = [KeyValue::new(app::MODEL, model.to_string())];
                self.counter.add(0, &label);
                (model.clone(), Purse { price, label, left_over: Mutex::new(0.0) })
            };
            let priced = catalogue.models().filter_map(|model| Some((&model.name, model.price?)));
            priced.map(purse).collect()
        });
    }

    /// So many tokens were read and written.
    pub(super) fn spent(&self, model: &ModelName, read: u64, written: u64) {
        let Some(purse) = self.purses.get().and_then(|purses| purses.get(model)) else { return };
        let mut left_over = purse.left_over.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = *left_over + purse.price.micro_usd(read, written);
        let whole = owed.floor();
        *left_over = owed - whole;
        drop(left_over);
        self.counter.add(count_of(whole), &purse.label);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, not negative, and beyond 2^64 it stays there"
)]
fn count_of(whole: f64) -> u64 {
    whole as u64
}

#[cfg(test)]
mod tests {
    use telemetry::ServiceTelemetry;

    use super::*;

    #[test]
    fn small_answers_add_up_and_what_has_no_price_costs_nothing() {
        let telemetry = ServiceTelemetry::detached();
        let costs = Costs::new(telemetry.meter());
        let toml = "[[models]]\nname = \"m\"\n[models.price]\ninput_per_million_usd = 0.1\n\
                    output_per_million_usd = 0.4\n[[models]]\nname = \"free\"";
        costs.price(&Catalogue::parse(toml).unwrap());
        let model: ModelName = "m".parse().unwrap();
        let shown = |count: u64| {
            let line = format!("app_gen_ai_cost_total{{app_model=\"m\"}} {count}");
            telemetry.prometheus_text().lines().any(|found| found == line)
        };
        assert!(shown(0), "a price alone costs nothing, and is seen");

        for _small_answer in 0..1_000 {
            costs.spent(&model, 1, 1);
        }
        costs.spent(&"free".parse().unwrap(), 1_000, 1_000);

        assert!(shown(500) || shown(499), "{}", telemetry.prometheus_text());
        assert!(!telemetry.prometheus_text().contains("app_model=\"free\""));
        costs.spent(&model, 10_000_000, 0);
        assert!(shown(1_000_500) || shown(1_000_499), "{}", telemetry.prometheus_text());
    }
}
