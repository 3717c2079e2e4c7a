#!/bin/sh
# Lay out an add-on for graphics cards as it lies in the folder of the program: dist/alcove-vulkan or dist/alcove-cuda, with its
# libraries, its bill of materials and its notices. Every installer of an add-on packs this folder.
#
#   sh installers/app/addon.sh vulkan|cuda
#
# Its library is built first where it is not there (installers/app/engine.sh, which says what that needs).
set -eu
cd "$(dirname "$0")/../.."
. installers/app/tools.sh

addon=${1:?name the add-on: vulkan or cuda}
[ -d "build/engine/$addon" ] || sh installers/app/engine.sh "$addon"
tools
tree=dist/alcove-$addon inside=dist/alcove-$addon/_internal
rm -rf "$tree"
mkdir -p "$inside/llama_cpp/lib"
cp "build/engine/$addon"/* "$inside/llama_cpp/lib/"
export PYTHONPATH=build/engine/python:build/engine/toolkit # knows of what build/tools does not have
"$TOOLS" installers/supply/sbom.py "$tree" "$inside/resources/about/sbom-$addon.cdx.json"
"$TOOLS" installers/supply/notices.py "$tree" "$inside/resources/about/THIRD-PARTY-NOTICES-$addon.txt"
find "$tree" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" {} +
say "the add-on is in $tree"
