# One image for every process of the network; which one runs is the command.
FROM python:3.13-slim

RUN useradd --system --no-create-home --home-dir /var/lib/ovop ovop && install -d -o ovop -g ovop -m 700 /var/lib/ovop
WORKDIR /opt/ovop

COPY requirements.lock .
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    --require-hashes --only-binary :all: -r requirements.lock

COPY events events
COPY projections projections
COPY services services
RUN python -m compileall -q events projections services

ENV PYTHONUNBUFFERED=1 \
    OVOP_DATA_DIR=/var/lib/ovop \
    OVOP_HEARTBEAT_FILE=/tmp/ovop-heartbeat
USER ovop
ENTRYPOINT ["python", "-m", "services.cli"]
CMD ["--help"]
