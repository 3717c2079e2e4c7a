"""Which licences were accepted, by whom and when: a file of lines that is only ever added to.

A licence with conditions is accepted once for each of its texts. Where no text could be had, it is accepted by its id, version
and address, and the line says that no text was read. What a crash leaves of a line is passed over, and hides none of the others.
"""

import errno
import getpass
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from desktop import __version__, record
from desktop.address import is_address
from desktop.licences import UNKNOWN, Licence, Ruling
from desktop.replacing import refused
from desktop.texts import Texts

STRANGE = r"“([^”]+)”, which Alcove does not know"  # in what a source says


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `at` is ISO 8601 in UTC. `text_sha256` None: no text was read.

    `through` says who accepted in place of the person: "" for nobody, "organisation" or "bundle". `words` are theirs.
    """

    licence: str
    name: str
    model: str
    user: str
    at: str
    text_sha256: str | None
    alcove: str
    version: str | None = None
    url: str = ""
    through: str = ""
    words: str = ""

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.at)  # a line without a time says nothing

    def covers(self, licence: Licence, text_sha256: str | None) -> bool:
        """Whether it holds for this licence with this text, or with none."""
        if self.licence != licence.id or self.text_sha256 != text_sha256:
            return False
        return text_sha256 is not None or (self.version, self.url) == (licence.version, licence.url)


class Acceptances:
    """All of them, in one file of the home."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self) -> tuple[Acceptance, ...]:
        """Every line that can be read, oldest first."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:  # nothing was accepted so far
            return ()
        found = []
        for line in lines:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                found.append(msgspec.json.decode(line, type=Acceptance))
        return tuple(found)

    def of(self, ruling: Ruling, texts: Texts) -> tuple[Acceptance, ...]:
        """What holds for the licences of a ruling as they are now: the first of each, for it was accepted then."""
        known = self.list()
        first = (next((a for a in known if a.covers(x, _sha256(x, texts))), None) for x in asking(ruling))
        return tuple(each for each in first if each)

    def missing(self, ruling: Ruling, texts: Texts) -> tuple[Licence, ...]:
        """The licences with conditions that were not accepted in the text that is here now."""
        known = self.list()
        return tuple(x for x in asking(ruling) if not any(each.covers(x, _sha256(x, texts)) for each in known))

    def accept(self, ruling: Ruling, reference: str, texts: Texts) -> tuple[Acceptance, ...]:
        """Note that the person accepts what is missing for a model; returns the new lines. Raises NotWritable."""
        return self.add(line(licence, reference, _sha256(licence, texts)) for licence in self.missing(ruling, texts))

    def add(self, accepted: Iterable[Acceptance]) -> tuple[Acceptance, ...]:
        """Write lines at the end, and have them on the disk before anything follows from them. Raises NotWritable."""
        new = tuple(accepted)
        if not new:
            return new
        content = b"".join(msgspec.json.encode(each) + b"\n" for each in new)
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            try:
                if self._is_broken(handle):
                    content = b"\n" + content  # what is left of a line stays one of its own
                if os.write(handle, content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise refused(error, self._path) from error
        return new

    def _is_broken(self, handle: int) -> bool:
        """Whether the last line has no end."""
        size = os.fstat(handle).st_size
        if not size:
            return False
        os.lseek(handle, size - 1, os.SEEK_SET)
        return os.read(handle, 1) != b"\n"


def asking(ruling: Ruling) -> tuple[Licence, ...]:
    """The licences of a ruling that have to be accepted: those with conditions, and those that are stated and not known.

    Where nobody states one, there is nothing that could be accepted.
    """
    known = [each for each in ruling.licences if each.openness == "conditions" and each.id != UNKNOWN]
    unknown = next((each for each in ruling.licences if each.id == UNKNOWN), None)
    return (*known, *(_strange(ruling, unknown) if unknown else ()))


def _strange(ruling: Ruling, unknown: Licence) -> Iterator[Licence]:
    """What is stated and not known to Alcove, told apart by its tag and the address that is given for it."""
    told: dict[str, str | None] = {}
    for source in ruling.sources:
        for tag in re.findall(STRANGE, source.says):
            told[tag] = told.get(tag) or (source.link if is_address(source.link or "") else source.url)
    told.pop(UNKNOWN, None)  # which is no name of a licence
    for tag, link in told.items():
        name = f"licence “{tag}”, which Alcove does not know"
        yield replace(unknown, name=name, version=tag, url=link or unknown.url)


def line(licence: Licence, reference: str, text_sha256: str | None, *, through: str = "", words: str = "") -> Acceptance:
    """That a licence is accepted now in this text, by the person who uses this account."""
    return Acceptance(
        licence=licence.id,
        name=licence.name,
        version=licence.version,
        url=licence.url,
        model=reference,
        user=_account(),
        at=record.now(),
        text_sha256=text_sha256,
        alcove=__version__,
        through=through,
        words=words,
    )


def _sha256(licence: Licence, texts: Texts) -> str | None:
    text = texts.of(licence)
    return text.sha256 if text else None


def _account() -> str:
    """The system's name of the account; variables of the environment are asked only where the system knows none."""
    with suppress(ImportError, KeyError):  # Windows has no such list, and some containers have no entry in it
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    try:
        return os.getlogin() if os.name == "nt" else getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
