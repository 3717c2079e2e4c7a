"""The page Settings: each control changes one field and says which."""

from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtWidgets import QInputDialog, QLabel
from pytestqt.qtbot import QtBot

from desktop.settings import Settings
from desktop.transfer import Progress
from desktop.ui.buttons import IconButton
from desktop.ui.settings import SettingsPage
from tests.ui.laptop import LAPTOP


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def page(qtbot: QtBot, settings: Settings, tmp_path: Path) -> SettingsPage:
    page = SettingsPage(settings, tmp_path / "models", "huggingface.co")
    qtbot.addWidget(page)
    page.resize(1032, 800)
    page.show()
    return page


def words(page: SettingsPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def test_the_theme_is_one_of_four(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.changed) as changed:
        page.theme._group.button(2).click()
    assert (changed.args, settings.theme) == (["theme"], "dark")
    with qtbot.waitSignal(page.changed):
        page.theme._group.button(3).click()
    assert settings.theme == "contrast"


def test_the_text_size_is_told_once_the_slider_rests(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    told: list[str] = []
    page.changed.connect(told.append)
    with qtbot.waitSignal(page.changed):
        for value in (21, 22, 24):
            page.scale.setValue(value)
    assert told == ["text_scale"]
    assert settings.text_scale == 1.2
    assert "120 %" in words(page)


def test_offline_is_a_switch_that_follows_the_other_pages(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.changed) as changed:
        page.offline.click()
    assert (changed.args, settings.offline) == (["offline"], True)
    with qtbot.assertNotEmitted(page.changed):
        page.show_offline(False)
    assert not page.offline.isChecked()


def test_another_folder_leaves_the_models_of_the_old_one_in_use(
    page: SettingsPage, settings: Settings, tmp_path: Path, qtbot: QtBot
) -> None:
    assert "free" in words(page)
    old = page.folder._folder
    with qtbot.waitSignal(page.changed) as changed:
        page.folder.choose(tmp_path / "elsewhere")
    assert (changed.args, settings.models_dir) == (["models_dir"], str(tmp_path / "elsewhere"))
    assert settings.moving_from == str(old)
    page.folder.show_left(2, 5_000_000_000)
    assert f"2 models (5.0 GB) are still in {old}, and work from there." in words(page)
    with qtbot.waitSignal(page.folder.move_clicked):
        page.folder.move_button.click()
    page.folder.show_moving(Progress(1_000_000_000, 5_000_000_000, 1e8, 40.0, stage="move"))
    assert "Moving your models: 1.0 GB of 5.0 GB." in words(page)
    with qtbot.waitSignal(page.folder.stop_clicked):
        page.folder.stop.click()
    page.folder.show_left(1, 4_000_000_000)
    with qtbot.waitSignal(page.changed) as changed:
        page.folder.leave.click()
    assert (changed.args, settings.more_folders, settings.moving_from) == (["more_folders"], [str(old)], "")
    assert not page.folder.left.isVisible()
    page.folder.choose(old)
    assert (settings.models_dir, settings.moving_from, settings.more_folders) == (str(old), str(tmp_path / "elsewhere"), [])


def test_other_folders_are_added_and_left_out(page: SettingsPage, settings: Settings, tmp_path: Path, qtbot: QtBot) -> None:
    shared = tmp_path / "shared"
    for _ in range(2):
        page.folder.add(shared)
    assert settings.more_folders == [str(shared)]
    qtbot.waitUntil(lambda: "It is not there at the moment." in words(page))
    shared.mkdir()
    page.folder.show_others()
    qtbot.waitUntil(lambda: str(shared) in words(page))
    assert "It is not there at the moment." not in words(page)
    (drop,) = (each for each in page.folder.findChildren(IconButton) if str(shared) in each.accessibleName())
    with qtbot.waitSignal(page.changed) as changed:
        drop.click()
    assert (changed.args, settings.more_folders) == (["more_folders"], [])
    assert str(shared) not in words(page)


def test_a_folder_that_cannot_be_written_is_refused(page: SettingsPage, settings: Settings, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").touch()
    with qtbot.assertNotEmitted(page.changed):
        page.folder.choose(tmp_path / "file" / "below")
    assert settings.models_dir == ""
    assert "Nothing can be written in" in words(page)


def test_the_length_of_conversations_is_said_in_words(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    assert page.context.currentText() == "What suits the model"
    with qtbot.waitSignal(page.changed) as changed:
        page.context.setCurrentIndex(page.context.findText("about 12,000 words"))
    assert (changed.args, settings.context) == (["context"], 16384)


def test_the_list_of_lengths_has_an_arrow(page: SettingsPage) -> None:
    picture = page.context.grab().toImage()
    ratio = picture.devicePixelRatio()
    place = QRect(picture.width() - round(26 * ratio), 0, round(16 * ratio), picture.height()).adjusted(0, 8, 0, -8)
    seen = picture.copy(place)
    assert len({seen.pixel(x, y) for x in range(seen.width()) for y in range(seen.height())}) > 1


def test_a_length_from_the_file_is_kept(qtbot: QtBot, tmp_path: Path) -> None:
    page = SettingsPage(Settings(context=5000), tmp_path, "huggingface.co")
    qtbot.addWidget(page)
    assert page.context.currentData() == 5000


def test_the_engine_is_named_once_it_was_asked(page: SettingsPage) -> None:
    page.show_engine(LAPTOP.engine)
    assert "llama.cpp 0.3.36 (CPU)" in words(page)
    assert "nothing is reported" in words(page)


def test_what_was_read_is_kept_or_not(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    assert page.keep_ready.isChecked()
    with qtbot.waitSignal(page.changed) as changed:
        page.keep_ready.click()
    assert (changed.args, settings.keep_ready) == (["keep_ready"], False)


def test_how_long_a_model_stays_awake(page: SettingsPage, settings: Settings, qtbot: QtBot, tmp_path: Path) -> None:
    assert page.sleep_after.currentText() == "30 minutes"
    with qtbot.waitSignal(page.changed) as changed:
        page.sleep_after.setCurrentIndex(page.sleep_after.findText("Never"))
    assert (changed.args, settings.sleep_after_min) == (["sleep_after_min"], 0)
    by_hand = SettingsPage(Settings(sleep_after_min=45), tmp_path, "huggingface.co")
    qtbot.addWidget(by_hand)
    assert by_hand.sleep_after.currentText() == "45 minutes"


def test_the_speed_of_downloads_can_be_limited(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    limit = page.downloads.limit
    assert [limit.itemText(i) for i in range(limit.count())][:3] == ["No limit", "1 MB/s", "2 MB/s"]
    with qtbot.waitSignal(page.changed) as changed:
        qtbot.keyClick(limit, Qt.Key.Key_Down)
    assert (changed.args, settings.speed_limit) == (["speed_limit"], 1_000_000)


def test_a_limit_of_ones_own(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    limit = page.downloads.limit
    limit.setCurrentIndex(limit.findText("Another …"))

    def answer() -> None:
        asked = page.downloads.findChild(QInputDialog)
        asked.setDoubleValue(1.5)
        asked.accept()

    QTimer.singleShot(0, answer)
    limit.activated.emit(limit.currentIndex())
    assert settings.speed_limit == 1_500_000
    assert limit.currentText() == "1.5 MB/s"


def test_what_becomes_of_downloads_when_the_window_is_closed(page: SettingsPage, settings: Settings, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.changed) as changed:
        qtbot.keyClick(page.downloads.on_close, Qt.Key.Key_End)
    assert (changed.args, settings.on_close) == (["on_close"], "stop")
