# Sourced by verify.sh: one function a check; each leaves its figures with `say_of` and fails by itself (set -e holds in them).

say_of() { printf '%s' "$*" >"$WORK/figure"; }
fails() { if "$@"; then return 1; fi; } # unlike "!", an end of the check
json() { python3 -c "import json, sys; found = json.load(sys.stdin); print($1)"; }
chat() { "$@" alcove chat guide -p "What is an open-weight model?" --json | json "len(found['text']) > 20 and found['text']" | grep -v False; }
USERS=/home/u/.local/share/alcove

# --- the packages as files --------------------------------------------------------------------------------------------------------

built_twice() {
    mkdir -p "$WORK/again"
    sh installers/linux/build.sh --tree "$TREE" --out "$WORK/again"
    count=0
    for file in "$WORK"/again/*; do
        cmp "$file" "$OUT/${file##*/}"
        count=$((count + 1))
    done
    say_of "$count files, the same bytes"
    rm -rf "$WORK/again"
}

sizes() {
    local list=""
    for file in "$DEB" "$RPM" "$TAR"; do
        bytes=$(stat -c %s "$file")
        [ "$bytes" -lt 60000000 ]
        list="$list${list:+, }${file##*.} $((bytes / 100000)) "
    done
    unpacked=$(dpkg-deb --fsys-tarfile "$DEB" | wc -c)
    [ "$unpacked" -lt 170000000 ]
    say_of "$(echo "$list" | sed 's/\([0-9]*\)\([0-9]\) /\1.\2 MB/g'), unpacked $((unpacked / 1000000)) MB"
}

lints() {
    nice lintian --allow-root --no-cfg --fail-on error,warning --show-overrides "$DEB" $ADDONS | tee "$WORK/lintian"
    say_of "$(grep -c '^O:' "$WORK/lintian" || true) overrides, each with its reason in installers/linux/*.overrides"
}

desktop_files() {
    mkdir -p "$WORK/deb"
    dpkg-deb -x "$DEB" "$WORK/deb"
    desktop-file-validate "$WORK/deb/usr/share/applications/alcove.desktop"
    appstreamcli validate --no-net "$WORK/deb/usr/share/metainfo/org.alcove.Alcove.metainfo.xml"
    appstreamcli validate-tree --no-net "$WORK/deb"
    xmllint --noout "$WORK/deb/usr/share/mime/packages/alcove.xml"
    LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l "$WORK/deb/usr/share/man/man1/alcove.1.gz" 2>&1 >/dev/null | tee "$WORK/man"
    [ ! -s "$WORK/man" ]
}

processors() {
    build/tools/bin/python installers/app/processors.py | tee "$WORK/processors"
    say_of "$(sed -n 's/: ok.*//p' "$WORK/processors" | paste -sd ' ')"
}

# --- a computer -------------------------------------------------------------------------------------------------------------------

installs() {
    cp "$DEB" "$ROOT/root/alcove.deb"
    apt_in_root update
    before=$(in_root dpkg-query -f '.\n' -W | wc -l)
    apt_in_root install /root/alcove.deb
    say_of "$(($(in_root dpkg-query -f '.\n' -W | wc -l) - before)) packages"
    fails in_root sh -c 'command -v python3 || command -v gcc'
}

answers_version() { [ "$(in_root -u alcove --version)" = "alcove $VERSION" ]; }

doctors() {
    in_root -n -u alcove doctor --json >"$WORK/doctor.json"
    say_of "$(json "found['engine']['name'] + ' ' + found['engine']['version'] + ', ' + ', '.join(found['engine']['backends']) \
        + f\", {len(found['problems'])} problems\"" <"$WORK/doctor.json")"
    json "found['engine']['backends'][0]" <"$WORK/doctor.json"
}

chats_offline() {
    chat in_root -n -u >"$WORK/said"
    say_of "“$(cut -c1-60 "$WORK/said")…”"
}

shows_window() {
    ENV="DISPLAY=$DISPLAY XDG_SESSION_TYPE=x11"
    open_window in_root -n -u alcove
    cold=$OPENED_MS
    until_true 30 settled "$ROOT$USERS"
    picture "$SYSTEM-first"
    xdotool key --clearmodifiers ctrl+n
    ask "$ROOT$USERS" "What is a quantisation?"
    picture "$SYSTEM-chat"
    xdotool key --clearmodifiers ctrl+comma
    sleep 1 # for the picture alone
    picture "$SYSTEM-settings"
    close_window
    warm=999999
    for _ in 1 2 3; do # the fastest, for others use this computer as well
        open_window in_root -n -u alcove
        [ "$OPENED_MS" -ge "$warm" ] || warm=$OPENED_MS
        close_window
    done
    say_of "window after $cold ms, again after $warm ms"
    [ "$warm" -lt 1500 ]
}

