"""The parts of the topology graph: its tables, its links, its roads."""
