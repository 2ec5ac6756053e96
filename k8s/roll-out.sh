#!/usr/bin/env bash
# Brings an overlay to the cluster of kubectl's present context, and watches that it gets there:
#
#   k8s/roll-out.sh k8s/overlays/eks
#
# First all but the services, and the migrations to their end; the services that run meanwhile are of the version
# before. Then the services, one instance after the other. Ends with 1, and says where it stopped, when something does not
# get ready; services that were not replaced go on as they were.
set -euo pipefail
overlay=${1:?usage: k8s/roll-out.sh OVERLAY}
namespace=threadweaver
services=(account thread-command thread-query thread-projector)

rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT
kubectl kustomize "$overlay" > "$rendered"

names=$(IFS=,; echo "${services[*]}")
kubectl --namespace "$namespace" delete job migrate --ignore-not-found --wait
kubectl apply --filename "$rendered" --selector "app.kubernetes.io/name notin ($names)"
if ! kubectl --namespace "$namespace" wait --for=condition=complete --timeout=20m job/migrate; then
  kubectl --namespace "$namespace" logs job/migrate --tail=20 || true
  echo 'the migrations did not succeed: the services are still of the version before' >&2
  exit 1
fi
kubectl --namespace "$namespace" rollout status statefulset/nats --timeout=20m

kubectl apply --filename "$rendered"
for deployment in "${services[@]}"; do
  if ! kubectl --namespace "$namespace" rollout status "deployment/$deployment" --timeout=15m; then
    kubectl --namespace "$namespace" get pods --selector "app.kubernetes.io/name=$deployment" --output wide || true
    echo "$deployment did not get ready; \`kubectl --namespace $namespace rollout undo deployment/$deployment\` goes back" >&2
    exit 1
  fi
done
