"""Everything that can go wrong and that a person can act on.

AlcoveError                      str(error) is one plain sentence; error.facts are its fields, error.kind its name in JSON
├── BadReference                 what was typed names no model
├── NotHere                      the model is not on this computer yet
├── NetworkError
│   ├── Offline                  the offline switch is on
│   │   └── KeptOffline          it is the organisation that keeps it on
│   ├── Unreachable              no connection, a timeout, a refused or broken connection
│   └── ServerRefused            an answer that is not the wanted one (429, 5xx ...)
├── NotFound                     the Hub has no such repository, revision or file
├── NoCertificate                a file that was to hold an organisation's certificate does not
├── Gated                        the maker wants an access token or a click on its page first
├── Forbidden                    a rule of the organisation or of this program
│   └── NotAllowed               the organisation does not want this model to be used
├── NotAccepted                  a licence with conditions that nobody has accepted yet
├── NotToBePassedOn              a licence that does not let a model be passed on
│   └── NotChecked               nobody knows whether it does, or its text is not here to go along
├── DiskFull                     not enough room, told before the first byte or when it happens
│   └── FileTooBig               the disk's format cannot hold a file of this size (FAT32: 4 GB)
├── NotWritable                  a folder or file that cannot be written
│   └── NoRoomLeft               because the disk is full
├── Corrupt                      bytes are not what they should be (hash, length)
│   ├── NotGguf                  the file is no GGUF at all
│   ├── HeaderTooLarge           a GGUF whose header is longer than any that is known
│   ├── NotAPicture              a file that was to be shown to a model and holds no picture that can be read
│   └── Truncated                a GGUF that ends too early
│       └── HeaderTruncated      so early that even its size cannot be told
├── CatalogueRefused             a newer list of models that is not signed, older, or broken
├── OddName                      the name of a file or folder is no text, and cannot be noted
├── NotAModel                    a GGUF that is something else: a projector, an adapter, a vocabulary
├── CannotSee                    a picture for a model that reads only text
├── UnknownArchitecture          the engine cannot run this kind of model
├── WillNotFit                   more memory needed than there is
├── ContextFull                  the conversation is longer than the model can hold
│   └── LastTooLong              its last question alone is
│       └── AnswerTooLong        its last answer is, with the question
├── NoSummary                    the older part could not be summarised
├── LoadFailed                   the engine could not open a model, for a reason it told
└── EngineCrashed                the engine's process ended by itself
    ├── EngineHung               it had stopped answering, and was ended
    ├── OutOfMemory              it needed more memory than there was
    ├── BreaksEngine             it ended while it opened a file, at something in the file
    ├── CardFailed               the graphics card or its driver ended it
    └── KeepsCrashing            it did so with one model several times in a row, and is not started for it again

Anything else that is raised is a bug. Cancelling is not an error: it is closing the iterator.
"""

import re

from desktop import text


