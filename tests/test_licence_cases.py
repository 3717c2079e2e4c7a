"""The licences of 173 real repositories: originals, copies, fine-tunes, distils, merges, wrong tags, "other" and none at all."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import card, catalogue, licences, rulings
from desktop.card import Card
from desktop.cards import trace
from desktop.catalogue import Catalogue
from desktop.errors import NotFound
from desktop.judging import end
from desktop.licences import Evidence, Licences

TABLE = json.loads((Path(__file__).parent / "data" / "licence_cases.json").read_text(encoding="utf-8"))
CASES = TABLE["cases"]
CARDS = {repo.lower(): card.read(repo, content) for repo, content in TABLE["cards"].items()}


@pytest.fixture(scope="module")
def known() -> Licences:
    return licences.load()


@pytest.fixture(scope="module")
def models() -> Catalogue:
    return catalogue.load()


class Recorded:
    """A Hub that has the cards of the table."""

    def card(self, repo: str) -> Card:
        if repo.lower() not in CARDS:
            raise NotFound(what=f"repository {repo}", host="The table")
        return CARDS[repo.lower()]


def known_of(case: dict, models: Catalogue) -> Evidence:
    """All that the table and the catalogue have on a repository."""
    file = case.get("file", {})
    return replace(
        rulings.evidence(end(trace(Recorded(), (CARDS[case["repo"].lower()],))), models),
        file_license=file.get("license"),
        file_base_models=tuple(file.get("base_models", ())),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["repo"])
def test_a_real_repository(case: dict, known: Licences, models: Catalogue) -> None:
    evidence = known_of(case, models)
    ruling = known.rule(evidence)
    answers = f"{ruling.commercial.answer} {ruling.share.answer} {ruling.audit.answer}"
    assert (ruling.licence, ruling.openness, answers) == (case["licence"], case["step"], case["answers"])
    assert bool(ruling.conflict) == case.get("conflict", False)
    assert known.rule(replace(evidence, catalogue=())).licence == case["licence"], "without the catalogue"
    for sentence in (ruling.conflict, ruling.condition, ruling.headline):
        assert all(len(part.split()) < 30 for part in re.split(r"(?<=[.])\s", sentence or "")), sentence


def test_the_table_is_what_it_says() -> None:
    assert len(CASES) == len({case["repo"].lower() for case in CASES}) == 173
    kinds = Counter(case["kind"] for case in CASES)
    assert set(kinds) == {"original", "distill", "copy", "fine-tune", "merge", "wrong tag", "other", "missing"}
    assert all(re.fullmatch(r"https://[\w.-]+/\S+", case["source"]) for case in CASES)


def test_every_model_of_the_catalogue_is_under_a_licence_that_we_know(known: Licences, models: Catalogue) -> None:
    for model in models.models:
        ruling = known.rule(model.evidence)
        assert set(ruling.licence.split(" + ")) == set(model.licences)
        assert ruling.openness == model.openness
        assert "unknown" not in (ruling.commercial.answer, ruling.audit.answer), model.id


@pytest.mark.parametrize(
    ("model", "nearly"),
    [
        *(("bloomz-7b1", "restricted"), ("nemotron-3-nano-30b", "restricted"), ("nemotron-3.5-lightning-30b", "nearly")),
        *(("olmo-3-7b", None), ("pythia-6.9b", None), ("qwen3-8b", None), ("llama-3.1-8b", None)),
    ],
)
def test_what_is_nearly_open_is_told_apart(known: Licences, models: Catalogue, model: str, nearly: str | None) -> None:
    found = models.get(model)
    assert found
    assert known.rule(found.evidence).nearly == nearly
