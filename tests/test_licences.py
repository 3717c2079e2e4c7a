"""What licences allow, and which one a model really has: the traps of mislabelled models as tables."""

import json
import re
import time
from dataclasses import fields

import msgspec
import pytest

from desktop import catalogue, licences
from desktop.errors import Corrupt
from desktop.licences import GUIDE, Evidence, Licence, Licences, Link
from desktop.paths import RESOURCES

FILES = sorted((RESOURCES / "licences").glob("*.json"))


@pytest.fixture(scope="module")
def known() -> Licences:
    return licences.load()


def test_all_57_licences_are_there(known: Licences) -> None:
    assert len(known) == len(FILES) == 57
    assert all(known[id].id == id for id in known)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_file_holds_nothing_that_is_not_read(file) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert set(content) <= {f.name for f in fields(Licence)}
    read = msgspec.to_builtins(licences.load()[file.stem], enc_hook=lambda path: path.relative_to(file.parent).as_posix())
    assert json.loads(json.dumps({k: _without_none(read[k]) for k in content})) == content


def _without_none(value):
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list | tuple) else value


EVERYWHERE = (  # what a file has, or names as unknown
    *("version", "date", "text_path", "duties", "restrictions", "thresholds", "naming", "territory", "termination"),
    *("governing_law", "outputs_for_training", "applies_to", "sources", "text_read", "confidence"),
)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_file_has_every_field_or_says_that_it_is_unknown(file) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    unknown = set(content.get("unknown", ()))
    assert unknown <= set(EVERYWHERE)
    assert {*content, *unknown} >= set(EVERYWHERE)
    assert not unknown & set(content)
    assert content["sources"]
    assert all(re.fullmatch(r"https?://[\w.-]+(/\S*)?", url) for url in addresses(content))


