"""The record of deployments: a file with one line of JSON for each; it only ever grows."""

import datetime
import fcntl
import json
import os
import re
from dataclasses import dataclass

from .ends import Unusable

OUTCOMES = ["deployed", "failed", "rolled-back"]
CAUSES = ["change", "incident"]
DIGEST = re.compile(r"(.+@)?sha256:[0-9a-f]{64}")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


@dataclass(frozen=True)
class Commit:
    """A commit, and when it was made."""

    id: str
    time: datetime.datetime


@dataclass(frozen=True)
class Deployment:
    """One try to put a version somewhere, and what came of it."""

    id: str
    environment: str
    target: str
    revision: str
    # Which image of the set has which digest.
    digests: dict
    # What it brought that was not there before.
    commits: tuple
    started: datetime.datetime
    # When the environment was found well: with this version or, rolled back, with the one before.
    finished: datetime.datetime
    outcome: str
    # When trouble was noticed that this one had, or that it ends.
    detected: datetime.datetime | None
    # Whose trouble it ends: by putting the version before it back, or by mending it.
    rollback_of: str | None
    repairs: str | None
    # An incident's deployment was not planned.
    cause: str

    @property
    def is_planned(self):
        return self.cause == "change" and self.rollback_of is None


def parse(line):
    """A deployment from its line. Every problem is named at once."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise Unusable(f"no JSON: {error}") from error
    if not isinstance(entry, dict):
        raise Unusable("no JSON object")
    entry, problems = dict(entry), []

    def take(key, read, *default):
        value = entry.pop(key, None)
        if value is None and default:
            return default[0]
        try:
            return read(value)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            problems.append(f"{key}: {error}")
            return None

    deployment = Deployment(
        id=take("id", _id),
        environment=take("environment", _word),
        target=take("target", _word),
        revision=take("revision", _word),
        digests=take("digests", _digests),
        commits=take("commits", _commits),
        started=take("started", moment),
        finished=take("finished", moment),
        outcome=take("outcome", _one_of(OUTCOMES)),
        detected=take("detected", moment, None),
        rollback_of=take("rollback_of", _id, None),
        repairs=take("repairs", _id, None),
        cause=take("cause", _one_of(CAUSES), "change"),
    )
    problems += [f"{key}: unknown" for key in entry]
    if deployment.started and deployment.finished and deployment.finished < deployment.started:
        problems.append("finished: before it started")
    if problems:
        raise Unusable("; ".join(problems))
    return deployment


def read(path):
    """All deployments of a record, in its order."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from error
    deployments, ids = [], set()
    for number, line in enumerate(lines, 1):
        try:
            deployment = parse(line)
        except Unusable as error:
            raise Unusable(f"{path}, line {number}: {error}") from error
        if deployment.id in ids:
            raise Unusable(f"{path}, line {number}: {deployment.id} is there twice")
        ids.add(deployment.id)
        deployments.append(deployment)
    return deployments


def append(path, entry):
    """Adds a deployment: all of it or nothing, also when two do it at once."""
    deployment = parse(json.dumps(entry))
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = {other.id: other for other in read(path)}
        if deployment.id in known:
            raise Unusable(f"{deployment.id} is in {path} already")
        for key in ("rollback_of", "repairs"):
            named = getattr(deployment, key)
            if named is not None and named not in known:
                raise Unusable(f"{key}: {named} is not in {path}")
        file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return deployment


def moment(text):
    """A moment as RFC 3339 writes it, with its zone."""
    read = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if read.tzinfo is None:
        raise ValueError(f"`{text}` has no zone")
    return read


def _word(value):
    if not isinstance(value, str) or not value.strip():
        raise ValueError("missing")
    return value


def _id(value):
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise ValueError("letters, digits and ._:- only")
    return value


def _one_of(words):
    def read(value):
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return read


def _digests(value):
    if not isinstance(value, dict) or not value:
        raise ValueError("a map of image and digest")
    for image, digest in value.items():
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise ValueError(f"{image} is not named by digest")
    return value


def _commits(value):
    if not isinstance(value, list):
        raise ValueError("a list of {id, time}")
    return tuple(Commit(_word(commit["id"]), moment(commit["time"])) for commit in value)
