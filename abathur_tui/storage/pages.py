"""Reading the rows of a damaged SQLite file page by page, without SQLite, which gives a whole table up for one bad page.

The format is https://www.sqlite.org/fileformat2.html. Which table a page belongs to is found from its roots downwards, and where a page on that
way is damaged, from the page upwards by the pointer maps that `auto_vacuum` keeps. What cannot be read is passed over.
"""

import os
import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[int | None, list[Value]]
"""Row id (None in a table without) and the values of a record, in the order in which they are stored."""
_MAGIC = b"SQLite format 3\0"
_DEFAULT_SIZE = 4096
_LOCK_BYTE = 0x40000000
_LEAF_TABLE, _INNER_TABLE, _LEAF_INDEX, _INNER_INDEX = 0x0D, 0x05, 0x0A, 0x02
_ROOT, _NODE = 1, 5
"""Kinds of entries in a pointer map."""


@dataclass
class Tree:
    """A table's rows, which are read when they are asked for: all of a large file would not fit into memory."""

    pages: "Pages"
    numbers: "array[int]" = field(default_factory=lambda: array("I"))
    """Those of the table's pages, in the order of the file."""
    unreadable: int = 0
    """Rows of which only their place could be found, when they were read last."""

    def rows(self) -> Iterator[Row]:
        """Each row that can be read."""
        self.unreadable = 0
        for number in self.numbers:
            page = self.pages.page(number)
            for row in self.pages.rows(page, 100 if number == 1 else 0) if page is not None else ():
                if row is None:
                    self.unreadable += 1
                else:
                    yield row


