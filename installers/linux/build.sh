#!/bin/sh
# One command for all packages of Linux: leaves a .deb, an .rpm and a portable .tar.xz of Alcove in dist/, and an add-on package for
# each kind of graphics card whose library is in build/engine/. The same tree and day make the same bytes.
#   sh installers/linux/build.sh [--tree DIR] [--models BUNDLE] [--only deb|rpm|tar] [--quick] [--out DIR]
# --tree: a frozen program in place of dist/alcove, which is made where it is missing. --models: a folder of `alcove bundle create`;
# its models are checked and carried inside. --quick: larger packages in less time, to try them.
set -eu
cd "$(dirname "$0")/../.."

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
say() { printf 'build: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }
number() { sed -n 's/^__version__ = "\(.*\)"/\1/p' desktop/__init__.py; }

tree=dist/alcove bundle="" only="" out=dist version=$(number)
level=9
while [ $# -gt 0 ]; do
    if [ "$1" = --quick ]; then
        level=0
        shift
        continue
    fi
    [ $# -ge 2 ] || stop "$1 is no option, or lacks its value"
    case $1 in
        --tree) tree=$2 ;;
        --models) bundle=$2 ;;
        --only) only=$2 ;;
        --out) out=$2 ;;
        *) stop "$1 is no option; there are --tree, --models, --only, --quick and --out" ;;
    esac
    shift 2
done
for need in objdump:binutils deb=dpkg-deb:dpkg rpm=rpmbuild:rpm tar=xz:xz-utils; do
    name=${need#*=} kind=${need%%=*}
    [ "$kind" = "$need" ] || wanted "$kind" || continue
    command -v "${name%:*}" >/dev/null || stop "${name%:*} is missing; on Debian or Ubuntu: sudo apt-get install ${name#*:}"
done
[ -x "$tree/alcove" ] || { [ "$tree" = dist/alcove ] && sh installers/app/freeze.sh; }
[ -x "$tree/alcove" ] || stop "there is no frozen program in $tree"
PYTHON=${PYTHON:-.venv/bin/python}
[ -x "$PYTHON" ] || { . installers/app/tools.sh; tools; PYTHON=$TOOLS; }

: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
MAINTAINER=${ALCOVE_MAINTAINER:-The Alcove contributors <packages@alcove.invalid>}
DAY=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)
WORDS="Alcove finds out what your computer can do, suggests open-weight language
models that fit, gets them, and lets you chat with them. The model runs here,
works without internet, and sends nothing anywhere. Beside the chat stands what
the model's licence lets you do, for the exact model, in plain words."
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
umask 022

# What every desktop reads, below share/.
share() {
    mkdir -p "$1/applications" "$1/metainfo" "$1/mime/packages" "$1/man/man1" "$1/doc/alcove" "$1/icons/hicolor/scalable/apps"
    cp installers/linux/alcove.desktop "$1/applications/"
    cp installers/linux/alcove.xml "$1/mime/packages/"
    sed "s/@VERSION@/$version/; s/@DATE@/$DAY/" installers/linux/org.alcove.Alcove.metainfo.xml \
        >"$1/metainfo/org.alcove.Alcove.metainfo.xml"
    "$PYTHON" installers/linux/manpage.py "$DAY" | gzip -9n >"$1/man/man1/alcove.1.gz"
    cp resources/icons/program/alcove.svg "$1/icons/hicolor/scalable/apps/"
    "$PYTHON" installers/app/icons.py "$work/icons"
    for side in 16 24 32 48 64 128 256; do
        install -Dm644 "$work/icons/alcove-$side.png" "$1/icons/hicolor/${side}x$side/apps/alcove.png"
    done
    cp installers/linux/copyright "$1/doc/alcove/copyright"
}

# lay TREE FOLDER: libraries are no programs, so only what is started may be.
lay() {
    mkdir -p "$2"
    cp -a "$1/." "$2/"
    chmod -R u+w,go-w,a+rX "$2"
    find "$2" -type f ! -path "$2/alcove" -exec chmod a-x {} +
}

# notices ROOT PACKAGE FILE: those of all parts, from where people look for them on Linux.
notices() {
    file=lib/alcove/_internal/resources/about/$3
    mkdir -p "$1/usr/share/doc/$2"
    [ ! -e "$1/usr/$file" ] || ln -s "../../../$file" "$1/usr/share/doc/$2/"
}

