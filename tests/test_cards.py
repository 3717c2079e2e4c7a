"""What a model was made from, by the cards on the Hub: followed to the root, kept with the model, and true without a network."""

import pytest

from desktop import card, cards, licences, record
from desktop.app import App
from desktop.card import Card
from desktop.hub import Hub
from desktop.judging import end
from desktop.licences import Evidence
from desktop.network import Network
from tests import gguf_files
from tests.hub_server import Fault, HubServer

LLAMA = "meta-llama/Llama-3.1-8B"
TUNED, QUANTS = "somebody/Tuned-8B", "other/Tuned-8B-GGUF"


@pytest.fixture
def server() -> HubServer:
    with HubServer() as server:
        server.add(LLAMA, {}, gated=True, license="llama3.1")
        server.add(TUNED, {}, license="apache-2.0", base_model=[LLAMA])
        yield server


def traced(server: HubServer, first: Card) -> tuple[Card, ...]:
    return end(cards.trace(Hub(Network(), endpoint=server.endpoint), (first,)))


def test_the_chain_is_followed_to_the_root(server: HubServer) -> None:
    found = traced(server, Card(QUANTS, ("mit",), base_models=(TUNED,), relation="quantized"))
    assert [(each.repo, each.stated) for each in found] == [(QUANTS, "mit"), (TUNED, "apache-2.0"), (LLAMA, "llama3.1")]
    ruling = licences.load().rule(Evidence(cards=found))
    assert ruling.licence == "llama3.1 + apache-2.0 + mit"
    assert [source.from_ for source in ruling.sources] == [
        *(f"The page of {LLAMA}", f"The page of {TUNED}", "The page of this download"),
    ]
    assert ruling.sources[0].url == f"https://huggingface.co/{LLAMA}"
    assert ruling.conflict == (
        f"The page of {LLAMA} says Llama 3.1 Community License Agreement, but the page of {TUNED} says Apache License 2.0; "
        "the stricter one decides."
    )


def test_each_card_is_read_once_in_loops_and_merges(server: HubServer) -> None:
    server.add("a/One", {}, license="mit", base_model=["a/Two", "a/Three", "a/One"])
    server.add("a/Two", {}, license="mit", base_model="https://huggingface.co/a/One/")
    server.add("a/Three", {}, license="mit", base_model=["A/one", "a/Two", LLAMA])
    found = traced(server, Card("a/Merge", ("mit",), base_models=("a/One", "a/Two")))
    assert [each.repo for each in found] == ["a/Merge", "a/One", "a/Two", "a/Three", LLAMA]
    assert len(server.asked("api")) == 4
    assert licences.load().rule(Evidence(cards=found)).licence == "llama3.1 + mit"


def test_what_has_no_card_is_no_evidence_but_known_by_its_name(server: HubServer) -> None:
    server.repos.pop(LLAMA)
    server.add("secret/Model", {}, private=True, license="mit")
    found = traced(server, Card("a/B", ("mit",), base_models=(LLAMA, "secret/Model", "no/Such", "not a name", "x" * 500)))
    assert [each.repo for each in found] == ["a/B"]
    assert licences.load().rule(Evidence(cards=found)).licence == "llama3.1 + mit"


def test_a_hub_that_fails_ends_nothing(server: HubServer) -> None:
    server.faults.append(Fault("status", at="api", status=500))
    found = traced(server, Card("a/B", ("mit",), base_models=(TUNED, LLAMA)))
    assert [each.repo for each in found] == ["a/B", LLAMA]


def test_an_endless_chain_ends(server: HubServer) -> None:
    for n in range(40):
        server.add(f"long/M{n}", {}, license="mit", base_model=f"long/M{n + 1}")
        server.add(f"wide/M{n}", {}, license="mit")
    assert len(traced(server, Card("long/M", base_models=("long/M0",)))) == 1 + cards.STEPS
    assert len(traced(server, Card("wide/M", base_models=tuple(f"wide/M{n}" for n in range(40))))) == 1 + cards.MOST


