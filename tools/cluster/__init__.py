"""A real Kubernetes cluster of two nodes on one machine, made of what package registries offer; see __main__.

No container engine is needed, only root on a Debian-like Linux with cgroup v1, `go` for the first build, and the
registries for Go modules and Debian packages. Everything runs in a network namespace of its own; a relay lets the host
reach the API server and the S3 store at 127.0.0.1. Nothing in polyglot or its tests asks how a cluster was made: with
KUBECONFIG set they use that one instead.

Not enforced here: NetworkPolicy (the CNI plugin has none). Not tried here: cgroup v2.
"""
