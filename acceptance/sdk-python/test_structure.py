"""Answers of a given form, and questions with pictures."""

import base64
import zlib
from struct import pack
from typing import Literal

from pydantic import BaseModel

from support import ordered


class Station(BaseModel):
    name: str
    kind: Literal["semaphore", "relay"]
    distance_km: float
    arms: list[int]


QUESTION = [{"role": "user", "content": "Describe the station."}]


def test_an_answer_follows_the_schema_and_is_parsed(client):
    answer = client.chat.completions.parse(
        model="simulator", messages=QUESTION, response_format=Station
    )

    assert isinstance(answer.choices[0].message.parsed, Station)


def test_a_streamed_answer_follows_the_schema(client):
    with client.chat.completions.stream(
        model="simulator", messages=QUESTION, response_format=Station
    ) as events:
        answer = events.get_final_completion()

    assert isinstance(answer.choices[0].message.parsed, Station)


def test_a_picture_reaches_the_model(client):
    picture = "data:image/png;base64," + base64.b64encode(png(8, 8)).decode()
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": picture, "detail": "low"}},
    ]

    without = client.chat.completions.create(
        model="simulator", messages=[{"role": "user", "content": content[:1]}]
    )
    answer = client.chat.completions.create(
        model="simulator", messages=[{"role": "user", "content": content}]
    )

    # The simulator reckons 85 tokens for a picture, as models do for one of low detail.
    assert answer.usage.prompt_tokens == without.usage.prompt_tokens + 85
    assert answer.choices[0].message.content


def test_the_picture_arrives_byte_for_byte(client):
    picture = "data:image/png;base64," + base64.b64encode(png(64, 64)).decode()
    content = [{"type": "image_url", "image_url": {"url": picture}}]

    answer = client.chat.completions.create(
        model="simulator",
        messages=[{"role": "user", "content": content}],
        extra_body=ordered("echo", token_ms=0),
    )

    assert picture in answer.choices[0].message.content


def png(width, height):
    """A grey picture."""

    def part(kind, data):
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * width for _row in range(height))
    header = pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
