from pathlib import Path

import pytest

from desktop import catalogue, licences, offers
from desktop.errors import BadReference
from desktop.fit import VERDICTS
from desktop.hardware import Cpu, EngineDevice, EngineReport, Gpu, Hardware, Memory
from desktop.library import Library, Provenance
from desktop.offers import Offer, resolve
from desktop.paths import GUIDE
from desktop.speed import Rates
from tests import gguf_files

GB = 1_000_000_000
CPU_ONLY = EngineReport("llama.cpp", "1", ("CPU",), False, (EngineDevice("CPU", "cpu", "cpu", 0, 0),))
CATALOGUE, LICENCES = catalogue.load(), licences.load()
GOOD = ("runs_well", "runs_slowly")


def laptop(available_gb: float, gpus: tuple[Gpu, ...] = (), engine: EngineReport = CPU_ONLY) -> Hardware:
    memory = Memory(int(available_gb * 1.4 * GB), int(available_gb * GB))
    return Hardware(memory, Cpu("A processor", 6, 12, ("AVX2",)), gpus, engine)


def ranked(library: Library, hardware: Hardware, rates: Rates) -> tuple[Offer, ...]:
    return offers.rank(CATALOGUE, LICENCES, library, hardware, rates)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models", GUIDE)


@pytest.mark.parametrize("available_gb", [3, 6, 11.2, 24, 60, 200])
def test_three_offers_that_fit_on_any_usual_computer(library: Library, available_gb: float) -> None:
    found = ranked(library, laptop(available_gb), Rates(40e9))
    roles = {o.role: o for o in found if o.role}
    assert set(roles) == {"quick", "balanced", "best"}
    assert len({o.model.id for o in roles.values()}) == 3
    for o in roles.values():
        assert o.verdict in GOOD
        assert o.fit.total_bytes < available_gb * GB
    assert roles["quick"].worth < roles["balanced"].worth < roles["best"].worth
    assert roles["quick"].tokens_per_s >= roles["best"].tokens_per_s


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
    slow = {o.role: o for o in ranked(library, laptop(60), Rates(8e9)) if o.role}
    assert slow["quick"].tokens_per_s >= 6
    assert slow["best"].tokens_per_s >= 2
    crawling = {o.role: o for o in ranked(library, laptop(20), Rates(2e9)) if o.role}
    assert set(crawling) == {"quick", "balanced", "best"}
    assert crawling["quick"].size_bytes < 5 * GB


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
