from pathlib import Path

import pytest

from desktop import settings
from desktop.errors import NotWritable
from desktop.paths import Paths


def test_what_is_saved_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings.save(settings.Settings(theme="dark", text_scale=1.25, offline=True), path)
    assert settings.load(path) == settings.Settings(theme="dark", text_scale=1.25, offline=True)
    assert not list(tmp_path.glob("*.new"))


def test_what_was_chosen_for_a_model(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    chosen = settings.Settings(contexts={"m": 4096}, goals={"m": "long"}, kv_types={"m": "q8_0"})
    settings.save(chosen, path)
    assert settings.load(path) == chosen
    path.write_text('{"goals": {"m": "world peace"}, "kv_types": {"m": "q8_0"}}')
    assert settings.load(path) == settings.Settings(kv_types={"m": "q8_0"})


def test_a_length_of_conversation_is_a_number_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for impossible in (-1, 1 << 31):
        path.write_text(f'{{"context": {impossible}, "contexts": {{"m": {impossible}}}, "offline": true}}')
        assert settings.load(path) == settings.Settings(offline=True)


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "settings.json") == settings.Settings()


def test_a_file_of_someone_else(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()  # as good as one that may not be read, for root may read all
    with pytest.raises(NotWritable, match=r"settings\.json"):
        settings.load(tmp_path / "settings.json")


def test_one_bad_value_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "purple", "offline": true, "text_scale": 1.25, "from_the_future": [1]}')
    assert settings.load(path) == settings.Settings(offline=True, text_scale=1.25)
    assert "purple" in (tmp_path / "settings.unreadable.json").read_text()


@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"[1, 2]", b"\xff\xfe"])
def test_an_unreadable_file_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert settings.load(path) == settings.Settings()
    assert (tmp_path / "settings.unreadable.json").read_bytes() == content


def test_a_place_that_cannot_be_written_is_a_stated_error(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        settings.save(settings.Settings(), tmp_path / "nowhere" / "settings.json")


def test_models_lie_below_the_home_unless_chosen(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert settings.models_dir(settings.Settings(), paths) == tmp_path / "models"
    assert settings.models_dir(settings.Settings(models_dir="/disk/models"), paths) == Path("/disk/models")
