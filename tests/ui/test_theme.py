"""The looks: every name of the style sheet exists in each, and text can be read on what it stands on."""

import itertools
from collections.abc import Callable, Iterator

import pytest
import shiboken6
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.paths import resource
from desktop.ui import icons, prose, theme, verdict
from desktop.ui.buttons import Button, IconButton
from desktop.ui.checked import CheckedLine
from desktop.ui.chooser import ModelChooser
from desktop.ui.computer_card import ComputerCard
from desktop.ui.duties import Entry
from desktop.ui.goals import GoalChoice
from desktop.ui.locking import LockMark, Strip
from desktop.ui.markdown import parse, segments
from desktop.ui.nav import NavButton
from desktop.ui.notice import Notice
from desktop.ui.permissions import Question
from desktop.ui.pills import Pill
from desktop.ui.reader import Reader
from desktop.ui.side_chooser import SideChooser
from desktop.ui.sign import Sign
from desktop.ui.theme import COLOURS, Look, Theme
from desktop.ui.transcript import JumpButton


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [c / 255 for c in QColor(colour).getRgb()[:3]]  # type: ignore[union-attr]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


READ = [
    *itertools.product(
        ("ink", "soft"), ("background", "side", "card", "code", "hover", "accent_soft", "bad_soft", "warning_soft")
    ),
    *itertools.product(("accent",), ("background", "side", "card", "accent_soft")),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("on_chosen", "chosen"),
    ("warning", "card"),
    ("bad", "card"),
    ("bad", "bad_soft"),
]


@pytest.mark.parametrize("look", COLOURS)
@pytest.mark.parametrize(("text", "ground"), READ)
def test_text_can_be_read(look: str, text: str, ground: str) -> None:
    # Soft text stands on tinted grounds only in small notices beside a title in ink.
    least = 4.5 if text != "soft" or ground in ("background", "side", "card", "code") else 4.0
    assert ratio(COLOURS[look][text], COLOURS[look][ground]) >= least


@pytest.mark.parametrize("look", [name for name in COLOURS if name.startswith("contrast")])
def test_what_is_chosen_is_seen_without_colour_in_high_contrast(look: str) -> None:
    """Its frame is as dark as that of the others: it has to be filled."""
    assert ratio(COLOURS[look]["chosen"], COLOURS[look]["card"]) >= 7


def test_the_named_colours_are_those_of_the_design() -> None:
    assert (COLOURS["light"]["background"], COLOURS["light"]["accent"]) == ("#f6f5f2", "#2f6f5e")
    assert (COLOURS["dark"]["background"], COLOURS["dark"]["accent"]) == ("#1b1a18", "#7cc4ae")


@pytest.mark.parametrize("name", COLOURS)
def test_every_name_of_the_style_sheet_is_known(name: str) -> None:
    assert set(COLOURS[name]) == set(COLOURS["light"])
    sheet = theme.style_sheet(Look(name, 1.0))
    assert "{ink}" not in sheet
    assert COLOURS[name]["accent"] in sheet


def test_the_text_size_scales_the_type() -> None:
    assert "font-size: 15px" in theme.style_sheet(Look("light", 1.0))
    assert "font-size: 21px" in theme.style_sheet(Look("light", 1.4))


def test_another_choice_is_seen_at_once(qapp: QApplication) -> None:
    look = Theme(qapp, "light")
    look.use("dark", 1.2)
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(COLOURS["dark"]["background"])
    assert theme.px("body") == 18
    look.use("contrast", 1.0)
    assert theme.line_width() == 2
    look.use("light", 1.0)
    assert theme.colour("ink") == QColor(COLOURS["light"]["ink"])


def test_the_shipped_face_is_used(qapp: QApplication) -> None:
    Theme(qapp, "light")
    assert qapp.font().families()[0] == "Inter"
    from PySide6.QtGui import QFontDatabase

    assert "Inter" in QFontDatabase.families()


def test_every_icon_can_be_drawn_in_a_colour_of_the_look(qapp: QApplication) -> None:
    Theme(qapp, "light")
    names = sorted(path.stem for path in resource("icons").glob("*.svg"))
    assert len(names) > 30
    for name in names:
        picture = icons.pixmap(name, "bad", 24).toImage()
        seen = {picture.pixelColor(x, y).rgb() for x in range(24) for y in range(24) if picture.pixelColor(x, y).alpha() > 150}
        assert seen, f"{name} draws nothing"
        assert all(QColor(colour).red() > 110 for colour in seen)


