"""The process around a job: PID 1 of a container, the attempt's lease, context, ranks, warm start, logs."""
