"""The parts of Alcove, each built once, and the acts that need several of them. The doors (window, command line) hold one App."""

import os
from collections.abc import Generator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from desktop import chat, fetch, fit, gguf, offers, settings, speed, text
from desktop.address import is_address
from desktop.catalogue import Catalogue
from desktop.catalogue import load as load_catalogue
from desktop.conversations import Conversations, Stored
from desktop.engine import ChatOptions, Loaded, Loading, LoadOptions, Piece, Reading
from desktop.engine.local import LocalEngine, report
from desktop.errors import NotFound, NotHere, WillNotFit
from desktop.hardware import Hardware, detect
from desktop.hub import File, Hub
from desktop.library import Library, LocalModel
from desktop.licences import GUIDE as GUIDE_EVIDENCE
from desktop.licences import Evidence, Licences, Ruling
from desktop.licences import load as load_licences
from desktop.network import Network
from desktop.offers import Offer, Target
from desktop.paths import GUIDE, Paths
from desktop.transfer import Progress

LITTLE_DISK_BYTES = 5_000_000_000  # the download of a usual model and its reserve


class App:
    """Everything below the doors. `App.open(home)` builds it, `close()` ends it; slow acts are generators."""

    def __init__(self, paths: Paths) -> None:
        paths.create()
        self.paths = paths
        self.settings = settings.load(paths.settings)
        ca_file = Path(self.settings.ca_file) if self.settings.ca_file else None
        self.network = Network(offline=self.settings.offline, ca_file=ca_file, log_path=paths.logs / "network.jsonl")
        self.library = Library(settings.models_dir(self.settings, paths), GUIDE)
        self.engine = LocalEngine()
        self.rates = speed.load(paths.cache / "rates.json")
        self._probed = False
        # What the engine has open: file, wished context, shape, share on graphics cards.
        self._opened: tuple[Path, int | None, fit.Shape, float] | None = None

    @classmethod
    def open(cls, home: str | os.PathLike[str] | None = None) -> "App":
        """Raises NotWritable when the home folder cannot be written."""
        return cls(Paths.default(home))

    def close(self) -> None:
        """End the engine's process and let go of the files."""
        self.network.hang_up()
        self.engine.close()
        if "conversations" in self.__dict__:
            self.conversations.close()

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue()

    @cached_property
    def licences(self) -> Licences:
        return load_licences()

    @cached_property
    def conversations(self) -> Conversations:
        store = Conversations(self.paths.database)
        store.empty_trash()  # what was deleted last time: the way back went with the window
        return store

    @cached_property
    def hub(self) -> Hub:
        return Hub(self.network, self.settings.hub_endpoint or None)

    def use_token(self, token: str) -> None:
        """Show this access token to the Hub until Alcove is closed. It is written nowhere."""
        self.hub.token = token

    def save_settings(self) -> None:
        """Let the parts that depend on the settings follow, and keep them. Raises NotWritable; they hold until the end then."""
        self.network.offline = self.settings.offline
        self.library.folder = settings.models_dir(self.settings, self.paths)
        settings.save(self.settings, self.paths.settings)

    def hardware(self) -> Hardware:
        """This computer as it is now. The first call ever asks the engine's process what it can use, which takes a second."""
        found = detect(report(self.paths.cache))
        if not self.rates.measured and not self._probed:
            # A busy moment makes a computer look slow, so until real answers tell, the best of its starts counts.
            before, self._probed = self.rates, True
            self.rates = max(before, speed.probe(found), key=lambda rates: rates.memory_bytes_per_s)
            speed.save(self.rates, self.paths.cache / "rates.json")
        return found

    # --- models ---------------------------------------------------------------------------------------------------------------

    def target(self, reference: str) -> Target:
        """What a model reference means, from what is on this computer. Raises BadReference."""
        return offers.resolve(reference, self.catalogue, self.library)

    def offers(self, found: Hardware, context: int | None = None) -> tuple[Offer, ...]:
        """The catalogue judged for this computer, best first."""
        return offers.rank(self.catalogue, self.licences, self.library, found, self.rates, context)

    def file(self, target: Target) -> File:
        """The file on the Hub that a target means; asks the Hub. Raises NotFound and the network's errors."""
        if target.url:
            return self.hub.address(target.url)
        assert target.repo is not None
        if target.file:
            return self.hub.file(target.repo, target.file, target.revision)
        assert target.variant is not None
        found = self.hub.repo(target.repo).variant(target.variant.quantization)
        if found is None:
            raise NotFound(what=f"{target.variant.quantization} file in {target.repo}", host=self.hub.host)
        return found

    def get(self, reference: str) -> Generator[Progress, None, LocalModel]:
        """Download what a reference means, verify it and keep it; at once when it is here already."""
        target = self.target(reference)
        if target.local is not None:
            return target.local
        if target.path is not None:
            return self.library.link(target.path)
        yield Progress(0, target.variant.size_bytes if target.variant else 0, 0.0, None, stage="ask")
        catalogue_id = offers.reference_to(target.model, target.variant) if target.model and target.variant else None
        return (yield from fetch.fetch(self.file(target), self.hub, self.library, self.network, catalogue_id=catalogue_id))

    def header(self, target: Target) -> gguf.Header | None:
        """The header of a target's file: from the disk, or the first bytes of a named file on the Hub or elsewhere.

        None for a catalogue model that is not here: the catalogue's facts stand for it. Raises as gguf.read_file, and the
        network's errors.
        """
        if target.path is not None:
            return gguf.read_file(target.path)
        if target.file or target.url:
            return self.hub.read_header(self.file(target))
        return None

    def shape(self, target: Target, header: gguf.Header | None) -> fit.Shape:
        """What decides memory and speed, from the real header or the catalogue's facts."""
        if header is not None:
            return fit.Shape.from_header(header)
        assert target.model is not None
        assert target.variant is not None
        return target.model.shape(target.variant)

    def context(self, target: Target) -> int | None:
        """Tokens of conversation memory that the person chose for this model or for all; None: what suits it."""
        key = target.model.id if target.model else target.name
        return self.settings.contexts.get(key) or self.settings.context or None

    def ruling(self, target: Target) -> Ruling:
        """What the licence of a target allows, from every piece of evidence on this computer. Raises as gguf.read_file."""
        if target.path == GUIDE:
            return self.licences.rule(GUIDE_EVIDENCE)
        known = target.model.evidence if target.model else Evidence()
        bases: tuple[str, ...] = ()
        if target.local is not None:
            bases = target.local.base_models
            known = replace(known, hub_card=target.local.licence)
        if target.path is not None:
            header = gguf.read_file(target.path)
            bases += _base_models(header)
            known = replace(known, file_license=_licence(header))
        return self.licences.rule(replace(known, file_base_models=bases))

    def licence(self, reference: str) -> Ruling:
        """As `ruling`, of a model reference or of the id of a licence; asks the Hub about a file of its that is not here."""
        if reference.strip().lower() in self.licences:  # people write Apache-2.0
            return self.licences.describe(reference.strip().lower())
        target = self.target(reference)
        if target.path is None and target.model is None:
            file = self.file(target)
            evidence = Evidence(hub_card=file.licence, file_base_models=file.base_models)
            return self.licences.rule(evidence)
        return self.ruling(target)

    def problems(self, found: Hardware) -> list[dict[str, str]]:
        """What is wrong on this computer, each with the step that mends it: keys "what" and "fix"."""
        problems = [
            {"what": gpu.why, "fix": "Build the engine for it (README, Graphics cards); until then the processor does the work."}
            for gpu in found.gpus
            if not gpu.used and not gpu.unified and (gpu.memory_total_bytes or 0) > 3e9
        ]
        folder, free_bytes = self.library.folder, self.library.free_bytes()
        if not folder.is_dir():
            fix = "Connect the disk it is on, or choose another folder in Settings."
            problems.append({"what": f"The folder for models, {folder}, is not there.", "fix": fix})
        if not is_address(self.hub.endpoint):
            what = f"“{self.hub.endpoint}” is not the address of a Hub, so no model can be fetched."
            problems.append({"what": what, "fix": "Correct HF_ENDPOINT or hub_endpoint in settings.json, or remove it."})
        if free_bytes < LITTLE_DISK_BYTES:
            what = f"Only {text.size(free_bytes)} are free in {folder}, which is too little for most models."
            problems.append({"what": what, "fix": "Remove something, or choose another folder in Settings."})
        if not found.engine.backends:
            problems.append(
                {"what": "The engine cannot be started.", "fix": "Remove the .venv folder and run the start command again."}
            )
        if not GUIDE.is_file():
            problems.append({"what": "The built-in guide is missing.", "fix": "Get a complete copy of Alcove."})
        return problems

    # --- chat -----------------------------------------------------------------------------------------------------------------

    def open_model(
        self, reference: str, *, context: int | None = None, threads: int | None = None
    ) -> Generator[Loading, None, Loaded]:
        """Load the model on this computer that a reference means, unless it is open. Raises NotHere and the engine's errors."""
        target = self.target(reference)
        if target.path is None:
            raise NotHere(name=target.name, reference=reference)
        wished = context or self.context(target)
        if self.engine.info is not None and self._opened and self._opened[:2] == (target.path, wished) and threads is None:
            return self.engine.info  # what is free now no longer counts: it has its memory
        shape = self.shape(target, gguf.read_file(target.path))
        judged = fit.fit(shape, self.hardware(), self.rates, context=wished)
        if judged.verdict == "too_big":  # mapped, it would open, and then bring the computer to a standstill
            raise WillNotFit(needed_bytes=judged.total_bytes, free_bytes=judged.free_bytes)
        wanted = LoadOptions(target.path, context=judged.context, gpu_layers=judged.gpu_layers, threads=threads)
        loaded = yield from self.engine.load(wanted)
        self._opened = target.path, wished, shape, judged.gpu_share
        if target.local is not None:
            self.library.used(target.local.id)
        return loaded

    def turn(
        self, conversation_id: int, question: str | None, reference: str, options: ChatOptions | None = None
    ) -> Generator[Loading | Reading | Piece, None, Stored]:
        """Ask in a conversation (or answer again, with no question): the model is loaded when needed, the answer streamed.

        The question is saved by the call itself, so that it is kept even when nobody takes the first step.
        """
        if question is not None:
            self.conversations.add(conversation_id, "user", question)
        return self._answer(conversation_id, reference, options or ChatOptions())

    def _answer(
        self, conversation_id: int, reference: str, options: ChatOptions
    ) -> Generator[Loading | Reading | Piece, None, Stored]:
        yield Loading(0.0)
        yield from self.open_model(reference)
        answer = yield from chat.answer(self.conversations, conversation_id, self.engine, options, model=reference)
        if answer.tokens_per_s and self._opened:
            self._learn(*self._opened[2:], answer.tokens_per_s)
        return answer

    def _learn(self, shape: fit.Shape, gpu_share: float, tokens_per_s: float) -> None:
        """Let the writing rate of a real answer correct the predictions for this computer."""
        gpu_bytes = round(shape.active_bytes * gpu_share)
        self.rates = speed.learn(self.rates, shape.active_bytes - gpu_bytes, tokens_per_s, gpu_bytes)
        speed.save(self.rates, self.paths.cache / "rates.json")


def _licence(header: gguf.Header) -> str | None:
    """What a GGUF says of its licence: the tag, or the name where the tag is "other"."""
    tag, name = (header.metadata.get(f"general.license{key}") for key in ("", ".name"))
    return str(name) if name and tag in (None, "", "other") else str(tag) if tag else None


def _base_models(header: gguf.Header) -> tuple[str, ...]:
    """The addresses of what a model was made from, as its GGUF tells them."""
    count = header.metadata.get("general.base_model.count", 0)
    keys = [f"general.base_model.{i}.repo_url" for i in range(min(count, 16) if isinstance(count, int) else 0)]
    return tuple(str(header.metadata[key]) for key in keys if key in header.metadata)
