"""llama.cpp through its C interface: what it says of itself, its log, how it opens models. Only home of llama_cpp.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import importlib.util
import os
import re
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from desktop.engine import LoadOptions, loading
from desktop.errors import AlcoveError, LoadFailed, UnknownArchitecture, WillNotFit
from desktop.hardware import EngineDevice, EngineReport, nvidia
from desktop.shape import BATCH

KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}  # ggml_type
GUESSES = 4  # tokens that may be checked together with the one that is certain
NO_DEVICES = (ctypes.c_void_p * 1)()  # a list that ends at once
ADDONS = ("cuda", "vulkan")
DEVICE_KINDS = ("cpu", "gpu", "igpu", "accel", "accel")  # ggml_backend_dev_type


def _bindings() -> Any:
    """The C interface alone, whose functions come from ctypes and whose type hints from dreams.

    The package would import numpy and much else that is not used here: 0.2 s and 26 MB more at every start of the worker.
    """
    package = importlib.util.find_spec("llama_cpp")
    if package is not None and "llama_cpp" not in sys.modules:
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(package)  # a place for its parts, never run
    from llama_cpp import llama_cpp

    return llama_cpp


llama = _bindings()


class _Props(ctypes.Structure):
    """ggml_backend_dev_props (ggml-backend.h), with what it can do at the end."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),  # of PCI: "0000:c1:00.0"
        ("caps", ctypes.c_bool * 5),
    )


def version() -> str:
    """Which llama-cpp-python this is."""
    from importlib.metadata import version  # late: most starts of the worker need no version, and it takes its time

    return version("llama-cpp-python")


def describe() -> EngineReport:
    """Ask ggml for its devices; llama_cpp has no names for these functions.

    A card that several backends have found is told once, as the first has it, and llama.cpp uses it once.
    """
    ggml, base = library("ggml"), library("ggml-base")
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    base.ggml_backend_dev_get_props.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Props)]
    base.ggml_backend_dev_get_props.restype = None
    devices, known = [], set()
    for index in range(ggml.ggml_backend_dev_count()):
        props = _Props()
        base.ggml_backend_dev_get_props(ggml.ggml_backend_dev_get(index), props)
        if props.device_id is None or props.device_id not in known:
            known.add(props.device_id)
            name, description, kind = props.name.decode(), props.description.decode(), DEVICE_KINDS[props.type]
            devices.append(EngineDevice(name, description, kind, props.memory_total, props.memory_free))
    system = llama.llama_print_system_info().decode()
    backends = tuple(dict.fromkeys(part.split(":")[0].strip() for part in system.split("|") if ":" in part))
    gpu_offload = bool(llama.llama_supports_gpu_offload())
    return EngineReport("llama.cpp", version(), backends, gpu_offload, tuple(devices))


def library(name: str) -> ctypes.CDLL:
    """A library that came with llama_cpp and is loaded already.

    Its file would be loaded a second time where a package holds copies in place of links; but what llama.cpp itself has loaded
    can be reached through it, except on Windows, which loads nothing twice.
    """
    folder = _folder()
    own = name if sys.platform == "win32" else "llama"
    names = (f"{start}{own}{end}" for start in ("lib", "") for end in (".so", ".dylib", ".dll"))
    return ctypes.CDLL(str(next(folder / name for name in names if (folder / name).exists())))


def _folder() -> Path:
    return Path(llama.__file__).parent / "lib"


def _has_modules() -> bool:
    """Whether this is a build for all computers, whose code for processors and graphics cards comes as modules."""
    return any(_folder().glob("*ggml-cpu-*"))


def _open_addons() -> None:
    """Map the add-ons for graphics cards, and the libraries that they ask for, while any file can still be read.

    They do nothing yet. One that asks for a driver that is not here is passed over.
    """
    for file in [file for kind in ADDONS for file in _folder().glob(f"*ggml-{kind}.*")] if _has_modules() else ():
        if "cuda" in file.name and "CUDA_VISIBLE_DEVICES" not in os.environ and (cards := nvidia.visible()) is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = cards
        with suppress(OSError):
            ctypes.CDLL(str(file))


