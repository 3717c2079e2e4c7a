"""The parts of Alcove, each built once, and the acts that need several of them. The doors (window, command line) hold one App."""

import os
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import msgspec

from desktop import (
    bundle,
    cards,
    chat,
    editions,
    fetch,
    fit,
    gguf,
    judging,
    keeping,
    offers,
    opening,
    passing,
    policy,
    problems,
    projector,
    register,
    rulings,
    settings,
    speed,
    versions,
)
from desktop.acceptance import Acceptance, Acceptances
from desktop.accuracy import Entry, Record
from desktop.address import proxy_for, with_login
from desktop.catalogue import Catalogue, Model
from desktop.connections import Limit
from desktop.consent import Consent, Terms
from desktop.conversations import Conversations, Stored
from desktop.diagnosis import Diagnosis, diagnose
from desktop.downloads import Downloads
from desktop.editions import Edition
from desktop.engine import STATES_BYTES, BenchStep, ChatOptions, Loaded, Loading, LoadOptions, Reply, probe, states
from desktop.engine.local import LocalEngine, build, report
from desktop.errors import AlcoveError, EngineCrashed, Forbidden, NetworkError, NotFound, NotHere, NotWritable
from desktop.fit import Wish
from desktop.hardware import Hardware, detect, memory
from desktop.headers import Headers
from desktop.hub import File, Hub, Repo
from desktop.judging import BenchReport, Judgement, Opened, Step
from desktop.keychain import PROXY, TOKEN, Keychain
from desktop.library import Library, LocalModel
from desktop.licences import Evidence, Licences, Ruling
from desktop.licences import load as load_licences
from desktop.mirror import Bundle
from desktop.need import MARGIN_BYTES, MARGIN_SHARE
from desktop.network import Network
from desktop.offers import Offer, Target
from desktop.paths import GUIDE, SHARED_CATALOGUE, SHARED_MODELS, Paths, resource
from desktop.projector import Projector
from desktop.receiving import Receiving
from desktop.room import How
from desktop.search import Search
from desktop.shape import BATCH
from desktop.speed import Rates
from desktop.texts import Text, Texts
from desktop.transfer import Progress
from desktop.versions import Change

TokenFrom = Literal["environment", "keyring", "session", "none"]
TOO_MUCH = ("close_apps", "too_big")
NO_ROOM_TO_SEE = "There is not enough free memory for this model to see pictures as well, so it reads only words for now."
CANNOT_SEE = "The file that lets this model see pictures cannot be used, so it reads only words."
REST_S = 5.0  # for keeping what a model has read, at the end
SAID_ENOUGH = 24  # tokens of an answer, from which its speed is worth keeping


