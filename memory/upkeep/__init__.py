"""How a memory keeps within its budget."""
