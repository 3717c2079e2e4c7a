#!/bin/sh
# Set up what is missing (once) and start Alcove. Arguments go to the app: sh installers/source/run.sh doctor
set -eu
cd "$(dirname "$0")/../.."
. installers/source/setup.sh

system_packages
prepare requirements.lock
exec .venv/bin/python -m desktop "$@"
