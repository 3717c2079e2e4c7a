"""What is said about a computer: plain facts, no question asked to the system."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """Main memory in bytes; limited_by is "machine", or "cgroup" in a container that may use less than the machine has."""

    total_bytes: int
    available_bytes: int
    limited_by: str = "machine"


@dataclass(frozen=True)
class Cpu:
    """The processor; the cores are those this program may use, features such as "AVX2", "AVX512", "NEON".

    `fast_cores` is how many of the physical cores are of the fast kind; 0 where all are alike.
    """

    name: str
    physical_cores: int
    logical_cores: int
    features: tuple[str, ...] = ()
    fast_cores: int = 0


@dataclass(frozen=True)
class Gpu:
    """A graphics device; `why` is a sentence for people that says why it is used or not."""

    name: str
    vendor: str
    backend: str | None
    memory_total_bytes: int | None
    memory_free_bytes: int | None
    used: bool
    why: str
    unified: bool = False  # shares the main memory
    driver: str | None = None
    compute_capability: str | None = None
    bandwidth_bytes_per_s: float | None = None
    device: str | None = None  # what the engine calls it: "CUDA0"


@dataclass(frozen=True)
class EngineDevice:
    """A device as the engine lists it; kind is "cpu", "gpu", "igpu" or "accel"."""

    name: str
    description: str
    kind: str
    memory_total_bytes: int
    memory_free_bytes: int


@dataclass(frozen=True)
class EngineReport:
    """What the engine of this build is and can use; `confined` names what keeps its process from everything else."""

    name: str
    version: str
    backends: tuple[str, ...]
    gpu_offload: bool
    devices: tuple[EngineDevice, ...] = ()
    confined: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hardware:
    """This computer."""

    memory: Memory
    cpu: Cpu
    gpus: tuple[Gpu, ...]
    engine: EngineReport
    laptop: bool = False  # it has a battery
