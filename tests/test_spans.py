from hypothesis import given
from hypothesis import strategies as st

from desktop.spans import Spans

SIZE = 40
PAIRS = st.lists(st.tuples(st.booleans(), st.integers(0, SIZE), st.integers(0, SIZE)))


@given(PAIRS)
def test_spans_are_the_set_of_their_bytes(acts: list[tuple[bool, int, int]]) -> None:
    spans, known = Spans(), set[int]()
    for adds, start, end in acts:
        (spans.add if adds else spans.remove)(start, end)
        known = known | set(range(start, end)) if adds else known - set(range(start, end))
        pairs = list(spans)
        assert {byte for a, b in pairs for byte in range(a, b)} == known
        assert all(a < b for a, b in pairs)
        assert all(one[1] < other[0] for one, other in zip(pairs, pairs[1:], strict=False)), "spans that touch are one"
        assert spans.total == len(known)
        assert spans.frontier == next(byte for byte in range(SIZE + 1) if byte not in known)
        assert {byte for a, b in spans.gaps(SIZE) for byte in range(a, b)} == set(range(SIZE)) - known
        assert list(Spans(pairs)) == pairs
