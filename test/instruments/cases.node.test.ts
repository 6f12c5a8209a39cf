import { toldCalls } from '../../functions/broker/clouds/told-calls.ts'
import { adapterCases } from '../adapters/cases.ts'
import { sandboxWorld } from '../adapters/sandbox/world.ts'

/* A cloud each of whose calls is told of keeps all that clouds promise. */
adapterCases('sandbox, told of', async () => {
  const world = sandboxWorld()
  const of = { id: world.cloudId, name: 'sandbox', type: 'sandbox' }
  return { ...world, cloud: toldCalls(world.cloud, of, (_, work) => work()) }
})
