"""NATS as the services see it."""

from panels import board, board_link, lines, logs, row, runbook, tile, traces
from promql import increase, most, quantile, rate, told, total

QUEUE = board_link("queue-and-workers", "Queue and workers")
SAID = logs("What services say of NATS", '{service_name=~".+"} |~ "(?i)nats|stream"')
PUBLISHED = traces("Publishing as traces", "{ kind = producer }")
OPERATION = ("messaging_operation_name",)

PANELS = [
    row("Connection"),
    tile(
        "Services without NATS",
        "short",
        "Processes that have no connection to NATS now.",
        f"count{told('app_nats_connected')} - {total(told('app_nats_connected'))}",
        [runbook("nats-unhealthy"), SAID],
        [("green", None), ("red", 1)],
        size=(6, 8),
    ),
    lines(
        "Connected",
        "short",
        "Processes of each service that are connected to NATS.",
        [("{{job}}", total(told("app_nats_connected"), ("job",)))],
        [runbook("nats-unhealthy"), SAID],
        size=(6, 8),
    ),
    lines(
        "Connections made again",
        "short",
        "In each step. A server that restarts, a network that fails, or a server that cuts off who"
        " reads too slowly.",
        [("{{job}}", total(increase("app_nats_reconnects_total"), ("job",)))],
        [runbook("nats-slow-consumer"), SAID],
        size=(6, 8),
    ),
    lines(
        "Round trip",
        "s",
        "A request to NATS and its answer, as each gateway measures it.",
        [("{{instance}}", most(told("app_nats_round_trip_seconds"), ("instance",)))],
        [runbook("nats-unhealthy")],
        size=(6, 8),
    ),
    row("Operations"),
    lines(
        "Operations each second",
        "ops",
        "What services do with NATS: publish, ack, nak, term, progress.",
        [
            (
                "{{job}}: {{messaging_operation_name}}",
                total(rate("messaging_client_operation_duration_seconds_count"), ("job", *OPERATION)),
            )
        ],
        [PUBLISHED, QUEUE],
    ),
    lines(
        "How long they take (p95)",
        "s",
        "Until NATS has acknowledged; for publishing that is until it is stored.",
        [
            (
                "{{messaging_operation_name}}",
                quantile(0.95, "messaging_client_operation_duration_seconds", by=OPERATION),
            )
        ],
        [runbook("nats-unhealthy"), PUBLISHED],
    ),
    lines(
        "Operations that failed",
        "ops",
        "Each second, by operation and error. Nothing is drawn while there are none.",
        [
            (
                "{{messaging_operation_name}}: {{error_type}}",
                total(
                    rate("messaging_client_operation_duration_seconds_count", 'error_type!=""'),
                    (*OPERATION, "error_type"),
                ),
            )
        ],
        [runbook("nats-unhealthy"), SAID],
    ),
    row("Streams"),
    lines(
        "Messages",
        "short",
        "Messages in each stream that gateways may ask about.",
        [("{{app_stream}}", most(told("app_nats_stream_messages"), ("app_stream",)))],
        [runbook("stream-near-limit"), QUEUE],
    ),
    lines(
        "Bytes",
        "bytes",
        "What each stream takes.",
        [("{{app_stream}}", most(told("app_nats_stream_bytes_bytes"), ("app_stream",)))],
        [runbook("stream-near-limit")],
    ),
    lines(
        "Share of the limit",
        "percentunit",
        "Bytes of each stream over what it may hold. A full stream refuses; DEAD forgets its oldest.",
        [
            (
                "{{app_stream}}",
                most(told("app_nats_stream_bytes_bytes"), ("app_stream",))
                + " / "
                + most(told("app_nats_stream_bytes_limit_bytes"), ("app_stream",)),
            )
        ],
        [runbook("stream-near-limit")],
    ),
    row("Consumers, permissions, clocks"),
    lines(
        "Lag of each queue",
        "short",
        "Messages that its consumer has not delivered yet, asked of its leader.",
        [("{{app_queue}}, {{app_lane}}", most(told("app_queue_waiting"), ("app_queue", "app_lane")))],
        [runbook("queue-growing"), QUEUE],
    ),
    lines(
        "Refused by permission",
        "short",
        "Subjects that NATS did not permit, in each step: permissions of another version, or somebody"
        " has a seed who should not.",
        [("{{job}}", total(increase("app_nats_refusals_total"), ("job",)))],
        [runbook("nats-refuses"), SAID],
    ),
    lines(
        "Clock of NATS less that of the machine",
        "ms",
        "From 5 s on a service warns.",
        [("{{job}} {{instance}}", told("app_clock_offset_milliseconds"))],
        [runbook("clock-off")],
    ),
]

BOARD = board("nats", "NATS", "NATS as the services see it.", PANELS)
