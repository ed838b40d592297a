"""Attempts as Jobs of a Kubernetes cluster: the only room that imports the cluster's client library."""
