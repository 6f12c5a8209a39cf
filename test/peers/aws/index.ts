import { DescribeImagesCommand } from '@aws-sdk/client-ec2'
import { adapterOnMoto } from '../moto/adapter.peer.ts'
import { launch, type Moto } from '../moto/launch.ts'
import { playStory } from '../openstackclient/index.ts'
import { look } from '../openstackclient/story.ts'
import { addCloud, dropSandbox, type People } from '../support/cloud.ts'
import type { Report } from '../support/report.ts'
import { type Look, lookAt } from './look.ts'
import { seenOnAws } from './seen.ts'

export const IMAGE = 'amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2'
export const CREDENTIALS = {
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

/** EC2, which is moto here: the adapter by itself, then the OpenStack client on both runtimes, with a look at what moto itself holds. */
export const aws = async (report: Report): Promise<void> => {
  await adapterOnMoto(report)
  const motos: Moto[] = []
  try {
    await playStory('aws', report, async (world) => {
      // One each: what is left over is then whose it is.
      const moto = await launch()
      motos.push(moto)
      await dropSandbox(world)
      await addEc2(world, moto.url)
      return stage(lookAt(moto.url))
    })
  } finally {
    for (const moto of motos) await moto.stop()
  }
}

/** EC2 beside whatever is there. */
export const addEc2 = (world: People, endpoint: string): Promise<void> =>
  addCloud(world, {
    name: 'aws-east',
    type: 'aws',
    endpoint,
    region: 'us-east-1',
    options: {
      allow_private: true,
      settle_seconds: 0,
      images: { owners: ['amazon'], names: [IMAGE] },
      instance_types: ['t3.*'],
    },
    credentials: CREDENTIALS,
  })

const stage = async (moto: Look) => {
  const { Images } = await moto.ec2.send(new DescribeImagesCommand({ Filters: [{ Name: 'name', Values: [IMAGE] }] }))
  const seen = seenOnAws(moto)
  return {
    vars: {
      cloud: 'aws-east',
      zone: 'aws-east.us-east-1a',
      image: IMAGE,
      ami: Images![0]!.ImageId!,
      flavor: 'm1.small',
      bigger: 'm1.medium',
      external: 'public',
    },
    seen: (moment: string) => [...seen(moment), ...(moment === 'server built' ? [bound] : [])],
    leftovers: () => moto.leftovers(),
  }
}

/** The line itself, as an admin sees it. */
const bound = look('the binding names the instance', async ({ admin, vars }) => {
  const { bindings } = await admin.must('GET', `/broker/v1/bindings?resource_id=${vars.vm1}`)
  if (bindings.length !== 1 || !/^i-/.test(bindings[0].native_id)) throw new Error(JSON.stringify(bindings))
})
