"""What of a record is told to whoever collects it, and when."""

import datetime
import os
import sys

from . import figures, four_keys, otlp, record
from .ends import End

# Of the keys that are told with each deployment.
DAYS = 30


def all_of(keys, deployments, spans):
    """The figures of an environment, and spans of some of its deployments."""
    told = figures.of_keys(keys) + figures.of_record(deployments)
    since = min((one.started for one in deployments), default=keys.begin)
    request = otlp.metrics(_of(keys.environment), keys.end, told, since)
    if otlp.send("/v1/metrics", request) and spans:
        otlp.send("/v1/traces", otlp.spans(spans))


def begun(environment):
    """A deployment begins. What becomes of telling it is nothing to the deployment."""
    now = datetime.datetime.now(datetime.UTC)
    told = [(figures.BEGUN, now.timestamp(), {})]
    request = otlp.metrics(_of(environment), now, told)
    _in_passing(lambda: otlp.send("/v1/metrics", request))


def judged(environment, path):
    """A deployment was found well, or taken back, and is in the record. As above."""

    def tell():
        now = datetime.datetime.now(datetime.UTC)
        there = [one for one in record.read(path) if one.environment == environment]
        all_of(four_keys.measure(there, environment, now, DAYS), there, there[-1:])

    _in_passing(tell)


def _of(environment):
    return {"deployment.environment.name": environment}


def _in_passing(tell):
    # Services' own address may be one that only they reach.
    if not os.environ.get(otlp.OURS):
        return
    try:
        tell()
    except End as error:
        print(f"not told: {error}", file=sys.stderr, flush=True)
