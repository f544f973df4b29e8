"""Where files lie: in a folder, or below a prefix of a bucket, which is written ``s3://bucket/prefix``.

Loads the standard library only.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlsplit

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_LONGEST_KEY: Final = 1024  # bytes, in S3
_S3: Final = "s3://"
_LISTED: Final = re.compile(r":(?!//)")


@dataclass(frozen=True, slots=True)
class ObjectPath:
    """An object of a bucket, or all objects whose keys begin with a prefix. A key is taken as it is, dots included."""

    bucket: str
    key: str = ""
    """Without the slash that ends a prefix; empty for the whole bucket."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``s3://bucket/key``.

        Raises
        ------
        ValueError
            If it is none, or neither a bucket nor an object can have such a name.
        """
        bucket, _, key = text.removeprefix(_S3).partition("/")
        if not text.startswith(_S3) or _BUCKET.fullmatch(bucket) is None:
            raise ValueError(f"wanted s3://bucket/prefix with the name of a bucket, got {text!r}")
        try:
            length = len(key.encode())
        except UnicodeEncodeError:
            raise ValueError(f"the key of an object is text in UTF-8, which {text!r} is not") from None
        if length > _LONGEST_KEY or "\0" in key:
            raise ValueError(f"a key has up to {_LONGEST_KEY} bytes and no null byte")
        return cls(bucket, key.removesuffix("/"))

    def __str__(self) -> str:
        return f"{_S3}{self.bucket}/{self.key}" if self.key else f"{_S3}{self.bucket}"

    @property
    def name(self) -> str:
        """The last part of the key, or the name of the bucket."""
        return self.key.rpartition("/")[2] or self.bucket

    @property
    def prefix(self) -> str:
        """What the keys of all objects below it begin with."""
        return f"{self.key}/" if self.key else ""

    @property
    def whole(self) -> "ObjectPath":
        """The bucket as a whole."""
        return ObjectPath(self.bucket)

    def is_relative_to(self, other: "ObjectPath") -> bool:
        """Return whether this is, or lies below, another place."""
        return self.bucket == other.bucket and (self.key == other.key or self.key.startswith(other.prefix))

    def below(self, other: "ObjectPath") -> str:
        """Return the rest of the key below another place that this `is_relative_to`; empty for that place itself."""
        return self.key[len(other.prefix) :]

    def at(self, below: str) -> "ObjectPath":
        """Return the object of that key below this place."""
        return ObjectPath(self.bucket, self.prefix + below)


Location = Path | ObjectPath
"""A folder or file of this machine, or its like in a bucket."""


def location(text: str) -> Location:
    """Read a path, a ``file://`` URL or an ``s3://`` one.

    Raises
    ------
    ValueError
        If it is another URL, or one that names no place.
    """
    found = _SCHEME.match(text)
    if found is None:
        return Path(text)
    match found[1].lower():
        case "s3":
            return ObjectPath.parse(_S3 + text[found.end() :])
        case "file":
            return _of_file_url(text)
        case scheme:
            raise ValueError(f"samples are read from folders and from s3://, not from {scheme}://")


def _of_file_url(text: str) -> Path:
    parts = urlsplit(text)
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise ValueError(f"wanted file:///path, got {text!r}")
    return Path(path)


def is_named(root: str) -> bool:
    """Return whether a root of the record is a name; else it is the path of a folder, or a whole bucket."""
    return not root.startswith(("/", _S3))


def named_pairs(text: str) -> dict[str, str]:
    """Split ``name=path`` pairs that colons separate; the colon of a URL separates none.

    Raises
    ------
    ValueError
        If a part is no such pair.
    """
    pairs: dict[str, str] = {}
    for pair in filter(None, _LISTED.split(text)):
        name, sign, path = pair.partition("=")
        if not (name and sign and path):
            raise ValueError(f"wanted name=path, got {pair!r}")
        pairs[name] = path
    return pairs
