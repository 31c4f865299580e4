#!/bin/sh
# What `sst install` calls (SST_BUN_PATH) in the folder of SST's platform, instead of bun: the platform's packages come from the lock
# beside this file, since the platform itself asks for whatever is newest in a range.
set -e
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cp "$here/package.json" "$here/package-lock.json" .
exec npm ci --ignore-scripts --no-audit --no-fund
