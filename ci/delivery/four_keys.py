"""What is measured of delivery: pure functions of the record. What is not known is `None`."""

import datetime
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Of some durations, in seconds: the middle one, and the one that nine in ten keep below."""

    count: int
    p50: float | None
    p90: float | None

    @classmethod
    def of(cls, seconds):
        ordered = sorted(seconds)

        def nearest_rank(share):
            return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

        return cls(len(ordered), nearest_rank(0.5), nearest_rank(0.9))

    def document(self):
        return {"count": self.count, "p50": self.p50, "p90": self.p90}


@dataclass(frozen=True)
class Keys:
    """The figures of one environment over some time."""

    environment: str
    begin: datetime.datetime
    end: datetime.datetime
    # How many versions were tried that were meant to bring something.
    changes: int
    # How many came and stayed well for as long as it took to look.
    deployed: int
    failed: int
    # All that happened, rollbacks too, and how much of it nobody had planned.
    deployments: int
    unplanned: int
    # Trouble that nothing has ended yet.
    unrecovered: int
    lead_time: Spread
    recovery_time: Spread

    @property
    def days(self):
        return (self.end - self.begin).total_seconds() / 86400

    @property
    def frequency(self):
        return self.deployed / self.days if self.days > 0 else None

    @property
    def change_fail_rate(self):
        return self.failed / self.changes if self.changes else None

    @property
    def rework_rate(self):
        return self.unplanned / self.deployments if self.deployments else None

    def document(self):
        return {
            "environment": self.environment,
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "changes": self.changes,
            "deployed": self.deployed,
            "failed": self.failed,
            "deployments": self.deployments,
            "unplanned": self.unplanned,
            "unrecovered": self.unrecovered,
            "deployments_per_day": self.frequency,
            "lead_time_seconds": self.lead_time.document(),
            "change_fail_rate": self.change_fail_rate,
            "recovery_time_seconds": self.recovery_time.document(),
            "rework_rate": self.rework_rate,
        }


def measure(deployments, environment, now, days):
    """The figures of the last days; of fewer, if the record is younger. One day at least."""
    there = [one for one in deployments if one.environment == environment and one.finished <= now]
    there.sort(key=lambda one: one.finished)
    begin = now - datetime.timedelta(days=days)
    if there:
        a_day_ago = now - datetime.timedelta(days=1)
        begin = max(begin, min(there[0].started, a_day_ago))
    inside = [one for one in there if begin <= one.finished]
    # Putting an old version back brings nothing: it is no change, it is the end of one.
    changes = [one for one in inside if one.rollback_of is None]
    undone = {name for one in there for name in (one.rollback_of, one.repairs) if name}
    failed = [one for one in changes if one.outcome != "deployed" or one.id in undone]
    ends = [_recovery(one, there) for one in failed]
    return Keys(
        environment=environment,
        begin=begin,
        end=now,
        changes=len(changes),
        deployed=sum(one.outcome == "deployed" for one in changes),
        failed=len(failed),
        deployments=len(inside),
        unplanned=sum(not one.is_planned for one in inside),
        unrecovered=sum(end is None for end in ends),
        lead_time=Spread.of(
            (one.finished - min(commit.time for commit in one.commits)).total_seconds()
            for one in changes
            if one.outcome == "deployed" and one.commits
        ),
        recovery_time=Spread.of(end for end in ends if end is not None),
    )


def _recovery(failed, there):
    """Seconds from the trouble's being noticed to the environment's being well again."""
    if failed.outcome == "rolled-back":
        # The same run has put the old version back.
        return _seconds(failed.detected or failed.started, failed.finished)
    for later in there:
        ends_it = failed.id in (later.rollback_of, later.repairs)
        # What failed half-way is over with the next that is well, whatever it was meant for.
        follows = failed.outcome == "failed" and later.finished > failed.finished
        well = later.outcome == "deployed" or (follows and later.outcome == "rolled-back")
        if well and (ends_it or follows):
            noticed = failed.detected or (ends_it and later.detected)
            if not noticed:
                noticed = failed.finished if failed.outcome == "failed" else later.started
            return _seconds(noticed, later.finished)
    return None


def _seconds(begin, end):
    # Clocks of two machines may differ; nothing is mended before it broke.
    return max(0.0, (end - begin).total_seconds())
