"""What a plan for a model needs of this computer, device by device, beside what the engine itself adds up; and the verdict.

Counted once each: the weights (read into memory, or mapped), conversation memory with the state of recurrent layers, workspace
with the output table, the engine's process, the driver's share of every graphics card that is used, and the projector of a vision
model when it is asked for. Free is what is available now plus what the model that is open would give back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from desktop import speed
from desktop.hardware import Gpu, Hardware
from desktop.shape import DeviceMemory, Shape
from desktop.speed import Rates

SLOW_TOKENS_PER_S = 4.0  # three words a second; people read about four
VERDICTS = ("runs_well", "runs_slowly", "close_apps", "too_big")  # best first

# The engine's process without a model, with what it needs to compute (measured: 50 MB on Linux), and what each entry of a
# vocabulary takes in it where no more is known of it (350 to 530 with merges, 200 without)
ENGINE_BYTES = 50_000_000
ENTRY_BYTES = 400
# What a graphics driver keeps for a program that computes: most with CUDA and ROCm, and more on large cards, which compute more
# at once. Measured with CUDA: 640 MB on an H100 with 86 GB, up to 735 MB on an H200 with 151 GB.
DRIVER_BYTES = {"CUDA": 385_000_000, "ROCm": 385_000_000}
USUAL_DRIVER_BYTES = 100_000_000
DRIVER_SHARE = 0.003  # of the card's memory
# And what it keeps in main memory, its libraries included. Measured: 374 to 392 MB with CUDA, 110 to 222 MB with Vulkan.
HOST_BYTES = {"CUDA": 390_000_000, "Vulkan": 220_000_000}
# What must stay free beside a running model, so that the computer is not slowed by a page file
MARGIN_SHARE, MARGIN_BYTES = 0.03, 250_000_000
NEAR_TRIES = 3  # steps from the guessed number of layers, before the range is halved
CLOSE_SHARE = 0.03  # of what is needed: the formula is nearer to the engine than that
# For "runs if you close other apps", what the system itself needs: two gigabytes, but not more than a quarter of a small computer
SYSTEM_BYTES, SYSTEM_SHARE = 2_000_000_000, 0.25


@dataclass(frozen=True)
class Plan:
    """How to open a model: the settings that the engine gets.

    context: tokens; gpu_layers counts the output as one; kv_type "f16", "q8_0" or "q4_0"; load_mode "read" or "mmap".
    """

    context: int
    gpu_layers: int
    kv_type: str
    load_mode: str
    threads: int  # at most


@dataclass(frozen=True)
class DeviceUse:
    """What one device would hold, in bytes; kv_bytes has the state of recurrent layers in it, compute_bytes the output table."""

    name: str
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    state_bytes: int = 0
    process_bytes: int = 0  # the engine's process or the driver's share
    projector_bytes: int = 0
    memory_bytes: int = 0  # all that there is on the device; 0 = not known
    free_bytes: int = 0  # of it for a model, now
    shares_main: bool = False  # it is a part of the main memory

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.compute_bytes + self.process_bytes + self.projector_bytes


@dataclass(frozen=True)
class Room:
    """What of this computer a model may have."""

    gpus: tuple[Gpu, ...]  # those that the engine uses
    available_bytes: int  # of main memory, now
    at_most_bytes: int  # of main memory, if no other program ran
    gpu_free_bytes: tuple[int, ...]  # of each graphics card

    @classmethod
    def of(cls, hardware: Hardware, held: Mapping[str, int]) -> "Room":
        """The room on `hardware`, when `held` bytes per device ("CPU", "CUDA0") come free with the model that is open."""
        gpus = tuple(gpu for gpu in hardware.gpus if gpu.used)
        memory = hardware.memory
        given_back = held.get("CPU", 0) + sum(_given_back(gpu, held) for gpu in gpus if gpu.unified)
        available = min(memory.available_bytes + given_back, memory.total_bytes)
        system = 0 if memory.limited_by == "cgroup" else min(SYSTEM_BYTES, round(memory.total_bytes * SYSTEM_SHARE))
        free = tuple(_gpu_free(gpu, held) for gpu in gpus)
        return cls(gpus, available, max(memory.total_bytes - system, available), free)

    @property
    def free_bytes(self) -> int:
        """On all devices together; a card that shares the main memory adds none."""
        pairs = zip(self.gpus, self.gpu_free_bytes, strict=True)
        return self.available_bytes + sum(free for gpu, free in pairs if not gpu.unified)

    @property
    def gpu_room_bytes(self) -> tuple[int, ...]:
        """Of each graphics card, less the margin."""
        return tuple(max(0, free - _gpu_margin(free)) for free in self.gpu_free_bytes)


def _given_back(gpu: Gpu, held: Mapping[str, int]) -> int:
    """What comes free on a card with the model that is open: the driver's share as well, which is not counted twice."""
    bytes_ = held.get(gpu.device or "", 0)
    return bytes_ + _driver_bytes(gpu) if bytes_ else 0


