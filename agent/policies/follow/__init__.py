"""Following R2R's instructions without having learned: clauses, progress along them, ways known."""
