"""The command line as a person or a script uses it: real files, the real engine, a Hub on loopback."""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop import __version__, cli, gguf, speed, terminal
from desktop.app import App
from desktop.cli.command import finish
from desktop.engine.local import build
from desktop.hardware import EngineReport, Memory, detect
from desktop.paths import resource
from tests import gguf_files
from tests.engine import models
from tests.hub_server import Fault, HubServer

Run = Callable[..., tuple[int, Any, str]]


def known(home: Path) -> list[str]:
    """The option for a home in which this computer was measured before, so that no test waits for it but the one that must."""
    app = App.open(home)
    rates = speed.Rates(4e9, computer=speed.identity(app.computer.hardware(), build() or ""), quiet=True)
    speed.save(rates, app.paths.cache / "rates.json")
    app.close()
    return ["--home", str(home)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def tiny(tmp_path: Path) -> bytes:
    return gguf_files.llama(tmp_path / "tiny.gguf").read_bytes()


def test_doctor_tells_what_there_is(run: Run) -> None:
    status, found, _ = run("doctor")
    assert status == 0
    assert 0 < found["memory"]["available_bytes"] <= found["memory"]["total_bytes"]
    assert found["cpu"]["physical_cores"] >= 1
    assert found["engine"]["name"] == "llama.cpp"
    assert "CPU" in found["engine"]["backends"]
    assert found["disk"]["free_bytes"] > 0
    assert set(found["network"]) == {"offline", "proxy", "hub", "token", "ca_file", "allowed_hosts", "metered"}
    assert all(set(p) == {"what", "fix"} for p in found["problems"])
    assert found["accuracy"] == ""
    assert found["speed"]["memory_bytes_per_s"] > 1e8  # it was measured for this
    _, again, _ = run("doctor")
    assert again["speed"]["tries"] >= 1


def test_doctor_tells_what_the_engine_is_kept_from(run: Run) -> None:
    _, found, _ = run("doctor")
    assert found["engine"]["confined"][0] == "python"
    both, calls, files, neither = (
        terminal.confined_words(("python", *held)) for held in (("landlock", "seccomp"), ("seccomp",), ("landlock",), ())
    )
    assert len({both, calls, files, neither}) == 4
    assert ["nothing else of yours" in words for words in (both, calls, files, neither)] == [True, False, True, False]
    assert ["has no network" in words for words in (both, calls, files, neither)] == [True, True, False, False]


def test_doctor_tells_what_is_wrong_and_no_password(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(tmp_path / "home")
    (tmp_path / "home" / "settings.json").write_text(json.dumps({"models_dir": str(tmp_path / "disk" / "models")}))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    status, found, _ = run("doctor")
    assert status == 0
    assert found["network"]["proxy"] == "http://proxy.example:3128"
    assert found["disk"]["free_bytes"] > 0
    assert any("disk" in p["fix"] and "is not there" in p["what"] for p in found["problems"])
    monkeypatch.setenv("HF_ENDPOINT", "http://[bad")
    status, found, _ = run("doctor")
    assert any("HF_ENDPOINT" in p["fix"] for p in found["problems"])


def test_doctor_tests_the_connection_when_it_is_asked_to(run: Run, hub: HubServer, tmp_path: Path) -> None:
    known(tmp_path / "home")
    run("doctor")
    assert hub.requests == []
    _, found, _ = run("doctor", "--connection")
    assert (found["network"]["connection"]["ok"], len(hub.requests)) == (True, 1)
    assert "127.0.0.1 answered" in found["network"]["connection"]["sentence"]
    hub.faults.append(Fault("html", at="api"))
    status, found, _ = run("doctor", "--connection")
    assert status == 0
    assert found["network"]["connection"]["kind"] == "server_refused"
    assert any("it is no Hub" in problem["what"] for problem in found["problems"])


def test_doctor_hands_out_the_record_of_all_sessions(run: Run, hub: HubServer, tmp_path: Path) -> None:
    run("search", "x")
    run("search", "y")
    status, found, _ = run("doctor", "--network-log", str(tmp_path / "log.jsonl"))
    assert status == 0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert found == {"path": str(tmp_path / "log.jsonl"), "requests": len(lines)}
    assert [line["host"] for line in lines if line["purpose"] == "look up models" and line["status"] == 200] == ["127.0.0.1"] * 2
    assert run("doctor", "--network-log", str(tmp_path / "no" / "log"))[1]["error"]["kind"] == "not_writable"


def test_a_newer_list_of_models_is_signed_and_used(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "catalogue"
    folder.mkdir(parents=True)
    content = json.loads(resource("catalogue.json").read_text(encoding="utf-8"))
    (folder / "catalogue.json").write_text(json.dumps({**content, "date": "2099-01-01"}))
    _, found, _ = run("catalogue", "show")
    assert (found["models"], len(found["refused"])) == (len(content["models"]), 1)
    status, signed, _ = run("catalogue", "sign", str(folder / "catalogue.json"), "--key", str(tmp_path / "key"))
    assert (status, signed["path"]) == (0, str(folder / "catalogue.json.sig"))
    (tmp_path / "home" / "settings.json").write_text(json.dumps({"catalogue_keys": [signed["public_key"]]}))
    _, found, _ = run("catalogue", "show")
    assert (found["date"], found["refused"]) == ("2099-01-01", [])


def test_a_hub_without_a_list_of_models(run: Run, hub: HubServer) -> None:
    status, found, _ = run("catalogue", "update")
    assert (status, found["error"]["kind"]) == (1, "not_found")


# What is suggested must not depend on the computer that runs the tests
LAPTOP = ("--assume-cpu", "Core Ultra 5 125U", "--assume-cores", "12", "--assume-ram", "12GB", "--assume-vram", "0")


def test_suggest_gives_three_roles_and_nothing_that_is_too_big(run: Run) -> None:
    status, found, _ = run("suggest", *LAPTOP)
    assert status == 0
    offers = found["offers"]
    keys = "id model variant reference size_bytes total_bytes context verdict tokens_per_s licence openness role why"
    assert all(set(keys.split()) <= set(o) for o in offers)
    assert "too_big" not in {o["verdict"] for o in offers}
    assert sorted(o["role"] for o in offers if o["role"]) == ["balanced", "best", "quick"]
    assert all(o["verdict"] in ("runs_well", "runs_slowly") for o in offers if o["role"])


def test_fit_of_the_guide_and_of_a_catalogue_model(run: Run) -> None:
    status, guide, _ = run("fit", "guide")
    assert (status, guide["verdict"], guide["architecture"]) == (0, "runs_well", "llama")
    assert guide["header_bytes_read"] > 0
    parts = guide["weights_bytes"] + guide["kv_bytes"] + guide["compute_bytes"]
    assert guide["total_bytes"] >= parts
    status, small, _ = run("fit", "qwen3-8b", "--assume-ram", "2000000000")
    assert small["verdict"] == "too_big"
    assert small["help"]
    status, large, _ = run("fit", "qwen3-8b", "--assume-ram", "64000000000", "--context", "4096")
    assert large["verdict"] in ("runs_well", "runs_slowly")
    status, longer, _ = run("fit", "qwen3-8b", "--assume-ram", "64000000000", "--context", "8192")
    assert longer["kv_bytes"] == 2 * large["kv_bytes"]


FIT_KEYS = (
    "architecture context weights_bytes kv_bytes compute_bytes total_bytes devices free_bytes verdict why help method "
    "tokens_per_s prompt_tokens_per_s header_bytes_read took_s plan changes margin_bytes state_bytes process_bytes "
    "tokens_per_s_low tokens_per_s_high note source"
)


def test_fit_is_what_the_engine_then_really_takes(run: Run, tmp_path: Path) -> None:
    path = gguf_files.llama(tmp_path / "some.gguf", layers=3, width=256, context=2048, vocabulary=2000)
    status, told, _ = run("fit", str(path), "--context", "1024")
    assert (status, told["method"], told["source"], told["note"]) == (0, "engine", "file", "")
    assert set(FIT_KEYS.split()) <= set(told)
    assert {"name", "weights_bytes", "kv_bytes", "compute_bytes"} <= set(told["devices"][0])
    assert {"context", "gpu_layers", "kv_type", "load_mode", "threads"} <= set(told["plan"])
    assert told["tokens_per_s_low"] <= told["tokens_per_s"] <= told["tokens_per_s_high"]
    app = App.open(tmp_path / "home")
    try:
        memory = finish(app.running.open(str(path), context=1024, chats=False)).memory
    finally:
        app.close()
    assert told["weights_bytes"] == sum(device.weights_bytes for device in memory)
    assert told["kv_bytes"] == sum(device.kv_bytes + device.state_bytes for device in memory)
    assert told["compute_bytes"] == sum(device.compute_bytes + device.output_bytes for device in memory)


def test_fit_with_a_goal_says_what_would_help(run: Run) -> None:
    processor = ("--assume-cpu", "Ryzen 9 7950X", "--assume-cores", "16")
    computer = ("--assume-ram", "32GB", "--assume-gpu", "RTX 4060", "--assume-vram", "8GB", *processor)
    usual, fast, long = (run("fit", "qwen3-14b", *computer, *goal)[1] for goal in ((), ("--goal", "speed"), ("--goal", "long")))
    assert fast["context"] < usual["context"] < long["context"]
    assert fast["gpu_layers"] > usual["gpu_layers"]
    assert fast["tokens_per_s"] > usual["tokens_per_s"] > 0
    _, small, _ = run("fit", "qwen3-8b", "--assume-ram", "5GB", "--assume-vram", "0", "--context", "32768")
    assert small["verdict"] == "too_big"
    assert [change["sentence"] for change in small["changes"]] == small["help"]


def test_fit_counts_the_projector(run: Run, tmp_path: Path, tiny: bytes) -> None:
    path = gguf_files.write(tmp_path / "mmproj.gguf", "clip", {"general.type": "mmproj"}, {"v.patch_embd.weight": (64, 64)})
    (tmp_path / "tiny.gguf").write_bytes(tiny)
    _, alone, _ = run("fit", str(tmp_path / "tiny.gguf"))
    _, both, _ = run("fit", str(tmp_path / "tiny.gguf"), "--projector", str(path))
    assert both["projector_bytes"] == both["total_bytes"] - alone["total_bytes"] >= 64 * 64 * 4
    status, found, _ = run("fit", str(path))
    assert (status, found["error"]["kind"]) == (1, "not_a_model")
    assert run("fit", str(tmp_path / "tiny.gguf"), "--projector", str(tmp_path / "tiny.gguf"))[0] == 2


def test_fit_of_an_imagined_computer(run: Run) -> None:
    _, card, _ = run("fit", "qwen3-8b", "--assume-ram", "16GB", "--assume-gpu", "RTX 4060", "--assume-vram", "8GB")
    assert [device["name"] for device in card["devices"]] == ["CPU", "RTX 4060"]
    assert card["gpu_layers"] == card["layers"]
    _, slower, _ = run("fit", "qwen3-8b", "--assume-ram", "16GB", "--assume-gpu", "GTX 1650", "--assume-vram", "8GB")
    assert 0 < slower["tokens_per_s"] < card["tokens_per_s"]
    _, mac, _ = run("fit", "qwen3-8b", "--assume-ram", "16GB", "--assume-gpu", "M4 Pro")
    assert mac["devices"][1]["shares_main"]
    assert mac["free_bytes"] == 16_000_000_000
    for wrong in (
        ("--assume-gpu", "RTX 4060"),  # how much memory?
        ("--assume-gpu", "Nonsense 1", "--assume-vram", "8GB"),
        ("--assume-ram", "much"),
        ("--assume-ram", "0"),
        ("--assume-vram", "9" * 400),
        ("--goal", "beauty"),
    ):
        assert run("fit", "qwen3-8b", *wrong)[0] == 2, wrong


def test_fit_without_network_is_from_the_catalogue(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        status, found, _ = run("fit", "qwen3-8b")
        assert (status, found["method"], found["source"]) == (0, "formula", "catalogue")
        assert found["note"] == "From the catalogue, not checked."
        assert found["header_bytes_read"] == 0
        status, found, _ = run("fit", "hf:maker/none/none.gguf")
        assert (status, found["error"]["kind"]) == (1, "unreachable")


def test_fit_is_honest_about_a_server_that_ignores_ranges(run: Run, hub: HubServer, tmp_path: Path) -> None:
    path = gguf_files.llama(tmp_path / "big.gguf", layers=8, width=512)
    hub.add("maker/big-GGUF", {"big-Q4_0.gguf": path.read_bytes()})
    hub.faults.append(Fault("no_range", times=None))
    status, found, _ = run("fit", "hf:maker/big-GGUF/big-Q4_0.gguf")
    header_bytes = gguf.read_file(path).data_offset
    assert (status, found["method"], found["source"]) == (0, "engine", "hub")
    assert header_bytes <= found["header_bytes_read"] < path.stat().st_size
    status, again, _ = run("fit", "hf:maker/big-GGUF/big-Q4_0.gguf")
    assert (again["header_bytes_read"], again["source"]) == (0, "cache")
    assert again["total_bytes"] == found["total_bytes"]


def test_fit_of_what_is_damaged_or_unknown(run: Run, tmp_path: Path, tiny: bytes) -> None:
    files = {
        "corrupt": tiny[:8] + b"\xff" * 8 + tiny[16:],  # so many tensors there cannot be
        "header_too_large": tiny[:8] + struct.pack("<QQQ11sIIQQ", 0, 1, 11, b"tokenizer.x", 9, 8, 1, 1 << 40) + bytes(100_000),
    }
    for kind, content in files.items():
        (tmp_path / f"{kind}.gguf").write_bytes(content)
    entries = {"block_count": 1, "context_length": 64, "embedding_length": 8}
    gguf_files.write(tmp_path / "unknown_architecture.gguf", "alien", entries, {"a.weight": (8, 8)})
    for kind in (*files, "unknown_architecture"):
        status, found, err = run("fit", str(tmp_path / f"{kind}.gguf"))
        assert (status, found["error"]["kind"]) == (1, kind)
        assert err.count("\n") == 1


def test_bench_measures_and_the_record_is_told(run: Run, tmp_path: Path) -> None:
    known(tmp_path / "home")
    status, found, _ = run("bench", "guide", "--context", "1024", "--threads", "1")
    assert status == 0
    assert {"load_s", "prompt_tokens_per_s", "tokens_per_s", "first_token_s", "threads", "peak_memory_bytes"} <= set(found)
    assert found["threads"] == 1
    assert found["plan"]["context"] == 1024
    off = 100 * (found["predicted"]["total_bytes"] / found["peak_memory_bytes"] - 1)
    assert found["errors_percent"]["total_bytes"] == pytest.approx(off)
    assert found["predicted"]["tokens_per_s"] > 0
    assert found["accuracy"].startswith("Our last estimate of memory was within ")
    _, computer, _ = run("doctor")
    assert computer["accuracy"] == found["accuracy"]
    status, found, _ = run("bench", "qwen3-8b")
    assert (status, found["error"]["kind"]) == (1, "not_here")


def test_suggest_for_a_language_a_task_and_another_computer(run: Run) -> None:
    def ids(*arguments: str) -> dict[str, str]:
        return {o["model"]: o["role"] for o in run("suggest", *arguments)[1]["offers"]}

    everything = ids("--assume-ram", "32GB")
    german = ids("--assume-ram", "32GB", "--language", "de", "--language", "Thai")
    assert german.keys() < everything.keys()
    assert "OLMo 3 7B Instruct" not in german
    assert any("Coder" in model for model in ids("--assume-ram", "32GB", "--task", "code"))
    assert not any("Coder" in model for model in ids("--assume-ram", "32GB", "--task", "chat"))
    assert len(ids("--assume-ram", "4GB")) < len(everything)
    card = run(
        "suggest", "--assume-ram", "16GB", "--assume-gpu", "RTX 4090", "--assume-vram", "24GB", "--assume-cpu", "Ryzen 9 7950X"
    )[1]
    assert {o["role"] for o in card["offers"][:3]} <= {"quick", "balanced", "best", None}
    assert all(o["why"].endswith(".") for o in card["offers"])
    assert run("suggest", "--language", "xx")[0] == 2


def test_fit_of_a_file_on_the_hub_reads_only_its_header(run: Run, hub: HubServer, tmp_path: Path) -> None:
    big = gguf_files.llama(tmp_path / "big.gguf", layers=8, width=512).read_bytes()
    hub.add("maker/big-GGUF", {"big-Q4_0.gguf": big}, license="mit")
    status, found, _ = run("fit", "hf:maker/big-GGUF/big-Q4_0.gguf")
    assert status == 0
    assert found["header_bytes_read"] < len(big)
    assert found["weights_bytes"] < len(big)


def test_a_download_that_will_not_run_here_is_said_before(
    run: Run, hub: HubServer, tmp_path: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes for nothing are what people complain about most."""
    large = gguf_files.llama(tmp_path / "large.gguf", layers=4, width=256).read_bytes()
    entries = {"block_count": 1, "context_length": 64, "embedding_length": 8}
    alien = gguf_files.write(tmp_path / "alien.gguf", "alien", entries, {"a.weight": (8, 8)})
    hub.add("maker/tiny-GGUF", {"tiny-Q8_0.gguf": tiny, "large-Q8_0.gguf": large, "alien-Q8_0.gguf": alien})
    status, got, err = run("get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf")
    assert (status, got["warning"], err) == (0, "", "")
    status, got, err = run("get", "hf:maker/tiny-GGUF/alien-Q8_0.gguf")
    assert (status, err) == (0, f"{got['warning']}\n")
    assert "“alien”" in got["warning"]
    here = detect(EngineReport("llama.cpp", "0", ("CPU",), False))
    small = replace(here, memory=Memory(50_000_000, 40_000_000, here.memory.limited_by))
    monkeypatch.setattr("desktop.computer.detect", lambda report: small)
    reference = "hf:maker/tiny-GGUF/large-Q8_0.gguf"
    status, got, err = run("get", reference, "--progress", "json")
    assert (status, got["size_bytes"]) == (0, len(large)), "it is said, and no more"
    assert got["warning"].startswith("It needs ")
    assert got["warning"].endswith(f"alcove fit {reference}")
    assert all("done_bytes" in json.loads(line) for line in err.splitlines())
    run("remove", "large-Q8_0")
    status, again, err = run("get", reference)
    assert err == f"{got['warning']}\n"


def test_search_get_list_remove(run: Run, hub: HubServer, tiny: bytes) -> None:
    hub.add("maker/tiny-GGUF", {"tiny-Q8_0.gguf": tiny}, license="llama3.1")
    _, found, _ = run("search", "tiny")
    assert found["models"][0]["repo"] == "maker/tiny-GGUF"
    assert found["models"][0]["files"] == [{"name": "tiny-Q8_0.gguf", "size_bytes": len(tiny), "quantization": "Q8_0"}]
    status, got, _ = run("get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf", "--accept-licence")
    assert status == 0
    assert got["sha256"] == sha256(tiny).hexdigest()
    assert got["fetched_bytes"] == got["size_bytes"] == len(tiny)
    assert Path(got["path"]).read_bytes() == tiny
    _, listed, _ = run("list")
    mine = {m["id"]: m for m in listed["models"]}
    assert set(mine) == {"guide", "tiny-Q8_0"}
    assert mine["tiny-Q8_0"]["complete"]
    assert mine["tiny-Q8_0"]["licence"] == "llama3.1 + apache-2.0"  # the page and the file differ, so both apply
    _, ruling, _ = run("licence", "tiny-Q8_0")
    assert "stricter" in ruling["conflict"]
    status, again, _ = run("get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf")
    assert (status, again["fetched_bytes"]) == (0, 0)
    status, removed, _ = run("remove", "tiny-Q8_0")
    assert removed["freed_bytes"] == len(tiny)
    assert {"free_bytes_before", "free_bytes_after"} <= set(removed)
    assert not Path(got["path"]).exists()
    status, restored, _ = run("restore", "tiny-Q8_0")
    assert (status, restored["path"]) == (0, got["path"])
    assert Path(got["path"]).read_bytes() == tiny
    run("remove", "tiny-Q8_0", "--now")
    status, refused, _ = run("restore", "tiny-Q8_0")
    assert (status, refused["error"]["kind"]) == (1, "not_found")


@pytest.mark.parametrize("words", [("move", ""), ("bundle", "create", "", "guide"), ("list", "--home", ""), ("--home", "")])
def test_a_folder_that_an_unset_variable_names_is_not_the_one_that_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "home"))
    assert cli.run(list(words), lambda home: 99) == 2
    assert "No folder is named." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_verify_move_and_bundles(run: Run, tmp_path: Path, tiny: bytes) -> None:
    (tmp_path / "home" / "models" / "maker" / "tiny").mkdir(parents=True)
    path = tmp_path / "home" / "models" / "maker" / "tiny" / "tiny-Q8_0.gguf"
    path.write_bytes(tiny)
    status, checked, _ = run("verify", "tiny-Q8_0")
    assert (status, [(each["id"], each["ok"]) for each in checked["verified"]]) == (0, [("tiny-Q8_0", True)])
    status, moved, _ = run("move", str(tmp_path / "disk"))
    assert (status, moved["path"]) == (0, str(tmp_path / "disk"))
    assert not path.exists()
    stick = str(tmp_path / "stick")
    status, made, _ = run("bundle", "create", stick, "tiny-Q8_0")
    assert (status, made["path"], made["models"][0]["files"][0]["sha256"]) == (0, stick, sha256(tiny).hexdigest())
    assert made["sha256"] == sha256((tmp_path / "stick" / "alcove-bundle.json").read_bytes()).hexdigest()
    assert run("bundle", "verify", stick)[1]["models"][0]["ok"]
    run("remove", "tiny-Q8_0", "--now")
    status, taken, _ = run("bundle", "install", stick)
    assert (status, taken["models"][0]["id"]) == (0, "tiny-Q8_0")
    mine = Path(taken["models"][0]["path"])
    assert mine.read_bytes() == tiny
    for damaged in (mine, tmp_path / "stick" / "maker" / "tiny" / "tiny-Q8_0.gguf"):
        damaged.write_bytes(tiny[:-1] + b"x")
    status, checked, _ = run("verify")
    assert (status, checked["verified"][1]["ok"]) == (1, False)
    status, checked, _ = run("bundle", "verify", stick)
    assert (status, checked["models"][0]["ok"]) == (1, False)
    run("remove", "tiny-Q8_0", "--now")
    status, refused, said = run("bundle", "install", stick)
    assert (status, refused["error"]["kind"]) == (1, "corrupt")
    assert "it was not taken, copy the bundle again" in said


def test_adopt_uses_models_of_other_programs_where_they_lie(
    run: Run, tmp_path: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "person"))
    blob = tmp_path / "ollama" / "blobs" / f"sha256-{sha256(tiny).hexdigest()}"
    manifest = tmp_path / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
    for path in (blob, manifest):
        path.parent.mkdir(parents=True)
    blob.write_bytes(tiny)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{sha256(tiny).hexdigest()}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    status, found, _ = run("adopt")
    assert (status, found["skipped"]) == (0, [])
    assert found["adopted"] == [{"id": "ollama-tiny-latest", "path": str(blob), "origin": "Ollama"}]
    _, listed, _ = run("list")
    mine = next(m for m in listed["models"] if m["id"] == "ollama-tiny-latest")
    assert (mine["origin"], mine["sha256"], mine["complete"]) == ("Ollama", sha256(tiny).hexdigest(), True)
    status, said, _ = run("chat", "ollama-tiny-latest", "-p", "hello", "--max-tokens", "2")
    assert (status, said["completion_tokens"] > 0) == (0, True)
    status, removed, _ = run("remove", "ollama-tiny-latest", "--now")
    assert (removed["freed_bytes"], blob.read_bytes() == tiny) == (0, True)


def test_search_puts_what_fits_first(run: Run, hub: HubServer, tiny: bytes) -> None:
    hub.add("maker/huge-GGUF", {"huge-Q4_K_M.gguf": tiny}, downloads=900, weights=10**15, updated="2026-01-01T00:00:00.000Z")
    hub.add("maker/not-huge-GGUF", {"x-Q4_K_M.gguf": tiny}, downloads=1, weights=10**6, updated="2026-05-01T00:00:00.000Z")
    for arguments, first in (
        ((), "not-huge"),
        (("--sort", "downloads"), "huge"),
        (("--sort", "date", "--limit", "1"), "not-huge"),
    ):
        _, found, _ = run("search", "huge", *arguments)
        assert found["models"][0]["repo"] == f"maker/{first}-GGUF"
    assert (len(found["models"]), found["more"]) == (1, True)
    assert found["models"][0]["fits"] == "fits"
    assert found["models"][0]["files"][0]["size_bytes"] == len(tiny)


def test_a_download_that_was_cut_goes_on(run: Run, hub: HubServer, tiny: bytes) -> None:
    hub.add("maker/tiny-GGUF", {"tiny-Q8_0.gguf": tiny})
    hub.faults.append(Fault("cut", bytes=1000))
    status, got, _ = run("get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf")
    assert status == 0
    assert Path(got["path"]).read_bytes() == tiny


def test_a_catalogue_model_is_found_by_its_quantisation(run: Run, hub: HubServer, tiny: bytes) -> None:
    hub.add(
        "Qwen/Qwen3-0.6B-GGUF", {"Qwen3-0.6B-Q8_0.gguf": tiny, "Qwen3-0.6B-Q4_K_M.gguf": tiny + b"\0" * 32}, license="apache-2.0"
    )
    status, judged, _ = run("fit", "qwen3-0.6b:Q8_0")
    assert (status, judged["source"], judged["method"]) == (0, "hub", "engine")
    assert judged["weights_bytes"] < len(tiny)  # of the file that is there, not of the catalogue
    status, got, _ = run("get", "qwen3-0.6b:Q8_0")
    assert (status, got["size_bytes"]) == (0, len(tiny))
    _, ruling, _ = run("licence", "qwen3-0.6b:Q8_0")
    assert (ruling["licence"], ruling["openness"], ruling["conflict"]) == ("apache-2.0", "free", None)


def test_the_guide_answers(run: Run) -> None:
    status, reply, _ = run("chat", "guide", "-p", "What is an open-weight model?")
    assert (status, reply["finish"]) == (0, "stop")
    assert "download" in reply["text"]
    assert reply["completion_tokens"] > 10
    assert reply["tokens_per_s"] > 0
    assert {"thinking", "prompt_tokens", "cached_tokens", "load_s", "first_token_s"} <= set(reply)


def test_thinking_is_switched_and_notices_are_told(run: Run, tmp_path: Path) -> None:
    thinker = str(models.write_thinker(tmp_path / "thinker.gguf"))
    for wish, thoughts in (("on", "let me"), ("off", "")):
        status, reply, _ = run("chat", thinker, "-p", "Is it?", "--thinking", wish)
        assert (status, reply["thinking"], reply["text"]) == (0, thoughts, "It is")
    bare = str(models.write(tmp_path / "bare.gguf", ["Yes", models.END], template=None))
    status, reply, told = run("chat", bare, "-p", "Is it?")
    assert (status, reply["text"], "no chat template" in told) == (0, "Yes", True)


def test_the_licence_of_the_guide_is_fully_open(run: Run) -> None:
    _, ruling, _ = run("licence", "guide")
    assert (ruling["licence"], ruling["openness"]) == ("apache-2.0", "full")
    assert [ruling[q]["answer"] for q in ("commercial", "share", "audit")] == ["yes", "yes", "yes"]
    assert Path(ruling["text_path"]).is_file()


def test_a_version_under_another_licence_is_said_before_it_is_downloaded(run: Run, hub: HubServer, tiny: bytes) -> None:
    files = {"tiny-Q8_0.gguf": tiny, "tiny-Q4_0.gguf": tiny}
    hub.add("maker/tiny-GGUF", files, license="mit")
    assert run("get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf")[1]["licence_change"] is None
    hub.add("maker/tiny-GGUF", files, license="openmdw-1.1")
    assert run("get", "hf:maker/tiny-GGUF/tiny-Q4_0.gguf")[1]["licence_change"]["now"] == "openmdw-1.1"


def test_two_licences_are_compared(run: Run) -> None:
    _, found, _ = run("licence", "llama-3.1-8b", "--compare", "apache-2.0")
    assert (found["left"]["licence"], found["right"]["licence"]) == ("llama3.1", "apache-2.0")
    assert set(found["differences"]) >= {"openness", "commercial", "share", "duties", "naming", "limits"}
    assert [point["what"] for point in found["points"] if point["differs"]] == found["differences"]
    duties = next(point for point in found["points"] if point["what"] == "duties")
    assert any("Built with Llama" in each for each in duties["left"])
    assert not any("Built with Llama" in each for each in duties["right"])
    status, refused, _ = run("licence", "llama3.1", "--compare", "no such thing")
    assert (status, refused["error"]["kind"]) == (1, "bad_reference")


def test_the_licence_of_a_model_not_of_its_family_or_tag(run: Run) -> None:
    _, distil, _ = run("licence", "r1-distill-llama-8b")
    assert "llama3.1" in distil["licence"]
    assert distil["openness"] == "conditions"
    _, by_id, _ = run("licence", "llama3.1")
    assert by_id["licence"] == "llama3.1"
    _, as_written, _ = run("licence", "Apache-2.0")
    assert as_written["licence"] == "apache-2.0"
    assert any("Built with Llama" in duty for duty in by_id["duties"])


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("fit", "nonsense"), "bad_reference"),
        (("fit", "n" * 300), "bad_reference"),
        (("get", "https://[::1/model.gguf"), "bad_reference"),
        (("get", "https:///model.gguf"), "bad_reference"),
        (("get", f"https://{'n' * 300}.org/model.gguf"), "bad_reference"),
        (("fit", "/nowhere/model.gguf"), "not_found"),
        (("licence", "/nowhere/model.gguf"), "not_found"),
        (("chat", "/nowhere/model.gguf", "-p", "Hi"), "not_found"),
        (("chat", "qwen3-8b", "-p", "Hi"), "not_here"),
        (("remove", "nonsense"), "bad_reference"),
        (("remove", "guide"), "forbidden"),
        (("get", "hf:maker/none/none.gguf"), "not_found"),
        (("get", "hf:maker/gated-GGUF/gated.gguf"), "gated"),
    ],
)
def test_a_stated_error_is_one_sentence_and_exit_1(
    run: Run, hub: HubServer, tiny: bytes, arguments: tuple[str, ...], kind: str
) -> None:
    hub.add("maker/gated-GGUF", {"gated.gguf": tiny}, gated=True)
    status, found, err = run(*arguments)
    assert status == 1
    assert found["error"]["kind"] == kind
    assert err.strip() == found["error"]["message"]


def test_bad_files_are_stated_errors(run: Run, tmp_path: Path, tiny: bytes) -> None:
    (tmp_path / "text.gguf").write_text("a letter to my grandmother")
    (tmp_path / "short.gguf").write_bytes(tiny[:-1000])
    gguf_files.write(
        tmp_path / "alien.gguf", "alien", {"block_count": 1, "context_length": 64, "embedding_length": 8}, {"a.weight": (8, 8)}
    )
    for name, kind in (("text", "not_gguf"), ("short", "truncated")):
        for command in (("fit",), ("chat", "-p", "Hi")):
            status, found, _ = run(command[0], str(tmp_path / f"{name}.gguf"), *command[1:])
            assert (status, found["error"]["kind"]) == (1, kind)
    status, found, _ = run("chat", str(tmp_path / "alien.gguf"), "-p", "Hi")
    assert (status, found["error"]["kind"]) == (1, "unknown_architecture")


def test_the_home_of_nobody_is_no_path_of_a_model(run: Run) -> None:
    for command in ("fit", "get"):
        status, found, _ = run(command, "~nobody-of-this-name/model.gguf")
        assert (status, found["error"]["kind"]) == (1, "not_found")


def test_offline_holds(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.json").write_text('{"offline": true, "hub_endpoint": "https://hub.example.org"}')
    status, found, _ = run("search", "qwen")
    assert (status, found["error"]["kind"], found["error"]["host"]) == (1, "offline", "hub.example.org")


def test_an_answer_of_before_names_who_cannot_be_asked(
    hub: HubServer, tiny: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("maker/Tiny-GGUF", {"Tiny-Q8_0.gguf": tiny})
    arguments = ["search", "tiny", *known(tmp_path / "home")]
    assert cli.run(arguments, lambda home: 99) == 0
    hub.faults.append(Fault("status", status=503, at="api"))
    capsys.readouterr()
    assert cli.run(arguments, lambda home: 99) == 0
    assert "127.0.0.1 cannot be asked now; this was found on" in " ".join(capsys.readouterr().err.split())


def test_a_home_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    status, found, _ = run("list")
    assert (status, found["error"]["kind"]) == (1, "not_writable")


def test_wrong_usage_is_exit_2_and_no_command_is_the_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["fit"], lambda home: 99) == 2
    assert cli.run(["nonsense"], lambda home: 99) == 2
    assert cli.run(["--version"], lambda home: 99) == 0
    assert __version__ in capsys.readouterr().out
    homes: list[Path | None] = []
    assert cli.run(["--home", str(tmp_path)], lambda home: homes.append(home) or 7) == 7
    assert homes == [tmp_path]


def test_a_model_file_alone_opens_the_window_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one without an ending; a command goes before a file of its name."""
    asked: list[object] = []
    home = tmp_path / "home"
    monkeypatch.setenv("ALCOVE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    for name in ("blob", "list", "open"):
        Path(name).touch()
    for line in (["gone.gguf"], ["blob"], ["open", "blob"], ["--home", "here", "/a/b.GGUF"]):
        assert cli.run(line, lambda home, file=None: asked.append((home, file)) or 7) == 7
    assert asked == [
        (home, Path("gone.gguf").absolute()),
        (home, Path("blob").absolute()),
        (home, Path("blob").absolute()),
        (Path("here"), Path("/a/b.GGUF")),
    ]
    assert cli.run(["list", "--home", str(tmp_path / "home")], lambda home, file=None: 99) == 0
    assert cli.run(["nothing"], lambda home, file=None: 99) == 2


def test_the_home_may_be_named_before_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*known(tmp_path / "here"), "doctor", "--json"], lambda home: 99) == 0
    assert json.loads(capsys.readouterr().out)["disk"]["models_dir"] == str(tmp_path / "here" / "models")


def test_people_see_tables_and_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = known(tmp_path / "home")
    for command in (
        ["doctor"],
        ["bench", "guide"],
        ["suggest"],
        ["fit", "qwen3-8b"],
        ["list"],
        ["licence", "llama-3.1-8b"],
        ["chat", "guide", "-p", "Hello"],
    ):
        assert cli.run([*command, *home], lambda home: 99) == 0, command
        printed = capsys.readouterr().out
        assert len(printed.strip()) > 20, command
        assert "{" not in printed


def test_a_table_in_a_pipe_is_not_cut(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "desktop", "suggest", "--all", *LAPTOP, "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0
    table, reasons = done.stdout.split("quick    ", 2)[1:]  # a row of the table begins so, and the first reason
    assert all(word in reasons for word in ("balanced", "best    ", "than you read", "alcove get ", "alcove doctor"))
    lines = [line.split() for line in table.splitlines()]
    assert all(len(line) >= 7 for line in lines)
    assert {"apache-2.0", "nvidia-open-model-license"} <= {line[-1] for line in lines}


@pytest.mark.skipif(os.name == "nt", reason="closed by a shell of Unix")
def test_output_may_be_closed(tmp_path: Path) -> None:
    command = f"'{sys.executable}' -m desktop list --home '{tmp_path / 'home'}' >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe with a name in a folder is a thing of Unix")
def test_a_pipe_is_no_file(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    status, found, _ = run("fit", str(tmp_path / "pipe.gguf"))
    assert (status, found["error"]["kind"]) == (1, "load_failed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full is a thing of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_said(tmp_path: Path, unbuffered: str) -> None:
    command = [sys.executable, "-m", "desktop", "list", "--json", "--home", str(tmp_path / "home")]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert (done.returncode, done.stderr) == (1, "The output could not be written: the disk is full.\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_bug(tmp_path: Path, unbuffered: str) -> None:
    command = [sys.executable, "-m", "desktop", "suggest", "--json", "--all", "--home", str(tmp_path / "home")]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_question_from_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "desktop", "chat", "guide", "-p", "-", "--home", str(tmp_path / "home")]
    done = subprocess.run(
        command, input="What is quantisation?", capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0
    assert "bits" in done.stdout
    assert done.stderr == ""


def test_every_character_passes_through_a_pipe(tmp_path: Path) -> None:
    narrow = {**os.environ, "PYTHONIOENCODING": "cp1252"}  # as a pipe has it on Windows
    command = [sys.executable, "-m", "desktop", "licence", "llama3.1", "--home", str(tmp_path)]
    said = subprocess.run(command, env=narrow, capture_output=True, check=True).stdout.decode("utf-8")
    assert "☐" in said
    nameless = os.fsencode(tmp_path) + b"/\xff.gguf"
    told = subprocess.run([*command[:3], "fit", nameless, "--home", str(tmp_path)], capture_output=True)
    assert told.returncode == 1
    assert b"Traceback" not in told.stderr


class Terminal:
    """A talk in a terminal of its own."""

    def __init__(self, model: str, home: Path, *options: str) -> None:
        self.screen, theirs = os.openpty()
        command = [sys.executable, "-m", "desktop", "chat", model, "--home", str(home), *options]
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.shown = b""

    def read_until(self, words: str) -> None:
        """Wait for `words`, and keep what was shown after them."""
        self.read_either(words)

    def read_either(self, *words: str) -> int:
        """Wait for one of these, keep what was shown after it, and tell which it was."""
        while not (came := [index for index, each in enumerate(words) if each.encode() in self.shown]):
            assert select.select([self.screen], [], [], 20)[0], f"waited for {words}, saw {self.shown[-500:]!r}"
            self.shown += os.read(self.screen, 1000)
            assert b"Traceback" not in self.shown
        self.shown = self.shown.partition(words[came[0]].encode())[2]
        return came[0]

    def type(self, words: str) -> None:
        os.write(self.screen, f"{words}\n".encode())

    def ends_with(self, every_s: float = 0.5) -> int:
        """Press Ctrl-C until it ends: Python's line editor overlooks one that comes in the moment before it waits."""
        for _ in range(round(20 / every_s)):
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(every_s)
                break
        os.close(self.screen)
        return self.process.wait(1)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_ctrl_c_at_the_prompt_ends_the_talk(tmp_path: Path) -> None:
    talk = Terminal("guide", tmp_path / "home")
    talk.read_until("›")
    assert talk.ends_with() == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_ctrl_c_by_someone_impatient_ends_it_the_same_way(tmp_path: Path) -> None:
    talk = Terminal("guide", tmp_path / "home")
    talk.read_until("›")
    assert talk.ends_with(every_s=0.02) == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_a_talk_outlives_its_engine(tmp_path: Path) -> None:
    talk = Terminal(str(models.write(tmp_path / "endless.gguf", models.WORDS)), tmp_path / "home")
    talk.read_until("›")
    talk.type("Hello")
    talk.read_until("word1 word2")
    for worker in psutil.Process(talk.process.pid).children():
        worker.kill()
    talk.read_until("stopped by itself")
    talk.read_until("›")
    talk.type("Hello again")
    talk.read_until("word1 word2")
    talk.process.send_signal(signal.SIGINT)
    talk.read_until("(stopped)")
    talk.read_until("›")
    assert talk.ends_with() == 130


@pytest.fixture
def fox(tmp_path: Path) -> str:
    """A model whose every letter is a token, and which says one sentence."""
    return str(models.write(tmp_path / "fox.gguf", ["The", " quick", " fox.", models.END]))


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_a_talk_that_is_too_long_asks_what_to_do(tmp_path: Path, fox: str) -> None:
    talk = Terminal(fox, tmp_path / "home", "--context", "1024")
    talk.read_until("›")
    for choice, told in (("f", "the newer part only"), ("s", "a summary of the older part: The quick fox.")):
        while True:
            talk.type("q" * 300)
            if talk.read_either("The quick fox.", "s[t]op?") == 1:
                break
            talk.read_until("›")
        talk.type("x")  # no choice
        talk.read_until("s[t]op?")
        talk.type(choice)
        talk.read_until(f"From now on the model reads {told}")
        talk.read_until("The quick fox.")
        talk.read_until("›")
    talk.type("q" * 1100)
    talk.read_until("s[t]op?")
    talk.type("f")
    talk.read_until("shorten it")
    talk.read_until("›")
    talk.type("Hello")
    talk.read_until("The quick fox.")
    assert talk.ends_with() == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_a_talk_makes_room_as_it_was_told_to(tmp_path: Path, fox: str) -> None:
    talk = Terminal(fox, tmp_path / "home", "--context", "1024", "--when-full", "summarise")
    for _ in range(4):
        talk.read_until("›")
        talk.type("q" * 300)
        talk.read_until("The quick fox.")
    talk.read_until("›")
    assert talk.ends_with() == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of one's own is a thing of Unix")
def test_an_answer_in_a_talk_goes_on_with_an_empty_line(tmp_path: Path) -> None:
    alphabet = models.write(tmp_path / "alphabet.gguf", models.ALPHABET)
    talk = Terminal(str(alphabet), tmp_path / "home", "--context", "256", "--max-tokens", "5")
    talk.read_until("›")
    talk.type("Hello")
    talk.read_until("abcde")
    talk.read_until("An empty line lets it go on.")
    talk.read_until("›")
    talk.type("")
    talk.read_until("fghij")
    talk.read_until("›")
    assert talk.ends_with() == 130


def test_an_answer_that_fills_the_memory_is_told(run: Run, tmp_path: Path) -> None:
    endless = str(models.write(tmp_path / "endless.gguf", models.WORDS))
    status, reply, _ = run("chat", endless, "--context", "256", "-p", "Hi")
    assert (status, reply["finish"], reply["memory_full"]) == (0, "length", True)
    status, reply, _ = run("chat", endless, "--context", "256", "--max-tokens", "3", "-p", "Hi")
    assert (status, reply["finish"], reply["memory_full"]) == (0, "length", False)
    status, told, complaint = run("chat", endless, "--context", "256", "-p", "Hi " * 100)
    assert (status, told["error"]["kind"], told["error"]["context"]) == (1, "context_full", 256)
    assert "too long" in complaint


def test_progress_in_json_lines(tmp_path: Path, hub: HubServer, tiny: bytes) -> None:
    hub.add("maker/tiny-GGUF", {"tiny-Q8_0.gguf": tiny})
    command = [sys.executable, "-m", "desktop", "get", "hf:maker/tiny-GGUF/tiny-Q8_0.gguf", "--progress", "json"]
    done = subprocess.run([*command, "--home", str(tmp_path / "home")], capture_output=True, text=True)
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[-1]["done_bytes"] == lines[-1]["size_bytes"] == len(tiny)
    assert all(set(line) == {"done_bytes", "size_bytes", "bytes_per_s"} for line in lines)


def test_the_window_does_not_wait_for_what_the_command_line_needs() -> None:
    program = """
import sys
import desktop.ui
from desktop.__main__ import main
desktop.ui.run = lambda home, file: print(home, file, "typer" in sys.modules) or 0
sys.argv = ["alcove"]
sys.exit(main())
"""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "None None False\n"
