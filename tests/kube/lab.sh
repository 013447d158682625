#!/usr/bin/env bash
# A real cluster on loopback, without a network of its own: etcd and kube-apiserver (`api`), controllers and
# scheduler (`ctl`). Started by tests/e2e/kube.py.
#
#     lab.sh api|ctl|down FOLDER PROGRAMS PORT      the kubeconfig is FOLDER/kubeconfig; five ports from PORT on
set -euo pipefail
command=$1 folder=$2 programs=$3 port=$4
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
down)
    for name in scheduler kcm apiserver etcd; do
        [ -f $name.pid ] && kill "$(cat $name.pid)" 2> /dev/null || :
    done
    for name in scheduler kcm apiserver etcd; do
        while [ -f $name.pid ] && kill -0 "$(cat $name.pid)" 2> /dev/null &&
              ! grep -q '^State:.Z' "/proc/$(cat $name.pid)/status" 2> /dev/null; do
            sleep 0.1
        done
    done
    ;;
esac
