"""Events that a batch left in the log's table, as SQL sees them: for folds that take ordinary ones all at a time.

Ordinary is what meets nothing else in its batch and nothing unusual in the tables; whether it does, the database finds
out for all of them in one statement. What is not ordinary is read and folded one by one, as everything is in a small
batch. Both ways lead to the same rows, and a test compares them by digest.
"""

from typing import Final

#: The fields of an event of today's version as jsonb; `e` is its row in the log. A leaf is never searched: everything
#: around the fields has a known length (events/canonical.py), apart from three names that are columns as well.
DATA: Final = (
    "convert_from(substr(e.leaf, 20 + octet_length(e.actor), octet_length(e.leaf)"
    " - 223 - octet_length(e.actor) - octet_length(e.stream) - octet_length(e.type)), 'UTF8')::jsonb"
)
