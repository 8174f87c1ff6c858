"""The reading of images and of tests, without images: layers, words that nobody knows."""

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))

import images  # noqa: E402
import structure  # noqa: E402


def layer(*files):
    """A layer: paths, or paths with the file that they are another name of."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            path, same = file if isinstance(file, tuple) else (file, None)
            member = tarfile.TarInfo(path.rstrip("/"))
            member.mode = 0o755
            if same:
                member.type, member.linkname = tarfile.LNKTYPE, same
            elif path.endswith("/"):
                member.type = tarfile.DIRTYPE
            tar.addfile(member)
    return archive.getvalue()


def saved(*layers):
    """What `docker save` would write."""
    archive = io.BytesIO()
    names = [f"{number}.tar" for number in range(len(layers))]
    manifest = json.dumps([{"Config": "config.json", "Layers": names}]).encode()
    config = json.dumps({"config": {"User": "65532:65532"}}).encode()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in [("manifest.json", manifest), ("config.json", config), *zip(names, layers)]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive.seek(0)
    return images.read(archive)


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ([["bin/", "bin/sh"]], ["/bin", "/bin/sh"]),
        ([["bin/", "bin/sh"], ["bin/.wh.sh"]], ["/bin"]),
        ([["bin/", "bin/sh"], [".wh.bin"]], []),
        ([["bin/", "bin/sh"], ["bin/", "bin/.wh..wh..opq", "bin/web"]], ["/bin", "/bin/web"]),
        ([["bin/sh"], ["bin/.wh.sh"], ["bin/sh"]], ["/bin/sh"]),
        ([["a", ("b", "a")], [".wh.a"]], ["/b"]),
        ([["./a/", "./a/b"]], ["/a", "/a/b"]),
    ],
)
def test_a_layer_hides_what_it_takes_away_and_nothing_else(layers, left):
    image = saved(*(layer(*files) for files in layers))

    assert sorted(image.files) == left


def written(folder, text):
    file = folder / "test.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "schemaVersion: 1.0.0",
        "{}",
        "schemaVersion: 2.0.0\nlicenseTests: []",
        "schemaVersion: 2.0.0\nmetadataTest: {users: root}",
        "schemaVersion: 2.0.0\nfileExistenceTests: [{name: a, path: /a, shouldexist: false}]",
        "schemaVersion: 2.0.0\ncommandTests: [{name: a, command: a, setup: [[b]]}]",
    ],
)
def test_a_word_that_nobody_would_heed_is_an_error(text, tmp_path):
    with pytest.raises(images.Failed):
        structure.load([written(tmp_path, text)])


def test_a_file_that_no_test_names_is_told(tmp_path):
    tests = structure.load([written(tmp_path, "schemaVersion: 2.0.0\nfileExistenceTests: [{name: p, path: /usr/bin/p}]")])

    result = structure.nothing_else(tests, saved(layer("usr/", "usr/bin/", "usr/bin/p", "usr/q", "r/")))

    assert [problem.split()[0] for problem in result.problems] == ["/r", "/usr/q"]


def test_a_file_that_shall_not_be_there_permits_nothing(tmp_path):
    text = "schemaVersion: 2.0.0\nfileExistenceTests: [{name: s, path: /s, shouldExist: false}]"
    tests = structure.load([written(tmp_path, text)])

    assert structure.nothing_else(tests, saved(layer("s"))).problems


def test_what_is_below_a_folder_counts_as_the_folder():
    assert structure.existence({"path": "/bin", "shouldExist": False}, saved(layer("bin/sh")).files)
