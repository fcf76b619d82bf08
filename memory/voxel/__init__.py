"""The parts of the octree: where voxels live, how frames and scans enter, how they are asked."""