def _driver_bytes(gpu: Gpu) -> int:
    own = 0 if gpu.unified else round(DRIVER_SHARE * (gpu.memory_total_bytes or 0))
    return DRIVER_BYTES.get(gpu.backend or "", USUAL_DRIVER_BYTES) + own


def _gpu_free(gpu: Gpu, held: Mapping[str, int]) -> int:
    """Where the memory is shared, all that the system lets a card have: the main memory's verdict decides what is free of it."""
    if gpu.unified and gpu.memory_total_bytes:
        return gpu.memory_total_bytes
    return (gpu.memory_free_bytes or 0) + _given_back(gpu, held)


def _gpu_margin(free_bytes: int) -> int:
    return round(free_bytes * MARGIN_SHARE)


def _gpu_slack(use: DeviceUse) -> int:
    """What stays free on a graphics card beside the margin; below 0 where room lacks."""
    return use.free_bytes - _gpu_margin(use.free_bytes) - use.total_bytes


@dataclass(frozen=True)
class Need:
    """One plan judged: what it takes on each device, how fast it is, and whether that will do."""

    plan: Plan
    devices: tuple[DeviceUse, ...]  # the processor's memory first
    main_bytes: int  # of them, what lies in the main memory
    margin_bytes: int  # to be left free beside
    gpu_short_bytes: int  # by how much the graphics cards lack room
    gpu_share: float  # of the weights that are read for a token: those on graphics cards
    tokens_per_s: float
    tokens_per_s_low: float
    tokens_per_s_high: float
    prompt_tokens_per_s: float
    verdict: str
    close_call: bool = False  # so near to another verdict that the formula alone should not decide

    @property
    def total_bytes(self) -> int:
        return sum(device.total_bytes for device in self.devices)

    @property
    def rank(self) -> int:
        """0 for the best verdict."""
        return VERDICTS.index(self.verdict)


