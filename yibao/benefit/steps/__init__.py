"""The kinds of step a policy may use, one file each, found by their file names."""

from importlib import import_module
from pkgutil import iter_modules

from yibao.benefit.bill import Step


def _class_of(kind: str) -> type[Step]:
    found: type[Step] = getattr(import_module(f"{__name__}.{kind}"), kind.title().replace("_", ""))
    if not issubclass(found, Step):
        raise TypeError(f"{found.__qualname__} is not a Step")
    return found


KINDS: dict[str, type[Step]] = {module.name: _class_of(module.name) for module in iter_modules(__path__)}
