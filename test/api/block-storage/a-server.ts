import { insertServer, type ServerRow, serverById } from '../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../db/scope.ts'
import { charge } from '../../../functions/broker/line/commit.ts'
import { bindTo } from '../../../functions/broker/line/resources.ts'
import type { Plimsoll } from '../../support/harness.ts'

/** A server as the compute API would have made it, on its cloud. */
export const serverOn = async (plimsoll: Plimsoll, cloud = 'sandbox', zone = 'a'): Promise<ServerRow> => {
  const context = plimsoll.context('demo')
  const { images } = (await plimsoll.as('demo').get('/image/v2/images?name=sandbox-linux')).body
  const cloudId = plimsoll.cloudId(cloud)
  const id = context.newId()
  const projectId = plimsoll.projectId('demo')
  const now = context.now()
  const flavor = {
    id: '2',
    name: 'm1.small',
    vcpus: 1,
    ramMib: 2048,
    diskGib: 10,
    ephemeralGib: 0,
    swapMib: 0,
    extraSpecs: {},
  }
  const at = { cloudId, zone, native: 'sb.small', vcpus: 1, ramMib: 2048, diskGib: 10 }
  const image = images.find((each: Record<string, string>) => each['plimsoll:clouds'] === cloud)
  await plimsoll.db.batch([
    insertServer(plimsoll.db, {
      id,
      projectId,
      userId: plimsoll.userId('demo'),
      name: 's',
      hostname: 's',
      flavor,
      imageId: image.id,
      cloudId,
      zone,
      places: { at, next: [] },
      createdAt: now,
      updatedAt: now,
    }),
    ...Object.entries({ instances: 1, cores: 1, ram: 2048 }).map(([resource, n]) => charge(projectId, resource, n)),
    bindTo(context, 'server', { id, projectId }, { cloudId, zone }) as never,
  ])
  await plimsoll.settle()
  return (await serverById(plimsoll.db, everyProject, id))!
}
