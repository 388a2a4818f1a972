"""The table modality: everything that knows what a column is."""
