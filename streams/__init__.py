"""interaction-streams: see, live, what a contact centre's customers are doing.

sources ─> interactions ─> INTAKE ─┬─> partials ─> MERGE ─> trends ─> DETECT ─> expectations, alerts, forecasts
                              │    └─> contacts ─> JOURNEY ─^                        │
                              └─> interactions.rejected, interactions.late           │
                                 PUBLISH: Prometheus · Redis live view · Alertmanager ┴─> BOARD
"""
