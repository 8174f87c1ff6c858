//! The places of a worker, as a drawing beside the numbers.

use maud::{Markup, html};

use crate::texts;

/// More than that are a bar.
const MOST_DRAWN: f64 = 24.0;
const CELL: f64 = 8.0;

/// So many of so many are taken.
pub(crate) fn slots(busy: f64, all: f64) -> Markup {
    let (all, busy) = (all.clamp(0.0, 1e6).round(), busy.clamp(0.0, 1e6).round());
    let (cells, wide) =
        if all <= MOST_DRAWN { (all as usize, CELL - 2.0) } else { (1, MOST_DRAWN * CELL - 2.0) };
    let width = cells as f64 * (wide + 2.0);
    let taken = if cells == 1 && all > 0.0 { busy / all } else { busy };
    html! {
        @if cells > 0 {
            svg.slots viewBox={ "0 0 " (width) " 12" } width=(width) height="12" aria-hidden="true" {
                @for cell in 0..cells {
                    @let x = cell as f64 * (wide + 2.0);
                    @let part = (taken - cell as f64).clamp(0.0, 1.0);
                    rect.free x=(x) y="0" width=(wide) height="12" rx="1.5" {}
                    @if part > 0.0 {
                        rect.taken x=(x) y="0" width=(wide * part) height="12" rx="1.5" {}
                    }
                }
            }
        }
        " " (texts::figures::of(busy, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_is_drawn_and_many_are_a_bar() {
        let html = slots(3.0, 8.0).into_string();
        assert_eq!((html.matches("\"free\"").count(), html.matches("\"taken\"").count()), (8, 3));
        assert!(html.ends_with(" 3 of 8"), "{html}");

        let many = slots(50.0, 200.0).into_string();
        assert!(many.contains("class=\"taken\" x=\"0\" y=\"0\" width=\"47.5\""), "{many}");
        assert_eq!(slots(0.0, 0.0).into_string(), " 0 of 0");
        assert!(slots(9.0, 1.0).into_string().contains("width=\"6\""));
    }
}
