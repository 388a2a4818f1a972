"""Images: everything that knows what a pixel is."""