class App:
    """Everything below the doors. `App.open(home)` builds it, `close()` ends it; slow acts are generators."""

    def __init__(self, paths: Paths) -> None:
        paths.create()
        self.paths = paths
        self.policy = policy.read()
        self.settings = settings.load(paths.settings)
        ca_file = Path(self.settings.ca_file) if self.settings.ca_file else None
        self.network = Network(ca_file=ca_file, log_path=paths.logs / "network.jsonl")
        self.network.proxy_for = self._proxy_for
        self.limit = Limit()  # of all downloads together
        self.keychain = Keychain(paths.home)
        self.library = Library(settings.models_dir(self.settings, paths), GUIDE, shared=[SHARED_MODELS])
        self._follow_settings()
        self.library.tidy()
        self.downloads = Downloads(paths.downloads)
        self.engine = LocalEngine(paths.cache)
        self.engine.crashes.way_out = self._smaller
        self.rates = speed.load(paths.cache / "rates.json")
        self.record = Record(paths.cache / "accuracy.json")
        self._door = opening.Door()
        self._opened: Opened | None = None  # the last that the engine opened
        self._held: Mapping[str, int] = fit.NOTHING  # what would come free with the open model
        self._noted: set[str] = set()  # which of its figures are in the record
        self._found: Hardware | None = None  # this computer as it was last seen
        self._shapes: dict[str, fit.Shape] = {}  # of the headers that were read, by _key

    @classmethod
    def open(cls, home: str | os.PathLike[str] | None = None) -> "App":
        """Raises NotWritable when the home folder cannot be written."""
        return cls(Paths.default(home))

    def close(self) -> None:
        """Keep what the model has read, end the engine's process and let go of the files."""
        self.network.hang_up()
        end_s = time.monotonic() + REST_S
        with closing(self.engine.rest()) as steps:
            next((True for _ in steps if time.monotonic() > end_s), None)
        self.engine.close()
        if "conversations" in self.__dict__:
            self.conversations.close()

    @property
    def catalogue(self) -> Catalogue:
        return self.edition.catalogue

    @cached_property
    def edition(self) -> Edition:
        """The newest list of models that may be used, and why others may not."""
        folders = (SHARED_CATALOGUE, self.paths.catalogue)
        return editions.newest(folders, self.settings.catalogue_keys, self.licences)

    def update_catalogue(self) -> Generator[int, None, Catalogue]:
        """Get a newer list of models from the mirror; it is used from the next start on. Raises as editions.fetch."""
        keys = self.settings.catalogue_keys
        return editions.fetch(self.hub, self.paths.catalogue, keys, self.licences, self.catalogue.date)

    @cached_property
    def licences(self) -> Licences:
        return load_licences()

    @cached_property
    def texts(self) -> Texts:
        """The texts of licences that are on this computer."""
        return Texts(self.paths.licences)

    @cached_property
    def consent(self) -> Consent:
        """What may be fetched, opened and passed on here."""
        return Consent(self.policy, Acceptances(self.paths.acceptances), self.texts)

    @cached_property
    def conversations(self) -> Conversations:
        store = Conversations(self.paths.database)
        store.empty_trash()  # what was deleted last time: the way back went with the window
        states.keep_only(self.paths.states, [str(conversation.id) for conversation in store.list()])
        states.make_room(self.paths.states, STATES_BYTES)
        return store

    @cached_property
    def hub(self) -> Hub:
        found = partial(self.keychain.get, TOKEN) if self.settings.token_kept else None
        return Hub(self.network, self.settings.hub_endpoint or None, find_token=found)

    @cached_property
    def search(self) -> Search:
        return Search(self.hub, self.paths.cache / "search")

    @cached_property
    def headers(self) -> Headers:
        return Headers(self.hub, self.paths.cache / "headers")

    @cached_property
    def _build(self) -> str:
        return build() or ""

    @property
    def token_from(self) -> TokenFrom:
        """Where the access token for the Hub comes from: the environment's goes before one that was entered."""
        if os.environ.get("HF_TOKEN"):
            return "environment"
        if self.settings.token_kept:
            return "keyring"
        return "session" if "hub" in self.__dict__ and self.hub.token else "none"

    def use_token(self, token: str) -> None:
        """Show this access token to the Hub until Alcove is closed. It is written nowhere."""
        self.hub.token = token

    def keep_token(self, token: str) -> bool:
        """Show this access token to the Hub from now on; whether it is kept for the next start. Slow: asks the keyring."""
        self.use_token(token)
        return self.keychain.keep(TOKEN, token)

    def forget_token(self) -> None:
        """Show the Hub no access token any more, but the environment's. Slow: asks the keyring."""
        self.hub.token = os.environ.get("HF_TOKEN")
        self.keychain.forget(TOKEN)

    def _proxy_for(self, url: str) -> str | None:
        """The proxy for an address, as the person chose it, with its password. Slow the first time: asks the keyring."""
        chosen, user = self.settings.proxy, self.settings.proxy_user
        proxy = proxy_for(url, chosen)
        return with_login(proxy, user, self.keychain.get(PROXY) or "") if proxy and chosen and user else proxy

    def trust(self, ca_file: str) -> None:
        """Trust the certificates of a file of the organisation's, "" for none, at once. Raises NoCertificate, NotWritable."""
        self.network.trust(Path(ca_file) if ca_file else None)
        self.settings.ca_file = ca_file
        self.save_settings()

    def test_connection(self) -> Generator[None, None, Diagnosis]:
        """Ask the Hub whether it can be reached as things are set. Raises what stands in the way, as diagnose."""
        return diagnose(self.hub, self.network)

    def save_settings(self) -> None:
        """Let the parts that depend on the settings follow, and keep them. Raises NotWritable; they hold until the end then."""
        self._follow_settings()
        if not self.settings.keep_ready:
            self._forget(None)
        settings.save(self.settings, self.paths.settings)

    def _follow_settings(self) -> None:
        self.network.offline = self.settings.offline
        self.network.allowed_hosts = self.settings.allowed_hosts
        self.limit.bytes_per_s = self.settings.speed_limit
        self.library.folder = settings.models_dir(self.settings, self.paths)
        self.library.more = settings.more_folders(self.settings)

    def hardware(self) -> Hardware:
        """This computer as it is now. The first call ever asks the engine's process what it can use, which takes a second."""
        found = self._found = detect(report(self.paths.cache))
        self._held = self.engine.held_bytes()  # of the same moment, for what is free now depends on it
        return found

    @property
    def measure_due(self) -> bool:
        """Whether this computer was never measured as it is now, with this engine: `measure_computer` is worth its seconds."""
        return self._found is not None and speed.is_due(self.rates, self._found, self._build)

    def measure_computer(self) -> Generator[Step, None, Rates]:
        """Measure how fast this computer reads and writes, in some three seconds, and keep it."""
        with closing(probe.measure(self.hardware(), self.rates, self._build, self.paths.cache)) as steps:
            self.rates = yield from judging.followed(steps, lambda step: Step("measure", step.fraction, step.text))
        speed.save(self.rates, self.paths.cache / "rates.json")
        return self.rates

    # --- models ---------------------------------------------------------------------------------------------------------------

    def target(self, reference: str) -> Target:
        """What a model reference means, from what is on this computer. Raises BadReference."""
        return offers.resolve(reference, self.catalogue, self.library)

    def offers(
        self,
        found: Hardware,
        context: int | None = None,
        wanted: offers.Wanted = offers.ANYTHING,
        rates: Rates | None = None,
    ) -> tuple[Offer, ...]:
        """What of the catalogue is wanted, judged for this computer (rates: another one's), best first."""
        library, licences, rates = self.library, self.licences, rates or self.rates
        return offers.rank(self.catalogue, licences, library, found, rates, context, wanted, self._refusal)

    def _refusal(self, model: Model, ruling: Ruling) -> str:
        """Why the organisation does not allow a model of the catalogue, "" where it does."""
        return self.policy.refusal(self.catalogue.about(ruling, model.gguf_repo)) or "" if self.policy.is_set else ""

    def refusal_of_repo(self, repo: Repo, ruling: Ruling) -> str:
        """The same of what a search on the Hub found."""
        known = self.policy.is_set
        claims = [name for card in repo.cards for name in (card.repo, *card.base_models)]
        return self.policy.refusal(self.catalogue.about(ruling, repo.id, claims)) or "" if known else ""

    def _smaller(self, path: Path) -> Mapping[str, object]:
        """What to do about a model that keeps ending the engine, as facts for the error: a smaller one, where one is known."""
        size_bytes = path.stat().st_size if path.exists() else 0
        here = [model for model in self.library.list() if not self.engine.crashes.times(model.path) and not self.denies(model)]
        found = offers.smaller(size_bytes, here, self.offers(self._found or self.hardware()))
        if isinstance(found, LocalModel):
            target = offers.local_target(found, self.catalogue)
            name = target.model.name if target.model else target.name
            return {"smaller": found.id, "smaller_name": name, "step": f"{name} is smaller, and it is on this computer."}
        if found is not None:
            return {"smaller_name": found.model.name, "step": f"{found.model.name} is smaller: alcove get {found.id}."}
        return {}

    def denies(self, model: LocalModel) -> bool:
        """Whether the organisation does not allow a model that is here. One that cannot be read is nobody's decision."""
        with suppress(AlcoveError):
            return bool(self.refusal(offers.local_target(model, self.catalogue)))
        return False

    def files(self, target: Target) -> tuple[File, ...]:
        """The files on the Hub that a target means, the model's own first. Raises NotFound and the network's errors."""
        if target.url:
            return self.hub.files_at(target.url)
        assert target.repo is not None
        if target.file:
            return self.hub.set_of(target.repo, target.file, target.revision)
        assert target.variant is not None
        repo = self.hub.repo(target.repo)
        found = repo.variant(target.variant.quantization)
        if found is None:
            raise NotFound(what=f"{target.variant.quantization} file in {target.repo}", host=self.hub.host)
        return repo.set_of(found)

    def file(self, target: Target) -> File:
        """The first of these files."""
        return self.files(target)[0]

    def get(self, reference: str) -> Generator[Progress, None, LocalModel]:
        """Download what a reference means, verify it and keep it; at once when it is here already.

        Raises NotAllowed and NotAccepted before the first byte, and as fetch.fetch.
        """
        target = self.target(reference)
        if target.local is not None:
            return target.local
        if target.path is not None:
            return self.library.link(target.path)
        yield (asking := Progress(0, target.variant.size_bytes if target.variant else 0, 0.0, None, stage="ask"))
        catalogue_id = offers.reference_to(target.model, target.variant) if target.model and target.variant else None
        with closing(self._ruled(target)) as steps:
            files, ruling = yield from judging.followed(steps, lambda _: asking)
        self.consent.admit(self.consent.terms(reference, _name(target), ruling))
        return (yield from fetch.fetch(files, self.hub, self.library, self.network, catalogue_id=catalogue_id, limit=self.limit))

    def asks_nothing(self, reference: str) -> bool:
        """Whether a model is here, or one of the catalogue whose licences want nothing accepted; asks the disk at most."""
        with suppress(AlcoveError):  # what is wrong with a reference, its download says
            target = self.target(reference)
            known = target.model is not None and not self.consent.missing(self.licences.rule(target.model.evidence))
            return target.path is not None or known
        return True

    def terms(self, reference: str) -> Generator[int | None, None, Terms]:
        """What has to be accepted before a model is fetched, with the texts that can be had. Raises NotAllowed, and as get."""
        target = self.target(reference)
        if target.path is not None:
            return Terms(reference, _name(target), self.ruling(target))
        yield None
        files, ruling = yield from self._ruled(target)
        if self.consent.terms(reference, _name(target), ruling).unread:
            repos = (*rulings.repos(target), *(card.repo for card in files[0].cards))
            with suppress(NetworkError, NotWritable):  # then it is accepted unread, which is noted
                yield from cards.fetch_texts(self.hub, ruling, tuple(dict.fromkeys(repos)), self.texts)
        return self.consent.terms(reference, _name(target), ruling)

    def _ruled(self, target: Target) -> Generator[None, None, tuple[tuple[File, ...], Ruling]]:
        """The files that are about to be fetched, and their licence by the pages of all that they were made from.

        Raises NotAllowed, and as files.
        """
        first, *others = self.files(target)
        first = replace(first, cards=(yield from cards.trace(self.hub, first.cards)))
        known = target.model.evidence if target.model else Evidence()
        ruling = self.licences.rule(replace(known, cards=first.cards))
        if refused := self.consent.refusal(target, ruling, self.catalogue, first.cards):
            raise refused
        return (first, *others), ruling

    def other_versions(self, reference: str) -> list[Target]:
        """Models here that are another version of what a reference means, which is not here."""
        target = self.target(reference)
        return versions.others(target, self.library.list(), self.catalogue) if target.path is None else []

    def licence_change(self, reference: str) -> Generator[None, None, Change | None]:
        """Whether what a reference means comes under another licence than the version of it that is here; None where it does not.

        The Hub is asked only where there is such a version. Raises as files().
        """
        here = self.other_versions(reference)
        if not here:
            return None
        yield
        said = yield from cards.trace(self.hub, self.file(self.target(reference)).cards)
        found = (versions.change(each, said, self.licences) for each in here)
        return next((each for each in found if each is not None), None)

    def newer_licence(self, target: Target) -> Change | None:
        """Whether a newer version of a model that is here is known to come under another licence; asks nobody."""
        if target.local is None or not target.repo or (newer := self.search.kept(target.repo)) is None:
            return None
        if newer.revision == target.local.revision:
            return None
        return versions.change(target, newer.cards, self.licences)

    def move_models(self, folder: Path) -> Generator[Progress, None, keeping.Moved]:
        """Move all models to another folder and keep new ones there; goes on where a move to it was broken off.

        Until it is done both folders are read, so that nothing is missing at any moment. Raises as keeping.move.
        """
        began, now = self.settings.moving_from, self.library.folder
        folder = folder.expanduser().absolute()
        if began and folder != now and keeping.is_unfinished(Path(began)):
            rule = f"the one from {began} to {now} is not finished; finish it with: alcove move {now}"
            raise Forbidden(what=f"A move to {folder}", rule=rule)
        source = Path(began) if began and folder == now else now
        with closing(keeping.move(source, folder)) as steps:
            yield next(steps)  # what speaks against it is said before anything is changed
            with closing(self.rest()) as resting:
                for _ in resting:
                    yield Progress(0, 0, 0.0, None, stage="move")
            self.settings.models_dir, self.settings.moving_from = str(folder), str(source)
            self.save_settings()
            moved = yield from steps
        self.settings.moving_from = ""
        self.save_settings()
        return moved

    def create_bundle(
        self, folder: Path, references: Sequence[str], *, licence_checked: bool = False
    ) -> Generator[Progress, None, Bundle]:
        """Write models with their licences into a folder for other computers; what is not here is fetched first.

        licence_checked: the person vouches for what Alcove cannot know. Raises NotToBePassedOn before anything is fetched or
        written, as get, and as bundle.create.
        """
        asking = Progress(0, 0, 0.0, None, stage="ask")
        for reference in references:
            target = self.target(reference)
            if target.path:
                ruling = self.ruling(target)
            else:
                _, ruling = yield from judging.followed(self._ruled(target), lambda _: asking)
            self._may_pass_on(target, ruling, licence_checked)
        raw = {entry["id"]: entry for entry in msgspec.json.decode(resource("catalogue.json").read_bytes())["models"]}
        items = []
        for reference in references:
            local = yield from self.get(reference)
            target = offers.local_target(local, self.catalogue)
            ruling = self.ruling(target)
            with suppress(NetworkError, NotWritable):  # what is missing then is told below
                yield from judging.followed(self.fetch_text(target), lambda _: asking)
            checked = self._may_pass_on(target, ruling, licence_checked, texts=self.texts)
            named = offers.reference_to(target.model, target.variant) if target.model and target.variant else None
            entry = raw[target.model.id] if target.model else None
            accepted = self.consent.acceptances.of(ruling, self.texts)
            passed = passing.Passed(ruling, passing.texts_of(ruling, self.texts), accepted, checked)
            items.append(bundle.Item(local, named or f"hf:{local.repo}/{local.file}", passed, entry))
        return (yield from bundle.create(folder, items))

    def _may_pass_on(self, target: Target, ruling: Ruling, licence_checked: bool, texts: Texts | None = None) -> str:
        """Who vouches for passing a model on, "" where that needs nobody. Raises NotAllowed, NotToBePassedOn."""
        if refused := self.consent.refusal(target, ruling, self.catalogue):
            raise refused
        approved = self.policy.verdict_on(ruling)
        word = approved.text if approved else passing.CHECKED if licence_checked else ""
        return passing.check(_name(target), ruling, texts, word)

    def install_bundle(
        self, folder: Path, *, in_place: bool = False, accept: bool = False
    ) -> Generator[Progress, None, tuple[list[LocalModel], list[Acceptance]]]:
        """Take in what a bundle has; also returns who accepted the licences. As Receiving.install."""
        here = Receiving(self.library, self.consent, self.licences, self.catalogue, self.texts)
        return here.install(folder, in_place=in_place, accept=accept)

    def header(self, target: Target) -> gguf.Header | None:
        """The header of a target's file: from the disk, or the first bytes of a named file on the Hub or elsewhere.

        None for a catalogue model that is not here: the catalogue's facts stand for it. Raises as gguf.read_file, and the
        network's errors.
        """
        if target.path is not None:
            return gguf.read_file(target.path)
        if target.file or target.url:
            return judging.end(self.headers.read(self.file(target))).header
        return None

    def shape(self, target: Target, header: gguf.Header | None) -> fit.Shape:
        """What decides memory and speed, from the real header or the catalogue's facts."""
        if header is not None:
            return fit.Shape.from_header(header)
        assert target.model is not None
        assert target.variant is not None
        return target.model.shape(target.variant)

    def ruling(self, target: Target) -> Ruling:
        """What the licence of a target allows, from every piece of evidence on this computer. Raises as gguf.read_file."""
        return rulings.of(target, self.licences, self.catalogue)

    def register(self) -> Generator[register.Row, None, tuple[register.Row, ...]]:
        """The licences of all models that are here, for whoever has to answer for them."""
        return register.rows(self.library, self.consent, self.texts, self._registered)

    def _registered(self, model: LocalModel) -> tuple[str, Ruling, str]:
        target = offers.local_target(model, self.catalogue)
        ruling = self.ruling(target)
        return _name(target), ruling, self.refusal(target, ruling)

    def refusal(self, target: Target, ruling: Ruling | None = None) -> str:
        """Why the organisation does not allow a model, as a sentence; "" where it does. Raises as gguf.read_file."""
        if not self.policy.is_set:
            return ""
        refused = self.consent.refusal(target, ruling or self.ruling(target), self.catalogue)
        return str(refused.facts["reason"]) if refused else ""

    def licence(self, reference: str) -> Ruling:
        """As `ruling`, of a model reference or of the id of a licence; asks the Hub about a file of its that is not here."""
        if reference.strip().lower() in self.licences:  # people write Apache-2.0
            return self.licences.describe(reference.strip().lower())
        target = self.target(reference)
        if target.path is None and target.model is None:
            traced = cards.trace(self.hub, self.file(target).cards)
            return self.licences.rule(rulings.evidence(judging.end(traced), self.catalogue))
        return self.ruling(target)

    def fetch_text(self, target: Target) -> Generator[int, None, tuple[Text, ...]]:
        """Get the licence texts of a target that are missing; yields bytes, returns all that are here. As cards.fetch_texts."""
        return cards.fetch_texts(self.hub, self.ruling(target), rulings.repos(target), self.texts)

    def problems(self, found: Hardware) -> list[dict[str, str]]:
        """What is wrong on this computer, each with the step that mends it: keys "what" and "fix"."""
        refused = [{"what": str(error), "fix": "Remove it, or have it signed."} for error in self.edition.refused]
        mend = "Have whoever looks after this computer mend it: alcove policy check FILE tells what is wrong."
        decided = [{"what": each, "fix": mend} for each in self.policy.problems(self.licences)]
        return problems.find(found, self.library, self.hub) + refused + decided

    # --- will it run ----------------------------------------------------------------------------------------------------------

    @property
    def accuracy(self) -> str:
        """How right the estimates were on this computer, as a sentence; empty while nothing was measured."""
        return self.record.sentence()

    @property
    def opened(self) -> Opened | None:
        """What the engine has open now."""
        return self._opened if self.engine.is_open else None

    def estimate(
        self,
        target: Target | str,
        header: gguf.Header | None = None,
        hardware: Hardware | None = None,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
        rates: Rates | None = None,
    ) -> fit.Fit:
        """Will it run here, by the formula, in milliseconds: from this header, the one that was read last, or the catalogue.

        hardware: None is this computer as it was last seen. Asks neither the disk nor the network for a Target that was judged
        before, or that the catalogue knows. Raises NotHere for a file that nothing is known of.
        """
        target = self.target(target) if isinstance(target, str) else target
        shape = fit.Shape.from_header(header) if header else self._shapes.get(_key(target))
        if shape is None and target.path is not None:
            shape = self._known(target, gguf.read_file(target.path))
        if shape is None and not (target.model and target.variant):
            raise NotHere(name=target.name, reference=target.reference)
        shape = shape or self.shape(target, None)
        wish = self._wish(target, context, kv_type, gpu_layers, goal)
        return self._question(target, shape, hardware or self._found or self.hardware(), wish, rates).by_formula()

    def judge(
        self,
        reference: Target | str,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
        hardware: Hardware | None = None,
        rates: Rates | None = None,
        projector_bytes: int = 0,
    ) -> Generator[Step, None, Judgement]:
        """Will it run here, by the engine's own figures, whether or not the file is here: its header is enough.

        projector_bytes: of a projector that is to be counted in; one that lies beside the model's file is anyway.
        Raises NotAModel, UnknownArchitecture, what gguf.read_file raises, and the network's errors where the catalogue does not
        know the model.
        """
        started_s = time.monotonic()
        target = self.target(reference) if isinstance(reference, str) else reference
        with suppress(EngineCrashed):  # it is told where the engine is asked
            self.engine.prepare_measure(target.path)  # it starts while the header is read
        known = yield from judging.read(target, self.file, self.headers)
        shape = self._known(target, known.header) if known.header else self.shape(target, None)
        wish = self._wish(target, context, kv_type, gpu_layers, goal)
        question = self._question(target, shape, hardware or self.hardware(), wish, rates)
        if projector_bytes:
            question = replace(question, projector_bytes=projector_bytes)
        if known.model is None:
            judged, note = question.by_formula(), known.note
        else:
            judged, note = yield from question.ask(self.engine, known.model)
        took_s = time.monotonic() - started_s
        return Judgement(judged, known.bytes_read, took_s, known.source, note or known.note)

    def _known(self, target: Target, header: gguf.Header) -> fit.Shape:
        """The shape in a header, kept for the next estimate. Raises NotAModel."""
        judging.refuse_other_kinds(header, target.name)
        shape = self._shapes[_key(target)] = fit.Shape.from_header(header)
        return shape

    def _question(
        self, target: Target, shape: fit.Shape, hardware: Hardware, wish: Wish, rates: Rates | None = None
    ) -> judging.Question:
        held = self._held if hardware is self._found else fit.NOTHING
        sizes = {v.quantization: v.size_bytes for v in target.model.variants} if target.model else fit.NOTHING
        eyes = self._eyes(target)
        seeing = eyes.total_bytes if eyes else 0
        return judging.Question(shape, hardware, rates or self.rates, wish, held, projector_bytes=seeing, sizes=sizes)

    def _eyes(self, target: Target) -> Projector | None:
        """What lets a model on this computer see pictures."""
        with suppress(AlcoveError):  # a file that cannot be read is told where it is opened
            return projector.beside(target.path, gguf.read_file(target.path)) if target.path else None
        return None

    def sees(self, reference: str) -> bool:
        """Whether a model takes pictures: as it is open, else as far as its files tell."""
        target = self.target(reference)
        if self.opened and self.opened.path == target.path and self.engine.info:
            return self.engine.info.sees
        return self._eyes(target) is not None

    def _wish(
        self,
        target: Target,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
    ) -> Wish:
        """What is asked for now, else what the person chose for this model; a goal goes before the length for all models."""
        return judging.wish(target, self.settings, Wish(context, kv_type, gpu_layers, goal))

    def bench(
        self,
        reference: str,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        load_mode: str | None = None,
        threads: int | None = None,
        depth: int = 0,
    ) -> Generator[Loading | BenchStep, None, BenchReport]:
        """Open a model and measure its speed and memory here; what was predicted goes into the record beside it.

        depth: tokens said before. Raises as open_model does, and ContextFull.
        """
        wish = replace(self._wish(self.target(reference), context, kv_type, gpu_layers), load_mode=load_mode)
        loaded = yield from self.open_model(reference, wish=wish, threads=threads, chats=False)
        opened = self._opened
        assert opened is not None
        predicted = opened.speed(self.rates, self.hardware(), depth)
        benched = yield from self.engine.bench(depth=depth, threads=threads)
        peak_bytes = benched.peak_bytes if benched.batch_tokens >= BATCH else 0
        self._note(opened, peak_bytes, predicted if threads is None else 0.0, benched.tokens_per_s)
        return BenchReport(loaded.load_s, benched, opened.fit, predicted)

    def _note(self, opened: Opened, peak_bytes: int, predicted: float, tokens_per_s: float) -> None:
        """Keep predicted beside measured. Bytes 0: the workspace was not used whole; a graphics card may hold a part, too."""
        judged = opened.fit
        whole = peak_bytes if not judged.gpu_layers else 0
        if not self.rates.computer or opened.shape.active_bytes < speed.LEARN_LEAST_BYTES:
            predicted = 0.0  # it was a guess by name, or of a model that stays in the processor's caches
        self.record.add(Entry(opened.reference, judged.total_bytes, whole, predicted, tokens_per_s))

    # --- chat -----------------------------------------------------------------------------------------------------------------

    def open_model(
        self,
        reference: str,
        *,
        context: int | None = None,
        threads: int | None = None,
        wish: Wish | None = None,
        chats: bool = True,
    ) -> Generator[Loading, None, Loaded]:
        """Load the model on this computer that a reference means, by the best plan for it, unless it is open so.

        wish: in place of what the person chose for this model. chats: False opens also what has no vocabulary, to be measured.
        Raises NotHere, NotAllowed, NotAModel, WillNotFit and the engine's errors.
        """
        target = self.target(reference)
        if target.path is None:
            raise NotHere(name=target.name, reference=reference)
        if self.policy.is_set and (refused := self.consent.refusal(target, self.ruling(target), self.catalogue)):
            raise refused
        wish = wish or self._wish(target, context)
        yield from self._door.enter(target.path)
        try:
            opened, info = self.opened, self.engine.info
            if opened and info and (opened.path, opened.wish) == (target.path, wish) and threads is None:
                return info  # what is free now no longer counts: it has its memory
            shape = self._known(target, gguf.read_file(target.path))
            kept = states.of_model(self.paths.states, target.path) if self.settings.keep_ready else None
            order = partial(replace, chats=chats, states=kept, **({"threads": threads} if threads else {}))
            eyes = self._eyes(target) if chats else None
            with closing(self._open(target, shape, wish, order, eyes)) as steps:
                loaded, judged = yield from judging.followed(steps, self._door.show)
            self._opened, self._noted = Opened(reference, target.path, wish, shape, judged), set()
        finally:
            self._door.leave()
        if target.local is not None:
            self.library.used(target.local.id)
        if chats:
            self._note_thinking(target, loaded)
        return loaded

    def _open(
        self, target: Target, shape: fit.Shape, wish: Wish, order: opening.Order, eyes: Projector | None
    ) -> Generator[Loading, None, tuple[Loaded, fit.Fit]]:
        """Open a model with eyes where there is room for them and they can be used, else without, and say so."""
        assert target.path is not None
        notice = ""
        if eyes and self._ask(target, shape, wish, eyes).by_formula(advise=False).verdict in TOO_MUCH:
            eyes, notice = None, NO_ROOM_TO_SEE
        try:
            ask, seeing = partial(self._ask, target, shape, eyes=eyes), partial(_with_eyes, order, eyes)
            found = yield from opening.opened(self.engine, target.path, ask, wish, seeing)
        except AlcoveError as error:
            if eyes is None or not (isinstance(error, EngineCrashed) or error.facts.get("path") == str(eyes.path)):
                raise
            notice = CANNOT_SEE
            found = yield from opening.opened(self.engine, target.path, partial(self._ask, target, shape), wish, order)
        loaded, judged = found
        if notice:
            self.engine.info = loaded = replace(loaded, notices=(*loaded.notices, notice))
        return loaded, judged

    def _ask(self, target: Target, shape: fit.Shape, wish: Wish, eyes: Projector | None = None) -> judging.Question:
        question = self._question(target, shape, self.hardware(), wish)
        return replace(question, projector_bytes=eyes.total_bytes if eyes else 0)

    def wake(self, reference: str) -> Generator[Loading, None, bool]:
        """Open a model before anything is asked of it, where it is here, runs well and leaves room; whether it was opened.

        One that the engine died of the last time is left alone until somebody asks for it. Raises as open_model.
        """
        target = self.target(reference)
        if target.path is None or self.engine.crashes.times(target.path):
            return False
        judged = self.estimate(target, hardware=self.hardware())
        if judged.verdict != "runs_well" or judged.close_call:
            return False
        yield from self.open_model(reference)
        return True

    def rest(self) -> Generator[None, None, None]:
        """Give the open model's memory back, when it is not at work; the next message opens it again."""
        with closing(self._door.enter(None)) as steps:
            for _ in steps:
                yield
        try:
            yield from self.engine.rest()
        finally:
            self._door.leave()

    @property
    def memory_is_short(self) -> bool:
        """Whether so little is left that other programs could do with the model's."""
        left = memory.read()
        return left.available_bytes < max(MARGIN_BYTES, left.total_bytes * MARGIN_SHARE)

    def thinking(self, reference: str) -> bool | None:
        """Whether a model is to think before it answers; None where it has no choice, or was never open. Raises BadReference."""
        return self.settings.thinking.get(judging.settings_key(self.target(reference)))

    def choose_thinking(self, reference: str, on: bool) -> None:
        """Have a model think before it answers, or not, from now on. Raises BadReference, NotWritable."""
        self.settings.thinking[judging.settings_key(self.target(reference))] = on
        self.save_settings()

    def _note_thinking(self, target: Target, loaded: Loaded) -> None:
        """Only the engine can tell whether a model offers the choice: what it said holds until the model is opened again."""
        key = judging.settings_key(target)
        if loaded.thinks == "choice":
            self.settings.thinking.setdefault(key, loaded.thinks_unasked)
        else:
            self.settings.thinking.pop(key, None)

    def turn(
        self,
        conversation_id: int,
        question: str | None,
        reference: str,
        options: ChatOptions | None = None,
        *,
        pictures: Sequence[bytes] = (),
        make_room: How | None = None,
    ) -> Generator[Loading | Loaded | chat.Step, None, Stored]:
        """Ask in a conversation: the model is loaded when needed, the answer streamed. With no question, answer what was asked
        last, or go on with the answer that was given last.

        The question is saved by the call itself, so that it is kept even when nobody takes the first step. pictures: files as
        picture.prepared() gives them; a model that cannot see leaves them out. make_room: let the model read less first. Raises
        as open_model does, and as chat.turn.
        """
        if question is not None:
            self.conversations.add(conversation_id, "user", question, pictures=pictures)
        return self._answer(conversation_id, reference, options or ChatOptions(), make_room)

    def _answer(
        self, conversation_id: int, reference: str, options: ChatOptions, make_room: How | None
    ) -> Generator[Loading | Loaded | chat.Step, None, Stored]:
        yield Loading(0.0)
        yield (yield from self.open_model(reference))
        if options.thinking is None:
            options = replace(options, thinking=self.thinking(reference))
        options = replace(options, conversation=str(conversation_id) if self.settings.keep_ready else "")
        answer, reply = yield from chat.turn(
            self.conversations,
            conversation_id,
            self.engine,
            options,
            model=reference,
            make_room=make_room,
            when_full=self.settings.when_full,
        )
        if self._opened and reply.completion_tokens >= SAID_ENOUGH:
            self._learn(self._opened, reply)
        return answer

    def delete_conversation(self, conversation_id: int) -> None:
        """Put a conversation in the trash, from where the store takes it back; what models have read of it goes at once."""
        self.conversations.delete(conversation_id)
        self._forget(str(conversation_id))

    def _forget(self, conversation: str | None) -> None:
        """Let nothing be kept of what models have read of a conversation, or of all."""
        self.engine.forget(conversation)
        states.forget(self.paths.states, conversation)

    def _learn(self, opened: Opened, reply: Reply) -> None:
        """Let a real answer correct the predictions for this computer; each opening of a model goes into the record once."""
        plan, depth = opened.fit.plan, reply.prompt_tokens + reply.completion_tokens // 2
        here = self._found or self.hardware()
        new = {"speed", *(["memory"] if reply.batch_tokens >= BATCH else [])} - self._noted
        predicted = opened.speed(self.rates, here, depth) if "speed" in new else 0.0
        self._note(opened, reply.peak_bytes if "memory" in new else 0, predicted, reply.tokens_per_s)
        self._noted |= new
        self.rates = speed.learn(
            speed.for_hardware(self.rates, here),
            opened.shape,
            reply.tokens_per_s,
            gpu_share=opened.fit.gpu_share,
            depth=depth,
            kv_type=plan.kv_type,
            load_mode=plan.load_mode,
        )
        speed.save(self.rates, self.paths.cache / "rates.json")


def _key(target: Target) -> str:
    """What tells one file from another in memory."""
    return str(target.path or target.url or f"{target.repo}/{target.file or target.variant}")


def _name(target: Target) -> str:
    """What people call it."""
    return target.model.name if target.model else target.name


def _with_eyes(order: opening.Order, eyes: Projector | None, options: LoadOptions) -> LoadOptions:
    return replace(order(options), projector=eyes.path if eyes else None)
