from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from desktop import catalogue, licences, offers, text
from desktop.catalogue import Model
from desktop.errors import BadReference
from desktop.fit import VERDICTS
from desktop.hardware import Cpu, EngineDevice, EngineReport, Gpu, Hardware, Memory
from desktop.library import Library, Provenance
from desktop.licences import Ruling
from desktop.offers import COMFORT_TOKENS_PER_S, Offer, Wanted, is_coder, resolve
from desktop.paths import GUIDE
from desktop.speed import Rates, assume_gpu
from tests import gguf_files
from tests.benchmarks import suggestions

GB = 1_000_000_000
CPU_ONLY = EngineReport("llama.cpp", "1", ("CPU",), False, (EngineDevice("CPU", "cpu", "cpu", 0, 0),))
CATALOGUE, LICENCES = catalogue.load(), licences.load()
GOOD = ("runs_well", "runs_slowly")


def laptop(available_gb: float, gpus: tuple[Gpu, ...] = (), engine: EngineReport = CPU_ONLY) -> Hardware:
    memory = Memory(int(available_gb * 1.4 * GB), int(available_gb * GB))
    return Hardware(memory, Cpu("A processor", 6, 12, ("AVX2",)), gpus, engine)


def ranked(library: Library, hardware: Hardware, rates: Rates, wanted: Wanted = offers.ANYTHING) -> tuple[Offer, ...]:
    return offers.rank(CATALOGUE, LICENCES, library, hardware, rates, None, wanted)


def roles(found: tuple[Offer, ...]) -> dict[str, Offer]:
    return {o.role: o for o in found if o.role}


def with_card(available_gb: float, name: str, memory_gb: float) -> Hardware:
    hardware = laptop(available_gb)
    return replace(hardware, gpus=assume_gpu(hardware, int(memory_gb * GB), name))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models", GUIDE)


@pytest.mark.parametrize("available_gb", [3, 6, 11.2, 24, 60, 200])
def test_three_offers_that_fit_on_any_usual_computer(library: Library, available_gb: float) -> None:
    found = ranked(library, laptop(available_gb), Rates(40e9))
    three = roles(found)
    # in 3 GB, what lies between the two would have to be mapped, and would be slower than the best
    assert set(three) == ({"quick", "balanced", "best"} if available_gb > 3 else {"quick", "best"})
    assert len({o.model.id for o in three.values()}) == len(three)
    for o in three.values():
        assert o.verdict in GOOD
        assert o.fit.total_bytes < available_gb * GB
    worths = [three[role].worth for role in ("quick", "balanced", "best") if role in three]
    assert worths == sorted(worths)
    assert three["quick"].tokens_per_s >= three["best"].tokens_per_s


def test_nothing_is_offered_where_nothing_fits(library: Library) -> None:
    found = ranked(library, laptop(0.2), Rates(40e9))
    assert not [o for o in found if o.role]
    assert {o.verdict for o in found} <= {"close_apps", "too_big"}


def test_best_first_and_every_model_once(library: Library) -> None:
    found = ranked(library, laptop(11), Rates(40e9))
    order = [VERDICTS.index(o.verdict) for o in found]
    assert order == sorted(order)
    assert len({o.model.id for o in found}) == len(found) == len([m for m in CATALOGUE.models if m.variants])


def test_few_bits_do_not_make_a_model_better_than_a_smaller_whole_one(library: Library) -> None:
    for available_gb in (16, 24, 32):
        best = next(o for o in ranked(library, laptop(available_gb), Rates(60e9)) if o.role == "best")
        assert best.variant.bits > 4, best.id


def test_a_slow_computer_is_not_offered_what_it_cannot_read_along_with(library: Library) -> None:
    slow = roles(ranked(library, laptop(60), Rates(8e9)))
    assert slow["quick"].usual.tokens_per_s >= COMFORT_TOKENS_PER_S
    assert slow["best"].usual.tokens_per_s >= COMFORT_TOKENS_PER_S / 2
    crawling = ranked(library, laptop(20), Rates(2e9))
    quick = roles(crawling)["quick"]
    assert quick.usual.tokens_per_s == max(o.usual.tokens_per_s for o in crawling if offers.ANYTHING.recommends(o.model))


@pytest.mark.parametrize("rate", [3e9, 10e9, 40e9, 80e9])
def test_more_memory_never_gives_a_worse_best(library: Library, rate: float) -> None:
    useful = [roles(ranked(library, laptop(gb), Rates(rate)))["best"].usefulness for gb in (2, 3, 5, 8, 11, 16, 24, 40, 60, 120)]
    assert useful == sorted(useful)
    assert useful[-1] > useful[0]


def test_a_larger_card_never_gives_a_worse_best(library: Library) -> None:
    found = [roles(ranked(library, with_card(24, "RTX 4090", gb), Rates(30e9)))["best"] for gb in (2, 4, 6, 8, 12, 16, 24, 48)]
    useful = [o.usefulness for o in found]
    assert useful == sorted(useful)
    assert found[-1].worth > found[0].worth


