import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { accessible, openWindow, picture } from './browser.ts'
import { logIn } from './mouse.ts'

interface Story {
  browser: Browser
  broker: Broker
  admin: Api
  demo: Api
  folder: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

type Body = Awaited<ReturnType<Api['must']>>

/** What an answer says, but for when it was said. */
const saidIn = (body: Body): unknown =>
  JSON.parse(JSON.stringify(body, (key, value) => (['as_of', 'created_at'].includes(key) ? undefined : value)))

/** What is said of clouds, projects and webhooks by forms: what was typed is what the API was told. */
export const editors = async ({ browser, broker, admin, demo, folder, step }: Story): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const dialog = page.getByRole('dialog')
  const main = page.getByRole('main')
  const done = async (verb: string) => {
    await accessible(window)
    await dialog.getByRole('button', { name: verb, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const policyCard = main.locator('section', { has: page.getByRole('heading', { name: 'Policy' }) })
  const ofDemo = `/broker/v1/projects/${demo.projectId}/policy`
  /** Each form that writes a whole: how it opens, where that is, and how somebody else changes it, the first time or the next. */
  const wholes = [
    {
      at: '/#/clouds?part=prices',
      open: () => page.getByRole('button', { name: 'Change the currencies' }).click(),
      path: '/broker/v1/rates',
      other: ({ rates }: Body, rate: number) => ({ rates: { ...rates, of: { ...rates.of, SEK: { rate } } } }),
    },
    {
      at: '/#/clouds?part=prices',
      open: () => page.getByRole('button', { name: 'Change the prices of sandbox' }).click(),
      path: '/broker/v1/clouds/sandbox/prices',
      other: ({ prices: { currency, parts } }: Body, rate: number) => ({
        prices: { currency, parts, sizes: { noon: String(rate) } },
      }),
    },
    {
      at: `/#/identity/projects/${demo.projectId}`,
      open: () => policyCard.getByRole('button', { name: 'Change', exact: true }).click(),
      path: `${ofDemo}?own=true`,
      other: ({ policy }: Body, hysteresis: number) => ({ policy: { ...policy, hysteresis } }),
    },
    {
      at: '/#/identity?part=defaults',
      open: () => page.getByRole('button', { name: 'Change the template' }).click(),
      path: '/broker/v1/domains/default/project-template',
      other: ({ project_template: { clouds, quotas, policy } }: Body, rate: number) => ({
        project_template: { clouds, quotas, policy, most_projects: rate * 100 },
      }),
    },
  ]
  await page.goto('/')
  await logIn(window, 'admin', broker.passwords.admin)

  await step('a currency and prices are said by forms', async () => {
    await page.goto('/#/clouds?part=prices')
    await page.getByRole('button', { name: 'Change the currencies' }).click()
    const counted = dialog.getByLabel('Counted in')
    if (!(await counted.inputValue())) await counted.fill('USD')
    const currency = await counted.inputValue()
    await dialog.getByLabel('What others are worth in it').fill('CHF 1.25')
    await dialog.getByRole('button', { name: 'Say so' }).click()
    await dialog.getByRole('alert').getByText('No name = value: CHF 1.25').waitFor()
    await dialog.getByLabel('What others are worth in it').fill('CHF = 1.25')
    await done('Say so')
    await main.getByText(`1 CHF is 1.25 ${currency}`).waitFor()
    await page.getByRole('button', { name: 'Change the prices of sandbox' }).click()
    await dialog.getByLabel('Currency').fill(currency)
    await dialog.getByLabel('A vCPU').fill('0.02')
    await dialog.getByLabel('A GiB of memory').fill('0.004')
    await dialog.getByLabel('Sizes').fill('large = 0.5')
    await done('Say so')
    await main.getByText('0.02', { exact: true }).waitFor()
    const { prices } = await admin.must('GET', '/broker/v1/clouds/sandbox/prices')
    assert.deepEqual([prices.parts.vcpu, prices.sizes], ['0.02', { large: '0.5' }])
    await picture(window, folder, 'clouds-prices')
  })
  await step('a policy is a form, and what it does not speak of stays unsaid', async () => {
    await page.goto(`/#/identity/projects/${demo.projectId}`)
    await main.getByRole('heading', { name: 'Policy' }).waitFor()
    const before = (await admin.must('GET', `/broker/v1/projects/${demo.projectId}/policy?own=true`)).policy
    await policyCard.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByLabel('Budget a month').selectOption('some')
    await dialog.getByLabel(/^Budget, /).fill('250')
    await dialog.getByText('More', { exact: true }).click()
    await picture(window, folder, 'policy')
    await done('Say so')
    await main.getByText(/^250.* a month, then refuse$/).waitFor()
    const { policy } = await admin.must('GET', `/broker/v1/projects/${demo.projectId}/policy?own=true`)
    assert.equal(Number(policy.budget.amount), 250)
    assert.deepEqual({ ...policy, budget: undefined }, { ...before, budget: undefined })
    // Each amount stays in the currency in which it was said.
    const said = { budget: { amount: '250', currency: 'USD' }, max_hourly_cost: { amount: '2', currency: 'CHF' } }
    await admin.must('PUT', ofDemo, { policy: { ...before, ...said } })
    await policyCard.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByLabel('Budget, USD').waitFor()
    await dialog.getByLabel('An hour at most, CHF').fill('3')
    await done('Say so')
    const { policy: now } = await admin.must('GET', `${ofDemo}?own=true`)
    assert.deepEqual([now.budget.currency, now.max_hourly_cost], ['USD', { amount: '3', currency: 'CHF' }])
    await admin.must('PUT', ofDemo, { policy: { ...before, budget: said.budget } })
    await page.getByRole('button', { name: 'Change sandbox' }).click()
    await accessible(window)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
  })
  await step('a template of new projects is made, and the next project begins with it', async () => {
    await page.goto('/#/identity?part=defaults')
    await page.getByRole('button', { name: 'Make a template' }).click()
    await dialog.getByLabel('Clouds', { exact: true }).fill('sandbox = {}')
    await dialog.getByLabel('Most an hour').selectOption('some')
    await dialog.getByLabel(/^An hour at most, /).fill('5')
    await done('Say so')
    await main.getByText('Projects at most').waitFor()
    const { project } = await admin.must('POST', '/identity/v3/projects', { project: { name: 'of-template' } })
    const { clouds } = await admin.must('GET', `/broker/v1/projects/${project.id}/clouds`)
    assert.deepEqual(
      clouds.map(({ cloud }: { cloud: string }) => cloud),
      ['sandbox'],
    )
  })
  await step('a form begins with what is said by now, and overwrites nobody who said something since', async () => {
    for (const { at, open, path, other } of wholes) {
      await page.goto(at)
      const write = async (rate: number) => {
        const body = other(await admin.must('GET', path), rate)
        await admin.must('PUT', path.replace('?own=true', ''), body)
        return admin.must('GET', path)
      }
      // The page was told before.
      await main
        .getByRole('button', { name: /^Change/ })
        .first()
        .waitFor()
      const first = await write(0.25)
      await open()
      await dialog.getByRole('button', { name: 'Say so' }).click()
      await dialog.waitFor({ state: 'detached' })
      assert.deepEqual(saidIn(await admin.must('GET', path)), saidIn(first))
      await open()
      await dialog.getByRole('button', { name: 'Say so' }).waitFor()
      const second = await write(0.5)
      assert.notDeepEqual(saidIn(second), saidIn(first))
      await dialog.getByRole('button', { name: 'Say so' }).click()
      await dialog
        .getByRole('alert')
        .getByText(/^Somebody else said something of it meanwhile/)
        .waitFor()
      assert.deepEqual(await admin.must('GET', path), second)
      await dialog.getByRole('button', { name: 'Cancel' }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    await page.getByRole('button', { name: 'End the template' }).click()
    await done('End')
    await page.getByRole('button', { name: 'Make a template' }).waitFor()
  })
  await step('a project and a user are made by one form each', async () => {
    for (const [part, button, second] of [
      ['', 'New project', null],
      ['users', 'New user', 'First password'],
    ] as const) {
      await page.goto(`/#/identity?part=${part}`)
      await page.getByRole('button', { name: button }).click()
      await dialog.getByLabel('Name', { exact: true }).fill(`by-form-${part || 'projects'}`)
      if (second) await dialog.getByLabel(second).fill('a-first-password')
      await done('Make it')
      await page.getByRole('cell', { name: `by-form-${part || 'projects'}`, exact: true }).waitFor()
    }
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}

/** What happens is told to an address, and what a burst costs is a line: as a member. */
export const ofMembers = async ({ browser, broker, demo, folder, step }: Omit<Story, 'admin'>): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const dialog = page.getByRole('dialog')
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)

  await step('a webhook is made, its secret is shown once, and a test is on its way', async () => {
    await page.goto('/#/webhooks')
    await page.getByText('No webhook yet').waitFor()
    await accessible(window)
    await page.getByRole('button', { name: 'New webhook' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('chat')
    // A name that is nobody's.
    await dialog.getByLabel('Address', { exact: true }).fill('https://hooks.test/plimsoll')
    await accessible(window)
    await dialog.getByRole('button', { name: 'Make it' }).click()
    assert.match(await dialog.getByLabel('Secret', { exact: true }).inputValue(), /^whsec_/)
    await accessible(window)
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('link', { name: 'chat' }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByRole('cell', { name: 'webhook.test', exact: true }).waitFor()
    await accessible(window)
    await picture(window, folder, 'webhook')
    await page.getByRole('link', { name: 'All webhooks' }).click()
    await page.getByRole('button', { name: 'Delete chat' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No webhook yet').waitFor()
  })
  await step('a burst is asked for by a form, and what it costs is a line below its budget', async () => {
    await page.goto('/#/bursts')
    await page.getByRole('button', { name: 'New burst' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('render')
    await dialog.getByLabel('At most', { exact: true }).fill('3')
    for (const [label, text] of [
      ['Flavor', /^m1\.tiny/],
      ['Image', /linux/],
    ] as const) {
      const option = dialog.getByLabel(label, { exact: true }).locator('option').filter({ hasText: text }).first()
      await option.waitFor({ state: 'attached' })
      await dialog.getByLabel(label, { exact: true }).selectOption((await option.getAttribute('value'))!)
    }
    await dialog.getByLabel(/^Budget, /).fill('1')
    // Members report nothing here: guests are told of no address of the broker.
    await dialog.getByLabel('When they are done').selectOption('keep')
    await dialog.getByText('More', { exact: true }).click()
    await accessible(window)
    await dialog.getByRole('button', { name: 'Ask for it' }).click()
    await page.getByRole('heading', { level: 1, name: 'render' }).waitFor()
    await page.getByText('running', { exact: true }).waitFor()
    await page.getByText(/^3 of 2 to 3$/).waitFor()
    await page.reload()
    await page.getByText(/spread over the time/).waitFor()
    await page.locator('figure canvas').waitFor()
    await accessible(window)
    await picture(window, folder, 'burst')
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await accessible(window)
    await dialog.getByLabel(/^Budget, /).fill('2')
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    const { bursts } = await demo.must('GET', '/broker/v1/bursts?name=render')
    assert.equal(Number(bursts[0].budget.amount), 2)
    await page.getByRole('button', { name: 'Drain' }).click()
    await dialog.getByRole('button', { name: 'Drain' }).click()
    await dialog.waitFor({ state: 'detached' })
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}
