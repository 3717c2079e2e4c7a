#!/bin/sh
# Set up what is missing (once) and start Alcove. Arguments go to the app: sh installers/source/run.sh doctor
set -eu
cd "$(dirname "$0")/../.."
. installers/source/setup.sh

system_packages
prepare requirements.lock
if [ $# = 0 ] && [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    say "there is no screen here, so this is the chat in the terminal, with the small built-in guide."
    set -- chat guide
fi
exec .venv/bin/python -m desktop "$@"
