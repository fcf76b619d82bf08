"""The parts of the octree on torch."""
