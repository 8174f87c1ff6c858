"""What the source says that its programs are made of: by cargo-cyclonedx and cargo's metadata."""

import json
import pathlib
import shutil
import tempfile

from . import programs
from .ends import Missing, Unusable

FILE = "of-the-source"


class Source:
    """The bills of all packages of a workspace, for one target."""

    def __init__(self, bills, proc_macros):
        self._bills = bills
        # What runs in the compiler, and is in no program.
        self.proc_macros = proc_macros

    def bill(self, package):
        """The CycloneDX document of a package."""
        if package not in self._bills:
            raise Unusable(f"the source has no package `{package}`")
        return self._bills[package]


def read(repository, target):
    """Asks both in a copy of the source: cargo-cyclonedx writes beside each Cargo.toml."""
    if not programs.there("cargo-cyclonedx"):
        raise Missing(
            f"there is no `cargo-cyclonedx` on PATH: {programs.WHERE['cargo-cyclonedx']}"
        )
    with tempfile.TemporaryDirectory(prefix="chappe-sbom-") as folder:
        folder = pathlib.Path(folder)
        try:
            _copy(pathlib.Path(repository), folder)
            metadata = json.loads(
                programs.output(
                    "cargo", "metadata", "--format-version", "1", "--locked",
                    "--filter-platform", target, folder=folder,
                )
            )
            programs.output(
                "cargo", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5",
                "--target", target, "--no-build-deps", "--override-filename", FILE, folder=folder,
            )
        except programs.Failed as error:
            raise Unusable(f"the source cannot be listed: {error}") from error
        return of(metadata)


def of(metadata):
    """What is made of the metadata, and of the bills beside the manifests that it names."""
    members = set(metadata["workspace_members"])
    bills, proc_macros = {}, set()
    for package in metadata["packages"]:
        # As cargo-auditable has it: one that has tests of its own, or a build script, counts as
        # being in the program. Too long a list hides nothing.
        if [kind for target in package["targets"] for kind in target["kind"]] == ["proc-macro"]:
            proc_macros.add(package["id"])
        if package["id"] in members:
            bill = pathlib.Path(package["manifest_path"]).with_name(f"{FILE}.json")
            bills[package["name"]] = json.loads(bill.read_text())
    return Source(bills, frozenset(proc_macros))


def _copy(repository, folder):
    listed = programs.output(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=repository
    )
    for path in filter(None, listed.split("\0")):
        # What is deleted and not committed is still listed.
        if (repository / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / path, folder / path)
