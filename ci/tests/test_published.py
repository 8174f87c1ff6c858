"""What was published: all of it by digest, or nothing is printed."""

import pytest

import images

PUBLISHED = {
    variable: f"registry.example/chappe/{name}@sha256:{number:064x}"
    for number, (name, variable) in enumerate(images.VARIABLES.items())
}


@pytest.fixture
def published(ci, tmp_path):
    """Asks for what such a file has."""

    def ask(lines):
        file = tmp_path / "digests.env"
        file.write_text("".join(f"{variable}={image}\n" for variable, image in lines.items()))
        return ci("published", file)

    return ask


def test_each_image_is_printed_by_its_digest(published):
    ended = published(PUBLISHED)
    assert (ended.code, ended.out.split()) == (0, list(PUBLISHED.values())), ended.err


def test_an_empty_list_is_refused(published):
    ended = published({})
    assert (ended.code, ended.out) == (1, "")
    assert "names no image for gateway, llm-worker, web, chappe" in ended.err


@pytest.mark.parametrize("name", images.VARIABLES)
def test_a_list_without_one_of_them_is_refused(published, name):
    one = images.VARIABLES[name]
    ended = published({key: image for key, image in PUBLISHED.items() if key != one})
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip().endswith(f"names no image for {name}")


def test_a_tag_is_refused_and_a_list_that_is_not_there_cannot_be_used(published, ci, tmp_path):
    ended = published({**PUBLISHED, "CHAPPE_SIMULATOR_IMAGE": "chappe/model-simulator:0.1.0"})
    assert (ended.code, ended.out) == (1, "") and "CHAPPE_SIMULATOR_IMAGE" in ended.err
    assert ci("published", tmp_path / "nowhere").code == 78
