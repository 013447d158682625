#!/usr/bin/env bash
# Builds a real kube-apiserver into FOLDER/bin, once: seven minutes of two cores when nothing is cached.
#
#     tests/kube/build.sh FOLDER [PROGRAM...]     programs: kube-apiserver (default), kube-controller-manager,
#                                                  kube-scheduler, kubelet
set -euo pipefail
readonly minor=33 patch=13
folder=$1
shift
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$folder/bin" "$folder/src"
cp "$source"/go.mod "$source"/go.sum "$source"/tools.go "$folder/src/"
if [ ! -x "$folder/bin/runc-lab" ]; then
    (cd "$source/runc-lab" && CGO_ENABLED=0 go build -trimpath -ldflags=-s -o "$folder/bin/runc-lab" .)
fi
cd "$folder/src"
version=k8s.io/component-base/version
for program in "${@:-kube-apiserver}"; do
    [ -x "$folder/bin/$program" ] && continue
    CGO_ENABLED=0 GOFLAGS=-mod=mod nice -n 19 go build -trimpath -p "${KUBE_JOBS:-2}" -ldflags "-s -w
        -X $version.gitVersion=v1.$minor.$patch -X $version.gitMajor=1 -X $version.gitMinor=$minor
        -X $version.gitTreeState=clean -X $version.gitCommit=0 -X $version.buildDate=1970-01-01T00:00:00Z" \
        -o "$folder/bin/$program.new" "k8s.io/kubernetes/cmd/$program"
    mv "$folder/bin/$program.new" "$folder/bin/$program"
done