# The first look at the computer is over.
settled() { [ -e "$1/cache/rates.json" ]; }

opens_file() {
    cp resources/starter/alcove-guide.gguf "$ROOT/home/u/my model ä.gguf"
    ENV="DISPLAY=$DISPLAY"
    open_window in_root -n -u alcove
    in_root -n -u alcove "/home/u/my model ä.gguf" # comes to the window that is open
    until_true 20 test -e "$ROOT$USERS/models/linked/my model ä.gguf.json"
    ask "$ROOT$USERS" "Hello"
    picture "$SYSTEM-file"
    close_window
}

knows_type() {
    apt_in_root install shared-mime-info desktop-file-utils libglib2.0-bin
    in_root grep -q "application/x-gguf:\*.gguf" /usr/share/mime/globs2
    in_root -u gio info -a standard::content-type "/home/u/my model ä.gguf" | grep application/x-gguf
    in_root grep -q "^application/x-gguf=alcove.desktop" /usr/share/applications/mimeinfo.cache
}

# What is the person's own: every file but caches, logs and what was measured.
belongings() {
    (cd "$ROOT$USERS" && find . -type f ! -path './cache/*' ! -path './logs/*' ! -path './states/*' ! -name 'window.*' -print0 |
        sort -z | xargs -0 sha256sum)
}

upgrades() {
    rm -rf "$WORK/older"
    dpkg-deb -R "$DEB" "$WORK/older"
    sed -i "s/^Version: .*/Version: 0.0.1/" "$WORK/older/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone -b "$WORK/older" "$ROOT/root/older.deb"
    rm -rf "$WORK/older"
    belongings >"$WORK/before"
    # An older one over a newer one: apt refuses, dpkg does as it is told, and nothing of the person's changes either way.
    fails apt_in_root install /root/older.deb
    in_root dpkg -s alcove | grep "^Version: $VERSION"
    in_root -n dpkg -i /root/older.deb 2>&1 | grep "downgrading"
    in_root dpkg -s alcove | grep "^Version: 0.0.1"
    apt_in_root install /root/alcove.deb
    in_root dpkg -s alcove | grep "^Version: $VERSION"
    belongings >"$WORK/after"
    cmp "$WORK/before" "$WORK/after"
    in_root -u alcove list --json | json "[m['id'] for m in found['models']]" | grep "my model"
    chat in_root -n -u
    say_of "$(wc -l <"$WORK/after") files of the person's the same; an older one over it: apt refuses, dpkg warns and does it"
}

replaces_qt() {
    library=$(find "$ROOT/usr/lib/alcove" -name 'libQt6Core.so.6')
    cp "$library" "$WORK/qt"
    printf x >>"$library"
    ENV="DISPLAY=$DISPLAY"
    open_window in_root -n -u alcove
    close_window
    cp "$WORK/qt" "$library"
    in_root dpkg --verify alcove
}

purges() {
    mkdir -p "$ROOT/etc/alcove"
    echo '{}' >"$ROOT/etc/alcove/policy.json"
    belongings >"$WORK/before"
    in_root dpkg --verify alcove
    apt_in_root remove alcove
    apt_in_root install /root/alcove.deb
    apt_in_root purge alcove
    belongings >"$WORK/after"
    cmp "$WORK/before" "$WORK/after"
    find "$ROOT" -xdev -iname '*alcove*' ! -path '*/root/*.deb' ! -path "$ROOT/home/u/*" ! -path "$ROOT/etc/alcove" \
        ! -path "$ROOT/etc/alcove/policy.json" ! -path "$ROOT/var/lib/apt/*" | tee "$WORK/left"
    [ ! -s "$WORK/left" ]
    [ -s "$ROOT/etc/alcove/policy.json" ]
    say_of "nothing left but $(wc -l <"$WORK/after") files of the person's and /etc/alcove/policy.json"
    rm -r "$ROOT/etc/alcove"
}

installs_offline() {
    in_root -n dpkg -i /root/alcove.deb
    chat in_root -n -u
}

