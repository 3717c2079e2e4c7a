"""A title that becomes a field by a double click or F2."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from desktop.ui.labels import ElidedLabel

LONGEST = 120  # characters
INSET = 8  # px: the label stands where the field's text does


class EditableTitle(QWidget):
    """`renamed` has the new title; an empty one, or Esc, keeps the old."""

    renamed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._editable = False
        self.label = ElidedLabel("", "strong")
        self.field = QLineEdit()
        self.field.setProperty("kind", "title")
        self.field.setMaxLength(LONGEST)
        self.field.setAccessibleName(self.tr("Title of this conversation"))
        self.field.hide()
        self.field.installEventFilter(self)
        self.field.editingFinished.connect(self._on_finished)
        row = QHBoxLayout(self)
        row.setContentsMargins(INSET, 0, 0, 0)
        row.addWidget(self.label)
        row.addWidget(self.field)

    def show_title(self, title: str, editable: bool) -> None:
        """Show another title."""
        self._close_field()
        self._editable = editable
        self.label.setText(title)
        self.label.updateGeometry()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if editable else Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("{title}. Press F2 to rename.").format(title=title) if editable else title)

    def edit(self) -> None:
        """Make it a field."""
        if not self._editable:
            return
        self.field.setText(self.label.text())
        self.label.hide()
        self.field.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_F2, Qt.Key.Key_Return):
            self.edit()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = event.key() if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress else None
        if watched is self.field and pressed == Qt.Key.Key_Escape:
            self.field.setText(self.label.text())
            self._close_field()
            return True
        return super().eventFilter(watched, event)

    def _on_finished(self) -> None:
        if self.field.isHidden():
            return
        title = " ".join(self.field.text().split())
        self._close_field()
        if title and title != self.label.text():
            self.label.setText(title)
            self.renamed.emit(title)

    def _close_field(self) -> None:
        self.field.hide()
        self.label.show()
