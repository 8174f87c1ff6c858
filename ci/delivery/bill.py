"""A bill of materials of an image: CycloneDX, of what is in its programs and nothing else."""

import json
import uuid

from .embedded import Crate
from .ends import Refused

# Of cargo-cyclonedx's fields for a crate. The rest is for readers of crates.io.
FIELDS = ["type", "name", "version", "scope", "hashes", "licenses"]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/chappe/ci/sbom")


class Runtime:
    """The crates that are in the programs of one package, with what each depends on."""

    def __init__(self, document, proc_macros):
        root = document["metadata"]["component"]
        known = {entry["bom-ref"]: entry for entry in [root, *document["components"]]}
        edges = {
            entry["ref"]: [ref for ref in entry.get("dependsOn", []) if ref not in proc_macros]
            for entry in document["dependencies"]
        }
        reached, waiting = {}, [root["bom-ref"]]
        while waiting:
            reference = waiting.pop()
            if reference not in reached:
                reached[reference] = edges.get(reference, [])
                waiting += reached[reference]
        self.root = _reference(known[root["bom-ref"]])
        self.components = {_reference(known[one]): _component(known[one]) for one in reached}
        self.edges = {
            _reference(known[one]): sorted(_reference(known[other]) for other in others)
            for one, others in reached.items()
        }
        self.tools = document["metadata"].get("tools", [])

    @property
    def crates(self):
        return frozenset(
            Crate(component["name"], component["version"]) for component in self.components.values()
        )


def compare(program, runtime, embedded):
    """Refuses a program that is made of something else than the source says."""
    lacking = sorted(embedded.runtime - runtime.crates)
    surplus = sorted(runtime.crates - embedded.runtime)
    if lacking or surplus:
        said = [f"in the program alone: {crate}" for crate in lacking]
        said += [f"in the source alone: {crate}" for crate in surplus]
        raise Refused(
            f"{program} has {len(embedded.runtime)} crates, the source {len(runtime.crates)}; "
            + "; ".join(said)
        )


def of(name, version, kind, runtimes, created):
    """One document over all programs of an image. The same input gives the same bytes."""
    subject = {"type": kind, "bom-ref": f"{kind}:{name}", "name": name, "version": version}
    components, edges, tools = {}, {}, []
    for runtime in runtimes:
        components |= runtime.components
        for one, others in runtime.edges.items():
            edges[one] = sorted({*edges.get(one, []), *others})
        tools += [tool for tool in runtime.tools if tool not in tools]
    edges[subject["bom-ref"]] = sorted({runtime.root for runtime in runtimes})
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "tools": [*tools, {"vendor": "Chappe", "name": "ci/sbom"}],
            "component": subject,
        },
        "components": [components[one] for one in sorted(components)],
        "dependencies": [
            {"ref": one, "dependsOn": others} if others else {"ref": one}
            for one, others in sorted(edges.items())
        ],
    }
    number = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return {"serialNumber": f"urn:uuid:{number}", **document}


def _component(entry):
    component = {"bom-ref": _reference(entry)}
    component |= {field: entry[field] for field in FIELDS if field in entry}
    # The package whose program it is calls itself an application; here it is one of many.
    component["type"] = "library"
    component["purl"] = component["bom-ref"]
    return component


def _reference(entry):
    """A package URL: it is the same on every machine, which cargo's names for folders are not."""
    if entry["bom-ref"].startswith("path+"):
        # Ours are on no registry, where others have the same names.
        return f"pkg:generic/chappe/{entry['name']}@{entry['version']}"
    return entry["purl"]
