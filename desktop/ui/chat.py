"""The page of a conversation: its title and model above, what was said, and the field for the next message."""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop import chat, picture, text
from desktop.conversations import Conversations, Mark, Stored
from desktop.engine import Loaded, Loading, Piece, Reading
from desktop.errors import AlcoveError, ContextFull
from desktop.room import How, Summarising
from desktop.ui import messages, theme
from desktop.ui.answer import Answer
from desktop.ui.attachments import Source, given
from desktop.ui.buttons import Button, IconButton
from desktop.ui.chooser import ModelChoice, ModelChooser
from desktop.ui.composer import Composer
from desktop.ui.details import CopyDetails
from desktop.ui.gauge import NEARLY_FULL
from desktop.ui.labels import Label
from desktop.ui.start import Start
from desktop.ui.tasks import Task, Tasks
from desktop.ui.title import EditableTitle
from desktop.ui.transcript import WIDEST, Transcript

NameOf = Callable[[str], str]
ANSWER = "answer"  # the key of the task: the engine answers one question at a time
Steps = Generator[Loading | Loaded | chat.Step, None, Stored]


class Turn(Protocol):
    """Talking.turn, as far as the page needs it."""

    def __call__(
        self,
        conversation_id: int,
        question: str | None,
        reference: str,
        *,
        pictures: tuple[bytes, ...] = (),
        make_room: How | None = None,
    ) -> Steps:
        """Ask a question; with None, answer the last one or go on with the last answer."""


@dataclass
class _Live:
    """The answer that is being written, also while another conversation is shown.

    `last_id` is of the message before it; `begun` what there was of an answer that is gone on with.
    """

    conversation_id: int
    reference: str
    task: Task
    last_id: int
    widget: Answer | None = None
    pieces: list[Piece] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)  # when each piece came
    notices: tuple[str, ...] = ()
    state: Loading | Reading | Summarising | None = None
    read_tokens: int = 0
    begun: Stored | None = None
    chosen: bool = False  # the person asked for room


