"""The one place that decides, for the window and the command line alike, whether a model may be fetched, opened or passed on.

What the organisation does not allow is refused first; then a licence with conditions has to have been accepted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from desktop import acceptance, gguf, rulings
from desktop.acceptance import Acceptance, Acceptances
from desktop.card import Card
from desktop.catalogue import Catalogue
from desktop.errors import NotAccepted, NotAllowed
from desktop.licences import UNKNOWN, Licence, Ruling
from desktop.paths import GUIDE
from desktop.policy import Policy
from desktop.targets import Target
from desktop.texts import Texts


@dataclass(frozen=True)
class Terms:
    """What comes before a download. `missing` has to be accepted first."""

    reference: str
    name: str
    ruling: Ruling
    missing: tuple[Licence, ...] = ()
    hashes: tuple[str | None, ...] = ()  # of the texts of what is missing, as they are shown

    @property
    def unread(self) -> tuple[Licence, ...]:
        """Of what is missing, those whose text could not be had."""
        return tuple(licence for licence, sha256 in zip(self.missing, self.hashes, strict=True) if sha256 is None)

    @property
    def not_accepted(self) -> NotAccepted:
        """What stops a download as long as nobody has accepted."""
        first, names = self.missing[0], " and the ".join(each.name for each in self.missing)
        read = first.url if first.id == UNKNOWN else f"alcove licence {first.id}"
        return NotAccepted(licence=first.id, name=names, reference=self.reference, read=read)


class Consent:
    """What may be done with a model here. Asks neither the network nor the person."""

    def __init__(self, policy: Policy, acceptances: Acceptances, texts: Texts) -> None:
        self.policy, self.acceptances, self._texts = policy, acceptances, texts

    def refusal(self, target: Target, ruling: Ruling, catalogue: Catalogue, cards: Sequence[Card] = ()) -> NotAllowed | None:
        """Why the organisation does not allow a model, `cards` being those of all that it was made from; None if it does.

        Raises as gguf.read_file.
        """
        if not self.policy.judges_models or target.path == GUIDE:
            return None
        claims, makers = _claims(gguf.read_file(target.path)) if target.path else ((), ())
        local = target.local
        pages = (*cards, *(local.cards if local else ()))
        stated = [*(local.base_models if local else ()), *(name for card in pages for name in (card.repo, *card.base_models))]
        stated += [address] if (address := target.url or (local.url if local else None)) else []
        decided = self.policy.decision(catalogue.about(ruling, target.repo, (*stated, *claims), makers))
        name = target.model.name if target.model else target.name
        return NotAllowed(name=name, reason=decided.sentence, where=decided.where) if decided else None

    def missing(self, ruling: Ruling) -> tuple[Licence, ...]:
        """What still has to be accepted; what the organisation approved counts as accepted."""
        return tuple(each for each in self.acceptances.missing(ruling, self._texts) if not self.policy.approves(each))

    def terms(self, reference: str, name: str, ruling: Ruling) -> Terms:
        """What comes before a model is fetched."""
        missing = self.missing(ruling)
        texts = [self._texts.of(each) for each in missing]
        return Terms(reference, name, ruling, missing, tuple(text.sha256 if text else None for text in texts))

    def admit(self, terms: Terms) -> None:
        """Let a download begin, and note what the organisation accepted for the person. Raises NotAccepted, NotWritable."""
        if terms.missing:
            raise terms.not_accepted
        for licence in self.acceptances.missing(terms.ruling, self._texts):
            said = self.policy.approves(licence)
            words = {"through": "organisation", "words": said.text if said else ""}
            text = self._texts.of(licence)
            self.acceptances.add([acceptance.line(licence, terms.reference, text.sha256 if text else None, **words)])

    def accept(self, terms: Terms) -> tuple[Acceptance, ...]:
        """Note that the person accepts what is missing, in the texts that were shown. Raises NotWritable."""
        shown = zip(terms.missing, terms.hashes, strict=True)
        return self.acceptances.add(acceptance.line(each, terms.reference, sha256) for each, sha256 in shown)


def _claims(header: gguf.Header) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a file says that it was made from, and by whom."""
    known = header.metadata
    makers = [known[key] for key in known if re.fullmatch(r"general\.(base_model\.\d+\.)?(organization|author)", key)]
    return rulings.base_models(header), tuple(str(each) for each in makers if each)
