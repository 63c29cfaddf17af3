"""The columns of which a read model's tables are made. No serials and no clocks: the same log gives the same rows."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class IdText(sa.Text):
    """An id or a word of the catalogue: ASCII without blanks, backslashes or capitals `None`; sorted by bytes."""

    def __init__(self) -> None:
        super().__init__(collation="C")


class Words(sa.Text):
    """Text of any characters, for people to read."""

    def __init__(self) -> None:
        super().__init__(collation="C")


def key_id(name: str) -> sa.Column[str]:
    """An id that is part of the table's natural key."""
    return sa.Column(name, IdText(), primary_key=True)


def key_number(name: str) -> sa.Column[int]:
    """A number that is part of the table's natural key; never a serial."""
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def key_day(name: str) -> sa.Column[date]:
    """A day that is part of the table's natural key."""
    return sa.Column(name, sa.Date, primary_key=True)


def id_of(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """An id or another word of the catalogue (a kind, a state, a place, a month)."""
    return sa.Column(name, IdText(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """An integer; its unit is in its name."""
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def yes_no(name: str, *, nullable: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=nullable)


def day(name: str, *, nullable: bool = False) -> sa.Column[date]:
    return sa.Column(name, sa.Date, nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Free text, such as a public name in one language."""
    return sa.Column(name, Words(), nullable=nullable)


def ids(name: str) -> sa.Column[Sequence[str]]:
    """Ids in an order that means something; a row carries them as a tuple."""
    return sa.Column(name, postgresql.ARRAY(IdText()), nullable=False)


def numbers(name: str) -> sa.Column[Sequence[int]]:
    """Integers in an order that means something; a row carries them as a tuple."""
    return sa.Column(name, postgresql.ARRAY(sa.BigInteger), nullable=False)
