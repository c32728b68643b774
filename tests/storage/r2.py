"""Checks of requests that Cloudflare R2 refuses and moto accepts. The proxy in gate.py calls them.

https://developers.cloudflare.com/r2/api/error-codes/ and .../r2/objects/multipart-objects/
"""

import hmac
import re
from collections.abc import Mapping
from email.message import Message
from itertools import pairwise
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "auto"
SMALLEST_PART = 5 * 2**20  # bytes, of every part but the last

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/\d{8}/([^/,]*)/s3/aws4_request,"
    r" ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


class Refused(Exception):
    """The S3 error response to a refused request."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        key: str | None = None,  # the access key that was offered
        retry_after: int | None = None,  # seconds
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        fields = {"Code": code, "Message": message} | ({"AWSAccessKeyId": key} if key else {})
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        self.body = f'<?xml version="1.0" encoding="UTF-8"?><Error>{inner}</Error>'.encode()


def check_request(method: str, target: str, headers: Message, key: str, secret: str) -> None:
    """Raise Refused for wrong credentials, region, signature or headers."""
    if "Authorization" not in headers:
        raise Refused(403, "AccessDenied", "Access Denied")
    parsed = _AUTHORIZATION.fullmatch(headers["Authorization"])
    if not parsed:
        raise Refused(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.")
    offered, region, names, signature = parsed.groups()
    if offered != key:
        message = "The Access Key Id you provided does not exist in our records."
        raise Refused(403, "InvalidAccessKeyId", message, key=offered)
    if region != REGION:
        message = f"The region name '{region}' is not valid. Must be: {REGION}"
        raise Refused(400, "InvalidRegionName", message)
    if not hmac.compare_digest(signature, sign(method, target, headers, names, key, secret)):
        message = "The request signature we calculated does not match the one you provided."
        raise Refused(403, "SignatureDoesNotMatch", message, key=offered)
    for name, value in headers.items():
        if _is_unknown(name.lower(), value):
            message = f"Header '{name}' with value '{value}' not implemented"
            raise Refused(501, "NotImplemented", message)
    if "Transfer-Encoding" in headers:
        raise Refused(411, "MissingContentLength", "The Content-Length header is missing.")


def sign(method: str, target: str, headers: Message, names: str, key: str, secret: str) -> str:
    """Return the signature that a request should have. The headers give the hash of its body."""
    signed = {name: headers.get(name, "") for name in names.split(";")}
    request = AWSRequest(method, f"http://{headers['Host']}{target}", signed)
    request.context["timestamp"] = headers.get("X-Amz-Date", "")
    auth = S3SigV4Auth(Credentials(key, secret), "s3", REGION)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def _is_unknown(name: str, value: str) -> bool:
    """Return whether a header belongs to the checksums that newer SDKs add by default."""
    return (
        name.startswith("x-amz-checksum-")
        or name in ("x-amz-sdk-checksum-algorithm", "x-amz-trailer")
        or (name == "content-encoding" and "aws-chunked" in value)
        or (name == "x-amz-content-sha256" and value.startswith("STREAMING-"))
    )


def check_body(digest: str, headers: Message) -> None:
    """Raise Refused for a body whose SHA-256 is not the signed one."""
    if headers.get("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD") not in (digest, "UNSIGNED-PAYLOAD"):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise Refused(400, "XAmzContentSHA256Mismatch", message)


def check_parts(complete: bytes, sizes: Mapping[int, int]) -> None:
    """Raise Refused for a CompleteMultipartUpload that R2 refuses. Sizes are in bytes."""
    try:
        listed = ElementTree.fromstring(complete).iterfind("{*}Part/{*}PartNumber")
        numbers = [int(number.text or "") for number in listed]
    except (ElementTree.ParseError, ValueError):
        raise Refused(400, "MalformedXML", "The XML you provided was not well-formed.") from None
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    if not numbers or not sizes.keys() >= set(numbers):
        return  # moto refuses these
    *whole, last = (sizes[number] for number in numbers)
    if any(size < SMALLEST_PART for size in whole):
        message = "Your proposed upload is smaller than the minimum allowed object size."
        raise Refused(400, "EntityTooSmall", message)
    if whole and (len(set(whole)) > 1 or last > whole[0]):
        message = "All non-trailing parts must have the same length."
        raise Refused(400, "InvalidPart", message)
