"""What only tests of a cluster need: namespaces, installations, jobs of a shell, faults. Ours: tools.cluster."""
