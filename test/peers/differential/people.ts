import { SECRET, SERVICES, urlOf } from './configuration.ts'

type Body = Record<string, unknown>

/** The services in the catalogue, and the people as whom they speak to each other. */
export const enrol = async (first: number): Promise<void> => {
  const base = `${urlOf(first, 'keystone')}/v3`
  const domain = { id: 'default' }
  const user = { name: 'admin', domain, password: SECRET }
  const auth = {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name: 'admin', domain } },
  }
  let token = ''
  // biome-ignore lint/suspicious/noExplicitAny: answers of many kinds
  const must = async (method: string, path: string, body?: Body): Promise<any> => {
    const response = await fetch(base + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...(token ? { 'X-Auth-Token': token } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    token ||= response.headers.get('x-subject-token') ?? ''
    return text ? JSON.parse(text) : null
  }
  await must('POST', '/auth/tokens', { auth })
  const { project } = await must('POST', '/projects', { project: { name: 'service' } })
  const { roles } = await must('GET', '/roles')
  for (const { name, type, path } of SERVICES.filter((each) => each.type !== 'identity')) {
    const made = await must('POST', '/users', { user: { name, password: SECRET } })
    for (const role of ['admin', 'service']) {
      const { id } = roles.find((each: Body) => each.name === role)
      await must('PUT', `/projects/${project.id}/users/${made.user.id}/roles/${id}`)
    }
    const { service } = await must('POST', '/services', { service: { name, type } })
    for (const each of ['public', 'internal']) {
      const endpoint = {
        service_id: service.id,
        interface: each,
        url: urlOf(first, name) + path,
        region_id: 'RegionOne',
      }
      await must('POST', '/endpoints', { endpoint })
    }
  }
}
