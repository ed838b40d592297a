"""Asking a chat model many things: calls, pace, retries, prices, caps, and the record of every call."""
