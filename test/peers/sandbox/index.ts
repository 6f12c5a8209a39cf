import { playStory } from '../openstackclient/index.ts'
import { look } from '../openstackclient/story.ts'
import type { Api } from '../support/api.ts'
import { inventory } from '../support/cloud.ts'
import type { Report } from '../support/report.ts'

/** The OpenStack client on the embedded cloud, as a first start leaves it. */
export const sandbox = (report: Report): Promise<void> =>
  playStory('sandbox', report, async ({ admin, broker }) => {
    await inventory(admin, broker, 'sandbox')
    return {
      vars: {
        cloud: 'sandbox',
        zone: 'sandbox.a',
        image: 'sandbox-linux',
        flavor: 'm1.tiny',
        bigger: 'm1.small',
        external: 'public',
      },
      seen: (moment) =>
        moment === 'server built'
          ? [
              look('the binding names the server', async ({ vars }) => {
                const { bindings } = await admin.must('GET', `/broker/v1/bindings?resource_id=${vars.vm1}`)
                if (bindings.length !== 1 || !bindings[0].native_id) throw new Error(JSON.stringify(bindings))
              }),
            ]
          : [],
      leftovers: () => live(admin),
    }
  })

/** Bindings that still stand for something on the cloud. The images of its catalogue are nobody's. */
export const live = async (admin: Api): Promise<string[]> => {
  const { bindings } = await admin.must('GET', '/broker/v1/bindings?cloud=sandbox')
  return bindings
    .filter((b: { phase: string; project_id: string }) => b.phase !== 'gone' && b.project_id)
    .map((b: { kind: string; native_id: string }) => `${b.kind} ${b.native_id}`)
}
