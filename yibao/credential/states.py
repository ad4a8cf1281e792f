"""The legal moves of a channel: it applies, is let in, may be suspended and let in again."""

from yibao.credential.types import ChannelState

MOVES: dict[ChannelState, frozenset[ChannelState]] = {
    "applied": frozenset({"active"}),
    "active": frozenset({"suspended"}),
    "suspended": frozenset({"active"}),
}
