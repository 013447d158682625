//go:build tools

// Package tools pins the engines that ./dev test --all runs against.
package tools

import _ "github.com/docker/docker/cmd/dockerd"
