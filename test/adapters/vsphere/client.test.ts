import { describe, expect, it } from 'vitest'
import { childrenOf } from '../../../adapters/shared/xml.ts'
import { connectVim, sdkUrl } from '../../../adapters/vsphere/wire/client.ts'
import { below, look } from '../../../adapters/vsphere/wire/properties.ts'
import { ref } from '../../../adapters/vsphere/wire/soap.ts'
import { about, connection, fake, fault } from './fake.ts'

const SERVICE = ref('ServiceInstance', 'ServiceInstance')
const TIME = '<CurrentTimeResponse xmlns="urn:vim25"><returnval>2026-11-20T10:00:00Z</returnval></CurrentTimeResponse>'
const object = (id: string) =>
  `<objects><obj type="VirtualMachine">${id}</obj><propSet><name>name</name><val xsi:type="xsd:string">n-${id}</val></propSet></objects>`
const page = (method: string, ids: string[], token?: string) =>
  `<${method}Response xmlns="urn:vim25"><returnval>${token ? `<token>${token}</token>` : ''}${ids.map(object).join('')}</returnval></${method}Response>`

describe('the session', () => {
  it('begins with the first call, says who it is, and is remembered', async () => {
    const { asked, methods, surroundings } = fake(() => TIME)
    const vim = connectVim(connection(), surroundings)
    await vim.call(SERVICE, 'CurrentTime')
    await connectVim(connection(), surroundings).call(SERVICE, 'CurrentTime')
    expect(methods()).toEqual([
      'RetrieveServiceContent',
      'RetrieveServiceContent',
      'Login',
      'CurrentTime',
      'CurrentTime',
    ])
    expect(asked.map(({ url }) => url)).toEqual(Array(5).fill('https://vc.example/sdk'))
    expect(asked[2]?.body).toContain('<userName>u</userName><password>p&lt;&amp;&gt;</password>')
    expect(asked[3]?.headers.get('cookie')).toBe('vmware_soap_session="s-1"')
    expect(asked.map(({ headers }) => headers.get('soapaction'))).toEqual([
      '"urn:vim25"',
      ...Array(4).fill('"urn:vim25/8.0.3.0"'),
    ])
    expect(await vim.user()).toBe('DOM\\u')
  })

  it('is begun anew once when vCenter has forgotten it', async () => {
    let refusals = 1
    const { asked, methods, surroundings } = fake(() => (refusals-- > 0 ? fault('NotAuthenticated') : TIME))
    const vim = connectVim(connection(), surroundings)
    await vim.call(SERVICE, 'CurrentTime')
    expect(methods().filter((method) => method === 'Login')).toHaveLength(2)
    expect(asked.at(-1)?.headers.get('cookie')).toBe('vmware_soap_session="s-2"')
    refusals = 2
    await expect(vim.call(SERVICE, 'CurrentTime')).rejects.toMatchObject({ code: 'denied' })
  })

  it('goes in the header of the service of disks', async () => {
    const { asked, surroundings } = fake(() => '<XResponse xmlns="urn:vslm"/>')
    await connectVim(connection(), surroundings).storage('X')
    expect(asked.at(-1)).toMatchObject({ url: 'https://vc.example/vslm/sdk' })
    expect(asked.at(-1)?.body).toContain('<vcSessionCookie>s-1</vcSessionCookie>')
  })

  it.each(['6.7.3', '5.5.0'])('is not begun with vCenter %s', async (version) => {
    const { methods, surroundings } = fake(() => TIME, version)
    await expect(connectVim(connection(), surroundings).content()).rejects.toThrow(/too old/)
    expect(methods()).toEqual(['RetrieveServiceContent'])
  })

  it('is not begun with a single host', async () => {
    const { surroundings } = fake(() => TIME)
    const alone: typeof fetch = async () =>
      new Response(`<e:Envelope xmlns:e="x"><e:Body>${about('8.0.0', 'HostAgent')}</e:Body></e:Envelope>`)
    await expect(connectVim(connection(), { ...surroundings, fetch: alone }).content()).rejects.toThrow(
      /single ESXi host/,
    )
  })

  it.each([
    ['a broken line', new TypeError('fetch failed')],
    ['a proxy’s page', new Response('<!doctype html>', { status: 502 })],
    ['half an answer', '<XResponse>'],
  ])('does not know what happened after %s', async (_, answer) => {
    const { surroundings } = fake(() => answer)
    await expect(connectVim(connection(), surroundings).call(SERVICE, 'X')).rejects.toMatchObject({ code: 'ambiguous' })
  })

  it.each([
    ['https://vc.example', 'https://vc.example/sdk'],
    ['https://vc.example:8443/', 'https://vc.example:8443/sdk'],
    ['https://vc.example/sdk', 'https://vc.example/sdk'],
  ])('of %s is at %s', (endpoint, url) => {
    expect(sdkUrl(endpoint)).toBe(url)
  })
})

describe('properties', () => {
  const machines = (vim: ReturnType<typeof connectVim>) =>
    below(vim, ref('Folder', 'group-d1'), { VirtualMachine: ['name'] })
  const view =
    '<CreateContainerViewResponse xmlns="urn:vim25"><returnval type="ContainerView">v-1</returnval></CreateContainerViewResponse>'
  const ids = (found: { ref: { id: string } }[]) => found.map((each) => each.ref.id)

  it('are read to the last page, and the view is closed', async () => {
    const tokens = ['t-2', 't-3', undefined]
    let pages = 0
    const { asked, methods, surroundings } = fake(({ method }) => {
      if (method === 'CreateContainerView') return view
      if (method === 'DestroyView') return '<DestroyViewResponse xmlns="urn:vim25"/>'
      pages++
      return page(method, [`vm-${pages}`], tokens[pages - 1])
    })
    const found = await machines(connectVim(connection(), surroundings))
    expect(ids(found)).toEqual(['vm-1', 'vm-2', 'vm-3'])
    expect(found[0]?.props.get('name')?.text).toBe('n-vm-1')
    expect(methods().slice(3)).toEqual([
      'CreateContainerView',
      'RetrievePropertiesEx',
      'ContinueRetrievePropertiesEx',
      'ContinueRetrievePropertiesEx',
      'DestroyView',
    ])
    expect(asked[5]?.body).toContain('<token>t-2</token>')
    expect(childrenOf(undefined, 'x')).toEqual([])
  })

  it('are asked for again from the beginning when the session ends between two pages', async () => {
    let ended = false
    const { surroundings } = fake(({ method, headers }) => {
      if (method === 'CreateContainerView') return view
      if (method === 'DestroyView') return '<DestroyViewResponse xmlns="urn:vim25"/>'
      if (method === 'RetrievePropertiesEx') return page(method, ['vm-1'], 't-2')
      if (ended)
        return headers.get('cookie')?.includes('s-2') && asksAgain++ === 0
          ? fault('InvalidArgument')
          : page(method, ['vm-2'])
      ended = true
      return fault('NotAuthenticated')
    })
    let asksAgain = 0
    expect(ids(await machines(connectVim(connection(), surroundings)))).toEqual(['vm-1', 'vm-2'])
  })

  it('of nothing are nothing, without a call', async () => {
    const { methods, surroundings } = fake(() => TIME)
    expect(await look(connectVim(connection(), surroundings), [], ['name'])).toEqual([])
    expect(methods()).toEqual([])
  })
})
