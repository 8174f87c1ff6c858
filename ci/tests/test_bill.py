"""Bills of materials: what is on them, and that others can read them."""

import copy
import json

import elf_programs
import pytest
from delivery import bill, embedded, source, spdx
from delivery.ends import Refused

CREATED = "2026-01-31T12:00:00Z"


@pytest.fixture
def cyclonedx(recorded):
    return json.loads(recorded("tiny.cyclonedx.json"))


@pytest.fixture
def proc_macros(recorded):
    metadata = json.loads(recorded("tiny.metadata.json"))
    metadata["workspace_members"] = []
    return source.of(metadata).proc_macros


@pytest.fixture
def runtime(cyclonedx, proc_macros):
    return bill.Runtime(cyclonedx, proc_macros)


@pytest.fixture
def listed(recorded):
    return embedded.read("tiny", elf_programs.auditable(recorded("tiny.embedded.json")))


def test_source_and_program_say_the_same_of_what_runs(runtime, listed):
    assert runtime.crates == listed.runtime
    bill.compare("tiny", runtime, listed)


def test_a_procedural_macro_with_a_build_script_counts_as_cargo_auditable_counts_it(
    recorded, cyclonedx
):
    metadata = json.loads(recorded("tiny.metadata.json"))
    metadata["workspace_members"] = []
    derive = next(one for one in metadata["packages"] if one["name"] == "thiserror-impl")
    derive["targets"].append({"kind": ["custom-build"], "name": "build-script-build"})

    runtime = bill.Runtime(cyclonedx, source.of(metadata).proc_macros)

    assert "thiserror-impl" in {crate.name for crate in runtime.crates}
    # And what it depends on.
    assert "syn" in {crate.name for crate in runtime.crates}


def test_a_crate_that_only_the_program_has_is_named(recorded, runtime):
    document = json.loads(recorded("tiny.embedded.json"))
    document["packages"].append({"name": "smuggled", "version": "6.6.6", "source": "crates.io"})
    listed = embedded.read("tiny", elf_programs.auditable(document))

    with pytest.raises(Refused) as refused:
        bill.compare("tiny", runtime, listed)

    assert str(refused.value) == (
        "tiny has 5 crates, the source 4; in the program alone: smuggled 6.6.6"
    )


def test_another_version_in_the_source_is_named_though_the_counts_are_equal(
    cyclonedx, proc_macros, listed
):
    winnow = next(entry for entry in cyclonedx["components"] if entry["name"] == "winnow")
    winnow["version"] = "0.7.14"

    with pytest.raises(Refused) as refused:
        bill.compare("tiny", bill.Runtime(cyclonedx, proc_macros), listed)

    assert "in the program alone: winnow 0.7.15" in str(refused.value)
    assert "in the source alone: winnow 0.7.14" in str(refused.value)


def test_the_bill_is_the_same_each_time_and_names_no_folder(runtime):
    first = bill.of("tiny", "abc", "container", [runtime], CREATED)
    second = bill.of("tiny", "abc", "container", [copy.deepcopy(runtime)], CREATED)

    assert json.dumps(first) == json.dumps(second)
    assert "file://" not in json.dumps(first) and "/source" not in json.dumps(first)
    other = bill.of("tiny", "abd", "container", [runtime], CREATED)
    assert other["serialNumber"] != first["serialNumber"]


def test_ours_are_not_taken_for_those_of_the_same_name_on_a_registry(runtime):
    document = bill.of("tiny", "abc", "container", [runtime], CREATED)

    addresses = {entry["name"]: entry["purl"] for entry in document["components"]}
    assert addresses["tiny"] == "pkg:generic/chappe/tiny@0.1.0"
    assert addresses["memchr"] == "pkg:cargo/memchr@2.8.3"


def test_two_programs_of_an_image_are_one_bill(cyclonedx, proc_macros, runtime):
    # Another program, with fewer crates.
    cyclonedx["metadata"]["component"]["name"] = "small"
    for entry in cyclonedx["dependencies"]:
        if entry["ref"].startswith("path+"):
            entry["dependsOn"] = [ref for ref in entry["dependsOn"] if "memchr" in ref]
    small = bill.Runtime(cyclonedx, proc_macros)

    document = bill.of("both", "abc", "container", [runtime, small], CREATED)

    names = [entry["name"] for entry in document["components"]]
    assert names == ["memchr", "thiserror", "winnow", "small", "tiny"]
    edges = {entry["ref"]: entry.get("dependsOn") for entry in document["dependencies"]}
    assert edges["container:both"] == [
        "pkg:generic/chappe/small@0.1.0", "pkg:generic/chappe/tiny@0.1.0",
    ]


def test_cyclonedx_is_valid(runtime):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = bill.of("tiny", "abc", "container", [runtime], CREATED)
    validate = JsonStrictValidator(SchemaVersion.V1_5).validate_str

    assert validate(json.dumps(document)) is None
    # It does look.
    del document["components"][0]["name"]
    assert validate(json.dumps(document)) is not None


def test_spdx_is_valid_and_lists_the_same(runtime, tmp_path):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = spdx.of(bill.of("tiny", "abc", "container", [runtime], CREATED))
    path = tmp_path / "tiny.spdx.json"
    path.write_text(json.dumps(document))
    read = parse_file(str(path))

    assert [str(problem) for problem in validate_full_spdx_document(read)] == []
    listed = {(package.name, package.version) for package in read.packages}
    assert listed == {(crate.name, crate.version) for crate in runtime.crates} | {("tiny", "abc")}
    # It does look.
    read.packages[0].spdx_id = "not an id"
    assert validate_full_spdx_document(read) != []


@pytest.mark.parametrize(
    ("said", "declared"),
    [
        ([{"expression": "MIT OR (Apache-2.0 AND ISC)"}], "MIT OR (Apache-2.0 AND ISC)"),
        ([{"license": {"id": "ISC"}}], "ISC"),
        ([{"license": {"name": "whatever you like"}}], "NOASSERTION"),
        ([{"expression": "see / the file"}], "NOASSERTION"),
        ([], "NOASSERTION"),
    ],
)
def test_a_licence_that_cannot_be_read_is_not_guessed(runtime, said, declared):
    document = bill.of("tiny", "abc", "container", [runtime], CREATED)
    document["components"][0]["licenses"] = said

    assert spdx.of(document)["packages"][1]["licenseDeclared"] == declared
