"""The ground floor: money, ids, clock, refusals, database, outbox, settings and national cryptography.

It knows nothing of insurance and imports no other room.
"""
