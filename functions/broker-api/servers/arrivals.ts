import { reportReady } from '../../broker/compute/home/report.ts'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

export const arrivalOperations: Operation[] = [
  operation({
    name: 'arrival.report',
    method: 'POST',
    path: '/v1/arrivals/:word',
    who: 'public',
    summary:
      'A machine that is made at home for a server that is elsewhere says that it is ready. The word is in its user data, is of that machine alone, and can say nothing else. A body is not read.',
    status: 204,
    handle: async ({ context, params }) => {
      if (!(await reportReady(context, params.word ?? ''))) throw notFound('No machine is awaited under that word.')
      return {}
    },
  }),
]
