"""What goes bad while nobody changes anything. Each gives figures: figure, value, labels."""

import json
import socket
import ssl
import urllib.error
import urllib.request

from . import figures, programs
from .ends import Missing, Unusable

SECONDS_TO_ANSWER = 10
# Of a pipeline that has ended; one that runs says nothing yet.
ENDED = {"success": False, "failed": True}


def branches(repository, remote, main, now):
    """How old the oldest commit is that a branch has and main lacks. 0: there is none."""
    listed = programs.output(
        "git", "-C", repository, "log", "--remotes=" + remote, "--not", f"{remote}/{main}",
        "--format=%ct",
    )
    oldest = min((int(line) for line in listed.split()), default=None)
    age = 0.0 if oldest is None else max(0.0, now.timestamp() - oldest)
    return [(figures.BRANCH_AGE, age, {})]


def main_is_red(url, token):
    """Whether the newest pipeline of main that has ended has failed."""
    request = urllib.request.Request(url, headers={"PRIVATE-TOKEN": token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            ended = [ENDED[one["status"]] for one in json.loads(answer.read()) if one["status"] in ENDED]
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError) as error:
        raise Missing(f"the pipelines of main: {error}") from error
    return [(figures.MAIN_RED, float(ended[0]), {})] if ended else []


def vulnerabilities(path):
    """How many `ci/scan` has refused."""
    try:
        verdict = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: {error}") from error
    if not verdict.get("scanned"):
        raise Missing(f"{path}: nothing was scanned")
    return [(figures.VULNERABILITIES, float(len(verdict["refused"])), {})]


def certificate(address, context=None):
    """Until when a certificate is good. One that is not good any more, or for another name, is over."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Unusable(f"`{address}` is no HOST:PORT")
    context = context or ssl.create_default_context()
    try:
        with socket.create_connection((host, int(port)), SECONDS_TO_ANSWER) as plain:
            with context.wrap_socket(plain, server_hostname=host) as shown:
                until = ssl.cert_time_to_seconds(shown.getpeercert()["notAfter"])
    except ssl.SSLCertVerificationError:
        until = 0
    except OSError as error:
        raise Missing(f"the certificate of {address}: {error}") from error
    return [(figures.CERTIFICATE_EXPIRY, float(until), {"server.address": address})]
