"""Paths that lead somewhere else for who reads them twice: sent as they are, and read once."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

HOSTILE = "%0d%0aset-cookie:%20planted=1"


@pytest.fixture
def get(gateway_url, api_key):
    """A client that sends a path as it is: others tidy it first."""
    address = urlsplit(gateway_url)

    def get(path):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=25)
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.putheader("authorization", f"Bearer {api_key}")
        connection.endheaders()
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer, body

    return get


@pytest.mark.parametrize(
    "path",
    [
        "//v1/models",
        "/v1//models",
        "/v1/models/",
        "/v1/./models",
        "/v1/../v1/models",
        "/../v1/models",
        "/v1/%2e%2e/v1/models",
        "/%2e%2e/v1/models",
        "/v1%2fmodels",
        "/v1\\models",
        "/v1/models%00",
        "/v1/models%20",
        "/v1/models;x=y",
        "/V1/models",
        "/%76%31/models",
        "/v1/responses/../models",
    ],
)
def test_another_spelling_of_a_path_is_another_path(get, path):
    answer, body = get(path)

    assert answer.status == 404
    assert body["error"]["code"] == "unknown_url"


@pytest.mark.parametrize("kind", ["models", "responses", "conversations"])
@pytest.mark.parametrize(
    "name",
    ["..", "%2e%2e", "..%2f..%2fopenapi.json", "%2fopenapi.json", "%00", "%0a", HOSTILE, "%", "%zz", "*", "%3e"],
)
def test_no_name_leads_out_of_its_place(get, kind, name):
    answer, body = get(f"/v1/{kind}/{name}")

    assert answer.status == 404, body
    assert set(body) == {"error"}
    assert answer.getheader("set-cookie") is None


@pytest.mark.parametrize("name", ["%ff", "resp_%c3", "conv_%ed%a0%80"])
@pytest.mark.parametrize("kind", ["models", "responses", "conversations"])
def test_a_name_that_is_no_text_is_refused(get, kind, name):
    answer, body = get(f"/v1/{kind}/{name}")

    # A conversation of such a name is one that is not there.
    expected = (404, "conversation_not_found") if kind == "conversations" else (400, "invalid_utf8")
    assert (answer.status, body["error"]["code"]) == expected


def test_the_query_does_not_change_the_path(get):
    answer, body = get("/v1/models?x=/../../openapi.json%00&x=%ff")

    assert answer.status == 200
    assert body["object"] == "list"
