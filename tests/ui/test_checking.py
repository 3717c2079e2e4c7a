"""Checking every file from the window."""

import hashlib
from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.library import Library, Provenance
from desktop.ui.checking import CHECK_TASK, Checking
from desktop.ui.tasks import Tasks
from tests import gguf_files


def test_what_is_damaged_is_named_and_what_is_not_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    library, tasks = Library(tmp_path / "models", tmp_path / "guide.gguf"), Tasks()
    models = []
    for number in (1, 2):
        path = gguf_files.llama(tmp_path / f"model-{number}.gguf")
        part = library.begin(
            origin := Provenance(repo="maker/Models", file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        )
        path.replace(part)
        models.append(library.adopt(part, origin))
    checking = Checking(library, tasks, lambda id: f"Model {id[-1]}")
    qtbot.addWidget(checking)
    assert not checking.isVisible()
    checking.begin()
    assert checking.stop.isVisibleTo(checking)
    qtbot.waitUntil(lambda: tasks.get(CHECK_TASK) is None)
    assert checking.title.text() == "Every file is what it was when it came"
    assert checking.said.text() == "2 models were read and compared with their checksums."
    with models[1].path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    checking.begin()
    qtbot.waitUntil(lambda: tasks.get(CHECK_TASK) is None)
    assert checking.title.text() == "Model 2 is not what it was"
    assert checking.said.text().startswith("Model 2: model-2.gguf is damaged")
    assert "alcove remove" not in checking.said.text()
    checking.close_button.click()
    assert not checking.isVisible()
    tasks.close()
