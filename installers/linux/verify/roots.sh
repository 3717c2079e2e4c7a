# Sourced by verify.sh: clean systems in folders, commands in them, and the window that a plain user has there.

# A system of that name as its makers deliver it, made once and kept.
bootstrap() {
    [ -d "$WORK/roots/$1" ] && return 0
    mkdir -p "$WORK/roots"
    # This computer's source of packages, or its makers' where this is no Debian.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | head -n 1) || true
    keys=/usr/share/keyrings/debian-archive-keyring.gpg parts=main script=""
    if [ "$1" = noble ]; then
        mirror=${mirror:+${mirror%debian/}ubuntu/} parts=main,universe
        keys=$WORK/roots/keys/usr/share/keyrings/ubuntu-archive-keyring.gpg
        script=/usr/share/debootstrap/scripts/gutsy # which all of Ubuntu's are the same as
        [ -e "$keys" ] || { # Debian has Ubuntu's keys, in a package of its own from 13 on
            chroot "$WORK/roots/trixie" sh -c 'cd /tmp && apt-get update -qq && apt-get download -qq ubuntu-keyring'
            dpkg-deb -x "$WORK"/roots/trixie/tmp/ubuntu-keyring*.deb "$WORK/roots/keys"
            rm -f "$WORK"/roots/trixie/tmp/ubuntu-keyring*.deb
        }
    fi
    rm -rf "$WORK/roots/$1.new"
    nice debootstrap --variant=minbase --components=$parts --keyring="$keys" "$1" "$WORK/roots/$1.new" "$mirror" $script >&2 ||
        { rm -rf "$WORK/roots/$1.new"; return 1; }
    mv "$WORK/roots/$1.new" "$WORK/roots/$1"
}

# fresh NAME: a copy of the clean system in $ROOT that may be written, with a plain user u; what is written is in $UPPER.
fresh() {
    ROOT=$WORK/run/root UPPER=$WORK/run/upper
    ! mountpoint -q "$ROOT" || umount -R "$ROOT"
    rm -rf "$WORK/run"
    mkdir -p "$ROOT" "$UPPER" "$WORK/run/work" "$WORK/archives/partial"
    mount -t overlay overlay -o "lowerdir=$WORK/roots/$1,upperdir=$UPPER,workdir=$WORK/run/work" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount -t sysfs -o ro sysfs "$ROOT/sys"
    mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
    mkdir -p "$ROOT/tmp/.X11-unix" "$WORK/archives-$1"
    mount --bind /tmp/.X11-unix "$ROOT/tmp/.X11-unix"
    mount --bind "$WORK/archives-$1" "$ROOT/var/cache/apt/archives"
    cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
    echo "127.0.0.1 localhost" >"$ROOT/etc/hosts"
    chroot "$ROOT" useradd -m -u 4242 -s /bin/sh u
}

# in_root [-n] [-u] COMMAND…: a command in $ROOT; -n without any network but loopback, -u as the plain user. $ENV has more variables,
# $TRACE what goes before it.
in_root() {
    local net="" as="" home=/root
    while :; do
        case $1 in
            -n) net="unshare -n --" ;;
            -u) as=--userspec=4242:4242 home=/home/u ;;
            *) break ;;
        esac
        shift
    done
    $net sh -c '[ -z "$1" ] || ip link set lo up; shift; exec "$@"' - "$net" $TRACE chroot $as "$ROOT" env -i HOME=$home \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive $ENV "$@" </dev/null
}

# What still runs in $ROOT, after a check that failed in the middle.
end_all() {
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root")" != "$ROOT" ] || kill -KILL "${process#/proc/}" || true
    done
}

apt_in_root() { in_root apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@"; }

# --- the window -------------------------------------------------------------------------------------------------------------------

start_screen() { # one that does not begin anew, deaf for a moment, whenever its last program ends
    Xvfb :77 -noreset -screen 0 1280x800x24 -nolisten tcp >"$WORK/xvfb.log" 2>&1 &
    SCREEN=$!
    export DISPLAY=:77
    until_true 10 xdotool getdisplaygeometry
}

# until_true SECONDS COMMAND…: again and again until it succeeds, or fail after so long.
until_true() {
    end=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || { echo "it took too long: $*" >&2; return 1; }
        sleep 0.1
    done
}

# open_window COMMAND…: start it, wait until a window of Alcove is seen, and give it the keyboard. $APP is the process.
open_window() {
    began=$(date +%s%N)
    "$@" >"$WORK/window.log" 2>&1 &
    APP=$!
    until_true 60 xdotool search --onlyvisible --name '^Alcove' || { cat "$WORK/window.log"; return 1; }
    OPENED_MS=$((($(date +%s%N) - began) / 1000000))
    timeout 10 xdotool windowfocus --sync "$(xdotool search --onlyvisible --name '^Alcove' | tail -n 1)"
}

picture() { import -window root "$WORK/pictures/$1.png"; }

# close_window: as a person does; the program has to end by itself, without a word of an error.
close_window() {
    until_true 20 quits
    wait $APP
    ! grep -i -E 'traceback|error' "$WORK/window.log"
}

quits() {
    xdotool key --clearmodifiers ctrl+q
    sleep 0.3
    is_over "$APP"
}

is_over() { ! kill -0 "$1" 2>/dev/null; }

# ask HOME QUESTION: write to the model of the chat and wait for the whole answer, which then is among the kept conversations.
ask() {
    before=$(answers "$1")
    xdotool key --clearmodifiers ctrl+l
    xdotool type --delay 20 "$2"
    xdotool key Return
    until_true 90 has_answers "$1" $((before + 1))
}

has_answers() { [ "$(answers "$1")" -ge "$2" ]; }

# How many answers to the person are kept in a home, whole ones.
answers() {
    [ -e "$1/conversations.sqlite" ] || { echo 0; return; }
    python3 -c "import sqlite3, sys; print(sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).execute(
        \"SELECT count(*) FROM messages WHERE role = 'assistant' AND text > '' AND finish > ''\").fetchone()[0])" \
        "$1/conversations.sqlite"
}

# change_setting HOME: on the page of settings, the first that the keyboard changes; until it is kept.
change_setting() {
    chosen=$(cat "$1/settings.json" || true)
    xdotool key --clearmodifiers ctrl+comma
    until_true 40 tab_to_setting "$1"
}

tab_to_setting() {
    xdotool key Tab Down
    sleep 0.3 # what was chosen is written
    [ "$(cat "$1/settings.json")" != "$chosen" ]
}

# The pages that no key leads to: models, downloads, and what was sent and received.
visit_pages() {
    for place in models:651 downloads:688 activity:773; do
        xdotool mousemove 76 "${place#*:}" click 1
        sleep 0.5 # for what a page looks up once it is seen
        picture "$SYSTEM-${place%:*}"
    done
}
