"""How a model would be opened, figure by figure, for who wants to know; folded away for everyone else."""

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop import text
from desktop.fit import DeviceUse, Fit
from desktop.ui import theme
from desktop.ui.labels import FactRow, Label

PAGE_TOKENS = 500  # about a page of text


def _tr(words: str) -> str:
    return QCoreApplication.translate("plan_view", words)


def kv_words(kv_type: str) -> str:
    """The form in which conversation memory is kept."""
    return {
        "f16": _tr("in its exact form (16 bits a number)"),
        "q8_0": _tr("in a smaller form (8 bits a number), hardly less exact"),
        "q4_0": _tr("in its smallest form (4 bits a number), noticeably less exact"),
    }.get(kv_type, kv_type)


def load_words(load_mode: str) -> str:
    """How the file gets into memory."""
    if load_mode == "mmap":
        return _tr("mapped: the system may drop parts of the file and read them again, which is slower")
    return _tr("read into memory, in the order that suits this processor")


def facts(fit: Fit) -> list[tuple[str, str]]:
    """The settings and their cost, each as a name and a value."""
    plan = fit.plan
    context = _tr("{tokens} tokens, {form}").format(tokens=f"{plan.context:,}", form=kv_words(plan.kv_type))
    rows = [(_tr("Conversation memory"), context)]
    if len(fit.devices) > 1:
        layers = _tr("{count} of {all}").format(count=plan.gpu_layers, all=fit.layers)
        rows.append((_tr("Layers on the graphics card"), layers))
    rows.append((_tr("The file is"), load_words(plan.load_mode)))
    most = _tr("up to {count}, as many as are fastest").format(count=plan.threads)
    rows.append((_tr("Threads"), most if plan.threads > 1 else "1"))
    if fit.prompt_tokens_per_s > 0:
        rows.append((_tr("Reads a page in about"), text.duration(PAGE_TOKENS / fit.prompt_tokens_per_s)))
    rows += [(_where(use), _amounts(use)) for use in fit.devices if use.total_bytes]
    rows.append((_tr("Should stay free beside it"), text.size(fit.margin_bytes)))
    return rows


def _where(use: DeviceUse) -> str:
    return _tr("In main memory") if use.name == "CPU" else _tr("On {name}").format(name=use.name)


def _amounts(use: DeviceUse) -> str:
    """Everything that one device would hold: "weights 2.3 GB, conversation 1.2 GB ..."."""
    names = {
        "weights_bytes": _tr("model {size}"),
        "kv_bytes": _tr("conversation {size}"),
        "compute_bytes": _tr("workspace {size}"),
        "process_bytes": _tr("engine {size}"),
        "projector_bytes": _tr("pictures {size}"),
    }
    amounts = {name: int(getattr(use, name)) for name in names}
    return ", ".join(words.format(size=text.size(amounts[name])) for name, words in names.items() if amounts[name])


class PlanView(QWidget):
    """The rows, made again when they differ."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[FactRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self.origin = Label("", "small", "soft")
        self._column.addWidget(self.origin)
        self.origin.hide()

    def show_fit(self, fit: Fit) -> None:
        """Show the plan that was judged."""
        told = facts(fit)
        while len(self._rows) > len(told):
            gone = self._rows.pop()
            gone.hide()
            gone.deleteLater()
        while len(self._rows) < len(told):
            self._rows.append(FactRow(""))
            self._column.insertWidget(len(self._rows) - 1, self._rows[-1])
            self._rows[-1].show()
        for row, (name, value) in zip(self._rows, told, strict=True):
            row.name.setText(name)
            row.set_value(value)

    def show_origin(self, words: str) -> None:
        """Say how the figures were found; "" says nothing."""
        self.origin.setText(words)
        self.origin.setVisible(bool(words))
