# shellcheck shell=sh
# Sourced by engine.sh and freeze.sh, with the checkout as the current folder: tools makes, once, a Python of its own in build/tools
# with PyInstaller and what Alcove runs on, and leaves its path in TOOLS.
. installers/source/setup.sh

tools() {
    folder=build/tools
    case "$(uname -s)" in MINGW* | MSYS*) TOOLS=$folder/Scripts/python ;; *) TOOLS=$folder/bin/python ;; esac
    # Not among it: the engine, which engine.sh builds, and what only the parts of its package need that are not used.
    mkdir -p build
    awk '/^[a-z]/ { left_out = /^(llama-cpp-python|numpy|diskcache)==/ } !left_out' requirements.lock >build/tools.lock
    made=$(cat build/tools.lock installers/app/requirements.lock installers/source/pip.lock | cksum)
    [ "$(cat $folder/complete 2>/dev/null || true)" = "$made $PWD" ] && return
    python=$(find_python) || stop "Python 3.11 or newer is needed. Install it, or name it: PYTHON=/path/to/python3 sh $0"
    say "setting up the tools in $folder with $python (once)"
    rm -rf $folder
    "$python" -m venv $folder || stop "Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv"
    set -- "$TOOLS" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r
    "$@" installers/source/pip.lock && "$@" build/tools.lock && "$@" installers/app/requirements.lock ||
        stop "the tools could not be set up; the reason is above"
    echo "$made $PWD" >$folder/complete
}