# --- odd circumstances ------------------------------------------------------------------------------------------------------------

# A sentence on stderr and status 1, and no traceback.
refuses() {
    local status=0
    "$@" >"$WORK/out" 2>&1 || status=$?
    cat "$WORK/out"
    [ $status = 1 ]
    fails grep -i traceback "$WORK/out"
}

speaks_any_locale() {
    for locale in C POSIX xx_YY.ISO-8859-1; do
        ENV="LC_ALL=$locale LANG=$locale"
        in_root -n -u alcove chat guide -p "Was heißt das: Größe, naïve, 量化?" --json --max-tokens 16 | json "len(found['text'])"
        in_root -n -u alcove list
        in_root -n -u alcove licence guide
    done
    ENV="LC_ALL=C DISPLAY=$DISPLAY"
    open_window in_root -n -u alcove
    ask "$ROOT$USERS" "What is a token?"
    close_window
}

lives_in_odd_home() {
    home="/home/u/Ordner für \"Sachen\" & \$HOME %f ünï"
    mkdir "$ROOT$home"
    chown 4242:4242 "$ROOT$home"
    in_root -n -u alcove --home "$home" doctor --json | json "found['disk']['models_dir']"
    in_root -n -u alcove chat guide -p Hello --json --home "$home" | json "len(found['text'])"
    [ -d "$ROOT$home/models" ]
    in_root -n -u env "HOME=$home" alcove chat guide -p Hello --json | json "len(found['text'])"
    [ -d "$ROOT$home/.local/share/alcove/models" ]
}

# mounted OPTIONS COMMAND…: with a small disk of its own at /home/u/disk.
mounted() {
    mkdir -p "$ROOT/home/u/disk"
    mount -t tmpfs -o "uid=4242,gid=4242,$1" tmpfs "$ROOT/home/u/disk"
    shift
    (set -e; "$@") & # so that a failure in the middle is one
    local status=0
    wait $! || status=$?
    end_all
    umount "$ROOT/home/u/disk"
    return $status
}

stands_read_only_home() {
    mounted ro refuses in_root -n -u alcove list --home /home/u/disk/alcove
    say_of "$(tail -n 1 "$WORK/out")"
    ENV="DISPLAY=$DISPLAY"
    mounted ro tells_in_window read-only --home /home/u/disk/alcove
}

# tells_in_window NAME ARGUMENT…: the window cannot open, which is said in one that can; Return closes it, with status 1.
tells_in_window() {
    name=$1
    shift
    open_window in_root -n -u alcove "$@"
    picture "$SYSTEM-$name"
    xdotool key Return
    until_true 20 is_over $APP
    local status=0
    wait $APP || status=$?
    cat "$WORK/window.log"
    [ $status = 1 ]
    fails grep -i traceback "$WORK/window.log"
}

stands_full_home() {
    ENV="DISPLAY=$DISPLAY"
    mounted size=64k on_full_disk
    say_of "$(tail -n 1 "$WORK/out" | cut -c1-150)"
}

# What needs no room works, what needs some is told in a sentence; the window opens, or says why not.
on_full_disk() {
    head -c 100000 /dev/zero >"$ROOT/home/u/disk/fill" || true
    in_root -n -u alcove list --home /home/u/disk/alcove
    in_root -n -u alcove chat guide -p Hello --json --home /home/u/disk/alcove | json "len(found['text'])"
    refuses in_root -n -u alcove bundle create /home/u/disk/bundle guide --home /home/u/disk/alcove
    open_window in_root -n -u alcove --home /home/u/disk/alcove
    sleep 3 # for the picture alone
    picture "$SYSTEM-full"
    xdotool key --clearmodifiers ctrl+n
    sleep 1
    picture "$SYSTEM-full-chat"
    fails grep -i traceback "$WORK/window.log"
    end_all
}

stands_no_rights() {
    chroot "$ROOT" useradd -M -d /nonexistent -s /usr/sbin/nologin -u 4343 nobody2 2>/dev/null || true
    refuses unshare -n chroot --userspec=4343:4343 "$ROOT" env -i HOME=/nonexistent PATH=/usr/bin:/bin alcove list </dev/null
    say_of "$(tail -n 1 "$WORK/out")"
    fails in_root -u test -w /usr/lib/alcove
    fails in_root -u sh -c "echo x >>/usr/lib/alcove/alcove"
}

