"""Embeddings."""

import math


def test_every_input_has_its_vector_in_order(client):
    answer = client.embeddings.create(
        model="simulator-embeddings", input=["Paris", "Lille", "Paris"]
    )

    assert [item.index for item in answer.data] == [0, 1, 2]
    paris, lille, again = [item.embedding for item in answer.data]
    assert paris == again
    assert paris != lille
    assert len(paris) == len(lille) > 1
    assert answer.model == "simulator-embeddings"
    assert answer.usage.prompt_tokens > 0


def test_numbers_as_text_and_in_base64_are_the_same_numbers(client):
    # The SDK asks for base64 by itself and decodes it: 32-bit numbers.
    packed = client.embeddings.create(model="simulator-embeddings", input="Paris")
    spelt = client.embeddings.create(
        model="simulator-embeddings", input="Paris", encoding_format="float"
    )

    [packed], [spelt] = packed.data, spelt.data
    assert len(packed.embedding) == len(spelt.embedding)
    pairs = zip(packed.embedding, spelt.embedding, strict=True)
    assert all(math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7) for a, b in pairs)


def test_the_number_of_dimensions_is_the_callers(client):
    answer = client.embeddings.create(model="simulator-embeddings", input="Paris", dimensions=8)

    assert len(answer.data[0].embedding) == 8


def test_tokens_may_be_embedded_in_place_of_text(client):
    answer = client.embeddings.create(
        model="simulator-embeddings", input=[[1, 2, 3], [4, 5]], encoding_format="float"
    )

    assert len(answer.data) == 2
