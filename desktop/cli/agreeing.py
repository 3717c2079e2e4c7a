"""Accepting a licence on the command line: by an option, or by answering a question on a terminal; never by itself."""

from desktop import terminal
from desktop.app import App
from desktop.cli.command import finish
from desktop.consent import Terms

QUESTION = "Do you accept {names} and want this model? [y]es or [n]o:"


def agree(app: App, reference: str, *, accept: bool, may_ask: bool) -> None:
    """Have what a model's licence asks for accepted, where the person does, before anything of the model is read.

    Raises NotAccepted, and as Rights.terms.
    """
    terms = finish(app.rights.terms(reference))
    if terms.missing and (accept or (may_ask and terminal.can_ask() and _asked(terms))):
        for each in app.consent.accept(terms):
            terminal.complain(f"Accepted and recorded: {each.name}, for {each.user}.")
    elif terms.missing:
        raise terms.not_accepted


def _asked(terms: Terms) -> bool:
    terminal.show_ruling(terms.ruling)
    if terms.ruling.condition:
        terminal.say(f"What matters most: {terms.ruling.condition}")
    for licence in terms.missing:
        words = f"Read it with: alcove licence {licence.id}" if licence not in terms.unread else "Its text could not be fetched"
        terminal.say(f"{words}. It is at {licence.url}")
    names = " and the ".join(licence.name for licence in terms.missing)
    return terminal.read_choice(QUESTION.format(names=f"the {names}"), {"y": True, "n": False})
