import { imageNamed } from '../support/builders.ts'
import { ORIGIN, PASSWORD, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import type { Side } from './side.ts'

/** A broker of its own, furnished as the services are of which there is a recording. */
export const ours = async (): Promise<Side> => {
  const plimsoll = await startPlimsoll()
  await plimsoll.newProject('alt', { clouds: ['sandbox'] })
  await plimsoll.newUser('reader', 'demo', ['reader'])
  const admin = plimsoll.as('admin')
  const ext = (await admin.get('/network/v2.0/networks?router:external=True')).body.networks[0]
  const places = ['identity', 'image', 'network', 'compute', 'volume']
  return {
    vars: {
      password: PASSWORD,
      ...people(plimsoll),
      ext: ext.id,
      image: await imageNamed(admin),
    },
    bases: Object.fromEntries(places.map((place) => [place, `${ORIGIN}/${place}`])),
    send: async (who, method, path, headers, body) => {
      const token = who === 'nobody' ? null : await plimsoll.as(who).token()
      const request = new Request(ORIGIN + path, {
        method,
        headers: { ...(token ? { 'X-Auth-Token': token } : {}), ...headers },
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      })
      const response = await plimsoll.app.fetch(request, { peer: '192.0.2.1' })
      const text = await response.text()
      await plimsoll.runDeferred()
      return { status: response.status, headers: response.headers, text }
    },
    rest: restOf(plimsoll),
  }
}

const people = (plimsoll: Plimsoll): Record<string, string> => ({
  ...Object.fromEntries(
    ['admin', 'demo', 'alt'].flatMap((name) => [
      [`p_${name}`, plimsoll.projectId(name)],
      [`u_${name}`, plimsoll.userId(name)],
    ]),
  ),
  u_reader: plimsoll.userId('reader'),
  ...Object.fromEntries(['member', 'reader', 'admin'].map((name) => [`r_${name}`, plimsoll.roleId(name)])),
})

/** A world at rest stays as it is, but for what is due after a while. */
const restOf = (plimsoll: Plimsoll) => async (turn: number) => {
  await plimsoll.settle()
  return turn < 3
}
