"""Writes the bill of materials of a frozen tree, in the form of CycloneDX 1.6, and fails on a file of no known part.

    python installers/supply/sbom.py TREE [OUT]     TREE: the folder with the program and _internal

Run it with the Python that froze the tree. Without OUT it goes to TREE/_internal/resources/about/sbom.cdx.json, from where the
window shows it. The same tree gives the same file.
"""

import sys

from supplied import Unknown, asked, parts


def main(arguments: list[str]) -> int:
    try:
        found, out = asked(arguments, parts.BILL)
    except Unknown as unknown:
        print(unknown, file=sys.stderr)
        return 1
    if silent := [f"{part.name} {part.version}" for part in found if not part.licence]:
        print("Nobody says under which licence these are: " + ", ".join(silent), file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(parts.as_json(parts.bill(found)), encoding="utf-8")
    print(f"{out}: {len(found)} parts, {sum(len(part.files) for part in found)} files")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
