"""Pictures through all the parts but the window: the file beside a model, the room for it, the question, the next start."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from desktop import cli, projector, running
from desktop.app import App
from desktop.conversations import Stored
from desktop.engine import ChatOptions, LoadOptions
from desktop.errors import EngineCrashed, LoadFailed
from desktop.judging import end
from desktop.picture import prepared
from tests.engine import seeing

GREEDY = ChatOptions(temperature=0, max_tokens=8)


def paint(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    seeing.model(folder / "seeing.gguf")
    seeing.projector(folder / "mmproj-seeing.gguf")
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


def ask(app: App, conversation: int, path: Path, *pictures: bytes) -> Stored:
    return end(app.talking.turn(conversation, "Which?", str(path), GREEDY, pictures=[prepared(each, "x") for each in pictures]))


def test_a_picture_is_seen_and_remembered_after_a_restart(app: App, folder: Path, tmp_path: Path) -> None:
    path = folder / "seeing.gguf"
    assert app.running.sees(str(path))
    conversation = app.conversations.create("t", str(path))
    assert ask(app, conversation, path, paint("blue")).text == "blue"
    assert app.running.opened is not None
    assert app.running.opened.fit.projector_bytes > projector.LIBRARY_BYTES
    app.close()
    second = App.open(tmp_path / "home")
    try:
        assert ask(second, conversation, path).text == "blue"
    finally:
        second.close()


def test_without_its_projector_it_reads_words(app: App, folder: Path) -> None:
    path = folder / "seeing.gguf"
    conversation = app.conversations.create("t", str(path))
    ask(app, conversation, path, paint("red"))
    app.engine.close()
    (folder / "mmproj-seeing.gguf").unlink()
    assert not app.running.sees(str(path))
    assert ask(app, conversation, path).finish in ("stop", "length")  # the picture is left out, and no error


def test_a_projector_that_the_engine_refuses_leaves_the_model_its_words(app: App, folder: Path) -> None:
    seeing.projector(folder / "mmproj-seeing.gguf", kind="crystal_ball")
    loaded = end(app.running.open(str(folder / "seeing.gguf")))
    assert not loaded.sees
    assert loaded.notices == (running.CANNOT_SEE,)
    assert not app.running.sees(str(folder / "seeing.gguf"))
    assert app.running.opened is not None
    assert app.running.opened.fit.projector_bytes == 0


def test_a_projector_that_ends_the_engine_leaves_the_model_its_words(app: App, folder: Path) -> None:
    options = LoadOptions(folder / "seeing.gguf", projector=seeing.projector(folder / "mmproj-seeing.gguf", heads=7))
    with pytest.raises(EngineCrashed):  # seven heads do not share 64 numbers
        end(app.engine.load(options))
    loaded = end(app.running.open(str(folder / "seeing.gguf")))
    assert (loaded.sees, loaded.notices) == (False, (running.CANNOT_SEE,))


def test_a_model_that_is_broken_itself_is_told(app: App, folder: Path) -> None:
    path = seeing.model(folder / "seeing.gguf", metadata={"llama.pooling_type": 1})
    with pytest.raises(LoadFailed, match="compares texts"):
        end(app.running.open(str(path)))


def test_without_room_for_both_it_opens_without_eyes(app: App, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tight = app.computer.hardware()
    monkeypatch.setattr(app.computer, "hardware", lambda: tight)
    judged = app.estimates.of(str(folder / "seeing.gguf"), hardware=tight, context=512)
    enough = judged.total_bytes + judged.margin_bytes - judged.projector_bytes // 2
    tight = replace(tight, memory=replace(tight.memory, available_bytes=enough))
    loaded = end(app.running.open(str(folder / "seeing.gguf"), context=512))
    assert not loaded.sees
    assert loaded.notices == (running.NO_ROOM_TO_SEE,)


def test_the_command_line_shows_pictures(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / f"{name}.png" for name in ("lime", "blue")}
    for name, file in files.items():
        file.write_bytes(paint(name))

    def run(*arguments: str) -> tuple[int, str, str]:
        home = ["--home", str(tmp_path / "home")]
        status = cli.run(["chat", *arguments, "-p", "Which?", "--temperature", "0", "--max-tokens", "8", *home], lambda _: 99)
        printed = capsys.readouterr()
        return status, printed.out.strip(), printed.err

    model = str(folder / "seeing.gguf")
    assert run(model, "--image", str(files["blue"]))[:2] == (0, "blue")
    assert run(model, "--image", str(files["lime"]), "--image", str(files["lime"]))[:2] == (0, "green")
    status, _, complaint = run(model, "--image", str(tmp_path / "nowhere.png"))
    assert (status, "nowhere.png" in complaint) == (1, True)
    (tmp_path / "text.png").write_text("not a picture")
    status, _, complaint = run(model, "--image", str(tmp_path / "text.png"))
    assert (status, "text.png cannot be shown to a model" in complaint) == (1, True)
    (folder / "mmproj-seeing.gguf").unlink()
    status, _, complaint = run(model, "--image", str(files["blue"]))
    assert (status, "cannot see pictures" in complaint) == (1, True)
