#!/usr/bin/env bash
# Fills subprojects/packagecache, where meson looks before it downloads, from Debian's source packages: they hold the
# archives that upstream releases, and the wraps have the hashes. Nothing is installed, and apt's own state stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../subprojects"

readonly SUITES="trixie forky sid bookworm"

say() { printf 'sources: %s\n' "$*" >&2; }
value() { sed -n "s/^$2 = //p" "$1.wrap"; } # WRAP KEY

is_there() { # WRAP
    echo "$(value "$1" source_hash)  packagecache/$(value "$1" source_filename)" | sha256sum --check --status 2> /dev/null
}

# Lists of source packages in a folder of their own, from where this machine has its packages.
apt_state() {
    local uri suite
    mkdir -p "$scratch"/{lists/partial,cache/archives/partial}
    uri=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian \(.*\/debian\/*\)$/\1/p' | sort -u | head -n 1)
    [ -n "$uri" ] || { say "this machine has no packages of Debian; meson downloads the archives itself"; return 1; }
    for suite in $SUITES; do
        echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done > "$scratch/sources.list"
    options=(-q -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update > /dev/null
}

# The version of a source package whose files include one with this hash.
version_with() { # NAME HASH
    apt-cache "${options[@]}" showsrc "$1" |
        awk -v hash="$2" '/^Package: /{v=""} /^Version: /{v=$2} $1==hash{h=1} /^$/{if(h)print v; h=0} END{if(h)print v}' |
        head -n 1
}

# What else the package holds may be missing: the hash decides.
get() { # WRAP
    local name=$1 hash file version
    hash=$(value "$name" source_hash)
    version=$(version_with "$name" "$hash")
    [ -n "$version" ] || { say "no Debian has the archive of $name.wrap"; return 1; }
    (cd "$scratch" && apt-get "${options[@]}" source --download-only "$name=$version" > /dev/null 2>&1) || true
    for file in "$scratch/$name"_*.orig.tar.*; do
        if echo "$hash  $file" | sha256sum --check --status 2> /dev/null; then
            mv "$file" "packagecache/$(value "$name" source_filename)"
            say "$(value "$name" source_filename)"
            return
        fi
    done
    say "$name $version could not be fetched"
    return 1
}

main() {
    local wrap status=0 missing=()
    for wrap in ${*:-curl cjson libdeflate libyaml mbedtls}; do
        is_there "$wrap" || missing+=("$wrap")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null || { say "no apt-get here; meson downloads the archives itself"; return 1; }
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir -p packagecache
    apt_state
    for wrap in "${missing[@]}"; do
        get "$wrap" || status=1
    done
    return $status
}

main "$@"
