"""What an organisation decides: rules as a table, files that cannot be read, and every way in that a denied model has."""

import json
from pathlib import Path
from typing import Any

import pytest

from desktop import catalogue, licences, policy
from desktop.licences import Evidence, Ruling
from desktop.policy import About, Policy

LEGAL = {"licence": "gemma", "decision": "approved", "text": "Legal approved Gemma on 2026-03-01", "by": "Legal"}


@pytest.fixture(scope="module")
def known() -> licences.Licences:
    return licences.load()


@pytest.fixture(scope="module")
def models() -> catalogue.Catalogue:
    return catalogue.load()


def decided(folder: Path, content: object, name: str = "policy.json") -> Policy:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return policy.read(folder)


def rules(kind: str, *given: dict[str, str]) -> dict[str, Any]:
    return {"models": {kind: list(given)}}


@pytest.fixture(scope="module")
def about(known: licences.Licences, models: catalogue.Catalogue) -> dict[str, About]:
    """Some models as they are seen: of the catalogue by its id, others by what their pages say."""

    def of_catalogue(id: str) -> About:
        model = models.get(id)
        assert model
        return models.about(known.rule(model.evidence), model.gguf_repo)

    def of_page(repo: str, licence: str | None, *bases: str) -> About:
        ruling = known.rule(Evidence(hub_card=licence, file_base_models=bases))
        return models.about(ruling, repo, bases)

    return {
        "llama": of_catalogue("llama-3.2-1b"),
        "qwen": of_catalogue("qwen3-0.6b"),
        "gemma": of_catalogue("gemma-3-1b"),
        "tuned llama": of_page("someone/Fine-GGUF", "apache-2.0", "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct"),
        "unstated": of_page("someone/Odd-GGUF", None),
        "not for work": of_page("someone/Study-GGUF", "cc-by-nc-4.0"),
        "free": of_page("someone/Free-GGUF", "mit"),
    }


UNSURE = {"not for work", "unstated"}
LLAMA, STRANGERS = {"llama", "tuned llama"}, {"tuned llama", "unstated", "not for work", "free"}
ALL = LLAMA | STRANGERS | {"qwen", "gemma"}


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ({}, set()),
        (rules("deny", {"licence": "llama3.2"}), LLAMA),
        (rules("deny", {"licence": "llama*"}), LLAMA),
        (rules("deny", {"openness": "conditions"}), LLAMA | UNSURE | {"gemma"}),
        (rules("deny", {"maker": "meta"}), LLAMA),
        (rules("deny", {"maker": "Alibaba"}), {"qwen"}),
        (rules("deny", {"maker": "someone"}), STRANGERS),
        (rules("deny", {"family": "Llama 3"}), LLAMA),
        (rules("deny", {"family": "llama_3*"}), LLAMA),
        (rules("deny", {"repository": "someone/*"}), STRANGERS),
        (rules("deny", {"repository": "META-LLAMA/*"}), LLAMA),
        (rules("deny", {"use": "commercial"}), UNSURE),
        (rules("deny", {"maker": "Meta", "licence": "mit"}), set()),
        (rules("allow", {"licence": "apache-2.0"}), ALL - {"qwen"}),
        (rules("allow", {"licence": "apache-2.0"}, {"licence": "mit"}), LLAMA | UNSURE | {"gemma"}),
        (rules("allow", {"maker": "Meta"}), ALL - {"llama"}),
        (rules("allow", {"use": "commercial"}), UNSURE),
        (rules("allow", {"repository": "meta-llama/*"}), ALL - {"llama"}),
        ({"models": {"allow": [{"maker": "Meta"}], "deny": [{"licence": "llama3.2"}]}}, ALL),
        ({"licences": [{**LEGAL, "decision": "refused"}]}, {"gemma"}),
        ({"licences": [{**LEGAL, "licence": "cc-by-nc-4.0"}], **rules("deny", {"use": "commercial"})}, {"unstated"}),
    ],
)  # fmt: skip
def test_who_is_refused(content: dict[str, Any], refused: set[str], about: dict[str, About], tmp_path: Path) -> None:
    holds = decided(tmp_path, content)
    assert {name for name, each in about.items() if holds.refusal(each)} == refused