@pytest.mark.parametrize(
    "hardware", [laptop(11), laptop(24), laptop(55), with_card(11, "RTX 4060", 7.5), with_card(24, "RTX 4090", 23)]
)
def test_balanced_is_comfortable_even_if_the_prediction_is_a_little_off(library: Library, hardware: Hardware) -> None:
    found = roles(ranked(library, hardware, Rates(40e9)))
    assert found["balanced"].usual.low >= COMFORT_TOKENS_PER_S
    assert found["quick"].usual.tokens_per_s > found["balanced"].usual.tokens_per_s
    assert found["balanced"].usual.tokens_per_s < found["balanced"].fit.tokens_per_s  # judged in a talk that has lasted a while


def test_a_model_that_only_partly_fits_the_card_is_judged_by_the_speed_that_results(library: Library) -> None:
    found = ranked(library, with_card(24, "RTX 3060", 11), Rates(15e9))
    partly = [o for o in found if 0 < o.fit.gpu_layers < o.fit.layers and o.verdict == "runs_slowly"]
    best = roles(found)["best"]
    assert best.usual.tokens_per_s >= COMFORT_TOKENS_PER_S
    assert any(o.worth > best.worth for o in partly)  # size alone would have chosen one of these


@pytest.mark.parametrize("cores", [2, 4, 8, 16])
@pytest.mark.parametrize("gb", [2.2, 5, 11, 24, 55, 115])
def test_every_role_is_a_choice_on_computers_of_all_sizes(library: Library, gb: float, cores: int) -> None:
    """Judged by names alone: the lesser is noticeably faster, or half as large; a quick one is no large file; none is old."""
    hardware = replace(laptop(gb), cpu=Cpu("A processor", cores, 2 * cores, ("AVX2",)))
    found = roles(ranked(library, hardware, Rates()))
    three = [found[role] for role in offers.ROLES if role in found]
    for lesser, more in pairwise(three):
        assert lesser.worth <= more.worth - offers.STEP_UP
        faster = lesser.usual.tokens_per_s >= offers.NOTICEABLE * more.usual.tokens_per_s
        assert faster or 2 * lesser.size_bytes <= more.size_bytes
    if len(three) == 3:
        assert found["quick"].size_bytes < found["balanced"].size_bytes
    for o in three:
        assert o.verdict in GOOD
        assert o.model.released >= "2025"
        assert not is_coder(o.model)


def test_every_role_says_why(library: Library) -> None:
    found = ranked(library, laptop(11), Rates(40e9))
    said = roles(found)
    assert said["quick"].why.startswith("Answers much faster than you read, and is a file of only ")
    free = text.size(said["balanced"].left_bytes)
    assert said["balanced"].why.startswith("Answers ")
    assert said["balanced"].why.endswith(f" faster than you read, and leaves {free} of memory free.")
    assert said["best"].why.startswith("The most capable that suits this computer; answers ")
    assert next(o for o in found if not o.role).why == next(o for o in found if not o.role).fit.why
    slow = roles(ranked(library, laptop(20), Rates(2e9)))
    assert "slower than you read, about 2 words a second" in slow["best"].why


def test_languages_and_tasks_are_filters(library: Library) -> None:
    def asked(**wanted: Any) -> tuple[Offer, ...]:
        return ranked(library, laptop(24), Rates(40e9), Wanted(**wanted))

    german = asked(languages=("German", "Thai"))
    assert german
    assert all(o.model.speaks("German") and o.model.speaks("Thai") for o in german)
    assert "olmo-3-7b" in {o.model.id for o in asked()} - {o.model.id for o in german}
    assert all(o.model.reads_pictures for o in asked(task="pictures"))
    assert all(o.model.thinks != "no" for o in asked(task="thinking"))
    assert not [o for o in asked(task="chat") if is_coder(o.model) or o.model.thinks == "yes"]
    for task in offers.TASKS:
        assert set(roles(asked(task=task))) == {"quick", "balanced", "best"}
    assert not is_coder(roles(asked())["best"].model)
    assert is_coder(roles(ranked(library, laptop(24), Rates(80e9), Wanted(task="code")))["best"].model)
    assert all(o.model.speaks("Thai") for o in roles(asked(languages=("Thai",))).values())


def test_a_goal_chooses_other_variants(library: Library) -> None:
    hardware = laptop(24)
    bits = {
        goal: {o.model.id: o.variant.bits for o in ranked(library, hardware, Rates(60e9), Wanted(goal=goal))}
        for goal in (None, "speed", "quality")
    }
    assert bits["speed"]["qwen3.5-2b"] < bits[None]["qwen3.5-2b"]
    assert bits[None]["qwen3.5-4b"] < bits["quality"]["qwen3.5-4b"]
    long = ranked(library, hardware, Rates(60e9), Wanted(goal="long"))
    assert max(o.fit.context for o in long) > 30_000


