"""What llama.cpp has reserved, or in a dry run would reserve, on each device: its own sums, exact to the byte.

They come from `llama_get_memory_breakdown`, which gives a C++ map from kinds of buffers to bytes of weights, of memory of the
conversation and of workspace. Such a map is read here as the standard library of each system lays it out, and believed only when
its workspace is the one that the log tells. Reading it where it is laid out in another way may end the process, so this is for a
dry run; about an open model, only where the layout has been seen to hold (SEEN), and elsewhere the log has to do. What of the
conversation's memory is the state of recurrent layers is told nowhere but in the log, in hundredths of a MiB.
"""

import ctypes
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from desktop.engine import reserved
from desktop.engine.llama import Log, library, llama
from desktop.shape import DeviceMemory

SEEN = ("linux",)
PROCESSOR = (0, 3, 4)  # ggml_backend_dev_type: the processor and its helpers, which have no memory of their own
STATE = re.compile(r"(\S+) +(?:RS|DSV4 \S+ state) buffer size = +([\d.]+) MiB")


class _Map(NamedTuple):
    """Where things are in a std::map and in its nodes, in words of 8 bytes; the pair of key and value begins at word 4."""

    function: str
    root: int
    left: int
    right: int


_ITANIUM = "_Z26llama_get_memory_breakdownPK13llama_context"
_MSVC = (
    "?llama_get_memory_breakdown@@YA?AV?$map@PEAUggml_backend_buffer_type@@Ullama_memory_breakdown_data@@"
    "U?$less@PEAUggml_backend_buffer_type@@@std@@V?$allocator@U?$pair@QEAUggml_backend_buffer_type@@"
    "Ullama_memory_breakdown_data@@@std@@@4@@std@@PEBUllama_context@@@Z"
)
MAP = {
    "linux": _Map(_ITANIUM, root=2, left=2, right=3),  # libstdc++
    "darwin": _Map(_ITANIUM, root=1, left=0, right=1),  # libc++
    "win32": _Map(_MSVC, root=0, left=0, right=2),  # here the first word leads to a node that leads to the root
}


class _Words(ctypes.Structure):
    """Room for a map: more than two words, so that every system returns it through memory."""

    _fields_ = [("words", ctypes.c_size_t * 6)]


def read(context: Any, log: Log) -> tuple[DeviceMemory, ...]:
    """The memory of an open model and its context, the processor's first; () where the build does not tell."""
    base, ggml = library("ggml-base"), library("ggml")
    devices: dict[str, list[int]] = {"CPU": [0, 0, 0]}
    owner = {}
    for buffer, *sizes in _breakdown(context):
        owner[_name(base, "buft", buffer)] = name = _device(base, buffer)
        devices[name] = [old + new for old, new in zip(devices.get(name, [0, 0, 0]), sizes, strict=True)]
    told_bytes, tolerance_bytes = reserved.computed(log.buffers)
    if not owner or abs(sum(compute for _, _, compute in devices.values()) - told_bytes) > tolerance_bytes:
        return ()
    states = dict.fromkeys(devices, 0)
    for buffer_name, mebibytes in STATE.findall("".join(log.buffers)):
        states[owner.get(buffer_name, "CPU")] += round(float(mebibytes) * 2**20)
    keys = any(" KV buffer size = " in line for line in log.buffers)
    output = 4 * llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(llama.llama_get_model(context)))
    found = []
    for name, (weights, memory, compute) in devices.items():
        state = min(memory, states[name]) if keys else memory
        found.append(DeviceMemory(name, weights, memory - state, state, compute, output if name == "CPU" else 0))
    order = ["CPU", *_devices(ggml, base)]
    used = (device for device in found if device.total_bytes or device.name == "CPU")
    return tuple(sorted(used, key=lambda device: order.index(device.name)))


def of_open_model(context: Any, log: Log) -> tuple[DeviceMemory, ...]:
    """As `read`, without a risk for the process."""
    return read(context, log) if sys.platform in SEEN else reserved.from_log(log.buffers)


def _breakdown(context: Any) -> Iterator[tuple[int, int, int, int]]:
    """For each kind of buffer: a pointer to it, and bytes of weights, conversation and workspace."""
    layout = MAP.get(sys.platform, MAP["linux"])
    ask = getattr(library("llama"), layout.function, None)
    if ask is None:
        return
    ask.restype, ask.argtypes = _Words, [ctypes.c_void_p]
    words = ask(context).words
    nowhere = words[0] if sys.platform == "win32" else 0
    root = _node(words[0])[1] if sys.platform == "win32" else words[layout.root]
    yield from _walk(root, nowhere, layout)


def _walk(node: int, nowhere: int, layout: _Map) -> Iterator[tuple[int, int, int, int]]:
    if node == nowhere:
        return
    words = _node(node)
    yield from _walk(words[layout.left], nowhere, layout)
    yield words[4], words[5], words[6], words[7]
    yield from _walk(words[layout.right], nowhere, layout)


def _node(address: int) -> Any:
    return (ctypes.c_size_t * 8).from_address(address)


def _name(base: ctypes.CDLL, of: str, pointer: int) -> str:
    ask = getattr(base, f"ggml_backend_{of}_name")
    ask.restype, ask.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    name: bytes = ask(pointer)
    return name.decode()


def _device(base: ctypes.CDLL, buffer: int) -> str:
    """The device whose memory such a buffer takes: main memory that a graphics card can reach is the processor's."""
    base.ggml_backend_buft_is_host.restype, base.ggml_backend_buft_is_host.argtypes = ctypes.c_bool, [ctypes.c_void_p]
    base.ggml_backend_buft_get_device.restype = ctypes.c_void_p
    base.ggml_backend_buft_get_device.argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    device = base.ggml_backend_buft_get_device(buffer)
    if base.ggml_backend_buft_is_host(buffer) or not device or base.ggml_backend_dev_type(device) in PROCESSOR:
        return "CPU"
    return _name(base, "dev", device)


def _devices(ggml: ctypes.CDLL, base: ctypes.CDLL) -> list[str]:
    """The names of all devices, in the engine's order."""
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype, ggml.ggml_backend_dev_get.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    return [_name(base, "dev", ggml.ggml_backend_dev_get(index)) for index in range(ggml.ggml_backend_dev_count())]
