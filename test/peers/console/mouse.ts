import assert from 'node:assert/strict'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { accessible, picture, type Window } from './browser.ts'

/** Logs in at the door, and waits for the overview. */
export const logIn = async ({ page }: Window, user: string, password: string): Promise<void> => {
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
}

interface Story {
  broker: Broker
  demo: Api
  window: Window
  folder: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

/** What an attacker would call a server, and keep with it. */
const MARKUP = '<img src=x onerror="alert(1)">'

/** The first minutes of somebody new, by mouse. */
export const byMouse = async ({ broker, demo, window, folder, step }: Story): Promise<void> => {
  const { page } = window
  const go = async (name: string) => {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  }
  const part = (name: string) =>
    page.getByRole('navigation', { name: 'Parts of the server' }).getByRole('link', { name }).click()

  await step('where nothing is yet the page says how to begin', async () => {
    await go('Servers')
    await page.getByText('No server yet').waitFor()
    await page.getByText('openstack server create').waitFor()
    await picture(window, folder, 'servers-empty')
    await accessible(window)
  })
  const dialog = page.getByRole('dialog')
  await step('a network and a key are made, each by a form', async () => {
    await go('Networks')
    await page.getByRole('button', { name: 'New network' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('net1')
    await dialog.getByLabel('Addresses of its subnet').fill('10.0.0.0/33')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    // The network is there, its subnet was refused: it goes on from there.
    await dialog.getByRole('alert').waitFor()
    await accessible(window)
    assert.match(window.log.splice(0).join(), /^error: [^,]* 400 [^,]*$/)
    assert.ok(await dialog.getByLabel('Name', { exact: true }).isDisabled())
    await dialog.getByLabel('Addresses of its subnet').fill('10.0.0.0/24')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('cell', { name: '10.0.0.0/24' }).waitFor()
    const { networks } = await demo.must('GET', '/network/v2.0/networks?name=net1')
    assert.equal(networks.length, 1)
    await go('Access')
    await page.getByText('No key pair yet').waitFor()
    await accessible(window)
    await page.getByRole('button', { name: 'New key pair' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('first')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('cell', { name: 'first', exact: true }).waitFor()
  })
  await step('a form says where a server would go and what it costs, before it is made', async () => {
    await go('Servers')
    await page.getByRole('link', { name: 'Make the first' }).click()
    await page.getByLabel('Name', { exact: true }).fill('web-1')
    const choose = async (label: string, text: RegExp) => {
      const box = page.getByLabel(label, { exact: true })
      const option = box.locator('option').filter({ hasText: text }).first()
      await option.waitFor({ state: 'attached' })
      await box.selectOption((await option.getAttribute('value'))!)
    }
    await choose('Flavor', /^m1\.tiny/)
    await choose('Image', /sandbox-linux/)
    await page.getByLabel('net1').check()
    await choose('Key', /^first$/)
    await page.getByText(/per hour/).waitFor()
    await page.getByText(/--flavor \S+ --image [0-9a-f-]{36} --network [0-9a-f-]{36}/).waitFor()
    await page.getByText('More', { exact: true }).click()
    await page.getByLabel('Metadata').fill(`note=${MARKUP}`)
    await accessible(window)
    await picture(window, folder, 'server-new')
  })
  await step('it is made, and the page shows it become ACTIVE by itself', async () => {
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { level: 1, name: 'web-1' }).waitFor()
    await page.getByText('ACTIVE').waitFor()
    await picture(window, folder, 'server')
    await accessible(window)
  })
  await step('its timeline says where it was tried, and its console log is searched', async () => {
    await part('Timeline')
    await page.getByText('Where it was tried').waitFor()
    await accessible(window)
    await picture(window, folder, 'server-timeline')
    await part('Console log')
    await page.getByLabel('Console log').getByText(/\S/).first().waitFor()
    await page.getByLabel('Lines with').fill('linux')
    await page.getByText(/of \d+ lines$/).waitFor()
    await accessible(window)
    await picture(window, folder, 'server-log')
    await part('Ports and volumes')
    await page.getByText('10.0.0.').first().waitFor()
    await accessible(window)
  })
  await step('its screen is in the page, where the broker brings screens, and else it says why not', async () => {
    await part('Remote console')
    await page.getByRole('button', { name: 'Open by noVNC' }).click()
    if (broker.runtime === 'node') {
      await page.getByText('Connected', { exact: true }).waitFor()
      await page.locator('canvas').first().waitFor()
      await picture(window, folder, 'server-screen')
    } else {
      await page.getByText('which a broker on Workers does not do').waitFor()
      await page.getByText(/^409 /).waitFor()
      // The browser says by itself what was refused.
      assert.match(window.log.pop() ?? '', /409/)
    }
    await accessible(window)
  })
  await step('what users write is text, whatever is in it', async () => {
    await part('Metadata')
    await page.getByText(MARKUP).waitFor()
    const { servers } = await demo.must('GET', '/compute/v2.1/servers')
    await demo.must('PUT', `/compute/v2.1/servers/${servers[0].id}`, { server: { name: MARKUP } })
    await page.reload()
    await page.getByRole('heading', { level: 1, name: MARKUP }).waitFor()
    assert.equal(await page.locator('main img').count(), 0)
    await accessible(window)
    await demo.must('PUT', `/compute/v2.1/servers/${servers[0].id}`, { server: { name: 'web-1' } })
  })
  await step('it is stopped and started from the list, where it changes by itself', async () => {
    await go('Servers')
    await page.getByLabel('Choose web-1').check()
    for (const [verb, status] of [
      ['Stop', 'SHUTOFF'],
      ['Start', 'ACTIVE'],
    ] as const) {
      await page.getByLabel('Choose web-1').check()
      await page.getByRole('button', { name: verb, exact: true }).click()
      await dialog.getByText(new RegExp(`openstack server ${verb.toLowerCase()} [0-9a-f-]{36}`)).waitFor()
      if (verb === 'Stop') await accessible(window)
      await dialog.getByRole('button', { name: verb, exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      await page.getByRole('cell', { name: status }).waitFor()
    }
    await picture(window, folder, 'servers')
    await accessible(window)
  })
  await step('a page that is loaded again, and another tab, go on where they were', async () => {
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    const tab = await window.context.newPage()
    const streams: string[] = []
    tab.on('request', (request) => void (request.url().includes('/events/stream') && streams.push(request.url())))
    await tab.goto(`${broker.url}/#/servers`)
    await tab.getByRole('link', { name: 'web-1' }).waitFor()
    // Both are told what happens, by the one stream that is there.
    await tab.getByText('live', { exact: true }).waitFor()
    const { servers } = await demo.must('GET', '/compute/v2.1/servers')
    for (const [verb, status] of [
      ['os-stop', 'SHUTOFF'],
      ['os-start', 'ACTIVE'],
    ] as const) {
      await demo.must('POST', `/compute/v2.1/servers/${servers[0].id}/action`, { [verb]: null })
      await tab.getByRole('cell', { name: status }).waitFor()
    }
    assert.deepEqual(streams, [])
    await tab.close()
  })
  await step('the overview says what it holds and costs', async () => {
    await go('Overview')
    await page.getByText(/1 server, 1 vCPU/).waitFor()
    await accessible(window)
  })
  await step('a volume is made, plugged into it and taken out again', async () => {
    await go('Volumes')
    await page.getByRole('button', { name: 'New volume' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('first-disk')
    await dialog.getByLabel('Size in GiB').fill('1')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('button', { name: 'Attach first-disk' }).click()
    const server = dialog.getByLabel('Server', { exact: true })
    const option = server.locator('option').filter({ hasText: 'web-1' })
    await option.waitFor({ state: 'attached' })
    await server.selectOption((await option.getAttribute('value'))!)
    await dialog.getByRole('button', { name: 'Attach' }).click()
    await page.getByRole('cell', { name: 'in-use' }).waitFor()
    await page.getByRole('button', { name: 'Detach first-disk' }).click()
    await dialog.getByRole('button', { name: 'Detach' }).click()
    await page.getByRole('button', { name: 'Delete first-disk' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No volume yet').waitFor()
  })
  await step('it is deleted, and gone from the list by itself', async () => {
    await go('Servers')
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    await page.getByText('No server yet').waitFor()
  })
}
