#!/bin/sh
# Make the Windows installers on Linux, from a frozen tree that came from Windows (or any folder, to try the recipe): two MSIs and a
# setup in the folder OUT (dist). Needs the Debian packages wixl, msitools and nsis, and the Python of the source install (.venv).
#   sh installers/windows/build.sh PAYLOAD [OUT]
set -eu
payload=$(realpath "${1:?name the folder with alcove.exe}") out=$(realpath -m "${2:-"$(dirname "$0")/../../dist"}")
cd "$(dirname "$0")/../.."
for program in alcove.exe alcovew.exe; do
    [ -f "$payload/$program" ] || { echo "There is no $program in $payload." >&2; exit 1; }
done
python=.venv/bin/python
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' desktop/__init__.py)
icon=build/icon/alcove.ico
mkdir -p "$out"
$python installers/app/icons.py build/icon

$python installers/windows/msi.py --icon "$icon" "$payload" "$out/alcove-$version-x64.msi"
$python installers/windows/msi.py --icon "$icon" --scope user "$payload" "$out/alcove-$version-x64-user.msi"
makensis -V2 -WX -NOCD -DVERSION="$version" -DPAYLOAD="$payload" -DICON="$icon" -DOUT="$out/alcove-$version-x64-setup.exe" \
    installers/windows/alcove.nsi
