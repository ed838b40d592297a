"""What several jobs share; no job imports another job."""
