"""What a model reference means is downloaded, verified and kept, after it was made sure that it may be."""

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop import fetch
from desktop.connections import Limit
from desktop.errors import AlcoveError
from desktop.judging import followed
from desktop.library import LocalModel
from desktop.logs import told
from desktop.network import Network
from desktop.rights import Rights
from desktop.targets import Targets, name_of, public_name, reference_to
from desktop.transfer import Progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Getting:
    """The Hub and the library, and what stands between them."""

    targets: Targets
    rights: Rights
    network: Network
    limit: Limit

    def get(self, reference: str) -> Generator[Progress, None, LocalModel]:
        """Download what a reference means, verify it and keep it; at once when it is here already.

        Raises NotAllowed and NotAccepted before the first byte, and as fetch.fetch.
        """
        target = self.targets.of(reference)
        if target.local is not None:
            return target.local
        if target.path is not None:
            return self.targets.library.link(target.path)
        yield (asking := Progress(0, target.variant.size_bytes if target.variant else 0, 0.0, None, stage="ask"))
        catalogue_id = reference_to(target.model, target.variant) if target.model and target.variant else None
        with closing(self.rights.ruled(target)) as steps:
            files, ruling = yield from followed(steps, lambda _: asking)
        consent = self.rights.consent
        consent.admit(consent.terms(reference, name_of(target), ruling))
        hub, library, name = self.targets.hub, self.targets.library, public_name(target, private=files[0].private)
        host = urlsplit(target.url).hostname if target.url else hub.host
        log.info("download of %s from %s begins", name, host)
        how = "was stopped"
        try:
            model = yield from fetch.fetch(files, hub, library, self.network, catalogue_id=catalogue_id, limit=self.limit)
            how = f"is done, {model.size_bytes} bytes"
            return model
        except AlcoveError as error:
            how = f"failed: {told(error)}"
            raise
        finally:
            log.info("download of %s %s", name, how)
