#   docker build --build-arg COMMIT="$(git rev-parse HEAD)" -t reconciler .
#   docker run --rm --read-only --tmpfs /tmp -v "$PWD/specs:/specs:ro" reconciler validate /specs
#
# BASE: any image with Python 3.11 or later and its venv module; pin it by digest where you build.
#       Both stages start from it, because a virtual environment belongs to the Python that made it.
# K8S:  "with" or "without" the client of Kubernetes. Only --lease needs it.
# GIT:  "with" or "without" the git command line. Only specs that are read from a repository need it.
# COMMIT, VERSION, CREATED, SOURCE: what the labels say; the release sets all of them.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all:
WORKDIR /build
RUN python3 -m venv /tools && python3 -m venv --without-pip /app
# What is shipped, as pinned, before the sources are there to spoil the layer.
ARG K8S=with
COPY requirements.lock.txt requirements.k8s.lock.txt ./
RUN if [ "${K8S}" = with ]; then lock=requirements.k8s.lock.txt; else lock=requirements.lock.txt; fi \
    && /tools/bin/pip --python /app/bin/python install --quiet --require-hashes -r "${lock}"
# What builds is pinned too, and left behind.
COPY requirements.build.lock.txt ./
RUN /tools/bin/pip install --quiet --require-hashes -r requirements.build.lock.txt
COPY pyproject.toml README.md LICENSE ./
COPY reconciler ./reconciler
RUN /tools/bin/python -m hatchling build -t wheel -d dist \
    && /tools/bin/pip --python /app/bin/python install --quiet --no-deps dist/*.whl

FROM ${BASE}
ARG GIT=with
# git moves with the base image's security updates, so no version here; ssh is for git@… remotes.
# hadolint ignore=DL3008
RUN if [ "${GIT}" = with ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
        && apt-get clean \
        && rm -rf /var/lib/apt/lists/*; \
    fi
ARG BASE
ARG COMMIT=unknown
ARG VERSION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="reconciler" \
      org.opencontainers.image.description="Git-managed datasets for Amazon Rekognition Custom Labels" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/tree/${COMMIT}/docs" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /app /app
# The root file system may be read-only: bytecode is there already, and what is written goes to a mount.
ENV HOME=/tmp \
    PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/app/bin/reconciler"]
CMD ["--help"]
