//! What an answer took: one line below it, which unfolds.

use maud::{Markup, html};

use super::figures::{count, rate, seconds};
use super::waterfall::{swatch, waterfall};
use crate::receipt::Receipt;
use crate::texts;

/// The receipt.
pub(crate) fn receipt(receipt: &Receipt) -> Markup {
    let stages = receipt.stages();
    let (tokens_in, tokens_out) = (receipt.input_tokens, receipt.output_tokens);
    html! {
        // Not in the direction of the answer: it is ours.
        details.receipt dir="ltr" {
            summary {
                span.unseen { (texts::receipts::TOOK) " " }
                (seconds(stages.duration()))
                @if let Some(speed) = receipt.tokens_per_second { " · " (texts::receipts::speed(&rate(speed))) }
            }
            div.took {
                (waterfall(&stages, stages.duration()))
                table.stages {
                    caption.unseen { (texts::receipts::WHERE_TIME_WENT) }
                    thead.unseen { tr { th scope="col" { (texts::receipts::STAGE) } th scope="col" { (texts::receipts::TIME) } } }
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
                    @if let Some(model) = &receipt.model { (fact(texts::receipts::MODEL, model)) }
                    @if let Some(upstream) = &receipt.upstream { (fact(texts::receipts::UPSTREAM, upstream)) }
                    @if let Some(attempt) = receipt.attempt { (fact(texts::receipts::ATTEMPT, &count(attempt))) }
                    @if let Some(tokens) = tokens_in { (fact(texts::receipts::TOKENS_IN, &count(tokens))) }
                    @if let Some(tokens) = tokens_out { (fact(texts::receipts::TOKENS_OUT, &count(tokens))) }
                    @if let Some(trace) = &receipt.trace_id {
                        div { dt { (texts::receipts::TRACE) } dd { code.whole { (trace) } } }
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
