"""The page Models: the list and its filters, one model in full, what is on this computer, and the Hub."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop import fit
from desktop.card import Card
from desktop.comparison import freeness
from desktop.errors import AlcoveError, Offline, Unreachable
from desktop.hardware import Memory
from desktop.hub import Sort
from desktop.library import Library, LocalModel, Provenance
from desktop.licences import GUIDE, Evidence, Ruling
from desktop.repo import File, Repo
from desktop.search import PAGE, Found
from desktop.transfer import Progress
from desktop.ui.browse import TABS, Browse
from desktop.ui.gate import GateSteps
from desktop.ui.licence_fold import LicenceFold
from desktop.ui.local_models import LocalRow
from desktop.ui.model_row import ModelRow
from desktop.ui.notice import Notice
from desktop.ui.repo_card import RepoCard
from desktop.ui.shortlist import LicenceWish, Wish, matches
from desktop.ui.tasks import Tasks
from desktop.ui.undo import Removals
from tests.engine import models as made
from tests.ui.laptop import LAPTOP, RATES, Desk, known, law, library, ranked, words


class Finder:
    """A Hub that finds these repositories for any words; `asked` is what for."""

    def __init__(self, *repos: Repo, more: bool = False, old: bool = False) -> None:
        self.repos, self.more, self.old = repos, more, old
        self.asked: list[str] = []
        self.looked: list[str] = []
        self.error: AlcoveError | None = None
        self.hold: set[str] = set()  # words whose search takes for ever
        self.closed: list[str] = []

    def find(self, words: str, limit: int = PAGE, sort: Sort = "downloads") -> Generator[None, None, Found]:
        self.asked.append(f"{words} {limit} {sort}")
        try:
            yield
            while words in self.hold:
                time.sleep(0.01)
                yield
        except GeneratorExit:
            self.closed.append(words)
            raise
        if self.error is not None:
            raise self.error
        plain = [replace(each, files=tuple(replace(f, size_bytes=0) for f in each.files)) for each in self.repos[:limit]]
        return Found(tuple(plain), ASKED_AT, self.more, self.old)

    def page(self, id: str) -> Generator[None, None, Repo]:
        self.looked.append(id)
        yield
        if self.error is not None:
            raise self.error
        return next(each for each in self.repos if each.id == id)


ASKED_AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def ruling(model: LocalModel) -> Ruling:
    return law().rule(GUIDE if model.origin == "guide" else Evidence(hub_card=model.licence))


@pytest.fixture
def models(tmp_path: Path) -> Library:
    return library(tmp_path)


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    assert tasks.close()


@pytest.fixture
def desk(tasks: Tasks) -> Desk:
    return Desk(tasks)


@pytest.fixture
def removals() -> Removals:
    return Removals(seconds=0.2)


@pytest.fixture
def open_page(qtbot: QtBot, models: Library, tasks: Tasks, removals: Removals, desk: Desk) -> Callable[..., Browse]:
    def opened(finder: Finder | None = None) -> Browse:
        page = Browse(law(), models, tasks, finder or Finder(), ruling, removals, desk.judges)
        qtbot.addWidget(page)
        page.resize(1032, 800)
        with qtbot.waitExposed(page):
            page.show()
        page.show_offers(ranked(models), LAPTOP, RATES)
        page.show_library()
        return page

    return opened


def rows(page: Browse) -> list[ModelRow]:
    return [row for row in page.findChildren(ModelRow) if row.isVisibleTo(page)]


# --- recommended ----------------------------------------------------------------------------------------------------------------


def test_rows_say_in_words_and_signs_how_a_model_runs(open_page: Callable[..., Browse]) -> None:
    page = open_page()
    row = rows(page)[0]
    said = words(row)
    assert row.offer.model.name in said
    assert "Runs well" in said
    assert "of 11.2 GB free" in said
    assert "words a second" in said
    assert row.accessibleName() == row.offer.model.name


def test_what_does_not_fit_is_hidden_until_the_chip_is_off(open_page: Callable[..., Browse], models: Library) -> None:
    page = open_page()
    offers = ranked(models)
    fitting = [offer for offer in offers if offer.verdict != "too_big"]
    assert f"{len(fitting)} models" in words(page)
    page.recommended.chips["fits"].click()
    assert f"{len(offers)} models" in words(page)


def test_words_and_chips_narrow_the_list(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page()
    page.recommended.chips["open"].click()
    assert rows(page)
    assert all(row.offer.ruling.openness == "full" for row in rows(page))
    page.recommended.chips["open"].click()
    qtbot.keyClicks(page.recommended.search, "ibm")
    qtbot.waitUntil(lambda: {row.offer.model.maker for row in rows(page)} == {"IBM"})
    qtbot.keyClicks(page.recommended.search, " zzz")
    qtbot.waitUntil(lambda: not rows(page))
    assert "No model is like that" in words(page)
    page.recommended.clear()
    assert rows(page)


def test_each_filter_lets_through_what_it_names(models: Library) -> None:
    offers = ranked(models)

    def kept(wish: Wish) -> set[str]:
        return {offer.model.id for offer in offers if matches(offer, wish)}

    assert kept(Wish()) == {offer.model.id for offer in offers}
    assert kept(Wish(small=True)) == {o.model.id for o in offers if o.size_bytes <= 3e9}
    assert "llama-3.1-8b" not in kept(Wish(licence=LicenceWish(work=True)))
    assert kept(Wish(pictures=True)) == {o.model.id for o in offers if o.model.reads_pictures}
    assert kept(Wish(thinks=True)).isdisjoint({o.model.id for o in offers if o.model.thinks == "no"})
    german = kept(Wish(language="German"))
    assert "llama-3.1-8b" in german
    assert german < kept(Wish())


def test_two_hundred_rows_are_built_as_one_scrolls(open_page: Callable[..., Browse], models: Library, qtbot: QtBot) -> None:
    page = open_page()
    page.recommended.chips["fits"].setChecked(False)
    offers = ranked(models)
    many = tuple(replace(offer, id=f"{offer.id}-{copy}") for copy in range(3) for offer in offers)[:200]
    page.recommended.show_offers(many)
    assert len(page.recommended.rows.built()) < 20

    def at_the_end() -> bool:
        page.verticalScrollBar().setValue(page.verticalScrollBar().maximum())
        return len(page.recommended.rows.built()) == len(many)

    qtbot.waitUntil(at_the_end, timeout=20_000)
    assert [row.offer.id for row in rows(page)] == [offer.id for offer in many]


def test_rows_take_two_lines_in_a_narrow_window(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page()
    before = rows(page)[0].getting.y()
    page.resize(640, 533)
    qtbot.waitUntil(lambda: rows(page)[0]._verdict.y() > rows(page)[0].getting.y())
    qtbot.waitUntil(lambda: all(row.width() <= page.viewport().width() for row in rows(page)))
    page.resize(1032, 800)
    qtbot.waitUntil(lambda: rows(page)[0].getting.y() == before)


def test_a_download_is_shown_in_the_row_and_in_the_detail(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page()
    row = rows(page)[2]
    reference = row.offer.reference
    with qtbot.waitSignal(page.get_clicked) as got:
        row.getting.button.click()
    assert got.args == [reference]
    page.show_progress(reference, Progress(2_000, 4_000, 10e6, 60.0))
    assert "50 %" in words(row)
    page.open_model(row.offer)
    assert page._detail is not None
    assert "50 % · 10 MB/s · 1 min left" in words(page._detail)
    page.show_failed(reference, Unreachable(host="huggingface.co", why="there is no network connection"))
    assert "no network connection" in words(page._detail)
    assert row.getting.sentence.text() == "Not downloaded"  # there is no room for more
    assert "no network connection" in row.getting.button.toolTip()
    assert "no network connection" in row.getting.button.accessibleDescription()
    page.show_done(reference, LocalModel("x", Path("x"), "x", 1, "own"))
    page.close_model()
    assert row.getting.button.text() == "Chat"


def test_chips_of_licences_work_together_and_say_what_to_change(open_page: Callable[..., Browse]) -> None:
    page = open_page()
    part = page.recommended
    for name in ("work", "share", "open"):
        part.chips[name].click()
    rulings = [row.offer.ruling for row in rows(page)]
    assert rulings
    assert all((r.commercial.answer, r.share.answer, r.openness) == ("yes", "yes", "full") for r in rulings)
    part.chips["pictures"].click()
    assert not rows(page)
    wish = part.wish("open")
    expected = sum(matches(offer, wish) for offer in ranked(page._library))
    assert expected
    assert f"Without “Fully open” there would be {expected}." in words(page)


def test_the_freest_licence_comes_first(open_page: Callable[..., Browse]) -> None:
    page = open_page()
    page.recommended.sort.choose(1)
    order = [freeness(row.offer.ruling) for row in sorted(rows(page), key=lambda row: row.y())]
    assert order == sorted(order)
    assert rows(page)[0].offer.ruling.openness in ("full", "free", "conditions")


# --- one model ------------------------------------------------------------------------------------------------------------------


def test_return_opens_a_model_and_back_returns_to_its_row(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page()
    row = rows(page)[3]
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Return)
    assert page._detail is not None
    assert row.offer.model.name in words(page._detail)
    assert not rows(page)
    page._detail.back.click()
    assert page._detail is None
    assert row.hasFocus()


def test_a_length_that_is_too_long_shows_what_would_help(open_page: Callable[..., Browse], models: Library, qtbot: QtBot) -> None:
    page = open_page()
    page.open_model(next(offer for offer in ranked(models) if offer.model.id == "llama-3.1-8b"))
    assert page._detail is not None
    view = page._detail.fit
    with qtbot.waitSignal(page.wished) as wished:
        view.slider.setValue(view.slider.maximum())
    assert wished.args == [page._detail.offer.reference, fit.Wish(context=131072)]
    assert "Conversation memory 17.2 GB" in words(view)
    assert "Too big" in words(view)
    assert "Missing" in words(view)
    assert view.help.isVisibleTo(view)
    view.slider.setValue(0)
    assert "Runs well" in words(view)


def test_help_shows_the_lighter_version_that_it_means(
    open_page: Callable[..., Browse], models: Library, desk: Desk, qtbot: QtBot
) -> None:
    desk.hardware = replace(LAPTOP, memory=Memory(9_000_000_000, 7_900_000_000))
    page = open_page()
    page.open_model(next(offer for offer in ranked(models) if offer.model.id == "llama-3.1-8b"))
    detail = page._detail
    assert detail is not None
    detail.variants.buttons()[3].click()
    row = next(row for row in detail.fit.help.rows if row.isVisibleTo(detail) and row.button.text() == "Show me")
    before = detail.offer
    row.button.click()
    assert detail.offer.size_bytes < before.size_bytes
    assert "Runs well" in words(detail.fit)


def test_leaving_a_model_stops_what_is_checked_for_it(
    open_page: Callable[..., Browse], models: Library, desk: Desk, qtbot: QtBot
) -> None:
    desk.hold = True
    page = open_page()
    page.open_model(ranked(models)[0])
    qtbot.waitUntil(lambda: len(desk.asked) == 1)
    page.close_model()
    qtbot.waitUntil(lambda: len(desk.closed) == 1)


def test_a_file_of_the_hub_is_judged_by_its_header_when_asked(open_page: Callable[..., Browse], desk: Desk, qtbot: QtBot) -> None:
    page = open_page(Finder(repo("owner/name-GGUF")))
    first, second, *_ = opened_card(page, qtbot)._files.values()
    assert not desk.asked
    assert "should fit" in words(first)
    first.fold.button.click()
    qtbot.waitUntil(lambda: first.fits.text().startswith("Runs well · "))
    assert desk.asked[0][0] == first.reference
    assert "should fit" not in words(first)
    assert first.fold.view is not None
    assert "Checked against the file on huggingface.co" in words(first.fold.view)
    second.fold.button.click()
    assert not first.fold.isVisibleTo(page)
    first.fold.button.click()
    assert len(desk.asked) == 1  # what was found out is kept


def test_variants_are_chosen_in_plain_words(open_page: Callable[..., Browse], models: Library) -> None:
    page = open_page()
    page.open_model(next(offer for offer in ranked(models) if offer.model.id == "llama-3.1-8b"))
    detail = page._detail
    assert detail is not None
    choices = detail.variants.buttons()
    assert [each.text() for each in choices] == ["Light · 4.4 GB", "Usual · 4.9 GB", "Fuller · 5.7 GB", "Powerful · 8.5 GB"]
    choices[3].click()
    assert detail.offer.variant.quantization == "Q8_0"
    assert "Get it · 8.5 GB" in detail.getting.button.text()
    assert "Q8_0" not in words(detail)  # only under Details
    next(each for each in detail.findChildren(QPushButton) if each.text() == "Details" and each.isVisible()).click()
    assert "Q8_0" in words(detail)
    assert "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF on huggingface.co" in words(detail)


def test_every_model_of_the_catalogue_can_be_opened(open_page: Callable[..., Browse], models: Library) -> None:
    page = open_page()
    for offer in ranked(models)[::7]:
        page.open_model(offer)
        assert page._detail is not None
        assert offer.model.name in words(page._detail)
        page.close_model()


# --- on this computer -----------------------------------------------------------------------------------------------------------


def put(models: Library, file: str, size: int, *, part: int = 0, **facts: object) -> None:
    """A model in the folder, or only a part of it."""
    folder = models.folder / "owner--name-GGUF"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / (file + ".part" if part else file)).open("wb") as out:
        out.truncate(part or size)
    provenance = Provenance(repo="owner/name-GGUF", file=file, size_bytes=size, **facts)  # type: ignore[arg-type]
    (folder / f"{file}.json").write_bytes(msgspec.json.encode(provenance))


def test_what_is_here_is_listed_with_size_use_origin_and_licence(
    open_page: Callable[..., Browse], models: Library, qtbot: QtBot
) -> None:
    put(models, "tiny-Q4_K_M.gguf", 5_000_000, licence="apache-2.0", last_used="2026-11-20T10:00:00+00:00")
    page = open_page()
    page.show_tab("local")
    said = words(page.local)
    assert "Usual · 5 MB · last used 20 Nov 2026 · from owner/name-GGUF" in said
    assert "came with Alcove" in said
    qtbot.waitUntil(lambda: "Free for work" in words(page.local))
    assert "Fully open" in words(page.local)
    assert page.tabs._group.button(1).text() == "On this computer · 2"


def test_the_size_is_that_of_all_folders_and_says_so(open_page: Callable[..., Browse], models: Library, tmp_path: Path) -> None:
    put(models, "tiny-Q4_K_M.gguf", 5_000_000)
    page = open_page()
    page.show_tab("local")
    assert f"Your models take 5 MB in {models.folder};" in words(page.local)
    models.more = (tmp_path / "disk",)
    (tmp_path / "disk").mkdir()
    with (tmp_path / "disk" / "other.gguf").open("wb") as out:
        out.truncate(3_000_000)
    page.show_library()
    assert "Your models take 8 MB in 2 folders;" in words(page.local)


def test_a_file_that_lies_elsewhere_counts_as_one_that_is_here(
    open_page: Callable[..., Browse], models: Library, tmp_path: Path
) -> None:
    file = made.write(tmp_path / "mine.gguf", ["A ", "word."])
    only_guide = "Only the small guide is here so far."
    page = open_page()
    page.show_tab("local")
    assert only_guide in words(page.local)
    models.link(file)
    page.show_library()
    assert only_guide not in words(page.local)
    assert "What you get is kept in" in words(page.local)


def test_an_unfinished_file_can_be_resumed(open_page: Callable[..., Browse], models: Library, qtbot: QtBot) -> None:
    put(models, "big-Q8_0.gguf", 10_000_000, part=4_000_000, reference="qwen3-8b:Q8_0")
    page = open_page()
    page.show_tab("local")
    assert "4 MB of 10 MB are here" in words(page.local)
    row = next(row for row in page.local._rows.values() if not row.model.complete)
    with qtbot.waitSignal(page.get_clicked) as got:
        row.getting.button.click()
    assert got.args == ["qwen3-8b:Q8_0"]


def test_removing_waits_for_its_undo(open_page: Callable[..., Browse], models: Library, removals: Removals, qtbot: QtBot) -> None:
    put(models, "tiny-Q4_K_M.gguf", 5_000_000)
    page = open_page()
    page.show_tab("local")

    def row() -> object:
        return page.local._rows.get("tiny-Q4_K_M")

    due: list[LocalModel] = []
    removals.due.connect(due.append)
    page.local._rows["tiny-Q4_K_M"].remove.click()
    assert row() is None
    removals.undo("tiny-Q4_K_M")
    assert row() is not None
    assert not due
    with qtbot.waitSignal(removals.due):
        page.local._rows["tiny-Q4_K_M"].remove.click()
        assert (models.folder / "owner--name-GGUF" / "tiny-Q4_K_M.gguf").exists()
    assert [model.id for model in due] == ["tiny-Q4_K_M"]


def test_at_quit_removals_are_carried_out(models: Library, qtbot: QtBot) -> None:
    removals = Removals(seconds=60)
    put(models, "tiny-Q4_K_M.gguf", 5_000_000)
    removals.add(models.list()[1])
    with qtbot.waitSignal(removals.due):
        removals.settle()
    assert not removals.holds("tiny-Q4_K_M")


def test_the_guide_cannot_be_removed(open_page: Callable[..., Browse]) -> None:
    page = open_page()
    page.show_tab("local")
    guide = next(row for row in page.local._rows.values() if row.model.origin == "guide")
    assert not guide.remove.isVisibleTo(page)


def test_models_here_are_filtered_and_sorted_by_licence(open_page: Callable[..., Browse], models: Library, qtbot: QtBot) -> None:
    for name, licence in (("a-closed", "cc-by-nc-4.0"), ("b-llama", "llama3.1"), ("c-free", "mit")):
        put(models, f"{name}-Q4_K_M.gguf", 5_000_000, licence=licence)
    page = open_page()
    page.show_tab("local")
    qtbot.waitUntil(lambda: len(page.local._rulings) == 4)

    def shown() -> list[str]:
        column = page.local._column
        there = [column.itemAt(place).widget() for place in range(column.count())]
        return [row.model.name.partition("-Q4")[0] for row in there if isinstance(row, LocalRow) and row.isVisibleTo(page)]

    page.local.sort.choose(1)
    assert shown()[1:] == ["c-free", "b-llama", "a-closed"]
    page.local.chips["work"].click()
    page.local.chips["share"].click()
    assert shown()[1:] == ["c-free"]
    assert "2 of 4 models" in words(page.local)


# --- the Hub --------------------------------------------------------------------------------------------------------------------


def repo(name: str, *, tag: str | None = "apache-2.0", gated: bool = False, weights: int = 1_600_000_000) -> Repo:
    sizes = (("Q2_K", 0.6), ("Q4_K_M", 1.0), ("Q5_K_M", 1.2), ("Q6_K", 1.4), ("Q8_0", 1.8), ("BF16", 3.4))
    size = weights * 4.89 / 8
    files = tuple(
        File(name, "sha", f"x-{q}.gguf", int(size * share), None, q, f"https://h/{name}/resolve/x") for q, share in sizes
    )
    card = Card(name, (tag,) if tag else ())
    return Repo(name, "sha", tag, None, gated, 1234, "2026-08-01T00:00:00", (), files, weights, (card,))


def found(page: Browse, qtbot: QtBot, said: str = "name") -> RepoCard:
    """Search, and give the first card."""
    page.show_tab("hub")
    page.hub.field.setText(said)
    page.hub.ask()
    qtbot.waitUntil(lambda: bool(page.hub._cards))
    return page.hub._cards[0]


def opened_card(page: Browse, qtbot: QtBot) -> RepoCard:
    card = found(page, qtbot)
    card.opener.click()
    qtbot.waitUntil(lambda: bool(card._files))
    return card


def test_the_search_waits_for_a_pause_and_shows_what_fits_first(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(repo("owner/huge-GGUF", weights=70_000_000_000), repo("owner/small-GGUF", tag=None))
    page = open_page(finder)
    page.show_tab("hub")
    qtbot.keyClicks(page.hub.field, "qwen")
    qtbot.waitUntil(lambda: len(page.hub._cards) == 2)
    assert finder.asked == ["qwen 20 downloads"]
    assert [card.repo.id for card in page.hub._cards] == ["owner/small-GGUF", "owner/huge-GGUF"]
    assert "Licence not known" in words(page.hub._cards[0])
    assert page.hub._cards[0].guess.text() == "should fit · about 978 MB"
    assert page.hub._cards[1].guess.text() == "too big · about 42.8 GB"
    page.hub.sort.choose(1)
    qtbot.waitUntil(lambda: [card.repo.id for card in page.hub._cards] == ["owner/huge-GGUF", "owner/small-GGUF"])
    page.hub.sort.choose(2)
    qtbot.waitUntil(lambda: finder.asked[-1] == "qwen 20 date")


def test_the_files_of_a_repository_are_asked_for_when_it_is_opened(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(repo("owner/name-GGUF"))
    page = open_page(finder)
    card = opened_card(page, qtbot)
    assert finder.looked == ["owner/name-GGUF"]
    assert "should fit: about 1.1 GB of 11.2 GB" in words(card)
    assert "2 more sizes" in [each.text() for each in card.findChildren(QPushButton)]
    card.opener.click()
    assert "should fit: about" not in words(card)
    card.opener.click()
    assert "should fit: about" in words(card)
    assert finder.looked == ["owner/name-GGUF"]


def test_files_that_cannot_be_listed_say_why(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(repo("owner/name-GGUF"))
    page = open_page(finder)
    card = found(page, qtbot)
    finder.error = Unreachable(host="huggingface.co", why="there is no network connection")
    card.opener.click()
    qtbot.waitUntil(lambda: "huggingface.co could not be reached" in words(card))
    finder.error = None
    card.findChild(Notice).button.click()
    qtbot.waitUntil(lambda: bool(card._files))


def test_more_results_leave_those_before_as_they_are(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(*(repo(f"owner/name-{n}-GGUF") for n in range(30)), more=True)
    page = open_page(finder)
    card = opened_card(page, qtbot)
    assert len(page.hub._cards) == 20
    finder.more = False
    page.hub.more.click()
    qtbot.waitUntil(lambda: len(page.hub._cards) == 30)
    assert finder.asked == ["name 20 downloads", "name 40 downloads"]
    assert page.hub._cards[0] is card
    assert card.is_open
    assert not page.hub.more.isVisible()


def test_another_word_gives_up_the_search_before(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(repo("owner/quick-GGUF"))
    finder.hold.add("slow")
    page = open_page(finder)
    page.show_tab("hub")
    page.hub.field.setText("slow")
    page.hub.ask()
    found(page, qtbot, "quick")
    qtbot.waitUntil(lambda: finder.closed == ["slow"])
    assert "1 repository" in words(page.hub)


def test_the_keyboard_goes_through_the_results(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page(Finder(repo("owner/a-GGUF"), repo("owner/b-GGUF")))
    first = found(page, qtbot)
    page.hub.field.setFocus()
    qtbot.keyClick(page.hub.field, Qt.Key.Key_Down)
    assert page.window().focusWidget() is first.opener
    qtbot.keyClick(first.opener, Qt.Key.Key_Down)
    second = page.hub._cards[1].opener
    assert page.window().focusWidget() is second
    qtbot.keyClick(second, Qt.Key.Key_Down)
    assert page.window().focusWidget() is second
    qtbot.keyClick(second, Qt.Key.Key_Up)
    qtbot.keyClick(first.opener, Qt.Key.Key_Up)
    assert page.window().focusWidget() is page.hub.field


def test_what_was_found_before_is_shown_with_its_day(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page(Finder(repo("owner/a-GGUF"), old=True))
    found(page, qtbot)
    assert "huggingface.co cannot be asked now. From a search on " in words(page.hub)
    day = ASKED_AT.astimezone().date()
    assert page.hub.when(ASKED_AT, day) == "From today's search."
    assert page.hub.when(ASKED_AT, day + timedelta(days=1)) == "From yesterday's search."


def test_a_file_of_the_hub_is_asked_for_by_its_place(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page(Finder(repo("owner/name-GGUF")))
    row = next(row for row in opened_card(page, qtbot)._files.values() if "Q4_K_M" in row.reference)
    with qtbot.waitSignal(page.get_clicked) as got:
        row.getting.button.click()
    assert got.args == ["hf:owner/name-GGUF/x-Q4_K_M.gguf"]
    page.show_progress(row.reference, Progress(1, 2, 1e6, 5.0))
    assert "50 %" in words(row)
    page.show_cancelled(row.reference)
    assert row.getting.button.text() == "Get it"


def test_a_gated_repository_tells_the_steps_and_takes_the_token(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page(Finder(repo("google/gemma-GGUF", tag="gemma", gated=True)))
    card = opened_card(page, qtbot)
    assert "wants your agreement first" in words(card)
    gate = card.findChild(GateSteps)
    with qtbot.waitSignal(page.page_clicked) as opened:
        gate.open_page.click()
    assert opened.args == ["https://h/google/gemma-GGUF"]
    qtbot.keyClicks(gate.token, "hf_mine")
    with qtbot.waitSignal(page.token_entered) as entered:
        qtbot.keyClick(gate.token, Qt.Key.Key_Return)
    assert entered.args == ["hf_mine"]


def test_no_network_is_a_sentence_with_a_next_step(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder()
    finder.error = Unreachable(host="huggingface.co", why="there is no network connection")
    page = open_page(finder)
    page.show_tab("hub")
    page.hub.field.setText("qwen")
    page.hub.ask()
    qtbot.waitUntil(lambda: "huggingface.co could not be reached" in words(page.hub))
    page.hub._notice.button.click()  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: len(finder.asked) == 2)


def test_offline_the_search_leads_to_the_switch(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    finder = Finder(repo("owner/a-GGUF"))
    finder.error = Offline(host="huggingface.co")
    page = open_page(finder)
    page.show_tab("hub")
    page.show_offline(True)
    assert "Alcove is set to offline" in words(page.hub)
    page.hub.field.setText("qwen")
    page.hub.ask()
    qtbot.waitUntil(lambda: "Alcove is set to offline" in words(page.hub))
    with qtbot.waitSignal(page.online_clicked):
        page.hub._notice.button.click()  # type: ignore[union-attr]
    finder.error = None
    page.show_offline(False)
    qtbot.waitUntil(lambda: "owner/a-GGUF" in words(page.hub))
    assert "Alcove is set to offline" not in words(page.hub)


def test_offline_by_choice_every_list_leads_online(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    page = open_page()
    assert not page._offline.isVisible()
    page.show_offline(True)
    assert "Models come from huggingface.co." in words(page._offline)
    assert rows(page)[0].getting.button.isVisible()  # which asks to go online
    with qtbot.waitSignal(page.online_clicked):
        page._offline.button.click()
    seen = []
    for tab in TABS:
        page.show_tab(tab)
        seen.append(page._offline.isVisible())
    assert seen == [True, False, False]  # what is here works, and the search says it itself
    page.show_offline(False)
    page.show_tab("recommended")
    assert not page._offline.isVisible()


def test_kept_offline_no_list_offers_a_download(open_page: Callable[..., Browse], models: Library, qtbot: QtBot) -> None:
    put(models, "half-Q8_0.gguf", 4_000_000_000, part=1_000_000_000)
    page = open_page()
    page.show_offline(True, "/etc/alcove/policy.json")
    assert page.local.isVisible()
    assert page._kept is not None
    assert "Set by your organisation" in words(page._kept)
    page.show_tab("recommended")
    page.recommended.chips["fits"].setChecked(False)  # cards that are made now
    assert len(rows(page)) > 3
    assert not [row for row in rows(page) if row.getting.button.isVisible()]
    first = rows(page)[0].offer
    page.show_done(first.reference, LocalModel("x", Path("x"), "x", 1, "linked"))  # a file that was added
    assert [row.getting.button.text() for row in rows(page) if row.getting.button.isVisible()] == ["Chat"]
    page.open_model(rows(page)[1].offer)
    assert page._detail is not None
    assert not page._detail.getting.button.isVisible()
    assert "it cannot be downloaded here" in words(page._detail)
    shown = [tab.text() for tab in page.tabs.findChildren(QPushButton) if not tab.isHidden()]
    assert shown == ["Recommended", "On this computer · 1"]
    page.show_first()
    assert page.local.isVisible()
    page.show_library()
    (half,) = (row for row in page.findChildren(LocalRow) if row.isVisible() and not row.model.complete)
    assert not half.getting.button.isVisible()
    assert not page._kept.isVisible()  # this list has a button for a file of its own
    page.show_tab("recommended")
    with qtbot.waitSignal(page.open_file_clicked):
        page._kept.open_file.click()
    page._kept.use.click()
    assert page.local.isVisible()


def test_the_catalogue_is_whole() -> None:
    assert len(known().models) > 57


def test_a_file_of_the_hub_that_is_folded_out_stays_inside_a_narrow_window(
    open_page: Callable[..., Browse], qtbot: QtBot
) -> None:
    page = open_page(Finder(repo("owner/name-GGUF")))
    page.resize(600, 533)
    row = next(iter(opened_card(page, qtbot)._files.values()))
    row.fold.button.click()
    qtbot.waitUntil(lambda: row.fits.text().startswith("Runs well · "))
    qtbot.waitUntil(lambda: 0 < page.hub._cards[0].width() <= page.viewport().width())
    assert row.getting.mapTo(page, row.getting.rect().topRight()).x() < page.viewport().width()


def test_what_the_hub_found_is_filtered_and_sorted_by_licence(open_page: Callable[..., Browse], qtbot: QtBot) -> None:
    tags = ("cc-by-nc-4.0", "llama3.1", None, "mit")
    page = open_page(Finder(*(repo(f"owner/{tag}-GGUF", tag=tag) for tag in tags)))
    found(page, qtbot)
    hub = page.hub

    def shown() -> list[str]:
        return [card.repo.id for card in hub._cards if card.isVisibleTo(page)]

    hub.sort.choose(3)
    qtbot.waitUntil(lambda: len(hub._cards) == 4)
    assert shown() == [f"owner/{name}-GGUF" for name in ("mit", "llama3.1", "None", "cc-by-nc-4.0")]
    hub.chips["work"].click()
    assert shown() == ["owner/mit-GGUF"]
    assert "1 of 4 repositories" in words(page)
    hub.chips["open"].click()
    assert shown() == []
    assert "Nothing that was found has such a licence" in words(page)
    assert "Without “Fully open” there would be 1." in words(page)
    hub._none.button.click()
    assert len(shown()) == 4


def test_what_the_licence_of_a_repository_allows_can_be_opened_before_a_download(
    open_page: Callable[..., Browse], qtbot: QtBot
) -> None:
    page = open_page(Finder(repo("owner/name-GGUF", tag="llama3.1")))
    card = opened_card(page, qtbot)
    fold = card.findChild(LicenceFold)
    assert "May I use it at work?" not in words(fold)
    fold.button.click()
    assert "May I use it at work?" in words(fold)
    assert "700 million" in words(fold)
    with qtbot.waitSignal(page.compare_clicked) as compared:
        next(each for each in fold.findChildren(QPushButton) if each.text() == "Compare with another").click()
    assert compared.args[0] == "owner/name-GGUF"
