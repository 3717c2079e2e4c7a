"""The parts of Alcove, each built once, and the settings that they follow. The doors (window, command line) hold one App."""

import logging
import os
import platform
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import msgspec

from desktop import __version__, editions, keeping, licences, logs, policy, problems, settings
from desktop.acceptance import Acceptances
from desktop.address import proxy_for, with_login
from desktop.catalogue import Catalogue
from desktop.computer import Computer
from desktop.connections import Limit
from desktop.consent import Consent
from desktop.conversations import Conversations
from desktop.diagnosis import Diagnosis, diagnose
from desktop.downloads import Downloads
from desktop.engine import STATES_BYTES, states
from desktop.engine.local import LocalEngine, addons
from desktop.errors import Forbidden, NotWritable
from desktop.estimates import Estimates
from desktop.getting import Getting
from desktop.hardware import Hardware
from desktop.headers import Headers
from desktop.hub import ENDPOINT, Hub
from desktop.keychain import PROXY, TOKEN, Keychain
from desktop.library import Library
from desktop.network import Network
from desktop.paths import GUIDE, SHARED_CATALOGUE, Paths, shared_models
from desktop.receiving import Receiving
from desktop.rights import Rights
from desktop.running import Running
from desktop.search import Search
from desktop.sending import Sending
from desktop.suggestions import Suggestions
from desktop.talking import Talking
from desktop.targets import Targets
from desktop.texts import Texts
from desktop.transfer import Progress

TokenFrom = Literal["environment", "keyring", "session", "none"]
REST_S = 5.0  # for keeping what a model has read, at the end
log = logging.getLogger(__name__)


