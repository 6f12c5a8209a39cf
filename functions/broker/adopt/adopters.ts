import type { ReadableKind } from '../../../db/kinds.ts'
import { takeFloatingIp } from './floating-ip.ts'
import { takeImage } from './image.ts'
import { takeKeypair } from './keypair.ts'
import { takeNetwork, takeSubnet } from './network.ts'
import type { Adopter } from './plan.ts'
import { takePort } from './port.ts'
import { takeRouter } from './router.ts'
import { takeSecurityGroup } from './security-group.ts'
import { takeServer } from './server.ts'
import { takeSnapshot } from './snapshot.ts'
import { takeAttached, takeVolume } from './volume.ts'

/** How objects of each kind become rows. */
export const adopters: Record<ReadableKind, Adopter> = {
  network: takeNetwork,
  subnet: takeSubnet,
  security_group: takeSecurityGroup,
  port: takePort,
  volume: takeVolume,
  image: takeImage,
  server: takeServer,
  router: takeRouter,
  floating_ip: takeFloatingIp,
  snapshot: takeSnapshot,
  attachment: takeAttached,
  keypair: takeKeypair,
}
