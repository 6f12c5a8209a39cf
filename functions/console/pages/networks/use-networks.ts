import { ofProject } from '../../api/of-project.ts'
import { bothOf, type Choices, type Named, useChoices } from '../../api/use-choices.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'

/**
 * Networks that servers of the project may be plugged into: its own, and those that are shared. An administrator sees all there
 * are, and is shown these alone.
 * @param inside only those that are not external
 */
export const useNetworks = (inside = false): Choices<Named> => {
  const isAdmin = has(useStore(door).session, 'admin')
  const path = `/networks?fields=id&fields=name&sort_key=name&sort_dir=asc${inside ? '&router:external=false' : ''}`
  const seen = useChoices<Named>('network', isAdmin ? ofProject(path) : path, 'networks')
  const shared = useChoices<Named>('network', isAdmin ? `${path}&shared=true` : null, 'networks')
  return bothOf(seen, shared)
}

/** Networks that lead to the world. */
export const useOutside = (): Choices<Named & { description: string }> =>
  useChoices('network', '/networks?router:external=true', 'networks')
