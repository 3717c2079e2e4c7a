#!/bin/sh
# Leave in ICU's data, the largest file of Qt on Linux (32 MB), what Qt looks up for Alcove's window: how words are sorted, and
# what belongs to each language. The rest has no caller in Qt (names of currencies, units, regions and languages, transliteration,
# where words end), or none in Alcove (names of time zones, encodings of old files). Usage: icu.sh LIBRARY, which is replaced.
# Needed: icupkg of ICU (Debian's icu-devtools), binutils and a C compiler.
set -eu
command -v icupkg >/dev/null || { echo "icu.sh: icupkg is needed; on Debian or Ubuntu: sudo apt-get install icu-devtools" >&2; exit 1; }
library=$1
name=$(basename "$library")
data=icudt${name##*.}_dat
package=${data%_dat}l.dat
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
objcopy -O binary --only-section=.rodata "$library" "$work/$package"
icupkg -l "$work/$package" | grep -E '^(brkitr|curr|lang|rbnf|region|translit|unit|zone)/|\.cnv$' >"$work/unused.lst"
mkdir "$work/small" # under the same name, which is part of the names inside
icupkg -r "$work/unused.lst" "$work/$package" "$work/small/$package"
cat >"$work/data.s" <<END
.section .rodata
.global $data
.balign 16
.type $data, @object
$data: .incbin "$work/small/$package"
.size $data, . - $data
.section .note.GNU-stack,"",@progbits
END
"${CC:-cc}" -shared -nostdlib -s -Wl,-soname,"$name" -Wl,--build-id=none -Wl,-z,noexecstack -o "$work/$name" "$work/data.s"
cp "$work/$name" "$library"
