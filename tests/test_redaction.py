"""What is taken out of texts for support: people, computers, folders, secrets; and what is left as it is."""

import getpass
import socket
from pathlib import Path

import pytest

from desktop import redaction


@pytest.fixture
def of_anna(monkeypatch: pytest.MonkeyPatch) -> redaction.Redaction:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/anna müller"))
    monkeypatch.setattr(getpass, "getuser", lambda: "amu")
    monkeypatch.setattr(socket, "gethostname", lambda: "laptop-77.corp.example")
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, "amu")
    monkeypatch.setenv("USERDOMAIN", "ACME")
    monkeypatch.setenv("HF_TOKEN", "not-of-the-usual-shape")
    return redaction.of_here({"<alcove>": Path("/srv/alcove-home")})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/home/anna müller/models/x.gguf", "~/models/x.gguf"),
        ("file:///home/anna%20m%C3%BCller/x", "file://~/x"),
        ("/srv/alcove-home/logs", "<alcove>/logs"),
        ("/home/berta/x and C:\\Users\\Berta\\x", "/home/<user>/x and C:\\Users\\<user>\\x"),
        ("by AMU on LAPTOP-77, laptop-77.corp.example", "by <user> on <computer>, <computer>"),
        ("amusing", "amusing"),
        ("amu_backup.zip in acme", "<user>_backup.zip in <domain>".replace("<domain>", "<computer>")),
        ("http://u:p@proxy:80/ and //x@y", "http://<login>@proxy:80/ and //<login>@y"),
        ("token not-of-the-usual-shape hf_AbCdEf123", "token <token> <token>"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer <token>"),
        ("write to anna@example.org", "write to <address>"),
        ("qwen3-8b:Q4_K_M, 5 GB, v0.1.0", "qwen3-8b:Q4_K_M, 5 GB, v0.1.0"),
        ("hf:owner/repo/f.gguf@main", "hf:owner/repo/f.gguf@main"),
    ],
)
def test_texts(of_anna: redaction.Redaction, before: str, after: str) -> None:
    assert of_anna.text(before) == after


def test_values_with_all_that_is_in_them(of_anna: redaction.Redaction) -> None:
    assert of_anna.value({"amu": ["/home/anna müller", 3, None], "x": ("amu",)}) == {"<user>": ["~", 3, None], "x": ["<user>"]}


def test_a_name_that_is_a_word_of_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "model")
    monkeypatch.setattr(getpass, "getuser", lambda: "x")
    assert redaction.of_here().text("a model with x") == "a model with x"
