"""Where rules are read from, which of them goes first, and that what cannot be read allows nothing."""

import json
import os
import plistlib
import stat
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop import licences, paths, policy
from desktop.errors import Corrupt
from desktop.policy import Policy, Source, sources
from desktop.settings import Settings
from tests.registry import KEY, Registry


def read(registry: Registry) -> Policy:
    return Policy(tuple(sources.of_registry(registry)))


def put(folder: Path, content: object, name: str = "policy.json") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


# --- files ----------------------------------------------------------------------------------------------------------------------


def test_of_several_files_the_first_one_holds_and_the_contradiction_is_told(tmp_path: Path) -> None:
    put(tmp_path, {"locked": {"offline": True}, "defaults": {"theme": "dark"}})
    put(tmp_path, {"locked": {"offline": False, "text_scale": 1.25}, "defaults": {"theme": "light"}}, "policy.d/10.json")
    holds = policy.read(tmp_path)
    assert dict(holds.decided.locked) == {"offline": True, "text_scale": 1.25}
    assert dict(holds.decided.defaults) == {"theme": "dark"}
    assert holds.locks == {
        "offline": str(tmp_path / "policy.json"),
        "text_scale": str(tmp_path / "policy.d" / "10.json"),
    }
    (told,) = policy.problems(holds, licences.load())
    assert (
        told
        == f"{tmp_path / 'policy.d' / '10.json'}: offline is locked to another value in {tmp_path / 'policy.json'}, which holds"
    )


