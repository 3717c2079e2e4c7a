import pickle

from desktop.errors import AlcoveError, DiskFull, EngineCrashed, NotGguf


def test_the_sentence_shows_bytes_as_people_read_them() -> None:
    error = DiskFull(needed_bytes=9_100_000_000, free_bytes=6_200_000_000, folder="/models")
    assert "9.1 GB" in str(error)
    assert "6.2 GB" in str(error)
    assert error.facts == {"needed_bytes": 9_100_000_000, "free_bytes": 6_200_000_000, "folder": "/models"}


def test_the_kind_is_stable_in_json() -> None:
    assert EngineCrashed(code=-9).kind == "engine_crashed"
    assert NotGguf(path="a.gguf").kind == "not_gguf"


def test_every_class_is_drawn_in_the_tree() -> None:
    import desktop.errors

    def below(cls: type[AlcoveError]) -> set[str]:
        own = [c for c in cls.__subclasses__() if c.__module__ == cls.__module__]  # tests make some of their own
        return {cls.__name__}.union(*(below(c) for c in own))

    missing = {name for name in below(AlcoveError) if name not in (desktop.errors.__doc__ or "")}
    assert not missing


def test_errors_cross_a_process_border() -> None:
    error = pickle.loads(pickle.dumps(EngineCrashed(code=-9)))
    assert (error.kind, error.facts) == ("engine_crashed", {"code": -9})
