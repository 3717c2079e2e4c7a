"""The parts of Alcove, each built once, and the acts that need several of them. The doors (window, command line) hold one App."""

import os
import re
from collections.abc import Generator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import cast

from desktop import catalogue, chat, fetch, fit, gguf, hardware, licences, offers, settings, speed
from desktop.conversations import Conversations, Stored
from desktop.engine import ChatOptions, Loaded, Loading, LoadOptions, Piece, Reading
from desktop.engine.local import LocalEngine, report
from desktop.errors import NotFound, NotHere
from desktop.hub import File, Hub
from desktop.library import Library, LocalModel
from desktop.licences import Evidence, Ruling
from desktop.network import Network
from desktop.offers import Offer, Target
from desktop.paths import GUIDE, Paths
from desktop.transfer import Progress

GUIDE_REFERENCE = "guide"


class App:
    """Everything below the doors. `App.open(home)` builds it, `close()` ends it; slow acts are generators."""

    def __init__(self, paths: Paths) -> None:
        paths.create()
        self.paths = paths
        self.settings = settings.load(paths.settings)
        ca_file = Path(self.settings.ca_file) if self.settings.ca_file else None
        self.network = Network(offline=self.settings.offline, ca_file=ca_file, log_path=paths.logs / "network.jsonl")
        self.library = Library(settings.models_dir(self.settings, paths), GUIDE)
        self.engine = LocalEngine(log_path=paths.logs / "engine.log")
        self.rates = speed.load(paths.cache / "rates.json")

    @classmethod
    def open(cls, home: str | os.PathLike[str] | None = None) -> "App":
        """Raises NotWritable when the home folder cannot be written."""
        return cls(Paths.default(home))

    def close(self) -> None:
        """End the engine's process and let go of the files."""
        self.engine.close()
        if "conversations" in self.__dict__:
            self.conversations.close()

    @cached_property
    def catalogue(self) -> catalogue.Catalogue:
        return catalogue.load()

    @cached_property
    def licences(self) -> licences.Licences:
        return licences.load()

    @cached_property
    def conversations(self) -> Conversations:
        return Conversations(self.paths.database)

    @cached_property
    def hub(self) -> Hub:
        return Hub(self.network, self.settings.hub_endpoint or None)

    def save_settings(self) -> None:
        """Keep the settings, and let the parts that depend on them follow. Raises NotWritable."""
        settings.save(self.settings, self.paths.settings)
        self.network.offline = self.settings.offline

    def hardware(self) -> hardware.Hardware:
        """This computer as it is now. The first call ever asks the engine's process what it can use, which takes a second."""
        found = hardware.detect(report(self.paths.cache))
        if not self.rates.memory_bytes_per_s:
            self.rates = speed.probe(found, self.paths.cache / "rates.json")
        return found

    # --- models ---------------------------------------------------------------------------------------------------------------

    def target(self, reference: str) -> Target:
        """What a model reference means, from what is on this computer. Raises BadReference."""
        return offers.resolve(reference, self.catalogue, self.library)

    def offers(self, found: hardware.Hardware, context: int | None = None) -> tuple[Offer, ...]:
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
        catalogue_id = f"{target.model.id}:{target.variant.quantization}" if target.model and target.variant else None
        return (yield from fetch.fetch(self.file(target), self.hub, self.library, self.network, catalogue_id=catalogue_id))

    def header(self, target: Target) -> gguf.Header:
        """The header of a target's file, from the disk or the first bytes on the Hub. Raises Corrupt and the network's errors."""
        return gguf.read_file(target.path) if target.path else self.hub.read_header(self.file(target))

    def shape(self, target: Target, *, remote: bool = True) -> fit.Shape:
        """What decides memory and speed: from the real header, or for a catalogue model that is not here (or with `remote`
        False) from the catalogue's facts."""
        if target.path is None and target.model is not None and target.variant is not None and not (remote and target.file):
            return target.model.shape(target.variant)
        return fit.Shape.from_header(self.header(target))

    def ruling(self, target: Target) -> Ruling:
        """What the licence of a target allows, from every piece of evidence on this computer."""
        known = offers.evidence(target.model) if target.model else Evidence()
        if target.local is not None and target.local.licence:
            known = replace(known, hub_card=target.local.licence)
        if target.path is not None:
            header = gguf.read_file(target.path)
            known = replace(known, file_license=licence_in(header), file_base_models=base_models_in(header))
        return self.licences.rule(known)

    # --- chat -----------------------------------------------------------------------------------------------------------------

    def open_model(self, reference: str, *, context: int | None = None, threads: int | None = None) -> Generator[Loading, None, Loaded]:
        """Load the model on this computer that a reference means, unless it is loaded already. Raises NotHere, the engine's errors."""
        target = self.target(reference)
        if target.path is None:
            raise NotHere(name=target.name, reference=reference)
        judged = fit.fit(self.shape(target), self.hardware(), self.rates, context=context or self.settings.context or None)
        wanted = LoadOptions(target.path, context=judged.context, gpu_layers=judged.gpu_layers, threads=threads)
        if self.engine.loaded == wanted and self.engine.info is not None:
            return self.engine.info
        loaded = yield from self.engine.load(wanted)
        if target.local is not None:
            self.library.used(target.local.id)
        return loaded

    def turn(
        self, conversation_id: int, question: str | None, reference: str, options: ChatOptions | None = None
    ) -> Generator[Loading | Reading | Piece, None, Stored]:
        """Ask in a conversation (or answer again, with no question): saved first, the model loaded when needed, then streamed."""
        if question is not None:
            self.conversations.add(conversation_id, "user", question)
        yield Loading(0.0)
        yield from self.open_model(reference)
        answer = yield from chat.answer(self.conversations, conversation_id, self.engine, options or ChatOptions(), model=reference)
        if answer.tokens_per_s:
            self._learn(reference, answer.tokens_per_s)
        return answer

    def _learn(self, reference: str, tokens_per_s: float) -> None:
        """Let the writing rate of a real answer correct the predictions for this computer."""
        self.rates = speed.learn(self.rates, self.shape(self.target(reference)).active_bytes, tokens_per_s)
        speed.save(self.rates, self.paths.cache / "rates.json")
