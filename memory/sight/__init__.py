"""What is taken of a frame beside its surfaces: patches of one label, a descriptor, exits."""
