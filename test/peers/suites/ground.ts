import { disagreements, watchAgreement } from '../sandbox/agree.ts'
import { type Api, logIn, logInAs } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { inventory } from '../support/cloud.ts'
import type { Report } from '../support/report.ts'
import { inRounds } from '../support/told.ts'
import { uploadImage } from '../support/upload.ts'
import { letProjectsBegin } from '../tempest/accounts.ts'
import { QUICK } from '../tempest/clouds.ts'

/** A broker on Node with the embedded cloud, furnished as suites expect a deployment to be: as DevStack leaves one. */
export interface Ground {
  broker: Broker
  admin: Api
  demo: Api
  /** Ids by what they are to a suite. */
  ids: Ids
  /** Done when it stops; what was begun last ends first. */
  ends: (() => unknown)[]
  /** Reports whether the cloud held what the rows said, all the time. */
  agreed(report: Report, story: string): void
  stop(): Promise<void>
}

interface Ids {
  image: string
  flavor: string
  otherFlavor: string
  /** A network that leads outside. */
  external: string
}

/** People whom suites log in as, each in a project with a network. */
export const PERSONS = {
  admin: { name: 'admin', project: 'admin' },
  demo: { name: 'demo', project: 'demo' },
  alt: { name: 'alt_demo', project: 'alt_demo' },
} as const
export type PersonName = keyof typeof PERSONS

/** The names that DevStack gives. */
export const NETWORK = 'private'
const SUBNET = 'private-subnet'
const ZONE = 'nova'
const ROUTER = 'router1'
const GROUP = 'admins'
/** What the way out of the cloud is called, which has no subnet to see. */
export const EXTERNAL = 'public'
const OUTSIDE = ['/network/v2.0/networks?router:external=True', 'networks', EXTERNAL] as const
/** An administrator's own way out, with the subnet that DevStack gives its `public`; that name is the cloud's. */
export const DRAWN_EXTERNAL = 'public-drawn'
const DRAWN_SUBNET = { name: 'public-subnet', ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false }
export const IMAGE = 'cirros-0.6.3-x86_64-disk'
const IMAGE_BYTES = 1024 * 1024
export const FLAVOR = 'm1.acctest'
export const ALT_PASSWORD = 'peers-alt-password'

interface Furniture {
  /** Whether there are flavors for acceptance tests besides the cloud's own. */
  flavors?: boolean
  /** Whether the way out is one that an administrator drew, with a subnet. */
  drawn?: boolean
  /** Whose the one network of that name is: administrators see those of everybody. */
  networkOf?: PersonName
  /** Of the broker. */
  settings?: Record<string, string>
}

