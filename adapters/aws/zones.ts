import { DescribeAvailabilityZonesCommand } from '@aws-sdk/client-ec2'
import type { Zone } from '../contract.ts'
import type { Context } from './context.ts'

/**
 * Availability zones of the region. Local and Wavelength zones are left out: what they offer differs too much.
 * EC2 does not say how full a zone is.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html (not paged)
 */
export const zones = async ({ ec2 }: Pick<Context, 'ec2'>): Promise<Zone[]> => {
  const { AvailabilityZones } = await ec2.send(new DescribeAvailabilityZonesCommand({}))
  return (AvailabilityZones ?? [])
    .filter((zone) => zone.ZoneName && (zone.ZoneType ?? 'availability-zone') === 'availability-zone')
    .map((zone) => ({ name: zone.ZoneName!, available: zone.State === 'available' }))
}
