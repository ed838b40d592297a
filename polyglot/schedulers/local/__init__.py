"""The scheduler of one machine: attempts are worker processes under a budget of CPUs, memory and GPUs."""
