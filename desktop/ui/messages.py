"""Every stated error in the window's words: a title, what it means, and a button that does the next thing."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from desktop import errors, text
from desktop.errors import AlcoveError

# What the button does. Pages know "try_again"; the window knows the others of this line.
TRY_AGAIN, SETTINGS, MODELS, NEW_CHAT, OPEN_PAGE, NONE = "try_again", "settings", "models", "new_chat", "open_page", ""
ACCEPT = "accept"  # of a licence that has to be accepted first: show it
# Of a model that keeps ending the engine: go on with a smaller one that is here, or try it all the same.
SMALLER, ANYWAY = "smaller", "anyway"
# Of a conversation that became too long; the page of the conversation knows all but the last.
SUMMARISE, FORGET, GO_ON, SHORTEN, LONGER = "summarise", "forget", "go_on", "shorten", "longer"


@dataclass(frozen=True)
class Explained:
    """An error for people. `act` is one of the constants above; `button` is empty when there is nothing to press.

    `more` are other choices, each with its act.
    """

    title: str
    sentence: str
    button: str = ""
    act: str = NONE
    more: tuple[tuple[str, str], ...] = ()


def explain_remote(error: AlcoveError) -> Explained:
    """The same of a file that is not here: there is nothing to remove, and other files are at hand."""
    if isinstance(error, errors.Corrupt):
        what = tr("its first part is larger than that of any model") if isinstance(error, errors.HeaderTooLarge) else ""
        what = what or str(error.facts.get("why", "")) or tr("it is no complete GGUF model file")
        words = tr("What the server sent of it cannot be used: {why}. Choose another size or another repository.")
        return Explained(tr("This file seems to be damaged"), words.format(why=what), tr("Try again"), TRY_AGAIN)
    if isinstance(error, errors.UnknownArchitecture):
        words = tr("It is of the kind “{architecture}”, which this version cannot run. There is no use in getting it.")
        title = tr("The engine does not know this kind of model")
        return Explained(title, words.format(architecture=error.facts.get("architecture", "–")), tr("See models"), MODELS)
    return explain(error)


def tr(words: str) -> str:
    """Translate in this module's context."""
    return QCoreApplication.translate("messages", words)


def explain(error: AlcoveError) -> Explained:
    """The words for an error: those of its class, or of the nearest class above it that has some."""
    facts = {
        name: text.size(value) if name.endswith("_bytes") and isinstance(value, int) else value
        for name, value in error.facts.items()
    }
    for known in type(error).__mro__:
        if (words := _words().get(known)) is not None:
            title, sentence, button, act = words
            sentence = _capital(sentence.format_map(_Facts(facts)))
            explained = Explained(title.format_map(_Facts(facts)), sentence, button, act, _more(known))
            return _with_smaller(explained, error) if isinstance(error, errors.KeepsCrashing) else explained
    raise TypeError(f"{type(error).__name__} is no AlcoveError")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def memory_full() -> Explained:
    """An answer ended because the conversation memory is full."""
    choice = explain(errors.ContextFull(tokens=0, context=0))
    title = tr("The conversation memory is full, so the answer stops here")
    words = tr("A summary keeps what matters of the older part; forgetting it takes no time. Then the answer goes on.")
    return Explained(title, words, choice.button, choice.act, choice.more)


def _more(kind: type) -> tuple[tuple[str, str], ...]:
    """What else can be done, where it is a choice."""
    others: dict[type, tuple[tuple[str, str], ...]] = {
        errors.OutOfMemory: ((tr("Try again"), TRY_AGAIN),),
        errors.KeepsCrashing: ((tr("Try it all the same"), ANYWAY),),
        errors.ContextFull: ((tr("Forget the oldest part"), FORGET), (tr("Start a new chat"), NEW_CHAT)),
        errors.LastTooLong: ((tr("Give it more memory"), LONGER),),
        errors.AnswerTooLong: ((tr("Start a new chat"), NEW_CHAT),),
    }
    return others.get(kind, ())


def _with_smaller(explained: Explained, error: errors.KeepsCrashing) -> Explained:
    """The smaller model by its name, where one is known."""
    name = error.facts.get("smaller_name")
    if not name:
        return explained
    if error.facts.get("smaller"):
        sentence = tr("“{name}” is smaller, and it is on this computer.").format(name=name)
        button, act = tr("Go on with {name}").format(name=name), SMALLER
    else:
        sentence = tr("“{name}” is smaller, and should run well here.").format(name=name)
        button, act = explained.button, explained.act
    return replace(explained, sentence=f"{explained.sentence} {sentence}", button=button, act=act)


