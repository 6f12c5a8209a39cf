import type { Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { makeAccess } from './access.ts'
import { makeImages } from './images.ts'
import { makeNetwork } from './network.ts'
import { makeServer, workServer } from './server.ts'
import { makeVolumes } from './volumes.ts'

/** What a member of a project makes at Horizon. */
export const makesThings = async (teller: Teller, { ids }: Ground): Promise<void> => {
  const network = await makeNetwork(teller)
  const group = await makeAccess(teller)
  const volume = await makeVolumes(teller)
  const server = await makeServer(teller, { image: ids.image, flavor: ids.flavor, network, group, volume })
  await workServer(teller, server)
  await makeImages(teller)
  await teller.fill('create an application credential', '/identity/application_credentials/create/', {
    name: 'horizon-credential',
    secret: 'a secret of it',
  })
}
