"""The list of models."""

import pytest
from openai import NotFoundError


def test_models_are_listed_chat_models_first(client):
    names = [model.id for model in client.models.list()]

    assert names == ["simulator", "simulator-embeddings"]


def test_one_model_is_shown(client):
    model = client.models.retrieve("simulator")

    assert (model.id, model.object, model.owned_by) == ("simulator", "model", "chappe")
    assert model.created > 0
    assert "chat" in model.model_extra["capabilities"]


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(NotFoundError) as raised:
        client.models.retrieve("nobody/knows-it")

    assert raised.value.code == "model_not_found"
