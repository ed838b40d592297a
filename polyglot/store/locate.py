"""From a store's URL to the store: `file:///abs/path`, `file://./rel`, a plain path, or `s3://bucket/prefix`.

An S3 store takes its endpoint from `?endpoint=http://…`, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, its region from
`?region=` or boto3's chain, how buckets are addressed (host/bucket or bucket.host) from `?addressing_style=path` or
`virtual`, else from the `s3` settings of ~/.aws/config, its credentials from the files that
POLYGLOT_S3_ACCESS_KEY_FILE and POLYGLOT_S3_SECRET_KEY_FILE name, else from boto3's chain. No secret is
ever part of a URL, and none is printed. Opening makes no request: `doctor` proves a store.
"""

import os
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from polyglot.core.errors import BadInput
from polyglot.core.secret_file import read_secret
from polyglot.store.directory import DirectoryStore
from polyglot.store.paths import check_path
from polyglot.store.store import Store

_FORMS = "file:///path, a plain path, or s3://bucket/prefix"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_OTHERS = {
    "gs": "Google's S3 interface ignores conditional writes, so use another bucket or a directory",
    "gcs": "Google's S3 interface ignores conditional writes, so use another bucket or a directory",
    "http": "Write s3://bucket/prefix?endpoint=http://host:port",
    "https": "Write s3://bucket/prefix?endpoint=https://host",
    "hdfs": "Mount it and use file://, or use a bucket",
    "s3a": "Write s3://",
    "s3n": "Write s3://",
}


def open_store(url: str, *, where: str = "store") -> Store:
    """Return the store of a URL. `where` names the place that the URL came from. Raises BadInput, one line."""
    text = url.strip()
    if not text:
        raise BadInput("a store's URL is empty", where=where, expected=_FORMS)
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise BadInput("a store's URL has control characters", where=where, expected=_FORMS)
    if "://" not in text:
        return _directory(text, Path(text), where)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadInput(f"not a URL ({error})", where=where, got=_shown(text), expected=_FORMS) from error
    if parts.username is not None or parts.password is not None:
        raise BadInput(
            "a store's URL must not hold credentials",
            where=where,
            got=_shown(text),
            expected=_FORMS,
            remedy="Give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in files",
        )
    if parts.scheme == "file":
        return _file(text, parts, where)
    if parts.scheme == "s3":
        return _bucket(text, parts, where)
    raise BadInput(
        "no store of this kind",
        where=where,
        got=_shown(text),
        expected=_FORMS,
        remedy=_OTHERS.get(parts.scheme, ""),
    )


def _shown(text: str) -> str:
    """The URL without what may be secret: user and password, and values of the query."""
    shown = re.sub(r"://[^/?#]*@", "://…@", text)
    return repr(re.sub(r"([?&][^=&]*=)[^&]*", r"\1…", shown))


def _file(text: str, parts: SplitResult, where: str) -> Store:
    if parts.query or parts.fragment:
        raise BadInput(
            "a directory's URL has no '?' or '#'", where=where, got=_shown(text), remedy="Escape them as %3F and %23"
        )
    if parts.netloc not in {"", "localhost", ".", ".."}:
        raise BadInput(
            "a file:// URL names no other machine",
            where=where,
            got=_shown(text),
            expected="file:///absolute/path or file://./relative/path",
        )
    relative = parts.netloc in {".", ".."}
    path = (parts.netloc if relative else "") + unquote(parts.path)
    if not path.strip("/"):
        raise BadInput("a store's path is empty", where=where, got=_shown(text), expected="file:///absolute/path")
    return _directory(text, Path(path), where)


def _directory(text: str, path: Path, where: str) -> Store:
    if "\0" in str(path):
        raise BadInput("a store's path has a NUL character", where=where, got=repr(text))
    path = path.expanduser()
    if path.exists() and not path.is_dir():
        raise BadInput("a store is a directory, this is a file", where=where, got=_shown(text))
    nearest = next((folder for folder in path.absolute().parents if folder.exists()), None)
    if nearest is not None and not nearest.is_dir():
        what = "a store's directory cannot be created: Not a directory"
        raise BadInput(
            what, where=where, got=_shown(text), expected=f"a path that does not go through the file {nearest}"
        )
    return DirectoryStore(path)


