import { describe, expect, it } from 'vitest'
import { missingBlocks, vpcBlock } from '../../../adapters/aws/network/network.ts'
import { CloudError } from '../../../adapters/errors.ts'

describe('the block of a VPC', () => {
  it.each([
    [['10.0.0.0/24'], '10.0.0.0/24'],
    [['10.0.0.0/24', '10.0.1.0/24'], '10.0.0.0/23'],
    [['10.0.0.0/24', '10.0.3.0/24'], '10.0.0.0/22'],
    [['10.0.0.0/24', '10.0.255.0/28'], '10.0.0.0/16'],
    [['192.168.7.16/28'], '192.168.7.16/28'],
    [['172.16.0.0/16'], '172.16.0.0/16'],
    [['10.0.0.77/24'], '10.0.0.0/24'],
  ])('for %j is %s', (cidrs, block) => {
    expect(vpcBlock(cidrs)).toBe(block)
  })

  it('is as wide as the operator asks', () => {
    expect(vpcBlock(['10.0.5.0/24'], 16)).toBe('10.0.0.0/16')
    expect(vpcBlock(['10.0.5.0/24'], 20)).toBe('10.0.0.0/20')
  })

  it.each([
    ['wider than /16', ['10.0.0.0/15']],
    ['narrower than /28', ['10.0.0.0/29']],
    ['IPv6', ['fd00::/64']],
    ['no range at all', ['10.0.0.0']],
    ['too far apart', ['10.0.0.0/24', '10.1.0.0/24']],
    ['none', []],
  ])('is refused for ranges that are %s', (_, cidrs) => {
    expect(() => vpcBlock(cidrs)).toThrow(CloudError)
  })

  it('grows by the blocks that are missing', () => {
    expect(missingBlocks(['10.0.0.0/24'], ['10.0.0.0/25'])).toEqual([])
    expect(missingBlocks(['10.0.0.0/24'], ['10.0.0.0/24', '10.0.1.0/24'])).toEqual(['10.0.1.0/24'])
    expect(missingBlocks(['10.0.0.0/24'], ['10.0.2.0/24', '10.0.3.0/24'])).toEqual(['10.0.2.0/23'])
    expect(missingBlocks(['10.0.0.0/24'], ['10.1.0.0/24', '10.2.0.0/24'])).toEqual(['10.1.0.0/24', '10.2.0.0/24'])
    // As wide as asked, unless that would run into what is there.
    expect(missingBlocks(['10.0.0.0/24'], ['10.1.0.0/24'], 16)).toEqual(['10.1.0.0/16'])
    expect(missingBlocks(['10.0.0.0/24'], ['10.0.1.0/24'], 16)).toEqual(['10.0.1.0/24'])
  })
})
