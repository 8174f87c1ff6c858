//! Where the time of an answer went, as a drawing. The numbers stand in a table beside it.

use maud::{Markup, html};

use crate::receipt::Stages;

const WIDTH: f64 = 1000.0;

/// The stages of one answer behind each other; `whole` is what the full width means, in seconds.
pub(crate) fn waterfall(stages: &Stages, whole: f64) -> Markup {
    let scale = if whole > 0.0 { WIDTH / whole } else { 0.0 };
    let mut begin = 0.0;
    let parts = stages.named().map(|(class, _, seconds)| {
        let x = begin;
        begin += seconds * scale;
        // A line at least, for what took time at all.
        (class, x, if seconds > 0.0 { (seconds * scale).max(2.0) } else { 0.0 })
    });
    html! {
        svg.waterfall viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            rect.rail x="0" y="0" width=(WIDTH) height="10" {}
            @for (class, x, width) in parts.into_iter().filter(|(_, _, width)| *width > 0.0) {
                rect.(class) x=(round(x)) y="0" width=(round(width)) height="10" {}
            }
        }
    }
}

/// What the colours mean.
pub(crate) fn key_to_stages() -> Markup {
    html! {
        ul.key {
            @for (class, name, _) in Stages::default().named() {
                li { (swatch(class)) (name) }
            }
        }
    }
}

/// The colour of one stage.
pub(crate) fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" {
            rect.(class) width="10" height="10" rx="2" {}
        }
    }
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let stages = Stages::of(1.0, Some(0.25), Some(0.25), Some(0.5));

        let html = waterfall(&stages, 2.0).into_string();

        assert!(html.contains("class=\"queue\" x=\"0\" y=\"0\" width=\"125\""), "{html}");
        assert!(html.contains("class=\"model\" x=\"125\" y=\"0\" width=\"125\""), "{html}");
        assert!(html.contains("class=\"speaking\" x=\"250\" y=\"0\" width=\"250\""), "{html}");
        assert!(!html.contains("class=\"platform\""), "what took no time is not drawn: {html}");
        assert!(!waterfall(&Stages::default(), 0.0).into_string().contains("NaN"));
    }
}
