# Sourced by run.sh and test.sh, with the checkout as the current folder: a complete .venv, made or reused.
# Usage: prepare LOCKFILE. Afterwards .venv/bin/python has everything that the lock file names, and nothing else was touched.

say() { printf 'alcove: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# The first Python of at least 3.11; PYTHON=/path/to/python chooses another.
find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# What Qt needs to draw on X11 or Wayland, and what llama.cpp needs to compile. Debian and Ubuntu only; elsewhere Qt and the
# compiler say themselves what they miss.
SYSTEM_PACKAGES="libegl1 libgl1 libfontconfig1 libdbus-1-3 libglib2.0-0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4
    libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1
    gcc g++ make cmake"

system_packages() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    missing=""
    for package in $SYSTEM_PACKAGES "$@"; do
        # libglib2.0-0 became libglib2.0-0t64 in Debian 13 and Ubuntu 24.04, which provides the old name.
        dpkg-query -W -f '${Status}\n${Provides}\n' "$package" "${package}t64" 2>/dev/null | grep -q '^install ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        say "installing system packages:$missing"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2 ||
            stop "these system packages could not be installed:$missing"
    else
        stop "some system packages are missing. This installs them:
    sudo apt-get install --no-install-recommends$missing"
    fi
}

# llama.cpp is compiled without AMX: its code for it ends the process (a fault at ldtilecfg) on virtual machines that announce AMX
# and do not let it be used, and the engine repacks no weights where it finds that code (desktop/engine/llama.py).
without_amx() {
    [ "$(uname -sm)" = "Linux x86_64" ] || return 0
    # A compiler that is too old for the option is too old for AMX.
    ${CC:-cc} -mno-amx-int8 -E -x c /dev/null >/dev/null 2>&1 || return 0
    export CFLAGS="${CFLAGS:-} -mno-amx-int8" CXXFLAGS="${CXXFLAGS:-} -mno-amx-int8"
}

# pip is silent while llama.cpp compiles, which takes minutes: say so as long as it lasts.
install_with_news() {
    started=$(date +%s)
    (while sleep 30 >/dev/null 2>&1; do
        say "still setting up after $(($(date +%s) - started)) s; the engine, llama.cpp, is compiled for this computer, which takes 2 to 15 minutes, once"
    done) &
    news=$!
    # pip runs in the foreground, so that Ctrl-C reaches it and the compilers it has started.
    trap 'kill $news 2>/dev/null; rm -rf .venv.new; exit 130' INT TERM HUP
    result=0
    .venv.new/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1" || result=$?
    kill $news 2>/dev/null
    trap - INT TERM HUP
    return $result
}

# What a .venv was made from, and for which place.
mark() {
    echo "$1 $(cat "$1" pyproject.toml installers/source/setup.sh | cksum) $PWD"
}

prepare() {
    complete=$(cat .venv/alcove-complete 2>/dev/null || true)
    for lock in "$1" requirements-dev.lock; do
        [ "$complete" = "$(mark "$lock")" ] && return 0
    done
    python=$(find_python) || stop "Python 3.11 or newer is needed. Install it, or name it: PYTHON=/path/to/python3 sh $0"
    say "setting up in $PWD/.venv with $python (once)"
    # Made beside the place and moved there when complete, so that an interruption leaves nothing half-made.
    rm -rf .venv.new
    "$python" -m venv .venv.new || stop "Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv"
    # A pip that is older than 23.1 compiles llama.cpp again for every new .venv, cache or not.
    .venv.new/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r installers/source/pip.lock ||
        { rm -rf .venv.new; stop "pip could not be renewed; is there a connection to a package index?"; }
    without_amx
    install_with_news "$1" || { rm -rf .venv.new; stop "the setup did not complete; the reason is above, and starting again repeats it"; }
    .venv.new/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . ||
        { rm -rf .venv.new; stop "Alcove itself could not be set up"; }
    rm -rf .venv
    mv .venv.new .venv
    # Scripts in a venv name its folder by the full path.
    find .venv/bin -type f -exec sed -i.old "s|$PWD/\.venv\.new|$PWD/.venv|" {} +
    rm -f .venv/bin/*.old
    mark "$1" >.venv/alcove-complete
    say "ready after $(($(date +%s) - started)) s"
}
