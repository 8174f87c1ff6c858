"""Whether people get answers, and if not, why."""

from panels import board, board_link, heat_map, lines, logs, row, runbook, table, tile, traces
from promql import heat, increase, most, quantile, quantiles, rate, share, told, total

API = 'http_route=~"/v1/(chat/completions|responses|embeddings)"'
POST = 'http_request_method="POST"'
REQUESTS = "http_server_request_duration_seconds"
TTFT = "gen_ai_server_time_to_first_token_seconds"
SHOWN = "$__range"

QUEUE = board_link("queue-and-workers", "Queue and workers")
MODELS = board_link("models-and-tokens", "Models and tokens")
FAILED = traces("Failed requests as traces", '{ resource.service.name = "gateway" && status = error }')
SLOW = traces(
    "Slow requests as traces", '{ resource.service.name = "gateway" && kind = server && duration > 5s }'
)
WARNINGS = logs(
    "Warnings and errors in the log", '{service_name=~".+"} | severity_number >= 13'
)


def objective(good):
    """Colours of a share: bad, at its edge, good."""
    return [("red", None), ("yellow", good), ("green", 1 - (1 - good) / 2)]


PANELS = [
    row("Objectives, over the time that is shown"),
    tile(
        "Accepted",
        "percentunit",
        "Share of POSTs of chat completions, responses and embeddings that were not answered with a"
        " 5xx. Objective: 99.9 %.",
        "1 - " + share(
            increase(f"{REQUESTS}_count", API, POST, 'http_response_status_code=~"5.."', window=SHOWN),
            increase(f"{REQUESTS}_count", API, POST, window=SHOWN),
        ),
        [runbook("accept-burn"), FAILED],
        objective(0.999),
    ),
    tile(
        "Answered",
        "percentunit",
        "Share of jobs that did not end with an error and were not left without a queue. Who leaves, or"
        " cancels, or lets it go on in the background, has lost nothing. Objective: 99.5 %.",
        "1 - " + share(
            increase("app_jobs_settled_total", 'app_outcome=~"failed|not_queued"', window=SHOWN),
            increase("app_jobs_settled_total", window=SHOWN),
        ),
        [runbook("answer-burn"), FAILED],
        objective(0.995),
    ),
    tile(
        "First token in 2.5 s",
        "percentunit",
        "Share of streams whose first token was there within 2.5 s, as callers see it. Objective: 95 %.",
        share(
            increase(f"{TTFT}_bucket", 'le="2.5"', 'gen_ai_request_model=~"$model"', window=SHOWN),
            increase(f"{TTFT}_count", 'gen_ai_request_model=~"$model"', window=SHOWN),
        ),
        [runbook("ttft-burn"), SLOW],
        objective(0.95),
    ),
    tile(
        "Flowing streams",
        "percentunit",
        "Share of streams whose longest silence was under 2 s. Objective: 99 %.",
        share(
            # Prometheus 3 writes every bound as a float.
            increase("app_stream_stall_seconds_bucket", 'job="gateway"', 'le=~"2|2.0"', window=SHOWN),
            increase("app_stream_stall_seconds_count", 'job="gateway"', window=SHOWN),
        ),
        [runbook("stream-stalls"), MODELS],
        objective(0.99),
    ),
    tile(
        "Error budget of accepting",
        "percentunit",
        "What is left of the 0.1 % of requests that may fail, if the time that is shown were the whole"
        " 30 days. Negative: it is used up.",
        "1 - (" + share(
            increase(f"{REQUESTS}_count", API, POST, 'http_response_status_code=~"5.."', window=SHOWN),
            increase(f"{REQUESTS}_count", API, POST, window=SHOWN),
        ) + ") / 0.001",
        [runbook("accept-burn")],
        [("red", None), ("yellow", 0.25), ("green", 0.5)],
    ),
    tile(
        "Oldest job in a queue",
        "s",
        "How long the oldest job for which somebody waits has been in its queue.",
        most(told("app_queue_oldest_waiting_seconds", 'app_lane=~"chat|live"')),
        [runbook("queue-growing"), QUEUE],
        [("green", None), ("yellow", 5), ("red", 30)],
    ),
    row("Rates, errors, time"),
    lines(
        "Requests by route",
        "reqps",
        "Requests that were answered each second, by route. Health ports are not in it.",
        [("{{http_route}}", total(rate(f"{REQUESTS}_count"), ("http_route",)))],
        [traces("Requests as traces", '{ kind = server }'), QUEUE],
    ),
    lines(
        "Errors by route",
        "percentunit",
        "Share of requests of each route that were answered with a 5xx. Nothing is drawn while there"
        " are none.",
        [
            (
                "{{http_route}}",
                total(rate(f"{REQUESTS}_count", 'http_response_status_code=~"5.."'), ("http_route",))
                + " / "
                + total(rate(f"{REQUESTS}_count"), ("http_route",)),
            )
        ],
        [runbook("accept-burn"), FAILED, WARNINGS],
    ),
    lines(
        "Statuses",
        "reqps",
        "Answers each second by status: 4xx is what callers did wrong, 429 a limit of theirs, 503 that"
        " there was no room.",
        [
            (
                "{{http_response_status_code}}",
                total(rate(f"{REQUESTS}_count"), ("http_response_status_code",)),
            )
        ],
        [FAILED],
        stacked=True,
    ),
    lines(
        "Time to the head of an answer",
        "s",
        "From the request to the status line, of what the API answers. Of a chat completion that is"
        " its first token.",
        quantiles(REQUESTS, API),
        [SLOW, MODELS],
    ),
    lines(
        "Why answers failed",
        "reqps",
        "Answers each second that ended with an error, by its kind, as callers were told.",
        [
            (
                "{{error_type}}",
                total(
                    rate(
                        "gen_ai_server_request_duration_seconds_count",
                        'error_type!=""',
                        'gen_ai_request_model=~"$model"',
                    ),
                    ("error_type",),
                ),
            )
        ],
        [runbook("answer-burn"), FAILED, WARNINGS],
    ),
    lines(
        "How streams ended",
        "reqps",
        "Streams each second: completed, failed with an error that was told, left by their caller, or"
        " cut off because they were read too slowly.",
        [("{{app_outcome}}", total(rate("app_http_stream_duration_seconds_count"), ("app_outcome",)))],
        [runbook("answer-burn"), FAILED],
        stacked=True,
    ),
    row("Who waits, and why"),
    lines(
        "Time to first token",
        "s",
        "Of streams, from the request to the first token, as callers see it: queue, model and platform.",
        quantiles(TTFT, 'gen_ai_request_model=~"$model"'),
        [runbook("ttft-burn"), SLOW, MODELS],
    ),
    lines(
        "Where the first token waits (p95)",
        "s",
        "The parts of the time to first token: in the queue, at the model, and in the platform itself.",
        [
            ("queue", quantile(0.95, "app_queue_wait_seconds", 'app_lane=~"chat|live"')),
            (
                "model",
                quantile(
                    0.95,
                    "gen_ai_client_operation_time_to_first_chunk_seconds",
                    'gen_ai_request_model=~"$model"',
                ),
            ),
            ("platform", quantile(0.95, "app_platform_overhead_seconds")),
        ],
        [runbook("ttft-burn"), QUEUE, MODELS],
    ),
    heat_map(
        "What the platform adds to the first token",
        "s",
        "First byte at the edge, less the model's first chunk, less the wait in the queue. Under 25 ms"
        " in 99 of 100 where slots are free.",
        heat("app_platform_overhead_seconds"),
        [runbook("ttft-burn"), SLOW],
        size=(8, 8),
    ),
    lines(
        "Requests in hand",
        "short",
        "Requests whose head is not answered yet, and jobs that were accepted and have not ended.",
        [
            ("requests of {{job}}", total(told("http_server_active_requests"), ("job",))),
            ("open jobs, {{app_lane}}", total(told("app_jobs_open"), ("app_lane",))),
            ("readers of stored answers", total(told("app_gateway_readers"))),
        ],
        [runbook("job-lost"), QUEUE],
    ),
    lines(
        "Oldest job in each queue",
        "s",
        "How long the oldest job has waited for its first worker.",
        [
            (
                "{{app_queue}}, {{app_lane}}",
                most(told("app_queue_oldest_waiting_seconds"), ("app_queue", "app_lane")),
            )
        ],
        [runbook("queue-growing"), QUEUE],
    ),
    table(
        "What runs",
        "short",
        "Processes by service and version. Two versions of one service are a deployment that is under"
        " way, or that has stopped half-way.",
        total(told("app_build_info"), ("job", "service_version")),
        [runbook("target-down"), board_link("delivery", "Delivery")],
    ),
    row("Telemetry itself"),
    lines(
        "Processes that are scraped",
        "short",
        "Processes of each service that Prometheus reaches.",
        [("{{job}}", 'sum by (job) (up{job=~"$service"})')],
        [runbook("target-down")],
    ),
    lines(
        "Trace contexts that could not be used",
        "cps",
        "Each is a request whose trace is in pieces; by reason.",
        [
            (
                "{{app_reason}}",
                total(rate("app_telemetry_propagation_failures_total"), ("app_reason",)),
            )
        ],
        [runbook("telemetry-drop"), WARNINGS],
    ),
    lines(
        "Telemetry that is sent, and lost",
        "cps",
        "Spans, log records and exports of metrics that the collector took, and those that were lost on"
        " the way to it. Nothing is drawn where no collector is named.",
        [
            (
                "sent: {{app_signal}}",
                total(rate("app_telemetry_exported_total"), ("app_signal",)),
            ),
            (
                "lost by {{job}}: {{app_signal}}, {{app_reason}}",
                total(rate("app_telemetry_dropped_total"), ("job", "app_signal", "app_reason")),
            ),
        ],
        [runbook("telemetry-drop"), WARNINGS],
    ),
    lines(
        "Spans that the collector takes and sends",
        "cps",
        "Spans each second: taken, refused because the collector is full, sent, and not sent because a"
        " store does not answer. Fed by the collector.",
        [
            ("taken", "sum(rate(otelcol_receiver_accepted_spans_total[$__rate_interval]))"),
            ("refused", "sum(rate(otelcol_receiver_refused_spans_total[$__rate_interval]))"),
            ("sent", "sum(rate(otelcol_exporter_sent_spans_total[$__rate_interval]))"),
            ("not sent", "sum(rate(otelcol_exporter_send_failed_spans_total[$__rate_interval]))"),
        ],
        [runbook("telemetry-drop")],
    ),
]

BOARD = board("overview", "overview", "Whether people get answers, and if not, why.", PANELS)
