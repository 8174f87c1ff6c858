//! What a catalogue may say, and what is told of one that cannot be used.

use super::*;

const TWO_MODELS: &str = r#"
        [[models]]
        name = "embedder"
        capabilities = ["embeddings"]
        [[models.upstreams]]
        base_url = "http://127.0.0.1:11434/v1"

        [[models]]
        name = "llama3"
        queue = "gpu"
        [[models.upstreams]]
        base_url = "https://one.example/v1"
        name = "llama3:8b"
        weight = 3
        idle_timeout_ms = 5000
        [[models.upstreams]]
        base_url = "https://two.example/v1"
        api_key_env = "TWO_KEY"
    "#;

#[test]
fn what_is_not_said_has_a_sensible_value() {
    let catalogue = Catalogue::parse(TWO_MODELS).unwrap();

    let llama = catalogue.model("llama3").unwrap();
    assert_eq!(llama.capabilities, [Capability::Chat]);
    assert_eq!(llama.upstreams[0].limits.idle_timeout(), Duration::from_secs(5));
    assert_eq!(llama.upstreams[1].limits, UpstreamLimits::default());
    assert_eq!(catalogue.model("embedder").unwrap().queue.as_str(), "default");
    let names: Vec<_> = catalogue.models().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["llama3", "embedder"], "chat models first");
    assert_eq!(catalogue.queues().len(), 2);
}

#[test]
fn the_hash_is_about_names_queues_and_capabilities_only() {
    let hash = Catalogue::parse(TWO_MODELS).unwrap().hash();

    let other_upstream = TWO_MODELS.replace("two.example", "three.example");
    let other_queue = TWO_MODELS.replace("\"gpu\"", "\"cpu\"");
    assert_eq!(Catalogue::parse(&other_upstream).unwrap().hash(), hash);
    assert_ne!(Catalogue::parse(&other_queue).unwrap().hash(), hash);
    assert_eq!(hash.to_string().len(), 12);
}

#[test]
fn a_price_is_two_figures_that_are_not_negative() {
    let priced = |price: &str| {
        Catalogue::parse(&format!("[[models]]\nname = \"m\"\n[models.price]\n{price}"))
    };
    let price = |text: &str| priced(text).unwrap().model("m").unwrap().price.unwrap();
    let both = price("input_per_million_usd = 0.15\noutput_per_million_usd = 2");
    assert!((both.micro_usd(1_000, 10) - 170.0).abs() < 1e-9);
    assert!(price("input_per_million_usd = 0.15").micro_usd(0, 10) < 1e-9);
    assert_eq!(Catalogue::parse(TWO_MODELS).unwrap().model("llama3").unwrap().price, None);

    for wrong in ["-0.01", "nan", "inf", "1000001.0"] {
        let text = format!("input_per_million_usd = {wrong}\noutput_per_million_usd = {wrong}");
        let CatalogueProblem(problems) = priced(&text).unwrap_err();
        assert_eq!(problems.len(), 2, "{wrong}: {problems:#?}");
        assert!(problems[0].contains("`price.input_per_million_usd`"), "{problems:#?}");
    }
    let CatalogueProblem(problems) = priced("").unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    for told in ["model `m`", "`price` is empty", "`input_per_million_usd`"] {
        assert!(problem.contains(told), "{problem}");
    }
    assert!(price("output_per_million_usd = 0").micro_usd(10, 10) < 1e-9, "free, and said so");
    for wrong in ["output_per_million = 1.0", "input_per_million_usd = \"1\""] {
        assert!(priced(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_key_that_was_written_into_the_file_is_not_repeated() {
    for (wrong, told) in [
        (TWO_MODELS.replace("\"TWO_KEY\"", "\"hunter-2\""), "the name of a variable"),
        (TWO_MODELS.replace("\"TWO_KEY\"", "\"Hunter2\""), "the name of a variable"),
        (
            TWO_MODELS.replace("api_key_env = \"TWO_KEY\"", "api_key = \"hunter2\""),
            "unknown field `api_key`",
        ),
        (TWO_MODELS.replace("\"TWO_KEY\"", "hunter2"), "line 18, "),
        (TWO_MODELS.replace("two.example/v1", "two.example/v1?key=hunter2"), "ends in /v1"),
    ] {
        let problem = Catalogue::parse(&wrong).unwrap_err().to_string();
        assert!(problem.contains(told), "{problem}");
        assert!(!problem.to_lowercase().contains("hunter"), "{problem}");
    }
}

#[test]
fn every_broken_rule_is_named() {
    let text = r#"
            [[models]]
            name = "a"
            [[models.upstreams]]
            base_url = "ftp://x"
            max_concurrency = 0
            [[models]]
            name = "a"
            capabilities = []
        "#;

    let CatalogueProblem(problems) = Catalogue::parse(text).unwrap_err();

    assert_eq!(problems.len(), 4, "{problems:#?}");
    let secret = TWO_MODELS.replace("//one.example", "//user:secret@one.example");
    let CatalogueProblem(problems) = Catalogue::parse(&secret).unwrap_err();
    assert!(problems.iter().all(|problem| !problem.contains("secret")), "{problems:#?}");
    let typo = TWO_MODELS.replace("idle_timeout_ms", "idel_timeout_ms");
    assert!(Catalogue::parse(&typo).is_err(), "a misspelt member is refused, not ignored");
    for text in ["", "[[models]]\nnam = 1", "[[models]]\nname = \"\"", "models = 3", "[["] {
        assert!(Catalogue::parse(text).is_err(), "{text}");
    }
}
