// Writes the entries of cases.tsv (standard input) as a tar with Go's archive/tar. See make_cases.py.
package main

import (
	"archive/tar"
	"bufio"
	"encoding/hex"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

func text(s string) string {
	if s == "-" {
		return ""
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		log.Fatal(err)
	}
	return string(b)
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func main() {
	w := tar.NewWriter(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		h := &tar.Header{
			Typeflag: f[0][0], Mode: number(f[1]), Uid: int(number(f[2])), Gid: int(number(f[3])),
			ModTime: time.Unix(number(f[4]), 0), Name: text(f[5]), Linkname: text(f[6]),
			Uname: text(f[7]), Gname: text(f[8]),
		}
		if len(f) > 9 {
			h.PAXRecords = map[string]string{}
		}
		for _, r := range f[9:] {
			key, value, _ := strings.Cut(r, "=")
			h.PAXRecords[key] = text(value)
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = 3
		}
		if err := w.WriteHeader(h); err != nil {
			log.Fatalf("%s: %v", lines.Text(), err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte("abc")); err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
}
