"""The parts of bird's-eye images and markers."""