def addresses(content: object) -> list[str]:
    """Every address in a file: alone, or in brackets within a sentence."""
    return re.findall(r"[a-z]+://[^\s“”\")]*[^\s“”\").,;]", json.dumps(content, ensure_ascii=False).replace("\\n", "\n"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_sentences_are_whole_calm_and_short(file) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    texts = [content["headline"], content["summary"], *filter(None, [content.get("condition")]), *content.get("restrictions", ())]
    texts += [content[k]["because"] for k in ("commercial", "share", "outputs_for_training")]
    texts += [d["text"] for d in content.get("duties", ())]
    texts += [content[k] for k in ("naming", "termination", "notes") if content.get(k)]
    texts += [t["effect"] for t in content.get("thresholds", ())]
    texts += [content["territory"]["scope"]] if content.get("territory") else []
    for text in texts:
        assert text[0].isupper() or text[0].isdigit() or text[0] == "“", text
        assert text.endswith("."), text
        assert "!" not in text, text
        assert all(len(sentence.split()) < 30 for sentence in re.split(r"(?<=[.!?])\s", text)), text
    assert len(content["headline"]) <= 95


def test_what_was_not_read_is_not_cited(known: Licences) -> None:
    for licence in known.values():
        if not licence.text_read:
            quoted = (licence.commercial, licence.share, licence.outputs_for_training, licence.territory, *licence.thresholds)
            assert all(each is None or each.clause is None for each in quoted), licence.id
            assert not re.search(r"\(\d", " ".join((*licence.restrictions, *(duty.text for duty in licence.duties)))), licence.id
        assert licence.confidence == "sourced" or not licence.text_read, licence.id


NOT_READ = {
    *("cc-by-nc-4.0-cohere", "exaone-1.2-nc", "falcon-180b-1.0", "falcon-llm-2.0", "minimax-community", "mistral-mnpl-0.1"),
    *("muse-glimmer-apache-2.0", "openrail", "qwen-community-1.0", "tencent-hy-community", "unknown"),
}


def test_whose_text_was_read_is_said(known: Licences) -> None:
    assert {x.id for x in known.values() if not x.text_read} == NOT_READ


OPENINGS = {  # of the texts that came with Alcove
    "agpl-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE",
    "apache-2.0": "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
    "bigcode-openrail-m-v1": "BigCode Open RAIL-M v1 License Agreement",
    "bigscience-bloom-rail-1.0": "BigScience RAIL License v1.0",
    "bigscience-openrail-m": "BigScience Open RAIL-M License",
    "bsd-2-clause": "Redistribution and use in source and binary forms",
    "bsd-3-clause": "Neither the name of",
    "cc-by-4.0": "Creative Commons Attribution 4.0 International",
    "cc-by-nc-4.0": "Creative Commons Attribution-NonCommercial 4.0 International",
    "cc-by-nc-nd-4.0": "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0",
    "cc-by-nc-sa-4.0": "Creative Commons Attribution-NonCommercial-ShareAlike 4.0",
    "cc-by-sa-4.0": "Creative Commons Attribution-ShareAlike 4.0 International",
    "cc0-1.0": "CC0 1.0 Universal",
    "gpl-3.0": "GNU GENERAL PUBLIC LICENSE",
    "gpt-oss-apache-2.0": "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
    "isc": "Permission to use, copy, modify",
    "kimi-modified-mit": "Copyright (c) 2025 Moonshot AI",
    "mit": "The above copyright notice and this permission notice shall be included",
    "muse-glimmer-apache-2.0": "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
    "openmdw-1.0": "OpenMDW License Agreement, version 1.0",
    "openmdw-1.1": "OpenMDW License Agreement, version 1.1",
    "unlicense": "This is free and unencumbered software",
    "wtfpl": "Version 2, December 2004",
}


def test_stored_texts_are_the_real_ones(known: Licences) -> None:
    stored = {x.id: x.text_path.read_text(encoding="utf-8") for x in known.values() if x.text_path}
    assert set(stored) == set(OPENINGS)
    assert {id for id, text in stored.items() if OPENINGS[id] not in text} == set()
    assert {path.name for path in (RESOURCES / "licences" / "texts").iterdir()} == {
        x.text_path.name for x in known.values() if x.text_path
    }
    assert len(stored["apache-2.0"].split()) == 1581


@pytest.mark.parametrize(
    ("tag", "id"),
    [
        ("apache-2.0", "apache-2.0"),
        ("Apache-2.0", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("MIT", "mit"),
        ("llama3.1", "llama3.1"),
        ("LicenseRef-llama3.1", "llama3.1"),
        ("gemma", "gemma"),
        ("mrl", "mistral-mrl-0.1"),
        ("mnpl", "mistral-mnpl-0.1"),
        ("https://mistral.ai/licenses/MRL-0.1.md", "mistral-mrl-0.1"),
        ("qwen-research", "qwen-research"),
        ("qwen", "qwen"),
        ("lfm1.0", "lfm1.0"),
        ("falcon-llm-license", "falcon-llm-2.0"),
        ("nvidia-open-model-license", "nvidia-open-model-license"),
        ("exaone", "exaone-1.1-nc"),
        ("bigscience-bloom-rail-1.0", "bigscience-bloom-rail-1.0"),
        ("modified-mit", "unknown"),  # Mistral's and Moonshot's differ: which one it is, the tag does not say
        ("other", "unknown"),
        ("llama2", "llama2"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_tags(known: Licences, tag: str | None, id: str) -> None:
    assert known.from_tag(tag).id == id


LLAMA_8B = "https://huggingface.co/meta-llama/Llama-3.1-8B"


RULINGS = {  # why: evidence, licences, "openness at-work passed-on", what the conflict names
    "agree": (Evidence(hub_card="apache-2.0", file_license="apache-2.0"), "apache-2.0", "free yes yes", ()),
    "R1-Distill-Llama is tagged MIT": (
        Evidence(catalogue=("llama3.1", "mit"), hub_card="mit"),
        *("llama3.1 + mit", "conditions if if", ("Llama 3.1", "MIT License")),
    ),
    "functionary: an MIT tag on a Llama base": (
        Evidence(file_base_models=(LLAMA_8B,), file_license="mit"),
        *("llama3.1 + mit", "conditions if if", ("Llama 3.1", "MIT License")),
    ),
    "catalogue against file": (
        Evidence(catalogue=("llama3.1",), file_license="mit"),
        *("llama3.1 + mit", "conditions if if", ("Llama 3.1", "MIT License")),
    ),
    "original against copy": (
        Evidence(hub_original="llama3.1", hub_card="apache-2.0"),
        *("llama3.1 + apache-2.0", "conditions if if", ("Llama 3.1", "Apache License 2.0")),
    ),
    "Hammer2.0-3b": (
        Evidence(hub_original="qwen-research", hub_card="cc-by-4.0"),
        *("qwen-research + cc-by-4.0", "conditions no if", ("Qwen RESEARCH", "Creative Commons")),
    ),
    "Sa2VA-4B": (
        Evidence(file_base_models=("Qwen/Qwen2.5-VL-3B-Instruct",), hub_card="mit"),
        *("qwen-research + mit", "conditions no if", ("Qwen RESEARCH", "MIT License")),
    ),
    "the 7B is not the 3B": (
        Evidence(file_base_models=("Qwen/Qwen2.5-7B-Instruct",), hub_card="apache-2.0"),
        *("apache-2.0", "free yes yes", ()),
    ),
    "the tag that OpenAI uses": (
        Evidence(catalogue=("gpt-oss-apache-2.0",), hub_card="apache-2.0"),
        *("gpt-oss-apache-2.0", "free yes yes", ()),
    ),
    "the tag that Cohere uses": (
        Evidence(catalogue=("cc-by-nc-4.0-cohere",), hub_card="cc-by-nc-4.0"),
        *("cc-by-nc-4.0-cohere", "conditions no if", ()),
    ),
    "Falcon-H1 called Apache": (
        Evidence(catalogue=("falcon-llm-2.0",), hub_card="apache-2.0"),
        *("falcon-llm-2.0 + apache-2.0", "conditions if if", ("Falcon", "Apache")),
    ),
    "a list in the file": (Evidence(file_license="llama3.1,mit"), "llama3.1 + mit", "conditions if if", ()),
    "an expression": (Evidence(file_license="MIT OR Apache-2.0"), "mit + apache-2.0", "free yes yes", ()),
    "Codestral": (Evidence(hub_card="mnpl"), "mistral-mnpl-0.1", "conditions no if", ()),
    "nothing stated": (Evidence(), "unknown", "unknown unknown unknown", ()),
    "other without a name": (Evidence(hub_card="other", file_license=""), "unknown", "unknown unknown unknown", ()),
    "a licence not in our list": (Evidence(hub_card="llama1"), "unknown", "unknown unknown unknown", ()),
    "a free base says nothing about its changed version": (
        Evidence(file_base_models=("Qwen/Qwen3-8B",)),
        *("unknown", "unknown unknown unknown", ()),
    ),
    "a base with conditions binds": (
        Evidence(file_base_models=("Qwen/Qwen2.5-3B",)),
        *("qwen-research + unknown", "conditions no unknown", ()),
    ),
    "other is silence": (Evidence(catalogue=("apache-2.0",), hub_card="other"), "apache-2.0", "free yes yes", ()),
    "ours against one that we do not know": (
        Evidence(catalogue=("apache-2.0",), hub_card="llama1"),
        *("unknown + apache-2.0", "conditions unknown unknown", ("Apache", "“llama1”")),
    ),
}


@pytest.mark.parametrize(("evidence", "licence", "words", "conflicting"), RULINGS.values(), ids=RULINGS.keys())
def test_rulings(known: Licences, evidence: Evidence, licence: str, words: str, conflicting: tuple[str, ...]) -> None:
    ruling = known.rule(evidence)
    assert ruling.licence == licence
    assert f"{ruling.openness} {ruling.commercial.answer} {ruling.share.answer}" == words
    assert bool(ruling.conflict) == bool(conflicting)
    assert all(name in (ruling.conflict or "") for name in conflicting)


def test_a_conflict_is_one_sentence_that_names_both_sides(known: Licences) -> None:
    ruling = known.rule(Evidence(catalogue=("llama3.1",), hub_card="mit", file_license="mit"))
    assert ruling.conflict == (
        "Alcove's catalogue says Llama 3.1 Community License Agreement, but the page of this download and the "
        "file itself say MIT License; the stricter one decides."
    )
    assert [s.from_ for s in ruling.sources] == ["Alcove's catalogue", "The page of this download", "The file itself"]
    assert ruling.headline == known["llama3.1"].headline
    assert ruling.url == known["llama3.1"].url


def test_of_two_conditions_both_are_told(known: Licences) -> None:
    ruling = known.rule(Evidence(catalogue=("gemma", "llama3.3")))
    assert ruling.commercial.answer == "if"
    assert "Google" in ruling.commercial.because
    assert "700 million" in ruling.commercial.because
    assert {d.copy for d in ruling.duties} >= {known["gemma"].duties[1].copy, "Built with Llama"}


def test_silence_is_never_free(known: Licences) -> None:
    ruling = known.rule(Evidence())
    told = " ".join((ruling.headline, ruling.commercial.because, ruling.share.because))
    assert "Ask the maker" in told
    assert "free" not in told.lower()
    assert ruling.to_json()["openness"] == "conditions"


def test_the_guide_is_fully_open(known: Licences) -> None:
    ruling = known.rule(GUIDE)
    assert (ruling.licence, ruling.openness, ruling.audit.answer, ruling.conflict) == ("apache-2.0", "full", "yes", None)
    assert {link.what for link in ruling.links} == {"weights", "data", "code", "recipe"}
    assert all((RESOURCES / str(link.url)).exists() for link in ruling.links if link.what != "weights")
    assert ruling.text_path
    assert ruling.text_path.is_file()


def test_json_has_the_agreed_keys_and_words(known: Licences) -> None:
    evidences = [Evidence(catalogue=(id,)) for id in known] + [m.evidence for m in catalogue.load().models] + [GUIDE, Evidence()]
    for evidence in evidences:
        answer = json.loads(json.dumps(known.rule(evidence).to_json()))
        assert answer["openness"] in ("conditions", "free", "full")
        assert {answer[k]["answer"] for k in ("commercial", "share", "audit")} <= {"yes", "if", "no", "unknown"}
        assert set(answer["commercial"]) == set(answer["share"]) == {"answer", "because", "clause"}
        assert set(answer["audit"]) == {"answer", "because"}
        assert all(set(s) == {"from", "says"} for s in answer["sources"])
        assert all(isinstance(d, str) for d in answer["duties"] + answer["restrictions"])
        assert set(answer) >= {"licence", "name", "version", "conflict", "text_path", "accepted"}


def test_duties_in_json_carry_the_wording(known: Licences) -> None:
    duties = known.describe("llama3.2").to_json()["duties"]
    assert any("“Built with Llama”" in d for d in duties)
    assert any("Copyright © Meta Platforms, Inc. All Rights Reserved." in d for d in duties)


@pytest.mark.parametrize(
    ("openness", "links", "answer"),
    [
        ("full", (Link("data", "yes"), Link("code", "yes"), Link("recipe", "yes")), "yes"),
        ("conditions", (Link("data", "partly"), Link("code", "yes"), Link("recipe", "yes")), "if"),
        ("free", (Link("data", "no"), Link("code", "no")), "no"),
        ("free", (), "no"),
        (None, (), "unknown"),
    ],
)
def test_audit_is_decided_by_what_is_public(known: Licences, openness: str | None, links: tuple[Link, ...], answer: str) -> None:
    assert known.rule(Evidence(catalogue=("apache-2.0",), openness=openness, links=links)).audit.answer == answer


@pytest.mark.parametrize(
    ("id", "value"),
    [
        ("llama3", 700_000_000),
        ("llama4", 700_000_000),
        ("qwen", 100_000_000),
        ("lfm1.0", 10_000_000),
        ("mistral-modified-mit", 20_000_000),
        ("stability-community", 1_000_000),
        ("hyperclovax-seed", 10_000_000),
        ("tencent-hunyuan-community", 100_000_000),
    ],
)
def test_thresholds(known: Licences, id: str, value: int) -> None:
    assert known[id].thresholds[0].limit == value
    assert known[id].commercial.answer == "if"


def test_territory_and_training_on_answers(known: Licences) -> None:
    assert known["llama3.2"].territory.excluded == known["llama4"].territory.excluded == ("European Union",)
    assert known["llama3.1"].territory is None
    assert known["tencent-hunyuan-community"].territory.excluded == ("European Union", "United Kingdom", "South Korea")
    assert known["llama3"].outputs_for_training.answer == "no"
    assert known["llama3.1"].outputs_for_training.answer == "if"


@pytest.mark.parametrize(
    ("ids", "condition"),
    [
        ("apache-2.0", None),
        ("llama4", "All Llama 4 models read pictures, so none is licensed to people and companies based in"),
        ("gpl-3.0", "You may change it and pass it on only under the same licence, together with the source it was made from."),
        (
            "llama3.2 qwen-research",
            "Only research or evaluation is allowed; commercial use needs a separate licence from Alibaba Cloud.",
        ),
        ("llama3.2", "Work use is free, unless you and your affiliates had more than 700 million monthly users just before"),
    ],
)
def test_the_condition_that_matters_most(known: Licences, ids: str, condition: str | None) -> None:
    told = known.rule(Evidence(catalogue=tuple(ids.split()))).condition
    assert told == condition or (condition and told and told.startswith(condition))


def test_what_must_go_along_is_word_for_word(known: Licences) -> None:
    ruling = known.rule(Evidence(catalogue=("llama3.1", "gemma")))
    assert ruling.notice == (
        "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.\n\n"
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"
    )
    assert ruling.credits == ("Built with Llama",)
    assert ruling.thresholds == known["llama3.1"].thresholds
    assert ruling.naming == (known["llama3.1"].naming,)
    assert known.rule(Evidence(catalogue=("llama4",))).territory == (known["llama4"].territory,)
    assert known.rule(Evidence(catalogue=("mit",))).notice is None


def test_a_broken_file_is_named_with_the_place(tmp_path) -> None:
    content = json.loads((RESOURCES / "licences" / "mit.json").read_text(encoding="utf-8"))
    content["commercial"]["answer"] = "maybe"
    (tmp_path / "mit.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Corrupt, match=r"mit\.json is damaged: .*\$\.commercial\.answer"):
        licences.load(tmp_path)


def test_a_tag_has_one_owner(tmp_path) -> None:
    for id in ("mit", "unknown"):
        content = json.loads((RESOURCES / "licences" / f"{id}.json").read_text(encoding="utf-8"))
        content["tags"] = ["mit"]
        (tmp_path / f"{id}.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Corrupt, match="the tag “mit” belongs to mit already"):
        licences.load(tmp_path)


def test_both_data_files_load_quickly() -> None:
    def once() -> float:
        start = time.perf_counter()
        licences.load()
        catalogue.load()
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.040
