# Worker, codec endpoint and simulator: docker-compose.yml, deploy/kubernetes.yaml. Never built
# here: no Docker engine.
FROM python:3.13.5-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

COPY locks/image.txt locks/image.txt
RUN pip install --require-hashes --no-deps --only-binary :all: --requirement locks/image.txt

RUN useradd --system --uid 10001 --create-home braid \
    && mkdir /data \
    && chown braid:braid /data
COPY . .

USER braid
ENV BRAID_DATA=/data
VOLUME /data
CMD ["python", "worker.py"]
