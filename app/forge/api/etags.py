"""ETags: a reader that asks again and again for a job is sent it only when it has changed.

Weak ones, as whatever compresses an answer on its way keeps its meaning, not its bytes.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, TypeVar, cast

from litestar import Response
from litestar.params import HeaderParameter
from litestar.serialization import encode_json
from msgspec import Struct

T = TypeVar("T", bound=Struct)

IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="The ETag that the caller has.")
]
_TAG = re.compile(r'(?:W/)?("[^"]*")')


def unless_known(content: T, if_none_match: str | None) -> Response[T | None]:
    """The answer with its ETag, or 304 where the caller has it already."""
    document = encode_json(content)
    tag = f'"{hashlib.blake2b(document, digest_size=8).hexdigest()}"'
    headers = {"ETag": f"W/{tag}"}
    if if_none_match is not None and (
        if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
    ):
        return Response(None, status_code=304, headers=headers)
    # Written once, for the ETag; Litestar sends bytes as they are.
    return Response(cast(T, document), headers=headers)
