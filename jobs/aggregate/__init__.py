"""Score tables and contrasts with intervals over the cells of a study."""
