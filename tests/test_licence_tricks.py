"""Pages and files that look freer than they are: none of them may be answered with a simple yes."""

import pytest

from desktop import acceptance, card, catalogue, licences, rulings
from desktop.licences import Evidence, Licences
from desktop.repo import File, Repo
from desktop.targets import Target
from tests import gguf_files

APACHE = {"license": "apache-2.0"}
GEMMA, SFT = "google/gemma-2-9b", "alice/gemma-2-9b-sft"
TERMS = "https://ai.google.dev/gemma/terms"
RESEARCH = "https://huggingface.co/Qwen/Qwen2.5-3B/blob/main/LICENSE"

TRICKS: dict[str, dict[str, dict[str, object]]] = {  # the cards of a chain, the download's own first
    "its base is gone, and only the base's name tells": {"bob/Nova": {**APACHE, "base_model": SFT}},
    "the base has a wrong tag": {"bob/Nova": {**APACHE, "base_model": SFT}, SFT: APACHE},
    "the base says nothing": {"bob/Nova": {**APACHE, "base_model": SFT}, SFT: {}},
    "a base of a base": {"bob/Nova": {**APACHE, "base_model": "alice/sft"}, "alice/sft": {**APACHE, "base_model": GEMMA}},
    "an adapter": {"bob/Nova": {**APACHE, "base_model": GEMMA, "base_model_relation": "adapter"}},
    "an address without a scheme": {"bob/Nova": {**APACHE, "base_model": f"hf.co/{GEMMA}"}},
    "an address of a folder": {"bob/Nova": {**APACHE, "base_model": f"https://huggingface.co/{GEMMA}/tree/main"}},
    "at a revision": {"bob/Nova": {**APACHE, "base_model": f"{GEMMA}@main"}},
    "a folder on a disk": {"bob/Nova": {**APACHE, "base_model": "./models/Llama-3.1-8B"}},
    "the folder of a cache": {"bob/Nova": {**APACHE, "base_model": "models--google--gemma-2-9b"}},
    "no owner": {"bob/Nova": {**APACHE, "base_model": "gemma-2-9b-it"}},
    "lists in a list": {"bob/Nova": {**APACHE, "base_model": [[GEMMA]]}},
    "a map": {"bob/Nova": {**APACHE, "base_model": {"name": GEMMA}}},
    "the seventeenth of a merge": {"bob/Nova": {**APACHE, "base_model": [*(f"a/m{n}" for n in range(16)), GEMMA]}},
    "the seventeenth licence": {"bob/Nova": {"license": ["apache-2.0"] * 16 + ["cc-by-nc-4.0"]}},
    "two megabytes of room": {"bob/Nova": {"license": "apache-2.0" + " " * 2_000_000 + "for research only"}},
    "two licences": {"bob/Nova": {"license": ["apache-2.0", "cc-by-nc-4.0"]}},
    "other terms as well": {"bob/Nova": {"license": ["apache-2.0", "other"]}},
    "a name that we know": {"bob/Nova": {**APACHE, "license_name": "gemma"}},
    "a name that we do not know": {"bob/Nova": {**APACHE, "license_name": "nova-non-commercial"}},
    "a link to other terms": {"bob/Nova": {**APACHE, "license_link": TERMS}},
    "a free name, a link to other terms": {"bob/Nova": {"license": "other", "license_name": "mit", "license_link": TERMS}},
    "a link to another model's file": {"bob/Nova": {**APACHE, "license_link": RESEARCH}},
    "a link to a free text, a name of its own": {
        "bob/Nova": {"license": "other", "license_name": "nova-nc", "license_link": "https://www.apache.org/licenses/LICENSE-2.0"}
    },
    "a name in its own": {"bob/EXAONE-3.5-7.8B-Nova": APACHE},
    "command-r in its own": {"bob/Command-R-35B-Nova": APACHE},
    "qwen in another spelling": {"bob/Qwen-2_5-3B-Nova": APACHE},
    "qwen with 72 billions": {"bob/Qwen2.5-72B-Nova": APACHE},
    "LFM2": {"bob/LFM2-1.2B-Nova": APACHE},
}


@pytest.fixture(scope="module")
def known() -> Licences:
    return licences.load()


@pytest.mark.parametrize("chain", TRICKS.values(), ids=TRICKS.keys())
def test_a_page_that_looks_freer_than_its_model_is(chain: dict[str, dict[str, object]], known: Licences) -> None:
    ruling = known.rule(Evidence(cards=tuple(card.read(repo, content) for repo, content in chain.items())))
    assert "yes" not in (ruling.commercial.answer, ruling.share.answer)
    assert ruling.openness in ("conditions", "unknown")


@pytest.mark.parametrize(
    "base", ["hf.co/google/gemma-2-9b", "Gemma-2-9B", "alice/gemma-2-9b-sft", "https://x.example/gemma-2-9b"]
)
def test_a_file_that_tells_what_it_was_made_from(base: str, known: Licences) -> None:
    ruling = known.rule(Evidence(file_license="apache-2.0", file_base_models=(base,)))
    assert (ruling.licence, ruling.commercial.answer) == ("gemma + apache-2.0", "if")


@pytest.mark.parametrize("tag", ["llama 3.1", "Llama-3.1", "Llama 3.1 Community License", "META LLAMA 3 COMMUNITY LICENSE"])
def test_a_tag_in_another_spelling(tag: str, known: Licences) -> None:
    assert known.from_tag(tag).id == ("llama3" if "META" in tag else "llama3.1")


