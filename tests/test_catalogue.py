"""The catalogue: complete, consistent with the licences, and with shapes that count memory right."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from desktop import catalogue, licences
from desktop.catalogue import Catalogue, Model, Variant
from desktop.errors import Corrupt
from desktop.gguf import TYPES
from desktop.paths import resource
from desktop.shape import Shape
from tests import architectures

CONTENT = json.loads(resource("catalogue.json").read_text(encoding="utf-8"))
KNOWN = catalogue.load()
LICENCES = licences.load()
CORE = [m for m in KNOWN.models if m.core]
SAME = {  # model: its shape in tests/architectures.json
    "llama-3.2-1b": "llama3.2-1b", "llama-3.1-8b": "llama3.1-8b", "llama-4-scout": "llama4-scout",
    "llama-3.3-70b": "llama3.3-70b", "qwen3-0.6b": "qwen3-0.6b", "qwen3-1.7b": "qwen3-1.7b", "qwen3-4b-2507": "qwen3-4b",
    "qwen3-8b": "qwen3-8b", "qwen3-30b-a3b-2507": "qwen3-30b-a3b", "qwen3-next-80b": "qwen3-next-80b", "qwen3.5-2b": "qwen3.5-2b",
    "qwen3.5-4b": "qwen3.5-4b", "qwen3.6-27b": "qwen3.6-27b", "qwen3.6-35b-a3b": "qwen3.6-35b-a3b", "qwen2.5-7b": "qwen2.5-7b",
    "mixtral-8x7b": "mixtral-8x7b", "ministral-3-3b": "ministral-3-3b", "gemma-2-2b": "gemma2-2b", "gemma-3-1b": "gemma3-1b",
    "gemma-3-4b": "gemma3-4b", "gemma-3n-e4b": "gemma3n-e4b", "gemma-4-e2b": "gemma4-e2b", "gemma-4-e4b": "gemma4-e4b",
    "gemma-4-12b": "gemma4-12b", "gemma-4-26b-a4b": "gemma4-26b-a4b", "phi-4": "phi-4", "phi-4-mini": "phi-4-mini",
    "gpt-oss-20b": "gpt-oss-20b", "olmo-2-1b": "olmo2-1b", "olmo-3-7b": "olmo3-7b", "olmoe-1b-7b": "olmoe-1b-7b",
    "smollm3-3b": "smollm3-3b", "granite-4.0-micro": "granite4-micro", "granite-4.0-h-tiny": "granite4-h-tiny",
    "lfm2.5-1.2b": "lfm2-1.2b", "lfm2.5-8b-a1b": "lfm2-8b-a1b", "falcon-h1-7b": "falcon-h1-7b", "falcon-7b": "falcon-7b",
    "pythia-6.9b": "pythia-6.9b", "bloomz-7b1": "bloomz-7b", "apertus-8b": "apertus-8b",
    "nemotron-3-nano-30b": "nemotron3-nano-30b", "exaone-4.0-1.2b": "exaone4-1.2b", "command-r7b": "command-r7b",
    "aya-expanse-8b": "aya-expanse-8b", "glm-4.7-flash": "glm-4.7-flash", "glm-4.5-air": "glm-4.5-air",
}  # fmt: skip


def model(id: str) -> Model:
    found = KNOWN.get(id)
    assert found
    return found


def test_it_is_complete() -> None:
    assert len(CORE) == 57
    assert len({m.id for m in KNOWN.models}) == len(KNOWN.models) == 96
    named = {word for m in KNOWN.models for word in f"{m.family} {m.name}".split()}
    for family in ("Llama", "Qwen", "DeepSeek", "Mistral", "Mixtral", "Gemma", "Phi", "Yi", "OLMo", "Falcon", "Pythia", "BLOOM"):
        assert family in named


def test_the_file_holds_nothing_that_is_not_read() -> None:
    names = {f.name for f in fields(Model)} - {"links"}
    for entry in CONTENT["models"]:
        assert set(entry) <= names, entry["id"]
        assert all(set(v) <= {f.name for f in fields(Variant)} for v in entry["variants"])


@pytest.mark.parametrize("m", KNOWN.models, ids=lambda m: m.id)
def test_an_entry_can_be_shown_and_offered(m: Model) -> None:
    assert m.maker
    assert m.repo.count("/") == 1
    assert m.gguf_repo.count("/") == 1
    assert 20 < len(m.description) <= 90
    assert m.description.endswith(".")
    assert "!" not in m.description
    assert m.languages or m.languages_claim
    assert m.licences
    assert set(m.licences) <= set(LICENCES)
    assert m.variants
    assert len({v.quantization for v in m.variants}) == len(m.variants)
    for variant in m.variants:
        assert variant.bits == pytest.approx(variant.size_bytes * 8 / m.params_total, abs=0.006)
        shape = m.shape(variant)
        assert shape.weights_bytes == variant.size_bytes
        assert 0 < shape.active_bytes <= variant.size_bytes
        assert 0 < shape.output_bytes < variant.size_bytes
        assert shape.layers
        assert shape.context_length >= 2048


@pytest.mark.parametrize("m", KNOWN.models, ids=lambda m: m.id)
def test_its_openness_is_that_of_its_licences(m: Model) -> None:
    ruling = LICENCES.rule(m.evidence)
    assert ruling.openness == m.openness
    assert ruling.conflict is None


@pytest.mark.parametrize(
    ("id", "licence", "at_work"),
    [
        ("qwen2.5-3b", "qwen-research", "no"),
        ("qwen2.5-7b", "apache-2.0", "yes"),
        ("qwen2.5-72b", "qwen", "if"),
        ("qwen3-8b", "apache-2.0", "yes"),
        ("qwen3.8-27b", "apache-2.0", "yes"),
        ("qwen3.8-flash-next", "qwen-community-1.0", "if"),
        ("r1-distill-llama-8b", "llama3.1 + mit", "if"),
        ("r1-distill-llama-70b", "llama3.3 + mit", "if"),
        ("r1-distill-qwen-7b", "mit", "yes"),
        ("deepseek-r1", "mit", "yes"),
        ("deepseek-v3-2412", "deepseek-1.0", "if"),
        ("gemma-3-4b", "gemma", "if"),
        ("gemma-4-e4b", "apache-2.0", "yes"),
        ("falcon-7b", "apache-2.0", "yes"),
        ("falcon3-7b", "falcon-llm-2.0", "if"),
        ("falcon-h1-7b", "falcon-llm-2.0", "if"),
        ("mistral-7b-v0.3", "apache-2.0", "yes"),
        ("ministral-3-8b", "apache-2.0", "yes"),
        ("ministral-8b-2410", "mistral-mrl-0.1", "no"),
        ("yi-1.5-9b", "apache-2.0", "yes"),
        ("llama-4-scout", "llama4", "if"),
        ("muse-glimmer-30b", "muse-glimmer-apache-2.0", "yes"),
        ("gpt-oss-20b", "gpt-oss-apache-2.0", "yes"),
        ("lfm2.5-1.2b", "lfm1.0", "if"),
        ("nemotron-3-nano-30b", "nvidia-open-model-license", "if"),
        ("nemotron-3.5-lightning-30b", "openmdw-1.1", "yes"),
        ("exaone-4.0-1.2b", "exaone-1.2-nc", "no"),
        ("command-r7b", "cc-by-nc-4.0-cohere", "no"),
        ("bloomz-7b1", "bigscience-bloom-rail-1.0", "if"),
    ],
)
def test_the_exact_model_decides_never_its_family(id: str, licence: str, at_work: str) -> None:
    ruling = LICENCES.rule(model(id).evidence)
    assert (ruling.licence, ruling.commercial.answer) == (licence, at_work)


@pytest.mark.parametrize(
    ("id", "openness", "audit"),
    [
        ("olmo-3-7b", "full", "yes"),
        ("olmo-3.1-32b", "full", "yes"),
        ("pythia-6.9b", "full", "yes"),
        ("smollm3-3b", "full", "yes"),
        ("apertus-8b", "full", "yes"),
        ("bloomz-7b1", "conditions", "if"),
        ("nemotron-3-nano-30b", "conditions", "if"),
        ("nemotron-3.5-lightning-30b", "free", "if"),
        ("qwen3-8b", "free", "no"),
        ("llama-3.1-8b", "conditions", "no"),
        ("falcon-7b", "free", "no"),
    ],
)
def test_who_can_check_how_it_was_made(id: str, openness: str, audit: str) -> None:
    ruling = LICENCES.rule(model(id).evidence)
    assert (ruling.openness, ruling.audit.answer) == (openness, audit)
    if openness == "full":
        assert {link.what for link in ruling.links if link.url} >= {"weights", "data", "code", "recipe"}


@pytest.mark.parametrize(
    ("id", "layers", "full_numbers", "sliding_numbers", "window", "state_bytes"),
    [
        ("qwen3-8b", 36, 36 * 8 * 256, 0, 0, 0),
        ("llama-3.2-1b", 16, 16 * 8 * 128, 0, 0, 0),
        ("gemma-3-4b", 34, 5 * 4 * 512, 29 * 4 * 512, 1024, 0),
        ("gemma-4-12b", 48, 8 * 1 * 1024, 40 * 8 * 512, 1024, 0),  # its local and global layers differ in heads and in length
        ("gemma-4-e2b", 35, 3 * 1024, 12 * 512, 512, 0),  # the last 20 layers share the memory of earlier ones
        ("gpt-oss-20b", 24, 12 * 8 * 128, 12 * 8 * 128, 128, 0),
        ("glm-4.7-flash", 47, 47 * 576, 0, 0, 0),  # one compressed vector a token, not keys and values of each head
        ("qwen3.6-35b-a3b", 40, 10_240, 0, 0, 30 * 4 * (32 * 128 * 128 + 3 * 8192)),
        ("qwen3.6-27b", 64, 16 * 4 * 512, 0, 0, 48 * (3_145_728 + 122_880)),
        ("nemotron-3-nano-30b", 52, 3_072, 0, 0, 23 * 4 * (128 * 4096 + 3 * 6144)),
        ("lfm2.5-1.2b", 16, 6 * 8 * 128, 0, 0, 10 * 16_384),
        ("falcon-h1-7b", 44, 44 * 2 * 256, 0, 0, 44 * 4 * (256 * 3072 + 3 * 3584)),  # attention and a state in every layer
    ],
)
def test_what_a_conversation_costs(
    id: str, layers: int, full_numbers: int, sliding_numbers: int, window: int, state_bytes: int
) -> None:
    m = model(id)
    shape = m.shape(m.variants[0])
    kept = {kind: sum(x.key_numbers + x.value_numbers for x in shape.layers if x.kind == kind) for kind in ("full", "sliding")}
    assert len(shape.layers) == layers
    assert kept == {"full": full_numbers, "sliding": sliding_numbers}
    assert {x.window for x in shape.layers if x.kind == "sliding"} == ({window} if window else set())
    assert sum(x.state_bytes for x in shape.layers) == state_bytes


def test_kinds_of_layers_are_dealt_out_evenly() -> None:
    shape = model("gemma-3-4b").shape(model("gemma-3-4b").variants[0])
    depths = [i for i, layer in enumerate(shape.layers) if layer.kind == "full"]
    assert depths == [3, 10, 16, 23, 30]  # 5 of 34


def test_what_is_read_for_each_token() -> None:
    dense, tied, experts = (model(id).shape(model(id).variants[0]) for id in ("llama-3.1-8b", "llama-3.2-1b", "gpt-oss-20b"))
    assert dense.active_bytes == dense.weights_bytes - dense.input_bytes  # one row of the input table
    assert 0 < dense.input_bytes < dense.output_bytes / 2  # the output is stored more finely than the rest
    assert tied.output_bytes == tied.input_bytes == tied.shared_bytes
    assert tied.active_bytes == tied.weights_bytes  # its table is the output too
    assert experts.active_bytes == pytest.approx(experts.weights_bytes * 3.6 / 20.915)


@pytest.mark.parametrize(("id", "name"), SAME.items())
def test_its_shape_is_that_of_a_file(tmp_path: Path, id: str, name: str) -> None:
    """The facts count as a header with the published figures does: conversation memory to the byte, workspace nearly."""
    header = Shape.from_header(architectures.header(tmp_path, name))
    facts = replace(model(id).shape(model(id).variants[0]), weights_bytes=header.weights_bytes)
    for context, kv_type in ((4096, "f16"), (32768, "q8_0")):
        (ours,), (file,) = facts.lay_out(context, kv_type), header.lay_out(context, kv_type)
        assert (ours.kv_bytes, ours.state_bytes, ours.output_bytes) == (file.kv_bytes, file.state_bytes, file.output_bytes)
        assert abs(ours.compute_bytes - file.compute_bytes) <= 0.02 * file.total_bytes


def test_all_of_it_is_laid_out_at_once() -> None:
    shapes = [m.shape(variant) for m in KNOWN.models for variant in m.variants]
    for shape in shapes:
        for gpu_layers in (0, 1, len(shape.layers) + 1):
            devices = shape.lay_out(8192, "q8_0", gpu_layers)
            assert all(device.total_bytes > 0 for device in devices)
            held = sum(device.weights_bytes for device in devices)
            assert 0.99 * shape.weights_bytes < held <= shape.weights_bytes + shape.shared_bytes


def test_quality_follows_size_and_age() -> None:
    def q(id: str) -> float:
        return model(id).quality

    assert q("qwen3-0.6b") < q("qwen3-1.7b") < q("qwen3-8b") < q("qwen3-14b") < q("qwen3-32b")
    assert q("llama-3-8b") < q("llama-3.1-8b") < q("granite-4.2-8b")
    assert q("qwen3-4b-2507") < q("qwen3-30b-a3b-2507") < q("qwen3-32b")  # 30 billion weights, 3 at work: in between
    assert q("qwen2.5-7b") == q("qwen2.5-coder-7b")
    surely = replace(model("granite-4.2-8b"), released_at_latest=False)
    assert q("granite-4.2-8b") == surely.quality - 0.5  # a month that is only the latest possible counts half a year less


@pytest.mark.parametrize(
    ("repo", "id"),
    [
        ("Qwen/Qwen3-8B", "qwen3-8b"),
        ("qwen/qwen3-8b-gguf", "qwen3-8b"),
        ("unsloth/Qwen3-0.6B-GGUF", "qwen3-0.6b"),  # where one of its variants lies
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "r1-distill-llama-8b"),
        ("somebody/Qwen3-8B-GGUF", None),
        ("Qwen/Qwen2.5-3B", None),
    ],
)
def test_by_repo_is_exact(repo: str, id: str | None) -> None:
    found = KNOWN.by_repo(repo)
    assert (found.id if found else None) == id


def test_languages() -> None:
    assert model("llama-3.1-8b").speaks("German")
    assert not model("llama-3.1-8b").speaks("Swedish")
    assert model("qwen3-8b").speaks("Swedish")
    assert not model("phi-4").speaks("German")


def test_shaky_facts_say_so() -> None:
    assert model("mistral-nemo-12b").confidence == "general knowledge"
    assert "released" in model("gemma-4-12b").unsure
    assert all(v.approximate for v in model("r1-distill-qwen-7b").variants)
    assert not any(v.approximate for v in model("llama-3.1-8b").variants)


def load_changed(tmp_path, change) -> Catalogue:
    content = json.loads(json.dumps(CONTENT))
    change(content["models"][1])
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return catalogue.load(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.pop("maker"), r"missing required field `maker` - at `\$\.models\[1\]`"),
        (lambda m: m.update(openness="open"), r"at `\$\.models\[1\]\.openness`"),
        (lambda m: m["layers"][0].update(kind="linear"), r"at `\$\.models\[1\]\.layers\[0\]\.kind`"),
        (lambda m: m.update(making="magic"), "llama-3.2-3b names the making “magic”"),
        (lambda m: m["variants"].reverse(), "the variants of llama-3.2-3b are not sorted"),
    ],
)
def test_a_broken_catalogue_is_named_with_the_place(tmp_path, change, why: str) -> None:
    with pytest.raises(Corrupt, match=why):
        load_changed(tmp_path, change)


# --- facts that follow from each other ------------------------------------------------------------------------------------------

UNGATED = ("bloom", "gptneox", "falcon", "apertus")  # two tables in the feed-forward part, where all others have three
COUNTED_TWICE = ("falcon-7b",)  # whose maker counts the one table for words, which is kept twice in the original


def counted(m: Model) -> int:
    """The weights that follow from the shape: tables of words, attention, feed-forward; not norms, experts and states."""
    once = m.tied_embeddings and m.id not in COUNTED_TWICE
    words = m.embedding_length * m.vocab_size * (1 if once else 2)
    attention = sum(
        group.count
        * m.embedding_length
        * (2 * m.head_count * group.key_length + group.kv_heads * (group.key_length + group.value_length))
        for group in m.layers
        if group.kind in ("full", "sliding")
    )
    tables = 2 if m.architecture in UNGATED else 3
    return words + attention + tables * m.embedding_length * m.feed_forward_length * sum(group.count for group in m.layers)


@pytest.mark.parametrize("m", KNOWN.models, ids=lambda m: m.id)
def test_its_weights_are_those_of_its_shape(m: Model) -> None:
    plain = {group.kind for group in m.layers} <= {"full", "sliding"} and m.feed_forward_length and not m.params_active
    share = counted(m) / m.params_total
    if not plain or m.architecture == "falcon-h1":  # which has states beside its attention
        assert 0 < share < 0.9
    elif m.reads_pictures:  # its eyes are counted among the weights, and are no part of the shape
        assert 0.88 < share < 1.005
    else:
        assert share == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("m", KNOWN.models, ids=lambda m: m.id)
def test_its_name_says_how_large_it_is(m: Model) -> None:
    sizes = re.findall(r"(?<![\w.])(a?)(\d+(?:\.\d+)?)([bm])(?=-|$)", m.id)
    for active, number, unit in sizes:
        first_of_two = sizes[0] != sizes[-1] and (active, number, unit) == sizes[0] and not sizes[-1][0]  # as in olmoe-1b-7b
        weights = m.params_active if active or first_of_two else m.params_total
        assert weights is not None, "a mixture of experts by its name"
        said = float(number) * {"b": 1e9, "m": 1e6}[unit]
        assert 0.85 < weights / said < 1.55, "makers round, and mostly down"
    assert (m.params_active or 1) < m.params_total


@pytest.mark.parametrize("m", KNOWN.models, ids=lambda m: m.id)
def test_its_files_are_as_large_as_their_names_say(m: Model) -> None:
    """A few tables are always kept finer than the rest, and the weights of the eyes are in another file."""
    bits_of = {name: size_bytes * 8 / numbers for name, numbers, size_bytes in TYPES.values()}
    for variant in m.variants:
        usual = bits_of[catalogue._main_type(variant.quantization)]
        assert 0.97 * usual < variant.bits < 1.45 * usual, variant.quantization


def test_a_family_has_one_way_of_being_built() -> None:
    """Models of one family, architecture and vocabulary that are equally wide have equal heads."""
    seen: dict[tuple[str, str, int, int], Model] = {}
    for m in KNOWN.models:
        other = seen.setdefault((m.family, m.architecture, m.vocab_size, m.embedding_length), m)
        heads = [{(g.kv_heads, g.key_length, g.value_length) for g in each.layers if g.kind == "full"} for each in (m, other)]
        assert heads[0] == heads[1], f"{m.id} and {other.id}"