def test_what_is_not_a_setting_is_the_strictest_that_was_said(tmp_path: Path) -> None:
    put(tmp_path, {"retention_days": 90, "pictures": False, "shared_folders": ["/srv/a"], "banner": "One"})
    put(
        tmp_path,
        {"retention_days": 30, "pictures": True, "shared_folders": ["/srv/b", "/srv/a"], "banner": "Two"},
        "policy.d/1.json",
    )
    holds = policy.read(tmp_path)
    assert (holds.retention_days, holds.allows("pictures"), holds.banner) == (30, False, "One")
    assert holds.shared_folders == ("/srv/a", "/srv/b")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"telemetry": false}', "there is no telemetry in Alcove"),
        (b'{"locked": {"Telemetry_level": 0}}', "there is no telemetry in Alcove"),
        (b'{"locked": {"ofline": true}}', "no key “ofline” in “locked”; perhaps “offline” is meant"),
        (b'{"locked": {"allowedHosts": []}}', "perhaps “allowed_hosts” is meant"),
        (b'{"offline": true}', "“offline” is a setting, which belongs in “locked” or in “defaults”"),
        (b'{"locked": {"banner": "x"}}', "“banner” does not belong in “locked” but beside it"),
        (b'{"models": {"allow": [{"license": "mit"}]}}', "in “models.allow[0]”; perhaps “licence” is meant"),
        (b'{"models": {"allow": []}}', "“models.allow” is empty"),
        (b'{"licences": [{"licence": "mit", "text": "x"}]}', "“licences[0]” lacks the key “decision”"),
        (b'{"licences": [{"licence": "mit", "text": "x", "decision": "approved", "date": "1.3."}]}', "such as 2026-03-01"),
        (b'{"locked": {"offline": "yes"}}', "“locked.offline” has to be true or false"),
        (b'{"locked": {"offline": 1}}', "“locked.offline” has to be true or false"),
        (b'{"locked": {"allowed_hosts": "a.example"}}', "“locked.allowed_hosts” has to be a list"),
        (b'{"locked": {"window": "x"}}', "no key “window” in “locked”"),
        (b'{"defaults": {"theme": "pink"}}', "cannot be “pink”, but “contrast”, “dark”, “light” or “system”"),
        (b'{"locked": {"text_scale": 40}}', "at most 3.0"),
        (b'{"locked": {"offline": true}, "locked": {}}', "“locked” is twice"),
        (b'{"locked": {"offline": true, "offline": false}}', "“offline” is twice"),
        (b'{"banner": "x",\r\n"retention_days": 5,\r\n}', "trailing comma in object in line 3"),
        (b'{"banner": "a\0b"}', "invalid character in line 1"),
        (b"", "nothing is in it"),
        (b"[]", "all of it has to be a group"),
        (b'{"local_server": true}', "can only be false"),
        (b'{"retention_days": 0}', "“retention_days” has to be at least 1"),
        (b'{"banner": "' + b"x" * 301 + b'"}', "“banner” has to be at most 300 letters long"),
        (b'{"locked": ' * 100_000, ""),
        (b'{"models": ' + b"[" * 100_000, ""),
        ('{"banner": "für alle"}'.encode("latin-1"), "it is not in UTF-8"),
        ("{}".encode("utf-16"), "it is in UTF-16; save it in UTF-8"),
        (b"{}" + b" " * 10_000_000, "larger than any policy"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_keeps_alcove_offline(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_bytes(content)
    holds = policy.read(tmp_path)
    assert dict(holds.decided.locked) == {"offline": True}
    assert why in holds.broken
    assert str(tmp_path / "policy.json") in holds.locks["offline"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "policy.json")
    assert "it is no file" in policy.read(tmp_path).broken
    for place in ("/dev/zero", "nowhere"):
        (tmp_path / "policy.json").unlink()
        (tmp_path / "policy.json").symlink_to(place)
        assert policy.read(tmp_path).broken


def test_a_file_may_be_as_large_as_is_said(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_bytes(b"{}" + b" " * (sources.LARGEST_BYTES - 2))
    assert not policy.read(tmp_path).broken


def test_one_broken_file_of_several_is_enough(tmp_path: Path) -> None:
    put(tmp_path, {"locked": {"theme": "dark"}})
    put(tmp_path, {"lokced": {}}, "policy.d/50.json")
    assert dict(policy.read(tmp_path).decided.locked) == {"offline": True}


def test_a_mark_before_utf_8_is_what_editors_write(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_bytes(b'\xef\xbb\xbf{"banner": "F\xc3\xbcr alle"}')
    assert policy.read(tmp_path).banner == "Für alle"


def test_a_folder_that_may_not_be_looked_into_may_hold_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(sources.os, "lstat", refuse)
    assert "Permission denied" in policy.read(tmp_path).broken
    monkeypatch.undo()
    (tmp_path / "policy.json").mkdir()
    assert policy.read(tmp_path).broken


@pytest.mark.skipif(sys.platform == "win32", reason="files of Windows have no such rights")
def test_a_file_that_the_person_can_change_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"banner": "x"})
    monkeypatch.setattr(sources.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sources.os, "access", lambda path, mode: bool(Path(path).stat().st_mode & stat.S_IWOTH))
    tmp_path.chmod(0o755)
    (tmp_path / "policy.json").chmod(0o644)
    assert policy.problems(policy.read(tmp_path), licences.load()) == []
    (tmp_path / "policy.json").chmod(0o666)
    (told,) = policy.problems(policy.read(tmp_path), licences.load())
    assert "only an administrator" in told
    monkeypatch.setattr(sources.os, "geteuid", lambda: 0)
    assert policy.problems(policy.read(tmp_path), licences.load()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="files of Windows have no such rights")
def test_a_file_that_the_person_could_add_allows_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"models": {"allow": [{"openness": "free"}], "deny": [{"use": "commercial"}]}})
    word = {"licence": "cc-by-nc-4.0", "decision": "approved", "text": "Said I."}
    put(tmp_path, {"models": {"allow": [{"openness": "conditions"}]}, "licences": [word]}, "policy.d/00.json")
    put(tmp_path, {"banner": "x"}, "elsewhere/linked.json")
    (tmp_path / "policy.d" / "99.json").symlink_to(tmp_path / "elsewhere" / "linked.json")
    known = licences.load()
    about = policy.About(known.rule(licences.Evidence(catalogue=("llama3.2",))))
    monkeypatch.setattr(sources.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sources.os, "access", lambda path, mode: Path(path).name in ("policy.d", "elsewhere"))
    holds = policy.read(tmp_path)
    assert [(Path(each.where).name, each.machine) for each in holds.sources] == [
        ("policy.json", True),
        ("00.json", False),
        ("99.json", False),
    ]
    assert holds.refusal(about)
    monkeypatch.setattr(sources.os, "access", lambda path, mode: Path(path).name == "elsewhere")
    assert [each.machine for each in policy.read(tmp_path).sources] == [True, True, False]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"locked": {"hub_endpoint": "models.example"}}, ["“models.example” is not the address of a Hub"]),
        ({"locked": {"hub_endpoint": "https://me:pw@models.example"}}, ["is not the address of a Hub"]),
        ({"locked": {"hub_endpoint": "https://a.example/hub/"}, "defaults": {"proxy": "none"}}, []),
        ({"locked": {"proxy": "proxy.example:x"}}, ["is not the address of a proxy"]),
        ({"locked": {"proxy": "http://proxy.example/proxy.pac"}}, ["is not the address of a proxy"]),
        ({"defaults": {"proxy": "proxy.example"}}, ["has no port"]),
        ({"locked": {"proxy": "http://me:pw@c.example:3128"}}, ["a password does not belong"]),
        ({"locked": {"hub_endpoint": "https://a.example", "allowed_hosts": ["b.example"]}}, ["models come from a.example"]),
        ({"locked": {"hub_endpoint": "https://a.b.example", "allowed_hosts": ["*.b.example", "::1", "10.0.0.1"]}}, []),
        ({"locked": {"allowed_hosts": ["a.example"]}}, ["models come from huggingface.co"]),
        ({"locked": {"allowed_hosts": ["a.example"], "offline": True}}, []),
        ({"locked": {"allowed_hosts": ["huggingface.co"]}}, ["without *.hf.co"]),
        ({"locked": {"allowed_hosts": ["huggingface.co", "*.hf.co"]}}, []),
        *(
            ({"locked": {"allowed_hosts": [host], "offline": True}}, [f"“{host}” is no name of a host"])
            for host in ("https://a.example", "a.example:443", "*", "a.example/", " a.example", "*.a.*", "")
        ),
        ({"locked": {"models_dir": "models", "ca_file": "ca.pem"}}, ["models_dir: “models” is no whole", "ca_file: “ca.pem”"]),
        ({"locked": {"models_dir": "%ProgramData%\\m"}, "shared_folders": ["m"]}, ["“%ProgramData%", "shared_folders: “m”"]),
        ({"locked": {"models_dir": "D:\\m", "ca_file": "/etc/ca.pem"}, "shared_folders": ["/srv", "\\\\server\\m"]}, []),
        ({"locked": {"models_dir": "~/Models"}}, []),
        ({"locked": {"catalogue_keys": ["key"]}}, ["“key” is no public key"]),
        ({"locked": {"catalogue_keys": ["A" * 43 + "="]}}, []),
        ({"models": {"allow": [{"licence": "apache-2.0", "openness": "conditions"}]}}, ["there are none"]),
        ({"models": {"allow": [{"licence": "apache-2.0", "openness": "free"}]}}, []),
        ({"models": {"deny": [{"licence": "apache"}]}}, ["there is no licence “apache”"]),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_before_it_is_rolled_out(content: object, told: list[str], tmp_path: Path) -> None:
    put(tmp_path, content)
    found = policy.problems(policy.read(tmp_path), licences.load(), in_force=False)
    assert len(found) == len(told), found
    assert all(part in whole for part, whole in zip(told, found, strict=True)), found


