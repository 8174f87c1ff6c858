"""Images in an OCI registry, by digest: signatures (cosign) and what is attached (oras)."""

import ipaddress
import json
import os
import pathlib
import re
import sys
import tempfile
from dataclasses import dataclass

from . import programs
from .ends import Missing, Refused, Unusable

# What is attached to an image: our name for it, its type in the registry, and that of its file.
KINDS = {
    "sbom-cyclonedx": ("application/vnd.cyclonedx+json", "application/vnd.cyclonedx+json"),
    "sbom-spdx": ("application/spdx+json", "application/spdx+json"),
    "scan": ("application/vnd.chappe.scan.v1+json", "application/json"),
    "test-report": ("application/vnd.chappe.test-report.v1+xml", "application/xml"),
    "acceptance": ("application/vnd.chappe.acceptance.v1+xml", "application/xml"),
}

BY_DIGEST = re.compile(
    r"(?P<registry>[a-zA-Z0-9][a-zA-Z0-9.\-]*(:[0-9]+)?|\[[0-9a-f:]+\](:[0-9]+)?)"
    r"/(?P<repository>[a-z0-9]+([._/\-][a-z0-9]+)*)"
    r"@(?P<digest>sha256:[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Image:
    """An image that can only be one: a tag may be another one tomorrow."""

    registry: str
    repository: str
    digest: str

    @classmethod
    def parse(cls, text):
        match = BY_DIGEST.fullmatch(text)
        if match is None:
            raise Refused(f"`{text}` is not named by digest (registry/repository@sha256:…)")
        return cls(match["registry"], match["repository"], match["digest"])

    def __str__(self):
        return f"{self.registry}/{self.repository}@{self.digest}"

    def other(self, digest):
        """What else is in this repository."""
        return Image(self.registry, self.repository, digest)

    @property
    def plain_http(self):
        """Whether its registry speaks HTTP without TLS: as Docker has it, on loopback."""
        said = os.environ.get("REGISTRY_PLAIN_HTTP", "")
        if said not in ("", "true", "false"):
            raise Unusable("REGISTRY_PLAIN_HTTP is `true` or `false`")
        host = re.sub(r":[0-9]+$", "", self.registry).strip("[]")
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = host == "localhost"
        return said == "true" or (not said and loopback)


@dataclass(frozen=True)
class Attached:
    """Something that is attached to an image."""

    kind: str
    image: Image


class Signer:
    """cosign with a key: `COSIGN_KEY` signs; `COSIGN_PUBLIC_KEY`, or else the same, verifies."""

    def __init__(self, log):
        self.log = log
        self._public = None

    @classmethod
    def from_environment(cls):
        log = os.environ.get("COSIGN_TRANSPARENCY_LOG", "false")
        if log not in ("true", "false"):
            raise Unusable("COSIGN_TRANSPARENCY_LOG is `true` or `false`")
        return cls(log == "true")

    def sign(self, image):
        """Signs. False: the key has signed it before."""
        key = _key("COSIGN_KEY")
        self._public = self._public or self._half_of(key)
        if self._unverified(image) is None:
            return False
        offline = [] if self.log else ["--tlog-upload=false", "--use-signing-config=false"]
        try:
            self._cosign("sign", "--yes", "--key", key, *offline, *_cosign_http(image), image)
        except programs.Failed as error:
            raise Refused(f"{image} could not be signed: {error}") from error
        return True

    def verify(self, image):
        """Refuses what is not signed by the key."""
        if self._public is None:
            given = os.environ.get("COSIGN_PUBLIC_KEY")
            self._public = _key("COSIGN_PUBLIC_KEY") if given else self._half_of(_key("COSIGN_KEY"))
        if reason := self._unverified(image):
            raise Refused(f"{image} is not signed by our key: {reason}")

    def _unverified(self, image):
        """Why it is not signed by the key; `None` if it is."""
        offline = [] if self.log else ["--insecure-ignore-tlog=true"]
        key = ["--key", self._public]
        try:
            said = self._cosign("verify", *key, *offline, *_cosign_http(image), image)
        except programs.Failed as error:
            return error.reason
        # A signature is over a digest: it has to be this one.
        signed = {
            entry["critical"]["image"]["docker-manifest-digest"] for entry in json.loads(said)
        }
        return None if signed == {image.digest} else f"the signature is for {sorted(signed)}"

    def _half_of(self, key):
        """The public half of a key, which may be shown, where cosign finds it."""
        try:
            os.environ["COSIGN_PUBLIC_HALF"] = self._cosign("public-key", "--key", key)
        except programs.Failed as error:
            raise Unusable(f"COSIGN_KEY cannot be used: {error}") from error
        return "env://COSIGN_PUBLIC_HALF"

    @staticmethod
    def _cosign(*arguments):
        # With a password, even an empty one, cosign never asks for it.
        password = os.environ.get("COSIGN_PASSWORD", "")
        return programs.output("cosign", *arguments, variables={"COSIGN_PASSWORD": password})


def labels(image):
    """What an image says of itself. It is not fetched."""
    try:
        said = programs.output("oras", "manifest", "fetch-config", *_oras_http(image), image)
        return json.loads(said).get("config", {}).get("Labels") or {}
    except (programs.Failed, ValueError, AttributeError) as error:
        raise Refused(f"{image}: what it says of itself cannot be read: {error}") from error


def revision_of(images):
    """The commit that all of these images were built from."""
    return one_revision({
        str(image): labels(image).get("org.opencontainers.image.revision", "none")
        for image in images
    })


def one_revision(revisions):
    """Of images and their commits, the one commit."""
    if len(set(revisions.values())) != 1:
        said = ", ".join(f"{image}: {one}" for image, one in revisions.items())
        raise Refused(f"these images were not built from one commit: {said}")
    return next(iter(revisions.values()))


def push(name, archive, tag, types, annotations):
    """Pushes an artifact of one file. The same file with the same annotations is the same one."""
    config, layer = types
    said = [
        word for key, value in annotations.items() for word in ("--annotation", f"{key}={value}")
    ]
    registry, _, repository = name.partition("/")
    where = Image(registry, repository, "")
    archive = pathlib.Path(archive).resolve()
    try:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "config.json").write_text("{}")
            answer = programs.output(
                "oras", "push", "--no-tty", "--format", "json", *_oras_http(where),
                "--config", f"{folder}/config.json:{config}", "--disable-path-validation", *said,
                f"{name}:{tag}", f"{archive.name}:{layer}",
                folder=archive.parent,
            )
    except programs.Failed as error:
        raise Refused(f"{name} could not be pushed: {error}") from error
    return where.other(json.loads(answer)["digest"])


