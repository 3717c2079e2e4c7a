"""judging: the engine's own figures before a download, through the real engine process and a real server on the loopback."""

import errno
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from desktop import judging
from desktop.app import App
from desktop.engine import HeaderPart, LoadOptions, process
from desktop.engine.local import LocalEngine
from desktop.errors import EngineCrashed, LoadFailed, NetworkError, NotAModel, NotFound, UnknownArchitecture
from desktop.fit import DeviceMemory, Fit, Wish
from desktop.judging import ASSUMED, FROM_CATALOGUE, NOT_ASKED, Judgement, Question
from tests import gguf_files
from tests.hub_server import HubServer
from tests.test_fit import FAST, QWEN3_8B, card, computer

Result = TypeVar("Result")
REPO = "maker/tiny-GGUF"


def end(steps: Generator[object, None, Result]) -> Result:
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        result: Result = stop.value
        return result


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return gguf_files.llama(tmp_path / "tiny-Q8_0.gguf", layers=4, width=256, context=4096, quantization="Q8_0")


@pytest.fixture
def hub(app: App, tiny: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add(REPO, {"tiny-Q8_0.gguf": tiny, "mmproj-tiny.gguf": _projector(tiny.parent)})
        app.hub.endpoint = hub.endpoint
        yield hub
        app.network.hang_up()


def _projector(folder: Path) -> Path:
    return gguf_files.write(folder / "mmproj-tiny.gguf", "clip", {"general.type": "mmproj"}, {"v.patch_embd.weight": (64, 64)})


def parts(judged: Fit) -> tuple[int, int, int]:
    return judged.weights_bytes, judged.kv_bytes, judged.compute_bytes


# --- with the real engine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_a_judgement_is_what_the_engine_then_allocates(app: App, tiny: Path, kv_type: str) -> None:
    judged = end(app.estimates.judge(str(tiny), context=2048, kv_type=kv_type)).fit
    app.settings.kv_types = {"tiny-Q8_0": kv_type}  # type: ignore[dict-item]
    loaded = end(app.running.open(str(tiny), context=2048))
    (cpu,) = loaded.memory
    assert judged.method == "engine"
    assert parts(judged) == (cpu.weights_bytes, cpu.kv_bytes + cpu.state_bytes, cpu.compute_bytes + cpu.output_bytes)


def test_a_file_on_the_hub_is_judged_as_if_it_were_here(app: App, tiny: Path, hub: HubServer) -> None:
    here = end(app.estimates.judge(str(tiny)))
    steps: list[object] = []
    remote = app.estimates.judge(f"hf:{REPO}/tiny-Q8_0.gguf")
    judged = end(_kept(remote, steps))
    assert parts(judged.fit) == parts(here.fit)
    assert (here.source, judged.source, judged.fit.method, judged.note) == ("file", "hub", "engine", "")
    assert 0 < judged.header_bytes_read < tiny.stat().st_size / 2
    assert {"header", "engine"} == {step.stage for step in steps if isinstance(step, judging.Step)}
    again = end(app.estimates.judge(f"hf:{REPO}/tiny-Q8_0.gguf"))
    assert (again.source, again.header_bytes_read, parts(again.fit)) == ("cache", 0, parts(judged.fit))


def _kept(steps: Generator[object, None, Judgement], seen: list[object]) -> Generator[object, None, Judgement]:
    try:
        while True:
            seen.append(next(steps))
            yield
    except StopIteration as stop:
        judged: Judgement = stop.value
        return judged


def test_without_the_network_what_was_read_before_still_tells(app: App, hub: HubServer) -> None:
    read = end(app.estimates.judge(f"hf:{REPO}/tiny-Q8_0.gguf"))
    hub.__exit__()
    judged = end(app.estimates.judge(f"hf:{REPO}/tiny-Q8_0.gguf"))
    assert (judged.source, parts(judged.fit)) == ("cache", parts(read.fit))
    assert judged.note.startswith("As it was read on")
    with pytest.raises(NetworkError):
        end(app.estimates.judge(f"hf:{REPO}/another-Q8_0.gguf"))


def test_without_the_network_a_model_of_the_catalogue_is_still_known_by_its_header(app: App, tiny: Path) -> None:
    with HubServer() as hub:
        hub.add("Qwen/Qwen3-8B-GGUF", {"Qwen3-8B-Q4_K_M.gguf": tiny, "Qwen3-8B-Q8_0.gguf": tiny})
        app.hub.endpoint = hub.endpoint
        read = end(app.estimates.judge("qwen3-8b:Q4_K_M"))
        app.network.hang_up()
    judged = end(app.estimates.judge("qwen3-8b:Q4_K_M"))
    assert (read.source, judged.source, parts(judged.fit)) == ("hub", "cache", parts(read.fit))
    assert judged.note.startswith("As it was read on")
    assert end(app.estimates.judge("qwen3-8b:Q8_0")).source == "catalogue", "the header of another variant says nothing"


def test_without_the_network_the_catalogue_tells_and_says_so(app: App) -> None:
    app.network.offline = True
    judged = end(app.estimates.judge("qwen3-8b:Q4_K_M"))
    assert (judged.source, judged.note, judged.fit.method) == ("catalogue", FROM_CATALOGUE, "formula")
    assert judged.header_bytes_read == 0
    assert judged.fit == app.estimates.of("qwen3-8b:Q4_K_M")


def test_what_the_hub_does_not_have_or_show_the_catalogue_still_knows(app: App, hub: HubServer) -> None:
    judged = end(app.estimates.judge("qwen3-8b:Q4_K_M"))
    assert (judged.source, judged.fit.method) == ("catalogue", "formula")
    assert judged.note.startswith(f"{FROM_CATALOGUE} 127.0.0.1 has no repository Qwen/Qwen3-8B-GGUF")
    with pytest.raises(NotFound):
        end(app.estimates.judge("hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf"))


def test_where_no_process_can_be_started_the_formula_answers(app: App, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app.computer.hardware()  # the engine was there once

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(process.subprocess, "Popen", refuse)
    judged = end(app.estimates.judge(str(tiny)))
    assert (judged.fit.method, judged.note) == ("formula", NOT_ASKED)


def test_estimates_follow_the_header_once_it_was_read(app: App, hub: HubServer) -> None:
    reference = f"hf:{REPO}/tiny-Q8_0.gguf"
    judged = end(app.estimates.judge(reference)).fit
    app.network.offline = True
    assert app.estimates.of(reference).kv_bytes == judged.kv_bytes
    assert app.estimates.of(reference, context=1024).kv_bytes < judged.kv_bytes


def test_what_is_no_model_says_what_it_is_for(app: App, tmp_path: Path, hub: HubServer) -> None:
    for reference in (str(_projector(tmp_path)), f"hf:{REPO}/mmproj-tiny.gguf"):
        with pytest.raises(NotAModel, match="sees pictures"):
            end(app.estimates.judge(reference))
    adapter = gguf_files.write(tmp_path / "lora.gguf", "llama", {"general.type": "adapter"}, {"blk.0.a": (8, 8)})
    with pytest.raises(NotAModel, match="on top of that model"):
        end(app.running.open(str(adapter)))


def test_what_the_engine_cannot_run_is_said_before_a_download(app: App, tmp_path: Path) -> None:
    strange = gguf_files.write(tmp_path / "strange.gguf", "martian", {"block_count": 1}, {"token_embd.weight": (64, 64)})
    with pytest.raises(UnknownArchitecture):
        end(app.estimates.judge(str(strange)))
    lacking = gguf_files.write(tmp_path / "lacking.gguf", "llama", {"block_count": 1}, {"token_embd.weight": (64, 64)})
    with pytest.raises(LoadFailed):
        end(app.estimates.judge(str(lacking)))


def test_a_judgement_that_is_closed_leaves_nothing_behind(app: App, tiny: Path) -> None:
    work = app.estimates.judge(str(tiny))
    next(work)
    work.close()
    work = app.estimates.judge(str(tiny))
    while next(work).stage != "engine":
        pass
    work.close()  # no process is left: every test checks that


# --- with an engine that says something else ----------------------------------------------------------------------------------


class Saying(LocalEngine):
    """An engine whose dry run answers with the formula's figures, and `more` bytes of workspace; or dies."""

    def __init__(self, more: Mapping[int, int] | int = 0, *, dies: bool = False, cards: int = 1) -> None:
        super().__init__()
        self.more, self.dies, self.cards, self.asked = more, dies, cards, list[LoadOptions]()

    def measure(
        self, model: Path | Sequence[HeaderPart], options: LoadOptions
    ) -> Generator[None, None, tuple[DeviceMemory, ...]]:
        yield
        self.asked.append(options)
        if self.dies:
            raise EngineCrashed(code=-6)
        said = QWEN3_8B.lay_out(options.context, options.kv_type, options.gpu_layers, (1,) * self.cards)
        more = self.more if isinstance(self.more, int) else self.more.get(options.context, 0)
        *rest, last = said
        return (*rest, replace(last, compute_bytes=last.compute_bytes + more))


def ask(engine: Saying, question: Question) -> tuple[Fit, str]:
    return end(question.ask(engine, Path("x.gguf")))


def test_an_engine_that_dies_leaves_the_formula_and_a_note() -> None:
    question = Question(QWEN3_8B, computer(16, 11), FAST, Wish(), {})
    judged, note = ask(Saying(dies=True), question)
    assert (judged, note) == (question.by_formula(), NOT_ASKED)


def test_where_the_engine_needs_more_it_is_planned_again() -> None:
    question = Question(QWEN3_8B, computer(16, 7.0), FAST, Wish(), {})
    assert question.by_formula().context == 8192
    engine = Saying({8192: 500_000_000, 4096: 300_000_000})
    judged, note = ask(engine, question)
    assert [options.context for options in engine.asked] == [8192, 4096]
    assert (judged.context, judged.verdict, judged.method, note) == (4096, "runs_well", "engine", "")


def test_layers_that_the_card_does_not_hold_after_all_are_taken_back() -> None:
    here = computer(16, 11, card(6.5, device="CUDA0"))
    planned = Question(QWEN3_8B, here, FAST, Wish(), {}).by_formula()
    engine = Saying(800_000_000)
    judged, _ = ask(engine, Question(QWEN3_8B, here, FAST, Wish(), {}))
    assert judged.verdict == "runs_well"
    assert 0 < judged.gpu_layers < planned.gpu_layers
    assert judged.devices[1].total_bytes <= 6.5e9 * 0.97


def test_two_cards_take_fewer_layers_where_the_second_lacks() -> None:
    here = computer(16, 11, card(3.8, "A", device="CUDA0"), card(3.8, "B", device="CUDA1"))
    question = Question(QWEN3_8B, here, FAST, Wish(), {})
    planned, (judged, _) = question.by_formula(), ask(Saying(500_000_000, cards=2), question)
    assert planned.gpu_layers == 37
    assert (judged.verdict, judged.method) == ("runs_well", "engine")
    assert 25 < judged.gpu_layers < 37


def test_what_a_graphics_part_needs_more_lacks_in_main_memory() -> None:
    mac = card(10, "Apple M2", unified=True, memory_total_bytes=10_000_000_000, device="MTL0")
    question = Question(QWEN3_8B, computer(16, 7.2, mac), FAST, Wish(), {})
    assert question.by_formula().context == 8192
    judged, _ = ask(Saying({8192: 600_000_000}), question)
    assert (judged.context, judged.verdict, judged.method) == (4096, "runs_well", "engine")


def test_the_engine_is_not_asked_about_a_card_that_is_only_imagined() -> None:
    engine = Saying()
    judged, note = ask(engine, Question(QWEN3_8B, computer(16, 11, card(10)), FAST, Wish(), {}))
    assert (judged.method, note, engine.asked) == ("formula", ASSUMED, [])
