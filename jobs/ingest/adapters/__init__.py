"""Records of published schemas as drafts of rows."""
