import { withPart } from '../personality.ts'

/* A guest says that its first start is done: with a URL that can be used for nothing else, and no program of ours in its image. */

/** Scripts run in the order of their names: after those of the user. */
const LAST = 'zz-plimsoll-ready'

/** Asks as often as it takes for a network to come up: 30 times, ten seconds apart. */
const script = (url: string): string => `#!/bin/sh
# The machine is ready: everything that was to run at its first start has run.
url='${url}'
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  if command -v curl >/dev/null 2>&1; then
    curl -fsS -m 20 -o /dev/null -X POST "$url" && exit 0
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 20 -O /dev/null --post-data= "$url" && exit 0
  else
    python3 -c "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], data=b'', method='POST'), timeout=20)" "$url" && exit 0
  fi
  sleep 10
done
exit 1
`

/**
 * User data of a machine that reports by a one-time URL (`line/one-time.ts`) when its first start is done, after the scripts of its
 * user.
 * @param userData base64, or null
 * @returns base64
 */
export const withReport = (userData: string | null, url: string): string =>
  withPart(userData, { type: 'text/x-shellscript', text: script(url), filename: LAST })
