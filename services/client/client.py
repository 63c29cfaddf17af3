"""The client as others use it."""

from services.client.reading import Reading
from services.client.writing import Writing


class Client(Writing, Reading):
    """The API of one installation, seen with one credential.

    async with Client("https://ovop.example.kg", key) as client:
        answer = await client.tell(fact)

    What may be sent again is sent again, with the same ids, for as long as its `Patience` says.
    """
