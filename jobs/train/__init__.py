"""Fine-tuning, full or by LoRA, with the loss on assistant turns, resumable to the bit."""
