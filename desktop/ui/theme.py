"""Named colours, the type scale and the style sheet, for light, dark and high contrast."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from desktop.paths import resource

LIGHT = {
    "background": "#f6f5f2",
    "side": "#efede8",
    "card": "#ffffff",
    "ink": "#1d1c1a",
    "soft": "#6b6862",
    "line": "#e2dfd8",
    "accent": "#2f6f5e",
    "on_accent": "#ffffff",
    "accent_soft": "#e3efeb",
    "warning": "#9a6700",
    "warning_soft": "#fbf0d9",
    "bad": "#a63a2b",
    "bad_soft": "#f8e4e0",
    "code": "#f1efea",  # from here on: shades of the above
    "hover": "#e9e6e0",
    "accent_hover": "#275d4f",
    "track": "#e2dfd8",
    "edge": "transparent",  # drawn in high contrast only, round what its shade sets apart in the others
    "chosen": "#e3efeb",  # one of several that is pressed; filled in high contrast, where a tint would not be seen
    "on_chosen": "#2f6f5e",
}
DARK = {
    "background": "#1b1a18",
    "side": "#151412",
    "card": "#242320",
    "ink": "#ecebe7",
    "soft": "#a19d95",
    "line": "#35332f",
    "accent": "#7cc4ae",
    "on_accent": "#10211b",
    "accent_soft": "#223a33",
    "warning": "#e2b45c",
    "warning_soft": "#3a301a",
    "bad": "#e58b7c",
    "bad_soft": "#3d2420",
    "code": "#171614",
    "hover": "#2a2926",
    "accent_hover": "#90d0bc",
    "track": "#35332f",
    "edge": "transparent",
    "chosen": "#223a33",
    "on_chosen": "#7cc4ae",
}
CONTRAST_LIGHT = dict.fromkeys(LIGHT, "#ffffff") | {
    "ink": "#000000",
    "soft": "#000000",
    "line": "#000000",
    "edge": "#000000",
    "accent": "#00463a",
    "chosen": "#00463a",
    "warning": "#5c3d00",
    "bad": "#7a1208",
    "hover": "#e6e6e6",
    "accent_hover": "#000000",
}
CONTRAST_DARK = dict.fromkeys(DARK, "#000000") | {
    "ink": "#ffffff",
    "soft": "#ffffff",
    "line": "#ffffff",
    "edge": "#ffffff",
    "accent": "#8ff0d2",
    "chosen": "#8ff0d2",
    "warning": "#ffd75e",
    "bad": "#ffab9c",
    "hover": "#2e2e2e",
    "accent_hover": "#ffffff",
}
COLOURS = {"light": LIGHT, "dark": DARK, "contrast-light": CONTRAST_LIGHT, "contrast-dark": CONTRAST_DARK}

TYPE = {"small": 13, "body": 15, "card_title": 17, "title": 28}  # px at scale 1
GRID = 8  # px; all spacing is a multiple or a half of it
FONT_FILES = ("Inter-Regular.otf", "Inter-Italic.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")


@dataclass(frozen=True)
class Look:
    """Everything the style sheet and the painted widgets need: a name in COLOURS and the scale of the type."""

    name: str = "light"
    scale: float = 1.0

    @property
    def colours(self) -> dict[str, str]:
        return COLOURS[self.name]

    @property
    def line_width(self) -> int:
        return 2 if self.name.startswith("contrast") else 1


class _Changes(QObject):
    """What Theme tells the widgets by. Not Qt's StyleChange: that comes twice a change, and again with each new parent."""

    happened = Signal()


_look = Look()  # like QApplication's palette: one for the program, set by Theme only
_changes = _Changes()


def colour(name: str) -> QColor:
    """A named colour of the current look. Widgets that paint ask at each paint; a change of look repaints them."""
    return QColor(_look.colours[name])


def px(name: str) -> int:
    """The size in pixels of "small", "body", "card_title" or "title" at the current scale."""
    return round(TYPE[name] * _look.scale)


def scaled(pixels: float) -> int:
    """A length that grows with the text size."""
    return round(pixels * _look.scale)


def line_width() -> int:
    """The width of lines in pixels: 1, or 2 in high contrast."""
    return _look.line_width


def follow(fit: Callable[[], None]) -> None:
    """Call a widget's method now, and after each change of the look or the text size for as long as the widget lives."""
    fit()
    _changes.happened.connect(fit)


def style_sheet(look: Look) -> str:
    """The style sheet with every {name} replaced. Raises KeyError for a name that is neither colour nor size."""
    values = dict(look.colours) | {name: f"{round(size * look.scale)}px" for name, size in TYPE.items()}
    values["line_width"] = f"{look.line_width}px"
    values["icons"] = resource("icons").as_posix()
    template = resource("style.qss").read_text(encoding="utf-8")
    return re.sub(r"\{([a-z_]+)\}", lambda match: values[match.group(1)], template)


class Theme(QObject):
    """The program's look: follows the system or the person's choice, and repaints the window when either changes."""

    def __init__(self, app: QApplication, choice: str = "system", scale: float = 1.0) -> None:
        super().__init__(app)
        self._app, self._choice, self._scale = app, choice, scale
        app.setStyle("Fusion")
        load_fonts()
        self._follow()
        app.styleHints().colorSchemeChanged.connect(self._show)
        self._show()

    def use(self, choice: str, scale: float) -> None:
        """Show another choice ("system", "light", "dark", "contrast") or text size at once."""
        self._choice, self._scale = choice, scale
        self._follow()
        self._show()

    def _follow(self) -> None:
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        self._app.styleHints().setColorScheme(schemes.get(self._choice, Qt.ColorScheme.Unknown))

    def _show(self) -> None:
        global _look
        dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        name = self._choice if self._choice in ("light", "dark") else ("dark" if dark else "light")
        look = Look(f"contrast-{name}" if self._choice == "contrast" else name, self._scale)
        if look == _look and self._app.styleSheet():
            return
        _look = look
        font = QFont(self._app.font())
        font.setPixelSize(px("body"))
        font.setFamilies(["Inter", font.family()])
        self._app.setFont(font)
        self._app.setPalette(palette(look))
        self._app.setStyleSheet(style_sheet(look))
        _changes.happened.emit()


def load_fonts() -> None:
    """Make the shipped Inter known to Qt; where a file is missing the system's own face is used."""
    if "Inter" in QFontDatabase.families():
        return
    for name in FONT_FILES:
        QFontDatabase.addApplicationFont(str(resource(f"fonts/{name}")))


def mono_font() -> QFont:
    """The face for code: the system's own."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(round(px("body") * 0.93))
    return font


def palette(look: Look) -> QPalette:
    """The look for what the style sheet does not reach: selections, placeholders, tool tips, disabled text."""
    colours = {name: QColor(value) for name, value in look.colours.items()}
    roles = {
        QPalette.ColorRole.Window: "background",
        QPalette.ColorRole.Base: "card",
        QPalette.ColorRole.AlternateBase: "side",
        QPalette.ColorRole.Button: "card",
        QPalette.ColorRole.ToolTipBase: "card",
        QPalette.ColorRole.WindowText: "ink",
        QPalette.ColorRole.Text: "ink",
        QPalette.ColorRole.ButtonText: "ink",
        QPalette.ColorRole.ToolTipText: "ink",
        QPalette.ColorRole.PlaceholderText: "soft",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.LinkVisited: "accent",
        QPalette.ColorRole.Accent: "accent",
    }
    made = QPalette(colours["card"], colours["background"])
    for role, name in roles.items():
        made.setColor(role, colours[name])
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, colours["soft"])
    return made
