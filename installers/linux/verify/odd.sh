# Sourced by verify.sh, as checks.sh: odd circumstances.

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

# What the organisation decides holds against all that a plain user can say.
holds_rules() {
    home=/home/u/lifted
    mkdir -p "$ROOT/etc/alcove"
    echo '{"locked": {"offline": true}, "banner": "Rules are tried here."}' >"$ROOT/etc/alcove/policy.json"
    in_root -u sh -c "mkdir -p $home /home/u/.config/alcove && echo '{\"offline\": false}' >$home/settings.json
        echo '{\"locked\": {\"offline\": false}}' >/home/u/.config/alcove/policy.json"
    fails in_root -u sh -c "echo '{}' >/etc/alcove/policy.json"
    tracing rules
    ENV="HF_ENDPOINT=http://192.0.2.1:8799 ALCOVE_HOME=$home"
    for way in "get hf:maker/Tiny-GGUF/Tiny-Q8_0.gguf" "search tiny"; do
        refuses in_root -u alcove $way
        refuses in_root -u alcove $way --home $home
        grep "Your organisation keeps Alcove offline" "$WORK/out"
    done
    TRACE=""
    judge rules $home
    fails in_root -u alcove policy show --json >"$WORK/shown" # it tells that the person's rules say something else
    json "[v['value'] for v in found['values'] if v['key'] == 'offline'][0] or 1 / 0" <"$WORK/shown"
    chat in_root -n -u
    ENV="DISPLAY=$DISPLAY ALCOVE_HOME=$home"
    open_window in_root -n -u alcove
    xdotool key --clearmodifiers ctrl+comma
    sleep 1 # for the picture alone
    picture "$SYSTEM-rules"
    close_window
    echo '{"locked": {"offlin": true}}' >"$ROOT/etc/alcove/policy.json" # not understood: fails closed
    refuses in_root -u alcove get hf:maker/Tiny-GGUF/Tiny-Q8_0.gguf
    refuses in_root -u alcove policy show
    chat in_root -n -u
    rm -r "$ROOT/etc/alcove" "$ROOT/home/u/.config/alcove"
    say_of "offline stays locked for --home, ALCOVE_HOME, HF_ENDPOINT, settings and rules of the person's: $(head -n 1 "$WORK/judged-rules")"
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
