#!/bin/sh
# Try the package on this Mac and remove it again: installed without a question, started, asked, nothing left of the program. Needs an
# administrator (sudo), and a Mac that may be changed: sh installers/macos/check.sh
set -eu
cd "$(dirname "$0")/../.."
ALCOVE_HOME=$(mktemp -d)
export ALCOVE_HOME
package=$(ls dist/alcove-*-macos-*.pkg)
hold() { echo "alcove: $1"; }
fail() { echo "This does not hold: $1" >&2; exit 1; }

sudo installer -pkg "$package" -target /
program=/Applications/Alcove.app/Contents/MacOS/alcove
"$program" --version | grep '^alcove [0-9]' || fail "it starts"
[ "$(readlink /usr/local/bin/alcove)" = "$program" ] || fail "it is a command"
"$program" doctor --json >"$ALCOVE_HOME/doctor.json" || fail "the doctor answers"
plutil -extract engine.version raw "$ALCOVE_HOME/doctor.json" || fail "the engine is there"
[ "$(uname -m)" != arm64 ] || grep -qi metal "$ALCOVE_HOME/doctor.json" || fail "Metal is there"
answer=$("$program" chat guide -p "What is a token?") || fail "the guide answers"
[ "${#answer}" -gt 20 ] || fail "the guide says something"
hold "the guide answers: $answer"
codesign --verify --deep --strict /Applications/Alcove.app || fail "the signature"
sudo sh installers/macos/uninstall.sh
for left in /Applications/Alcove.app /usr/local/bin/alcove; do
    [ ! -e "$left" ] || fail "nothing is left"
done
rm -rf "$ALCOVE_HOME"
hold "installed, asked and removed"
