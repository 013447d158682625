#!/usr/bin/env bash
# usage: static.sh amd64|arm64
# Builds a static koc for Linux in build-static-ARCH: musl and the wraps of subprojects/, by the C compiler of the Python
# package ziglang. ZIG_PYTHON names the Python that has it; meson must know that compiler (1.5 or newer: MESON).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${ZIG_PYTHON:-python3}
meson=${MESON:-meson}
case ${1:-} in
amd64) cpu=x86_64 ;;
arm64) cpu=aarch64 ;;
*) sed -n 2p "$0" >&2; exit 2 ;;
esac
build=build-static-$1

if [ ! -f "$build/build.ninja" ]; then
    mkdir -p "$build"
    cat > "$build/$cpu.ini" <<INI
[binaries]
c = ['$python', '-m', 'ziglang', 'cc', '-target', '$cpu-linux-musl']
ar = ['$python', '-m', 'ziglang', 'ar']
[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = 'little'
INI
    # libzstd and libmicrohttpd have no wrap: without them koc serve, and layers that zstd has compressed, are left out.
    $meson setup "$build" --cross-file "$build/$cpu.ini" --buildtype=release --wrap-mode=forcefallback \
        -Ddefault_library=static -Dtests=false -Dzstd=disabled -Dserve=disabled -Dc_link_args='-static -s' >&2
fi
$meson compile -C "$build" >&2
echo "$build/cli/koc"
