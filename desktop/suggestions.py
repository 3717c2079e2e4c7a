"""Which models suit a computer, and which smaller one would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from desktop import offers
from desktop.computer import Computer
from desktop.engine.local import LocalEngine
from desktop.hardware import Hardware
from desktop.library import LocalModel
from desktop.offers import Offer
from desktop.rights import Rights
from desktop.speed import Rates
from desktop.targets import Targets, name_of


@dataclass(frozen=True)
class Suggestions:
    """From the catalogue and from what is here, as far as the organisation allows it."""

    targets: Targets
    rights: Rights
    computer: Computer
    engine: LocalEngine

    def offers(
        self,
        found: Hardware,
        context: int | None = None,
        wanted: offers.Wanted = offers.ANYTHING,
        rates: Rates | None = None,
    ) -> tuple[Offer, ...]:
        """What of the catalogue is wanted, judged for this computer (rates: another one's), best first."""
        catalogue, library, rates = self.targets.catalogue, self.targets.library, rates or self.computer.rates
        refusal = self.rights.refusal_of_offer
        return offers.rank(catalogue, self.rights.licences, library, found, rates, context, wanted, refusal)

    def smaller(self, path: Path) -> Mapping[str, object]:
        """What to do about a model that keeps ending the engine, as facts for the error: a smaller one, where one is known."""
        size_bytes = path.stat().st_size if path.exists() else 0
        crashes, denies = self.engine.crashes.times, self.rights.denies
        here = [model for model in self.targets.library.list() if not crashes(model.path) and not denies(model)]
        found = offers.smaller(size_bytes, here, self.offers(self.computer.found or self.computer.hardware()))
        if isinstance(found, LocalModel):
            name = name_of(self.targets.of_local(found))
            return {"smaller": found.id, "smaller_name": name, "step": f"{name} is smaller, and it is on this computer."}
        if found is not None:
            return {"smaller_name": found.model.name, "step": f"{found.model.name} is smaller: alcove get {found.id}."}
        return {}