@pytest.mark.parametrize(("file", "name"), [("gemma-2-9b-Q8_0.gguf", ""), ("nova.gguf", "Gemma 2 9b It")])
def test_the_names_of_a_file_tell_too(file: str, name: str, known: Licences, tmp_path) -> None:
    path = gguf_files.llama(tmp_path / "stored.gguf", metadata={"general.name": name})
    models, nova = catalogue.load(), (card.read("bob/all-my-models", APACHE),)
    target = Target("x", "stored", path=path, repo="bob/all-my-models", file=file)
    here = rulings.of(target, known, models)
    assert (here.licence, here.commercial.answer) == ("gemma + apache-2.0", "if")
    before = known.rule(rulings.before(target, nova, models))
    assert before.licence == ("gemma + apache-2.0" if "gemma" in file else "apache-2.0")


def test_a_base_of_which_nothing_is_known_is_told(known: Licences) -> None:
    found = known.rule(Evidence(cards=(card.read("bob/Nova", {**APACHE, "base_model": ["alice/sft", "alice/more"]}),)))
    assert found.unheard == ("alice/sft", "alice/more")
    assert (
        found.gap == "It was made from alice/sft and 1 more, of whose licence nothing could be found out; that may ask for more."
    )
    assert found.to_json()["gap"] == found.gap
    heard = known.rule(Evidence(cards=(card.read("bob/Nova", {**APACHE, "base_model": "Qwen/Qwen3-8B"}),)))
    assert heard.gap is None


def test_the_last_of_many_bases_that_a_file_names_counts_too(known: Licences, tmp_path) -> None:
    bases = [*(f"Qwen/Qwen3-8B-v{number}" for number in range(16)), "meta-llama/Llama-3.1-8B"]
    facts: dict[str, object] = {"general.license": "apache-2.0", "general.base_model.count": len(bases)}
    facts |= {f"general.base_model.{place}.repo_url": f"https://huggingface.co/{base}" for place, base in enumerate(bases)}
    path = gguf_files.llama(tmp_path / "nova.gguf", metadata=facts)
    found = rulings.of(Target("nova", "nova", path), known, catalogue.load())
    assert found.licence == "llama3.1 + apache-2.0"


def test_an_address_tells_as_much_as_a_name(known: Licences) -> None:
    def told(url: str) -> str:
        return known.rule(rulings.before(Target(url, "nova", url=url), (), catalogue.load())).licence

    assert told("https://mirror.example/google/gemma-2-9b-it-GGUF/resolve/main/nova.gguf") == "unknown + gemma"
    assert told("https://mirror.example/Qwen/Qwen3-8B/resolve/main/nova.gguf") == "unknown", "which anyone may write"


@pytest.mark.parametrize("repo", ["bob/Llama-3.2-11B-Vision-Nova", "bob/Llama-3.2-3B-Nova"])
def test_a_model_that_reads_pictures_is_not_licensed_in_the_european_union(repo: str, known: Licences) -> None:
    ruling = known.rule(Evidence(cards=(card.read(repo, APACHE),)))
    assert ruling.licence == "llama3.2 + apache-2.0"
    sees = "Vision" in repo
    assert ("This model reads pictures" in (ruling.condition or "")) == sees
    assert ruling.commercial.because.startswith("People and companies based in the European Union get no licence.") == sees
    assert ruling.headline.startswith("Not licensed in the European Union;") == sees
    assert ruling.territory[0].scope.startswith("This model" if sees else "Only the models")


def test_two_that_say_the_same_do_not_disagree(known: Licences) -> None:
    page = card.read("bob/Nova", {"license": "other", "license_name": "nova-1", "license_link": "file:///etc/passwd"})
    same, other = (known.rule(Evidence(cards=(page,), file_license=each)) for each in ("nova-1", "nova-2"))
    assert same.conflict is None
    assert other.conflict
    (asked,) = acceptance.asking(same)
    assert asked.url == "https://huggingface.co/bob/Nova", "which is where to read it, and not a file of this computer"


def test_the_names_of_the_catalogue_tell_nothing_else(known: Licences) -> None:
    models = catalogue.load()
    for model in models.models:
        for variant in model.variants:
            repo = variant.repo or model.gguf_repo
            file = f"{repo.partition('/')[2].removesuffix('-GGUF')}-{variant.quantization}.gguf"
            target = Target(model.id, model.name, None, model, variant, repo, file)
            page = card.Card(repo, base_models=(model.repo,), relation="quantized")
            ruling = known.rule(rulings.before(target, (page,), models))
            assert (set(ruling.licence.split(" + ")), ruling.conflict) == (set(model.licences), None), model.id


def test_a_list_of_the_hub_tells_by_the_files_too(known: Licences) -> None:
    named = ("nova-Q8_0.gguf", "BF16/gemma-2-9b-BF16.gguf")
    files = tuple(File("bob/all-my-models", "main", name, 1, None, None, "") for name in named)
    page = card.read("bob/all-my-models", APACHE)
    repo = Repo("bob/all-my-models", "main", "apache-2.0", None, False, 0, "", (), files, cards=(page,))
    assert known.rule(rulings.of_repo(repo)).licence == "gemma + apache-2.0"
