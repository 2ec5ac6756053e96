#!/usr/bin/env bash
# Writes into an overlay's kustomization which registry's images, with which tag, it takes. For pipelines: it changes the
# file.
#
#   k8s/set-images.sh k8s/overlays/eks 111122223333.dkr.ecr.ap-northeast-1.amazonaws.com 0.2.0
set -euo pipefail
overlay=${1:?usage: k8s/set-images.sh OVERLAY REGISTRY TAG}
registry=${2:?usage: k8s/set-images.sh OVERLAY REGISTRY TAG}
tag=${3:?usage: k8s/set-images.sh OVERLAY REGISTRY TAG}
file=$overlay/kustomization.yaml
sed --in-place --regexp-extended \
  --expression "s#^( *newName: ).*/(threadweaver/[a-z-]+)\$#\\1$registry/\\2#" \
  --expression "s#^( *newTag: ).*#\\1$tag#" "$file"
