"""What only the tests of a cluster need: namespaces, installations, jobs of a shell, faults. tools.cluster starts ours."""
