# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What tools/run and tools/test have in common: phases with a progress line and a log file,
# packages, builds. Sourced; the caller has set -euo pipefail and sits in the source root.

step_logs=build/log
step_painter=''

# Percent done as the last lines of a log tell: ninja, ctest or apt.
step_percent() {
	tail -c 2000 "$1" | awk '
		/^\[[0-9]+\/[0-9]+\]/ { split(substr($1, 2), n, "[]/]"); done = 100 * n[1] / n[2] }
		/^ *[0-9]+\/[0-9]+ Test / { split($1, n, "/"); done = 100 * n[1] / n[2] }
		/^(dl|pm)status:/ { split($0, n, ":"); done = n[3] }
		END { if (done != "") printf "%3d%% ", done }'
}

step_paint() {
	local spin='|/-\' i=0
	while :; do
		i=$(((i + 1) % 4))
		printf '\r\033[K%s %s%s (%d s)' "${spin:i:1}" "$(step_percent "$2")" "$1" "$SECONDS"
		sleep 0.3
	done
}

step_unpaint() {
	[ -n "$step_painter" ] || return 0
	kill "$step_painter" 2>/dev/null || true
	wait "$step_painter" 2>/dev/null || true
	step_painter=''
	printf '\r\033[K'
}
trap step_unpaint EXIT

# step NAME COMMAND...: run with the output in a log of that name. One line per step, or, on a
# terminal, one line that moves. Returns the command's status; set -e does not hold inside.
step() {
	local name=$1 status=0 began=$SECONDS
	shift
	mkdir -p "$step_logs"
	step_log=$step_logs/${name// /-}.log
	: >"$step_log"
	if [ -t 1 ]; then
		step_paint "$name" "$step_log" &
		step_painter=$!
	else
		printf '%s ... ' "$name"
	fi
	"$@" </dev/null >>"$step_log" 2>&1 || status=$?
	step_unpaint
	if [ "$status" -ne 0 ]; then
		[ ! -t 1 ] || printf '%s ... ' "$name"
		printf 'FAILED (status %d, %d s)\n' "$status" $((SECONDS - began))
	elif [ ! -t 1 ]; then
		printf 'ok (%d s)\n' $((SECONDS - began))
	fi
	return "$status"
}

# must NAME COMMAND...: a step that nothing can go on without.
must() {
	step "$@" && return
	printf -- '--- last lines of %s\n' "$step_log"
	tail -n 30 "$step_log"
	printf -- '--- the whole output: %s\n' "$PWD/$step_log"
	return 1
}

package_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# packages_missing SECTION...: names on stdout.
packages_missing() {
	local section='' package command wanted=" $* "
	while read -r package command; do
		case $package in
		'' | '#'*) ;;
		'['*']') section=${package:1:-1} ;;
		*)
			[[ $wanted == *" $section "* ]] || continue
			[ -z "$command" ] || ! command -v "$command" >/dev/null || continue
			package_installed "$package" || printf '%s\n' "$package"
			;;
		esac
	done <tools/packages
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n -- "$@"
	fi
}

# apt's progress goes to the log by a descriptor of its own (apt closes that one for maintainer
# scripts, so it cannot be 1), made inside because sudo lets only 0 to 2 through.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive sh -c 'exec apt-get "$@" 3>&1' apt-get \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o APT::Status-Fd=3 "$@"
}

# Somebody else may hold apt's lock for a while, and mirrors hiccup: try again.
packages_install() {
	local try
	for try in 1 2 3 4; do
		[ "$try" -eq 1 ] || sleep $((try * 3))
		apt_get update && apt_get install --yes --no-install-recommends "$@" && return
	done
	return 1
}

# packages_need SECTION...: install what is missing.
packages_need() {
	local missing
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ] && ! sudo -v; then
		printf 'missing packages: %s\nInstall them, or run this as root or with sudo.\n' \
			"${missing[*]}" >&2
		return 1
	fi
	must 'install packages' packages_install "${missing[@]}"
}

# build PRESET [-DNAME=VALUE]... -- TARGET...
build() {
	local preset=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	cmake --preset "$preset" "${options[@]}" && cmake --build "build/$preset" --target "$@"
}
