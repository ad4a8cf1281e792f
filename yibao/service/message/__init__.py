"""What people are told of what happened to their money and their code: in the app, and by SMS what touches the code.

Invariants: a message appears once however often its event is delivered; it names amounts, institutions and places,
never a person; a verification code is sent under one id until the gateway answers, and never after it has expired;
whoever has closed their account is told nothing until they have another, and then nothing of before.
"""

from yibao.service.message.actions import forget, read
from yibao.service.message.queries import kept, unread
from yibao.service.message.rules import WAYS
from yibao.service.message.types import Message

__all__ = ["WAYS", "Message", "forget", "kept", "read", "unread"]