class _Facts(dict[str, object]):
    """Facts by name; one that is missing reads as a dash, because an error about an error helps nobody."""

    def __missing__(self, name: str) -> str:
        return "–"


def _words() -> dict[type, tuple[str, str, str, str]]:
    """Title, sentence, button and act of each class. A function, so that they follow the language."""
    return {
        AlcoveError: (
            tr("Something went wrong"),
            tr("That was not meant to happen. Nothing you wrote is lost; please try it once more."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.BadReference: (
            tr("This model is not on this computer"),
            tr("“{reference}” was removed, moved or renamed. Choose another model above, or get it again on the Models page."),
            tr("See models"),
            MODELS,
        ),
        errors.NotHere: (
            tr("{name} is not on this computer"),
            tr("It was removed, or never downloaded. Get it on the Models page, or choose another model above."),
            tr("See models"),
            MODELS,
        ),
        errors.NetworkError: (
            tr("No connection"),
            tr("The other computer could not be asked. Try again in a moment."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.Offline: (
            tr("Alcove is set to offline"),
            tr("So it did not connect to {host}. Allow connections in Settings, and try again."),
            tr("Open Settings"),
            SETTINGS,
        ),
        errors.KeptOffline: (
            tr("Your organisation keeps Alcove offline"),
            tr("So it did not connect to {host}. Chats with the models that are here work as before."),
            tr("See models"),
            MODELS,
        ),
        errors.Unreachable: (
            tr("{host} could not be reached"),
            tr("{why}. Check the internet connection; what has arrived is kept."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.ServerRefused: (
            tr("The server said no"),
            tr("{host} answered with an error ({status}): {why}."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.NotFound: (
            tr("It is not there"),
            tr("{host} has no {what}. It may have been renamed or removed; choose another one."),
            tr("See models"),
            MODELS,
        ),
        errors.NoCertificate: (
            tr("There is no certificate in this file"),
            tr("{path} holds none that can be read. Choose the file that your organisation gave you."),
            tr("Open Settings"),
            SETTINGS,
        ),
        errors.Gated: (
            tr("The maker wants your agreement first"),
            tr("Open the page of {repo}, accept its terms there, and give Alcove your Hugging Face access token in Settings."),
            tr("Open the page"),
            OPEN_PAGE,
        ),
        errors.Forbidden: (tr("Not allowed here"), tr("{what} is not allowed: {rule}."), tr("Open Settings"), SETTINGS),
        errors.NotAllowed: (
            tr("Your organisation does not allow this model"),
            tr("{reason} Choose another model, or ask those who look after this computer. Decided in {where}."),
            tr("See models"),
            MODELS,
        ),
        errors.NotAccepted: (
            tr("Its licence has to be accepted first"),
            tr("This model comes under the {name}. Read what it asks for, then decide."),
            tr("Read and decide"),
            ACCEPT,
        ),
        errors.NotToBePassedOn: (
            tr("{name} may not be passed on"),
            tr("{because} So says the {licence}. Choose another model for others."),
            tr("See models"),
            MODELS,
        ),
        errors.NotChecked: (
            tr("{name} was not passed on"),
            tr("{because} Ask the maker, or choose another model for others."),
            tr("See models"),
            MODELS,
        ),
        errors.DiskFull: (
            tr("Not enough disk space"),
            tr(
                "This needs {needed_bytes} and {free_bytes} are free. Remove a model you no longer use, "
                "or choose another folder in Settings. What has arrived is kept."
            ),
            tr("Open Settings"),
            SETTINGS,
        ),
        errors.FileTooBig: (
            tr("The disk cannot hold a file of this size"),
            tr("{folder} takes no single file of {size_bytes}. Choose a folder on another disk in Settings."),
            tr("Open Settings"),
            SETTINGS,
        ),
        errors.NotWritable: (
            tr("Alcove may not write there"),
            tr("{path} cannot be written. Choose another folder in Settings, or ask for the right to write in this one."),
            tr("Open Settings"),
            SETTINGS,
        ),
        errors.OddName: (
            tr("This file needs another name"),
            tr("The name of {path}, or of a folder around it, has letters that no text can hold. Rename it, and open it again."),
            tr("See models"),
            MODELS,
        ),
        errors.NoRoomLeft: (
            tr("The disk is full"),
            tr("{path} cannot be written: only {free_bytes} are free. Remove a model you no longer use, or other files there."),
            tr("See models"),
            MODELS,
        ),
        errors.Corrupt: (
            tr("The file is damaged"),
            tr("{path} is not what it should be: {why}. Remove it, and get it again or choose another one."),
            tr("See models"),
            MODELS,
        ),
        errors.NotGguf: (
            tr("This is not a model file"),
            tr("{path} is not a GGUF model file, so the engine cannot open it. Choose another file."),
            tr("See models"),
            MODELS,
        ),
        errors.HeaderTooLarge: (
            tr("This file is not like a model"),
            tr("The part of {path} that describes the model is larger than {limit_bytes}. It may be damaged; choose another."),
            tr("See models"),
            MODELS,
        ),
        errors.CatalogueRefused: (
            tr("This list of models is not used"),
            tr("The one from {path} does not count: {why}. The one in use stays as it is."),
            tr("See models"),
            MODELS,
        ),
        errors.NotAModel: (
            tr("This file is no model by itself"),
            tr("{path} cannot be talked to: {why}. Choose another file."),
            tr("See models"),
            MODELS,
        ),
        errors.Truncated: (
            tr("The file is incomplete"),
            tr("{path} has {size_bytes} of {expected_bytes}. Remove it, and get it again or choose another one."),
            tr("See models"),
            MODELS,
        ),
        errors.HeaderTruncated: (
            tr("The file is incomplete"),
            tr("{path} ends within its first part. Remove it, and get it again or choose another one."),
            tr("See models"),
            MODELS,
        ),
        errors.NotAPicture: (
            tr("This picture cannot be used"),
            tr("“{path}” cannot be shown to a model: {why}. Save it anew as JPEG or PNG, or choose another one."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.CannotSee: (
            tr("{name} cannot see pictures"),
            tr("It reads only words. Choose a model that reads pictures."),
            tr("See models"),
            MODELS,
        ),
        errors.UnknownArchitecture: (
            tr("The engine does not know this kind of model"),
            tr(
                "It is of the kind “{architecture}”, which this version cannot run. "
                "Choose another model; a newer Alcove may run it."
            ),
            tr("See models"),
            MODELS,
        ),
        errors.WillNotFit: (
            tr("Not enough memory"),
            tr("This model needs {needed_bytes} and {free_bytes} are free. Close other programs, or choose a lighter version."),
            tr("See models"),
            MODELS,
        ),
        errors.ContextFull: (
            tr("This conversation has become too long"),
            tr(
                "It is more than the model can keep in mind. A summary keeps what matters of the older part; "
                "forgetting it takes no time. You still see and find everything that was said."
            ),
            tr("Summarise the older part"),
            SUMMARISE,
        ),
        errors.LastTooLong: (
            tr("This message is too long for the model"),
            tr("It is more than the model can keep in mind at once. Shorten it, or give the model more conversation memory."),
            tr("Change the message"),
            SHORTEN,
        ),
        errors.AnswerTooLong: (
            tr("The answer fills the whole memory"),
            tr(
                "With your last message it is all that the model can keep in mind, so it cannot go on. "
                "Ask for less at once, or give the model more conversation memory."
            ),
            tr("Give it more memory"),
            LONGER,
        ),
        errors.NoSummary: (
            tr("There is no summary"),
            tr("The older part could not be summarised: {why}. The model can forget it instead; you still see it."),
            tr("Forget the oldest part"),
            FORGET,
        ),
        errors.LoadFailed: (
            tr("The model could not be opened"),
            tr("The engine said: {why}. Choose another model or file."),
            tr("See models"),
            MODELS,
        ),
        errors.EngineCrashed: (
            tr("The engine stopped by itself"),
            tr("What was written so far is kept. Try again; the engine starts anew by itself."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.CardFailed: (
            tr("The graphics card stopped the engine"),
            tr(
                "What was written so far is kept. A newer driver often helps; without the add-on for graphics cards "
                "the processor does the work."
            ),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.EngineHung: (
            tr("The engine had stopped answering"),
            tr("So it was ended. What was written so far is kept. Try again; the engine starts anew by itself."),
            tr("Try again"),
            TRY_AGAIN,
        ),
        errors.OutOfMemory: (
            tr("There was too little memory"),
            tr(
                "The engine was ended, and Alcove goes on. What was written so far is kept. "
                "Choose a smaller model, or close other programs and try again."
            ),
            tr("See smaller models"),
            MODELS,
        ),
        errors.BreaksEngine: (
            tr("The engine cannot handle this file"),
            tr("Something in {path} made it stop, and it would again. Choose another file or another version of the model."),
            tr("See models"),
            MODELS,
        ),
        errors.KeepsCrashing: (
            tr("The engine keeps stopping with this model"),
            tr("It did so {times} times in a row, so it is not started with it again by itself. What was written is kept."),
            tr("See smaller models"),
            MODELS,
        ),
    }
