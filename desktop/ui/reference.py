"""Model references as the pages compare them: which download belongs to which file."""

from desktop.library import LocalModel


def reference_of(model: LocalModel) -> str:
    """What to ask for to go on with an unfinished file: what was asked for then, else its place on the Hub."""
    return model.reference or (f"hf:{model.repo}/{model.file}" if model.repo and model.file else model.id)


def without_commit(reference: str) -> str:
    """A reference without the commit that pins a file on the Hub: both mean the same download."""
    return reference.rpartition("@")[0] or reference if reference.startswith("hf:") else reference


def same(one: str, other: str) -> bool:
    """Whether two references mean the same download."""
    return without_commit(one) == without_commit(other)
