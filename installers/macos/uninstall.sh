#!/bin/sh
# Remove Alcove for everybody: sudo sh uninstall.sh. Chats, settings and models that people fetched stay, and so does the profile
# with the rules; the models that a package brought go (/Library/Application Support/alcove/models).
set -eu
[ "$(id -u)" = 0 ] || { echo "This needs an administrator: sudo sh $0" >&2; exit 1; }
if pgrep -xq alcove; then
    echo "Alcove is open. Close it and start again; nothing was changed." >&2
    exit 1
fi
link=/usr/local/bin/alcove
case "$(readlink $link 2>/dev/null || true)" in */Alcove.app/*) rm -f $link ;; esac
rm -rf /Applications/Alcove.app
for package in org.alcove.Alcove org.alcove.Alcove.models; do
    if pkgutil --pkg-info $package >/dev/null 2>&1; then
        [ $package = org.alcove.Alcove ] || rm -rf "/Library/Application Support/alcove/models"
        pkgutil --forget $package
    fi
done
rmdir "/Library/Application Support/alcove" 2>/dev/null || true
