import assert from 'node:assert/strict'
import { RUNTIMES, type Runtime } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { lackOf } from '../support/debian.ts'
import { slowness } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { inRounds, told } from '../support/told.ts'
import { accessible, openWindow, picture, picturesIn } from './browser.ts'
import { changes } from './changes.ts'
import { editors, ofMembers } from './editors.ts'
import { everyPage } from './every.ts'
import { byKeyboard } from './keyboard.ts'
import { leaving, leavingAtOnce, undrawable, windows } from './leaving.ts'
import { many } from './many.ts'
import { byMouse, logIn } from './mouse.ts'
import { ofProject } from './project.ts'
import { renewal } from './renewal.ts'
import { spillOver } from './spill.ts'

/** The first load: everything that is there when the door is, and then the overview; gzipped. */
const MOST = 150 * 1024
/** A page may be used after so many milliseconds, on a machine that does nothing else. */
const SOON = 1_000

/**
 * The console in Debian's Chromium: the first minutes of a new user by mouse and by keyboard, axe-core on every
 * page, and what the browser has to say.
 * @param pictures pictures of the pages go into the documentation
 * @param today a day by its number: on the one runtime or the other by turns; null: on both
 * @param only of the steps those whose titles it fits; many go on where another one ended
 */
export const consolePages = async (
  report: Report,
  pictures: boolean,
  today: number | null,
  only?: RegExp,
): Promise<void> => {
  const lack = await lackOf('chromium', 'chromium')
  if (lack) return report.step('console', 'Chromium', 'skipped', 0, lack)
  for (const runtime of RUNTIMES)
    if (today !== null && RUNTIMES[today % RUNTIMES.length] !== runtime)
      report.step(`${runtime} × console`, 'a browser before a broker', 'skipped', 0, 'a day of the other runtime')
    else await onRuntime(report, runtime, pictures && runtime === 'node', only)
}

const onRuntime = (report: Report, runtime: Runtime, pictures: boolean, only?: RegExp): Promise<void> =>
  told(
    { runtime, report, story: `${runtime} × console`, setting: 'a browser before a broker' },
    async ({ broker, admin, demo, step: played, ends }) => {
      const step: typeof played = async (title, run) => {
        if (only?.test(title) ?? true) await played(title, run)
      }
      const browser = await openBrowser()
      ends.push(() => browser.close())
      // Nobody else starts the cron of a Worker here, by which a burst goes on.
      inRounds({ broker, ends })
      const folder = picturesIn(pictures)
      const window = await openWindow(browser, broker.url)
      const { page } = window

      await step('the door is open soon, and small', async () => {
        const took: number[] = []
        for (let i = 0; i < 3; i++) {
          const visit = await openWindow(browser, broker.url)
          await visit.page.goto('/')
          await visit.page.getByLabel('User name').fill('demo')
          took.push((await visit.page.evaluate('performance.now()')) as number)
          await visit.context.close()
        }
        const best = Math.round(Math.min(...took))
        console.log(
          `      ${runtime}: the door may be used after ${took.map((ms) => `${Math.round(ms)} ms`).join(', ')}`,
        )
        assert.ok(best < SOON * slowness(), `the door may be used after ${best} ms`)
      })
      await step('a user logs in, and sees each cloud as a hull', async () => {
        await page.goto('/')
        await picture(window, folder, 'door')
        await accessible(window)
        await logIn(window, 'demo', broker.passwords.demo)
        await page.getByRole('img', { name: /^sandbox is filled to \d+ %/ }).waitFor()
        const size = [...window.sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
        console.log(
          `      ${runtime}: the first load, overview and all, is ${(size / 1024).toFixed(1)} KiB gzipped in ${window.sizes.size} files`,
        )
        assert.ok(size > 5_000 && size < MOST, `${size} bytes`)
      })
      await byMouse({ broker, demo, window, folder, step })
      await step('what is more than home takes has spilled, and is seen to have', () =>
        spillOver({ broker, admin, demo, window, folder }),
      )
      await everyPage({ browser, broker, folder, step })
      await step('a token is renewed, or else the user is asked where he is', () => renewal(browser, runtime))
      await byKeyboard({ browser, broker, demo, step })
      await many({ browser, broker, step })
      await ofProject({ browser, broker, demo, folder, step })
      await changes({ browser, broker, demo, folder, step })
      await editors({ browser, broker, admin, demo, folder, step })
      await ofMembers({ browser, broker, demo, folder, step })
      await step('nothing stands in the log of the browser, and nothing was asked of anybody else', async () => {
        assert.deepEqual(window.log, [])
        assert.deepEqual(
          window.asked.filter((url) => !url.startsWith(`${broker.url}/`) && !url.startsWith('data:')),
          [],
        )
      })
      await step('who logs out in one tab is out in all, and is told where he is not', () => leaving(browser, broker))
      await step('who leaves the page as he logs out is out as well', () => leavingAtOnce(browser, broker))
      await step('a page that cannot be drawn says why, and the next one is drawn', () => undrawable(browser, broker))
      await step('a window stays until it is done, and until it is answered', () => windows(browser, broker))
      await step('who logs out is out, here and at the broker', async () => {
        await page.getByRole('button', { name: 'Log out' }).click()
        await page.getByLabel('User name').waitFor()
        assert.deepEqual(await window.context.cookies(`${broker.url}/broker/v1/session`), [])
        await page.reload()
        await page.getByLabel('User name').waitFor()
      })
      await step('an application credential lets in as well, into its project alone', async () => {
        const path = `/identity/v3/users/${demo.userId}/application_credentials`
        const asked = { application_credential: { name: 'console' } }
        const { application_credential: made } = await demo.must('POST', path, asked)
        await page.getByRole('button', { name: 'Use an application credential' }).click()
        await page.getByLabel('Id of the application credential').fill(made.id)
        await page.getByLabel('Secret').fill(made.secret)
        await page.getByRole('button', { name: 'Log in', exact: true }).click()
        // It goes on where the address is.
        await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
        assert.ok(await page.getByLabel('Project', { exact: true }).isDisabled())
        await accessible(window)
        assert.deepEqual(window.log, [])
      })
    },
  )
