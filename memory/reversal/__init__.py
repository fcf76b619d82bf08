"""How the reversible token couples, draws its dropout, keeps its chains, and turns back to the bit."""
