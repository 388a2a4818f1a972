"""Images: everything that knows what a pixel is."""

from ganaug.image.dataset import AugmentedDataset

__all__ = ["AugmentedDataset"]
