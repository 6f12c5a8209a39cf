import { lookAt } from '../aws/look.ts'
import { connection as motoConnection } from '../moto/cloud.ts'
import { launch as launchMoto } from '../moto/launch.ts'
import { disagreements } from '../sandbox/agree.ts'
import { live } from '../sandbox/index.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { connection as vcenterConnection } from '../vsphere/cloud.ts'
import { launch as launchVcsim } from '../vsphere/launch.ts'
import { marked } from '../vsphere/seen.ts'
import { libvirt } from './kvm.ts'
import { secondTemplate } from './second-template.ts'

/** Guests that boot, and let their user in by SSH. */
export interface Guests {
  /** By its name. */
  image: string
  /** The same, for who uploads it. */
  file: string
  user: string
  /** A folder of a guest's that outlives a boot. */
  folder: string
  /** Words before a command that bring it to where guests are reached, and the broker too. */
  entering: string[]
}

/** A cloud as Tempest is pointed at it: registered with the broker, by names of its catalogue. */
export interface Stage {
  cloud: string
  image: string
  otherImage: string
  flavor: string
  otherFlavor: string
  /** Servers that people log in to; absent: the cloud runs no guests. */
  guests?: Guests
  /** Takes away what the stage itself has by way of the broker. */
  clear?(): Promise<unknown>
  /** What on the cloud itself carries our mark. */
  leftovers(): Promise<string[]>
  /** Where the cloud itself and the broker's rows are of two minds. Absent: nobody looks while tests run. */
  disagreements?(): string[]
  close(): Promise<unknown>
}

type Registration = Pick<ReturnType<typeof motoConnection>, 'endpoint' | 'region' | 'options' | 'credentials'>

const register = async (admin: Api, name: string, type: string, given: Registration): Promise<void> => {
  const { endpoint, region, options, credentials } = given
  const cloud = { name, type, endpoint, region, options: { ...options, allow_private: true }, credentials }
  await admin.must('POST', '/broker/v1/clouds', { cloud })
}

/** Shorter than a person would like to watch, and long enough that every state is seen. */
export const QUICK = ['build', 'boot', 'stop', 'resize', 'delete', 'volume', 'snapshot', 'image', 'attach'].map(
  (what) => [`${what}_ms`, 200],
)

/** The embedded cloud of a first start. */
const sandbox = async (admin: Api, broker: Broker): Promise<Stage> => {
  await admin.must('PATCH', '/broker/v1/clouds/sandbox', { cloud: { options: Object.fromEntries(QUICK) } })
  return {
    cloud: 'sandbox',
    image: 'sandbox-linux',
    otherImage: 'sandbox-linux-minimal',
    flavor: 'm1.tiny',
    otherFlavor: 'm1.small',
    leftovers: () => live(admin),
    disagreements: () => disagreements(broker.folder),
    close: async () => {},
  }
}

const AMIS = ['amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2', 'amzn2-ami-hvm-2.0.20180810-x86_64-gp2'] as const

const aws = async (admin: Api): Promise<Stage> => {
  const moto = await launchMoto()
  const given = motoConnection(moto.url)
  const images = { owners: ['amazon'], names: [...AMIS] }
  await register(admin, 'aws-east', 'aws', { ...given, options: { ...given.options, images } })
  const [image, otherImage] = AMIS
  return {
    cloud: 'aws-east',
    image,
    otherImage,
    flavor: 't3.micro',
    otherFlavor: 't3.small',
    leftovers: lookAt(moto.url).leftovers,
    close: moto.stop,
  }
}

const vsphere = async (admin: Api): Promise<Stage> => {
  const vcsim = await launchVcsim()
  const given = vcenterConnection(vcsim.url)
  const otherImage = await secondTemplate(given)
  await register(admin, 'dc1-vsphere', 'vsphere', given)
  return {
    cloud: 'dc1-vsphere',
    image: 'debian-12',
    otherImage,
    flavor: 'vs.small',
    otherFlavor: 'vs.medium',
    leftovers: async () => marked(await vcsim.inventory()),
    close: vcsim.stop,
  }
}

export const STAGES = { sandbox, aws, vsphere, libvirt } satisfies Record<
  string,
  (admin: Api, broker: Broker) => Promise<Stage>
>
export type CloudName = keyof typeof STAGES
