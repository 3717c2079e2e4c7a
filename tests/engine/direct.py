"""A model opened in this process instead of the engine's: for programs that look inside."""

import ctypes

from desktop.engine import LoadOptions, wire
from desktop.engine.llama import Log
from desktop.engine.model import Model
from desktop.engine.threads import counts
from desktop.hardware import cpu


def open_model(options: LoadOptions) -> Model:
    """The model that these options name, with the threads that it would have."""
    return Model(wire.Load(options, counts(cpu.read(), options.threads)), ctypes.c_int(0), Log(), lambda _: None)
