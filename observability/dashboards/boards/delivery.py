"""How changes reach people. Fed by the pipeline: `ci/deploy` and `ci/delivery-metrics`."""

from panels import board, board_link, lines, row, runbook, table, tile
from promql import told, total

ENV = 'deployment_environment_name=~"$env"'
PLACE = ("deployment_environment_name",)
OVERVIEW = board_link("overview", "Overview")
LEAD = "app_delivery_lead_time_seconds"
RECOVERY = "app_delivery_recovery_time_seconds"
LEGEND = "{{deployment_environment_name}}"


def of(metric, *matchers):
    return f"{metric}{{{','.join([ENV, *matchers])}}}"


def newest(metric, *matchers):
    return f"max by (deployment_environment_name) ({of(metric, *matchers)})"


def lead_time(q):
    buckets = f"increase({of(LEAD + '_bucket')}[30d])"
    return f"histogram_quantile({q}, sum by (le, deployment_environment_name) ({buckets}))"


PANELS = [
    row("Four keys, and rework: 30 days"),
    tile(
        "Deployments each day",
        "short",
        "Versions that were deployed and found well, over the days that are looked at.",
        newest("app_delivery_deployments_per_day"),
        [OVERVIEW],
        size=(5, 5),
    ),
    tile(
        "Lead time (p90)",
        "s",
        "From the first commit that a deployment brings to the environment's being found well."
        " Objective: under 15 minutes.",
        lead_time(0.9),
        [runbook("lead-time-long")],
        [("green", None), ("yellow", 900), ("red", 3600)],
        size=(5, 5),
    ),
    tile(
        "Changes that failed",
        "percentunit",
        "Of all versions tried, those that failed, were rolled back, or were undone or mended later.",
        newest("app_delivery_change_fail_rate_ratio"),
        [runbook("delivery-unrecovered")],
        [("green", None), ("yellow", 0.05), ("red", 0.15)],
        size=(5, 5),
    ),
    tile(
        "Time to recover (median)",
        "s",
        "From the trouble's being noticed to the environment's being well again, whichever version.",
        newest(RECOVERY, 'quantile="0.5"'),
        [runbook("delivery-unrecovered")],
        size=(5, 5),
    ),
    tile(
        "Rework",
        "percentunit",
        "Of all deployments, those that nobody had planned.",
        newest("app_delivery_rework_rate_ratio"),
        [runbook("delivery-unrecovered")],
        size=(4, 5),
    ),
    row("Upkeep"),
    tile(
        "Main is red",
        "bool",
        "Whether the last pipeline of main that ended has failed. Told by `ci/upkeep`.",
        "max(app_delivery_main_red)",
        [runbook("main-red")],
        [("green", None), ("red", 1)],
        size=(6, 4),
    ),
    tile(
        "Oldest branch",
        "s",
        "Age of the oldest commit of the remote that main lacks. Told by `ci/upkeep`.",
        "max(app_delivery_branch_age_seconds)",
        [runbook("branch-old")],
        [("green", None), ("yellow", 86400), ("red", 172800)],
        size=(6, 4),
    ),
    tile(
        "Vulnerabilities",
        "short",
        "Of what runs, those that a release would be refused for. Told by `ci/upkeep`.",
        "max(app_delivery_vulnerabilities)",
        [runbook("cve-new")],
        [("green", None), ("red", 1)],
        size=(6, 4),
    ),
    tile(
        "Next certificate to end",
        "s",
        "Time that is left to the certificate that ends first. Told by `ci/upkeep`.",
        "min(app_delivery_certificate_expiry_seconds) - time()",
        [runbook("cert-soon")],
        [("red", None), ("yellow", 1209600), ("green", 2592000)],
        size=(6, 4),
    ),
    row("Deployments"),
    lines(
        "Deployments by outcome",
        "short",
        "All that the record has: done, rolled back by the same run, failed.",
        [
            (
                f"{LEGEND}: {{{{app_outcome}}}}",
                "max by (deployment_environment_name, app_outcome) "
                f"({of('app_delivery_deployments_total')})",
            )
        ],
        [runbook("delivery-unrecovered")],
    ),
    lines(
        "Lead time",
        "s",
        "From the first commit to the end of its deployment, over 30 days.",
        [(f"p50 {LEGEND}", lead_time(0.5)), (f"p90 {LEGEND}", lead_time(0.9))],
        [runbook("lead-time-long")],
    ),
    lines(
        "Where lead time goes (mean)",
        "s",
        "`waiting`: from the first commit to the beginning of its deployment, commit stage, build and"
        " acceptance included. `deploying`: from there to its being found well.",
        [
            (
                "{{app_stage}}",
                f"sum by (app_stage) ({of('app_delivery_duration_seconds_sum')})"
                f" / sum by (app_stage) ({of('app_delivery_duration_seconds_count')})",
            )
        ],
        [runbook("lead-time-long")],
        stacked=True,
    ),
    lines(
        "Trouble that nothing has ended",
        "short",
        "Failed deployments after which the environment was not found well again.",
        [(LEGEND, newest("app_delivery_unrecovered"))],
        [runbook("delivery-unrecovered")],
    ),
    lines(
        "Since the last verdict",
        "s",
        "How long ago a deployment was last begun, and found well or taken back. Begun later than"
        " judged: one is under way.",
        [
            (f"begun, {LEGEND}", f"time() - {newest('app_delivery_begun_seconds')}"),
            (f"judged, {LEGEND}", f"time() - {newest('app_delivery_judged_seconds')}"),
        ],
        [runbook("canary-verdict-missing")],
    ),
    table(
        "Versions that run",
        "short",
        "Processes by environment, service and version, as the services tell them.",
        total(told("app_build_info"), (*PLACE, "job", "service_version")),
        [OVERVIEW],
    ),
]

BOARD = board("delivery", "delivery", "How changes reach people: the four keys, and deployments.", PANELS)