def _bucket(text: str, parts: SplitResult, where: str) -> Store:
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not bucket:
        raise BadInput("no bucket is named", where=where, got=_shown(text), expected="s3://bucket/prefix")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise BadInput(
            "not a bucket's name",
            where=where,
            got=repr(bucket),
            expected="3 to 63 lower-case letters, digits, '.' and '-'",
        )
    if parts.fragment:
        raise BadInput("a bucket's URL has no '#'", where=where, got=_shown(text))
    try:
        if prefix:
            check_path(prefix)
    except ValueError:
        raise BadInput(
            "not a prefix", where=where, got=repr(prefix), expected="plain names of ASCII letters and digits, with '/'"
        ) from None
    options = _options(text, parts.query, where)
    endpoint, source = options.get("endpoint", ""), where
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if not endpoint and (endpoint := os.environ.get(variable, "")):
            source = variable
    if endpoint:
        # a host may be called like the bucket, as http://minio.svc:9000; who names the style knows
        _check_endpoint(endpoint, source, "" if options.get("addressing_style") == "path" else bucket)
    access_key, secret_key = _keys()
    # boto3 takes a third of a second to import, which plans and directory stores need not pay
    from polyglot.store.retrying import Patience
    from polyglot.store.s3 import S3Store
    from polyglot.store.s3_bucket import S3Settings

    shown = "&".join(f"{name}={quote(value, safe=':/')}" for name, value in sorted(options.items()))
    return S3Store(
        bucket,
        prefix,
        url=f"s3://{bucket}" + (f"/{prefix}" if prefix else "") + (f"?{shown}" if shown else ""),
        settings=S3Settings(
            endpoint=endpoint,
            region=options.get("region", ""),
            addressing_style=options.get("addressing_style", ""),
            access_key=access_key,
            secret_key=secret_key,
            timeout_seconds=_seconds("POLYGLOT_STORE_TIMEOUT_SECONDS", 30.0),
            patience=Patience(deadline_seconds=_seconds("POLYGLOT_STORE_DEADLINE_SECONDS", 120.0)),
        ),
    )


def _options(text: str, query: str, where: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise BadInput(f"not a query ({error})", where=where, got=_shown(text)) from error
    names = [name for name, _ in pairs]
    if unknown := sorted(set(names) - {"endpoint", "region", "addressing_style"}):
        raise BadInput(
            f"unknown option {unknown[0]!r} in a store's URL",
            where=where,
            got=_shown(text),
            expected="endpoint, region, addressing_style",
        )
    if len(set(names)) != len(names):
        raise BadInput("an option is given twice in a store's URL", where=where, got=_shown(text))
    options = dict(pairs)
    if "region" in options and not _REGION.fullmatch(options["region"]):
        raise BadInput("not a region", where=where, got=repr(options["region"]), expected="a name like eu-central-1")
    if (style := options.get("addressing_style", "path")) not in {"path", "virtual"}:
        raise BadInput("not an addressing style", where=where, got=repr(style), expected="path or virtual")
    return options


def _check_endpoint(endpoint: str, where: str, bucket: str) -> None:
    expected = "http://host:port, https://host or https://host/path"
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"not an endpoint ({error})", where=where, got=_shown(endpoint), expected=expected) from error
    if parts.username is not None or parts.password is not None:
        raise BadInput("an endpoint must not hold credentials", where=where, got=_shown(endpoint), expected=expected)
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise BadInput("not an endpoint", where=where, got=_shown(endpoint), expected=expected)
    if bucket and (parts.path.strip("/") == bucket or host.startswith(f"{bucket}.")):
        remedy = "Leave the bucket out of it: the client adds it; or, if that is right, add addressing_style=path"
        raise BadInput("an endpoint with the bucket in it", where=where, got=_shown(endpoint), remedy=remedy)
    if host == "storage.googleapis.com" or host.endswith(".storage.googleapis.com"):
        raise BadInput(
            "Google's S3 interface ignores conditional writes",
            where=where,
            got=repr(endpoint),
            remedy="Use another bucket or a directory: with it two runs could overwrite each other's results",
        )


def _keys() -> tuple[str, str]:
    """Read the key files, if they are named: both or none."""
    variables = ("POLYGLOT_S3_ACCESS_KEY_FILE", "POLYGLOT_S3_SECRET_KEY_FILE")
    names = [os.environ.get(variable, "") for variable in variables]
    if not any(names):
        return "", ""
    values = []
    for variable, name in zip(variables, names, strict=True):
        if not name:
            raise BadInput("not set, while its twin is", where=variable, expected="the path of a file with the key")
        try:
            value = read_secret(name).encode("ascii").decode()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not ASCII"
            raise BadInput(f"the key file cannot be read ({reason})", where=variable, got=repr(name)) from None
        if not value:
            raise BadInput("the key file is empty", where=variable, got=repr(name))
        values.append(value)
    return values[0], values[1]


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 < value < 86400:
        raise BadInput("not a time", where=variable, got=repr(text), expected="seconds, more than 0 and below 86400")
    return value
