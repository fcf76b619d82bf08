"""The simple memories that the spatial memory is measured against."""
