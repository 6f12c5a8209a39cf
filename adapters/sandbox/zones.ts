import type { Zone } from '../contract.ts'
import type { Engine } from './engine.ts'

/** Zones with their room: what servers and volumes hold of what there is. */
export const zones = (engine: Engine): Promise<Zone[]> => engine.call('cloud.zones', {}, () => engine.room.zones())
