"""The models that an installer carries: python installers/app/models.py BUNDLE FOLDER.

BUNDLE is what `alcove bundle create` made. FOLDER then is a folder of models that Alcove reads beside its program, with the
licences, and still a bundle, so that `alcove bundle verify FOLDER` tells on any computer whether it is what it was. Every file
is compared with the list of hashes on the way; nothing stays of a bundle that is not what it says.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from desktop import bundle, mirror, record
from desktop.cli.command import finish
from desktop.errors import AlcoveError
from desktop.library import Library
from desktop.paths import GUIDE


def carry(source: Path, folder: Path) -> list[str]:
    """Lay out the models of a bundle; returns what they are. Raises Corrupt, NotFound, Forbidden, DiskFull, NotWritable."""
    shutil.rmtree(folder, ignore_errors=True)
    library = Library(folder, GUIDE)
    try:
        finish(bundle.install(source, library))
        made = mirror.read(source)
        shutil.copy2(source / mirror.NAME, folder / mirror.NAME)
        for paper in made.licences:
            place = folder / paper.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.inside(source, paper.path), place)
        if wrong := next((each for each in finish(bundle.verify(folder)) if not each.ok), None):
            raise SystemExit(f"models.py: {wrong.model.reference}: {wrong.why}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for model in made.models:  # the same bundle makes the same folder, whenever that is
        for entry in model.files:
            path = record.beside(folder / entry.path)
            record.write(path, msgspec.structs.replace(record.read(path), fetched=model.fetched or made.created))
    return [model.reference for model in made.models]


if __name__ == "__main__":
    try:
        print("\n".join(carry(Path(sys.argv[1]), Path(sys.argv[2]))))
    except AlcoveError as error:
        raise SystemExit(f"models.py: {error}") from None
