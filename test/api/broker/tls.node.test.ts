import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { trusting } from '../../../functions/runtime/trusting.ts'
import { fake } from '../../adapters/vsphere/fake.ts'
import { playing } from '../../adapters/vsphere/scene.ts'
import { type Authority, type Issued, issuedBy, newAuthority, selfSigned } from '../../support/certificates.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const CREDENTIALS = { username: 'plimsoll@vsphere.local', password: 's3cret-of-vcenter' }
const SIZES = { sizes: [{ name: 'vs.small', vcpus: 1, ram_mib: 512 }] }

describe('a vCenter whose certificate no public authority signed', () => {
  let own: Issued
  let signed: Issued
  let authority: Authority
  let server: Server | undefined
  let plimsoll: Plimsoll
  let heard: string[]

  beforeAll(async () => {
    own = await selfSigned()
    authority = await newAuthority()
    signed = await issuedBy(authority)
  })
  afterEach(async () => {
    server?.closeAllConnections()
    server?.close()
  })

  /** A vCenter on this machine that shows the certificate, and notes everything that reaches it. */
  const listening = async ({ certificate, key }: Issued): Promise<string> => {
    heard = []
    const vcenter = fake(
      playing({ mark: '', power: 'poweredOn', serial: null, file: () => new Response(null, { status: 404 }) }),
    )
    server = createServer({ cert: certificate, key }, async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      heard.push(body)
      const answer = await vcenter.surroundings.fetch(`https://vc.example${request.url}`, { body, method: 'POST' })
      const cookies = answer.headers.getSetCookie()
      response.writeHead(answer.status, cookies.length ? { 'set-cookie': cookies } : {})
      response.end(Buffer.from(await answer.arrayBuffer()))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const register = async (endpoint: string, tls?: object) => {
    plimsoll = await startPlimsoll({ clouds: [], fetch: (input, init) => fetch(input, init), trusting })
    const options = { ...SIZES, allow_private: true, ...(tls ? { tls } : {}) }
    const cloud = { name: 'dc1', type: 'vsphere', endpoint, options, credentials: CREDENTIALS, enabled: true }
    return plimsoll.as('admin').post('/broker/v1/clouds', { cloud })
  }
  const check = async (endpoint: string, tls?: object) => {
    expect((await register(endpoint, tls)).status).toBe(201)
    return (await plimsoll.as('admin').post('/broker/v1/clouds/dc1/check')).body.check
  }
  const refusal = async (endpoint: string, tls?: object): Promise<string> => {
    const report = await check(endpoint, tls)
    expect([report.reachable, heard]).toEqual([false, []])
    return report.warnings.join(' ')
  }

  it('is spoken to by its fingerprint, as browsers write it or without colons', async () => {
    const endpoint = await listening(own)
    const plain = own.fingerprint.replaceAll(':', '').toLowerCase()
    for (const fingerprint of [own.fingerprint, plain]) {
      const report = await check(endpoint, { fingerprint })
      expect([report.reachable, report.account]).toEqual([true, 'DOM\\u'])
    }
    expect(heard.some((body) => body.includes(CREDENTIALS.password))).toBe(true)
  })

  it('is not told anything by whoever has another fingerprint, which is named', async () => {
    const endpoint = await listening(own)
    const words = await refusal(endpoint, { fingerprint: signed.fingerprint })
    expect(words).toContain(`its fingerprint is ${own.fingerprint}`)
  })

  it('is spoken to by its authority, which vouches for the name', async () => {
    const endpoint = await listening(signed)
    expect((await check(endpoint, { ca: authority.certificate })).reachable).toBe(true)
    const both = `${own.certificate}${authority.certificate}`
    expect((await check(endpoint.replace('127.0.0.1', 'localhost'), { ca: both })).reachable).toBe(true)
  })

  it('is not told anything where the authority vouches for another name', async () => {
    const endpoint = await listening(await issuedBy(authority, 'other.example'))
    expect(await refusal(endpoint, { ca: authority.certificate })).toMatch(/is not believed: .*127\.0\.0\.1/)
  })

  it('is not told anything where another authority is trusted, or none', async () => {
    const other = await newAuthority()
    const endpoint = await listening(signed)
    expect(await refusal(endpoint, { ca: other.certificate })).toMatch(/is not believed/)
    const words = await refusal(endpoint)
    expect(words).toMatch(/The certificate of https:\/\/127\.0\.0\.1:\d+ is not believed: unable to verify/)
    expect(words).toContain('options.tls')
  })

  it('is not reached at an address that is private, whatever its certificate', async () => {
    const endpoint = await listening(own)
    const send = trusting({ ca: null, fingerprint: own.fingerprint.replaceAll(':', '').toLowerCase() }, (address) =>
      /^127\.|^::1$/.test(address),
    )
    await expect(send(endpoint.replace('127.0.0.1', 'localhost'))).rejects.toMatchObject({
      cause: { message: 'localhost leads to a private address.' },
    })
    expect(heard).toEqual([])
  })

  it.each([
    [{}],
    [{ fingerprint: '12:34' }],
    [{ fingerprint: 7 }],
    [{ ca: 'no certificate' }],
    [{ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
    [{ verify: false }],
    ['off'],
  ])('is not registered with %j', async (tls) => {
    const { status, body } = await register('https://127.0.0.1', tls as object)
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('Option tls must be an object')])
  })
  it('is not registered with both', async () => {
    const tls = { ca: authority.certificate, fingerprint: own.fingerprint }
    expect((await register('https://127.0.0.1', tls)).status).toBe(400)
  })

  it('sends bodies as they are, and gives answers as fetch gives them', async () => {
    const endpoint = await listening(own)
    const send = trusting({ ca: null, fingerprint: own.fingerprint.replaceAll(':', '').toLowerCase() }, () => false)
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('<soapenv:Body><Login'))
        controller.close()
      },
    })
    const answer = await send(endpoint, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(answer.headers.getSetCookie()).toHaveLength(2)
    expect(await answer.text()).toContain('<userName>')
    const request = new Request(endpoint, { method: 'POST', body: 'a whole request' })
    expect((await send(request)).status).toBe(500)
    expect(heard).toEqual(['<soapenv:Body><Login', 'a whole request'])
  })
})
