"""A stage attempt as exact values for a chart, and so as the objects that a cluster gets."""
