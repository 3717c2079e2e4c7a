"""The list of conversations: headings, titles, and places found, drawn by one delegate so that hundreds cost nothing."""

import html

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFont, QFontMetrics, QKeyEvent, QPainter, QTextDocument
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.ui import theme
from desktop.ui.labels import hint

ID, TITLE, SNIPPET, SECTION = (Qt.ItemDataRole.UserRole + n for n in range(4))
HEADING, PLAIN, HIT = "heading", "plain", "hit"  # what an item is, in the role SECTION
Index = QModelIndex | QPersistentModelIndex


class ConversationList(QListWidget):
    """`opened` by a click or Return; F2 renames, Delete deletes."""

    opened = Signal(int)
    renamed = Signal(int, str)
    delete_pressed = Signal(int)
    menu_wanted = Signal(QListWidgetItem, QPoint)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        delegate = _Delegate(self)
        delegate.renamed.connect(self.renamed)
        self.setItemDelegate(delegate)
        self.itemClicked.connect(self._open)

    def begin(self) -> None:
        """Empty it."""
        self.clear()

    def add_section(self, name: str) -> None:
        """A heading."""
        item = QListWidgetItem(name)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(SECTION, HEADING)
        self.addItem(item)

    def add(self, conversation_id: int, title: str) -> None:
        """A conversation."""
        self.addItem(_item(conversation_id, title, PLAIN))

    def add_hit(self, conversation_id: int, title: str, snippet: str) -> None:
        """A conversation in which something was found; the words found stand between \\x02 and \\x03."""
        item = _item(conversation_id, title, HIT)
        item.setData(SNIPPET, snippet)
        self.addItem(item)

    def mark(self, conversation_id: int | None) -> None:
        """Select a conversation without opening it; None selects nothing."""
        self.clearSelection()
        for row in range(self.count()):
            if conversation_id is not None and self.item(row).data(ID) == conversation_id:
                self.setCurrentItem(self.item(row))
                return
        self.setCurrentItem(None)  # type: ignore[call-overload]

    def open_first(self) -> None:
        """Open the first conversation of the list."""
        if (item := self._first()) is not None:
            self._open(item)

    def go_to_first(self) -> None:
        """Let the arrow keys begin at the first conversation."""
        if (item := self._first()) is not None:
            self.setCurrentItem(item)

    def edit_title(self, item: QListWidgetItem) -> None:
        """Make a title a field."""
        self.editItem(item)

    def _first(self) -> QListWidgetItem | None:
        return next((self.item(row) for row in range(self.count()) if self.item(row).data(ID) is not None), None)

    def _open(self, item: QListWidgetItem) -> None:
        if item.data(ID) is not None:
            self.opened.emit(item.data(ID))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if item is None or item.data(ID) is None:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(item)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit(item.data(ID))
        elif event.key() == Qt.Key.Key_F2 and item.data(SECTION) == PLAIN:
            self.edit_title(item)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        item = self.currentItem() if by_key else self.itemAt(event.pos())
        if item is not None and item.data(ID) is not None:
            where = self.viewport().mapToGlobal(self.visualItemRect(item).center()) if by_key else event.globalPos()
            self.menu_wanted.emit(item, where)


def _item(conversation_id: int, title: str, kind: str) -> QListWidgetItem:
    item = QListWidgetItem(title)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable)
    item.setData(ID, conversation_id)
    item.setData(TITLE, title)
    item.setData(SECTION, kind)
    item.setToolTip(hint(title))
    return item


class _Delegate(QStyledItemDelegate):
    renamed = Signal(int, str)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = QFontMetrics(option.font).height()
        match index.data(SECTION):
            case "heading":
                return QSize(64, theme.scaled(13) + 22)
            case "hit" if index.data(SNIPPET):
                return QSize(64, line + theme.scaled(36) + 20)
            case _:
                return QSize(64, line + 19)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box: QRect = option.rect
        if index.data(SECTION) == HEADING:
            painter.setFont(_font(option.font, theme.px("small"), QFont.Weight.DemiBold))
            painter.setPen(theme.colour("soft"))
            painter.drawText(box.adjusted(12, 8, -8, 0), Qt.AlignmentFlag.AlignVCenter, index.data())
        else:
            self._paint_conversation(painter, option, index)
        painter.restore()

    def _paint_conversation(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus) and self._list().hasFocus()
        plate = QRectF(option.rect).adjusted(1.5, 1.5, -1.5, -1.5)
        if selected or hovered or focused:
            width = 3 if focused else theme.line_width()
            edge = "accent" if focused else "line" if selected else "hover"
            pen = painter.pen()
            pen.setColor(theme.colour(edge))
            pen.setWidth(width)
            painter.setPen(pen)
            painter.setBrush(theme.colour("card" if selected else "hover"))
            painter.drawRoundedRect(plate, 9, 9)
        font = _font(option.font, theme.px("body"), QFont.Weight.DemiBold if selected else QFont.Weight.Normal)
        metrics = QFontMetrics(font)
        inside = option.rect.adjusted(12, 0, -10, 0)
        painter.setFont(font)
        painter.setPen(theme.colour("ink"))
        title = metrics.elidedText(index.data(TITLE), Qt.TextElideMode.ElideRight, inside.width())
        if index.data(SECTION) == HIT and index.data(SNIPPET):
            top = QRect(inside.left(), inside.top() + 8, inside.width(), metrics.height())
            painter.drawText(top, Qt.AlignmentFlag.AlignVCenter, title)
            self._paint_snippet(painter, option, index.data(SNIPPET), inside.adjusted(0, 10 + metrics.height(), 0, -6))
        else:
            painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, title)

    def _list(self) -> QWidget:
        parent = self.parent()
        assert isinstance(parent, QWidget)
        return parent

    def _paint_snippet(self, painter: QPainter, option: QStyleOptionViewItem, snippet: str, box: QRect) -> None:
        """Two lines with the words found in bold."""
        document = QTextDocument()
        document.setDocumentMargin(0)
        document.setDefaultFont(_font(option.font, theme.px("small"), QFont.Weight.Normal))
        marked = html.escape(" ".join(snippet.split())).replace("\x02", "<b>").replace("\x03", "</b>")
        document.setHtml(f'<div style="color:{theme.colour("soft").name()}">{marked}</div>')
        document.setTextWidth(box.width())
        painter.translate(box.topLeft())
        document.drawContents(painter, QRectF(0, 0, box.width(), theme.scaled(34)))

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setProperty("kind", "title")
        editor.setMaxLength(120)
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        assert isinstance(editor, QLineEdit)
        editor.setText(index.data(TITLE))
        editor.selectAll()

    def setModelData(self, editor: QWidget, model: object, index: Index) -> None:
        assert isinstance(editor, QLineEdit)
        title = " ".join(editor.text().split())
        if title and title != index.data(TITLE):
            self.renamed.emit(index.data(ID), title)


def _font(font: QFont, pixels: int, weight: QFont.Weight) -> QFont:
    made = QFont(font)
    made.setPixelSize(pixels)
    made.setWeight(weight)
    return made
