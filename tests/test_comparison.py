"""Two licences point by point, which is freer, and what a change of licence means for the three answers."""

import pytest

from desktop import licences
from desktop.comparison import changed, compare, freeness
from desktop.licences import Evidence, Licences, Ruling


@pytest.fixture(scope="module")
def known() -> Licences:
    return licences.load()


def ruling(known: Licences, *ids: str, openness: str = "conditions") -> Ruling:
    return known.rule(Evidence(catalogue=ids, openness=openness))


def test_a_licence_beside_itself_differs_nowhere(known: Licences) -> None:
    for id in known:
        found = compare(known.describe(id), known.describe(id))
        assert not found.differing
        assert {point.what for point in found.points} >= {"openness", "commercial", "share", "audit", "training"}


@pytest.mark.parametrize(
    ("left", "right", "differ", "same"),
    [
        ("llama3.1", "apache-2.0", "openness commercial share training limits naming duties ending", "audit"),
        ("llama3", "llama3.1", "commercial training naming duties", "openness limits"),
        ("mit", "apache-2.0", "duties", "openness commercial share"),
        ("gemma", "llama3.1", "commercial limits duties", "openness"),
        ("llama4", "llama3.3", "territory", "openness"),
    ],
)
def test_what_differs_is_named(known: Licences, left: str, right: str, differ: str, same: str) -> None:
    found = compare(known.describe(left), known.describe(right))
    names = {point.what for point in found.differing}
    assert names >= set(differ.split())
    assert names.isdisjoint(same.split())


def test_of_two_licences_on_one_model_all_is_compared(known: Licences) -> None:
    points = {point.what: point for point in compare(ruling(known, "llama3.1", "mit"), ruling(known, "mit")).points}
    assert len(points["duties"].left) > len(points["duties"].right)
    assert points["training"].answers is not None
    assert [given.answer for given in points["training"].answers] == ["if", "yes"]


def test_what_changes_in_the_three_answers(known: Licences) -> None:
    gone = changed(ruling(known, "apache-2.0", openness="free"), ruling(known, "qwen-research"))
    assert [(p.what, p.answers[0].answer, p.answers[1].answer) for p in gone if p.answers] == [
        ("commercial", "yes", "no"),
        ("share", "yes", "if"),
    ]
    assert changed(ruling(known, "mit"), ruling(known, "mit")) == ()


def test_the_freest_comes_first(known: Licences) -> None:
    open_, free = ruling(known, "apache-2.0", openness="full"), ruling(known, "apache-2.0", openness="free")
    rulings = [ruling(known, "exaone-1.2-nc"), known.rule(Evidence()), ruling(known, "llama3.1"), free, open_]
    assert sorted(rulings, key=freeness) == rulings[::-1][:2] + [rulings[2], rulings[1], rulings[0]]
