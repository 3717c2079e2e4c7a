#!/bin/sh
# Build Alcove for this Mac's processor: the engine with Metal, Alcove.app, a package for IT and a disk image for people, in dist.
#   sh installers/macos/build.sh [--models FOLDER]
# FOLDER is a bundle that "alcove bundle create" made; its models go into the package, for everybody, below /Library.
#
#   SIGN_APP         "Developer ID Application: ..." in the keychain; without it the app is signed for this Mac alone (ad hoc)
#   SIGN_PKG         "Developer ID Installer: ..."; without it the package is not signed
#   NOTARY_PROFILE   what "xcrun notarytool store-credentials" kept; without it nothing is sent to Apple
#   NOTARY_KEYCHAIN  where it kept that, if not in the login keychain
#
# Needs Python 3.11 or newer and the command line tools of Xcode with CMake. One package for each processor: a universal one would
# carry the engine and Qt twice.
set -eu
cd "$(dirname "$0")/../.."
. installers/app/tools.sh
[ "$(uname -s)" = Darwin ] || stop "this runs on a Mac only"
models=
[ "${1:-}" != --models ] || models=$(cd "${2:?names the bundle}" && pwd)

version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' desktop/__init__.py)
case "$(uname -m)" in arm64) arch=arm64 ;; *) arch=x86_64 ;; esac
work=$PWD/build/macos app=$PWD/dist/Alcove.app
package=$PWD/dist/alcove-$version-macos-$arch.pkg image=$PWD/dist/alcove-$version-macos-$arch.dmg
export MACOSX_DEPLOYMENT_TARGET=13.3 SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" PYTHONHASHSEED=1
rm -rf "$work" "$app" "$package" "$image"
mkdir -p "$work/root" "$work/image"

sh installers/app/engine.sh
tools
"$TOOLS" installers/app/icons.py build/icon
"$TOOLS" -m PyInstaller --noconfirm --clean --log-level WARN --workpath build/freeze --distpath dist installers/macos/app.spec

# The list of parts and their notices, which the page About shows.
about=$app/Contents/Resources/resources/about
mkdir -p "$about"
"$TOOLS" installers/supply/sbom.py dist/alcove "$about/sbom.cdx.json"
"$TOOLS" installers/supply/notices.py dist/alcove "$about/THIRD-PARTY-NOTICES.txt"

# From the inside outwards: a signature holds only while what is inside stays as it is. The hardened runtime has no exception
# (entitlements.plist is empty): Metal compiles its code in a process of the system's, and every library is signed by one team. An
# app that is signed ad hoc has no team, so there the runtime would refuse the app's own libraries.
sign() {
    codesign --force --sign "${SIGN_APP:--}" ${SIGN_APP:+--options runtime --timestamp} \
        --entitlements installers/macos/entitlements.plist "$@"
}
say "signing as ${SIGN_APP:-nobody (ad hoc)}"
find "$app/Contents" -type f ! -path '*/MacOS/alcove' | while IFS= read -r file; do
    case "$(file -b "$file")" in *Mach-O*) sign "$file" ;; esac
done
find "$app/Contents/Frameworks" -depth -type d -name '*.framework' | while IFS= read -r folder; do sign "$folder"; done
sign "$app"
codesign --verify --deep --strict "$app"

# Apple looks at it and says yes; the answer is stapled on, so that no Mac has to ask.
notarise() {
    [ -n "${NOTARY_PROFILE:-}" ] || { say "not sent to Apple: $1"; return 0; }
    xcrun notarytool submit "$1" --keychain-profile "$NOTARY_PROFILE" ${NOTARY_KEYCHAIN:+--keychain "$NOTARY_KEYCHAIN"} \
        --wait --timeout 30m
}
staple() { [ -z "${NOTARY_PROFILE:-}" ] || xcrun stapler staple "$1"; }
ditto -c -k --keepParent "$app" "$work/app.zip"
notarise "$work/app.zip"
staple "$app"

cp -R "$app" "$work/root/"
# Always to /Applications, also where a copy of it lies elsewhere.
pkgbuild --analyze --root "$work/root" "$work/parts.plist"
plutil -replace 0.BundleIsRelocatable -bool NO "$work/parts.plist"
pkgbuild --root "$work/root" --component-plist "$work/parts.plist" --install-location /Applications --identifier org.alcove.Alcove \
    --version "$version" --scripts installers/macos/scripts "$work/alcove.pkg"
set -- --package "$work/alcove.pkg"
if [ -n "$models" ]; then
    "$TOOLS" installers/app/models.py "$models" "$work/models"
    pkgbuild --root "$work/models" --install-location "/Library/Application Support/alcove/models" \
        --identifier org.alcove.Alcove.models --version "$version" "$work/models.pkg"
    set -- "$@" --package "$work/models.pkg"
fi
sed "s|<string>arm64</string>|<string>$arch</string>|" installers/macos/product.plist >"$work/product.plist"
productbuild --product "$work/product.plist" "$@" ${SIGN_PKG:+--sign "$SIGN_PKG" --timestamp} "$package"
notarise "$package"
staple "$package"

cp -R "$app" "$work/image/"
ln -s /Applications "$work/image/Applications"
hdiutil create -volname Alcove -srcfolder "$work/image" -fs HFS+ -format UDZO -quiet "$image"
[ -z "${SIGN_APP:-}" ] || codesign --sign "$SIGN_APP" --timestamp "$image"
notarise "$image"
staple "$image"
if [ -n "${NOTARY_PROFILE:-}" ]; then
    spctl --assess --type execute --verbose "$app"
    spctl --assess --type install --verbose "$package"
fi
say "ready: $package and $image"
