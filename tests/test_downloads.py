"""The queue of downloads: whose turn it is, moving, pausing, and what the next start finds."""

from pathlib import Path

import pytest

from desktop.downloads import Downloads, same


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "downloads.json"


@pytest.fixture
def queue(path: Path) -> Downloads:
    queue = Downloads(path)
    for reference in ("a", "b", "c"):
        queue.add(reference)
    return queue


def order(queue: Downloads) -> str:
    return " ".join(f"{each.reference}:{each.state}" for each in queue.list())


def test_the_first_that_waits_has_its_turn(queue: Downloads) -> None:
    assert queue.next() == queue.list()[0]
    queue.pause("a")
    assert (queue.waiting(), order(queue)) == (("b", "c"), "a:paused b:waiting c:waiting")
    queue.fail("b")
    queue.drop("c")
    assert queue.next() is None
    assert Downloads(queue._path).next() is None


def test_what_is_resumed_comes_after_those_that_wait(queue: Downloads) -> None:
    queue.pause("a")
    queue.pause("c")
    queue.add("a")
    assert order(queue) == "b:waiting a:waiting c:paused"
    queue.add("b")
    assert order(queue) == "b:waiting a:waiting c:paused", "it waits already"


def test_moving(queue: Downloads) -> None:
    queue.move("c", 0)
    assert queue.waiting() == ("c", "a", "b")
    queue.move("c", 1)
    queue.move("a", -1)
    assert queue.waiting() == ("a", "c", "b")
    queue.move("nobody", 0)
    assert queue.waiting() == ("a", "c", "b")


def test_pause_all_keeps_the_order_and_what_failed(queue: Downloads) -> None:
    queue.fail("b")
    queue.pause_all()
    assert order(queue) == "a:paused b:failed c:paused"
    queue.resume_all()
    assert order(queue) == "a:waiting b:failed c:waiting"


def test_the_next_start_finds_all_of_it(queue: Downloads, path: Path) -> None:
    queue.move("c", 0)
    queue.pause("a")
    queue.fail("b")
    assert order(Downloads(path)) == "c:waiting a:paused b:paused", "why it failed is forgotten, that it is unfinished is not"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'[{"reference": "a", "state": "new"}]', b"\xff"])
def test_a_broken_file_costs_the_order_only(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    queue = Downloads(path)
    assert queue.list() == ()
    queue.add("a")
    assert Downloads(path).waiting() == ("a",)


def test_a_disk_that_takes_nothing_stops_no_download(tmp_path: Path) -> None:
    queue = Downloads(tmp_path / "absent" / "downloads.json")
    queue.add("a")
    assert queue.waiting() == ("a",)


def test_a_part_of_an_earlier_day_is_paused(queue: Downloads) -> None:
    queue.note("d")
    queue.note("a")
    assert order(queue) == "a:waiting b:waiting c:waiting d:paused"


def test_a_commit_makes_no_second_download(queue: Downloads) -> None:
    queue.add("hf:maker/model/x.gguf")
    queue.add("hf:maker/model/x.gguf@abc")
    assert len(queue.list()) == 4
    assert same("hf:maker/model/x.gguf", "hf:maker/model/x.gguf@abc")
    assert not same("a@b", "a")
