import { DescribeSpotInstanceRequestsCommand, type Instance } from '@aws-sdk/client-ec2'
import type { Reclaim } from '../../contract.ts'
import { asCloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { allPages } from '../wire/paging.ts'

/**
 * What the request of a spot instance says for the two minutes in which EC2 is about to interrupt it.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
 */
const MARKED = ['marked-for-termination', 'marked-for-stop']

const isSpot = ({ InstanceLifecycle, State }: Instance): boolean =>
  InstanceLifecycle === 'spot' && State?.Name === 'running'

/**
 * Which of some instances EC2 has announced to interrupt, by id: one question about all of them, and none where no spot instance
 * runs. Where the account may not ask, or the endpoint knows no spot requests, nothing is announced.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotInstanceRequests.html
 */
export const announced = async ({ ec2 }: Context, instances: Instance[]): Promise<ReadonlyMap<string, Reclaim>> => {
  if (!instances.some(isSpot)) return new Map()
  const Filters = [{ Name: 'status-code', Values: MARKED }]
  try {
    const marked = await allPages(async (paging) => {
      const { SpotInstanceRequests = [], NextToken } = await ec2.send(
        new DescribeSpotInstanceRequestsCommand({ Filters, ...paging }),
      )
      return { items: SpotInstanceRequests, ...(NextToken ? { NextToken } : {}) }
    })
    return new Map(
      marked.flatMap(({ InstanceId, Status }) =>
        InstanceId && MARKED.includes(Status?.Code ?? '')
          ? [[InstanceId, { at: Status!.UpdateTime?.getTime() ?? null, words: Status!.Message || Status!.Code! }]]
          : [],
      ),
    )
  } catch (error) {
    if (['denied', 'definitive'].includes(asCloudError(error).code)) return new Map()
    throw error
  }
}
