import { type Browser, chromium } from 'playwright-core'

/** Debian's Chromium, where `lackOf` says that it is there. */
export const openBrowser = (): Promise<Browser> =>
  // The tests' own user is root in many a container, whom Chromium's sandbox refuses.
  chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
