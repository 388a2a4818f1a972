"""Synthesizers as steps of pipelines."""
