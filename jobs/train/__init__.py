"""Full fine-tuning with the loss on assistant turns, resumable to the bit."""
