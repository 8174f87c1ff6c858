"""`ci/sign` and `ci/verify` with cosign and oras against a registry on loopback."""

import pathlib

import pytest


@pytest.fixture
def run(ci, programs, key):
    """`ci/sign` or `ci/verify` with our key, or with what is said instead."""

    def run(name, *arguments, **variables):
        given = {"SOURCE_DATE_EPOCH": "1700000000", **key, **variables}
        given = {name: value for name, value in given.items() if value is not None}
        return ci(name, *arguments, path=programs, **given)

    return run


def test_what_is_signed_verifies_with_the_public_key_alone(run, push):
    image = push(b"signed")

    signed = run("sign", image)
    assert (signed.code, signed.out) == (0, f"signed: {image}\n"), signed.err
    verified = run("verify", image, COSIGN_KEY=None, COSIGN_PASSWORD=None)
    assert (verified.code, verified.out) == (0, f"signed by our key: {image}\n"), verified.err


def test_the_key_itself_may_be_in_the_variable(run, push, key):
    texts = {
        name: pathlib.Path(key[name]).read_text() for name in ("COSIGN_KEY", "COSIGN_PUBLIC_KEY")
    }
    image = push(b"key-in-a-variable")

    assert run("sign", image, **texts).code == 0
    assert run("verify", image, COSIGN_KEY=None, **{
        "COSIGN_PUBLIC_KEY": texts["COSIGN_PUBLIC_KEY"],
    }).code == 0


def test_what_nobody_has_signed_is_refused(run, push):
    ended = run("verify", push(b"unsigned"))

    assert ended.code == 1
    assert "is not signed by our key: no signatures found" in ended.err


def test_what_another_key_has_signed_is_refused(run, push, other_key):
    image = push(b"of-another")
    assert run("sign", image, **other_key).code == 0

    assert run("verify", image).code == 1
    assert run("verify", image, **other_key).code == 0


def test_an_image_that_was_changed_is_refused(run, push):
    image = push(b"original")
    assert run("sign", image).code == 0

    # Under the tag of the signed one is another now.
    changed = push(b"changed")
    assert changed != image
    assert run("verify", changed).code == 1
    assert run("verify", image).code == 0


def test_one_that_is_unsigned_refuses_all_that_are_deployed_with_it(run, push):
    image = push(b"one-of-two")
    assert run("sign", image).code == 0
    assert run("verify", image, push(b"two-of-two")).code == 1


@pytest.mark.parametrize("program", ["sign", "verify"])
@pytest.mark.parametrize(
    "name",
    [
        "{at}/chappe/gateway:v1", "{at}/chappe/gateway", "chappe/gateway:v1", "gateway",
        "{at}/chappe/gateway@sha256:abc", "{at}/chappe/gateway:v1@sha256:" + "0" * 64,
        "--key=x@sha256:" + "0" * 64, "-x/y@sha256:" + "0" * 64,
    ],
)
def test_what_is_not_named_by_digest_is_refused(run, at, program, name):
    ended = run(program, "--", name.format(at=at))

    assert ended.code == 1
    assert "is not named by digest" in ended.err


def test_what_is_attached_is_signed_and_found_again_and_there_once(run, push, tmp_path):
    image = push(b"with-everything")
    files = {"sbom-cyclonedx": "gateway.cdx.json", "sbom-spdx": "gateway.spdx.json",
             "scan": "scan.json", "test-report": "unit.xml"}
    attach = []
    for kind, name in files.items():
        (tmp_path / name).write_text(f"of {kind}")
        attach += ["--attach", f"{kind}={tmp_path / name}"]
    require = [word for kind in files for word in ("--require", kind)]

    first = run("sign", image, *attach)
    assert first.code == 0, first.err
    # A job that is run again.
    again = run("sign", image, *attach)
    attached = [line for line in first.out.splitlines() if line.startswith("attached")]
    assert len(attached) == 4
    assert again.out.splitlines() == [*attached, f"signed already: {image}"]

    verified = run("verify", image, *require, "--fetch", tmp_path / "fetched")
    assert verified.code == 0, verified.err
    assert len(verified.out.splitlines()) == 1 + 4
    folder = tmp_path / "fetched" / image.rsplit(":", 1)[-1]
    for kind, name in files.items():
        assert (folder / kind / name).read_text() == f"of {kind}"


def test_what_is_required_and_not_attached_is_named(run, push, tmp_path):
    image = push(b"without-a-scan")
    (tmp_path / "a.json").write_text("{}")
    assert run("sign", image, "--attach", f"sbom-spdx={tmp_path / 'a.json'}").code == 0

    ended = run("verify", image, "--require", "sbom-spdx", "--require", "scan")

    assert ended.code == 1 and "has no signed scan" in ended.err


def test_what_another_has_attached_does_not_count(run, push, other_key, tmp_path):
    image = push(b"attached-by-another")
    (tmp_path / "scan.json").write_text('{"good": true}')
    assert run("sign", image, "--attach", f"scan={tmp_path / 'scan.json'}", **other_key).code == 0
    assert run("sign", image).code == 0

    ended = run("verify", image, "--require", "scan")

    assert ended.code == 1 and "has no signed scan" in ended.err
    assert "passed over: scan sha256:" in ended.err


@pytest.mark.parametrize(
    ("variables", "code", "reason"),
    [
        ({"COSIGN_KEY": None}, 69, "COSIGN_KEY is not set"),
        ({"COSIGN_KEY": "/no/such/file"}, 78, "which is no file"),
        ({"COSIGN_PASSWORD": "wrong"}, 78, "COSIGN_KEY cannot be used"),
        ({"COSIGN_PASSWORD": None}, 78, "COSIGN_KEY cannot be used"),
        ({"COSIGN_TRANSPARENCY_LOG": "maybe"}, 78, "is `true` or `false`"),
        ({"REGISTRY_PLAIN_HTTP": "maybe"}, 78, "is `true` or `false`"),
    ],
)
def test_a_key_that_cannot_be_used_says_so(run, push, key, variables, code, reason):
    ended = run("sign", push(b"not-signed"), **variables)

    assert (ended.code, reason in ended.err) == (code, True), ended.err
    assert key["COSIGN_PASSWORD"] not in ended.err and "BEGIN" not in ended.err


def test_what_is_to_be_attached_has_to_be_there(run, push, tmp_path):
    image = push(b"nothing-attached")
    (tmp_path / "empty.json").write_text("")

    for path in ("missing.json", "empty.json"):
        ended = run("sign", image, "--attach", f"scan={tmp_path / path}")
        assert ended.code == 78 and "is no file, or empty" in ended.err
    assert run("sign", image, "--attach", "malware=x").code == 2
    # Nothing was signed half-way.
    assert run("verify", image).code == 1


def test_without_cosign_it_says_where_it_is_to_be_had(ci, key, tmp_path):
    ended = ci("sign", "127.0.0.1:1/a@sha256:" + "0" * 64, path=[tmp_path], **key)
    assert ended.code == 69 and "there is no `cosign` on PATH" in ended.err
