#!/bin/sh
# Makes OUT/connectx.so, which is put into QEMU with LD_PRELOAD.
#   build.sh QEMU_SOURCE KERNEL_INCLUDE GLIB_ROOT OUT [sanitize]
# QEMU_SOURCE     the unpacked source archive of exactly the QEMU that runs: its include/, scripts/, qapi/ and VERSION are read
# KERNEL_INCLUDE  .../linux-headers-*-common/include of Linux 6.12 or later (linux/mlx5/mlx5_ifc.h); the card then serves any kernel
# GLIB_ROOT       the unpacked libglib2.0-dev
# sanitize        with the address and undefined-behaviour sanitizers and the fuzzer (README.md, "Fuzzing")
# No configure, no ninja: QEMU's headers need its generated QAPI types and the few settings below.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -eu
if [ $# -lt 4 ]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
qemu=$1 kernel=$2 glib=$3 out=$4 mode=${5:-}
for needed in "$qemu/VERSION" "$qemu/scripts/qapi-gen.py" "$kernel/linux/mlx5/mlx5_ifc.h" "$glib/usr/include/glib-2.0/glib.h"; do
  [ -e "$needed" ] || { echo "build.sh: $needed is missing" >&2; exit 1; }
done
version=$(cat "$qemu/VERSION")
objects=$out/objects${mode:+-$mode}
mkdir -p "$out/gen" "$objects"

# What does not depend on the card is made once.
if [ "$(cat "$out/gen/version" 2>/dev/null)" != "$version" ]; then
  python3 "$qemu/scripts/qapi-gen.py" -o "$out/gen/qapi" -b "$qemu/qapi/qapi-schema.json"
  # Debian's build of QEMU on amd64. Structures' layouts depend on CONFIG_INT128; src/load.c refuses a QEMU whose differ.
  for setting in CONFIG_LINUX CONFIG_POSIX CONFIG_TCG CONFIG_IOVEC CONFIG_INT128 CONFIG_INT128_TYPE CONFIG_ATOMIC64 \
    CONFIG_CPUID_H HOST_X86_64; do
    echo "#define $setting 1"
  done > "$out/gen/config-host.h"
  : > "$out/gen/config-poison.h"
  echo "$version" > "$out/gen/version"
fi
{
  echo 'static const struct { unsigned opcode; const char *name; } opcode_names[] = {'
  sed -nE 's/^\tMLX5_CMD_OP_([A-Z0-9_]+) *= (0x[0-9a-f]+),.*/    { \2, "\1" },/p' "$kernel/linux/mlx5/mlx5_ifc.h"
  echo '};'
} > "$out/gen/opcode-names.h"

# QEMU has functions of the same names as some of ours; its own come first unless ours are hidden.
flags="-fPIC -fvisibility=hidden -O2 -g -Wall -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing -DCONNECTX_QEMU_VERSION=\"$version\""
sources=$(echo "$here"/src/*.c)
if [ "$mode" = sanitize ]; then
  flags="$flags -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DCONNECTX_FUZZ"
  sources="$sources $here/fuzz.c"
fi
export CONNECTX_FLAGS="$flags" CONNECTX_OBJECTS="$objects"
export CONNECTX_INCLUDES="-iquote $here/src -I$out/gen -I$qemu/include -idirafter $kernel -I$glib/usr/include/glib-2.0
  -I$glib/usr/lib/x86_64-linux-gnu/glib-2.0/include"
rm -f "$objects"/*.o
# One file per subject, as many at once as there are processors. The variables hold lists of words.
# shellcheck disable=SC2016
printf '%s\n' $sources | xargs -P "$(nproc)" -I{} sh -ec \
  'gcc -c $CONNECTX_FLAGS $CONNECTX_INCLUDES "$1" -o "$CONNECTX_OBJECTS/$(basename "$1" .c).o"' compile {}
# Written beside and moved: a QEMU that has the old one open keeps it whole.
gcc -shared $flags "$objects"/*.o -o "$out/connectx.so.new"
mv "$out/connectx.so.new" "$out/connectx.so"
