"""What runs inside a container: one module a stage kind, each with `run(context)`, and jobs.lib which they share."""
