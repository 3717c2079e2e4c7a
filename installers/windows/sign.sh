#!/bin/sh
# Sign, on Linux, every program, library and installer of Windows below the given paths that has no signature yet (Qt's libraries
# come with one). Needs osslsigncode. Each file is replaced by its signed self; what is signed already is left alone.
#   SIGN_PFX=certificate.pfx SIGN_PASSWORD=... [SIGN_TIMESTAMP=http://...] sh installers/windows/sign.sh dist/alcove dist/*.msi
# Without a timestamp a signature ends with its certificate, so releases have one.
set -eu
[ $# -gt 0 ] || { echo "Name what is to be signed." >&2; exit 2; }
: "${SIGN_PFX:?names the certificate}" "${SIGN_PASSWORD?is its password}"
secret=$(mktemp)
trap 'rm -f "$secret"' EXIT
printf %s "$SIGN_PASSWORD" >"$secret"

find "$@" -type f \( -name '*.exe' -o -name '*.dll' -o -name '*.pyd' -o -name '*.msi' \) | while IFS= read -r file; do
    if osslsigncode extract-signature -in "$file" -out "$file.p7" >/dev/null 2>&1; then
        rm -f "$file.p7"
        continue
    fi
    rm -f "$file.signed" "$file.p7"
    osslsigncode sign -pkcs12 "$SIGN_PFX" -readpass "$secret" -h sha256 -n Alcove \
        ${SIGN_TIMESTAMP:+-ts "$SIGN_TIMESTAMP"} -in "$file" -out "$file.signed" >/dev/null
    mv "$file.signed" "$file"
    echo "signed $file"
done
