"""The loop: it knows tensors, losses and schedules, and neither tables nor images."""
