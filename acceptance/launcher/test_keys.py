"""API keys on one machine: from the first one to its end, and what the chat page has."""

import json
import re
import urllib.error
import urllib.request

import pytest

# What is promised is a second; a busy machine has ten.
KNOWN_WITHIN_S = 10


@pytest.fixture
def chappe(start):
    return start(GATEWAY_AUTH="keys", LOG_FILTER="info")


@pytest.fixture
def keys(run):
    """`chappe keys`, which finds the Chappe that runs by its data folder."""

    def keys(*arguments):
        return run("chappe", "keys", *arguments)

    return keys


def models(chappe, key=None):
    """The status of a list of models."""
    request = urllib.request.Request(chappe.address("API") + "/models")
    if key:
        request.add_header("authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def comes_to(status, chappe, key, soon):
    soon(lambda: models(chappe, key) == status, KNOWN_WITHIN_S)


def test_a_key_is_made_used_rotated_and_revoked(chappe, keys, soon, tmp_path):
    assert "`chappe keys create NAME` makes an API key" in chappe.said
    assert models(chappe) == 401

    made = keys("create", "my-app", "--tenant", "research", "--lane", "background")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch(r"sk-chappe-[a-z2-7]{16}-[a-z2-7]{52}", key)
    assert key not in made.stderr and "shown this once" in made.stderr
    comes_to(200, chappe, key, soon)
    key_id = key.split("-")[2]
    listed = keys("list").stdout
    assert re.search(rf"{key_id}  my-app +research +local +lanes background +good", listed)
    assert key not in listed

    rotated = json.loads(keys("rotate", key_id, "--grace", "0s", "--json").stdout)
    assert rotated["id"] == key_id
    comes_to(401, chappe, key, soon)
    comes_to(200, chappe, rotated["key"], soon)
    # The one before is over: this rotates. Then it is still good, and has to be forced out.
    again = keys("rotate", key_id).stdout.strip()
    refused = keys("rotate", key_id)
    assert refused.returncode == 1 and "--force" in refused.stderr, refused.stderr
    assert keys("rotate", key_id, "--grace", "91d", "--force").returncode == 1
    comes_to(200, chappe, again, soon)
    forced = json.loads(keys("rotate", key_id, "--force", "--json").stdout)
    assert forced["replaced_good_until"] - forced["rotated_at"] == 24 * 60 * 60
    comes_to(401, chappe, rotated["key"], soon)
    comes_to(200, chappe, forced["key"], soon)
    revoked = keys("revoke", key_id)
    assert "Gateways refuse it within a second." in revoked.stdout
    comes_to(401, chappe, forced["key"], soon)
    assert keys("rotate", key_id).returncode == 1
    # The command line has no log: the gateway tells what it hears.
    for act in ("created", "rotated", "revoked"):
        chappe.says(f"key {key_id} of tenant research was {act} by command line")

    chappe.interrupt()
    assert chappe.ends() == 0
    page_key = (tmp_path / "data" / "credentials" / "web.key").read_text().strip()
    for secret in [key, rotated["key"], again, forced["key"], page_key]:
        assert secret.split("-")[3] not in chappe.said, "it is in the log"


def test_the_chat_page_has_a_key_of_its_own_and_keeps_it(start, chappe, keys, tmp_path):
    with urllib.request.urlopen(chappe.address("Chat"), timeout=20) as page:
        assert b'<option value="simulator"' in page.read()
    chappe.interrupt()
    assert chappe.ends() == 0

    again = start(GATEWAY_AUTH="keys")

    listed = json.loads(keys("list", "--json").stdout)
    assert [one["name"] for one in listed] == ["chat page of this machine"]
    assert listed[0]["scopes"]["on_behalf_of"] and "hash" not in listed[0]
    kept = tmp_path / "data" / "credentials" / "web.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert models(again, kept.read_text().strip()) == 200


def test_a_key_in_a_file_is_shown_to_nobody_and_kept_as_long_as_it_counts(chappe, keys, soon, tmp_path):
    file = tmp_path / "keys" / "first.key"
    create = ["create", "first", "--to", file, "--say", "Read it there."]

    made = keys(*create, "--unless-there")
    assert made.returncode == 0, made.stderr
    key = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in made.stdout + made.stderr
    assert f"(first) is in {file}.\nRead it there.\n" in made.stdout
    comes_to(200, chappe, key, soon)

    assert f"is in {file} already." in keys(*create, "--unless-there").stdout
    assert file.read_text().strip() == key
    refused = keys(*create)
    assert refused.returncode == 1 and "--unless-there" in refused.stderr
    keys("revoke", key)
    again = keys(*create, "--unless-there")
    assert f"is in {file}.\n" in again.stdout
    comes_to(200, chappe, file.read_text().strip(), soon)
    comes_to(401, chappe, key, soon)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["create", "x", "--unless-there"], 2, "--to"),
        (["create", "x", "--lane", "express"], 2, "express"),
        (["create", "x", "--endpoint", "chat"], 2, "chat.completions"),
        (["create", "x", "--expires-in", "soon"], 2, "90d"),
        (["create", ""], 2, "1 to 128 bytes"),
        (["create", "x", "--expires-in", "0s"], 1, "in the future"),
        (["revoke", "nobody"], 2, "16 characters"),
        (["revoke", "sk-" + "chappe-" + "a1b2c3d4" * 8], 2, "'sk-…'"),
        (["revoke", "aaaaaaaaaaaaaaaa"], 1, "`chappe keys list` has them all"),
        ([], 2, "Usage: chappe keys"),
    ],
)
def test_what_is_not_understood_is_told_with_what_would_be(chappe, keys, arguments, code, says):
    ended = keys(*arguments)

    assert ended.returncode == code
    assert says in ended.stderr
    assert "panicked" not in ended.stderr


def test_where_nothing_runs_it_says_so_soon(run, free_port):
    ended = run("chappe", "keys", "list", NATS_URL=f"nats://127.0.0.1:{free_port}")

    assert ended.returncode == 1
    assert "no NATS server answers" in ended.stderr