class AlcoveError(Exception):
    """Base of all stated errors: `sentence` is formatted with the facts given by keyword."""

    sentence = "Something went wrong."

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        readable = {k: text.size(v) if k.endswith("_bytes") and isinstance(v, int) else v for k, v in facts.items()}
        super().__init__(self.sentence.format(**readable))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.facts)  # errors cross the border of the engine's process

    @property
    def kind(self) -> str:
        """The class name in snake_case: stable key in JSON."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


def _rebuild(cls: type[AlcoveError], facts: dict[str, object]) -> AlcoveError:
    return cls(**facts)


class BadReference(AlcoveError):
    """Facts: reference."""

    sentence = (
        "“{reference}” names no model: use a catalogue name such as qwen3-8b, hf:OWNER/REPO/FILE.gguf, "
        "the path of a .gguf file, or guide."
    )


class NotHere(AlcoveError):
    """Facts: name, reference."""

    sentence = "{name} is not on this computer yet; get it on the Models page or with: alcove get {reference}"


class NetworkError(AlcoveError):
    """Anything between this computer and another one."""


class Offline(NetworkError):
    """Facts: host."""

    sentence = "Alcove is set to offline, so it did not connect to {host}; turn off the offline switch in Settings to allow it."


class KeptOffline(Offline):
    """Facts: host."""

    sentence = "Your organisation keeps Alcove offline, so it did not connect to {host}."


class Unreachable(NetworkError):
    """Facts: host, why."""

    sentence = "{host} could not be reached: {why}."


class ServerRefused(NetworkError):
    """Facts: host, status, why."""

    sentence = "{host} answered with an error ({status}): {why}."


class NotFound(AlcoveError):
    """Facts: what, host."""

    sentence = "{host} has no {what}; check the spelling, or it may have been renamed or removed."


class NoCertificate(AlcoveError):
    """Facts: path."""

    sentence = "There is no certificate in {path}; choose the file that your organisation gave you (PEM or DER)."


class Gated(AlcoveError):
    """Facts: repo, page."""

    sentence = (
        "The maker of {repo} wants you to agree to its terms first: open {page}, accept them there, "
        "then give Alcove your Hugging Face access token, in Settings or as HF_TOKEN."
    )


class Forbidden(AlcoveError):
    """Facts: what, rule."""

    sentence = "{what} is not allowed here: {rule}."


class NotAllowed(Forbidden):
    """Facts: name, reason (one or two sentences), where (what decided it)."""

    sentence = "{name} may not be used here. {reason} (Decided in {where}.)"


class NotAccepted(AlcoveError):
    """Facts: licence (an id), name (the licence's), reference (the model's), and perhaps read, where its text is, and how, the
    command that accepts it."""

    sentence = "{reference} comes under the {name}. It has to be accepted first: read it ({read}), then accept it with {how}"

    def __init__(self, **facts: object) -> None:
        how = f"alcove get {facts.get('reference')} --accept-licence"
        super().__init__(**{"read": f"alcove licence {facts.get('licence')}", "how": how, **facts})


class NotToBePassedOn(AlcoveError):
    """Facts: name, licence (its name), clause, because (a sentence)."""

    sentence = "{name} may not be passed on ({licence}{clause}). {because}"


class NotChecked(NotToBePassedOn):
    """Facts: name, licence, because (a sentence)."""

    sentence = (
        "{name} was not passed on ({licence}). {because} "
        "When you have read its licence and may pass it on, say so with --licence-checked; that is noted in the bundle."
    )


class DiskFull(AlcoveError):
    """Facts: needed_bytes, free_bytes, folder."""

    sentence = (
        "This needs {needed_bytes} of disk space and {free_bytes} are free in {folder}; "
        "remove something, or choose another folder in Settings. What has arrived is kept."
    )


class FileTooBig(DiskFull):
    """Facts: size_bytes, folder."""

    sentence = "{folder} cannot hold a single file of {size_bytes}; choose a folder on another disk in Settings."


class NotWritable(AlcoveError):
    """Facts: path."""

    sentence = (
        "{path} cannot be written; choose another folder with --home or ALCOVE_HOME, or give yourself permission to write there."
    )


class NoRoomLeft(NotWritable):
    """Facts: path, free_bytes, folder."""

    sentence = (
        "{path} cannot be written, for the disk is full: {free_bytes} are free in {folder}. "
        "Remove something from this disk, or choose a folder on another one with --home or ALCOVE_HOME."
    )


class Corrupt(AlcoveError):
    """Facts: path, why."""

    sentence = "{path} is damaged: {why}."


class NotGguf(Corrupt):
    """Facts: path."""

    sentence = "{path} is not a GGUF model file."


class NotAPicture(Corrupt):
    """Facts: path, why."""

    sentence = "{path} cannot be shown to a model: {why}."


class HeaderTooLarge(Corrupt):
    """Facts: path, limit_bytes."""

    sentence = "{path} has a header of more than {limit_bytes}, which is more than Alcove reads; it may be damaged."


class Truncated(Corrupt):
    """Facts: path, size_bytes, expected_bytes."""

    sentence = "{path} ends too early: it has {size_bytes} of {expected_bytes}; download it again."


class HeaderTruncated(Truncated):
    """Facts: path, size_bytes (what is there)."""

    sentence = "{path} ends too early: only the first {size_bytes} of it are here; download it again."


class CatalogueRefused(AlcoveError):
    """Facts: path (or the host), why."""

    sentence = "The list of models from {path} is not used: {why}."


class CannotSee(AlcoveError):
    """Facts: name."""

    sentence = (
        "{name} cannot see pictures; choose a model that reads pictures, and keep its projector (a file whose name begins with "
        "mmproj) in the same folder."
    )


class UnknownArchitecture(AlcoveError):
    """Facts: path, architecture."""

    sentence = "This version of the engine cannot run models of the kind “{architecture}”; a newer Alcove may."


class OddName(AlcoveError):
    """Facts: path (what can be read of it)."""

    sentence = "The name of {path}, or of a folder around it, has letters that no text can hold; give it another name."


class NotAModel(AlcoveError):
    """Facts: path, why."""

    sentence = "{path} is no model to talk with: {why}."


class WillNotFit(AlcoveError):
    """Facts: needed_bytes, free_bytes, and perhaps step, the sentence that says what would help."""

    sentence = "This model needs {needed_bytes} of memory and {free_bytes} are free. {step}"

    def __init__(self, **facts: object) -> None:
        usual = "Close other programs, or choose a lighter version or a shorter conversation memory."
        super().__init__(**{"step": usual, **facts})


class ContextFull(AlcoveError):
    """Facts: tokens, context."""

    sentence = (
        "This conversation has become too long for the model ({tokens} of {context} tokens); "
        "start a new chat, or load the model with a longer conversation memory."
    )


class LastTooLong(ContextFull):
    """Facts: tokens, context."""

    sentence = (
        "The last message alone is longer than the model can hold ({tokens} of {context} tokens); "
        "shorten it, or load the model with a longer conversation memory."
    )


class AnswerTooLong(LastTooLong):
    """Facts: tokens, context."""

    sentence = (
        "The last message and its answer are all that the model can hold ({tokens} of {context} tokens), so it cannot go on; "
        "ask for less at once, or load the model with a longer conversation memory."
    )


class NoSummary(AlcoveError):
    """Facts: why."""

    sentence = "The older part could not be summarised: {why}; it can be forgotten instead."


class LoadFailed(AlcoveError):
    """Facts: path, why."""

    sentence = "The engine could not open {path}: {why}."


class EngineCrashed(AlcoveError):
    """Facts: code (the process's exit code, negative for a signal), why (its last words)."""

    sentence = (
        "The engine stopped by itself (code {code}); what was written so far is kept, and the next message starts it again."
    )


class EngineHung(EngineCrashed):
    """Facts: code, why."""

    sentence = (
        "The engine had stopped answering and was ended; what was written so far is kept, and the next message starts it again."
    )


class OutOfMemory(EngineCrashed):
    """Facts: code, why."""

    sentence = (
        "There was too little memory, and the engine was ended; what was written so far is kept. "
        "Close other programs, or choose a smaller model or a shorter conversation memory."
    )


class BreaksEngine(EngineCrashed):
    """Facts: path, code, why."""

    sentence = "The engine met something in {path} that it cannot handle, and stopped; choose another file."


class CardFailed(EngineCrashed):
    """Facts: code, why."""

    sentence = (
        "The graphics card or its driver stopped the engine; install a newer driver, "
        "or remove the add-on for graphics cards, and the processor does the work."
    )


class KeepsCrashing(EngineCrashed):
    """Facts: path, times, code, why, and perhaps step, the sentence that names a smaller model, with its reference, smaller."""

    sentence = "The engine stopped {times} times in a row with {path}, so it is not started with it again. {step}"

    def __init__(self, **facts: object) -> None:
        super().__init__(**{"step": "Choose a smaller model.", **facts})
