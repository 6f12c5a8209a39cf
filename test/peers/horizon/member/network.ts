import { DRAWN_EXTERNAL } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { NET } from './names.ts'

/** A network with subnets and a port, behind a router. Gives its id. */
export const makeNetwork = async ({ fill, id }: Teller): Promise<string> => {
  await fill('create a network with a subnet', '/project/networks/create', {
    net_name: 'horizon-net',
    admin_state: true,
    with_subnet: true,
    subnet_name: 'horizon-subnet',
    cidr: '10.77.0.0/24',
    ip_version: '4',
    enable_dhcp: true,
    dns_nameservers: '192.0.2.53',
    allocation_pools: '10.77.0.10,10.77.0.99',
    host_routes: '198.51.100.0/24,10.77.0.9',
  })
  const network = await id(`${NET}/networks`, 'horizon-net')
  const subnet = await id(`${NET}/subnets`, 'horizon-subnet')
  await fill('edit a network', `/project/networks/${network}/update`, { name: 'horizon-net', admin_state: true })
  await fill('edit a subnet', `/project/networks/${network}/subnets/${subnet}/update`, {
    subnet_name: 'horizon-subnet',
  })
  await fill('create a second subnet', `/project/networks/${network}/subnets/create`, {
    subnet_name: 'horizon-second',
    cidr: 'fd00:77::/64',
    ip_version: '6',
    enable_dhcp: true,
  })
  await fill('create a port', `/project/networks/${network}/ports/create`, { name: 'horizon-port', admin_state: true })
  const port = await id(`${NET}/ports`, 'horizon-port')
  await fill('edit a port', `/project/networks/${network}/ports/${port}/update`, {
    name: 'horizon-port',
    admin_state: true,
  })
  await fill('allow an address pair', `/project/networks/ports/${port}/addallowedaddresspairs`, { ip: '10.77.0.200' })
  await fill('create a router', '/project/routers/create/', {
    name: 'horizon-router',
    external_network: DRAWN_EXTERNAL,
  })
  const router = await id(`${NET}/routers`, 'horizon-router')
  await fill('edit a router', `/project/routers/${router}/update`, { name: 'horizon-router', admin_state: true })
  await fill('add an interface to a router', `/project/routers/${router}/addinterface`, {
    subnet_id: 'horizon-net: 10.77',
  })
  await fill('add a static route to a router', `/project/routers/${router}/addrouterroute`, {
    destination: '203.0.113.0/24',
    nexthop: '10.77.0.8',
  })
  return network
}
