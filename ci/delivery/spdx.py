"""The same list as SPDX 2.3, made from the CycloneDX one: two formats, one truth."""

import re

NOTHING = "NOASSERTION"
LICENCE = re.compile(r"[A-Za-z0-9.\-+]+( (AND|OR|WITH) [A-Za-z0-9.\-+]+)*")


def of(cyclonedx):
    """An SPDX document of a CycloneDX one. Equal documents give equal ones."""
    subject = cyclonedx["metadata"]["component"]
    components = [subject, *cyclonedx["components"]]
    names = {component["bom-ref"]: _identifier(component) for component in components}
    relationships = [_relationship("SPDXRef-DOCUMENT", "DESCRIBES", names[subject["bom-ref"]])]
    for entry in cyclonedx["dependencies"]:
        relationships += [
            _relationship(names[entry["ref"]], "DEPENDS_ON", names[other])
            for other in entry.get("dependsOn", [])
        ]
    name = f"{subject['name']}-{subject['version']}"
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        # Unique, and no address: nothing is there to be fetched.
        "documentNamespace": f"https://spdx.org/spdxdocs/{_clean(name)}-"
        + cyclonedx["serialNumber"].removeprefix("urn:uuid:"),
        "creationInfo": {
            "created": cyclonedx["metadata"]["timestamp"],
            "creators": ["Tool: chappe-ci-sbom"],
        },
        "packages": [_package(component, names) for component in components],
        "relationships": relationships,
    }


def _package(component, names):
    package = {
        "SPDXID": names[component["bom-ref"]],
        "name": component["name"],
        "versionInfo": component["version"],
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
        "licenseConcluded": NOTHING,
        "licenseDeclared": _licence(component),
        "copyrightText": NOTHING,
        # Of CycloneDX's words for it, these three are ours, and they are SPDX's in capitals.
        "primaryPackagePurpose": component["type"].upper(),
    }
    if checksums := [
        {"algorithm": entry["alg"].replace("-", ""), "checksumValue": entry["content"]}
        for entry in component.get("hashes", [])
    ]:
        package["checksums"] = checksums
    if "purl" in component:
        package["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": component["purl"],
            }
        ]
    return package


def _licence(component):
    said = [
        entry.get("expression") or (entry.get("license") or {}).get("id") or ""
        for entry in component.get("licenses", [])
    ]
    # One that we cannot read is not guessed at.
    plain = said[0].replace("(", "").replace(")", "") if len(said) == 1 else ""
    return said[0] if LICENCE.fullmatch(plain) else NOTHING


def _relationship(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _identifier(component):
    return _clean(f"SPDXRef-{component['type']}-{component['name']}-{component['version']}")


def _clean(text):
    return re.sub(r"[^A-Za-z0-9.\-]", "-", text)