def test_what_is_not_on_this_computer_is_told_where_the_rules_hold(tmp_path: Path) -> None:
    put(tmp_path, {"locked": {"ca_file": str(tmp_path / "ca.pem")}, "shared_folders": [str(tmp_path / "m"), str(tmp_path)]})
    told = policy.problems(policy.read(tmp_path), licences.load())
    assert [str(tmp_path / "m") in told[0], str(tmp_path / "ca.pem") in told[1], len(told)] == [True, True, 2]
    (tmp_path / "ca.pem").write_bytes(Path(__file__).with_name("localhost.pem").read_bytes())
    (tmp_path / "m").mkdir()
    assert policy.problems(policy.read(tmp_path), licences.load()) == []


# --- the person's own -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the person's own file is one of Linux")
def test_neither_home_nor_environment_lift_what_the_machine_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "user_policy", paths.user_policy)
    machine = {
        "locked": {"offline": True, "theme": "dark"},
        "models": {"allow": [{"openness": "free"}], "deny": [{"use": "commercial"}]},
    }
    put(tmp_path / "etc", machine)
    for name in ("ALCOVE_HOME", "ALCOVE_POLICY", "HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS"):
        monkeypatch.setenv(name, str(tmp_path / "own"))
    lifting = {
        "locked": {"offline": False, "text_scale": 1.5},
        "models": {"allow": [{"openness": "free"}, {"openness": "conditions"}]},
        "licences": [{"licence": "cc-by-nc-4.0", "decision": "approved", "text": "Said I."}],
    }
    put(tmp_path / "own", lifting)  # in none of these places
    put(tmp_path / "own", lifting, "etc/alcove/policy.json")
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
    assert len(policy.read().sources) == 1
    put(tmp_path / "own", lifting, "alcove/policy.json")  # rules of the person's own
    holds = policy.read()
    assert [source.machine for source in holds.sources] == [True, False]
    assert dict(holds.decided.locked) == {"offline": True, "theme": "dark", "text_scale": 1.5}
    assert any("approvals do not count" in each for each in policy.problems(holds, licences.load()))
    known = licences.load()
    for licence in ("llama3.2", "cc-by-nc-4.0"):
        assert holds.refusal(policy.About(known.rule(licences.Evidence(catalogue=(licence,)))))
    assert not holds.refusal(policy.About(known.rule(licences.Evidence(catalogue=("mit",)))))


