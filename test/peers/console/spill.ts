import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { patiently } from '../support/patiently.ts'
import { accessible, picture, type Window } from './browser.ts'

interface Story {
  broker: Broker
  admin: Api
  demo: Api
  window: Window
  folder: string
}

/** Share of home up to which it is filled, and servers of eight vCPUs that are more than that. */
const MARK = 0.5
const SERVERS = 9
const PATIENCE = 20_000

/** A home with a mark, and more servers than it takes: the page says which cloud holds how much, and what has spilled. */
export const spillOver = async ({ broker, admin, demo, window, folder }: Story): Promise<void> => {
  const { page } = window
  // Both have the image, under one name.
  const shared = { 'images.as': { linux: 'sandbox-linux' } }
  await admin.must('PATCH', '/broker/v1/clouds/sandbox', { cloud: { options: shared } })
  const zones = [{ name: 'north', vcpus: 160, ram_mib: 655_360, disk_gib: 8_000 }]
  await admin.must('POST', '/broker/v1/clouds', {
    cloud: { name: 'overflow', type: 'sandbox', region: 'north', options: { ...shared, zones } },
  })
  const project = `/broker/v1/projects/${demo.projectId}`
  await admin.must('PUT', `${project}/clouds/overflow`, { mapping: {} })
  const policy = { chain: ['sandbox', 'overflow'], marks: { sandbox: MARK } }
  // Until the room of home is known.
  await patiently(() => admin.must('PUT', `${project}/policy`, { policy }), PATIENCE)
  const wish = await patiently(async () => {
    const { images } = await demo.must('GET', '/image/v2/images?name=linux')
    const wish = { imageRef: images[0].id, flavorRef: '4', networks: 'none' }
    const { placement } = await demo.must('POST', '/broker/v1/placements', {
      placement: { flavor: wish.flavorRef, image: wish.imageRef, networks: 'none' },
    })
    const clouds = new Set(placement.places?.map(({ cloud }: { cloud: string }) => cloud))
    if (clouds.size < 2) throw new Error(`only ${[...clouds].join()}`)
    return wish
  }, PATIENCE)
  for (let i = 1; i <= SERVERS; i++) await make(broker, demo, { ...wish, name: `load-${i}` })
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Overview', exact: true }).click()
  await page.getByText(/servers? with \d+ vCPUs of this project ha(s|ve) spilled/).waitFor()
  await page.getByRole('img', { name: /^sandbox is filled to 50 %; its mark is at 50 %/ }).waitFor()
  await page.getByText('Nothing is being built.').waitFor()
  await accessible(window)
  await page.waitForTimeout(1_500)
  await picture(window, folder, 'overview')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.waitForTimeout(500)
  await picture(window, folder, 'overview-dark')
  await page.emulateMedia({ colorScheme: 'light' })
  const { servers } = await demo.must('GET', '/compute/v2.1/servers')
  for (const { id } of servers) await demo.must('DELETE', `/compute/v2.1/servers/${id}`)
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Servers', exact: true }).click()
  await page.getByText('No server yet').waitFor()
}

/** In the version that takes a server without networks. */
const make = async ({ url }: Broker, { token }: Api, server: object): Promise<void> => {
  const headers = {
    'X-Auth-Token': token,
    'Content-Type': 'application/json',
    'OpenStack-API-Version': 'compute 2.96',
  }
  const answer = await fetch(`${url}/compute/v2.1/servers`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ server }),
  })
  if (answer.status !== 202) throw new Error(await answer.text())
}
