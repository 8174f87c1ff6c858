//! `models.toml`: a catalogue that is accepted can be used.

use contract::{Catalogue, subjects};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let catalogue = match Catalogue::parse(text) {
        Ok(catalogue) => catalogue,
        Err(problem) => {
            assert!(!problem.to_string().is_empty(), "a refusal says why");
            return;
        }
    };
    let models: Vec<_> = catalogue.models().cloned().collect();
    assert!(!models.is_empty(), "there is a model");
    for model in &models {
        assert_eq!(catalogue.model(model.name.as_str()), Some(model), "names are unique");
        for upstream in &model.upstreams {
            let limits = &upstream.limits;
            assert!(limits.max_concurrency > 0);
            assert!(!limits.connect_timeout().is_zero() && !limits.total_timeout().is_zero());
            let authority = upstream.base_url.split('/').nth(2).unwrap_or_default();
            assert!(!authority.contains('@'), "no password in an address that is shown");
        }
    }
    for queue in catalogue.queues() {
        assert!(!subjects::queue_token(&queue).contains(['.', '*', '>', ' ']), "one level");
    }
    assert!(Catalogue::of(models).is_ok(), "what was accepted once is accepted again");
}
