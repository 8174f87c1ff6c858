"""How pods end: ways to break the rules of policy/ends.py."""

from sabotage.breaking import FIRST, POD, at, edit, environment, without_variable

DRAIN = "there_is_time_to_drain"

WAYS = [
    (
        DRAIN,
        "killed too early",
        at("Deployment", "gateway", *POD, "terminationGracePeriodSeconds", value=600),
    ),
    (
        DRAIN,
        "no time of its own",
        at("Deployment", "llm-worker", *POD, "terminationGracePeriodSeconds"),
    ),
    (
        DRAIN,
        "a longer pause",
        at("Deployment", "web", *FIRST, "lifecycle", "preStop", "sleep", "seconds", value=30),
    ),
    (
        DRAIN,
        "a drain by default",
        lambda bundle: without_variable(bundle, "gateway", "GATEWAY_DRAIN_MS"),
    ),
    (
        "who_is_called_waits_before_it_ends",
        "no pause",
        at("Deployment", "gateway", *FIRST, "lifecycle"),
    ),
    (
        "who_is_called_waits_before_it_ends",
        "a shell",
        at(
            "Deployment",
            "web",
            *FIRST,
            "lifecycle",
            "preStop",
            value={"exec": {"command": ["sleep", "5"]}},
        ),
    ),
    (
        "the_longest_answer_is_drained",
        "a short drain",
        environment("llm-worker", "LLM_WORKER_DRAIN_MS", "30000"),
    ),
    (
        "the_longest_answer_is_drained",
        "a patient upstream",
        lambda bundle: edit(
            bundle, "models", "models.toml", "api_key_env", "total_timeout_ms = 900000\napi_key_env"
        ),
    ),
    (
        "new_ones_come_before_old_ones_go",
        "old ones go first",
        at("Deployment", "gateway", "spec", "strategy", "rollingUpdate", "maxUnavailable", value=1),
    ),
]
