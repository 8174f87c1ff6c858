//! What an answer took: one line below it, which unfolds.

use maud::{Markup, html};

use super::figures::{count, rate, seconds};
use super::waterfall::{swatch, waterfall};
use crate::receipt::Receipt;

/// The receipt.
pub(crate) fn receipt(receipt: &Receipt) -> Markup {
    let stages = receipt.stages();
    let (tokens_in, tokens_out) = (receipt.input_tokens, receipt.output_tokens);
    html! {
        // Not in the direction of the answer: it is ours.
        details.receipt dir="ltr" {
            summary {
                span.unseen { "What this answer took: " }
                (seconds(stages.duration()))
                @if let Some(speed) = receipt.tokens_per_second { " · " (rate(speed)) " tokens/s" }
            }
            div.took {
                (waterfall(&stages, stages.duration()))
                table.stages {
                    caption.unseen { "Where the time went" }
                    thead.unseen { tr { th scope="col" { "Stage" } th scope="col" { "Time" } } }
                    tbody {
                        @for (class, name, took) in stages.named() {
                            tr {
                                th scope="row" { (swatch(class)) (name) }
                                td.right { (seconds(took)) }
                            }
                        }
                    }
                }
                dl {
                    @if let Some(model) = &receipt.model { (fact("Model", model)) }
                    @if let Some(upstream) = &receipt.upstream { (fact("Upstream", upstream)) }
                    @if let Some(attempt) = receipt.attempt { (fact("Attempt", &count(attempt))) }
                    @if let Some(tokens) = tokens_in { (fact("Tokens in", &count(tokens))) }
                    @if let Some(tokens) = tokens_out { (fact("Tokens out", &count(tokens))) }
                    @if let Some(trace) = &receipt.trace_id {
                        div { dt { "Trace" } dd { code.whole { (trace) } } }
                    }
                }
            }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_that_unfolds_and_all_of_it_is_text() {
        let took = Receipt {
            upstream: Some("<script>".into()),
            trace_id: Some("<script>".into()),
            duration_ms: Some(1234.0),
            tokens_per_second: Some(48.2),
            ..Receipt::default()
        };

        let html = receipt(&took).into_string();

        assert!(html.contains("1.2 s · 48 tokens/s</summary>"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 2, "{html}");
        assert!(!html.contains("<script>") && !html.contains("Tokens in"), "{html}");
    }
}
