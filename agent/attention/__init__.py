"""Which token attends to which, as a plan, and the ways to compute it."""
