//! Asks the other gateways what they have counted.

use std::time::Duration;

use bus::Bus;
use contract::figures::{FIGURES_FORM, GatewayFigures, ToldFigures};
use contract::{GatewayBeat, GatewayId};
use futures::StreamExt as _;
use serde_json::value::RawValue;
use tokio::time::Instant;

/// Longest wait for one that beats and does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// What the others have counted, and what is missing.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) figures: Vec<GatewayFigures>,
    pub(super) missing: Vec<String>,
}

/// Asks those that are alive, this one left aside.
pub(super) async fn ask(bus: &Bus, this: GatewayId, living: Vec<GatewayBeat>) -> Heard {
    let mut heard = Heard::default();
    let mut awaited = Vec::new();
    for other in living.into_iter().filter(|beat| beat.gateway != this) {
        // It cannot be asked: it is of a version that does not even say which.
        if other.version.is_empty() {
            heard.missing.push(format!(
                "Gateway {} is of a version that tells no figures: what it answers is not in these.",
                other.gateway
            ));
        } else {
            awaited.push(other.gateway);
        }
    }
    if awaited.is_empty() {
        return heard;
    }
    let until = Instant::now() + ANSWERS_WITHIN;
    match bus.ask_figures().await {
        Ok(mut answers) => {
            while !awaited.is_empty() {
                let Ok(Some(answer)) = tokio::time::timeout_at(until, answers.next()).await else {
                    break;
                };
                heard.read(&answer, &mut awaited);
            }
        }
        Err(error) => tracing::debug!(%error, "other gateways were not asked: {error}"),
    }
    for silent in awaited {
        heard.missing.push(format!(
            "Gateway {silent} does not answer: what it has counted is not in these figures."
        ));
    }
    heard
}

impl Heard {
    /// Reads an answer of one that is awaited, which it then is no more.
    fn read(&mut self, answer: &[u8], awaited: &mut Vec<GatewayId>) {
        let Ok(told) = serde_json::from_slice::<ToldFigures<'_>>(answer) else {
            tracing::warn!("figures of another gateway cannot be read");
            return;
        };
        let before = awaited.len();
        awaited.retain(|gateway| *gateway != told.gateway);
        if awaited.len() == before {
            return;
        }
        match figures_in(told.form, told.figures) {
            Some(figures) => self.figures.push(figures),
            None => self.missing.push(format!(
                "Gateway {} (version {}) tells its figures in a form that is not known here: they \
                 are not in these.",
                told.gateway, told.version
            )),
        }
    }
}

fn figures_in(form: u32, json: &RawValue) -> Option<GatewayFigures> {
    if form != FIGURES_FORM {
        return None;
    }
    let read = serde_json::from_str(json.get());
    read.inspect_err(|error| tracing::warn!(%error, "figures cannot be read: {error}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_not_known_is_named_and_others_count() {
        let (new, same, stranger) = (GatewayId::fresh(), GatewayId::fresh(), GatewayId::fresh());
        let figures = serde_json::to_string(&GatewayFigures::default()).unwrap();
        let told = |form: u32, gateway: GatewayId, figures: &str| {
            let told = format!(
                r#"{{"form":{form},"gateway":"{gateway}","version":"9","figures":{figures}}}"#
            );
            told.into_bytes()
        };
        let (mut heard, mut awaited) = (Heard::default(), vec![new, same]);

        heard.read(b"?", &mut awaited);
        heard.read(&told(FIGURES_FORM, stranger, &figures), &mut awaited);
        assert_eq!((heard.figures.len(), awaited.len()), (0, 2), "nobody asked them");
        heard.read(&told(2, new, r#"{"all":"new"}"#), &mut awaited);
        heard.read(&told(FIGURES_FORM, same, &figures), &mut awaited);
        heard.read(&told(FIGURES_FORM, same, &figures), &mut awaited);

        assert_eq!((heard.figures.len(), awaited.len()), (1, 0), "each counts once");
        let missing = heard.missing.join("\n");
        assert!(missing.contains(&format!("Gateway {new} (version 9)")), "{missing}");
        assert_eq!(heard.missing.len(), 1);
    }
}