class App:
    """Everything below the doors. `App.open(home)` builds it, `close()` ends it; slow acts are generators."""

    def __init__(self, paths: Paths, door: str) -> None:
        paths.create()
        self.paths = paths
        self.policy = self._first_policy = policy.read()
        if self.policy.broken:
            log.error("The rules of the organisation cannot be read, so nothing is allowed. %s", self.policy.broken)
        self.settings = settings.load(paths.settings, self.policy.decided)
        self._build_outside()
        self._build_here()
        self._build_acts()
        self._follow_settings()
        if "keep_ready" in self.policy.locks and not self.settings.keep_ready:
            self.running.forget(None)  # of the time before
        self.library.tidy()
        self._log = logs.start(paths.logs)
        system = f"{platform.platform()} with Python {platform.python_version()}"
        log.info("Alcove %s starts as %s on %s", __version__, door, system)
        self._log_problems()

    def _build_outside(self) -> None:
        """What connects, and what it connects to."""
        if "ca_file" in self.policy.locks:
            for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # would take the place of the system's certificates
                os.environ.pop(name, None)
        ca_file = Path(self.settings.ca_file) if self.settings.ca_file else None
        self.network = Network(ca_file=ca_file, log_path=self.paths.logs / "network.jsonl")
        self.network.proxy_for = self._proxy_for
        self.limit = Limit()  # of all downloads together
        self.keychain = Keychain(self.paths.home)
        find_token = partial(self.keychain.get, TOKEN) if self.settings.token_kept else None
        usual = ENDPOINT if "hub_endpoint" in self.policy.locks else None  # else HF_ENDPOINT counts
        self.hub = Hub(self.network, self.settings.hub_endpoint or usual, find_token=find_token)
        self.search = Search(self.hub, self.paths.cache / "search")
        self.headers = Headers(self.hub, self.paths.cache / "headers")

    def _build_here(self) -> None:
        """What is on this computer."""
        paths = self.paths
        shared = [*shared_models(), *map(Path, self.policy.shared_folders)]
        self.library = Library(settings.models_dir(self.settings, paths), GUIDE, shared=shared)
        self.downloads = Downloads(paths.downloads)
        self.engine = LocalEngine(paths.cache)
        self.licences = licences.load()
        self.texts = Texts(paths.licences)
        self.consent = Consent(self.policy, Acceptances(paths.acceptances), self.texts)
        self.edition = editions.newest((SHARED_CATALOGUE, paths.catalogue), self.catalogue_keys, self.licences)

    def _build_acts(self) -> None:
        """What can be done with all that."""
        self.targets = targets = Targets(self.catalogue, self.library, self.hub)
        self.rights = rights = Rights(targets, self.licences, self.consent, self.texts, self.search)
        self.getting = Getting(targets, rights, self.network, self.limit)
        self.sending = Sending(targets, rights, self.getting)
        self.receiving = Receiving(self.library, self.consent, self.licences, self.catalogue, self.texts)
        self.computer = Computer(self.engine, self.paths.cache)
        self.suggestions = Suggestions(targets, rights, self.computer, self.engine)
        self.engine.crashes.way_out = self.suggestions.smaller
        self.estimates = Estimates(targets, self.headers, self.computer, self.engine, self.settings)
        self.running = Running(self.estimates, rights, self.engine, self.settings, self.paths.states)

    @classmethod
    def open(cls, home: str | os.PathLike[str] | None = None, door: str = "a part of another program") -> "App":
        """`door`: who holds it, for the log; nothing that a person typed. Raises NotWritable when the home cannot be written."""
        return cls(Paths.default(home), door)

    def close(self) -> None:
        """Keep what the model has read, end the engine's process and let go of the files."""
        self.network.hang_up()
        end_s = time.monotonic() + REST_S
        with closing(self.engine.rest()) as steps:
            next((True for _ in steps if time.monotonic() > end_s), None)
        self.engine.close()
        if "conversations" in self.__dict__:
            self.conversations.close()
        log.info("Alcove ends")
        logs.stop(self._log)

    @property
    def catalogue(self) -> Catalogue:
        return self.edition.catalogue

    @property
    def catalogue_keys(self) -> Sequence[str]:
        """Whose lists of models count. A list says what comes under which licence: where an organisation judges by that, the
        person's own keys vouch for nothing."""
        decided = self.policy.decided
        if not self.policy.judges_models:
            return self.settings.catalogue_keys
        keys: Sequence[str] = decided.locked.get("catalogue_keys", decided.defaults.get("catalogue_keys", ()))
        return keys

    @cached_property
    def conversations(self) -> Conversations:
        store = Conversations(self.paths.database)
        self._expire(store)
        store.empty_trash()  # what was deleted last time: the way back went with the window
        states.keep_only(self.paths.states, [str(conversation.id) for conversation in store.list()])
        states.make_room(self.paths.states, STATES_BYTES)
        return store

    def expire(self) -> tuple[int, ...]:
        """Delete for good the conversations that are older than the organisation has them kept; returns their ids."""
        return self._expire(self.conversations)

    def _expire(self, store: Conversations) -> tuple[int, ...]:
        if (days := self.policy.retention_days) is None:
            return ()
        gone = store.forget_before(datetime.now(UTC) - timedelta(days=days))
        for id in gone:
            self.running.forget(str(id))
        return gone

    @cached_property
    def talking(self) -> Talking:
        """Needs the conversations, so it opens them."""
        return Talking(self.targets, self.running, self.conversations, self.settings, self.save_settings)

    def update_catalogue(self) -> Generator[int, None, Catalogue]:
        """Get a newer list of models from the mirror; it is used from the next start on. Raises Forbidden, as editions.fetch."""
        if not self.policy.allows("catalogue_updates"):
            raise Forbidden(what="A newer list of models", rule="your organisation has turned this off")
        return editions.fetch(self.hub, self.paths.catalogue, self.catalogue_keys, self.licences, self.catalogue.date)

    def move_models(self, folder: Path) -> Generator[Progress, None, keeping.Moved]:
        """Move all models to another folder and keep new ones there; goes on where a move to it was broken off.

        Until it is done both folders are read, so that nothing is missing at any moment. Raises Forbidden, and as keeping.move.
        """
        self._check_free("models_dir", "Another folder for models")
        began, now = self.settings.moving_from, self.library.folder
        folder = folder.expanduser().absolute()
        if began and folder != now and keeping.is_unfinished(Path(began)):
            rule = f"the one from {began} to {now} is not finished; finish it with: alcove move {now}"
            raise Forbidden(what=f"A move to {folder}", rule=rule)
        source = Path(began) if began and folder == now else now
        with closing(keeping.move(source, folder)) as steps:
            yield next(steps)  # what speaks against it is said before anything is changed
            with closing(self.running.rest()) as resting:
                for _ in resting:
                    yield Progress(0, 0, 0.0, None, stage="move")
            self.settings.models_dir, self.settings.moving_from = str(folder), str(source)
            self.save_settings()
            moved = yield from steps
        self.settings.moving_from = ""
        self.save_settings()
        return moved

    def problems(self, found: Hardware) -> list[dict[str, str]]:
        """What is wrong on this computer, each with the step that mends it: keys "what" and "fix"."""
        refused = [{"what": str(error), "fix": "Remove it, or have it signed."} for error in self.edition.refused]
        mend = "Have whoever looks after this computer mend it: alcove policy check FILE tells what is wrong."
        decided = [{"what": each, "fix": mend} for each in policy.problems(self.policy, self.licences)]
        return problems.find(found, self.library, self.hub, addons()) + refused + decided

    def test_connection(self) -> Generator[None, None, Diagnosis]:
        """Ask the Hub whether it can be reached as things are set. Raises what stands in the way, as diagnose."""
        return diagnose(self.hub, self.network)

    @property
    def token_from(self) -> TokenFrom:
        """Where the access token for the Hub comes from: the environment's goes before one that was entered."""
        if os.environ.get("HF_TOKEN"):
            return "environment"
        if self.settings.token_kept:
            return "keyring"
        return "session" if self.hub.token else "none"

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
        proxy = proxy_for(url, chosen, heed_exceptions="proxy" not in self.policy.locks)
        return with_login(proxy, user, self.keychain.get(PROXY) or "") if proxy and chosen and user else proxy

    def trust(self, ca_file: str) -> None:
        """Trust the certificates of a file of the organisation's, "" for none. Raises Forbidden, NoCertificate, NotWritable."""
        self._check_free("ca_file", "Another certificate")
        self.network.trust(Path(ca_file) if ca_file else None)
        self.settings.ca_file = ca_file
        self.save_settings()

    def save_settings(self) -> None:
        """Let the parts that depend on the settings follow, and keep them. Raises NotWritable; they hold until the end then."""
        self._follow_settings()
        if not self.settings.keep_ready:
            self.running.forget(None)
        settings.save(self.settings, self.paths.settings, self.policy.decided)

    def _check_free(self, setting: str, what: str) -> None:
        """Raises Forbidden for a setting that the organisation has locked."""
        if where := self.policy.locks.get(setting):
            raise Forbidden(what=what, rule=f"your organisation has set it ({where})")

    @property
    def has_outdated_parts(self) -> bool:
        """Whether the rules of the organisation are others than at the start, so that some of them hold from the next one."""
        return self.policy != self._first_policy

    def follow(self, rules: policy.Policy) -> None:
        """Let rules that were changed since the start hold: about models, settings, pictures, how long conversations are kept.

        What was built by the old ones stays until the next start: the Hub, certificates, the list of models, folders for all.
        """
        before, self.policy, self.consent.policy = self.policy, rules, rules
        log.warning("the organisation has changed its rules")
        self._log_problems()
        with suppress(NotWritable):  # a file of somebody else's: what is locked holds all the same
            settings.follow(self.settings, self.paths.settings, before.decided, rules.decided)
        self._follow_settings()
        if not self.settings.keep_ready:
            self.running.forget(None)

    def _log_problems(self) -> None:
        level = logging.ERROR if self.policy.broken else logging.WARNING
        for problem in policy.problems(self.policy, self.licences):
            log.log(level, "policy: %s", problem)

    def _follow_settings(self) -> None:
        settings.hold(self.settings, self.policy.decided)  # what is locked was changed for nothing
        self.estimates.pictures = self.policy.allows("pictures")
        self.network.kept_offline = "offline" in self.policy.locks
        self.network.offline = self.settings.offline
        self.network.allowed_hosts = self.settings.allowed_hosts
        self.limit.bytes_per_s = self.settings.speed_limit
        self.library.folder = settings.models_dir(self.settings, self.paths)
        closed = {"models_dir", "more_folders"} <= self.policy.locks.keys()  # then a move that only the file tells of adds none
        named = msgspec.structs.replace(self.settings, moving_from="") if closed else self.settings
        self.library.more = settings.more_folders(named)
