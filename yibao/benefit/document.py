"""Reading a YAML file of policy data so that every mistake is reported with its file and line.

Scalars are taken as the text that stands in the file, so that `0.60` never becomes a float on its way.
"""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import yaml

from yibao.core.money import fen_of

T = TypeVar("T")

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?")


class PolicyError(Exception):
    """A file of policy data is wrong; the message is for the operator who edits it."""

    def __init__(self, *, file: Path, line: int, problem: str, expected: str) -> None:
        self.file = file
        self.line = line
        self.problem = problem
        self.expected = expected
        super().__init__(f"{file} 第 {line} 行：{problem}；应为：{expected}")


class Node:
    """One value of a file, which knows its line and its path."""

    def __init__(self, file: Path, path: str, node: yaml.Node) -> None:
        self.file = file
        self.path = path
        self._node = node

    def error(self, problem: str, expected: str) -> PolicyError:
        """Return the error that says what is wrong with this value and what is expected in its place."""
        line = self._node.start_mark.line + 1
        where = f"{self.path} " if self.path else ""
        return PolicyError(file=self.file, line=line, problem=where + problem, expected=expected)

    @property
    def is_mapping(self) -> bool:
        """Whether keys and values stand here."""
        return isinstance(self._node, yaml.MappingNode)

    def entries(self) -> list[tuple["Node", "Node"]]:
        """Return the keys and values of a mapping in the order of the file; an empty or a repeated key is refused."""
        if not isinstance(self._node, yaml.MappingNode) or not self._node.value:
            raise self.error("不是一组“键: 值”", "至少一个“键: 值”")
        found: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in self._node.value:
            key = Node(self.file, self.path, key_node)
            name = key.text()
            if name in found:
                raise key.error(f"重复写了“{name}”", "每个键只写一次")
            found[name] = key, Node(self.file, f"{self.path}.{name}" if self.path else name, value_node)
        return list(found.values())

    def fields(self, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, "Node"]:
        """Return the values of a mapping by name; a missing or an unknown name is refused."""
        found = {key.text(): (key, value) for key, value in self.entries()}
        known = "、".join((*required, *optional))
        for name, (key, _) in found.items():
            if name not in required and name not in optional:
                raise key.error(f"有不认识的键“{name}”", f"{known} 之一")
        for name in required:
            if name not in found:
                raise self.error(f"缺少“{name}”", f"写明 {name}")
        return {name: value for name, (_, value) in found.items()}

    def items(self) -> list["Node"]:
        """Return the items of a list, at least one."""
        if not isinstance(self._node, yaml.SequenceNode) or not self._node.value:
            raise self.error("不是列表", "至少一项的列表")
        return [Node(self.file, f"{self.path}[{at}]", item) for at, item in enumerate(self._node.value)]

    def text(self) -> str:
        """Return a single value as it is written."""
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value:
            raise self.error("不是一个值，或者是空的", "一个值")
        return str(self._node.value)

    def matching(self, pattern: str, expected: str) -> str:
        """Return the text if the whole of it fits the regular expression."""
        text = self.text()
        if not re.fullmatch(pattern, text):
            raise self.error(f"“{text}”的写法不对", expected)
        return text

    def choice(self, options: tuple[T, ...]) -> T:
        """Return the option whose text this is."""
        text = self.text()
        for option in options:
            if str(option) == text:
                return option
        raise self.error(f"“{text}”不在可选的值之中", "、".join(map(str, options)) + " 之一")

    def flag(self) -> bool:
        """Return `true` or `false`."""
        return self.choice(("true", "false")) == "true"

    def day(self) -> date:
        """Return a day written as 2023-01-01."""
        text = self.matching(r"\d{4}-\d{2}-\d{2}", "日期，例如 2023-01-01")
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.error(f"“{text}”不是一个存在的日期", "日期，例如 2023-01-01") from None

    def amount_fen(self) -> int:
        """Return the fen in an amount of yuan, at least 0."""
        text = self.text()
        try:
            fen = fen_of(text)
        except ValueError:
            fen = -1
        if fen < 0:
            raise self.error(f"“{text}”不是金额", '不小于 0、最多两位小数的元，例如 "200.00"')
        return fen

    def decimal(self, low: int, high: int) -> Decimal:
        """Return a decimal number between two bounds, both allowed."""
        text = self.text()
        if not _DECIMAL.fullmatch(text) or not low <= Decimal(text) <= high:
            raise self.error(f"“{text}”不是允许的数", f'{low} 到 {high} 之间、最多六位小数的数，例如 "0.60"')
        return Decimal(text)


def open_document(file: Path) -> Node:
    """Read a YAML file; PolicyError where it is missing, not UTF-8, empty or not YAML."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise PolicyError(file=file, line=1, problem="文件不存在", expected="一个可以读取的文件") from None
    except UnicodeDecodeError:
        raise PolicyError(file=file, line=1, problem="文件不是 UTF-8 编码", expected="UTF-8 编码的 YAML") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise PolicyError(
            file=file, line=line, problem="YAML 语法有错", expected="缩进、引号、冒号都正确的 YAML"
        ) from error
    if root is None:
        raise PolicyError(file=file, line=1, problem="文件是空的", expected="规则或算例")
    return Node(file, "", root)
