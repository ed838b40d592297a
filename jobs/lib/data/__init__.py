"""Data: reading published files, normal forms, defects found by code, and the arithmetic of mixes."""
