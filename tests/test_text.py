import pytest

from desktop import text


@pytest.mark.parametrize(
    ("bytes_", "words"),
    [
        (0, "0 KB"),
        (999_499, "999 KB"),
        (80_000_000, "80 MB"),
        (999_600_000, "1.0 GB"),
        (2_497_280_256, "2.5 GB"),
        (140e9, "140 GB"),
    ],
)
def test_sizes_read_as_on_a_label(bytes_: float, words: str) -> None:
    assert text.size(bytes_) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (45, "45 s"), (200, "3 min"), (3600, "1 h"), (4000, "1 h 7 min")])
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("tokens_per_s", "words"), [(0.4, "less than one word a second"), (1.3, "1 word a second"), (12.3, "9 words a second")]
)
def test_writing_rates_are_words(tokens_per_s: float, words: str) -> None:
    assert text.words_per_second(tokens_per_s) == words


def test_numbers_of_weights() -> None:
    assert text.billions(8_190_735_360) == "8.2 billion"
    assert text.billions(8_000_000_000) == "8 billion"
    assert text.billions(596_049_920) == "596 million"


def test_predicted_rates_say_so() -> None:
    assert text.about_words_per_second(12.3) == "about 9 words a second"
    assert text.about_words_per_second(0.4) == "less than one word a second"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (10.7, 16.0, "about 8 to 12 words a second"), (12.0, 12.4, "about 9 words a second"),
        (0.3, 4.1, "up to 3 words a second"),
        (0.2, 0.9, "less than one word a second"),
    ],
)  # fmt: skip
def test_a_range_is_told_as_one(low: float, high: float, words: str) -> None:
    assert text.about_words_range(low, high) == words


def test_rates() -> None:
    assert text.rate(12_400_000) == "12 MB/s"


@pytest.mark.parametrize(
    ("rate", "low", "high", "words"),
    [
        (12.0, 11.0, 13.0, "about 9 words a second"),
        (12.0, 10.0, 16.0, "about 8 to 12 words a second"),
        (12.0, 0.0, 0.0, "about 9 words a second"),
        (400.0, 300.0, 500.0, "more than 100 words a second"),
    ],
)
def test_a_predicted_pace_is_a_figure_a_range_or_more_than_anyone_follows(
    rate: float, low: float, high: float, words: str
) -> None:
    assert text.about_pace(rate, low, high) == words
