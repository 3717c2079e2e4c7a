# Sourced by verify.sh, as checks.sh: models inside, add-ons, the portable archive and the rpm.

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
        list="$list$name: $(json "', '.join(found['engine']['backends'])" <"$WORK/doctor.json"), $(($(stat -c %s "$file") / 1000000)) MB. "
        grep -q ggml "$ROOT/usr/share/doc/$name/THIRD-PARTY-NOTICES-${name#alcove-}.txt"
        apt_in_root purge "$name"
        [ -z "$(dpkg-deb --fsys-tarfile "$file" | tar -t | grep -v '/$' | (cd "$ROOT" && xargs ls -d 2>/dev/null))" ]
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
    grep -F "libc.so.6(GLIBC_" "$WORK/requires"
    grep -F "libfontconfig.so.1()(64bit)" "$WORK/requires"
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
