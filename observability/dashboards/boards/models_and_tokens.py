"""How fast which model answers, with how many tokens, at what price."""

from panels import board, board_link, heat_map, lines, row, runbook, tile, traces
from promql import heat, increase, most, quantile, rate, told, total

ASKED = 'gen_ai_request_model=~"$model"'
OURS = 'app_model=~"$model"'
MODEL = ("gen_ai_request_model",)
CALLS = traces("Calls as traces", '{ resource.service.name = "llm-worker" && kind = client }')
FAILED = traces(
    "Failed calls as traces", '{ resource.service.name = "llm-worker" && status = error }'
)
QUEUE = board_link("queue-and-workers", "Queue and workers")
REQUEST = "gen_ai_server_request_duration_seconds"
CALL = "gen_ai_client_operation_duration_seconds"
COST = "app_gen_ai_cost_total"
LEGEND = "{{gen_ai_request_model}}"

PANELS = [
    row("Requests"),
    lines(
        "Requests by model",
        "reqps",
        "Answers that ended each second. Names that the catalogue does not have are `other`.",
        [(LEGEND, total(rate(f"{REQUEST}_count", ASKED), MODEL))],
        [CALLS, QUEUE],
    ),
    lines(
        "Errors by model",
        "percentunit",
        "Share of answers of each model that ended with an error.",
        [
            (
                LEGEND,
                total(rate(f"{REQUEST}_count", ASKED, 'error_type!=""'), MODEL)
                + " / "
                + total(rate(f"{REQUEST}_count", ASKED), MODEL),
            )
        ],
        [runbook("model-down"), FAILED],
    ),
    lines(
        "Failed calls, by error",
        "reqps",
        "Calls to model servers that failed each second, by what the worker made of it. A call that"
        " fails is not yet an answer that does: another upstream may give it.",
        [
            (
                f"{LEGEND}: {{{{error_type}}}}",
                total(rate(f"{CALL}_count", ASKED, 'error_type!=""'), (*MODEL, "error_type")),
            )
        ],
        [runbook("model-down"), FAILED],
    ),
    lines(
        "Whole answers",
        "s",
        "From the request to the end of the answer, queue included.",
        [
            (f"p50 {LEGEND}", quantile(0.5, REQUEST, ASKED, by=MODEL)),
            (f"p95 {LEGEND}", quantile(0.95, REQUEST, ASKED, by=MODEL)),
        ],
        [runbook("model-slow"), CALLS],
    ),
    lines(
        "Calls to models",
        "s",
        "From a worker's call to its end, without the queue.",
        [
            (f"p50 {LEGEND}", quantile(0.5, CALL, ASKED, by=MODEL)),
            (f"p95 {LEGEND}", quantile(0.95, CALL, ASKED, by=MODEL)),
        ],
        [runbook("model-slow"), CALLS],
    ),
    lines(
        "Share of the queue",
        "percentunit",
        "What part of the time of an answer is not the model's: queue and platform.",
        [
            (
                LEGEND,
                "clamp_min(1 - "
                + total(rate(f"{CALL}_sum", ASKED), MODEL)
                + " / "
                + total(rate(f"{REQUEST}_sum", ASKED), MODEL)
                + ", 0)",
            )
        ],
        [runbook("queue-growing"), QUEUE],
    ),
    row("First token, and each after it"),
    heat_map(
        "First token at the edge",
        "s",
        "As callers see it, queue included.",
        heat("gen_ai_server_time_to_first_token_seconds", ASKED),
        [runbook("ttft-burn"), CALLS],
    ),
    heat_map(
        "First chunk of the model",
        "s",
        "As workers see it. What is in the map beside it and not here is queue and platform.",
        heat("gen_ai_client_operation_time_to_first_chunk_seconds", ASKED),
        [runbook("model-slow"), CALLS],
    ),
    lines(
        "Time per output token",
        "s",
        "Each token after the first, on average over an answer, as callers see it.",
        [
            (f"p50 {LEGEND}", quantile(0.5, "gen_ai_server_time_per_output_token_seconds", ASKED, by=MODEL)),
            (f"p95 {LEGEND}", quantile(0.95, "gen_ai_server_time_per_output_token_seconds", ASKED, by=MODEL)),
        ],
        [runbook("model-slow"), CALLS],
    ),
    lines(
        "Longest silence within a stream (p99)",
        "s",
        "Of a hundred streams, the one with the longest silence but none.",
        [
            (
                "{{app_model}}",
                quantile(0.99, "app_stream_stall_seconds", OURS, 'job="gateway"', by=("app_model",)),
            )
        ],
        [runbook("stream-stalls"), CALLS],
    ),
    lines(
        "First token by model (p95)",
        "s",
        "As callers see it.",
        [(LEGEND, quantile(0.95, "gen_ai_server_time_to_first_token_seconds", ASKED, by=MODEL))],
        [runbook("ttft-burn"), CALLS],
    ),
    row("Tokens and their price"),
    lines(
        "Tokens each second",
        "short",
        "Tokens that models read and wrote each second, where they say so.",
        [
            (
                "{{app_model}}, {{gen_ai_token_type}}",
                total(rate("app_tokens_total", OURS), ("app_model", "gen_ai_token_type")),
            )
        ],
        [runbook("cost-spike"), CALLS],
        stacked=True,
    ),
    lines(
        "Tokens of one call",
        "short",
        "How long prompts and answers are.",
        [
            (
                "p50 {{gen_ai_token_type}}",
                quantile(0.5, "gen_ai_client_token_usage", ASKED, by=("gen_ai_token_type",)),
            ),
            (
                "p95 {{gen_ai_token_type}}",
                quantile(0.95, "gen_ai_client_token_usage", ASKED, by=("gen_ai_token_type",)),
            ),
        ],
        [CALLS],
    ),
    lines(
        "Price of an hour",
        "currencyUSD",
        "What tokens cost in an hour at the present rate, by the prices of the catalogue.",
        [("{{app_model}}", "3600 * " + total(rate(COST, OURS), ("app_model",)) + " / 1e6")],
        [runbook("cost-spike")],
    ),
    tile(
        "Price of 1,000 requests",
        "currencyUSD",
        "Over the time that is shown, by the prices of the catalogue.",
        "1000 * "
        + total(increase(COST, OURS, window="$__range"))
        + " / 1e6 / "
        + total(increase(f"{REQUEST}_count", ASKED, window="$__range")),
        [runbook("cost-spike")],
        size=(8, 8),
    ),
    row("Upstreams"),
    lines(
        "Calls by upstream and status",
        "reqps",
        "What model servers answered, up to the head of their response.",
        [
            (
                "{{app_upstream}}: {{http_response_status_code}}{{error_type}}",
                total(
                    rate("http_client_request_duration_seconds_count", 'job="llm-worker"'),
                    ("app_upstream", "http_response_status_code", "error_type"),
                ),
            )
        ],
        [runbook("model-down"), FAILED],
    ),
    lines(
        "Time to the head of their response (p95)",
        "s",
        "By upstream.",
        [
            (
                "{{app_upstream}}",
                quantile(
                    0.95, "http_client_request_duration_seconds", 'job="llm-worker"', by=("app_upstream",)
                ),
            )
        ],
        [runbook("model-slow"), CALLS],
    ),
    lines(
        "Calls that went to another upstream",
        "reqps",
        "By the error of the one before.",
        [
            (
                "{{app_model}}: {{error_type}}",
                total(rate("app_upstream_fallbacks_total", OURS), ("app_model", "error_type")),
            )
        ],
        [runbook("model-down"), FAILED],
    ),
    lines(
        "Upstreams that are left alone",
        "short",
        "1 while the circuit of an upstream is open at some worker: it failed too often.",
        [
            (
                "{{app_model}}: {{app_upstream}}",
                most(told("app_upstream_open", OURS), ("app_model", "app_upstream")),
            )
        ],
        [runbook("model-down"), FAILED],
    ),
]

BOARD = board(
    "models-and-tokens",
    "models and tokens",
    "How fast which model answers, with how many tokens, at what price.",
    PANELS,
)
