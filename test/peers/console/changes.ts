import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { patiently } from '../support/patiently.ts'
import { accessible, openWindow, picture } from './browser.ts'
import { logIn } from './mouse.ts'

interface Story {
  browser: Browser
  broker: Broker
  demo: Api
  folder: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

/** What a server may become, by its page: each window is for everybody, and what it does is seen to be done. */
export const changes = async ({ browser, broker, demo, folder, step }: Story): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const dialog = page.getByRole('dialog')
  const part = (name: string) =>
    page.getByRole('navigation', { name: 'Parts of the server' }).getByRole('link', { name }).click()
  const inMain = (name: string) => page.getByRole('main').getByRole('button', { name, exact: true })
  /** Opens a window, looks at it, does what `fill` does there, and has it done. */
  const through = async (button: string, verb: string, fill = async () => {}) => {
    await inMain(button).click()
    await dialog.waitFor()
    await accessible(window)
    await fill()
    await dialog.getByRole('button', { name: verb, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const choose = async (label: string, text: RegExp) => {
    const box = dialog.getByLabel(label, { exact: true })
    const option = box.locator('option').filter({ hasText: text }).first()
    await option.waitFor({ state: 'attached' })
    await box.selectOption((await option.getAttribute('value'))!)
  }
  let id = ''
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)

  await step('every window that changes a server is for everybody, and says its command', async () => {
    const { images } = await demo.must('GET', '/image/v2/images?limit=1')
    const { networks } = await demo.must('GET', '/network/v2.0/networks?name=net1')
    const server = { name: 'many-lives', imageRef: images[0].id, flavorRef: '1', networks: [{ uuid: networks[0].id }] }
    id = (await demo.must('POST', '/compute/v2.1/servers', { server })).server.id
    await page.goto(`/#/servers/${id}?part=changes`)
    await page.getByText('ACTIVE', { exact: true }).waitFor()
    await accessible(window)
    await picture(window, folder, 'server-changes')
    for (const verb of [
      'Rename',
      'Resize',
      'Take an image',
      'Rebuild',
      'Rescue',
      'Set the password',
      'Pause',
      'Shelve',
    ]) {
      await inMain(verb).click()
      await dialog
        .getByText(/^openstack server /)
        .first()
        .waitFor()
      await accessible(window)
      await dialog.getByRole('button', { name: 'Cancel' }).click()
      await dialog.waitFor({ state: 'detached' })
    }
  })
  await step('it is renamed and resized, and the new size confirmed', async () => {
    await through('Rename', 'Say so', () => dialog.getByLabel('Name', { exact: true }).fill('second-life'))
    await page.getByRole('heading', { level: 1, name: 'second-life' }).waitFor()
    await through('Resize', 'Resize', () => choose('Flavor', /^m1\.small/))
    await page.getByText('VERIFY_RESIZE', { exact: true }).waitFor()
    await through('Confirm the resize', 'Confirm the resize')
    await page.getByText('ACTIVE', { exact: true }).waitFor()
    const { server } = await demo.must('GET', `/compute/v2.1/servers/${id}`)
    assert.deepEqual([server.name, server.flavor.id], ['second-life', '2'])
  })
  await step('an image is taken of it, and it is paused and goes on', async () => {
    await through('Take an image', 'Take it', () => dialog.getByLabel('Name of the image').fill('golden'))
    assert.equal((await demo.must('GET', '/image/v2/images?name=golden')).images.length, 1)
    // While it is taken the server is ACTIVE too, and is not paused.
    await patiently(async () => {
      const { server } = await demo.must('GET', `/compute/v2.1/servers/${id}`)
      assert.equal(server['OS-EXT-STS:task_state'], null)
    }, 20_000)
    await page.getByText('ACTIVE', { exact: true }).waitFor()
    await through('Pause', 'Pause')
    await page.getByText('PAUSED', { exact: true }).waitFor()
    await through('Unpause', 'Unpause')
    await page.getByText('ACTIVE', { exact: true }).waitFor()
  })
  await step('a port and a volume are plugged in and taken out', async () => {
    await part('Ports and volumes')
    await page.getByText('10.0.0.').first().waitFor()
    await through('Plug into a network', 'Plug in', () => choose('Network', /^net1/))
    await page.getByRole('region', { name: 'Ports of the server' }).locator('tbody tr').nth(1).waitFor()
    const { network_id } = (await demo.must('GET', `/network/v2.0/ports?device_id=${id}`)).ports[0]
    for (const port of [
      { name: 'free', network_id },
      { name: 'elsewhere', network_id, device_id: 'somewhere' },
    ])
      await demo.must('POST', '/network/v2.0/ports', { port })
    await through('Plug in a port', 'Plug in', async () => {
      await choose('Port', /^free · 10\.0\.0\./)
      assert.equal(await dialog.locator('option', { hasText: 'elsewhere' }).count(), 0)
    })
    await page.getByRole('region', { name: 'Ports of the server' }).locator('tbody tr').nth(2).waitFor()
    const made = { volume: { name: 'beside', size: 1 } }
    const { volume } = await demo.must('POST', `/volume/v3/${demo.projectId}/volumes`, made)
    const isThere = async () => {
      const { volume: now } = await demo.must('GET', `/volume/v3/${demo.projectId}/volumes/${volume.id}`)
      assert.equal(now.status, 'available')
    }
    await patiently(isThere, 20_000)
    await through('Plug in a volume', 'Plug in', () => choose('Volume', /^beside/))
    await page.getByRole('cell', { name: volume.id, exact: true }).waitFor()
    await accessible(window)
    await page.getByRole('button', { name: `Take out ${volume.id}` }).click()
    await accessible(window)
    await dialog.getByRole('button', { name: 'Take out' }).click()
    await dialog.waitFor({ state: 'detached' })
    await demo.must('DELETE', `/compute/v2.1/servers/${id}`)
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}
