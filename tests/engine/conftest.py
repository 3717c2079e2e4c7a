"""The engine in its real process."""

from collections.abc import Iterator

import psutil
import pytest

from desktop.engine.local import LocalEngine


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    """Closed at the end, when no process may be left."""
    engine = LocalEngine()
    yield engine
    engine.close()
    assert psutil.Process().children(recursive=True) == []
