import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { accessible, openWindow, picture } from './browser.ts'
import { logIn } from './mouse.ts'

interface Story {
  browser: Browser
  broker: Broker
  demo: Api
  folder: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

/** What a project has besides servers: made, seen and taken away by its pages. */
export const ofProject = async ({ browser, broker, demo, folder, step }: Story): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const dialog = page.getByRole('dialog')
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)

  await step('a network with a subnet and a router is made by one form, and is on the map', async () => {
    await page.goto('/#/networks')
    await page.getByRole('button', { name: 'New network' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('lab')
    await dialog.getByLabel('Addresses of its subnet').fill('10.77.0.0/24')
    await dialog.getByLabel('Router', { exact: true }).selectOption('new')
    await accessible(window)
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('cell', { name: '10.77.0.0/24' }).waitFor()
    await page.getByRole('link', { name: 'Topology' }).click()
    await page.getByText(/^The router lab-router leads from lab out to public/).waitFor()
    await accessible(window)
    await picture(window, folder, 'networks-topology')
  })
  await step('a rule is said in words before it is added, and after', async () => {
    await page.goto('/#/networks?part=groups')
    await page.getByRole('link', { name: 'default' }).click()
    await page.getByRole('button', { name: 'HTTPS' }).click()
    const words = 'Lets in TCP to port 443 (HTTPS) (IPv4) from anywhere.'
    await page.getByRole('status').getByText(words).first().waitFor()
    await page.getByRole('button', { name: 'Add the rule' }).click()
    await page.getByRole('listitem').getByText(words).waitFor()
    await accessible(window)
    await picture(window, folder, 'security-group')
    const { security_group_rules: rules } = await demo.must('GET', '/network/v2.0/security-group-rules?protocol=tcp')
    assert.equal(rules.filter((rule: { port_range_min: number }) => rule.port_range_min === 443).length, 1)
  })
  await step('an image is uploaded, and its page says which cloud has it', async () => {
    await page.goto('/#/images')
    await page.getByRole('button', { name: 'Upload an image' }).click()
    const file = { name: 'lab.raw', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1_000_000, 7) }
    await dialog.getByLabel('File', { exact: true }).setInputFiles(file)
    await dialog.getByRole('button', { name: 'Upload', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'lab', exact: true }).click()
    await page.getByText('On the clouds').waitFor()
    await page.getByRole('cell', { name: 'absent' }).first().waitFor()
    await accessible(window)
  })
  await step('a private key and a secret are shown once', async () => {
    await page.goto('/#/access')
    await page.getByRole('button', { name: 'New key pair' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('mine')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    const key = dialog.getByLabel('Private key', { exact: true })
    await key.waitFor()
    assert.match(await key.inputValue(), /^-----BEGIN [A-Z ]*PRIVATE KEY-----/)
    await accessible(window)
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('link', { name: 'Application credentials' }).click()
    await page.getByRole('button', { name: 'New application credential' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('ci')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await dialog.getByLabel('Secret', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('cell', { name: 'ci', exact: true }).waitFor()
    await accessible(window)
  })
  await step('a volume is made, and a snapshot of it', async () => {
    await page.goto('/#/volumes')
    await page.getByRole('button', { name: 'New volume' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('data')
    await dialog.getByLabel('Size in GiB').fill('1')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('button', { name: 'Snapshot data' }).click({ timeout: 60_000 })
    await dialog.getByRole('button', { name: 'Take it' }).click()
    await page.getByRole('link', { name: 'Snapshots' }).click()
    await page.getByRole('cell', { name: 'data-snapshot', exact: true }).waitFor()
    await accessible(window)
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}