# A file system that is another program's, as shares are, with one owner and one mode for all files: NTFS through FUSE.
stands_share() {
    truncate -s 300M "$WORK/share.img"
    mkntfs -q -F "$WORK/share.img"
    mkdir -p "$ROOT/home/u/share"
    ntfs-3g -o uid=4242,gid=4242,umask=0077 "$WORK/share.img" "$ROOT/home/u/share"
    (set -e; on_share) &
    local status=0
    wait $! || status=$?
    end_all
    umount "$ROOT/home/u/share"
    rm "$WORK/share.img"
    return $status
}

on_share() {
    chat in_root -n -u env ALCOVE_HOME=/home/u/share/alcove
    ENV="DISPLAY=$DISPLAY ALCOVE_HOME=/home/u/share/alcove"
    open_window in_root -n -u alcove
    until_true 30 settled "$ROOT/home/u/share/alcove"
    xdotool key --clearmodifiers ctrl+n
    ask "$ROOT/home/u/share/alcove" "What is a context?"
    close_window
    say_of "on NTFS through FUSE; CIFS and NFS were not tried, this kernel has neither"
}

# --- what it does -----------------------------------------------------------------------------------------------------------------

# traced NAME HOME COMMAND…: the command under strace; then what it did is judged.
judge() { "$PYTHON" "$HERE/verify/traced.py" "$WORK/calls-$1" "$ROOT" "${@:2}" | tee "$WORK/judged-$1"; }
tracing() { TRACE="strace -f -qq -y -s 300 -e trace=%network,%file -e signal=none -o $WORK/calls-$1"; }

keeps_private_on_command_line() {
    home=/home/u/traced
    tracing command
    in_root -u sh -c "for each in 'doctor --json' list 'chat guide -p Hello' suggest 'licence register' 'fit guide' 'policy show'; do
        alcove \$each --home $home || exit 1; done"
    judge command $home
    say_of "$(head -n 1 "$WORK/judged-command")"
}

keeps_private_in_window() {
    home=/home/u/.local/share/alcove
    tracing window
    ENV="DISPLAY=$DISPLAY"
    open_window in_root -u alcove
    TRACE=""
    until_true 60 settled "$ROOT$home"
    xdotool key --clearmodifiers ctrl+n
    ask "$ROOT$home" "What is an open-weight model?"
    change_setting "$ROOT$home"
    visit_pages
    close_window
    judge window $home /home/u/.cache /home/u/.config /home/u/.local/share
    say_of "$(head -n 1 "$WORK/judged-window")"
}

shows_hosts_of_download() {
    home=/home/u/fetched
    "$PYTHON" -m tests.hub_server --port 8799 --model maker/Tiny-GGUF/Tiny-Q8_0.gguf=resources/starter/alcove-guide.gguf \
        >"$WORK/hub.log" 2>&1 &
    hub=$!
    until_true 20 grep -q HF_ENDPOINT "$WORK/hub.log"
    tracing download
    ENV="HF_ENDPOINT=http://127.0.0.1:8799"
    in_root -u alcove get hf:maker/Tiny-GGUF/Tiny-Q8_0.gguf --home $home
    kill $hub
    judge download $home
    say_of "$(head -n 1 "$WORK/judged-download")"
}

# --- other packages ---------------------------------------------------------------------------------------------------------------

carries_models() {
    rm -rf "$WORK/bundle" "$WORK/maker" "$WORK/carrying"
    cp resources/starter/alcove-guide.gguf "$WORK/Carried-Q8_0.gguf"
    "$PYTHON" -m desktop adopt "$WORK/Carried-Q8_0.gguf" --home "$WORK/maker"
    "$PYTHON" -m desktop bundle create "$WORK/bundle" Carried-Q8_0 --licence-checked --home "$WORK/maker"
    sh installers/linux/build.sh --tree "$TREE" --models "$WORK/bundle" --only deb --quick --out "$WORK/carrying"
    cp "$WORK/carrying/alcove_${VERSION}_amd64.deb" "$ROOT/root/carrying.deb"
    in_root -n dpkg -i /root/carrying.deb # the one silent step, without a network
    home=/home/u/carried
    in_root -n -u alcove list --json --home $home | json "[m for m in found['models'] if m['id'] == 'Carried-Q8_0'][0]['origin']" | grep shared
    in_root -n -u alcove chat Carried-Q8_0 -p "What is a model?" --json --home $home | json "len(found['text']) or 1 / 0"
    in_root -n -u alcove bundle verify /usr/lib/alcove/models --home $home
    in_root -n -u alcove licence register --format json --output /home/u/register.json --home $home
    grep -c Carried "$ROOT/home/u/register.json"
    fails in_root -n -u alcove remove Carried-Q8_0 --home $home
    # A bundle of which a byte has changed makes no package.
    printf x | dd of="$(find "$WORK/bundle" -name '*.gguf')" bs=1 seek=5000 conv=notrunc status=none
    fails sh installers/linux/build.sh --tree "$TREE" --models "$WORK/bundle" --only deb --quick --out "$WORK/carrying"
    in_root -n dpkg -i /root/alcove.deb
    fails test -e "$ROOT/usr/lib/alcove/models"
    say_of "listed, chatted with and licensed offline after one dpkg -i; a damaged bundle is refused"
}

