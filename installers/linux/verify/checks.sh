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
    local status=0 # 2: tags were found, overridden ones among them
    nice lintian --allow-root --no-cfg --show-overrides "$DEB" $ADDONS >"$WORK/lintian" || status=$?
    cat "$WORK/lintian"
    [ $status = 0 ] || [ $status = 2 ]
    fails grep -E '^[EW]:' "$WORK/lintian"
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