def test_the_table_in_readme_is_what_is_suggested() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert "\n".join(suggestions.table()) in readme, "run: python -m tests.benchmarks.suggestions --readme"


def test_a_model_on_disk_is_recognised(library: Library) -> None:
    model = CATALOGUE.get("qwen3-0.6b")
    assert model is not None
    provenance = Provenance(repo=model.gguf_repo, file="Qwen3-0.6B-Q8_0.gguf")
    part = library.begin(provenance)
    part.write_bytes(b"GGUF and more")
    library.adopt(part, provenance)
    found = next(o for o in ranked(library, laptop(11), Rates(40e9)) if o.model.id == "qwen3-0.6b")
    assert found.variant.quantization == "Q8_0"
    assert found.local is not None
    target = resolve("qwen3-0.6b", CATALOGUE, library)
    assert target.path == found.local.path
    assert resolve("hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", CATALOGUE, library).path == target.path
    assert resolve(found.local.id, CATALOGUE, library).model == model


def test_references(library: Library, tmp_path: Path) -> None:
    guide = resolve("guide", CATALOGUE, library)
    assert guide.path == GUIDE
    usual = resolve("qwen3-8b", CATALOGUE, library)
    assert (usual.repo, usual.variant and usual.variant.quantization) == ("Qwen/Qwen3-8B-GGUF", "Q4_K_M")
    powerful = resolve("qwen3-8b:q5_k_m", CATALOGUE, library)
    assert powerful.variant is not None
    assert powerful.variant.quantization == "Q5_K_M"
    hub = resolve("hf:a/b-GGUF/sub/b-Q4_K_M.gguf@main", CATALOGUE, library)
    assert (hub.repo, hub.file, hub.revision) == ("a/b-GGUF", "sub/b-Q4_K_M.gguf", "main")
    address = resolve("https://models.example.org/x/y%20z.gguf?download=1", CATALOGUE, library)
    assert (address.url is not None, address.name) == (True, "y z")
    file = tmp_path / "mine.gguf"
    assert resolve(str(file), CATALOGUE, library).path == file
    assert resolve("hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", CATALOGUE, library).model == usual.model


@pytest.mark.parametrize(
    "reference", ["", "nonsense", "qwen3-8b:Q9_Z", "hf:a/b", "hf:a/b/c.bin", "https://example.org/page.html"]
)
def test_what_names_no_model_is_a_stated_error(library: Library, reference: str) -> None:
    with pytest.raises(BadReference):
        resolve(reference, CATALOGUE, library)


def test_an_unfinished_model_means_what_was_asked_for(library: Library) -> None:
    part = library.begin(Provenance(repo="a/b-GGUF", file="b-Q8_0.gguf", reference="hf:a/b-GGUF/b-Q8_0.gguf@main"))
    part.write_bytes(b"GGUF")
    target = resolve("b-Q8_0", CATALOGUE, library)
    assert (target.repo, target.file, target.revision, target.path) == ("a/b-GGUF", "b-Q8_0.gguf", "main", None)


def test_a_linked_model_that_is_gone_is_still_meant(library: Library, tmp_path: Path) -> None:
    path = gguf_files.llama(tmp_path / "mine.gguf")
    library.link(path)
    path.unlink()
    assert resolve("mine", CATALOGUE, library).path == path


def test_a_graphics_card_with_room_makes_bigger_models_run_well(library: Library) -> None:
    device = EngineDevice("CUDA0", "NVIDIA RTX 4090", "gpu", 24 * GB, 23 * GB)
    engine = EngineReport("llama.cpp", "1", ("CUDA", "CPU"), True, (device,))
    card = Gpu("NVIDIA RTX 4090", "NVIDIA", "CUDA", 24 * GB, 23 * GB, True, "It is used.", bandwidth_bytes_per_s=1008e9)
    with_card = ranked(library, laptop(11, (card,), engine), Rates(40e9, gpu_bytes_per_s=700e9))
    without = ranked(library, laptop(11), Rates(40e9))
    best = {id(f): max(o.model.quality for o in f if o.verdict == "runs_well") for f in (with_card, without)}
    assert best[id(with_card)] > best[id(without)]


def test_what_is_not_allowed_comes_last_and_carries_no_role(library: Library) -> None:
    def refusal(model: Model, ruling: Ruling) -> str:
        return "No models by Qwen." if "Qwen" in model.maker else ""

    found = offers.rank(CATALOGUE, LICENCES, library, laptop(24), Rates(40e9), None, refusal=refusal)
    refused = [o for o in found if o.refused]
    assert refused
    assert all("Qwen" in o.model.maker and o.role is None and o.why == "No models by Qwen." for o in refused)
    assert list(found[-len(refused) :]) == refused
    assert set(roles(found)) == {"quick", "balanced", "best"}
