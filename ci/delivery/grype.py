"""Reports of grype, a scanner for known vulnerabilities: made by it, and read."""

import datetime
import json
from dataclasses import dataclass

from . import programs
from .ends import NotScanned, Unusable
from .scan_policy import Finding


@dataclass(frozen=True)
class Report:
    """What grype found, and how old what it knows was."""

    name: str
    findings: tuple
    database_built: datetime.datetime | None

    def stale(self, now, max_age_days):
        """Why this report says nothing about today; `None` if it does."""
        if self.database_built is None:
            return f"{self.name} does not say how old its database was"
        age = now - self.database_built
        if age > datetime.timedelta(days=max_age_days):
            return f"the database of {self.name} was built {age.days} days ago, over {max_age_days}"
        return None


def scan(sbom):
    """Has grype look at an SBOM; its report as text."""
    if not programs.there("grype"):
        raise NotScanned(f"there is no `grype` on PATH ({programs.WHERE['grype']})")
    try:
        return programs.output("grype", f"sbom:{sbom}", "--output", "json", "--quiet")
    except programs.Failed as error:
        # Mostly: it has no database, and cannot fetch one.
        raise NotScanned(str(error)) from error


def count_of_components(sbom, text):
    """How much there is to look at in a CycloneDX document."""
    try:
        document = json.loads(text)
        if document["bomFormat"] != "CycloneDX":
            raise ValueError("another format")
        return len(document.get("components", []))
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{sbom} is no CycloneDX document in JSON") from error


def read(name, text):
    """A report from its JSON. An odd one is refused, never half read."""
    try:
        document = json.loads(text)
        descriptor = document["descriptor"]
        if descriptor["name"] != "grype":
            raise ValueError(f"made by {descriptor['name']}")
        findings = tuple(_finding(match) for match in document["matches"])
        return Report(name, findings, _built(descriptor))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{name} is no report of grype: {error!r}") from error


def _finding(match):
    vulnerability, artifact = match["vulnerability"], match["artifact"]
    fix = vulnerability.get("fix") or {}
    fixed = fix.get("state") == "fixed"
    related = match.get("relatedVulnerabilities") or []
    return Finding(
        id=vulnerability["id"],
        package=artifact["name"],
        version=artifact["version"],
        severity=vulnerability["severity"].lower(),
        # A fix is one, whether or not the report knows its version.
        fixed_in=tuple(fix.get("versions") or ["a version that is not named"]) if fixed else (),
        aliases=tuple(sorted(other["id"] for other in related)),
    )


def _built(descriptor):
    # grype 0.88 has put it one level deeper than those before.
    database = descriptor.get("db") or {}
    status = database.get("status") or database
    built = status.get("built")
    if not built:
        return None
    moment = datetime.datetime.fromisoformat(built.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
