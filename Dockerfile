# The images of polyglot, one target each (docs/images.md):
#
#   controller   plan, render, submit, drive: the command line, with helm and the charts; no torch
#   worker       ingest, translate, quality, agree, mix, reference, judge, aggregate, report: what needs no model; no torch
#   trainer      base, tokenize, train, answer, translate by a model: torch with CUDA, a C compiler for Triton
#   vllm         answer by engine vllm, on GPUs: vLLM with the torch that it was built for; `make images` leaves it out
#
# Built by docker, podman and buildah alike: no BuildKit syntax. `make images` is the short way. Packages come from
# requirements/*.txt, every one checked by hash, in layers that no line of source code is part of.
#
# What a site sets, by --build-arg; none of it ends in a target but the base image and the labels:
#   BASE_IMAGE        a Debian with Python >= 3.11 and its venv module; by digest in production
#   PYTHON            the interpreter in it
#   UV_LOCK           the file below requirements/ that pins uv
#   CA_CERTIFICATES   PEM text of certificates to trust besides the base image's, while packages are fetched
#   SSL_CERT_FILE     a bundle that is in the base image or mounted while building (buildah and podman: --volume)
#   PIP_INDEX_URL, UV_DEFAULT_INDEX   a mirror of PyPI; UV_CACHE_DIR a mounted cache of downloads
#   HTTP_PROXY, HTTPS_PROXY, NO_PROXY   known to every builder
#   VERSION, REVISION, SOURCE         for the labels
#   CONTROLLER_PACKAGES, WORKER_PACKAGES, TRAINER_PACKAGES, VLLM_PACKAGES   an image of the target <kind>-packages, built before: the
#                     program is laid on it. buildah and podman read gigabytes again without it; `make images` does so.

ARG BASE_IMAGE=python:3.12-slim-bookworm
ARG CONTROLLER_PACKAGES=controller-packages
ARG WORKER_PACKAGES=worker-packages
ARG TRAINER_PACKAGES=trainer-packages
ARG VLLM_PACKAGES=vllm-packages

# ---- where packages are put together: uv, and what builds our own wheel -------------------------------------------

FROM ${BASE_IMAGE} AS builder
ARG PYTHON=python3
ARG UV_LOCK=uv.txt
ARG CA_CERTIFICATES=""
ARG SSL_CERT_FILE=""
ARG PIP_INDEX_URL=""
ARG UV_DEFAULT_INDEX=""
ARG UV_CACHE_DIR=""
# pyc files checked by nothing: the root file system is read-only, and equal builds are equal bytes
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_COMPILE_BYTECODE_TIMEOUT=900 PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_PYTHON_DOWNLOADS=never \
    UV_NO_PROGRESS=1 PATH=/opt/build/bin:$PATH
WORKDIR /build
# `fetch COMMAND`: runs it with the certificates and the index that were asked for, and with nothing that is empty
COPY requirements/fetch.sh /usr/local/bin/fetch
COPY requirements/${UV_LOCK} requirements/build.txt ./
RUN ${PYTHON} -m venv /opt/build \
 && fetch pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r ${UV_LOCK} \
 && VIRTUAL_ENV=/opt/build fetch uv pip install --quiet --require-hashes -r build.txt \
 && uv venv --quiet --python "$(command -v ${PYTHON})" /opt/polyglot
ENV VIRTUAL_ENV=/opt/polyglot

FROM builder AS controller-environment
ARG CA_CERTIFICATES=""
ARG SSL_CERT_FILE=""
ARG UV_DEFAULT_INDEX=""
ARG UV_CACHE_DIR=""
COPY requirements/controller.txt ./
RUN fetch uv pip sync --quiet --require-hashes controller.txt

FROM builder AS worker-environment
ARG CA_CERTIFICATES=""
ARG SSL_CERT_FILE=""
ARG UV_DEFAULT_INDEX=""
ARG UV_CACHE_DIR=""
COPY requirements/worker.txt ./
RUN fetch uv pip sync --quiet --require-hashes worker.txt

FROM builder AS trainer-environment
ARG CA_CERTIFICATES=""
ARG SSL_CERT_FILE=""
ARG UV_DEFAULT_INDEX=""
ARG UV_CACHE_DIR=""
COPY requirements/trainer.txt ./
RUN fetch uv pip sync --quiet --require-hashes trainer.txt

