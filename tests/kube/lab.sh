#!/usr/bin/env bash
# A real cluster on loopback: etcd and kube-apiserver (`api`), controllers and scheduler (`ctl`), and a node that
# runs pods (`node`: containerd and kubelet, as root in a network namespace of its own, which `net` makes).
# Started by tests/e2e/test_kubernetes.py.
#
#     lab.sh api|ctl|node|down FOLDER PROGRAMS PORT [REGISTRY]
#     lab.sh net|unnet NAME
#
# The kubeconfig is FOLDER/kubeconfig; seven ports from PORT on are used; REGISTRY holds the node's pause image
# as lab/pause:1.
set -euo pipefail
readonly address=10.99.0.1 # kubelet refuses a loopback address as its own

case $1 in
net)
    ip netns add "$2"
    nsenter --net="/run/netns/$2" sh -c "ip link set lo up; ip addr add $address/32 dev lo"
    exit
    ;;
unnet)
    ip netns delete "$2"
    exit
    ;;
esac

command=$1 folder=$2 programs=$3 port=$4 registry=${5:-}
mkdir -p "$folder"
cd "$folder"
readonly server="https://127.0.0.1:$((port + 2))"

background() { # NAME COMMAND...
    local name=$1
    shift
    nice "$@" > "$name.log" 2>&1 < /dev/null &
    echo $! > "$name.pid"
}

certificate() { # NAME SUBJECT EXTENSIONS
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2> /dev/null
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" \
        -extfile <(printf '%b' "$3") 2> /dev/null
}

certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=lab-ca \
        -keyout ca.key -out ca.crt -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,digitalSignature 2> /dev/null
    certificate api /CN=kube-apiserver \
        'subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost\nextendedKeyUsage=serverAuth'
    certificate admin /O=system:masters/CN=admin 'extendedKeyUsage=clientAuth'
    openssl ecparam -genkey -name prime256v1 -noout -out sa.key
    openssl ec -in sa.key -pubout -out sa.pub 2> /dev/null
}

kubeconfig() {
    cat <<YAML
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "$server", certificate-authority: $PWD/ca.crt}}]
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
current-context: lab
users: [{name: admin, user: {client-certificate: $PWD/admin.crt, client-key: $PWD/admin.key}}]
YAML
}

containerd_config() {
    cat <<TOML
version = 2
root = "$PWD/ctr.root"
state = "$PWD/ctr.state"
[grpc]
  address = "$PWD/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  sandbox_image = "$registry/lab/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "$programs/runc-lab"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$PWD/cni"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."$registry"]
    endpoint = ["http://$registry"]
TOML
}

kubelet_config() {
    cat <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
port: $((port + 5))
readOnlyPort: 0
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PWD/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 10Mi, nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%"}
containerRuntimeEndpoint: unix://$PWD/containerd.sock
podLogsDir: $PWD/podlogs
YAML
}

wait_until() { # PID COMMAND...
    local pid=$1
    shift
    for _ in $(seq 300); do
        "$@" > /dev/null 2>&1 && return
        kill -0 "$pid"
        sleep 0.2
    done
    return 1
}

case $command in
api)
    certificates
    kubeconfig > kubeconfig
    background etcd etcd --name lab --data-dir etcd.d --unsafe-no-fsync \
        --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
        --listen-peer-urls "http://127.0.0.1:$((port + 1))" \
        --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))" \
        --initial-cluster "lab=http://127.0.0.1:$((port + 1))"
    background apiserver "$programs/kube-apiserver" --etcd-servers="http://127.0.0.1:$port" \
        --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port=$((port + 2)) \
        --tls-cert-file=api.crt --tls-private-key-file=api.key --client-ca-file=ca.crt \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=sa.pub \
        --service-account-signing-key-file=sa.key --service-cluster-ip-range=10.96.0.0/24 \
        --authorization-mode=RBAC --allow-privileged=true --endpoint-reconciler-type=none \
        --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate=admin.crt --kubelet-client-key=admin.key \
        --disable-admission-plugins=ServiceAccount
    wait_until "$(cat apiserver.pid)" kubectl --kubeconfig kubeconfig get --raw /readyz
    wait_until "$(cat apiserver.pid)" kubectl --kubeconfig kubeconfig get namespace default
    ;;
ctl)
    flags="--kubeconfig=kubeconfig --authentication-kubeconfig=kubeconfig --authorization-kubeconfig=kubeconfig
           --bind-address=127.0.0.1 --leader-elect=false"
    # shellcheck disable=SC2086 # a list of words
    background kcm "$programs/kube-controller-manager" $flags --secure-port=$((port + 3)) \
        --use-service-account-credentials=true --service-account-private-key-file=sa.key --root-ca-file=ca.crt
    # shellcheck disable=SC2086
    background scheduler "$programs/kube-scheduler" $flags --secure-port=$((port + 4))
    wait_until "$(cat kcm.pid)" kubectl --kubeconfig kubeconfig get serviceaccount default
    ;;
node)
    mkdir -p cni
    sysctl vm.overcommit_memory kernel.panic kernel.panic_on_oops | tr -d ' ' > sysctl.before # kubelet sets them
    printf '{"cniVersion":"0.4.0","name":"lab","plugins":[{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local",
        "ranges":[[{"subnet":"10.244.7.0/24"}]],"dataDir":"%s/ipam"}}]}' "$PWD" > cni/10-lab.conflist
    containerd_config > containerd.toml
    kubelet_config > kubelet.yaml
    ulimit -n 20000
    background containerd containerd -c containerd.toml
    wait_until "$(cat containerd.pid)" test -S containerd.sock
    background kubelet "$programs/kubelet" --config=kubelet.yaml --kubeconfig=kubeconfig --root-dir="$PWD/kubelet.d" \
        --cert-dir="$PWD/kubelet.pki" --hostname-override=lab --node-ip=$address
    kubectl --kubeconfig kubeconfig wait --for=create node/lab --timeout=60s
    kubectl --kubeconfig kubeconfig wait --for=condition=Ready node/lab --timeout=60s
    ;;
down)
    if [ -f kubelet.pid ]; then
        kubectl --kubeconfig kubeconfig delete deploy,daemonset,statefulset,job,pod --all -A --timeout=60s || :
    fi
    for name in kubelet containerd scheduler kcm apiserver etcd; do
        [ -f $name.pid ] && kill "$(cat $name.pid)" 2> /dev/null || :
    done
    for name in kubelet containerd scheduler kcm apiserver etcd; do
        while [ -f $name.pid ] && kill -0 "$(cat $name.pid)" 2> /dev/null &&
              ! grep -q '^State:.Z' "/proc/$(cat $name.pid)/status" 2> /dev/null; do
            sleep 0.1
        done
    done
    [ ! -f sysctl.before ] || sysctl -qp sysctl.before
    grep -o " $PWD/[^ ]*" /proc/mounts | sort -r | xargs -r umount || :
    ;;
esac
