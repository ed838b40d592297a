"""What an S3 server's or connection's failure means: try again, refused for good, lost the race, or not there.

One table, read from top to bottom; the first line that fits decides.
"""

from enum import Enum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from polyglot.core.line import one_line


class Verdict(Enum):
    """What the one retry loop does with a failure."""

    AGAIN = "again"  # the same request may succeed
    UNREACHABLE = "unreachable"  # nobody listens there: again, but not for long before the first answer ever
    REFUSED = "refused"  # the same request fails in the same way
    LOST = "lost"  # a conditional put came second
    MISSING = "missing"  # no such object


# by error code, whatever the status is
_CODES = {
    "NoSuchKey": Verdict.MISSING,
    "NoSuchUpload": Verdict.MISSING,
    "PreconditionFailed": Verdict.LOST,
    "RequestTimeout": Verdict.AGAIN,  # status 400: the body came too slowly
    "BadDigest": Verdict.AGAIN,  # status 400: the body was damaged on its way
    "XAmzContentSHA256Mismatch": Verdict.AGAIN,
    "IncompleteBody": Verdict.AGAIN,
    "InternalError": Verdict.AGAIN,
    "SlowDown": Verdict.AGAIN,
    "Throttling": Verdict.AGAIN,
    "ThrottlingException": Verdict.AGAIN,
    "RequestLimitExceeded": Verdict.AGAIN,
    "NoSuchBucket": Verdict.REFUSED,
}

_MESSAGE_CHARACTERS = 160
USE_VIRTUAL = "this store takes buckets as host names only: add ?addressing_style=virtual to the store's URL"
USE_PATH = "this store takes buckets as paths only: add ?addressing_style=path to the store's URL"

# what a user can do about a refusal; a status speaks only where the reply has no code, as HEAD's have none
_REMEDIES = {
    "NoSuchBucket": "there is no such bucket: create it, or correct the store's URL",
    "AccessDenied": "these credentials may not do this: grant read, write, list and delete below the prefix",
    "InvalidAccessKeyId": "the store does not know this access key: check which credentials are in use",
    "XAdminUserNotFound": "the store does not know this access key: check which credentials are in use",  # versitygw
    "SignatureDoesNotMatch": "the secret key is not the one of this access key (or a proxy changes requests)",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it (timedatectl, chrony)",
    "RequestExpired": "the clock of this machine is wrong: set it (timedatectl, chrony)",
    "ExpiredToken": "the credentials have expired: renew them",
    "InvalidToken": "the session token is not valid: renew the credentials",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION or ?region= of the store's URL",
    "AuthorizationHeaderMalformed": "the region is wrong: set AWS_REGION or ?region= of the store's URL",
    "NotImplemented": "this server lacks a part of S3 that polyglot needs: run `polyglot doctor`",
    "SecondLevelDomainForbidden": USE_VIRTUAL,  # Alibaba
    "PathStyleDomainForbidden": USE_VIRTUAL,  # Tencent
    "InvalidPathAccess": USE_VIRTUAL,  # Volcengine
    "403": "forbidden: check credentials, permissions, the clock of this machine and the addressing style",
    "301": "the bucket is in another region: set AWS_REGION or ?region= of the store's URL",
}


def judge(error: BaseException) -> Verdict | None:
    """Classify a failure of a request. None: no failure of a request (a full disk here, a bug); raise it as it is."""
    if isinstance(error, ClientError):
        code, status = error_code(error), http_status(error)
        if code in _CODES:
            return _CODES[code]
        if status in {304, 412}:
            return Verdict.LOST
        if status == 404 and code in {"404", "NotFound"}:
            return Verdict.MISSING  # HEAD has no body and so no code; other codes say that something else is not there
        if status in {408, 409, 429} or (status >= 500 and status != 501):
            return Verdict.AGAIN
        return Verdict.REFUSED
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return Verdict.REFUSED
    if _is_certificate(error):
        return Verdict.REFUSED
    if isinstance(error, NoConnectionError):  # refused, no route, too slow to connect, a proxy, a broken handshake
        return Verdict.UNREACHABLE
    if isinstance(error, HTTPClientError | IncompleteReadError | ResponseStreamingError | ResponseParserError):
        return Verdict.AGAIN
    if isinstance(error, FlexibleChecksumError | MetadataRetrievalError):  # a damaged reply; an instance's own service
        return Verdict.AGAIN
    if isinstance(error, HTTPError | ConnectionError | TimeoutError):
        return Verdict.AGAIN  # from below the client library, while a body streams
    return Verdict.REFUSED if isinstance(error, BotoCoreError) else None


def error_code(error: ClientError) -> str:
    """The S3 error code ("NoSuchKey"), or the status as text when the reply had no body."""
    return str(error.response.get("Error", {}).get("Code", "") or http_status(error))


def http_status(error: ClientError) -> int:
    """The HTTP status of the reply, 0 when unknown."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def explain(error: BaseException) -> str:
    """One line about a failure, with what to do about it; never a secret, a signature or a whole request."""
    if isinstance(error, ClientError):
        code, status = error_code(error), http_status(error)
        if code == str(status):
            return f"{status}: {_REMEDIES[code]}" if code in _REMEDIES else code
        message = one_line(str(error.response.get("Error", {}).get("Message", "")), _MESSAGE_CHARACTERS)
        return f"{status} {code}: {_REMEDIES.get(code) or message or 'a code of this server that S3 does not have'}"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a workload identity, or"
            " POLYGLOT_S3_ACCESS_KEY_FILE and POLYGLOT_S3_SECRET_KEY_FILE"
        )
    if _is_certificate(error):
        return "the endpoint's certificate is not trusted: correct the URL, or name its authority in AWS_CA_BUNDLE"
    if isinstance(error, SSLError):
        return "no secure connection with this endpoint: does it speak https?"
    if isinstance(error, NoConnectionError):
        return "nobody answers at this endpoint: check the URL, the network and the proxy"
    if isinstance(error, CredentialRetrievalError):
        return "the credentials could not be fetched"
    return type(error).__name__


def _is_certificate(error: BaseException) -> bool:
    """True when the other side was reached and is not who it should be; other failures of TLS are the network's."""
    return isinstance(error, SSLError) and "certificate" in str(error.kwargs.get("error", "")).lower()
