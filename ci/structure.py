"""What files in container-structure-test's format say of an image, and whether it is so.

The part of the format that we use; a word of another part is an error, since a check that nobody
runs looks like one that passes.
"""

import re
from dataclasses import dataclass, field

import yaml

from images import Failed

VERSION = "2.0.0"
METADATA = {"user", "workdir", "entrypoint", "cmd", "exposedPorts", "unexposedPorts", "volumes", "env", "labels"}
EXISTENCE = {"name", "path", "shouldExist", "permissions", "uid", "gid", "isExecutableBy"}
CONTENT = {"name", "path", "expectedContents", "excludedContents"}
COMMAND = {"name", "command", "args", "envVars", "exitCode", "expectedOutput", "excludedOutput", "expectedError", "excludedError"}
EXECUTABLE = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}


@dataclass
class Tests:
    """The tests of one or more files."""

    metadata: list = field(default_factory=list)
    existence: list = field(default_factory=list)
    content: list = field(default_factory=list)
    commands: list = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """A test and what is wrong, if anything is."""

    name: str
    problems: list


def load(files):
    """Reads the files, all of them as one."""
    tests = Tests()
    for file in files:
        told = yaml.safe_load(file.read_text())
        if str(told.pop("schemaVersion", None)) != VERSION:
            raise Failed(f"{file}: schemaVersion is not {VERSION}")
        metadata = told.pop("metadataTest", None)
        if metadata is not None:
            known(file, metadata, METADATA)
            tests.metadata.append(metadata)
        for key, words, kind in [
            ("fileExistenceTests", EXISTENCE, tests.existence),
            ("fileContentTests", CONTENT, tests.content),
            ("commandTests", COMMAND, tests.commands),
        ]:
            for test in told.pop(key, []):
                known(file, test, words)
                kind.append(test)
        if told:
            raise Failed(f"{file}: `{next(iter(told))}` is not understood")
    return tests


def known(file, test, words):
    unknown = sorted(set(test) - words)
    if unknown:
        raise Failed(f"{file}: `{unknown[0]}` is not understood in {test.get('name', 'metadataTest')}")


def check(tests, image, run):
    """All tests but `nothing else`. `run` runs a command in the image: status, output, errors."""
    results = [Result("metadata", [line for test in tests.metadata for line in metadata(test, image.config)])]
    results += [Result(f"file: {test['name']}", existence(test, image.files)) for test in tests.existence]
    results += [Result(f"content: {test['name']}", content(test, image.files)) for test in tests.content]
    results += [Result(f"command: {test['name']}", command(test, run)) for test in tests.commands]
    return results


def nothing_else(tests, image):
    """Whether every file is one that a test names. The format has no word for that."""
    named = {test["path"] for test in tests.existence if test.get("shouldExist", True)}
    above = {path[:at] for path in named for at in range(1, len(path)) if path[at] == "/"}
    others = [path for path in sorted(image.files) if path not in named and path not in above]
    # A folder above a file that is named has to be one.
    others += [path for path in sorted(above & set(image.files)) if image.files[path].kind != "d"]
    return Result("nothing else", [f"{path} is in the image and in no test" for path in others])


def metadata(test, config):
    problems = []

    def same(what, expected, found):
        if expected != found:
            problems.append(f"{what} is {found!r}, not {expected!r}")

    for key, of_config in [("user", "User"), ("workdir", "WorkingDir")]:
        if key in test:
            same(key, test[key], config.get(of_config) or "")
    for key, of_config in [("entrypoint", "Entrypoint"), ("cmd", "Cmd")]:
        if key in test:
            same(key, test[key], config.get(of_config) or [])
    ports = {port.partition("/")[0] for port in config.get("ExposedPorts") or {}}
    problems += [f"port {port} is not exposed" for port in test.get("exposedPorts", []) if str(port) not in ports]
    problems += [f"port {port} is exposed" for port in test.get("unexposedPorts", []) if str(port) in ports]
    volumes = config.get("Volumes") or {}
    problems += [f"there is no volume {volume}" for volume in test.get("volumes", []) if volume not in volumes]
    variables = dict(variable.split("=", 1) for variable in config.get("Env") or [])
    for what, pairs, found in [("variable", test.get("env", []), variables), ("label", test.get("labels", []), config.get("Labels") or {})]:
        for pair in pairs:
            key, wanted = pair["key"], str(pair["value"])
            if key not in found:
                problems.append(f"there is no {what} {key}")
            elif pair.get("isRegex") and not re.search(wanted, found[key]):
                problems.append(f"{what} {key} is {found[key]!r}, which {wanted!r} does not match")
            elif not pair.get("isRegex"):
                same(f"{what} {key}", wanted, found[key])
    return problems


def existence(test, files):
    path, entry = test["path"], files.get(test["path"])
    if not test.get("shouldExist", True):
        return [f"{path} is there"] if entry or any(file.startswith(f"{path}/") for file in files) else []
    if entry is None:
        return [f"{path} is not there"]
    problems = []
    if "permissions" in test and entry.permissions() != test["permissions"]:
        problems.append(f"{path} has {entry.permissions()}, not {test['permissions']}")
    for key in ("uid", "gid"):
        if key in test and getattr(entry, key) != test[key]:
            problems.append(f"{path} has {key} {getattr(entry, key)}, not {test[key]}")
    if "isExecutableBy" in test and not entry.mode & EXECUTABLE[test["isExecutableBy"]]:
        problems.append(f"{path} cannot be run by {test['isExecutableBy']}")
    return problems


def content(test, files):
    entry = files.get(test["path"])
    if entry is None or entry.content is None:
        return [f"{test['path']} is no file"]
    return matches(test["path"], entry.content.decode(errors="replace"), test, "Contents")


def command(test, run):
    status, output, errors = run(test)
    problems = matches("output", output, test, "Output") + matches("errors", errors, test, "Error")
    if status != test.get("exitCode", 0):
        problems.append(f"it ended with {status}, not {test.get('exitCode', 0)}: {errors.strip()}")
    return problems


def matches(what, text, test, kind):
    wanted, excluded = test.get(f"expected{kind}", []), test.get(f"excluded{kind}", [])
    problems = [f"{what}: nothing matches {rule!r}: {text[:500]!r}" for rule in wanted if not re.search(rule, text)]
    return problems + [f"{what}: something matches {rule!r}" for rule in excluded if re.search(rule, text)]