@dataclass(frozen=True)
class Judge:
    """One model before one computer; `need` judges it under one plan."""

    shape: Shape
    hardware: Hardware
    rates: Rates
    held: Mapping[str, int] = field(default_factory=dict)
    projector_bytes: int = 0
    load_mode: str | None = None  # where it is not left to the plan
    measured: tuple[DeviceMemory, ...] | None = None  # what the engine itself said, for the one plan that is asked about

    @cached_property
    def room(self) -> Room:
        return Room.of(self.hardware, self.held)

    @cached_property
    def gpu_rates(self) -> Rates:
        return speed.for_hardware(self.rates, self.hardware)

    @property
    def most_layers(self) -> int:
        """As many as could lie on graphics cards; the output counts as one."""
        return len(self.shape.layers) + 1 if self.room.gpus else 0

    def need(self, context: int, kv_type: str = "f16", gpu_layers: int | None = None, depth: int = 0) -> Need:
        """Judge one plan. gpu_layers: None = as many as fit. depth: tokens said before, for the speed."""
        layers = self._layers(context, kv_type) if gpu_layers is None else min(gpu_layers, self.most_layers)
        uses = self._uses(context, kv_type, layers)
        main = uses[0].total_bytes + sum(use.total_bytes for use in uses[1:] if use.shares_main)
        margin = max(MARGIN_BYTES, round(main * MARGIN_SHARE))
        short = self._short(uses)
        left = self.room.available_bytes - main - margin
        # Mapped weights are slower for the processor, but where memory is tight the system can drop them instead of swapping.
        load_mode = self.load_mode or ("mmap" if left < margin else "read")
        share = self._gpu_share(uses, layers)
        rate, low, high, prompt = self._speed(share, depth, kv_type, load_mode)
        if short or main + margin > self.room.at_most_bytes:
            verdict = "too_big"
        elif left < 0:
            verdict = "close_apps"
        else:
            verdict = "runs_slowly" if 0 < rate < SLOW_TOKENS_PER_S else "runs_well"
        plan = Plan(context, layers, kv_type, load_mode, threads(self.hardware))
        borders = [(left, main), (self.room.at_most_bytes - main - margin, main)]
        borders += [(_gpu_slack(use), use.total_bytes) for use in uses[1:] if not use.shares_main]
        close = any(abs(slack) < CLOSE_SHARE * needed for slack, needed in borders)
        return Need(plan, uses, main, margin, short, share, rate, low, high, prompt, verdict, close)

    def _layers(self, context: int, kv_type: str) -> int:
        """The largest number of layers that fits the graphics cards, with workspace and margin."""
        low, high, tries = 0, self.most_layers, 0
        if not high:
            return 0
        uses = self._uses(context, kv_type, high)
        short = self._short(uses)
        if not short:
            return high
        guess = high - 1 - short * high // sum(use.total_bytes for use in uses[1:])  # as if all layers were alike
        while high - low > 1:  # low fits, high does not
            guess = min(max(guess, low + 1), high - 1)
            if self._short(self._uses(context, kv_type, guess)):
                high, guess = guess, guess - 1
            else:
                low, guess = guess, guess + 1
            tries += 1
            if tries > NEAR_TRIES:  # they are not
                guess = (low + high) // 2
        return low

    def _short(self, uses: Sequence[DeviceUse]) -> int:
        return sum(max(0, -_gpu_slack(use)) for use in uses[1:])

    def _uses(self, context: int, kv_type: str, gpu_layers: int) -> tuple[DeviceUse, ...]:
        parts = self.measured or self.shape.lay_out(context, kv_type, gpu_layers, self._split)
        process = ENGINE_BYTES + (self.shape.vocabulary_bytes or ENTRY_BYTES * self.shape.vocab_size)
        if gpu_layers:
            own = [HOST_BYTES.get(gpu.backend or "", 0) for gpu in self.room.gpus if not gpu.unified]
            process += max(own, default=0)
        main = self.hardware.memory.total_bytes, self.room.available_bytes, False
        uses = [_use("CPU", parts[0], process, 0 if gpu_layers else self.projector_bytes, main)]
        for order, part in enumerate(parts[1:]):
            number = self._number(part.name, order)
            gpu, free = self.room.gpus[number], self.room.gpu_free_bytes[number]
            there = gpu.memory_total_bytes or 0, free, gpu.unified
            uses.append(_use(gpu.name, part, _driver_bytes(gpu), self.projector_bytes if order == 0 else 0, there))
        return tuple(uses)

    def _number(self, name: str, order: int) -> int:
        """Which of the graphics cards a device of the engine is: by name, else in order."""
        names = [gpu.device for gpu in self.room.gpus]
        return names.index(name) if name in names else min(order, len(names) - 1)

    @cached_property
    def _split(self) -> tuple[float, ...]:
        rooms = self.room.gpu_room_bytes
        together = sum(rooms)
        return tuple(room / together for room in rooms) if together else (1.0,) * len(rooms)

    @cached_property
    def _all_gpu_weights(self) -> int:
        return sum(part.weights_bytes for part in self.shape.lay_out(256, "f16", self.most_layers, self._split)[1:])

    def _gpu_share(self, uses: Sequence[DeviceUse], gpu_layers: int) -> float:
        if not gpu_layers or not self._all_gpu_weights:
            return 0.0
        return min(1.0, sum(use.weights_bytes for use in uses[1:]) / self._all_gpu_weights)

    def _speed(self, gpu_share: float, depth: int, kv_type: str, load_mode: str) -> tuple[float, float, float, float]:
        found = speed.predict(self.shape, self.gpu_rates, gpu_share=gpu_share, depth=depth, kv_type=kv_type, load_mode=load_mode)
        return found.tokens_per_s, found.low, found.high, found.prompt_tokens_per_s


def _use(name: str, part: DeviceMemory, process_bytes: int, projector_bytes: int, there: tuple[int, int, bool]) -> DeviceUse:
    return DeviceUse(
        name=name,
        weights_bytes=part.weights_bytes,
        kv_bytes=part.kv_bytes + part.state_bytes,
        compute_bytes=part.compute_bytes + part.output_bytes,
        state_bytes=part.state_bytes,
        process_bytes=process_bytes,
        projector_bytes=projector_bytes,
        memory_bytes=there[0],
        free_bytes=there[1],
        shares_main=there[2],
    )


def threads(hardware: Hardware) -> int:
    """The most that the engine may compute with; it takes fewer where that is faster, or other programs work (engine.threads)."""
    return max(1, hardware.cpu.physical_cores)


def scaled(shape: Shape, size_bytes: int) -> Shape:
    """The same model in a version whose weights take `size_bytes`."""
    part = size_bytes / shape.weights_bytes if shape.weights_bytes else 1.0
    return replace(
        shape,
        weights_bytes=size_bytes,
        active_bytes=round(shape.active_bytes * part),
        active=tuple((kind, round(size * part)) for kind, size in shape.active),
        expert_bytes=round(shape.expert_bytes * part),
        layers=tuple(replace(layer, weights_bytes=round(layer.weights_bytes * part)) for layer in shape.layers),
        output_bytes=round(shape.output_bytes * part),
        input_bytes=round(shape.input_bytes * part),
        shared_bytes=round(shape.shared_bytes * part),
        largest_bytes=round(shape.largest_bytes * part),
    )
