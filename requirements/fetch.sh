#!/bin/sh
# Runs a command that fetches packages while an image is built: `fetch COMMAND…`. A build argument that was not given
# may arrive as an empty variable, which pip and uv take for a value; certificates given as text become a file.
set -eu
for name in SSL_CERT_FILE PIP_INDEX_URL UV_DEFAULT_INDEX UV_CACHE_DIR; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || unset "$name"
done
if [ -n "${CA_CERTIFICATES:-}" ]; then
  cat "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" >/tmp/certificates.pem 2>/dev/null || true
  printf '\n%s\n' "$CA_CERTIFICATES" >>/tmp/certificates.pem
  export SSL_CERT_FILE=/tmp/certificates.pem
fi
[ -z "${SSL_CERT_FILE:-}" ] || export PIP_CERT="$SSL_CERT_FILE"
[ -n "${UV_CACHE_DIR:-}" ] || export UV_NO_CACHE=1
exec "$@"