def test_what_a_person_allows_is_a_further_limit() -> None:
    known = licences.load()
    machine = policy.Content(models=policy.Models(allow=(policy.Rule(openness="free"), policy.Rule(openness="full"))))
    own = policy.Content(models=policy.Models(allow=(policy.Rule(licence="apache-2.0"),)))
    holds = Policy((Source("machine", machine), Source("own", own, machine=False)))
    found = holds.decision(policy.About(known.rule(licences.Evidence(catalogue=("mit",)))))
    assert found
    assert found.where == "own"
    assert not holds.refusal(policy.About(known.rule(licences.Evidence(catalogue=("apache-2.0",)))))


def test_an_approval_of_the_persons_own_lifts_nothing() -> None:
    known = licences.load()
    about = policy.About(known.rule(licences.Evidence(catalogue=("cc-by-nc-4.0",))))
    machine = policy.Content(models=policy.Models(deny=(policy.Rule(use="commercial"),)))
    word = policy.Verdict(licence="cc-by-nc-4.0", decision="approved", text="Said I.")
    approved = policy.Content(licences=(word,))
    assert Policy((Source("machine", machine), Source("own", approved, machine=False))).refusal(about)
    assert not Policy((Source("machine", machine), Source("more", approved))).refusal(about)
    refused = policy.Content(licences=(msgspec.structs.replace(word, decision="refused"),))
    assert Policy((Source("machine", policy.Content()), Source("own", refused, machine=False))).refusal(about)


def test_the_machine_goes_first_in_whatever_order_places_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Source("own", policy.Content(banner="Own"), machine=False)
    monkeypatch.setattr(sources, "here", lambda folder: iter((own, Source("machine", policy.Content(banner="Theirs")))))
    assert policy.read().banner == "Theirs"


def test_a_persons_own_rules_add_no_folder_where_the_machine_says_which_are_read() -> None:
    own = Source("own", policy.Content(shared_folders=("/mine",)), machine=False)
    theirs = msgspec.convert({"locked": {"more_folders": []}, "shared_folders": ["/srv"]}, policy.Content)
    assert Policy((Source("machine", theirs), own)).shared_folders == ("/srv",)
    assert Policy((own,)).shared_folders == ("/mine",)


def test_a_blank_banner_is_none() -> None:
    assert Policy((Source("a", policy.Content(banner=" \n")), Source("b", policy.Content(banner="B")))).banner == "B"


# --- the registry ---------------------------------------------------------------------------------------------------------------


def test_the_registry_says_all_that_a_file_can() -> None:
    machine = {
        "banner": "Internal",
        "retention_days": 30,
        "catalogue_updates": 0,
        "locked": {
            "Offline": 0,
            "theme": "dark",
            "text_scale": "1.25",
            "speed_limit": 1000,
            "allowed_hosts": {"1": "a.example", "10": "c.example", "2": "b.example"},
        },
        "defaults": {"keep_ready": 1},
        "models": ['{"deny":', '[{"maker": "Meta"}]}'],
        "licences": '[{"licence": "gemma", "decision": "approved", "text": "Said Legal."}]',
        "shared_folders": {"1": "D:\\Models"},
    }
    holds = read(Registry(machine, {"locked": {"theme": "light", "avoid_metered": 1}, "banner": "Own"}))
    assert dict(holds.decided.locked) == {
        "offline": False,
        "theme": "dark",
        "text_scale": 1.25,
        "speed_limit": 1000,
        "allowed_hosts": ["a.example", "b.example", "c.example"],
        "avoid_metered": True,
    }
    assert holds.locks["theme"] == rf"HKLM\{KEY}"
    assert holds.locks["avoid_metered"] == rf"HKCU\{KEY}"
    assert (holds.banner, holds.retention_days, holds.allows("catalogue_updates")) == ("Internal", 30, False)
    assert holds.shared_folders == ("D:\\Models",)
    assert holds.sources[0].content.models.deny[0].maker == "Meta"
    assert holds.sources[0].content.licences[0].licence == "gemma"