adds_on() {
    local list=""
    for file in $ADDONS; do
        name=$(dpkg-deb -f "$file" Package)
        cp "$file" "$ROOT/root/addon.deb"
        apt_in_root install /root/addon.deb
        chat in_root -n -u
        in_root -n -u alcove doctor --json >"$WORK/doctor.json"
        list="$list$name: $(json "', '.join(found['engine']['backends'])" <"$WORK/doctor.json"). "
        apt_in_root purge "$name"
        fails find "$ROOT/usr/lib/alcove" -name "*${name#alcove-}*" | grep .
        chat in_root -n -u
    done
    say_of "$list"
}

runs_portable() {
    tar -C "$ROOT/home/u" -xf "$TAR"
    chown -R 4242:4242 "$ROOT/home/u/alcove-$VERSION"
    folder=/home/u/alcove-$VERSION
    in_root -n -u "$folder/alcove" chat guide -p Hello --json | json "len(found['text'])"
    (cd "$ROOT/home/u" && find .local .config .cache -type f 2>/dev/null | sort) >"$WORK/before" || true
    in_root -n -u "$folder/install"
    in_root -n -u "$folder/install" # again, as an upgrade
    rm -rf "$ROOT$folder"
    [ "$(in_root -n -u /home/u/.local/bin/alcove --version)" = "alcove $VERSION" ]
    chat in_root -n -u env PATH=/home/u/.local/bin:/usr/bin:/bin
    desktop-file-validate "$ROOT/home/u/.local/share/applications/alcove.desktop"
    ENV="DISPLAY=$DISPLAY"
    open_window in_root -n -u /home/u/.local/bin/alcove
    picture "$SYSTEM-portable"
    close_window
    in_root -n -u /home/u/.local/lib/alcove/uninstall
    (cd "$ROOT/home/u" && find .local .config .cache -type f ! -path '.local/share/alcove/*' 2>/dev/null | sort) >"$WORK/after" || true
    diff "$WORK/before" "$WORK/after" | grep '^>' | tee "$WORK/left" || true
    [ ! -s "$WORK/left" ]
    say_of "install, upgrade and uninstall without root or network; nothing is left but ~/.local/share/alcove"
}

holds_as_rpm() {
    rpm -Kv "$RPM"
    rpm -qp --requires "$RPM" >"$WORK/requires"
    fails grep -E 'Qt6|python3|libggml|libllama|/bin/sh' "$WORK/requires"
    [ "$(rpm -qp --scripts "$RPM")" = "" ]
    [ "$(rpm -qp --provides "$RPM" | grep -v -c '^alcove')" = 0 ]
    in_root dpkg --purge alcove
    cp "$RPM" "$ROOT/root/alcove.rpm"
    rpm --root "$ROOT" --initdb
    rpm --root "$ROOT" -i --nodeps --ignoreos /root/alcove.rpm 2>&1 || rpm --root "$ROOT" -i --nodeps "$RPM"
    rpm --root "$ROOT" -V --nodeps alcove
    chat in_root -n -u
    rpm --root "$ROOT" -U --nodeps --replacepkgs "$RPM"
    rpm --root "$ROOT" -e alcove
    [ ! -e "$ROOT/usr/lib/alcove" ]
    [ ! -e "$ROOT/usr/bin/alcove" ]
    say_of "$(wc -l <"$WORK/requires") requirements, installed with --nodeps into $SYSTEM; no Fedora or RHEL was there to resolve them"
}
