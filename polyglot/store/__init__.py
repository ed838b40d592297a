"""What was committed: a store of immutable blobs, manifests put last, and the records of attempts."""