def test_the_program_has_an_icon_of_its_own(qapp: QApplication) -> None:
    picture = icons.of_program().pixmap(256, 256).toImage()
    assert picture.pixelColor(128, 20).name() == theme.LIGHT["accent"]
    assert picture.pixelColor(0, 0).alpha() == 0


@pytest.fixture
def look(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light", 1.0)
    yield made
    made.use("light", 1.0)
    made.deleteLater()


def segment(written: str) -> QWidget:
    (only,) = segments(parse(written))
    view = prose.view_for(only)
    view.show_segment(only)  # type: ignore[arg-type]
    return view


def reader() -> QWidget:
    made = Reader("some words", "A text")
    made.field.setText("words")
    return made


FOLLOWING: dict[str, Callable[[], QWidget]] = {
    "button": lambda: Button("Copy", icon="copy"),
    "icon button": lambda: IconButton("cross", "Close"),
    "page": lambda: NavButton("Models", "models"),
    "goals": GoalChoice,
    "chooser": ModelChooser,
    "side": lambda: SideChooser("A model"),
    "lock": lambda: LockMark("Theme", "a file"),
    "strip": lambda: Strip("Words", "bad"),
    "pill": lambda: Pill("Runs well", "good"),
    "notice": lambda: Notice("Title", "A sentence.", "Go on", "warning"),
    "checked": CheckedLine,
    "duty": lambda: Entry("Do this", "box"),
    "permission": lambda: Question("At work?", "At work?", verdict.Saying("Yes", "good", "check"), "", open_=False),
    "computer": ComputerCard,
    "reader": reader,
    "prose": lambda: segment("# A title\n\nwith `code`"),
    "table": lambda: segment("|a|b|\n|-|-|\n|1|2|"),
}


def picture(widget: QWidget) -> QImage:
    widget.resize(320, 200)
    if focused := QApplication.focusWidget():
        focused.clearFocus()
    return widget.grab().toImage()


@pytest.mark.parametrize("kind", FOLLOWING)
def test_what_was_there_before_the_look_changed_looks_like_new(kind: str, qtbot: QtBot, look: Theme) -> None:
    there = FOLLOWING[kind]()
    qtbot.addWidget(there)
    there.show()
    for choice, scale in (("dark", 1.5), ("contrast", 1.0), ("light", 1.0)):
        look.use(choice, scale)
        fresh = FOLLOWING[kind]()
        qtbot.addWidget(fresh)
        fresh.show()
        qtbot.waitUntil(lambda fresh=fresh: picture(there) == picture(fresh))  # layouts take a turn or two


def test_the_button_over_the_text_follows_the_look(qtbot: QtBot, look: Theme) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    jump = JumpButton("Jump to the latest", around)
    look.use("dark", 1.0)
    assert jump.icon().cacheKey() == icons.icon("arrow-down", "ink").cacheKey()


def test_each_icon_is_loaded_once_a_change_and_never_after_its_widget_is_gone(qtbot: QtBot, look: Theme) -> None:
    loaded = []

    class Watched(Button):
        def _load_icon(self) -> None:
            super()._load_icon()
            loaded.append(self.text())

    window = QWidget()
    qtbot.addWidget(window)
    button, gone = Watched("stays"), Watched("goes")
    assert loaded == ["stays", "goes"]
    button.setParent(window)
    window.show()
    shiboken6.delete(gone)
    look.use("dark", 1.0)
    assert loaded == ["stays", "goes", "stays"]
    look.use("light", 1.0)
    assert loaded == ["stays", "goes", "stays", "stays"]
    look.use("light", 1.0)
    assert len(loaded) == 4, "the look is the same"


def test_a_sign_is_grey_where_it_cannot_be_used_and_leaves_clicks_to_what_it_stands_in(qtbot: QtBot, look: Theme) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    button.resize(20, 20)
    sign = Sign("check", "accent")
    sign.setParent(button)
    button.show()
    assert button.childAt(8, 8) is None
    usual = sign.grab().toImage()
    button.setEnabled(False)
    assert sign.grab().toImage() != usual
