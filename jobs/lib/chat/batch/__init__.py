"""Asking many things by OpenAI's Batch API: files of requests, answered within a day at a lower price."""
