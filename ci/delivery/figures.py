"""The figures of delivery as metrics, under names that dashboards and alerts ask for.

Counters and histograms are of the whole record and only grow, so each report says again what the ones
before it said: one that is lost loses nothing.
"""

from dataclasses import dataclass

# Upper bounds, in seconds: five minutes to a week.
BOUNDS = (300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800)
# What the record calls an outcome, as metrics do.
OUTCOMES = {"deployed": "done", "rolled-back": "rolled_back", "failed": "failed"}
# As the collector appends units.
SUFFIXES = {"s": "_seconds", "1": "_ratio"}


@dataclass(frozen=True)
class Figure:
    """One of them. There are no conventions for these: ours are `app.*`."""

    name: str
    unit: str
    # gauge, counter, histogram
    kind: str

    def series(self):
        """Under which names Prometheus has it."""
        base = self.name.replace(".", "_") + SUFFIXES.get(self.unit, "")
        if self.kind == "histogram":
            return {f"{base}_bucket", f"{base}_sum", f"{base}_count"}
        return {f"{base}_total" if self.kind == "counter" else base}


PER_DAY = Figure("app.delivery.deployments_per_day", "{deployment}/d", "gauge")
CHANGE_FAIL_RATE = Figure("app.delivery.change_fail_rate", "1", "gauge")
RECOVERY_TIME = Figure("app.delivery.recovery_time", "s", "gauge")
UNRECOVERED = Figure("app.delivery.unrecovered", "{deployment}", "gauge")
REWORK_RATE = Figure("app.delivery.rework_rate", "1", "gauge")
# When, in seconds since 1970: a deployment that began later than the last was judged is under way.
BEGUN = Figure("app.delivery.begun", "s", "gauge")
JUDGED = Figure("app.delivery.judged", "s", "gauge")
LEAD_TIME = Figure("app.delivery.lead_time", "s", "histogram")
DURATION = Figure("app.delivery.duration", "s", "histogram")
DEPLOYMENTS = Figure("app.delivery.deployments", "{deployment}", "counter")
# Of `ci/upkeep`.
BRANCH_AGE = Figure("app.delivery.branch_age", "s", "gauge")
MAIN_RED = Figure("app.delivery.main_red", "", "gauge")
VULNERABILITIES = Figure("app.delivery.vulnerabilities", "{vulnerability}", "gauge")
# In seconds since 1970.
CERTIFICATE_EXPIRY = Figure("app.delivery.certificate_expiry", "s", "gauge")

OF_DEPLOYMENTS = (
    PER_DAY, CHANGE_FAIL_RATE, RECOVERY_TIME, UNRECOVERED, REWORK_RATE, BEGUN, JUDGED, LEAD_TIME,
    DURATION, DEPLOYMENTS,
)
ALL = (*OF_DEPLOYMENTS, BRANCH_AGE, MAIN_RED, VULNERABILITIES, CERTIFICATE_EXPIRY)


def of_keys(keys):
    """The figures of some days: figure, value, labels."""
    return [
        (PER_DAY, keys.frequency, {}),
        (CHANGE_FAIL_RATE, keys.change_fail_rate, {}),
        (RECOVERY_TIME, keys.recovery_time.p50, {"quantile": 0.5}),
        (RECOVERY_TIME, keys.recovery_time.p90, {"quantile": 0.9}),
        (UNRECOVERED, float(keys.unrecovered), {}),
        (REWORK_RATE, keys.rework_rate, {}),
    ]


def of_record(deployments):
    """The figures of all deployments of one environment: figure, value or values, labels."""
    if not deployments:
        return []
    counts = {}
    for one in deployments:
        counts[OUTCOMES[one.outcome]] = counts.get(OUTCOMES[one.outcome], 0) + 1
    # As the four keys have it: what was put back or taken back has brought nothing.
    brought = [
        (min(commit.time for commit in one.commits), one)
        for one in deployments
        if one.outcome == "deployed" and one.rollback_of is None and one.commits
    ]
    spans = {
        "waiting": [_seconds(first, one.started) for first, one in brought],
        "deploying": [_seconds(one.started, one.finished) for one in deployments],
    }
    return [
        (BEGUN, max(one.started for one in deployments).timestamp(), {}),
        (JUDGED, max(one.finished for one in deployments).timestamp(), {}),
        *((DEPLOYMENTS, count, {"app.outcome": outcome}) for outcome, count in counts.items()),
        (LEAD_TIME, [_seconds(first, one.finished) for first, one in brought], {}),
        *((DURATION, values, {"app.stage": stage}) for stage, values in spans.items()),
    ]


def _seconds(begin, end):
    # Clocks of two machines may differ.
    return max(0.0, (end - begin).total_seconds())
