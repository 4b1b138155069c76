"""What a run keeps for the next one is taken only by one that would make the same of the same."""

import pytest

from astronet.base import fingerprint, version
from astronet.base.kept import Kept


def length_of(path):
    with open(path) as file:
        return len(file.read())


def test_a_result_is_made_again_where_its_file_or_the_context_has_changed(tmp_path):
    (tmp_path / "a").write_text("four")
    task, directory = str(tmp_path / "a"), str(tmp_path / "kept")

    def kept(context="default", work=length_of):
        return Kept(work, directory, context, lambda path: [path])

    def fail(path):
        raise AssertionError("it is kept")

    assert not kept().has(task) and kept()(task) == 4
    assert kept().has(task) and kept(work=fail)(task) == 4
    assert not kept("--quality=none").has(task)
    (tmp_path / "a").write_text("seven, now")
    assert not kept().has(task) and kept()(task) == 10
    (tmp_path / "a").unlink()
    assert not kept().has(task)


@pytest.mark.parametrize(
    "changed, name",
    [
        ({"seed": 2}, "settings.seed"),
        ({"inputs": "of another cube"}, "inputs.cube"),
        ({"version": "0.0.1"}, "version"),
    ],
)
def test_an_origin_tells_what_has_changed(tmp_path, monkeypatch, changed, name):
    cube, path = tmp_path / "cube.fits", tmp_path / "origin.json"
    cube.write_text("of a star")
    assert fingerprint.changes(path, fingerprint.origin({"cube": [cube]}, seed=1)) is None
    fingerprint.write(path, fingerprint.origin({"cube": [cube]}, seed=1))
    assert fingerprint.changes(path, fingerprint.origin({"cube": [cube]}, seed=1)) == []
    cube.write_text(changed.get("inputs", "of a star"))
    monkeypatch.setattr(version, "VERSION", changed.get("version", version.VERSION))
    assert fingerprint.changes(path, fingerprint.origin({"cube": [cube]}, seed=changed.get("seed", 1))) == [name]
    path.write_text("{")
    assert fingerprint.changes(path, {}) is None
