#!/usr/bin/env bash
# Builds what ./dev test --all needs of container engines into FOLDER, once: dockerd 28 (three minutes of two
# cores when nothing is cached) and node.tar, a small Debian with containerd, which is what a kind node is.
#
#     tests/engines/build.sh FOLDER
set -euo pipefail
readonly version=28.5.2
folder=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$folder/bin" "$folder/src"
if [ ! -x "$folder/bin/dockerd28" ]; then
    cp "$source"/go.mod "$source"/go.sum "$source"/tools.go "$folder/src/"
    cd "$folder/src"
    CGO_ENABLED=0 GOFLAGS=-mod=mod nice -n 19 go build -trimpath -p "${ENGINES_JOBS:-2}" \
        -tags 'exclude_graphdriver_btrfs no_systemd' \
        -ldflags "-s -w -X github.com/docker/docker/dockerversion.Version=$version" \
        -o "$folder/bin/dockerd28.new" github.com/docker/docker/cmd/dockerd
    mv "$folder/bin/dockerd28.new" "$folder/bin/dockerd28"
fi
if [ ! -f "$folder/node.tar" ]; then
    packages=containerd,runc,base-files,busybox-static,mount,util-linux,containernetworking-plugins
    nice -n 19 mmdebstrap --quiet --mode=root --variant=extract --include="$packages" bookworm \
        "$folder/node.new.tar"
    mv "$folder/node.new.tar" "$folder/node.tar"
fi
