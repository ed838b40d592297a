//go:build tools

// Package tools names the programs of the test cluster, so that go.mod and go.sum pin all they are made of.
package tools

import _ "sigs.k8s.io/kueue/cmd/kueue"
