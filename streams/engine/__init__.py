"""Moves bytes: record batches from a consumer group, and state that stands at exactly one position of its source."""
