"""Who takes part: institutions, which are public, and people and bodies, whose names live here alone."""
