#!/bin/sh
# GPU nodes as a GKE node pool: CLUSTER=name REGION=europe-west4 sh k8s/node-pools/gke-node-pool.sh
# GKE installs the drivers, and taints GPU nodes with nvidia.com/gpu=present:NoSchedule by itself.
# https://cloud.google.com/kubernetes-engine/docs/how-to/gpus
set -eu
exec gcloud container node-pools create polyglot-gpu \
  --cluster "${CLUSTER:?}" --region "${REGION:?}" \
  --machine-type a2-highgpu-2g \
  --accelerator type=nvidia-tesla-a100,count=2,gpu-driver-version=default \
  --node-labels polyglot.dev/pool=big-gpu \
  --enable-autoscaling --total-min-nodes 0 --total-max-nodes 4 \
  --disk-size 500 --workload-metadata GKE_METADATA
