import type { Input, Operation } from '../../http/operation.ts'
import { denialOf, forbidding } from '../refusals.ts'

/**
 * An operation of administrators in Neutron's order: what does not fit is 400, and what the caller does not see 404, before
 * he is told that he may not (neutron/pecan_wsgi/hooks: `body_validation`, then `policy_enforcement`).
 *
 * @param see throws where what is to be changed is not seen
 */
export const byAdministrators = (
  operation: Operation,
  see?: (input: Pick<Input, 'context' | 'params'>) => Promise<unknown>,
): Operation => ({
  ...operation,
  who: 'member',
  summary: `${operation.summary} For administrators.`,
  handle: async (input) => {
    await see?.(input)
    if (!input.context.caller?.isAdmin) throw forbidding(denialOf(operation))
    return operation.handle(input)
  },
})
