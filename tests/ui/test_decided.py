"""What the organisation decided, as the window shows it: locked settings, the strip, how long conversations are kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import policy
from desktop.ui import theme
from desktop.ui.buttons import IconButton
from desktop.ui.folder_settings import FolderLine
from desktop.ui.leaving import LeaveDialog
from desktop.ui.locking import LockMark, Strip
from desktop.ui.program import Program

LOCKED = {
    "offline": True,
    "hub_endpoint": "https://models.example.com",
    "allowed_hosts": ["models.example.com"],
    "proxy": "http://proxy.example.com:3128",
    "ca_file": "",
    "more_folders": ["/srv/other"],
    "theme": "dark",
    "text_scale": 1.1,
    "sleep_after_min": 10,
    "keep_ready": False,
    "speed_limit": 2_000_000,
    "when_full": "summarise",
    "avoid_metered": True,
    "on_close": "stop",
}


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_program: Callable[[], Program]) -> Callable[[object], Program]:
    """The program under a policy."""

    def build(content: object) -> Program:
        monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / "policy.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return open_program()

    return build


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_what_is_locked_cannot_be_changed_and_says_who_set_it(decided: Callable[[object], Program], tmp_path: Path) -> None:
    program = decided({"locked": LOCKED, "banner": "Internal use\nonly. <b>Not</b> for customers.", "pictures": False})
    page = program.settings
    controls = (
        page.offline,
        page.theme,
        page.scale,
        page.sleep_after,
        page.when_full,
        page.keep_ready,
        page.downloads.limit,
        page.downloads.metered,
        page.downloads.on_close,
        page.network.proxy.choice,
        page.network.proxy.address,
        page.network.choose_certificate,
        page.folder.add_folder,
    )
    assert not [control for control in controls if control.isEnabled()]
    assert page.offline.isChecked()
    assert page.network.proxy.address.text() == "http://proxy.example.com:3128"
    assert page.downloads.limit.currentText() == "2 MB/s"
    assert words(page).count("Set by your organisation") == len(LOCKED)
    assert "https://models.example.com" in words(page)
    assert page.network.proxy.password.isEnabled()  # which is the person's
    marks = {mark.accessibleName(): mark for mark in page.findChildren(LockMark)}
    mark = marks["Stay offline: Set by your organisation"]
    assert mark.toolTip() == f"Decided in {tmp_path / 'etc' / 'policy.json'}"
    assert mark.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert page.offline.accessibleDescription() == "Set by your organisation"
    assert theme.colour("ink").lightness() > theme.colour("background").lightness()  # dark, as it was locked
    check_offline_everywhere(program)
    check_strip(program)
    check_pictures(program)


def test_the_tab_key_meets_each_mark_where_it_is_seen(decided: Callable[[object], Program]) -> None:
    program = decided({"locked": LOCKED, "retention_days": 30})
    program._on_page_clicked("settings")
    page = program.settings
    stops, at = [], page.nextInFocusChain()
    while at is not page:
        if page.isAncestorOf(at) and at.isVisible() and at.isEnabled() and at.focusPolicy() & Qt.FocusPolicy.TabFocus:
            stops.append(at)
        at = at.nextInFocusChain()
    marks = [each for each in stops if isinstance(each, LockMark)]
    assert len(marks) == len(LOCKED) + 1
    heights = [mark.mapTo(page.widget(), mark.rect().topLeft()).y() for mark in marks]
    assert heights == sorted(heights)
    offline, proxy = (next(mark for mark in marks if mark.accessibleName().startswith(name)) for name in ("Stay", "Proxy"))
    assert stops.index(offline) < stops.index(page.network.test) < stops.index(proxy)


def test_what_is_done_every_time_is_not_asked_where_it_is_locked(decided: Callable[[object], Program]) -> None:
    program = decided({"locked": {"on_close": "ask"}})
    program.leaving._ask()
    dialog = program.window.findChild(LeaveDialog)
    assert dialog is not None
    assert not dialog.always.isVisible()
    dialog.reject()


def check_offline_everywhere(program: Program) -> None:
    """Wherever the offline switch is, it is locked."""
    assert not program.activity.offline.isEnabled()
    assert "Set by your organisation" in words(program.activity)
    assert program.window.sidebar.privacy.text() == "Offline by your organisation"
    assert not program.first_run._offline.isVisibleTo(program.first_run)
    assert "Your organisation keeps Alcove offline" in words(program.first_run)
    program.show_models()
    assert program.browse.local.isVisible()  # where nothing can be had, what is here comes first
    program._set_offline(False)  # whoever asks for it
    assert program.app.network.offline
    assert program.settings.offline.isChecked()
    assert program.activity.offline.isChecked()


def check_strip(program: Program) -> None:
    """The organisation's text stands at the top, as plain text."""
    (strip,) = program.window.findChildren(Strip)
    assert strip.words.text() == "Internal use only. <b>Not</b> for customers."
    assert strip.words.textFormat() == Qt.TextFormat.PlainText
    assert strip.y() == 0
    assert strip.width() == program.window.width()


