"""A short soak: the engine's process is killed at random moments, and nothing is lost. The long one is in benchmarks."""

from pathlib import Path

from tests.benchmarks import soak


def test_nothing_is_lost_whenever_the_engine_is_killed(tmp_path: Path) -> None:
    with soak.quick_to_hang():
        count = soak.soak(4, 11, tmp_path, warm=1)
    assert sum(count.kills.values()) == 5
    assert len({name.split()[0] for name in count.kills}) >= 2, "not much of a test"
    assert (count.lost_questions, count.lost_text, count.not_answered) == (0, 0, 0)
    assert (count.zombies, count.left) == (0, 0)
    assert count.files[0] == count.files[1]
    assert count.threads[0] == count.threads[1]
