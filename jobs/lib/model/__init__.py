"""Models: safe loading, batches, the training loop, its checkpoints, and generation; the home of torch in jobs.lib."""
