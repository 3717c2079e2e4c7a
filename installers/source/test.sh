#!/bin/sh
# Set up what is missing (once) and run every check: lint, types, tests. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/../.."
. installers/source/setup.sh

# What an MSI, a setup and the description for a desktop are checked with.
system_packages wixl msitools nsis desktop-file-utils appstream
prepare requirements-dev.lock
export QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}"
say "lint"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
say "types"
.venv/bin/mypy
say "tests"
exec .venv/bin/python -m pytest "$@"
