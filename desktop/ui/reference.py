"""Model references as the pages compare them: which download belongs to which file."""

from desktop.downloads import same, without_commit
from desktop.library import LocalModel

__all__ = ["reference_of", "same", "without_commit"]


def reference_of(model: LocalModel) -> str:
    """What to ask for to go on with an unfinished file: what was asked for then, else its place on the Hub."""
    return model.reference or (f"hf:{model.repo}/{model.file}" if model.repo and model.file else model.id)
