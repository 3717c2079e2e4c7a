#!/bin/sh
# Writes SHA256SUMS of all files of a folder into it, and SHA256SUMS.sig where a key is given: who got the files can check both.
#
#     sh installers/supply/sums.sh [FOLDER]           FOLDER: dist where none is named
#     ALCOVE_SIGNING_KEY=FILE sh installers/supply/sums.sh [FOLDER]     a private key as ssh-keygen makes it, without a passphrase
#
# To check, in the folder, with the public key in a file "allowed" of one line, "alcove-release ssh-ed25519 AAAA...":
#
#     sha256sum -c SHA256SUMS
#     ssh-keygen -Y verify -f allowed -I alcove-release -n alcove -s SHA256SUMS.sig < SHA256SUMS
set -eu

folder=${1:-dist}
[ -d "$folder" ] || { echo "There is no folder $folder." >&2; exit 1; }
cd "$folder"
rm -f SHA256SUMS SHA256SUMS.sig
sums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' ! -name '.*' | sed 's|^\./||' | LC_ALL=C sort | while IFS= read -r file; do
    sums "$file"
done >SHA256SUMS.new
[ -s SHA256SUMS.new ] || { rm SHA256SUMS.new; echo "There is no file in $folder." >&2; exit 1; }
mv SHA256SUMS.new SHA256SUMS
if [ -n "${ALCOVE_SIGNING_KEY:-}" ]; then
    ssh-keygen -q -Y sign -f "$ALCOVE_SIGNING_KEY" -n alcove SHA256SUMS 2>/dev/null ||
        { echo "The sums could not be signed with $ALCOVE_SIGNING_KEY." >&2; exit 1; }
    echo "$folder/SHA256SUMS and its signature are written."
else
    echo "$folder/SHA256SUMS is written, unsigned: ALCOVE_SIGNING_KEY names no key."
fi
