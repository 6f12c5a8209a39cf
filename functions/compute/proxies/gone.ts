import { Fault } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

/**
 * What Nova itself has taken away, whatever version is spoken: it was of a network service of its own, of cells, of agents in
 * guests (nova/api/openstack/compute, the controllers that raise `HTTPGone`).
 */
const GONE = [
  'os-agents',
  'os-cells',
  'os-certificates',
  'os-cloudpipe',
  'os-fixed-ips',
  'os-floating-ip-dns',
  'os-floating-ips-bulk',
  'os-fping',
  'os-security-group-default-rules',
]

const gone = () => {
  throw new Fault(410, 'This resource is no longer available. No forwarding address is given.')
}

const answering = (name: string, method: Operation['method'], path: string): Operation =>
  operation({
    name,
    method,
    path,
    who: method === 'GET' ? 'reader' : 'member',
    summary: 'Gone, as in Nova.',
    status: 200,
    handle: gone,
  })

export const goneOperations: Operation[] = [
  ...GONE.flatMap((word) => {
    const name = word.slice(3).replaceAll('-', '_')
    return [answering(`${name}.list`, 'GET', `/${word}`), answering(`${name}.create`, 'POST', `/${word}`)]
  }),
  answering('network.create', 'POST', '/os-networks'),
  answering('network.delete', 'DELETE', '/os-networks/:id'),
  answering('tenant_network.create', 'POST', '/os-tenant-networks'),
  answering('tenant_network.delete', 'DELETE', '/os-tenant-networks/:id'),
  // Of a hypervisor that is no more; `remote-consoles` took their place.
  answering('console.list', 'GET', '/servers/:id/consoles'),
  answering('console.create', 'POST', '/servers/:id/consoles'),
  answering('console.show', 'GET', '/servers/:id/consoles/:console'),
  answering('console.delete', 'DELETE', '/servers/:id/consoles/:console'),
]