class ChatPage(QWidget):
    """Needs the store, the tasks, `turn` (Talking.turn) and `name_of`, which tells the name of a model by its reference."""

    changed = Signal(int)  # a conversation was made, renamed, or something was said in it
    answering = Signal(int)  # the id of the conversation that is being answered, 0 when it is over
    answered = Signal(str, float)  # the reference of a model, and the tokens a second of its answer, which is whole
    read = Signal(int, int)  # the id of a conversation, and its tokens in the model's memory; all, where more do not fit
    opened = Signal(str)  # the reference of a model, of which the engine has now told what it can do
    thinking_chosen = Signal(str, bool)  # a reference, and whether that model is to think first
    model_chosen = Signal(str)  # a reference; the page itself goes on with it
    more_models_clicked = Signal()
    seeing_models_clicked = Signal()  # models that read pictures are wanted
    panel_clicked = Signal()
    act = Signal(str, object)  # what a notice's button asks of the window, and the error
    typing = Signal()  # there is something in the field: a message may follow
    undoable = Signal(str, object)  # what was done, and the function that undoes it

    def __init__(self, tasks: Tasks, conversations: Conversations, turn: Turn, name_of: NameOf) -> None:
        super().__init__()
        self._tasks, self._conversations, self._turn, self._name_of = tasks, conversations, turn, name_of
        self._conversation_id: int | None = None
        self._reference = ""
        self._live: _Live | None = None
        self._drafts: dict[int, tuple[str, tuple[bytes, ...]]] = {}
        self._pictures_allowed = True
        self._sees: bool | None = None  # whether the model takes pictures; None while that is being found out
        self._trouble = ""  # why a picture was not taken
        self._pictured = False  # whether there are pictures in the conversation
        self._error: AlcoveError | None = None
        self._told: Loaded | None = None  # the opening of a model whose notices were shown
        self._editing: Stored | None = None
        self._share: float | None = None
        self._summary_s = 0.0
        self._build()

    # --- what the window calls ------------------------------------------------------------------------------------------------

    @property
    def conversation_id(self) -> int | None:
        """The conversation that is shown; None for a new one in which nothing was said."""
        return self._conversation_id

    @property
    def reference(self) -> str:
        """The model that the next message goes to."""
        return self._reference

    def start_new(self, reference: str) -> None:
        """An empty conversation with this model."""
        self._leave()
        self._conversation_id, self._pictured = None, False
        self._show_title(self.tr("New chat"), editable=False)
        self.use_model(reference)
        self._show_start()
        self._enter()

    def open(self, conversation_id: int) -> None:
        """Show a conversation, with the model it was last held with."""
        found = self._conversations.get(conversation_id)
        if found is None:
            return
        self._leave()
        self._conversation_id = conversation_id
        self._show_title(found.title, editable=True)
        self.use_model(found.model)
        self._show_messages()
        self._enter()

    def use_model(self, reference: str) -> None:
        """Go on with this model."""
        self._reference, self._sees = reference, None
        self.show_waking(None)
        self.chooser.show_current(reference, self._name_of(reference) if reference else "")
        if self._conversation_id is None:
            self.start.show_model(reference, self._name_of(reference) if reference else "")
        else:
            self._conversations.use_model(self._conversation_id, reference)

    def show_sees(self, sees: bool) -> None:
        """Whether the model takes pictures."""
        self._sees, self._trouble = sees, ""
        self._show_busy()

    def show_waking(self, fraction: float | None) -> None:
        """The model that the next message goes to is being opened before it; None: it is not."""
        if fraction is not None:
            self.waking.setText(self.tr("Waking up… {percent} %").format(percent=round(fraction * 100)))
        self.waking.setVisible(fraction is not None and not self._live_here())

    def show_thinking(self, on: bool | None) -> None:
        """Whether the model thinks first; None where there is no choice."""
        self.composer.show_thinking(on)

    def set_models(self, choices: tuple[ModelChoice, ...]) -> None:
        """What the chooser offers."""
        self.chooser.set_choices(choices)

    def retitle(self, conversation_id: int, title: str) -> None:
        """The conversation was renamed elsewhere."""
        if conversation_id == self._conversation_id:
            self._show_title(title, editable=True)

    def show_memory(self, used_tokens: int | None, context: int, summary_s: float = 0.0) -> None:
        """How many tokens of the conversation memory are in use here (None: not known), and how long a summary would take."""
        self._share = used_tokens / context if used_tokens is not None and context else None
        self._summary_s = summary_s
        self.composer.gauge.show_share(self._share)
        self._show_busy()

    def stop(self) -> None:
        """Stop the answer that is being written here."""
        if self._live is not None and self._live.conversation_id == self._conversation_id:
            self._live.task.cancel()

    def try_again(self) -> None:
        """Answer what was asked last, in place of the answer that there is."""
        last = self._conversations.messages(self._conversation_id)[-1:] if self._conversation_id is not None else []
        if last and last[0].role == "assistant":
            self._on_regenerate_clicked(last[0])
        elif last:
            self._show_without_answer()
            self._ask_again()

    def focus_message(self) -> None:
        """Put the cursor into the field."""
        self.composer.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_panel_state(self, is_open: bool) -> None:
        """What the panel button says."""
        words = self.tr("Hide the model and its licence") if is_open else self.tr("Show the model and its licence")
        self.panel_button.setAccessibleName(words)
        self.panel_button.setToolTip(words)

    def say(self, question: str, pictures: tuple[bytes, ...] = ()) -> None:
        """Ask this now."""
        if not self._reference:
            self.more_models_clicked.emit()
            return
        if self._conversation_id is None:
            title = chat.title(question) if question else self.tr("About a picture")
            self._conversation_id = self._conversations.create(title, self._reference)
            self._show_title(title, editable=True)
            self.transcript.show_messages(())
            self.stack.setCurrentWidget(self.transcript)
        conversation_id = self._conversation_id
        if self._editing is not None:
            self._set_aside(self._editing, self.tr("Question changed."))
            self._end_edit()
        self._pictured = self._pictured or bool(pictures)
        turn = self._turn(conversation_id, question, self._reference, pictures=pictures)  # which saves the question
        self._write("")
        self._drafts.pop(conversation_id, None)
        self.transcript.add_question(Stored(0, conversation_id, "user", question, "", "", "", "", None), pictures)
        self._ask(turn)

    # --- building -------------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.title = EditableTitle()
        self.title.renamed.connect(self._on_renamed)
        self.chooser = ModelChooser()
        self.chooser.chosen.connect(self._on_model_chosen)
        self.chooser.more_clicked.connect(self.more_models_clicked)
        self.panel_button = IconButton("panel", self.tr("Show the model and its licence"))
        self.panel_button.clicked.connect(self.panel_clicked)
        header = QFrame()
        header.setProperty("kind", "header")
        row = QHBoxLayout(header)
        row.setContentsMargins(theme.GRID * 2 + 4, theme.GRID, theme.GRID * 2, theme.GRID)
        row.setSpacing(theme.GRID)
        self.waking = Label("", "small", "soft", wrap=False)
        self.waking.hide()
        row.addWidget(self.title, 1)
        row.addWidget(self.waking)
        row.addWidget(self.chooser)
        row.addWidget(self.panel_button)
        header.setMinimumHeight(61)
        self.transcript = Transcript(self._name_of)
        self.transcript.regenerate_clicked.connect(self._on_regenerate_clicked)
        self.transcript.edit_clicked.connect(self._on_edit_clicked)
        self.transcript.act.connect(self._on_act)
        self.transcript.undo_clicked.connect(self._unmark)
        self.transcript.link_clicked.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
        self.start = Start()
        self.start.asked.connect(self.say)
        self.start.more_models_clicked.connect(self.more_models_clicked)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.addWidget(self.transcript)
        self.composer = Composer(self._tasks)
        self.composer.sent.connect(lambda text: self.say(text, self.composer.attachments.pictures))
        self.composer.attach_clicked.connect(self._on_attach_clicked)
        self.composer.pictures_given.connect(self._take)
        self.composer.attachments.refused.connect(self._on_refused)
        self.composer.attachments.failed.connect(self._on_picture_failed)
        self.composer.attachments.changed.connect(self._show_busy)
        self.composer.stop_clicked.connect(self.stop)
        self.composer.field.textChanged.connect(self._on_text_changed)
        self.composer.thinking_toggled.connect(lambda on: self.thinking_chosen.emit(self._reference, on))
        self.hint = Label("", "small", "soft")
        self.hint.hide()
        self.seeing_button = Button(self.tr("Show models that read pictures"), "small_link")
        self.seeing_button.clicked.connect(self.seeing_models_clicked)
        self.seeing_button.hide()
        self._foot = QVBoxLayout()
        self._foot.setSpacing(theme.GRID)
        self._foot.addWidget(self.hint)
        self.copy_details = CopyDetails()
        self._foot.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        self._foot.addWidget(self.seeing_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._foot.addWidget(self.composer)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        column.addWidget(self.stack, 1)
        column.addLayout(self._foot)
        QWidget.setTabOrder(self.composer.field, self.composer.attach_button)
        QWidget.setTabOrder(self.composer.attach_button, self.composer.button)
        self.setAcceptDrops(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max(theme.GRID * 3 + 4, (event.size().width() - WIDEST) // 2)
        self._foot.setContentsMargins(side, theme.GRID, side, theme.GRID * 3)

    # --- showing --------------------------------------------------------------------------------------------------------------

    def _show_title(self, title: str, *, editable: bool) -> None:
        self.title.show_title(title, editable)

    def _show_start(self) -> None:
        self.start.show_model(self._reference, self._name_of(self._reference) if self._reference else "")
        self.stack.setCurrentWidget(self.start)

    def _show_messages(self) -> None:
        """What is stored, and below it the answer that is being written, or why there is none."""
        assert self._conversation_id is not None
        stored = self._conversations.messages(self._conversation_id)
        live = self._live if self._live and self._live.conversation_id == self._conversation_id else None
        if live is not None:
            stored = tuple(message for message in stored if message.id <= live.last_id)
        pictures = self._conversations.pictures(self._conversation_id)
        self._pictured = bool(pictures)
        self.transcript.show_messages(stored, self._conversations.mark(self._conversation_id), pictures)
        self.stack.setCurrentWidget(self.transcript)
        if live is not None:
            self._attach(live)
        elif stored and stored[-1].role == "user":
            answer = self.transcript.add_answer(self._reference)
            words = self.tr("It was asked, but nothing was written."), self.tr("Try again")
            answer.show_notice(messages.Explained(self.tr("No answer yet"), *words, messages.TRY_AGAIN), "neutral")
        self.transcript.jump_to_end()

    def _attach(self, live: _Live) -> None:
        """Give the answer that is being written a widget again."""
        live.widget = self.transcript.add_answer(live.reference)
        if live.notices:
            live.widget.tell(live.notices)
        if live.begun is not None:
            live.widget.go_on(live.begun)
        self._show_state(live)
        for piece, at_s in zip(live.pieces, live.times_s, strict=True):
            live.widget.add(piece.text, piece.thinking, at_s)
        live.widget.draw()

    def _leave(self) -> None:
        """Keep the draft of the conversation that was shown."""
        draft = self.composer.text(), self.composer.attachments.pictures
        self._drafts[self._conversation_id or 0] = ("", ()) if self._editing else draft
        if self._live is not None:
            self._live.widget = None
        self._editing = None
        self.show_memory(None, 0)

    def _enter(self) -> None:
        self._write(*self._drafts.get(self._conversation_id or 0, ("", ())))
        self._show_busy()

    def _write(self, text: str, pictures: tuple[bytes, ...] = ()) -> None:
        """Put this into the field, in place of what is there."""
        self._trouble = ""
        self.copy_details.show_for(None)
        self.composer.set_text(text)
        self.composer.attachments.show_pictures(pictures)

    def _show_busy(self) -> None:
        here = self._live is not None and self._live.conversation_id == self._conversation_id
        self.composer.set_busy(here)
        words = self._words_about_pictures()
        self.seeing_button.setVisible(self._sees is False and bool(words) and self._pictures_allowed)
        if self._editing is not None:
            words = self.tr("You are changing your question. What followed it will be set aside. Esc keeps it as it was.")
        elif self._live is not None and not here:
            found = self._conversations.get(self._live.conversation_id)
            words = self.tr("An answer is still being written in “{title}”. Sending a message here stops it.").format(
                title=found.title if found else ""
            )
        elif self._share is not None and NEARLY_FULL <= self._share < 1:
            words = self.tr(
                "This conversation fills {percent} % of what the model can keep in mind. "
                "Soon its oldest part must be summarised or forgotten."
            ).format(percent=round(self._share * 100))
        self.hint.setText(words)
        self.hint.setVisible(bool(words))

    # --- pictures -------------------------------------------------------------------------------------------------------------

    def _words_about_pictures(self) -> str:
        """What is to be said of pictures: that one was not taken, or that this model does not see those there are."""
        name = self._name_of(self._reference) if self._reference else ""
        if self._trouble or self._sees is not False:
            return self._trouble
        if self.composer.attachments.pictures:
            return self.tr("{name} cannot see pictures. It will get your words only.").format(name=name)
        if self._pictured:
            return self.tr("{name} cannot see the pictures in this conversation, and answers from the words alone.").format(
                name=name
            )
        return ""

    def _on_attach_clicked(self) -> None:
        if self._refuse():
            return
        kinds = " ".join(f"*{suffix}" for suffix in picture.SUFFIXES)
        kinds = self.tr("Pictures ({kinds})").format(kinds=f"{kinds} {kinds.upper()}")
        chosen, _ = QFileDialog.getOpenFileNames(self, self.tr("Add pictures"), str(Path.home()), kinds)
        self._take([Path(file) for file in chosen])

    def show_pictures_allowed(self, allowed: bool) -> None:
        """Whether the organisation lets pictures be shown to models."""
        self._pictures_allowed = allowed
        self.composer.attach_button.setVisible(allowed)

    def _refuse(self) -> bool:
        """Say that nobody, or this model, takes pictures, if that is so."""
        if not self._pictures_allowed:
            self._on_refused(self.tr("Pictures are turned off by your organisation."))
            return True
        if self._sees is False:
            words = self.tr("{name} cannot see pictures. Choose a model that reads pictures.")
            self._on_refused(words.format(name=self._name_of(self._reference)))
        return self._sees is False

    def _take(self, sources: list[Source]) -> None:
        if sources and not self._refuse():
            self._on_refused("")
            self.composer.attachments.take(sources)
            self.focus_message()

    def _on_picture_failed(self, error: AlcoveError) -> None:
        self._on_refused(messages.explain(error).sentence)
        self.copy_details.show_for(error)

    def _on_refused(self, words: str) -> None:
        self._trouble = words
        self.copy_details.show_for(None)
        self._show_busy()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if given(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self._take(given(event.mimeData()))

    # --- asking ---------------------------------------------------------------------------------------------------------------

    def _ask_again(self) -> None:
        """Start the answer to what has been said."""
        assert self._conversation_id is not None
        self._ask(self._turn(self._conversation_id, None, self._reference))

    def _go_on(self, make_room: How | None = None) -> None:
        """Go on with the last answer, or answer the last question, perhaps after room was made for it."""
        assert self._conversation_id is not None
        last = self._conversations.messages(self._conversation_id)[-1]
        if last.role == "assistant" and not last.text:  # its thoughts filled the memory: another try
            self._conversations.replace_from(self._conversation_id, last.id)
        begun = last if last.role == "assistant" and last.text else None
        self._show_without_answer(begun)
        self._ask(self._turn(self._conversation_id, None, self._reference, make_room=make_room), begun)
        if self._live is not None:
            self._live.chosen = make_room is not None

    def _ask(self, turn: Steps, begun: Stored | None = None) -> None:
        """Follow the answer as it comes; `begun` is what it goes on with."""
        assert self._conversation_id is not None
        conversation_id, self._error = self._conversation_id, None
        last_id = begun.id - 1 if begun is not None else self._conversations.messages(conversation_id)[-1].id
        task = self._tasks.start(turn, key=ANSWER)
        live = _Live(conversation_id, self._reference, task, last_id, begun=begun)
        self._live = live
        self.show_waking(None)
        task.yielded.connect(lambda item: self._on_yielded(live, item))
        task.done.connect(lambda stored: self._on_done(live, stored))
        task.failed.connect(lambda error: self._on_failed(live, error))
        task.cancelled.connect(lambda: self._on_cancelled(live))
        self._attach(live)
        self.transcript.jump_to_end()
        self._show_busy()
        self.changed.emit(conversation_id)
        self.answering.emit(conversation_id)

    def _on_yielded(self, live: _Live, item: Any) -> None:
        if isinstance(item, Piece):
            live.state = None
            live.pieces.append(item)
            live.times_s.append(time.monotonic())
            if live.widget is not None:
                live.widget.add(item.text, item.thinking)
            return
        if isinstance(item, Loaded):
            self._on_loaded(live, item)
            return
        if isinstance(item, Mark):
            self._on_marked(live, item)
            return
        live.state = item
        if isinstance(item, Reading) and item.total_tokens:
            live.read_tokens = item.total_tokens
            self.read.emit(live.conversation_id, item.total_tokens)
        self._show_state(live)

    def _on_loaded(self, live: _Live, loaded: Loaded) -> None:
        """The model is open: say once what is special about it."""
        if loaded is not self._told and loaded.notices:
            live.notices = loaded.notices
            if live.widget is not None:
                live.widget.tell(loaded.notices)
        self._told = loaded
        self.opened.emit(live.reference)

    def _on_marked(self, live: _Live, mark: Mark) -> None:
        """The model reads less from now on: a line shows it, and there is a way back."""
        if live.widget is not None:
            self._show_messages()
        if not live.chosen:  # else no more words are needed: the line has the way back, too
            words = self.tr("The older part was summarised.") if mark.summary else self.tr("The oldest part was forgotten.")
            self.undoable.emit(words, lambda: self._unmark(mark))

    def _unmark(self, mark: Mark) -> None:
        self._conversations.remove_mark(mark.id)
        if self._conversation_id is not None:
            self._show_messages()

    def _show_state(self, live: _Live) -> None:
        if live.widget is None or (live.pieces and not isinstance(live.state, Summarising)):
            return
        name = self._name_of(live.reference)
        match live.state:
            case Loading(fraction=fraction):
                words = self.tr("Waking up {name}… {percent} %").format(name=name, percent=round(fraction * 100))
                live.widget.wait(words, fraction)
            case Summarising(fraction=fraction):
                words = self.tr("Summarising the older part… {percent} %").format(percent=round(fraction * 100))
                live.widget.wait(words, fraction)
            case Reading(done_tokens=done, total_tokens=total) if done < total:
                words = self.tr("Reading your message… {percent} %").format(percent=round(100 * done / max(1, total)))
                live.widget.wait(words, done / max(1, total))
            case _:
                live.widget.wait(self.tr("Beginning to write…"))

    def _end(self, live: _Live) -> None:
        if self._live is live:
            self._live = None
            self.answering.emit(0)
        if live.read_tokens:
            written = sum(1 for piece in live.pieces if piece.text)  # about a token each
            self.read.emit(live.conversation_id, live.read_tokens + written)
        self._show_busy()
        self.changed.emit(live.conversation_id)

    def _on_done(self, live: _Live, stored: Stored) -> None:
        self._end(live)
        if live.widget is not None:
            live.widget.finish(stored)
            if stored.finish == "full":
                live.widget.show_notice(self._with_cost(messages.memory_full()), "warning")
        if stored.tokens_per_s:
            self.answered.emit(live.reference, stored.tokens_per_s)

    def _on_cancelled(self, live: _Live) -> None:
        self._end(live)
        self._show_kept(live)

    def _on_failed(self, live: _Live, error: AlcoveError) -> None:
        self._end(live)
        self._error = error
        if live.widget is not None:
            self._show_kept(live)
            live.widget.show_notice(self._explain(error), "warning" if isinstance(error, ContextFull) else "bad", error)
        if isinstance(error, ContextFull):
            self.read.emit(live.conversation_id, error.facts["context"])

    def _explain(self, error: AlcoveError) -> messages.Explained:
        explained = messages.explain(error)
        return self._with_cost(explained) if explained.act == messages.SUMMARISE else explained

    def _with_cost(self, explained: messages.Explained) -> messages.Explained:
        """The same with the time that a summary takes, where it is known."""
        if not self._summary_s:
            return explained
        cost = self.tr("The summary takes about {time}.").format(time=text.duration(self._summary_s).replace(" ", "\u00a0"))
        return replace(explained, sentence=f"{explained.sentence} {cost}")

    def _show_kept(self, live: _Live) -> None:
        """What the store kept of an answer that did not end by itself."""
        if live.widget is None:
            return
        last = self._conversations.messages(live.conversation_id)[-1:]
        if last and last[0].role == "assistant":
            live.widget.finish(last[0])
        else:
            words = self.tr("You stopped it before its first word."), self.tr("Try again")
            live.widget.show_notice(messages.Explained("", *words, messages.TRY_AGAIN), "neutral")

    # --- what the person does -------------------------------------------------------------------------------------------------

    def _on_renamed(self, title: str) -> None:
        if self._conversation_id is not None:
            self._conversations.rename(self._conversation_id, title)
            self.changed.emit(self._conversation_id)

    def _on_model_chosen(self, reference: str) -> None:
        self.use_model(reference)
        self.model_chosen.emit(reference)

    def _on_text_changed(self) -> None:
        if self.composer.text():
            self.typing.emit()

    def _on_act(self, act: str) -> None:
        """A notice's button: try again and go on are done here, the rest by the window."""
        if act == messages.TRY_AGAIN:
            self.try_again()
        elif act in (messages.GO_ON, messages.SUMMARISE, messages.FORGET) and not self._live_here():
            self._go_on(None if act == messages.GO_ON else "summarise" if act == messages.SUMMARISE else "forget")
        elif act == messages.SHORTEN:
            self._edit_last()
        else:
            self.act.emit(act, self._error)

    def _on_regenerate_clicked(self, message: Stored | None) -> None:
        if message is None or self._live_here():
            return
        self._set_aside(message, self.tr("Answering again."))
        self._show_without_answer()
        self._ask_again()

    def _on_edit_clicked(self, answer: Stored | None) -> None:
        """Take the question of an answer into the field; sending it sets aside what followed."""
        if answer is not None:
            self._edit_last(answer.id)

    def _edit_last(self, before_id: float = math.inf) -> None:
        if self._conversation_id is None or self._live_here():
            return
        asked = [m for m in self._conversations.messages(self._conversation_id) if m.role == "user" and m.id < before_id]
        if asked:
            self._editing = asked[-1]
            pictures = self._conversations.pictures(self._conversation_id).get(asked[-1].id, ())
            self._write(asked[-1].text, pictures)
            self._show_busy()
            self.focus_message()

    def leave_edit(self) -> bool:
        """Keep the question as it was; False when none was being changed."""
        if self._editing is None:
            return False
        self._end_edit()
        self._write("")
        return True

    def _end_edit(self) -> None:
        self._editing = None
        self._show_busy()

    def _live_here(self) -> bool:
        return self._live is not None and self._live.conversation_id == self._conversation_id

    def _set_aside(self, message: Stored, words: str) -> None:
        """Take a message and all after it out of the conversation, with a way back."""
        conversation_id = message.conversation_id
        ids = self._conversations.replace_from(conversation_id, message.id)

        def undo() -> None:
            if self._live is not None and self._live.conversation_id == conversation_id:
                self._live.task.cancel()
                self._live.widget = None  # it goes from the screen before its end is told
                self._live = None
            self._conversations.put_back(conversation_id, ids)
            self.changed.emit(conversation_id)
            if self._conversation_id == conversation_id:
                self._show_messages()
            self._show_busy()

        self._show_without_answer()
        self.undoable.emit(words, undo)

    def _show_without_answer(self, begun: Stored | None = None) -> None:
        """What is stored, but for the answer that is gone on with."""
        assert self._conversation_id is not None
        shown = [m for m in self._conversations.messages(self._conversation_id) if begun is None or m.id != begun.id]
        pictures = self._conversations.pictures(self._conversation_id)
        self.transcript.show_messages(shown, self._conversations.mark(self._conversation_id), pictures)
