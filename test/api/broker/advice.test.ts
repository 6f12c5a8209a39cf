import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { runtime } from '../../support/runtime.ts'

const vcenter = {
  name: 'dc1',
  type: 'vsphere',
  endpoint: 'https://vc.example',
  options: { sizes: [{ name: 'vs.small', vcpus: 1, ram_mib: 512 }], allow_private: true },
  credentials: { username: 'u', password: 'p' },
}
const tls = { fingerprint: `${'ab:'.repeat(31)}ab` }

describe('whoever registers a cloud', () => {
  let plimsoll: Plimsoll
  beforeEach(async () => {
    plimsoll = await startPlimsoll({ clouds: [] })
  })
  const register = (cloud: object) => plimsoll.as('admin').post('/broker/v1/clouds', { cloud })

  it('is told what its certificate needs where the runtime decides that, then and later', async () => {
    const { status, body } = await register(vcenter)
    expect(status).toBe(201)
    expect(body.cloud.advice).toEqual(
      runtime === 'node' ? [] : [expect.stringMatching(/certificates of a public authority/), expect.any(String)],
    )
    const { cloud } = (await plimsoll.as('admin').get('/broker/v1/clouds/dc1')).body
    const [listed] = (await plimsoll.as('admin').get('/broker/v1/clouds')).body.clouds
    for (const each of [cloud, listed]) expect(each.advice).toEqual(body.cloud.advice)
  })

  it('may name a fingerprint on Node alone, and is told why not elsewhere', async () => {
    const { status, body } = await register({ ...vcenter, options: { ...vcenter.options, tls } })
    if (runtime === 'node') expect(status).toBe(201)
    else expect([status, body.error.message]).toEqual([400, expect.stringMatching(/^Option tls works on Node alone/)])
  })

  it('is told nothing of a cloud that needs nothing', async () => {
    expect((await register({ name: 'lab', type: 'sandbox' })).body.cloud.advice).toEqual([])
  })
})