export const layGround = async ({
  flavors = true,
  drawn = false,
  networkOf = 'demo',
  settings = {},
}: Furniture = {}): Promise<Ground> => {
  const broker = await startBroker('node', settings)
  const ends: (() => unknown)[] = [() => broker.stop()]
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await admin.must('PATCH', '/broker/v1/clouds/sandbox', { cloud: { options: Object.fromEntries(QUICK) } })
    await inventory(admin, broker, 'sandbox')
    await letProjectsBegin(admin, 'sandbox')
    await admin.must('PUT', `/broker/v1/projects/${admin.projectId}/clouds/sandbox`, { mapping: {} })
    await makeZone(admin)
    await admin.must('POST', '/identity/v3/groups', { group: { name: GROUP } })
    const alt = await newcomer(broker, admin)
    const external = await (drawn ? drawOutside(admin) : idOf(admin, ...OUTSIDE))
    await makeNetwork({ admin, demo, alt }[networkOf], external)
    await makePool(admin)
    inRounds({ broker, ends })
    return {
      broker,
      admin,
      demo,
      ids: { ...(await idsOf(broker, admin, flavors)), external },
      ends,
      agreed: watchAgreement(() => disagreements(broker.folder)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const newcomer = async (broker: Broker, admin: Api): Promise<Api> => {
  const { name, project } = PERSONS.alt
  const made = await admin.must('POST', '/identity/v3/projects', { project: { name: project } })
  const { user } = await admin.must('POST', '/identity/v3/users', { user: { name, password: ALT_PASSWORD } })
  const { roles } = await admin.must('GET', '/identity/v3/roles?name=member')
  await admin.must('PUT', `/identity/v3/projects/${made.project.id}/users/${user.id}/roles/${roles[0].id}`)
  return logInAs(broker, { name, password: ALT_PASSWORD, project })
}

/** All zones of the cloud together, as the one of the name that DevStack has. */
const makeZone = async (admin: Api): Promise<void> => {
  const at = '/compute/v2.1/os-aggregates'
  const { aggregate } = await admin.must('POST', at, { aggregate: { name: ZONE, availability_zone: ZONE } })
  const { services } = await admin.must('GET', '/compute/v2.1/os-services?binary=nova-compute')
  for (const { host } of services) await admin.must('POST', `${at}/${aggregate.id}/action`, { add_host: { host } })
}

/** The pool that subnets come from where nobody names one. */
const makePool = async (admin: Api): Promise<void> => {
  const prefixes = { prefixes: ['10.1.0.0/20'], default_prefixlen: 26 }
  const subnetpool = { name: 'shared-default-subnetpool-v4', ...prefixes, shared: true, is_default: true }
  await admin.must('POST', '/network/v2.0/subnetpools', { subnetpool })
}

const drawOutside = async (admin: Api): Promise<string> => {
  const at = '/network/v2.0'
  const wish = { name: DRAWN_EXTERNAL, 'router:external': true }
  const { network } = await admin.must('POST', `${at}/networks`, { network: wish })
  await admin.must('POST', `${at}/subnets`, { subnet: { ...DRAWN_SUBNET, network_id: network.id } })
  return network.id
}

/** A network of their own, with a way outside. */
const makeNetwork = async (person: Api, external: string): Promise<void> => {
  const at = '/network/v2.0'
  const { network } = await person.must('POST', `${at}/networks`, { network: { name: NETWORK } })
  const wish = { network_id: network.id, name: SUBNET, ip_version: 4, cidr: '10.0.0.0/26' }
  const { subnet } = await person.must('POST', `${at}/subnets`, { subnet: wish })
  const external_gateway_info = { network_id: external }
  const { router } = await person.must('POST', `${at}/routers`, { router: { name: ROUTER, external_gateway_info } })
  await person.must('PUT', `${at}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
}

const idOf = async (person: Api, path: string, collection: string, name: string): Promise<string> => {
  const found = (await person.must('GET', path))[collection].find((each: { name: string }) => each.name === name)
  if (!found) throw new Error(`there is no ${name} in ${path}`)
  return found.id
}

/** As gophercloud's own `script/stackenv` makes them. */
const makeFlavor = async (admin: Api, name: string, more: Record<string, number>): Promise<string> => {
  const flavor = { name, ram: 512, vcpus: 1, disk: 10, ...more }
  return (await admin.must('POST', '/compute/v2.1/flavors', { flavor })).flavor.id
}

/** For everybody, of an administrator: an image that can be changed, as those of a cloud's catalogue cannot. */
const makeImage = (broker: Broker, admin: Api): Promise<string> =>
  uploadImage(broker, admin, { name: IMAGE, disk_format: 'raw', visibility: 'public' }, new Uint8Array(IMAGE_BYTES))

const FLAVORS = ['/compute/v2.1/flavors', 'flavors'] as const

const idsOf = async (broker: Broker, admin: Api, flavors: boolean): Promise<Omit<Ids, 'external'>> => ({
  image: await makeImage(broker, admin),
  flavor: await (flavors ? makeFlavor(admin, FLAVOR, {}) : idOf(admin, ...FLAVORS, 'm1.tiny')),
  otherFlavor: await (flavors
    ? makeFlavor(admin, 'm1.resize', { ram: 1024, disk: 11 })
    : idOf(admin, ...FLAVORS, 'm1.small')),
})
