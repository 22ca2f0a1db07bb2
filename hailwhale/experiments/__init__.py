"""Split tests: what counted sums say of two versions, and how sure that is."""
