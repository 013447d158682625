#!/bin/sh
# Stands for the go tool: packages are directories below the module, a program is a line of text. go.log has its arguments.
dir=${0%/goroot/bin/go}
command=$1
shift
case $command in
list)
    while [ "$1" != -- ]; do shift; done
    shift
    for word; do
        path=${word#./} path=${path#example.com/m/}
        [ -f "$dir/$path/main.go" ] || { echo "no package $word" >&2; exit 1; }
        printf '{\n"Dir":"%s/%s","ImportPath":"example.com/m/%s","Name":"main","Match":["%s"]\n}\n' "$dir" "$path" "$path" "$word"
    done ;;
build)
    flags=
    while [ "$1" != -o ]; do flags="$flags $1"; shift; done
    out=$2
    shift 2
    while [ "${1#-}" != "$1" ]; do flags="$flags $1"; shift; done
    echo "$GOOS/$GOARCH CGO_ENABLED=$CGO_ENABLED$flags $*" >> "$dir/go.log"
    [ ! -f "$dir/go.fails" ] || { cat "$dir/go.fails" >&2; exit 1; }
    for package; do
        case $out in */) file=$out${package##*/} ;; *) file=$out ;; esac
        echo "$GOOS/$GOARCH$flags $package" > "$file"
    done ;;
*) echo "go $command" >> "$dir/go.log"; exit 1 ;;
esac
