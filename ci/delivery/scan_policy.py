"""The policy of `ci/scan`, and what it makes of a report: pure functions of what they are given."""

import datetime
import tomllib
from dataclasses import dataclass

from .ends import Unusable

# From harmless to grave, as grype names them. "unknown" is placed by the policy.
SEVERITIES = ["negligible", "low", "medium", "high", "critical"]
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Exemption:
    """A finding that is let through, until a date, for a reason, by somebody's decision."""

    id: str
    package: str
    reason: str
    owner: str
    expires: datetime.date

    def __str__(self):
        return f"{self.id} in {self.package}"

    def covers(self, finding):
        return self.package == finding.package and self.id in finding.names


@dataclass(frozen=True)
class Policy:
    """What is refused."""

    fixable: str
    unfixable: str
    unknown_counts_as: str
    max_database_age_days: int
    exemptions: tuple

    def refuses(self, finding):
        severity = finding.severity
        if severity not in SEVERITIES:
            severity = self.unknown_counts_as
        threshold = self.fixable if finding.fixed_in else self.unfixable
        return SEVERITIES.index(severity) >= SEVERITIES.index(threshold)


@dataclass(frozen=True, order=True)
class Finding:
    """A known vulnerability of a package that is in the image."""

    id: str
    package: str
    version: str
    severity: str
    fixed_in: tuple
    # Other names of the same: CVE, GHSA and RUSTSEC number what the others numbered already.
    aliases: tuple

    @property
    def names(self):
        return {self.id, *self.aliases}

    def __str__(self):
        fix = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix"
        return f"{self.id} ({self.severity}) in {self.package} {self.version}, {fix}"


@dataclass(frozen=True)
class Verdict:
    """What became of each finding and of each exemption."""

    refused: tuple
    exempt: tuple
    tolerated: tuple
    expired: tuple
    unused: tuple

    @property
    def good(self):
        return not self.refused and not self.expired


def judge(policy, findings, today):
    """Looks at each finding once, whichever report it comes from."""
    refused, exempt, tolerated, used = [], [], [], set()
    valid = [exemption for exemption in policy.exemptions if exemption.expires >= today]
    for finding in sorted(set(findings)):
        covering = [exemption for exemption in valid if exemption.covers(finding)]
        used.update(covering)
        if covering:
            exempt.append((finding, covering[0]))
        elif policy.refuses(finding):
            refused.append(finding)
        else:
            tolerated.append(finding)
    return Verdict(
        refused=tuple(refused),
        exempt=tuple(exempt),
        tolerated=tuple(tolerated),
        # Whether or not it is found today: what has expired has to be decided anew or go.
        expired=tuple(exemption for exemption in policy.exemptions if exemption.expires < today),
        unused=tuple(exemption for exemption in valid if exemption not in used),
    )


def parse(text, today):
    """A policy from TOML. Every rule that is broken is named, all at once."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"the policy is no TOML: {error}") from error
    problems = []
    refuse = _table(document, "refuse", problems)
    levels = {}
    for key in ("fixable", "unfixable", "unknown_counts_as"):
        levels[key] = refuse.pop(key, None)
        if levels[key] not in SEVERITIES:
            problems.append(f"refuse.{key} is one of {', '.join(SEVERITIES)}")
    database = _table(document, "database", problems)
    oldest = _days(database, "max_age_days", "database", problems)
    limits = _table(document, "exemptions", problems)
    longest = _days(limits, "longest_days", "exemptions", problems)
    for name, left in (
        ("refuse", refuse),
        ("database", database),
        ("exemptions", limits),
    ):
        problems += [f"{name}.{key} is unknown" for key in left]
    exemptions = []
    listed = document.pop("exemption", [])
    if not isinstance(listed, list):
        problems.append("each exemption begins with [[exemption]]")
        listed = []
    for number, entry in enumerate(listed, 1):
        exemption = _exemption(number, entry, longest, today, problems)
        if exemption in exemptions:
            problems.append(f"exemption {number}: {exemption} is there twice")
        exemptions.append(exemption)
    problems += [f"{key} is unknown" for key in document]
    if problems:
        raise Unusable("the policy cannot be used: " + "; ".join(problems))
    return Policy(
        max_database_age_days=oldest,
        exemptions=tuple(exemptions),
        **levels,
    )


def _table(document, name, problems):
    table = document.pop(name, None)
    if not isinstance(table, dict):
        problems.append(f"[{name}] is missing")
        return {}
    return dict(table)


def _days(table, key, name, problems):
    days = table.pop(key, None)
    if type(days) is not int or days < 1:
        problems.append(f"{name}.{key} is a number of days")
        return 0
    return days


def _exemption(number, entry, longest, today, problems):
    entry = dict(entry) if isinstance(entry, dict) else {}
    words = {key: entry.pop(key, None) for key in ("id", "package", "reason", "owner")}
    for key, value in words.items():
        if not isinstance(value, str) or not value.strip():
            problems.append(f"exemption {number}: {key} is missing")
            words[key] = ""
    expires = entry.pop("expires", None)
    if type(expires) is not datetime.date:
        problems.append(f"exemption {number}: expires is a date such as 2026-12-31")
        expires = today
    elif (expires - today).days > longest:
        problems.append(f"exemption {number}: expires in more than {longest} days")
    problems += [f"exemption {number}: {key} is unknown" for key in entry]
    return Exemption(expires=expires, **words)