# deb ROOT NAME RELATIONS SUMMARY WORDS: control file and package.
deb() {
    wanted deb || return 0
    mkdir -p "$1/DEBIAN" "$1/usr/share/doc/$2"
    [ -e "$1/usr/share/doc/$2/copyright" ] || cp installers/linux/copyright "$1/usr/share/doc/$2/"
    {
        printf '%s (%s) unstable; urgency=medium\n\n' "$2" "$version"
        sed -n '/^## /,$p' CHANGELOG.md | sed '1d; /^## /,$d; /^$/d; s/^- /* /' | fmt -w 76 -t | sed 's/^/  /'
        printf '\n -- %s  %s\n' "$MAINTAINER" "$(date -uR -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$1/usr/share/doc/$2/changelog.gz"
    [ ! -e "installers/linux/$2.overrides" ] || install -Dm644 "installers/linux/$2.overrides" "$1/usr/share/lintian/overrides/$2"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: %s\n' "$2" "$version" "$MAINTAINER"
        printf 'Installed-Size: %s\n%s\nSection: utils\nPriority: optional\n' "$(du -sk --apparent-size "$1" | cut -f1)" "$3"
        printf 'Description: %s\n' "$4"
        printf '%s\n' "$5" | sed 's/^$/./; s/^/ /'
    } >"$1/DEBIAN/control"
    (cd "$1" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$1/DEBIAN/md5sums"
    nice dpkg-deb --root-owner-group -Zxz -z$level --build "$1" "$out/$2_${version}_amd64.deb" >/dev/null
    rm -r "$1/DEBIAN" "$1/usr/share/doc/$2/changelog.gz"
    rm -rf "$1/usr/share/lintian"
}

# rpm ROOT NAME RELATIONS SUMMARY WORDS: the same tree as an rpm; only folders that are ours belong to it.
rpm_of() {
    wanted rpm || return 0
    (cd "$1" && find usr -path "*alcove*" -type d -printf '%%dir "/%p"\n' -o ! -type d -printf '"/%p"\n' | sort) >"$work/files"
    printf '%s\n' "$3" >"$work/relations"
    printf '%s\n' "$5" >"$work/description"
    case $2 in
        alcove) licence="Apache-2.0 AND LGPL-3.0-only AND MIT" ;;
        alcove-cuda) licence="MIT AND LicenseRef-NVIDIA-CUDA-EULA" ;;
        *) licence=MIT ;;
    esac
    nice rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $work/rpm" --define "package $2" --define "level $level" \
        --define "package_version $version" --define "package_summary $4" --define "package_maintainer $MAINTAINER" \
        --define "package_relations $work/relations" --define "package_description $work/description" --define "package_tree $1" \
        --define "package_files $work/files" --define "package_licence $licence" --target x86_64 installers/linux/alcove.spec
    mv "$work/rpm/x86_64/$2-$version-1.x86_64.rpm" "$out/"
}

# addon NAME WHAT: a library of the engine for one kind of graphics card, with those of its maker, where it was built.
addon() {
    [ -d "build/engine/$1" ] || { say "no alcove-$1: there is no build/engine/$1 (installers/app/engine.sh makes it)"; return 0; }
    [ -e "$tree/_internal/llama_cpp/lib/libggml-base.so" ] || { say "no alcove-$1: $tree has no engine that it works beside"; return 0; }
    sh installers/app/addon.sh "$1" >&2
    root=$work/addon-$1
    lay "dist/alcove-$1" "$root/usr/lib/alcove"
    notices "$root" "alcove-$1" "THIRD-PARTY-NOTICES-$1.txt"
    summary="Alcove's engine for $2"
    words="The part of Alcove's engine that computes on $2.
Alcove finds it by itself; \"alcove doctor\" tells whether it is used."
    needs=$("$PYTHON" installers/linux/needs.py deb "$root" "$tree")
    deb "$root" "alcove-$1" "Depends: alcove (= $version), $needs" "$summary" "$words"
    rpm_of "$root" "alcove-$1" "Requires: alcove = $version
$("$PYTHON" installers/linux/needs.py rpm "$root" "$tree")" "$summary" "$words"
}

say "Alcove $version of $DAY, from $tree${bundle:+, with the models of $bundle}"
lay "$tree" "$work/root/usr/lib/alcove"
[ -z "$bundle" ] || "$PYTHON" installers/app/models.py "$bundle" "$work/root/usr/lib/alcove/models" >"$work/models" ||
    stop "$bundle was not taken"
share "$work/root/usr/share"
mkdir -p "$work/root/usr/bin"
ln -s ../lib/alcove/alcove "$work/root/usr/bin/alcove"
notices "$work/root" alcove THIRD-PARTY-NOTICES.txt
needs=$("$PYTHON" installers/linux/needs.py deb "$work/root/usr/lib/alcove")
# Data that no file asks for by name: keyboards, where the library for them is ours.
[ -z "$(find "$work/root" -name 'libxkbcommon.so*')" ] || needs="$needs, xkb-data"
deb "$work/root" alcove "Depends: $needs
Recommends: ca-certificates, xdg-utils, fonts-dejavu-core | fonts-noto-core
Suggests: alcove-vulkan, alcove-cuda" "private AI chat on your own computer" "$WORDS"
rpm_of "$work/root" alcove "$("$PYTHON" installers/linux/needs.py rpm "$work/root/usr/lib/alcove")
Recommends: ca-certificates, xdg-utils" "Private AI chat on your own computer" "$WORDS"

addon vulkan "graphics cards with Vulkan"
addon cuda "NVIDIA cards with CUDA"
wanted tar || exit 0
portable=$work/alcove-$version
mv "$work/root/usr/lib/alcove" "$portable"
mv "$work/root/usr/share" "$portable/share"
find "$portable/share/doc" -type l -delete
cp installers/linux/install installers/linux/uninstall installers/linux/refresh "$portable/"
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf - "alcove-$version" |
    nice xz -$level -T1 >"$out/alcove-$version-linux-x86_64.tar.xz"
ls -l "$out"/*"$version"* >&2
