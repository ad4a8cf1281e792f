"""The hands of the house: whatever an event asks for beyond the request that caused it.

Invariants: an event is handled at least once and forgotten only when every handler of its topic is through; one worker
handles a person's events in their order; no event is in two hands at the same time; an event that fails holds up nobody
else's. Why the outbox itself is the queue: `docs/decisions/0004-outbox-is-the-queue.md`.
"""

from yibao.worker.drain import Worker

__all__ = ["Worker"]