class Pages:
    """The pages of a database as they were last committed: those in the log, else those in the file. Close it."""

    def __init__(self, path: Path) -> None:
        """`path` may be damaged, empty or missing, and so may the log beside it. Raises OSError where they cannot be read."""
        self._file = path.open("rb", buffering=0) if path.is_file() else None
        bytes_there = os.fstat(self._file.fileno()).st_size if self._file else 0
        header = self._read(0, 100)
        size = int.from_bytes(header[16:18], "big") if header.startswith(_MAGIC) else 0
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else _DEFAULT_SIZE
        log = path.with_name(path.name + "-wal")
        self._logged, committed = _log_pages(log.read_bytes() if log.is_file() else b"", self.size)
        self.count = max(-(-bytes_there // self.size), committed)
        reserved = header[20] if header.startswith(_MAGIC) else 0
        self.usable = self.size - (reserved if reserved <= 32 else 0)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def page(self, number: int) -> bytes | None:
        """A page, from 1; None where it is missing or cut off."""
        logged = self._logged.get(number)
        if logged is not None:
            return logged
        found = self._read((number - 1) * self.size, self.size) if number > 0 else b""
        return found if len(found) == self.size else None

    def _read(self, at: int, size: int) -> bytes:
        try:
            return os.pread(self._file.fileno(), size, at) if self._file is not None else b""
        except (OSError, OverflowError):
            return b""  # a place that the disk does not give back, or that no file has

    def trees(self, roots: Mapping[int, str]) -> dict[str, Tree]:
        """The rows of each table, by the names that `roots` gives their root pages."""
        owners = self._owners(roots)
        trees = {name: Tree(self) for name in roots.values()}
        for number in sorted(owners):
            trees[owners[number]].numbers.append(number)
        return trees

    def _owners(self, roots: Mapping[int, str]) -> dict[int, str]:
        """Page to the table that it belongs to."""
        owners: dict[int, str] = {}
        waiting = list(roots.items())
        while waiting:
            number, name = waiting.pop()
            page = self.page(number)
            if number in owners or page is None:
                continue
            owners[number] = name
            waiting += [(child, name) for child in self._children(page, 100 if number == 1 else 0)]
        for number in range(2, self.count + 1):
            above = None if number in owners else self._owner_above(number, owners)
            if above is not None:
                owners[number] = above
        return owners

    def _owner_above(self, number: int, owners: Mapping[int, str]) -> str | None:
        seen: set[int] = set()
        while number not in owners:
            kind, parent = self._mapped(number)
            if kind != _NODE or number in seen:
                return None
            seen.add(number)
            number = parent
        return owners[number]

    def _mapped(self, number: int) -> tuple[int, int]:
        """What the pointer map says of a page: its kind, and the page above it."""
        each = self.usable // 5 + 1
        at = (number - 2) // each * each + 2
        if at == _LOCK_BYTE // self.size + 1:
            at += 1
        page = self.page(at)
        place = 5 * (number - at - 1)
        if page is None or not 0 <= place <= self.usable - 5:
            return 0, 0
        return page[place], int.from_bytes(page[place + 1 : place + 5], "big")

    def _children(self, page: bytes, head: int) -> Iterator[int]:
        if page[head] in (_INNER_TABLE, _INNER_INDEX):
            yield int.from_bytes(page[head + 8 : head + 12], "big")
            for at in _cells(page, head, 12):
                yield int.from_bytes(page[at : at + 4], "big")

    def rows(self, page: bytes, head: int) -> Iterator[Row | None]:
        """The rows of a page of a table, its header at `head`; None for one that cannot be read."""
        kind = page[head]
        if kind not in (_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX):
            return
        for at in _cells(page, head, 12 if kind == _INNER_INDEX else 8):
            try:
                row = self._row(page, at + (4 if kind == _INNER_INDEX else 0), kind)
            except (ValueError, IndexError, struct.error):
                row = None
            yield row

    def _row(self, page: bytes, at: int, kind: int) -> Row:
        length, at = _varint(page, at)
        row: int | None = None
        if kind == _LEAF_TABLE:
            row, at = _varint(page, at)
        local = self._local(length, kind)
        payload = page[at : at + local]
        if len(payload) < local:
            raise ValueError("a row that leaves its page")
        if local < length:
            payload += self._overflow(int.from_bytes(page[at + local : at + local + 4], "big"), length - local)
        return row, _record(payload)

    def _local(self, length: int, kind: int) -> int:
        """How many bytes of a row are in its page."""
        most = self.usable - 35 if kind == _LEAF_TABLE else (self.usable - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (self.usable - 12) * 32 // 255 - 23
        fitting = least + (length - least) % (self.usable - 4)
        return fitting if fitting <= most else least

    def _overflow(self, number: int, left: int) -> bytes:
        if left > self.count * self.size:
            raise ValueError("a row that is longer than the file")
        parts = []
        while left > 0:
            page = self.page(number)
            if page is None:
                raise ValueError("a row that goes on where nothing is")
            parts.append(page[4 : 4 + min(left, self.usable - 4)])
            left -= len(parts[-1])
            number = int.from_bytes(page[:4], "big")
        return b"".join(parts)


def _cells(page: bytes, head: int, length: int) -> Iterator[int]:
    """Where the cells of a page begin, as far as they are inside it."""
    count = int.from_bytes(page[head + 3 : head + 5], "big")
    for number in range(min(count, len(page) // 4)):
        place = head + length + 2 * number
        at = int.from_bytes(page[place : place + 2], "big")
        if head + length + 2 * count <= at < len(page) - 3:
            yield at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = data[at + number]
        if number == 8:
            value = value << 8 | byte
            return (value - (1 << 64) if value >> 63 else value), at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    raise AssertionError("a varint has nine bytes at most")


def _record(payload: bytes) -> list[Value]:
    length, at = _varint(payload, 0)
    if not 1 <= length <= len(payload):
        raise ValueError("a record without its header")
    kinds = []
    while at < length:
        kind = payload[at]
        if kind < 0x80:  # nearly all are
            at += 1
        else:
            kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    at = length
    for kind in kinds:
        value, size = _value(payload, at, kind)
        values.append(value)
        at += size
    if at != len(payload):
        raise ValueError("a record that is longer than its values")
    return values


def _value(data: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, 0
    if kind in (8, 9):
        return kind - 8, 0
    if kind == 7:
        return float(struct.unpack_from(">d", data, at)[0]), 8
    size = (0, 1, 2, 3, 4, 6, 8)[kind] if kind < 7 else (kind - 12) // 2 if kind >= 12 else -1
    part = data[at : at + size]
    if size < 0 or len(part) < size:
        raise ValueError("a value that is not there")
    if kind < 7:
        return int.from_bytes(part, "big", signed=True), size
    return (part.decode("utf-8") if kind % 2 else part), size


def _log_pages(log: bytes, size: int) -> tuple[dict[int, bytes], int]:
    """The pages of the log's whole transactions, and how many pages the database then has: what SQLite would take of it."""
    pages: dict[int, bytes] = {}
    committed = 0
    if len(log) < 32 or int.from_bytes(log[:4], "big") not in (0x377F0682, 0x377F0683) or int.from_bytes(log[8:12], "big") != size:
        return pages, committed
    order = ">" if log[3] & 1 else "<"
    sums = _sums(log[:24], (0, 0), order)
    if sums != struct.unpack(">II", log[24:32]):
        return pages, committed
    group: dict[int, bytes] = {}
    for at in range(32, len(log) - 24 - size + 1, 24 + size):
        frame, page = log[at : at + 24], log[at + 24 : at + 24 + size]
        sums = _sums(page, _sums(frame[:8], sums, order), order)
        if frame[8:16] != log[16:24] or sums != struct.unpack(">II", frame[16:24]):
            break
        number, after = struct.unpack(">II", frame[:8])
        group[number] = page
        if after:
            pages.update(group)
            group, committed = {}, after
    return pages, committed


def _sums(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """The log's running checksum."""
    one, two = sums
    for first, second in struct.iter_unpack(f"{order}II", data):
        one = one + first + two & 0xFFFFFFFF
        two = two + second + one & 0xFFFFFFFF
    return one, two
