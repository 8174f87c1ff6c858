#!/usr/bin/env python3
"""Writes slo.yaml: `slo.py` makes it, `slo.py --check` compares.

Each objective has its share of failures recorded over several windows, and alerts when its budget of
30 days burns: fast enough to wake somebody, or slowly enough for a ticket. Nothing fires of a few
requests: one that fails at night is no incident.
"""

import pathlib
import re
import sys

OUT = pathlib.Path(__file__).resolve().parent / "slo.yaml"
ENV = "deployment_environment_name"
# Lines as they are to be read; a query takes any space between its words.
POSTS = (
    'http_server_request_duration_seconds_count{job="gateway", http_request_method="POST",\n'
    'http_route=~"/v1/(chat/completions|responses|embeddings)"}'
)
TTFT = "gen_ai_server_time_to_first_token_seconds"

# name, what it is called, budget, all, and those that fail of them: series each.
OBJECTIVES = [
    (
        "accept",
        "AcceptBurn",
        "requests of the API are answered with a 5xx",
        0.001,
        POSTS,
        POSTS.replace('"}', '",\nhttp_response_status_code=~"5.."}'),
    ),
    (
        "answer",
        "AnswerBurn",
        "jobs end with an error, or are never queued",
        0.005,
        "app_jobs_settled_total",
        'app_jobs_settled_total{app_outcome=~"failed|not_queued"}',
    ),
    (
        "ttft",
        "TtftBurn",
        "streams have their first token later than after 2.5 s",
        0.05,
        f"{TTFT}_count",
        None,
    ),
]
WINDOWS = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]
# severity, how many times too fast, over which two windows each, what is enough traffic for it
BURNS = [
    ("page", [(14.4, "5m", "1h"), (6, "30m", "6h")], "1h", "2m"),
    ("ticket", [(3, "2h", "1d"), (1, "6h", "3d")], "1d", "15m"),
]
ENOUGH = 100


def failing(name, everything, bad, window):
    total = f"sum by ({ENV})\n(rate({everything}[{window}]))"
    if bad is None:
        good = f'sum by ({ENV})\n(rate({TTFT}_bucket{{le="2.5"}}[{window}]))'
        return f"1 - {good}\n/ {total}"
    return f"(sum by ({ENV})\n(rate({bad}[{window}]))\nor 0 * {total})\n/ {total}"


def recorded(name, everything, bad):
    for window in WINDOWS:
        yield f"slo:{name}_failures:ratio_rate{window}", failing(name, everything, bad, window)
    for _severity, _pairs, window, _for in BURNS:
        yield (
            f"slo:{name}_requests:increase{window}",
            f"sum by ({ENV})\n(increase({everything}[{window}]))",
        )


def burning(name, budget, pairs, enough):
    parts = [
        f"(slo:{name}_failures:ratio_rate{short} > {times} * {budget}\n"
        f"and slo:{name}_failures:ratio_rate{long} > {times} * {budget})"
        for times, short, long in pairs
    ]
    guard = f"and slo:{name}_requests:increase{enough} > {ENOUGH}"
    alternatives = "\nor ".join(parts)
    return f"({alternatives})\n{guard}"


def block(text, indent):
    return "\n".join(" " * indent + line for line in text.splitlines())


def written():
    out = ["# Made by slo.py: objectives, what burns their budgets, and when that is told.", "groups:"]
    for name, alert, about, budget, everything, bad in OBJECTIVES:
        out += [f"  - name: slo-{name}", "    rules:"]
        for record, expr in recorded(name, everything, bad):
            out += [f"      - record: {record}", "        expr: >-", block(expr, 10)]
        for severity, pairs, enough, patience in BURNS:
            slug = re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()
            speed = ", or ".join(f"{times} times over {long}" for times, _short, long in pairs)
            out += [
                f"      - alert: {alert}",
                "        expr: >-",
                block(burning(name, budget, pairs, enough), 10),
                f"        for: {patience}",
                "        labels:",
                f"          severity: {severity}",
                "        annotations:",
                f"          summary: Too many {about}",
                "          description: >-",
                "            {{ $value | humanizePercentage }} fail. The budget is "
                f"{budget:.1%} of 30 days, and it",
                f"            burns too fast: {speed}.",
                f"          runbook_url: runbooks/{slug}.md",
                "          dashboard: /d/chappe-overview",
            ]
    return "\n".join(out) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        if not OUT.exists() or OUT.read_text() != written():
            sys.exit(f"{OUT.name} is not as built; run alerts/slo.py")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    OUT.write_text(written())


if __name__ == "__main__":
    main()
