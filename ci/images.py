"""The images: what they are called, and what is in one. For the scripts beside this file."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from delivery import ends

ROOT = Path(__file__).resolve().parent.parent

# A target of the Dockerfile, and the variable by which compose.yaml and deployments name its image.
VARIABLES = {
    "gateway": "CHAPPE_GATEWAY_IMAGE",
    "llm-worker": "CHAPPE_LLM_WORKER_IMAGE",
    "web": "CHAPPE_WEB_IMAGE",
    "chappe": "CHAPPE_TOOLS_IMAGE",
    "model-simulator": "CHAPPE_SIMULATOR_IMAGE",
}


class Failed(Exception):
    """What is told in a line, without a trace."""

    code = ends.REFUSED


class Missing(Failed):
    """A program that is needed is not there."""

    code = ends.MISSING


def run(name, main):
    """Runs a script, and ends the process as it says."""
    try:
        main()
    except Failed as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(error.code)


def version():
    """What images of this source are tagged with."""
    named = os.environ.get("CHAPPE_VERSION")
    if named:
        return named
    manifest = (ROOT / "Cargo.toml").read_text()
    return re.search(r'^version = "(.+)"$', manifest, re.MULTILINE).group(1)


def local_name(name):
    return f"chappe/{name}:{version()}"


def reference(name):
    """The image that is meant: the variable's, such as a digest, or the one built here."""
    return os.environ.get(VARIABLES[name]) or local_name(name)


def docker(*arguments, **options):
    """Runs docker. Its words go where ours go, unless the caller wants them."""
    try:
        return subprocess.run(["docker", *arguments], check=True, **options)
    except FileNotFoundError:
        raise Missing("there is no `docker` on PATH: install Docker (Debian: apt-get install docker.io)") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip() if options.get("capture_output") else ""
        raise Failed(f"`docker {arguments[0]}` failed{': ' + said if said else ''}") from None


def ask(*arguments):
    """What docker says."""
    return docker(*arguments, capture_output=True).stdout


@dataclass(frozen=True)
class Entry:
    """A file or folder of an image."""

    kind: str  # "-", "d", "l" or "?", as `ls` has it
    mode: int
    uid: int
    gid: int
    size: int
    content: bytes | None = None

    def permissions(self):
        letters = "".join(letter if self.mode >> bit & 1 else "-" for letter, bit in zip("rwxrwxrwx", range(8, -1, -1)))
        return self.kind + letters


@dataclass(frozen=True)
class Image:
    """An image as `docker save` writes it: what runs, not what a Dockerfile promises."""

    config: dict
    files: dict  # absolute path → Entry
    compressed_bytes: int


def read(archive):
    """Reads the stream of `docker save` of one image."""
    with tarfile.open(fileobj=archive) as saved:
        manifest = json.load(saved.extractfile("manifest.json"))[0]
        config = json.load(saved.extractfile(manifest["Config"]))["config"]
        files, compressed = {}, 0
        for layer in manifest["Layers"]:
            data = saved.extractfile(layer).read()
            plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            # What a registry keeps of it.
            compressed += len(gzip.compress(plain, 6, mtime=0))
            with tarfile.open(fileobj=io.BytesIO(plain)) as members:
                _apply(members, files)
    return Image(config, files, compressed)


def saved(reference):
    """The image of that name, fetched if it is not here."""
    try:
        ask("image", "inspect", reference)
    except Failed:
        docker("pull", "--quiet", reference)
    return read(io.BytesIO(ask("save", reference)))


def _apply(members, files):
    """Puts a layer over those below it. Names that begin with `.wh.` take something away."""
    for member in members:
        path = "/" + member.name.removeprefix("./").strip("/")
        folder, _, name = path.rpartition("/")
        if name == ".wh..wh..opq":
            _remove_below(folder, files)
        elif name.startswith(".wh."):
            gone = f"{folder}/{name.removeprefix('.wh.')}"
            files.pop(gone, None)
            _remove_below(gone, files)
        elif path != "/":
            files[path] = _entry(member, members, files)


def _remove_below(folder, files):
    for path in [path for path in files if path.startswith(f"{folder}/")]:
        del files[path]


def _entry(member, members, files):
    if member.islnk():
        # Another name of a file that is there already.
        return files["/" + member.linkname.removeprefix("./").strip("/")]
    kind = "-" if member.isfile() else "d" if member.isdir() else "l" if member.issym() else "?"
    content = members.extractfile(member).read() if member.isfile() else None
    return Entry(kind, member.mode & 0o7777, member.uid, member.gid, member.size, content)