def _load_modules() -> None:
    """Choose the module for this processor, and let those for graphics cards start their drivers.

    From the folder of the libraries only: by itself llama.cpp would look beside the program and in the current folder, too. Not
    before the process is shut in: drivers start threads.
    """
    if _has_modules():
        ggml = library("ggml")
        ggml.ggml_backend_load_all_from_path.argtypes, ggml.ggml_backend_load_all_from_path.restype = [ctypes.c_char_p], None
        ggml.ggml_backend_load_all_from_path(os.fsencode(_folder()))


_open_addons()


def model_params(options: LoadOptions) -> Any:
    """How a model is opened, for real and for a dry run alike."""
    params = llama.llama_model_default_params()
    params.n_gpu_layers = options.gpu_layers
    if options.gpu_layers == 0:  # else a graphics card is lent the weights while a question is read, and holds workspace
        params.devices = ctypes.addressof(NO_DEVICES)
    params.load_mode = -1 if options.load_mode == "mmap" else 0  # AUTO: mapped, unless a device cannot
    # Repacked for the processor, weights are computed faster; but beside a mapped file they would be held twice, and those for
    # AMX end the process (a fault at ldtilecfg) with every 4- and 8-bit model on virtual machines that announce it.
    params.use_extra_bufts = options.load_mode == "read" and b"AMX" not in llama.llama_print_system_info()
    return params


def context_params(options: LoadOptions, model: Any) -> Any:
    """How the memory of a conversation is laid out, for real and for a dry run alike."""
    params = llama.llama_context_default_params()
    trained = llama.llama_model_n_ctx_train(model)
    params.n_ctx = min(options.context, trained) if trained > 0 else options.context
    params.n_batch = params.n_ubatch = BATCH
    params.n_seq_max = 1
    params.n_outputs_max = 1 + GUESSES  # of a batch only the last tokens are asked for: saves a table of vocabulary x batch
    params.n_threads = params.n_threads_batch = 1  # until engine.threads says how many
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    params.flash_attn_type = -1 if options.kv_type == "f16" else 1  # -1: where it helps; a smaller memory needs it
    params.swa_full = False  # a layer with a sliding window holds its window only
    params.no_perf = True
    return params


def stop_callback(stop: ctypes.c_int) -> tuple[Any, int]:
    """What llama.cpp asks between the steps of a computation, some 500 times a token, with its argument: whether to end it.

    The C library's own strlen serves: 0 as long as the first byte is 0, and 1 when `stop` is 1 (all processors that llama.cpp is
    built for put the lowest byte first). A function of Python's would take half a millisecond of every token.
    """
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(library.strlen, llama.ggml_abort_callback), ctypes.addressof(stop)


class Log:
    """Starts llama.cpp and keeps its last warnings and errors: the reason of a failure is told nowhere else.

    `buffers` are its lines about the memory that it reserves.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=100)
        self.buffers: deque[str] = deque(maxlen=1000)
        self._level = 0
        self.callback: Any = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(self._note)
        llama.llama_log_set(self.callback, None)
        _load_modules()
        llama.llama_backend_init()

    def _note(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == 5 else level  # 5: goes on with the last line
        if self._level >= 3:  # 3: warning, 4: error
            self._lines.append(text.decode("utf-8", "replace"))
        if b" buffer size = " in text:
            self.buffers.append(text.decode("utf-8", "replace"))

    @property
    def said(self) -> str:
        """All of it."""
        return "".join(self._lines)

    def clear(self) -> None:
        """Forget what was said about another model."""
        self._lines.clear()
        self.buffers.clear()

    def failure(self, path: Path, free_bytes: int) -> AlcoveError:
        """What went wrong while opening `path`, when there were `free_bytes` of memory."""
        if unknown := re.search(r"unknown model architecture: '([^']*)'", self.said):
            return UnknownArchitecture(path=str(path), architecture=unknown[1])
        if too_much := re.search(r"failed to allocate .*buffer of size (\d+)", self.said):
            return WillNotFit(needed_bytes=int(too_much[1]) + loading.taken(), free_bytes=free_bytes)
        told = re.findall(r"error loading model: (?:error loading model \w+: )?(.+)", self.said)
        reasons = told or re.findall(r"(?m)^(?:\w+: )?(.+)", self.said) or ["it gave no reason"]
        return LoadFailed(path=str(path), why=reasons[-1].strip().rstrip("."))
