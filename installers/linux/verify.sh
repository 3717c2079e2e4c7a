#!/bin/bash
# Try the packages of Linux in clean systems: a line for each check, ok or FAILED with figures; exit status 1 if any failed.
#   sudo installers/linux/verify.sh [--tree DIR] [--packages DIR] [--only CHECKS] [SYSTEM…]
# --tree: a frozen program in place of dist/alcove. --packages: packages that are built already, in place of new ones in dist.
# --only: checks by a pattern, as the functions in verify/ are called. The systems are bookworm, trixie and noble if none is named.
# Needs root on Debian or Ubuntu and a source of packages. Everything lies below build/verify: clean systems (kept), logs, pictures.
set -euo pipefail
cd "$(dirname "$0")/../.."
HERE=$PWD/installers/linux WORK=$PWD/build/verify TREE=dist/alcove OUT="" ONLY=. PYTHON=$PWD/.venv/bin/python
while case ${1:-} in --*) true ;; *) false ;; esac; do
    case $1 in
        --tree) TREE=$2 ;;
        --packages) OUT=$2 ;;
        --only) ONLY=$2 ;;
        *) echo "verify: $1 is no option; there are --tree, --packages and --only" >&2; exit 2 ;;
    esac
    shift 2
done
SYSTEMS=${*:-bookworm trixie noble}
[ "$(id -u)" = 0 ] || { echo "verify: this makes and enters other systems, which root alone may" >&2; exit 2; }
# In a world of mounts of its own, so that none is left.
[ -n "${IN_OWN_MOUNTS:-}" ] || IN_OWN_MOUNTS=1 exec unshare -m --propagation private installers/linux/verify.sh \
    --tree "$TREE" --packages "$OUT" --only "$ONLY" $SYSTEMS
missing=""
for need in debootstrap:debootstrap Xvfb:xvfb xdotool:xdotool import:imagemagick strace:strace lintian:lintian rpm:rpm man:man-db \
    desktop-file-validate:desktop-file-utils appstreamcli:appstream xmllint:libxml2-utils mkntfs:ntfs-3g qemu-x86_64:qemu-user ip:iproute2; do
    command -v "${need%%:*}" >/dev/null || missing="$missing ${need##*:}"
done
[ -z "$missing" ] || { echo "verify: sudo apt-get install --no-install-recommends$missing" >&2; exit 2; }

VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' desktop/__init__.py)
[ -n "$OUT" ] || BUILD=1 OUT=dist
DEB=$OUT/alcove_${VERSION}_amd64.deb RPM=$OUT/alcove-$VERSION-1.x86_64.rpm TAR=$OUT/alcove-$VERSION-linux-x86_64.tar.xz
for part in roots checks odd private packages; do
    . "$HERE/verify/$part.sh"
done
mkdir -p "$WORK/logs" "$WORK/pictures" /tmp/.X11-unix
ENV="" TRACE="" SYSTEM="files" FAILED=0 DONE=0 LEFT_OUT=0 TRIED=0 SCREEN=""
trap '[ -z "$SCREEN" ] || kill "$SCREEN"' EXIT

# check WORDS FUNCTION…: one line, and a log below build/verify/logs.
check() {
    echo "$2" | grep -q -E "$ONLY" || { LEFT_OUT=$((LEFT_OUT + 1)); return 0; }
    local words=$1 log=$WORK/logs/$SYSTEM-$2.log began=$(date +%s%N)
    shift
    : >"$WORK/figure"
    (set -e; "$@") >"$log" 2>&1 &
    if wait $!; then result="ok    "; else result=FAILED FAILED=$((FAILED + 1)); fi
    DONE=$((DONE + 1))
    ms=$((($(date +%s%N) - began) / 1000000))
    printf '%s %4d.%d s  %-8s %s%s\n' "$result" $((ms / 1000)) $((ms % 1000 / 100)) "$SYSTEM" "$words" "$(sed 's/^/: /' "$WORK/figure")"
    [ "$result" != FAILED ] || { tail -n 6 "$log" | sed 's/^/         | /'; [ -z "$SCREEN" ] || end_all; }
}

not_tried() { printf 'not tried         %-8s %s\n' "$SYSTEM" "$*"; }

echo "Alcove $VERSION from $TREE on $(. /etc/os-release; echo "$PRETTY_NAME"), $(nproc) processors, $(date -uR)"
if [ -n "${BUILD:-}" ]; then
    SYSTEM=build
    check "one command builds all packages" sh installers/linux/build.sh --tree "$TREE"
    SYSTEM=files
fi
[ -e "$DEB" ] || { echo "verify: there is no $DEB" >&2; exit 2; }
ADDONS=$(find "$OUT" -name "alcove-*_${VERSION}_amd64.deb" | sort)
check "the packages are small enough" sizes
check "built once more, they are the same" built_twice
check "lintian finds no error and no warning" lints
check "desktop entry, AppStream, type and man page are valid" desktop_files
if [ -x build/tools/bin/python ]; then
    check "the engine runs on old processors (emulated)" processors
else
    not_tried "old processors: they need the engine as installers/app/engine.sh builds it"
fi
start_screen
for SYSTEM in $SYSTEMS; do
    if ! bootstrap "$SYSTEM" >"$WORK/logs/$SYSTEM-debootstrap.log" 2>&1; then
        not_tried "all of it: the package source has no $SYSTEM"
        continue
    fi
    TRIED=$((TRIED + 1))
    fresh "$SYSTEM"
    check "installed without a question into a clean system" installs
    check "tells its version, as a plain user" answers_version
    check "looks at the computer" doctors
    check "chats with the guide without a network" chats_offline
    check "shows its window to a plain user, and chats there" shows_window
    check "a model file is opened in the window that is open" opens_file
    check "the system knows model files and who opens them" knows_type
    check "what the organisation decides holds" holds_rules
    check "upgraded, with settings, models and chats kept" upgrades
    check "Qt's library can be replaced (LGPL)" replaces_qt
    check "speaks where the locale has no UTF-8" speaks_any_locale
    check "lives in a home with odd letters" lives_in_odd_home
    check "a home that may not be written is told" stands_read_only_home
    check "a full home is told" stands_full_home
    check "a user without a home or rights is told" stands_no_rights
    check "lives on a share" stands_share
    check "command line: no connection, no file elsewhere" keeps_private_on_command_line
    check "window: no connection, no file elsewhere" keeps_private_in_window
    check "a download connects to what the log says" shows_hosts_of_download
    check "a package with a model inside" carries_models
    if [ -n "$ADDONS" ]; then check "add-ons come and go" adds_on; else not_tried "add-ons: none was built"; fi
    check "removed and purged" purges
    check "installed again without a network" installs_offline
    check "the rpm package" holds_as_rpm
    check "the portable archive" runs_portable
    end_all
    umount -R "$ROOT"
done
echo "$DONE checks in $TRIED systems, $FAILED failed, $LEFT_OUT left out as --only asks; logs and pictures are in $WORK"
[ "$FAILED" = 0 ] && [ "$TRIED" -gt 0 ]
