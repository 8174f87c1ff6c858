"""The list of crates that cargo-auditable puts into a program: section `.dep-v0`, JSON in zlib."""

import json
import zlib
from dataclasses import dataclass

from . import elf
from .ends import Refused

SECTION = ".dep-v0"
# Of what one list unpacks to. The longest that we know of has 5 kB.
LONGEST = 8 * 1024 * 1024


@dataclass(frozen=True, order=True)
class Crate:
    """One crate in one version."""

    name: str
    version: str

    def __str__(self):
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Embedded:
    """What a program says that it is made of."""

    # The Rust target of the program.
    target: str
    root: Crate
    runtime: frozenset
    build: frozenset


def read(name, program):
    """The list in the bytes of a program."""
    try:
        packed = elf.section(program, SECTION)
        target = elf.target(program)
    except elf.NotElf as error:
        raise Refused(f"{name}: {error}") from error
    if packed is None:
        raise Refused(f"{name} has no section {SECTION}: build it with `cargo auditable build`")
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, LONGEST)
        if unpacking.unconsumed_tail:
            raise Refused(f"{name}: the list in {SECTION} is over {LONGEST} bytes long")
        return _parsed(target, json.loads(text))
    except (zlib.error, ValueError, KeyError, TypeError, StopIteration) as error:
        raise Refused(f"{name}: the list in {SECTION} cannot be read: {error!r}") from error


def _parsed(target, document):
    packages = document["packages"]
    crates = [Crate(package["name"], package["version"]) for package in packages]
    root = next(
        crate for crate, package in zip(crates, packages, strict=True) if package.get("root")
    )
    kinds = {"runtime": set(), "build": set()}
    for crate, package in zip(crates, packages, strict=True):
        kinds[package.get("kind", "runtime")].add(crate)
    return Embedded(target, root, frozenset(kinds["runtime"]), frozenset(kinds["build"]))
