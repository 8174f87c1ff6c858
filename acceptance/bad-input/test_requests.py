"""Bad and unusual requests: each has a status and an error that names what is wrong."""

import json

import pytest

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
HELLO = [{"role": "user", "content": "Hello"}]


def chat(**members):
    return json.dumps({"model": "simulator", "messages": HELLO, **members}).encode()


def without(name):
    body = json.loads(chat())
    del body[name]
    return json.dumps(body).encode()


# What it is, the path, the body, the status, `code`, `param`.
REFUSED = [
    ("nothing", CHAT, b"", 400, "invalid_json", None),
    ("half an object", CHAT, b'{"model": "simulator"', 400, "invalid_json", None),
    ("two objects", CHAT, chat() + b"{}", 400, "invalid_json", None),
    ("an array", CHAT, b"[]", 400, "invalid_json", None),
    ("a text", CHAT, b'"model"', 400, "invalid_json", None),
    ("a form", CHAT, b"model=simulator", 400, "invalid_json", None),
    ("not a number", CHAT, b'{"model": NaN}', 400, "invalid_json", None),
    ("not UTF-8", CHAT, b'{"model": "\xff\xfe"}', 400, "invalid_utf8", None),
    ("half a character", CHAT, chat().replace(b"Hello", b"\xc3"), 400, "invalid_utf8", None),
    ("UTF-16", CHAT, chat().decode().encode("utf-16"), 400, "invalid_utf8", None),
    ("nested deeply", CHAT, chat(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 200 + b"]" * 200), 400, "nesting_too_deep", None),
    ("nested without end", CHAT, b'{"a":' * 1_000_000, 400, "nesting_too_deep", None),
    ("no model", CHAT, without("model"), 400, "missing_required_parameter", "model"),
    ("model: number", CHAT, chat(model=7), 400, "invalid_type", "model"),
    ("model: half a character", CHAT, chat().replace(b'"simulator"', b'"\\ud800"'), 400, "invalid_unicode", "model"),
    ("model: null", CHAT, chat(model=None), 400, "invalid_type", "model"),
    ("model: unknown", CHAT, chat(model="nobody-knows-it"), 404, "model_not_found", "model"),
    ("model: empty", CHAT, chat(model=""), 404, "model_not_found", "model"),
    ("model: very long", CHAT, chat(model="m" * 100_000), 404, "model_not_found", "model"),
    ("model: subject", CHAT, chat(model="*.>"), 404, "model_not_found", "model"),
    ("no messages", CHAT, without("messages"), 400, "missing_required_parameter", "messages"),
    ("messages: text", CHAT, chat(messages="Hello"), 400, "invalid_type", "messages"),
    ("messages: object", CHAT, chat(messages={}), 400, "invalid_type", "messages"),
    ("messages: none", CHAT, chat(messages=[]), 400, "empty_array", "messages"),
    ("message: text", CHAT, chat(messages=["Hello"]), 400, "invalid_type", "messages[0]"),
    ("message: no role", CHAT, chat(messages=[*HELLO, {"content": "x"}]), 400, "missing_required_parameter", "messages[1].role"),
    ("message: role 1", CHAT, chat(messages=[{"role": 1, "content": "x"}]), 400, "invalid_type", "messages[0].role"),
    ("stream: text", CHAT, chat(stream="yes"), 400, "invalid_type", "stream"),
    ("10,001 messages", CHAT, chat(messages=HELLO * 10_001), 400, "array_above_max_length", "messages"),
    ("embeddings: no input", EMBEDDINGS, b'{"model": "simulator-embeddings"}', 400, "missing_required_parameter", "input"),
    ("embeddings: input 7", EMBEDDINGS, b'{"model": "simulator-embeddings", "input": 7}', 400, "invalid_type", "input"),
    ("embeddings: malformed", EMBEDDINGS, b'{"model"', 400, "invalid_json", None),
    ("embeddings of a chat model", EMBEDDINGS, b'{"model": "simulator", "input": "x"}', 400, None, "model"),
]


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_refused(raw, path, body, status, code, param):
    answer = raw.post(path, body)

    error = openai_error(answer, status)
    assert error["param"] == param
    assert code is None or error["code"] == code
    # The same request can only fail again: SDKs heed this.
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("POST", "/", 404, "unknown_url"),
        ("GET", "/v1/chat/completions/", 404, "unknown_url"),
        ("GET", "/v1/../v1/models/%00", 404, "model_not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("PUT", EMBEDDINGS, 405, "method_not_allowed"),
        ("GET", "/v1/models/nobody-knows-it", 404, "model_not_found"),
        ("GET", "/v1/models/%ff", 400, "invalid_utf8"),
    ],
)
def test_wrong_routes_and_methods(raw, method, path, status, code):
    answer = raw.http.request(method, path)

    error = openai_error(answer, status)
    assert code is None or error["code"] == code
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("host", "rebound.example:8790", "foreign_host"),
        ("origin", "https://elsewhere.example", "foreign_site"),
        ("sec-fetch-site", "cross-site", "foreign_site"),
    ],
)
def test_a_page_of_another_site_is_refused_where_nobody_needs_a_key(raw, api_key, name, value, code):
    answer = raw.http.get("/v1/models", headers={name: value})

    if api_key != "unused":
        # Whoever has a key has it from us, and no page of another site can guess it.
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        return
    error = openai_error(answer, 403)
    assert error["code"] == code
    assert "GATEWAY_ALLOWED_HOSTS" in error["message"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "value",
    ["", "a" * 129, "Zo\u00eb", "sk-" + "chappe-" + "a1b2c3d4" * 8],
    ids=["nothing", "long", "no ASCII", "a key"],
)
def test_an_owner_that_is_no_name_is_refused_and_not_repeated(raw, value):
    headers = [("chappe-on-behalf-of", value.encode())]

    answer = raw.http.get("/v1/models", headers=headers)

    error = openai_error(answer, 400)
    assert error["code"] == "invalid_owner"
    assert "a1b2c3d4" not in answer.text


def test_a_content_type_is_not_asked_for(raw):
    # As curl sends it when nobody says otherwise.
    answer = raw.post(CHAT, chat(), content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200


def test_an_error_tells_nothing_of_the_prompt(raw):
    secret = "canary-8842"

    answer = raw.post(CHAT, chat(messages=secret))

    assert answer.status_code == 400
    assert secret not in answer.text


def openai_error(answer, status):
    """The error of a response: OpenAI's form, all four members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    return body["error"]