def check_pictures(program: Program) -> None:
    """Pictures are neither offered nor taken."""
    chat = program.window.chat
    program.chat_with("guide")
    assert not chat.composer.attach_button.isVisible()
    chat._take([b"a picture that was pasted"])
    assert chat.composer.attachments.pictures == ()
    assert "Pictures are turned off by your organisation." in words(chat)


def test_rules_that_cannot_be_read_are_told_with_whom_to_ask(decided: Callable[[object], Program], tmp_path: Path) -> None:
    program = decided("{")
    (strip,) = program.window.findChildren(Strip)
    assert "cannot be read, so Alcove stays offline" in strip.words.text()
    assert "Ask those who look after this computer." in strip.words.text()
    assert str(tmp_path / "etc" / "policy.json") in strip.words.text()
    assert not program.settings.offline.isEnabled()
    assert "only the small guide can be used" in words(program.first_run)
    shown = [each.text() for each in program.first_run.findChildren(QPushButton) if each.isVisibleTo(program.first_run)]
    assert "Talk to the guide" in shown
    assert "Add a model file …" not in shown


def test_how_long_conversations_are_kept_is_told_and_done(decided: Callable[[object], Program], qtbot: QtBot) -> None:
    program = decided({"retention_days": 30})
    assert program.settings.offline.isEnabled()  # what is not locked is the person's
    assert not program.window.findChildren(Strip)
    assert len(program.window.findChildren(LockMark)) == 1
    assert "deleted 30 days after their last message" in program.window.sidebar.kept.text()
    assert program.window.sidebar.kept.isVisible()
    assert "They are deleted for good 30 days after their last message." in words(program.settings)
    store = program.app.conversations
    old, new = store.create("Old", "guide"), store.create("New", "guide")
    store._db.execute("UPDATE conversations SET updated = '2020-01-01T00:00:00.000000+00:00' WHERE id = ?", (old,))
    program.open_conversation(old)
    program._expiry.timeout.emit()
    assert [each.id for each in store.list()] == [new]
    assert program.window.chat.conversation_id is None
    shown = [program.window.sidebar.list.item(row).text() for row in range(program.window.sidebar.list.count())]
    assert "New" in shown
    assert "Old" not in shown


def test_shared_folders_and_signers_are_told_in_the_settings(decided: Callable[[object], Program], tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()
    keys = ["A" * 43 + "=", "B" * 43 + "="]
    program = decided({"locked": {"catalogue_keys": keys}, "shared_folders": [str(here), str(gone)]})
    program._on_page_clicked("settings")
    lines = program.settings.findChildren(FolderLine)
    assert [("not there" in words(line), line._folder) for line in lines] == [(False, str(here)), (True, str(gone))]
    assert not program.settings.folder.findChildren(IconButton)  # nothing takes one off the list
    marks = {mark.accessibleName() for mark in program.settings.findChildren(LockMark)}
    assert marks == {
        "Folders with models for everybody: Set by your organisation",
        "Who may sign newer lists of models: Set by your organisation",
    }
    assert "\n".join(keys) in words(program.settings.network)
    gone.mkdir()
    program._on_page_clicked("models")
    program._on_page_clicked("settings")
    assert "not there" not in words(program.settings)


def test_keys_of_ones_own_are_told(decided: Callable[[object], Program], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.json").write_text(json.dumps({"catalogue_keys": ["A" * 43 + "="]}))
    program = decided({"locked": {"theme": "dark"}})
    assert f"Whoever has the secret part of this key. Other lists are not used.\n{'A' * 43}=" in words(program.settings.network)
    assert len(program.settings.network.findChildren(LockMark)) == 0


def test_where_models_are_judged_keys_of_ones_own_are_not_told(decided: Callable[[object], Program], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.json").write_text(json.dumps({"catalogue_keys": ["A" * 43 + "="]}))
    program = decided({"models": {"deny": [{"maker": "Meta"}]}})
    assert "Who may sign" not in words(program.settings.network)


def test_texts_name_the_computer_that_is_asked(decided: Callable[[object], Program], qtbot: QtBot) -> None:
    program = decided({"locked": {"hub_endpoint": "https://models.example.com/hub"}})
    program._set_offline(True)
    qtbot.waitUntil(lambda: bool(program._offers), timeout=30_000)
    pages = (program.first_run, program.browse, program.settings)
    program.browse.open_model(program._offers[0])
    said = "\n".join(words(page) for page in pages)
    program.browse.show_tab("hub")
    said += words(program.browse)
    program._set_offline(False)
    said += words(program.browse)
    for part in (
        "Models come from models.example.com. Allow connections to get one",
        "on models.example.com\n",
        "Its SHA-256 is asked from models.example.com",
        "Searching asks models.example.com.",
        "Type to search models.example.com",
        "Asks models.example.com, where models come from",
        "It is sent to models.example.com only",
    ):
        assert part in said
    buttons = [button.text() for page in pages for button in page.findChildren(QPushButton)]
    assert "Search for more" in buttons
    assert not [each for each in (*said.splitlines(), *buttons) if "the Hub" in each or "huggingface.co" in each]
