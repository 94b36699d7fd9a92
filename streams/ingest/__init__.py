"""The ingest service: what vendors push by HTTP becomes canonical events on the topic of interactions."""
