"""What people are told of what happened to their money, their code and their account: in the app, in the channels that
they use, and by SMS what touches the code or the account.

Invariants: a message appears once however often its event is delivered; it names amounts, institutions and places,
never a person; a verification code is sent under one id until the gateway answers, and never after it has expired;
a new phone and the one before it are both told; whoever has unbound their insurance still reads their messages; whoever
has closed their account is told so on the phone that it had, and then nothing until they have another.
"""

from yibao.service.message.actions import forget, read
from yibao.service.message.queries import kept, unread
from yibao.service.message.rules import WAYS
from yibao.service.message.types import Message

__all__ = ["WAYS", "Message", "forget", "kept", "read", "unread"]