FROM builder AS vllm-environment
ARG CA_CERTIFICATES=""
ARG SSL_CERT_FILE=""
ARG UV_DEFAULT_INDEX=""
ARG UV_CACHE_DIR=""
COPY requirements/vllm.txt ./
RUN fetch uv pip sync --quiet --require-hashes vllm.txt

# Our own package alone, in an environment of the same path: it is laid over the others.
FROM builder AS package
COPY . ./
RUN VIRTUAL_ENV=/opt/build uv build --quiet --wheel --no-build-isolation --offline --out-dir /dist . \
 && uv pip install --quiet --no-deps --offline /dist/*.whl

# ---- what runs ----------------------------------------------------------------------------------------------------

FROM ${BASE_IMAGE} AS runtime
RUN echo 'polyglot:x:10001:10001:polyglot:/work/home:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'polyglot:x:10001:' >>/etc/group \
 && install -d -o 10001 -g 10001 /work
# Nothing is written but below /work and /tmp. PYTHONSAFEPATH: a file in the working directory is no module.
ENV PATH=/opt/polyglot/bin:$PATH VIRTUAL_ENV=/opt/polyglot LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 \
    HOME=/work/home XDG_CACHE_HOME=/work/home/.cache HF_HOME=/work/home/huggingface MPLCONFIGDIR=/work/home/matplotlib \
    TRITON_CACHE_DIR=/work/home/triton TORCHINDUCTOR_CACHE_DIR=/work/home/inductor CUDA_CACHE_PATH=/work/home/cuda
WORKDIR /work

FROM runtime AS runtime-with-compiler
ARG PYTHON=python3
# Triton compiles its launchers when they are first needed, against Python's headers; NCCL loads the verbs libraries
# where it finds them, and goes over TCP where it does not
RUN apt-get update -q \
 && headers="$(${PYTHON} -c 'import os, sysconfig as s; print("" if os.path.exists(s.get_path("include") + "/Python.h") else "libpython3-dev")')" \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends gcc libc6-dev ${headers} \
      libibverbs1 ibverbs-providers librdmacm1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log

FROM runtime AS controller-packages
COPY --from=controller-environment /opt/polyglot /opt/polyglot

FROM ${CONTROLLER_PACKAGES} AS controller
COPY --from=package /opt/polyglot /opt/polyglot
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="polyglot controller" \
      org.opencontainers.image.description="Plans, renders and drives studies of multilingual instruction tuning" \
      org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" org.opencontainers.image.licenses="Apache-2.0"
ENV POLYGLOT_REVISION=${REVISION}
USER 10001:10001
ENTRYPOINT ["polyglot"]

FROM runtime AS worker-packages
COPY --from=worker-environment /opt/polyglot /opt/polyglot

FROM ${WORKER_PACKAGES} AS worker
COPY --from=package /opt/polyglot /opt/polyglot
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="polyglot worker" \
      org.opencontainers.image.description="Runs one stage that needs no model: ingest, translate, quality, agree, mix, reference, judge, aggregate, report" \
      org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" org.opencontainers.image.licenses="Apache-2.0"
ENV POLYGLOT_REVISION=${REVISION}
USER 10001:10001
ENTRYPOINT ["python", "-m", "jobs.worker.container"]

FROM runtime-with-compiler AS trainer-packages
COPY --from=trainer-environment /opt/polyglot /opt/polyglot

FROM ${TRAINER_PACKAGES} AS trainer
COPY --from=package /opt/polyglot /opt/polyglot
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="polyglot trainer" \
      org.opencontainers.image.description="Runs one stage with a model: base, tokenize, train, answer" \
      org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" org.opencontainers.image.licenses="Apache-2.0"
ENV POLYGLOT_REVISION=${REVISION}
USER 10001:10001
ENTRYPOINT ["python", "-m", "jobs.worker.container"]

FROM runtime-with-compiler AS vllm-packages
COPY --from=vllm-environment /opt/polyglot /opt/polyglot

FROM ${VLLM_PACKAGES} AS vllm
COPY --from=package /opt/polyglot /opt/polyglot
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="polyglot vllm" \
      org.opencontainers.image.description="Runs one stage of answers by vLLM" \
      org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" org.opencontainers.image.licenses="Apache-2.0"
ENV POLYGLOT_REVISION=${REVISION}
USER 10001:10001
ENTRYPOINT ["python", "-m", "jobs.worker.container"]