def attach(image, kind, path, created):
    """Attaches a file. The same file of the same time is the same artifact, and there once."""
    artifact, file = KINDS[kind]
    path = pathlib.Path(path).resolve()
    if not path.is_file() or path.stat().st_size == 0:
        raise Unusable(f"{path} is no file, or empty")
    try:
        said = programs.output(
            "oras", "attach", "--no-tty", "--format", "json", *_oras_http(image),
            "--artifact-type", artifact,
            "--annotation", f"org.opencontainers.image.created={created}",
            image, f"{path.name}:{file}",
            folder=path.parent,
        )
    except programs.Failed as error:
        raise Refused(f"{path.name} could not be attached to {image}: {error}") from error
    return image.other(json.loads(said)["digest"])


def attached(image):
    """What of our kinds is attached to an image, whoever has attached it."""
    try:
        said = programs.output(
            "oras", "discover", "--format", "json", "--depth", "1", *_oras_http(image), image
        )
    except programs.Failed as error:
        raise Refused(f"{image}: {error}") from error
    kinds = {artifact: kind for kind, (artifact, _file) in KINDS.items()}
    return [
        Attached(kinds[entry["artifactType"]], image.other(entry["digest"]))
        for entry in json.loads(said).get("referrers") or []
        if entry.get("artifactType") in kinds
    ]


def signed(image, signer):
    """What of our kinds is attached and signed; what anybody else has attached is passed over, and
    said."""
    there = []
    for one in attached(image):
        try:
            signer.verify(one.image)
        except Refused:
            print(f"passed over: {one.kind} {one.image.digest}, not signed by our key",
                  file=sys.stderr)
            continue
        there.append(one)
    return there


def fetch(attached, folder):
    """Writes the files of an attached artifact into a folder of its kind; their paths."""
    folder = pathlib.Path(folder) / attached.kind
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as new:
            programs.output(
                "oras", "pull", "--no-tty", *_oras_http(attached.image), attached.image,
                "--output", new,
            )
            paths = []
            for path in sorted(pathlib.Path(new).iterdir()):
                paths.append(path.rename(folder / path.name))
            return paths
    except programs.Failed as error:
        raise Refused(f"{attached.image}: {error}") from error


def _oras_http(image):
    return ["--plain-http"] if image.plain_http else []


def _cosign_http(image):
    return ["--allow-http-registry", "--allow-insecure-registry"] if image.plain_http else []


def _key(name):
    """How cosign is told of a key: a file, a key store's address, or the key in a variable."""
    value = os.environ.get(name, "")
    if not value:
        raise Missing(f"{name} is not set: a file, a key store's address or the key itself")
    if value.lstrip().startswith("-----BEGIN"):
        return f"env://{name}"
    if "://" not in value and not os.path.isfile(value):
        raise Unusable(f"{name} names `{value}`, which is no file")
    return value