BAD = {  # what a card's head may hold -> the tags that are read
    "a list": ({"license": ["mit", "llama3.1", "mit"]}, ("mit", "llama3.1")),
    "a number": ({"license": 2.0, "base_model": 7}, ("2.0",)),
    "a truth": ({"license": True, "base_model": False}, ()),
    "a map": ({"license": {"name": "mit"}, "base_model": {"a": "b"}}, ("{'name': 'mit'}",)),
    "nested": ({"license": [["mit", ["gemma"]], None, "mit"]}, ("mit", "gemma")),
    "other with a name": ({"license": "other", "license_name": "qwen-research"}, ("qwen-research",)),
    "a name in capitals": ({"license": "Other", "license_name": ["mrl"]}, ("mrl",)),
    "other and nothing": ({"license": "other"}, ()),
    "two megabytes": ({"license": "free " * 400_000}, ("free " * 40 + "…",)),
    "a thousand": ({"license": [f"l{n}" for n in range(1000)]}, (*(f"l{n}" for n in range(16)), "…")),
    "two megabytes of room": ({"license": "mit" + " " * 2_000_000 + "for research"}, ("mit…",)),
    "other beside one": ({"license": ["mit", "other"]}, ("mit", "other terms")),
    "a name beside a tag": ({"license": "mit", "license_name": "for-research"}, ("mit", "for-research")),
    "control characters": ({"license": "mi\x1b[31mt\x00\u202e"}, ("mi[31mt",)),
    "no map at all": (["mit"], ()),
    "nothing": (None, ()),
}


@pytest.mark.parametrize(("content", "tags"), BAD.values(), ids=BAD.keys())
def test_a_card_may_hold_anything(content: object, tags: tuple[str, ...]) -> None:
    said = card.read("a/B", content)
    assert said.licences == tags
    assert licences.load().rule(Evidence(cards=(said,))).conflict is None


@pytest.mark.parametrize("link", ["file:///etc/passwd", "https://elsewhere.example/LICENSE", "LICENSE", "javascript:alert(1)"])
def test_a_link_is_shown_and_decides_nothing(server: HubServer, link: str) -> None:
    said = card.read("a/B", {"license": "other", "license_name": "ours", "license_link": link})
    ruling = licences.load().rule(Evidence(cards=(said,)))
    assert (ruling.licence, ruling.sources[0].link) == ("unknown", link)
    assert not server.requests


def test_a_link_to_a_text_that_we_know_tells_the_licence() -> None:
    said = card.read("a/B", {"license": "other", "license_name": "terms", "license_link": "https://ai.google.dev/gemma/terms"})
    assert licences.load().rule(Evidence(cards=(said,))).licence == "gemma"


def test_a_download_keeps_the_chain_and_needs_no_network_for_it(server: HubServer, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    file = gguf_files.llama(tmp_path / "x.gguf").read_bytes()
    server.add(QUANTS, {"Tuned-8B-Q8_0.gguf": file}, license=["mit"], base_model=TUNED, base_model_relation="quantized")
    app = App.open(tmp_path / "home")
    reference = f"hf:{QUANTS}/Tuned-8B-Q8_0.gguf"
    assert app.rights.licence(reference).licence == "llama3.1 + apache-2.0 + mit"
    app.consent.accept(end(app.rights.terms(reference)))
    local = end(app.getting.get(reference))
    assert [each.repo for each in local.cards] == [QUANTS, TUNED, LLAMA]
    assert record.read(record.beside(local.path)).cards == local.cards
    app.hub.endpoint = "https://huggingface.co"
    app.network.offline = True
    again = app.rights.ruling(app.targets.of(local.id))
    assert (again.licence, again.commercial.answer) == ("llama3.1 + apache-2.0 + mit", "if")
    app.close()


def test_the_page_of_a_repository_tells_the_licence_by_its_chain(server: HubServer, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    server.add(QUANTS, {"Tuned-8B-Q8_0.gguf": b"GGUF"}, license="mit", base_model=TUNED)
    app = App.open(tmp_path / "home")
    assert len(end(app.search.repo(QUANTS)).cards) == 1
    assert [each.repo for each in end(app.search.page(QUANTS)).cards] == [QUANTS, TUNED, LLAMA]
    asked = len(server.asked("api"))
    assert len(end(app.search.page(QUANTS)).cards) == 3
    assert len(server.asked("api")) == asked
    app.close()
