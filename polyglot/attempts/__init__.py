"""What trying leaves behind in the store: starts, progress, checkpoints, write-ahead logs, failures, withdrawals."""
