# SPDX-License-Identifier: GPL-2.0-or-later
# What servers of FUSE file systems answer, and what is done meanwhile, by chance: the module neither crashes nor hangs.
# UMVIEW_FUZZ_RUNS and UMVIEW_FUZZ_SEED make longer and other ones, best with build-asan (doc/HACKING).
# timeout: 600
. "$(dirname "$0")/../lib.sh"

fuzz=$UMVIEW_BUILD/tests/fuzz/umfuse
[ -x "$fuzz" ] || fail "there is no $fuzz: make check-programs"
mkdir bodies
UMFUSE_CACHE=$(pwd)/bodies
export UMFUSE_CACHE
expect 0 "$fuzz" "$UMVIEW_SRC"/tests/fuzz/corpus/*
expect 0 "$fuzz" -s "${UMVIEW_FUZZ_SEED:-1}" -n "${UMVIEW_FUZZ_RUNS:-500}" "$UMVIEW_SRC"/tests/fuzz/corpus/*
[ -z "$(ls -A bodies)" ] || fail "bodies are left: $(ls -A bodies | head -n 3)"
