#!/bin/sh
# Make dist/alcove: the whole program in one folder, which needs no Python, no compiler and no network. One command on Linux, macOS
# and Windows (there in Git Bash); every installer packs this folder.
#
#   sh installers/app/freeze.sh
#
# The engine is built first where it is not there (installers/app/engine.sh). The C library of the system that this runs on is the
# oldest that the program will start on (tree.py says which): build for release on the oldest system that is to be served. Python
# is the first of at least 3.11 that is found, or PYTHON=/path/to/python3; on Linux with a shared library. Linux also needs binutils,
# a C compiler and icupkg (Debian's icu-devtools), and the libraries of X that come along (tree.py names one that is missing).
# Two builds of one commit with the same tools are the same, file by file, whatever the folder.
set -eu
cd "$(dirname "$0")/../.."
. installers/app/tools.sh

pinned=$(sed -n 's/^llama-cpp-python==\([^ ]*\).*/\1/p' requirements.lock)
[ -d "build/engine/python/llama_cpp_python-$pinned.dist-info" ] || sh installers/app/engine.sh
tools
PYTHONHASHSEED=1
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export PYTHONHASHSEED SOURCE_DATE_EPOCH
say "freezing"
"$TOOLS" -m PyInstaller --noconfirm --clean --log-level WARN --distpath dist --workpath build/freeze installers/app/alcove.spec \
    >build/freeze.log 2>&1 || { cat build/freeze.log >&2; stop "PyInstaller could not do it; the reason is above"; }
if [ "$(uname -s)" = Linux ]; then
    find dist/alcove/_internal -type f -name '*.so*' -exec strip --strip-unneeded {} +
    # A Python that was compiled here has its own folder as a place of libraries.
    find dist/alcove/_internal \( -name 'libpython*' -o -path '*/lib-dynload/*' \) -exec "${TOOLS%/*}/patchelf" --remove-rpath {} +
    for library in dist/alcove/_internal/PySide6/Qt/lib/libicudata.so.*; do sh installers/app/icu.sh "$library"; done
fi
export PYTHONPATH=build/engine/python # knows of the engine's package, as build/tools does of the others
"$TOOLS" installers/supply/sbom.py dist/alcove
"$TOOLS" installers/supply/notices.py dist/alcove
find dist/alcove -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
exec "$TOOLS" installers/app/tree.py dist/alcove
