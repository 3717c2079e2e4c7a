"""What opening a model would take, found by the engine itself without opening it: it lays everything out and allocates nothing.

The weights need not be there: a file with the real header and a hole for the rest is enough.
"""

import os

from desktop.engine import LoadOptions, buffers, loading, wire
from desktop.engine.llama import Log, context_params, llama, model_params
from desktop.errors import EngineCrashed
from desktop.hardware import memory


def measure(options: LoadOptions, log: Log) -> wire.Measured:
    """What load() with these options would allocate. Raises UnknownArchitecture, WillNotFit, LoadFailed.

    And EngineCrashed where this build does not tell; may end the process.
    """
    log.clear()
    free_bytes = memory.read().available_bytes
    if options.gpu_layers == 0:  # a recurrent state is allocated even now, and nobody knows what a bad header asks for
        loading.fence_in(free_bytes)
    params = model_params(options)
    params.no_alloc = True
    params.load_mode = 0  # it would map the hole, which aborts the process
    model = llama.llama_model_load_from_file(os.fsencode(options.path), params)
    context = llama.llama_init_from_model(model, context_params(options, model)) if model else None
    if not context:
        raise log.failure(options.path, free_bytes)
    found = buffers.read(context, log)
    if not found:
        raise EngineCrashed(code=None, why="this build does not tell what it reserves")
    return wire.Measured(found)
