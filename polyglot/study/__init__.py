"""What a study asks for: study files, mix names, lock files, profiles, and the typed parameters of every job."""
