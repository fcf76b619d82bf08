"""What the spatial memory is built from: its settings, its parts, and how both reach an archive."""
