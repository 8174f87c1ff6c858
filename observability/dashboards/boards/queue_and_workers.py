"""Who waits in which lane, and what workers do."""

from panels import board, board_link, heat_map, lines, row, runbook, traces
from promql import heat, increase, most, quantile, rate, told, total

QUEUE = ("app_queue", "app_lane")
WORK = traces("Work as traces", '{ resource.service.name = "llm-worker" && kind = consumer }')
AGAIN = traces("Redelivered work as traces", "{ span.app.nats.delivered > 1 }")
MODELS = board_link("models-and-tokens", "Models and tokens")
NATS = board_link("nats", "NATS")

PANELS = [
    row("Jobs"),
    lines(
        "Accepted",
        "cps",
        "Jobs that gateways took on each second, by lane.",
        [("{{app_lane}}", total(rate("app_jobs_accepted_total"), ("app_lane",)))],
        [runbook("job-lost"), WORK],
    ),
    lines(
        "Ended",
        "cps",
        "Jobs that ended each second for their gateway, by how: completed, failed with an error that was"
        " told, never queued, left or cancelled by their caller, or handed over to the background.",
        [
            (
                "{{app_lane}}, {{app_outcome}}",
                total(rate("app_jobs_settled_total"), ("app_lane", "app_outcome")),
            )
        ],
        [runbook("answer-burn"), WORK],
        stacked=True,
    ),
    lines(
        "Accepted and not ended",
        "short",
        "The books: what was accepted less what ended, beside what gateways say is open. They are one"
        " line; a gateway that was killed takes its open jobs out of both.",
        [
            (
                "by the books",
                total(told("app_jobs_accepted_total"))
                + " - "
                + f"({total(told('app_jobs_settled_total'))} or vector(0))",
            ),
            ("open", total(told("app_jobs_open"))),
        ],
        [runbook("job-lost")],
    ),
    row("Waiting"),
    lines(
        "Jobs that wait",
        "short",
        "Jobs that no worker has had yet. Every gateway tells the same; the largest counts.",
        [("{{app_queue}}, {{app_lane}}", most(told("app_queue_waiting"), QUEUE))],
        [runbook("queue-growing"), NATS],
    ),
    lines(
        "Oldest job",
        "s",
        "How long the oldest job has waited for its first worker. More than 5 s in `chat` or `live`"
        " calls for more workers.",
        [("{{app_queue}}, {{app_lane}}", most(told("app_queue_oldest_waiting_seconds"), QUEUE))],
        [runbook("queue-growing"), runbook("no-consumer")],
    ),
    lines(
        "Delivered and not settled",
        "short",
        "Jobs that a worker has, or that one had which died. NATS permits 50,000 for each queue.",
        [("{{app_queue}}, {{app_lane}}", most(told("app_queue_delivered"), QUEUE))],
        [runbook("workers-pinned"), AGAIN],
    ),
    heat_map(
        "Wait in the queue",
        "s",
        "From publishing to a worker, of first deliveries.",
        heat("app_queue_wait_seconds"),
        [runbook("queue-growing"), WORK],
    ),
    lines(
        "Wait in the queue, by lane (p95)",
        "s",
        "From publishing to a worker. Background work waits for long, and nobody minds.",
        [("{{app_lane}}", quantile(0.95, "app_queue_wait_seconds", by=("app_lane",)))],
        [runbook("queue-growing"), WORK],
        size=(12, 8),
    ),
    row("Workers"),
    lines(
        "Workers that were heard",
        "short",
        "Workers of each queue that said something within 5 s, as gateways hear them.",
        [("{{app_queue}}", most(told("app_queue_workers"), ("app_queue",)))],
        [runbook("no-consumer")],
    ),
    lines(
        "Slots",
        "short",
        "Jobs that could run at once, and those that could begin now. A worker that drains has none.",
        [
            ("slots, {{app_queue}}", total(told("app_worker_slots"), ("app_queue",))),
            ("free, {{app_queue}}", total(told("app_worker_free_slots"), ("app_queue",))),
        ],
        [runbook("workers-pinned")],
    ),
    lines(
        "Jobs in work, by worker",
        "short",
        "Whether work is shared: one line for each worker.",
        [("{{instance}}", total(told("app_jobs_inflight"), ("instance",)))],
        [runbook("workers-pinned"), WORK],
    ),
    heat_map(
        "Time at work",
        "s",
        "From a delivery to its settlement, the model's time included.",
        heat("messaging_process_duration_seconds"),
        [runbook("model-slow"), MODELS],
    ),
    lines(
        "How deliveries ended",
        "cps",
        "Deliveries that workers settled each second, by outcome.",
        [("{{app_outcome}}", total(rate("messaging_process_duration_seconds_count"), ("app_outcome",)))],
        [WORK],
        stacked=True,
        size=(12, 8),
    ),
    row("Trouble"),
    lines(
        "Delivered again",
        "cps",
        "Deliveries after the first, by lane, and jobs that workers handed back, by reason. The rest came"
        " again because a worker fell silent.",
        [
            ("again, {{app_lane}}", total(rate("app_jobs_redelivered_total"), ("app_lane",))),
            ("handed back: {{app_reason}}", total(rate("app_jobs_handed_back_total"), ("app_reason",))),
        ],
        [runbook("redeliveries"), AGAIN],
    ),
    lines(
        "In work again",
        "short",
        "Jobs that were delivered more than once and are not settled, as the consumers of NATS count"
        " them.",
        [("{{app_queue}}, {{app_lane}}", most(told("app_queue_redelivered"), QUEUE))],
        [runbook("redeliveries"), AGAIN],
    ),
    lines(
        "Given up",
        "short",
        "Jobs that workers gave up in each step, by reason.",
        [("{{app_reason}}", total(increase("app_jobs_dead_total"), ("app_reason",)))],
        [runbook("dead-letters")],
    ),
    lines(
        "Dead letters that are kept",
        "short",
        "Messages in the stream DEAD: 14 days at most, or until somebody redrives or deletes them.",
        [("kept", most(told("app_dead_letters_kept")))],
        [runbook("dead-letters")],
    ),
    lines(
        "Put back into their queue",
        "short",
        "Stored jobs in each step whose queue had lost them: anything but 0 means that something died"
        " or lost its data.",
        [("{{app_lane}}", total(increase("app_jobs_republished_total"), ("app_lane",)))],
        [runbook("job-lost"), NATS],
    ),
]

BOARD = board(
    "queue-and-workers", "queue and workers", "Who waits in which lane, and what workers do.", PANELS
)