def test_the_reason_is_told_and_where_it_was_decided(about: dict[str, About], tmp_path: Path) -> None:
    holds = decided(tmp_path, rules("deny", {"maker": "Meta", "reason": "Legal has not looked at it yet"}))
    found = holds.decision(about["llama"])
    assert found
    assert found.sentence == "Your organisation does not allow models by Meta. Legal has not looked at it yet."
    assert found.where == str(tmp_path / "policy.json")


def test_lists_of_several_files_add_up(about: dict[str, About], tmp_path: Path) -> None:
    decided(tmp_path, rules("deny", {"maker": "Meta"}))
    decided(tmp_path, rules("deny", {"maker": "Google"}), "policy.d/20-more.json")
    holds = decided(tmp_path, {"licences": [LEGAL]}, "policy.d/10-legal.json")
    assert [Path(source.where).name for source in holds.sources] == ["policy.json", "10-legal.json", "20-more.json"]
    assert holds.refusal(about["llama"])
    assert holds.refusal(about["gemma"])
    assert holds.verdict_on(about["gemma"].ruling)
    assert not holds.refusal(about["qwen"])


def test_an_approval_counts_only_when_all_licences_have_one(known: licences.Licences, tmp_path: Path) -> None:
    holds = decided(tmp_path, {"licences": [LEGAL]})

    def word(*ids: str) -> str | None:
        found = holds.verdict_on(known.rule(Evidence(catalogue=ids)))
        return found.text if found else None

    assert word("gemma") == LEGAL["text"]
    assert word("gemma", "llama3.1") is None
    assert word("mit") is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "nothing is in it"),
        ("[]", "has to be a group"),
        ('{"models": {"deny": [{"licence": 3}]}}', "“models.deny[0].licence” has to be a text"),
        ('{"models": {"deny": [{"reason": "all"}]}}', "a rule names"),
        ('{"models": {"deny": [{"use": "fun"}]}}', "fun"),
        ('{"model": {}}', "no key “model”; perhaps “models” is meant"),
        ('{"licences": [{"licence": "gemma", "decision": "perhaps", "text": "x"}]}', "perhaps"),
        ('{"licences": [{"licence": "gemma", "decision": "approved", "text": "x", "date": "soon"}]}', "has to be a day"),
        ("[" * 200_000, ""),
        ('{"models": {}}' + " " * 1_000_000, "larger than any policy"),
        ("{\xff}", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_allows_nothing(content: str, why: str, about: dict[str, About], tmp_path: Path) -> None:
    holds = decided(tmp_path, content)
    assert holds.is_set
    assert why in holds.broken
    assert str(tmp_path / "policy.json") in holds.broken
    for each in about.values():
        assert "so no model is allowed" in (holds.refusal(each) or "")


def test_a_file_that_may_not_be_read_allows_nothing(about: dict[str, About], tmp_path: Path) -> None:
    (tmp_path / "policy.json").symlink_to(tmp_path / "gone.json")
    assert policy.read(tmp_path).refusal(about["qwen"])
    (tmp_path / "policy.json").unlink()
    (tmp_path / "policy.d").write_text("no folder")
    assert policy.read(tmp_path).refusal(about["qwen"])


def test_without_rules_nothing_is_decided(about: dict[str, About], tmp_path: Path) -> None:
    holds = policy.read(tmp_path)
    assert not holds.is_set
    assert not any(holds.refusal(each) for each in about.values())


def test_what_cannot_be_meant_so_is_told(known: licences.Licences, tmp_path: Path) -> None:
    twice = {"models": {"deny": [{"licence": "lama3"}, {"maker": "Meta", "reason": "x"}], "allow": [{"maker": "Meta"}]}}
    both = [{"licence": "gemma", "decision": word, "text": "Said Legal."} for word in ("approved", "refused")]
    *told, last = policy.problems(decided(tmp_path, twice | {"licences": both}), known)
    assert last == "the licence gemma is both approved and refused, so it is refused"
    assert [each.partition(": ")[2] for each in told] == [
        "there is no licence “lama3”; alcove licence ID knows them",
        "models by Meta are both allowed and denied, so they are denied",
    ]


def test_the_facts_are_of_this_ruling(about: dict[str, About]) -> None:
    assert isinstance(about["llama"].ruling, Ruling)
    assert "Meta" in about["llama"].makers
    assert about["tuned llama"].makers == ("someone",)
    assert "Meta" in about["tuned llama"].base_makers
