# Sourced by verify.sh, as checks.sh: what a session connects to and writes.

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
    visit_pages
    change_setting "$ROOT$home"
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
