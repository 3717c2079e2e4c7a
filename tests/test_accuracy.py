"""accuracy: predicted beside measured, kept in a small file, told in a sentence."""

from pathlib import Path

import pytest

from desktop.accuracy import MOST, TOLD, Entry, Record


def test_nothing_measured_is_nothing_told(tmp_path: Path) -> None:
    record = Record(tmp_path / "accuracy.json")
    record.add(Entry("m", predicted_bytes=100, predicted_tokens_per_s=5.0))
    assert (record.entries, record.sentence()) == ((), "")


def test_the_worst_of_the_last_estimates_is_told(tmp_path: Path) -> None:
    record = Record(tmp_path / "accuracy.json")
    record.add(Entry("m", 130, 100))
    assert record.sentence() == "Our last estimate of memory was within 30 %."
    for _ in range(TOLD):
        record.add(Entry("m", 98, 100))
    record.add(Entry("m", 1027, 1000))
    assert record.sentence() == "Our last 12 estimates of memory were within 3 %."


def test_speed_alone_counts_where_memory_could_not_be_measured(tmp_path: Path) -> None:
    record = Record(tmp_path / "accuracy.json")
    for measured in (10.0, 8.0):
        record.add(Entry("m", 130, 0, 8.0, measured))
        assert record.sentence() == ""
    record.add(Entry("m", 0, 0, 8.0, 7.9))
    assert record.sentence() == "Our last 3 estimates of speed were within 20 %."


def test_the_record_is_kept_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    record = Record(path)
    for number in range(MOST + 5):
        record.add(Entry(f"m{number}", 100 + number, 100))
    again = Record(path)
    assert again.entries == record.entries
    assert len(again.entries) == MOST
    assert again.entries[-1].model == f"m{MOST + 4}"


@pytest.mark.parametrize("content", [b"", b"\0\xff", b'{"model": 1}', b'[{"model": 3}]'])
def test_a_record_that_cannot_be_read_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "accuracy.json"
    path.write_bytes(content)
    record = Record(path)
    assert record.entries == ()
    record.add(Entry("m", 101, 100))
    assert Record(path).entries == record.entries


def test_a_place_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    record = Record(tmp_path / "nowhere" / "accuracy.json")
    record.add(Entry("m", 101, 100))
    assert record.sentence()
