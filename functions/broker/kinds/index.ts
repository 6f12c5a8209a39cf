import type { Kind } from '../../../adapters/contract.ts'
import type { Steps } from '../line/steps.ts'
import { attachmentSteps } from './attachment.ts'
import { floatingIpSteps } from './floating-ip.ts'
import { imageSteps } from './image.ts'
import { interfaceSteps } from './interface.ts'
import { keypairSteps } from './keypair.ts'
import { networkSteps } from './network.ts'
import { portSteps } from './port.ts'
import { routerSteps } from './router.ts'
import { securityGroupSteps } from './security-group.ts'
import { serverSteps } from './server.ts'
import { serverGroupSteps } from './server-group.ts'
import { snapshotSteps } from './snapshot.ts'
import { subnetSteps } from './subnet.ts'
import { volumeSteps } from './volume.ts'

/** One engine, one table of kinds. */
export const kinds: Record<Kind, Steps> = {
  network: networkSteps,
  subnet: subnetSteps,
  router: routerSteps,
  security_group: securityGroupSteps,
  port: portSteps,
  keypair: keypairSteps,
  floating_ip: floatingIpSteps,
  volume: volumeSteps,
  snapshot: snapshotSteps,
  image: imageSteps,
  server_group: serverGroupSteps,
  server: serverSteps,
  attachment: attachmentSteps,
  interface: interfaceSteps,
}
