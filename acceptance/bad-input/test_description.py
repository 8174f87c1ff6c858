"""/openapi.json says what the gateway does: every operation, no other, and what may come of it."""

import re

import pytest

METHODS = ("get", "post", "put", "patch", "delete")
# Ids of things that are not there.
NOBODY = {
    "response_id": "resp_0190d6a0000070008000000000000000",
    "conversation_id": "conv_0190d6a0000070008000000000000000",
    "item_id": "msg_0",
    "model": "nobody",
    "key_id": "aaaaaaaaaaaaaaaa",
    "dead_letter_id": "7",
}
BODIES = (b"", b"{", b"[]", b'{"model": "nobody"}', b'{"model": "simulator"}', b'{"items": [7]}')


@pytest.fixture(scope="module")
def description(raw):
    return raw.http.get("/openapi.json").json()


def filled(path, **ids):
    return re.sub(r"{(\w+)}", lambda found: {**NOBODY, **ids}[found[1]], path)


def operations(description):
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_that_is_described_is_there_and_no_other(raw, description):
    for path, described in description["paths"].items():
        for method in METHODS:
            answer = raw.http.request(method, filled(path))
            unknown = answer.status_code == 405
            assert unknown == (method not in described), f"{method} {path}: {answer.text}"
            if unknown:
                assert answer.json()["error"]["code"] == "method_not_allowed"
                allowed = answer.headers["allow"].lower().split(",")
                assert set(allowed) - {"head"} == set(described), path


def test_every_parameter_that_means_nothing_is_refused(raw, description):
    senseless = {"integer": "-1", "boolean": "maybe"}
    for path, method, operation in operations(description):
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            checked = "enum" in schema or name == "include[]" or schema["type"] in senseless
            if parameter["in"] != "query" or name == "include_obfuscation" or not checked:
                continue
            asked = {name: senseless.get(schema["type"], "nonsense")}
            answer = raw.http.request(method, filled(path), params=asked)
            assert answer.status_code == 400, f"{method} {path}?{asked}: {answer.text}"
            assert answer.json()["error"]["param"] == name.removesuffix("[]")


def test_what_comes_of_bad_input_is_described(raw, description):
    seen = set()
    for path, method, operation in operations(description):
        bodies = BODIES if "requestBody" in operation else [b""]
        urls = [filled(path), filled(path, **dict.fromkeys(NOBODY, "%ff"))]
        for url in [*urls, f"{urls[0]}?include=nonsense&limit=0"]:
            for body in bodies:
                # Whoever is answered before its body is read has its connection closed.
                headers = {"content-type": "application/json", "connection": "close"}
                answer = raw.http.request(method, url, content=body, headers=headers)
                status = str(answer.status_code)
                seen.add(status)
                assert status in operation["responses"], f"{method} {url} {body}: {answer.text}"
    assert seen >= {"200", "400", "404"}


def test_the_objects_have_the_members_that_are_described(raw, description):
    schemas = description["components"]["schemas"]
    created = {"model": "simulator", "input": "Hello", "simulator": {"token_ms": 0}}
    response = raw.http.post("/v1/responses", json=created).json()
    conversation = raw.http.post("/v1/conversations", json={}).json()
    items = raw.http.get(f"/v1/responses/{response['id']}/input_items").json()
    waiting = raw.http.get(f"/v1/responses/{response['id']}/waiting").json()
    raw.http.post("/v1/responses", json={**created, "conversation": conversation["id"]})
    turns = raw.http.get(f"/v1/conversations/{conversation['id']}/turns").json()
    rated = raw.http.post(
        f"/v1/conversations/{conversation['id']}/turns/{turns['last_id']}/feedback",
        json={"rating": "up"},
    ).json()
    refused = raw.http.get(filled("/v1/responses/{response_id}")).json()
    gone = raw.http.delete(f"/v1/responses/{response['id']}").json()
    left = raw.http.delete(f"/v1/conversations/{conversation['id']}").json()
    key = raw.http.post("/v1/admin/keys", json={"name": "described"}).json()

    for name, shown in [
        ("Response", response),
        ("Conversation", conversation),
        ("ItemList", items),
        ("ResponseWaiting", waiting),
        ("ConversationTurnList", turns),
        ("ConversationTurn", turns["data"][0]),
        ("TurnFeedback", rated),
        ("Error", refused),
        ("ErrorDetail", refused["error"]),
        ("DeletedResponse", gone),
        ("DeletedConversation", left),
        ("ModelList", raw.http.get("/v1/models").json()),
        ("Model", raw.http.get("/v1/models/simulator").json()),
        ("ConversationList", raw.http.get("/v1/conversations").json()),
        ("Key", key),
        ("KeyList", raw.http.get("/v1/admin/keys").json()),
        ("Overview", raw.http.get("/v1/admin/overview").json()),
        ("DeadLetterList", raw.http.get("/v1/admin/dead_letters").json()),
    ]:
        described = schemas[name]
        assert set(described["required"]) <= set(shown) <= set(described["properties"]), name
        for member, value in shown.items():
            assert is_of_type(value, described["properties"][member]), f"{name}.{member}: {value}"


def is_of_type(value, schema):
    types = schema.get("type", [])
    names = {
        type(None): {"null"},
        bool: {"boolean"},
        int: {"integer", "number"},
        float: {"number"},
        str: {"string"},
        list: {"array"},
        dict: {"object"},
    }[type(value)]
    # What is described elsewhere is looked at there.
    return "$ref" in schema or bool(names & set([types] if isinstance(types, str) else types))
