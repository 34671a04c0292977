"""Keep the texts of documents in the blob store, and read them back."""

from activities.failures import final
from store.blobs import Blobs
from store.database import Store
from store.errors import BlobGone
from workflows.data.documents import Document


class DocumentActivities:
    """The doors to the blob store; other activities use `Blobs` themselves."""

    def __init__(self, store: Store) -> None:
        self._blobs = Blobs(store)

    async def keep_document(self, document: Document) -> Document:
        """Give the document by reference; its text is kept once, however often it comes."""
        if document.text is None:
            return document
        content = document.text.encode()
        key = await self._blobs.put(content)
        return Document(media_type=document.media_type, sha256=key, size=len(content))

    async def read_document(self, document: Document) -> Document:
        """Give the document with its text. Raises `DocumentMissing`, never tried again."""
        if document.sha256 is None:
            return document
        try:
            content = await self._blobs.get(document.sha256)
        except BlobGone as missing:
            raise final("DocumentMissing", str(missing)) from missing
        return Document(media_type=document.media_type, text=content.decode())
