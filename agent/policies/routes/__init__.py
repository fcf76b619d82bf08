"""From an instruction for streets to where it may lead: clauses, intersections, weighed guesses."""
