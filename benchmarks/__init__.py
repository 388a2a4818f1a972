"""What ganaug does, measured: a file per question, results in ``benchmarks/results``, tables by a script."""
