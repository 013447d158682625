// runc-lab: OCI runtime shim. Removes the capabilities this process does not have from
// the bundle's config.json / exec's process.json, then execs the real runc.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var capSysResource = 24

var rlim = map[string]int{"RLIMIT_NOFILE": syscall.RLIMIT_NOFILE, "RLIMIT_NPROC": 6, "RLIMIT_CORE": syscall.RLIMIT_CORE, "RLIMIT_MEMLOCK": 8, "RLIMIT_STACK": syscall.RLIMIT_STACK}

func lacking() bool {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "CapBnd:") {
			v, _ := strconv.ParseUint(strings.TrimSpace(l[7:]), 16, 64)
			return v&(1<<capSysResource) == 0
		}
	}
	return false
}

func fix(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var d map[string]any
	if json.Unmarshal(b, &d) != nil {
		return
	}
	p := d
	if q, ok := d["process"].(map[string]any); ok {
		p = q
	}
	if caps, ok := p["capabilities"].(map[string]any); ok {
		for k, v := range caps {
			l, _ := v.([]any)
			o := []any{}
			for _, c := range l {
				if c != "CAP_SYS_RESOURCE" {
					o = append(o, c)
				}
			}
			caps[k] = o
		}
	}
	if rl, ok := p["rlimits"].([]any); ok { // raising a hard limit needs the missing capability
		for _, r := range rl {
			m, _ := r.(map[string]any)
			n, ok := rlim[m["type"].(string)]
			var cur syscall.Rlimit
			if !ok || syscall.Getrlimit(n, &cur) != nil {
				continue
			}
			for _, k := range []string{"hard", "soft"} {
				if f, ok := m[k].(float64); ok && f > float64(cur.Max) {
					m[k] = cur.Max
				}
			}
		}
	}
	if f, ok := p["oomScoreAdj"].(float64); ok && f < 0 {
		p["oomScoreAdj"] = 0
	}
	if b, err = json.Marshal(d); err == nil {
		os.WriteFile(path, b, 0o600)
	}
}

func main() {
	a := os.Args[1:]
	if lacking() {
		for i, x := range a {
			switch {
			case (x == "--bundle" || x == "-b") && i+1 < len(a):
				fix(filepath.Join(a[i+1], "config.json"))
			case strings.HasPrefix(x, "--bundle="):
				fix(filepath.Join(x[9:], "config.json"))
			case (x == "--process" || x == "-p") && i+1 < len(a):
				fix(a[i+1])
			case strings.HasPrefix(x, "--process="):
				fix(x[10:])
			}
		}
	}
	r := "/usr/sbin/runc"
	if _, err := os.Stat(r); err != nil {
		r = "/usr/bin/runc"
	}
	if err := syscall.Exec(r, append([]string{"runc"}, a...), os.Environ()); err != nil {
		println("runc-lab:", err.Error())
		os.Exit(1)
	}
}
