"""Writes the notices about what others made in a frozen tree: licences in full, where the sources are, how to exchange Qt.

    python installers/supply/notices.py TREE [OUT]     TREE: the folder with the program and _internal

Run it with the Python that froze the tree. Without OUT it goes to TREE/_internal/resources/about/THIRD-PARTY-NOTICES.txt, from
where the window shows it. Fails on a part without a text of its licence.
"""

import sys

from supplied import Unknown, asked, parts, versions

QT = """Alcove uses Qt and Qt for Python {version} under the GNU Lesser General Public License, version 3.

They are in the folders _internal/PySide6 and _internal/shiboken6 of the program as separate files that are linked when it starts;
their code is unchanged. You may exchange them: put builds of your own with the same file names there, of Qt {series} or one that
is compatible with it, and start Alcove again. Nothing checks what is there. Reverse engineering for debugging such changes is
permitted.

The sources, exactly of these versions, from their makers:

  Qt               https://download.qt.io/archive/qt/{series}/{version}/single/
  Qt for Python    https://download.qt.io/official_releases/QtForPython/pyside6/

and from us, on request, for three years from the day on which you got this program, at the address of the project that it came
from. The licences of all parts follow.
"""


def main(arguments: list[str]) -> int:
    try:
        found, out = asked(arguments, parts.NOTICES)
    except Unknown as unknown:
        print(unknown, file=sys.stderr)
        return 1
    if silent := [part.name for part in found if not part.texts and not part.within]:
        print("These parts have no text of a licence: " + ", ".join(silent), file=sys.stderr)
        return 1
    version = versions()["pyside"]
    has_qt = any(part.name == "Qt" for part in found)
    before = QT.format(version=version, series=".".join(version.split(".")[:2])) if has_qt else ""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(parts.notices(found, before), encoding="utf-8")
    print(f"{out}: {len(found)} parts")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
