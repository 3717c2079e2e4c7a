"""Newer editions of the catalogue: a file and the signature beside it, from the mirror or put in place by IT. Never needed.

An edition is catalogue.json and catalogue.json.sig, an Ed25519 signature of the file's bytes in base64. It counts when its key is
one that the settings trust, when it can be read whole, and when it is newer than the one that came with the program.
"""

import base64
import binascii
import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop import catalogue
from desktop.catalogue import Catalogue
from desktop.errors import CatalogueRefused, Corrupt, NotFound
from desktop.hub import Hub
from desktop.network import Response, refusal
from desktop.replacing import refused, replace

NAME, SIGNATURE = "catalogue.json", "catalogue.json.sig"
LARGEST_BYTES = 16_000_000  # the one inside the program has a fortieth of it
UNSIGNED = "there is no signature beside it"
UNTRUSTED = "no key that is trusted here has signed it"


@dataclass(frozen=True)
class Edition:
    """One that counts, and why others do not."""

    catalogue: Catalogue
    refused: tuple[CatalogueRefused, ...] = ()


def newest(folders: Iterable[Path], keys: Sequence[str], licences: Iterable[str]) -> Edition:
    """The newest edition of the program's own and those in these folders."""
    best, known, refused = catalogue.load(), frozenset(licences), []
    for folder in folders:
        if not (folder / NAME).exists():
            continue
        try:
            found = _opened(folder, keys, known)
        except CatalogueRefused as error:
            refused.append(error)
            continue
        if found.date > best.date:
            best = found
    return Edition(best, tuple(refused))


def fetch(hub: Hub, folder: Path, keys: Sequence[str], licences: Iterable[str], current: str) -> Generator[int, None, Catalogue]:
    """Get the mirror's edition into a folder, if it is newer than that of the date `current`; yields the bytes so far.

    Raises CatalogueRefused, NotFound (the mirror has none), NotWritable and the network's errors; the one in use then stays.
    """
    with hub.client("look for a newer list of models") as client:
        signature = _whole(client.get(f"{hub.endpoint}/{SIGNATURE}"), hub)
        yield len(signature)
        content = bytearray()
        with client.stream("GET", f"{hub.endpoint}/{NAME}") as response:
            _refuse(response, hub)
            for piece in response.iter_bytes():
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise CatalogueRefused(path=hub.host, why="it is far too large")
                yield len(content)
    found = _read(bytes(content), signature, keys, frozenset(licences), hub.host)
    if found.date <= current:
        raise CatalogueRefused(path=hub.host, why=f"it is of {found.date}, and the one in use is of {current}")
    _put(folder, bytes(content), signature)
    return found


def sign(file: Path, key_file: Path) -> str:
    """Write the signature of a catalogue beside it, with the key in a file, which is made when there is none; the public key.

    Raises Corrupt where the catalogue cannot be read, NotWritable.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    catalogue.load(file)
    try:
        if not key_file.exists():
            with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()) + b"\n")
        try:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key_file.read_bytes(), validate=False))
        except ValueError as error:  # binascii.Error is one
            raise Corrupt(path=str(key_file), why="it holds no key of this kind") from error
        file.with_name(SIGNATURE).write_bytes(base64.b64encode(key.sign(file.read_bytes())) + b"\n")
    except OSError as error:
        raise refused(error, error.filename or file) from error
    return base64.b64encode(key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)).decode()


def _opened(folder: Path, keys: Sequence[str], licences: frozenset[str]) -> Catalogue:
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise CatalogueRefused(path=str(folder / NAME), why="it cannot be read") from error
    try:
        signature = (folder / SIGNATURE).read_bytes()
    except OSError as error:
        raise CatalogueRefused(path=str(folder / NAME), why=UNSIGNED) from error
    return _read(content, signature, keys, licences, str(folder / NAME))


def _read(content: bytes, signature: bytes, keys: Sequence[str], licences: frozenset[str], place: str) -> Catalogue:
    """Signature first: what nobody vouches for is not even read."""
    if not any(_signed(content, signature, key) for key in keys):
        raise CatalogueRefused(path=place, why=UNTRUSTED)
    try:
        found = catalogue.read(content, NAME)
    except Corrupt as error:
        raise CatalogueRefused(path=place, why=str(error.facts["why"])) from error
    unknown = {licence for model in found.models for licence in model.licences} - licences
    if unknown:
        why = f"it names licences that this version of Alcove does not know ({', '.join(sorted(unknown))})"
        raise CatalogueRefused(path=place, why=why)
    return found


def _signed(content: bytes, signature: bytes, key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(base64.b64decode(signature), content)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _whole(response: Response, hub: Hub) -> bytes:
    _refuse(response, hub)
    return response.content


def _refuse(response: Response, hub: Hub) -> None:
    if response.status_code == 404:
        raise NotFound(what="signed list of models", host=hub.host)
    if response.status_code >= 400:
        raise refusal(response, what="signed list of models", repo=hub.host, page=hub.endpoint)


def _put(folder: Path, content: bytes, signature: bytes) -> None:
    """The signature first: until the file follows, the one that is there does not fit it and is left out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, written in ((SIGNATURE, signature), (NAME, content)):
            replace(folder / name, written)
    except OSError as error:
        raise refused(error, folder) from error