def test_keys_that_a_policy_left_behind_say_nothing() -> None:
    assert read(Registry()) == Policy()
    assert read(Registry({}, {})) == Policy()
    assert dict(read(Registry({"locked": {"allowed_hosts": {}}})).decided.locked) == {}


@pytest.mark.parametrize(
    "machine",
    [
        {"locked": {"offline": 2}},
        {"locked": {"offline": b"\1"}},
        {"locked": {"theme": 1}},
        {"locked": {"allowed_hosts": "a.example"}},
        {"lokced": {"offline": 1}},
        {"models": "{"},
        {"models": '{"deny": [{"maker": "Meta"}], "deny": []}'},
        {"models": '{"deny": 1}'},
        {"local_server": 1},
        {"": "a default value"},
    ],
)
def test_a_registry_that_cannot_be_understood_is_told(machine: dict[str, Any]) -> None:
    with pytest.raises(Corrupt, match="HKLM"):
        read(Registry(machine))


def test_a_key_that_may_not_be_read_allows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(Registry):
        def OpenKey(self, *_: object) -> "Registry.Key":
            raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(sources, "here", lambda folder: sources.of_registry(Closed()))
    holds = policy.read()
    assert "Access is denied" in holds.broken
    assert dict(holds.decided.locked) == {"offline": True}


# --- managed preferences --------------------------------------------------------------------------------------------------------


def test_managed_preferences_of_the_computer_come_before_those_of_the_person(tmp_path: Path) -> None:
    (tmp_path / "me").mkdir()
    machine = {"locked": {"offline": True, "allowed_hosts": ["a.example"]}, "models": {"deny": [{"maker": "Meta"}]}}
    (tmp_path / "org.alcove.Alcove.plist").write_bytes(plistlib.dumps(machine, fmt=plistlib.FMT_BINARY))
    (tmp_path / "me" / "org.alcove.Alcove.plist").write_bytes(plistlib.dumps({"locked": {"offline": False, "theme": "dark"}}))
    holds = Policy(tuple(sources.of_preferences(tmp_path, "me")))
    assert dict(holds.decided.locked) == {"offline": True, "allowed_hosts": ["a.example"], "theme": "dark"}
    assert [source.machine for source in holds.sources] == [True, False]
    assert list(sources.of_preferences(tmp_path / "nowhere", "me")) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"<key>a</key>",
        b'<?xml version="1.0" encoding="UT"?><plist/>',
        b"bplist00\xff",
        b"<plist><dict><key>locked</key></plist>",
        b"<plist><array/></plist>",
    ],
)
def test_preferences_that_cannot_be_read_are_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "org.alcove.Alcove.plist").write_bytes(content)
    with pytest.raises(Corrupt, match="org.alcove.Alcove.plist"):
        list(sources.of_preferences(tmp_path, "me"))


# --- where each value comes from ------------------------------------------------------------------------------------------------


def test_each_value_is_told_with_its_origin(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"locked": {"offline": True}, "defaults": {"theme": "dark", "on_close": "stop"}, "retention_days": 5, "updates": False},
    )
    held = {
        each.key: (each.value, each.from_, each.locked)
        for each in policy.values(policy.read(tmp_path), {"offline": False, "theme": "light"}, "settings.json")
    }
    file = str(tmp_path / "policy.json")
    assert held["offline"] == (True, file, True)
    assert held["theme"] == ("light", "settings.json", False)
    assert held["on_close"] == ("stop", file, False)
    assert held["proxy"] == ("", "built in", False)
    assert held["retention_days"] == (5, file, True)
    assert held["updates"] == (False, file, True)
    assert held["local_server"] == (False, "built in", False)
    assert held["pictures"] == (True, "built in", False)


def test_every_setting_is_the_organisations_or_the_persons_alone() -> None:
    """A new setting has to be thought about: with a description it can be locked, else it stands in this list."""
    own = {
        "moving_from",
        "panel_open",
        "last_model",
        "context",
        "contexts",
        "goals",
        "kv_types",
        "thinking",
        "token_kept",
        "window",
    }
    decided = {each.key for each in policy.values(Policy(), {}, "")}
    assert set(Settings.__struct_fields__) - decided == own
